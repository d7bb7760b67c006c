"""One allocation: from its bound fields to the model, with what its method needs and does not use.

Invariant: a field that the method does not use is reported and left out, so that it can never change money.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from costops.language.bound import Bound
from costops.language.elements import Element, read_element, read_elements, read_percentages
from costops.language.fields import ALLOCATION, Field
from costops.language.nodes import Node, ScalarNode
from costops.model.rules import Allocation, Cutoff, Method
from costops.money import WHOLE_PICOS

_EXCLUSIVE = {
    "to.where": ("to.values", "to.percent"),
    "to.exclude": ("to.values", "to.percent"),
    "basis.quantity": ("basis.cost",),
}
"""Fields that cannot stand beside others."""

_MISSING_CODES = {"to.percent": "CO504", "basis.metric": "CO509"}


def build_allocation(bound: Bound, common: Mapping[str, Any]) -> Allocation:
    """The allocation; after a problem was reported, what is right of it."""
    method = bound.text("method")
    _report_exclusive(bound)
    if method is not None:
        _leave_out_unused(bound, method)
        _report_missing(bound, method)
    to = bound.words("to.dimension")
    remainder = _element(bound, to, "to.remainder", unallocated=())
    values, percent = _elements(bound, to, remainder)
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
        remainder=remainder,
        element_where=bound.condition("to.where"),
        excluded=_excluded(bound, to),
        into=into,
        basis=bound.condition("basis.where"),
        basis_cost=bound.text("basis.cost"),
        basis_quantity=bound.text("basis.quantity"),
        basis_metrics=bound.weights("basis.metric"),
        basis_from=bound.text("basis.from") or "running",
        include_source=bound.flag("basis.include_source", False),
        granularity=bound.text("basis.granularity") or "charge_period",
        negative=bound.text("basis.negative") or "clip",
        partition_by=bound.words("partition_by"),
        on_empty=bound.text("on_empty") or "unallocated",
        cutoff=_cutoff(bound, to),
        effective_from=bound.text("effective.from"),
        effective_until=_until(bound),
    )


def _report_exclusive(bound: Bound) -> None:
    for path, others in _EXCLUSIVE.items():
        other = next((each for each in others if each in bound.keys), None)
        if path in bound.keys and other is not None:
            related = ((bound.keys[other], f"`{other}` is here"),)
            message = f"an allocation has `{path}` or `{other}`, not both"
            bound.problems.error("CO219", bound.keys[path], message, related=related, hint="remove one of them")
            bound.forget(path)


def _element(bound: Bound, to: Element, path: str, unallocated: Element | None = None) -> Element | None:
    """One element; `unallocated` for that word, where it has a meaning of its own."""
    if not to or not bound.has(path):
        return None
    node = cast("Node", bound.values[path])
    if unallocated is not None and isinstance(node, ScalarNode) and node.text == "unallocated":
        return unallocated
    return read_element(node, to, bound.problems)


def _excluded(bound: Bound, to: Element) -> tuple[Element, ...]:
    if not to or not bound.has("to.exclude"):
        return ()
    return read_elements(cast("Node", bound.values["to.exclude"]), to, bound, "to.exclude") or ()


def _cutoff(bound: Bound, to: Element) -> Cutoff | None:
    if not bound.has("cutoff") or not bound.has("cutoff.percent"):
        return None
    percent = cast("int", bound.values["cutoff.percent"])
    if not 0 < percent < WHOLE_PICOS:
        message = "the percentage of a cutoff is above 0 and below 100"
        bound.problems.error("CO511", bound.place("cutoff.percent"), message)
        return None
    return Cutoff(percent, _element(bound, to, "cutoff.as"))


def _until(bound: Bound) -> str | None:
    first, last = bound.text("effective.from"), bound.text("effective.until")
    if first is not None and last is not None and last < first:
        related = ((bound.place("effective.from"), "it begins here"),)
        message = f"the rule ends on {last}, before it begins"
        bound.problems.error("CO512", bound.place("effective.until"), message, related=related)
    return last


def _elements(
    bound: Bound, to: Element, remainder: Element | None
) -> tuple[tuple[Element, ...], tuple[tuple[Element, int], ...]]:
    values: tuple[Element, ...] | None = None
    percent: tuple[tuple[Element, int], ...] | None = None
    if to and bound.has("to.values"):
        values = read_elements(cast("Node", bound.values["to.values"]), to, bound, "to.values")
    if to and bound.has("to.percent"):
        percent = read_percentages(cast("Node", bound.values["to.percent"]), to, bound, "to.percent", remainder)
    return values or (), percent or ()


def _leave_out_unused(bound: Bound, method: str) -> None:
    given = method == "even" and "to.values" in bound.keys
    for path, field in _FIELDS:
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


_FIELDS = tuple(_with_paths(ALLOCATION, ""))
"""Every field of an allocation with its path."""


def _report_missing(bound: Bound, method: str) -> None:
    for path, field in _FIELDS:
        alone = path.startswith("to.") and "to" not in bound.keys
        if method in field.required_by and path not in bound.keys and not alone:
            message = f"the method `{method}` needs `{path}`"
            bound.problems.error(_MISSING_CODES[path], bound.keys["method"], message, hint=field.doc)
