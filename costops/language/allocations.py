"""One allocation: from its bound fields to the model, with what its method needs and does not use.

Invariant: a field that the method does not use is reported and left out, so that it can never change money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from costops.language.bound import Bound
from costops.language.elements import Element, read_elements, read_percentages
from costops.language.fields import ALLOCATION, Field
from costops.language.nodes import Node
from costops.model.rules import Allocation, Method

_MISSING_CODES = {"to.percent": "CO504", "basis.metric": "CO509"}


def build_allocation(bound: Bound, common: Mapping[str, Any]) -> Allocation:
    """The allocation; after a problem was reported, what is right of it."""
    method = bound.text("method")
    if method is not None:
        _leave_out_unused(bound, method)
        _report_missing(bound, method)
    to = bound.words("to.dimension")
    values, percent = _elements(bound, to)
    into = bound.words("into") if bound.has("into") else to
    if to and into and len(into) != len(to):
        message = f"`into` names {len(into)} and `to.dimension` {len(to)}; each needs its own"
        bound.problems.error("CO505", bound.places["into"], message)
    return Allocation(
        **common,
        source=bound.condition("source.where"),
        allocated=bound.text("source.allocated") or "exclude",
        method=Method(method or Method.EVEN),
        to=to,
        values=values,
        percent=percent,
        into=into,
        basis=bound.condition("basis.where"),
        basis_cost=bound.text("basis.cost"),
        basis_metric=bound.text("basis.metric"),
        granularity=bound.text("basis.granularity") or "charge_period",
        negative=bound.text("basis.negative") or "clip",
        partition_by=bound.words("partition_by"),
        on_empty=bound.text("on_empty") or "unallocated",
    )


def _elements(bound: Bound, to: Element) -> tuple[tuple[Element, ...], tuple[tuple[Element, int], ...]]:
    values: tuple[Element, ...] | None = None
    percent: tuple[tuple[Element, int], ...] | None = None
    if to and bound.has("to.values"):
        values = read_elements(cast("Node", bound.values["to.values"]), to, bound, "to.values")
    if to and bound.has("to.percent"):
        percent = read_percentages(cast("Node", bound.values["to.percent"]), to, bound, "to.percent")
    return values or (), percent or ()


def _leave_out_unused(bound: Bound, method: str) -> None:
    given = method == "even" and "to.values" in bound.keys
    for path, field in _with_paths(ALLOCATION, ""):
        wrong_method = bool(field.methods) and method not in field.methods
        if path in bound.keys and (wrong_method or (given and field.basis_only)):
            who = f"the method `{method}`" if wrong_method else f"the method `{method}` with `to.values`"
            hint = "remove it, or choose another method"
            bound.problems.warn("CO218", bound.keys[path], f"{who} does not use `{path}`", hint=hint)
            bound.forget(path)


def _with_paths(fields: tuple[Field, ...], path: str) -> Iterator[tuple[str, Field]]:
    for field in fields:
        full = f"{path}.{field.name}" if path else field.name
        yield full, field
        yield from _with_paths(field.fields, full)


def _report_missing(bound: Bound, method: str) -> None:
    for path, field in _with_paths(ALLOCATION, ""):
        alone = path.startswith("to.") and "to" not in bound.keys
        if method in field.required_by and path not in bound.keys and not alone:
            message = f"the method `{method}` needs `{path}`"
            bound.problems.error(_MISSING_CODES[path], bound.keys["method"], message, hint=field.doc)
