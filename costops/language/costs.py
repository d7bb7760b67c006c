"""Cost columns: the names that costops.yaml adds to those of FOCUS, and where rules name one.

Invariant: the name of an added cost column means nothing else, neither in rules nor in outputs, not even in other case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costops.language.bound import Bound
from costops.language.columns import FOCUS_COLUMNS
from costops.language.fields import RESERVED_IDS, RESERVED_PREFIXES
from costops.language.nearness import did_you_mean
from costops.language.nodes import MappingNode, Node, describe
from costops.language.problems import Problems
from costops.language.scalars import read_id, read_text
from costops.model.diagnostic import Span
from costops.model.rules import NOWHERE, Allocation, RuleSet

_FOCUS = {name.lower() for name in FOCUS_COLUMNS}
_RESERVED = {name.lower() for name in RESERVED_IDS}


def read_costs(node: Node, bound: Bound, path: str) -> tuple[tuple[str, str], ...] | None:
    """(cost column, column of the files) in the order written; None after a problem was reported.

    The place of each goes to `path.<cost column>`.
    """
    if not isinstance(node, MappingNode):
        hint = "write {cost column: column of the files}"
        bound.problems.error("CO203", node.span, f"a mapping is wanted here, this is {describe(node)}", hint=hint)
        return None
    before = bound.problems.errors
    pairs = []
    for key, value in node.pairs:
        name, column = read_id(key, bound.problems), read_text(value, bound.problems)
        if name is None:
            continue
        bound.places[f"{path}.{name}"] = key.span
        if name.lower() in _FOCUS:
            _refuse(name, key.span, "is a column of FOCUS", bound.problems)
        elif name.lower() in _RESERVED or name.startswith(RESERVED_PREFIXES):
            _refuse(name, key.span, "means something else where names stand", bound.problems)
        pairs.append((name, column or ""))
    return tuple(pairs) if bound.problems.errors == before else None


def names_of_costs(places: Mapping[str, Span]) -> dict[str, Span]:
    """Every cost column that costops.yaml adds, also where its column has a mistake, with the place of the first."""
    found: dict[str, Span] = {}
    for path, span in places.items():
        head, mark, name = path.partition("].costs.")
        if mark and head.startswith("billing["):
            found.setdefault(name, span)
    return found


def report_names_in_two_cases(places: Mapping[str, Span], problems: Problems) -> None:
    """Reports added cost columns whose names differ in case alone."""
    first_of: dict[str, str] = {}
    for name, span in names_of_costs(places).items():
        first = first_of.setdefault(name.lower(), name)
        if first != name:
            _refuse(name, span, f"differs from `{first}` in case alone", problems)


def check_cost_names(rules: RuleSet, places: Mapping[str, Span], problems: Problems) -> None:
    """Reports added cost columns that are called like a dimension or a label."""
    ids = {entry.id: kind for kind, entry in rules.entries() if kind in ("label", "dimension")}
    for name, span in names_of_costs(places).items():
        if name in ids:
            _refuse(name, span, f"is the id of a {ids[name]}", problems)


def check_basis_cost(allocation: Allocation, cost_columns: Sequence[str], problems: Problems) -> None:
    """Reports a `basis.cost` that is neither a cost column of FOCUS nor one of costops.yaml."""
    if allocation.basis_cost is not None:
        report_unknown_cost("basis.cost", allocation.basis_cost, allocation.place("basis.cost"), cost_columns, problems)


def report_unknown_cost(path: str, name: str, span: Span | None, known: Sequence[str], problems: Problems) -> None:
    """Reports a name that is none of the known cost columns."""
    if name not in known:
        hint = did_you_mean(name, known, f"use one of {', '.join(known)}, or name it in `costs` of a billing source")
        problems.error("CO205", span or NOWHERE, f"`{path}` cannot be `{name}`", hint=hint)


def _refuse(name: str, span: Span, reason: str, problems: Problems) -> None:
    message = f"a cost column cannot be called `{name}`, which {reason}"
    problems.error("CO611", span, message, hint=f"choose another name, such as x_{name}")
