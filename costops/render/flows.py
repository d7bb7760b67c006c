"""Who lost to whom, for people: a matrix where it is small, else a list with the largest first.

Invariant: the amounts shown for a dimension and currency, with what is said of those that are not shown, add up to the
total that is shown; a total of rows or columns is the sum of what stands in them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from costops.model.version_diff import BILL, End, Flow
from costops.money import quantum_picos, round_from_top
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import in_quanta
from costops.render.safe import safe_text
from costops.render.table import shown_width, table_lines

THE_BILL = "(the bill)"
SHOWN_FLOWS = 10
LARGEST_MATRIX = 6
"""Rows, and columns."""
INDENT = "      "

_Quanta = Mapping[Flow, int]


def flow_lines(flows: Sequence[Flow], *, width: int, everything: bool) -> list[str]:
    """One block for each dimension and currency, with an empty line between; `everything` shows every flow."""
    currencies = {each.currency for each in flows}
    lines: list[str] = []
    for (dimension, currency), group in groupby(flows, key=lambda each: (each.dimension, each.currency)):
        name = safe_text(f"{dimension} {currency}") if len(currencies) > 1 else safe_text(dimension)
        chosen = list(group)
        quanta = _rounded(chosen)
        block = _matrix(name, chosen, quanta, width - len(INDENT)) or _list(name, chosen, quanta, everything)
        lines += [*([""] if lines else []), *(f"{INDENT}{line}" for line in block)]
    return lines


def _rounded(flows: Sequence[Flow]) -> _Quanta:
    named = [(f"{_name(each.source)} {_name(each.target)}", each.amount) for each in flows]
    return dict(zip(flows, round_from_top(named, quantum_picos(flows[0].currency)), strict=True))


def _name(end: End) -> str:
    if end is BILL:
        return THE_BILL
    return UNALLOCATED if end is None else safe_text(str(end))


def _list(name: str, flows: Sequence[Flow], quanta: _Quanta, everything: bool) -> list[str]:
    currency = flows[0].currency
    visible = [each for each in flows if quanta[each]]
    if not everything:
        visible = visible[:SHOWN_FLOWS]
    rows = [[_name(each.source), _name(each.target), in_quanta(quanta[each], currency)] for each in visible]
    total = sum(quanta.values())
    hidden = len(flows) - len(visible)
    if hidden:
        more = f" of less than {in_quanta(1, currency)}" if everything else " (--all)"
        rest = total - sum(quanta[each] for each in visible)
        rows.append([f"... {hidden:,} more{more}", "", in_quanta(rest, currency)])
    if len(rows) > 1:
        rows.append(["total", "", in_quanta(total, currency)])
    cells = [[name if not place else "", *row] for place, row in enumerate(rows)]
    return table_lines([["", "from", "to", "amount"], *cells], right=[False, False, False, True])


def _matrix(name: str, flows: Sequence[Flow], quanta: _Quanta, width: int) -> list[str]:
    """Rows from whom, columns to whom; nothing where it is a single row or column, too large or too wide."""
    sources, targets = _once([each.source for each in flows]), _once([each.target for each in flows])
    if not all(1 < len(side) <= LARGEST_MATRIX for side in (sources, targets)):
        return []
    currency = flows[0].currency
    cells = {(each.source, each.target): quanta[each] for each in flows}

    def line(head: str, wanted: Sequence[End]) -> list[str]:
        amounts = [
            [cells[pair] for pair in ((source, target) for source in wanted) if pair in cells] for target in targets
        ]
        shown = ["" if not each else in_quanta(sum(each), currency) for each in amounts]
        return [head, *shown, in_quanta(sum(map(sum, amounts)), currency)]

    rows = [
        [f"{name} from, to:", *map(_name, targets), "total"],
        *(line(_name(source), [source]) for source in sources),
        line("total", sources),
    ]
    lines = table_lines(rows, right=[False, *(True for _ in targets), True])
    return lines if all(shown_width(each) <= width for each in lines) else []


def _once(ends: Sequence[End]) -> list[End]:
    """Each end once, in the order in which it first stands; what is unallocated and the bill last."""
    return sorted(dict.fromkeys(ends), key=lambda end: (end is BILL, end is None))
