"""Who lost to whom how much between two ledgers, from element to element.

Invariant: per dimension, currency and element, what flows in less what flows out is exactly the difference of its cost;
it depends on no order of rows, and the flows back are the flows there with their ends exchanged.

A rule moves cost within one billing month, day and currency, and writes nothing but labels and dimensions. So in each
dimension the elements that lose and those that gain are matched where everything else is equal: first the values of all
other dimensions, then, with what is left over, of those that no rule writes. What is left over then came with the bill
or went with it. In a group in which several lose and several gain nobody can say more than that each loser paid each
gainer in proportion, and so they are matched.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from costops.model.version_diff import BILL, End, Flow
from costops.planning.matching import Matching, Side, parts_of

Values = tuple[str | None, ...]
Row = tuple[str, str, str, Values, int]
"""Billing month, day, currency, value of each dimension, and picos."""

_Place = tuple[str, str, str]
"""Billing month, day and currency."""
_Deltas = Mapping[_Place, Mapping[int, int]]
"""Picos gained by place, then by the number of the values."""
_Gain = tuple[int, int, int]
"""Number of the values of any row of a group, element, and the picos that the element gains in it."""


def flows_between(
    before: Iterable[Row], after: Iterable[Row], dimensions: Sequence[str], unwritten: Collection[str] = ()
) -> tuple[Flow, ...]:
    """Flows of every dimension from the rows of one ledger to those of another; rows that both have may be left out.

    `unwritten` are dimensions that no rule writes, such as columns of the bill: in those, cost only comes and goes.
    """
    numbers, deltas = _deltas(before, after)
    known = list(numbers)
    is_backwards = _first_falls(known, deltas)
    flows: list[Flow] = []
    for place, dimension in enumerate(dimensions):
        others = [each for each in range(len(dimensions)) if each != place]
        kept = [each for each in others if dimensions[each] in unwritten]
        grounds = [] if dimension in unwritten else [others] if kept == others else [others, kept]
        elements = sorted({values[place] for values in known}, key=lambda value: (value is not None, value or ""))
        ranks = {value: rank for rank, value in enumerate(elements)}
        column = [ranks[values[place]] for values in known]
        keys = [_keys(known, ground) for ground in grounds]
        for currency in sorted({currency for _, _, currency in deltas}):
            days = [of_day for (_, _, each), of_day in deltas.items() if each == currency]
            matrix = _matrix(days, column, keys, len(elements), is_backwards)
            flows += _flows(dimension, currency, [*elements, BILL], matrix, is_backwards)
    return tuple(flows)


def _deltas(before: Iterable[Row], after: Iterable[Row]) -> tuple[Mapping[Values, int], _Deltas]:
    """Numbers of all values, and what each gains."""
    numbers: dict[Values, int] = {}
    deltas: dict[_Place, dict[int, int]] = {}
    for sign, rows in ((-1, before), (1, after)):
        place: _Place | None = None
        gains: dict[int, int] = {}
        for month, day, currency, values, amount in rows:
            if (month, day, currency) != place:
                place = (month, day, currency)
                gains = deltas.setdefault(place, {})
            number = numbers.setdefault(values, len(numbers))
            gains[number] = gains.get(number, 0) + sign * amount
    return numbers, deltas


def _first_falls(known: Sequence[Values], deltas: _Deltas) -> bool:
    """Whether the first delta of all is below 0: then everything is worked out backwards.

    So it is the same amounts that are cut to picos, whichever of the two ledgers is the older one.
    """
    for place in sorted(deltas):
        moving = [number for number, delta in deltas[place].items() if delta]
        if moving:
            first = min(moving, key=lambda number: [(value is not None, value or "") for value in known[number]])
            return deltas[place][first] < 0
    return False


def _keys(known: Sequence[Values], ground: Sequence[int]) -> list[int]:
    """For the number of each values that of the group that it is in where these dimensions must be equal."""
    groups: dict[Values, int] = {}
    return [groups.setdefault(tuple([values[place] for place in ground]), len(groups)) for values in known]


def _matrix(
    days: Sequence[Mapping[int, int]],
    column: Sequence[int],
    grounds: Sequence[Sequence[int]],
    elements: int,
    turned: bool,
) -> Mapping[int, Mapping[int, int]]:
    """Picos by source, then target, of one dimension and currency; the bill is one element more.

    `column` and each of `grounds` have for the number of each values its element and its group. `turned`: what the
    days gain is lost.
    """
    sign = -1 if turned else 1
    matching = Matching(elements, sum(abs(delta) for of_day in days for delta in of_day.values()))
    gained = [0] * elements
    for of_day in days:
        left = [(number, column[number], sign * delta) for number, delta in of_day.items() if delta]
        for keys in grounds:
            left = _matched(left, keys, matching)
        for _, element, gain in left:
            gained[element] += gain
    cells = matching.cells()
    for element, gain in enumerate(gained):
        if gain < 0:
            cells.setdefault(element, {})[elements] = -gain
    cells[elements] = {element: gain for element, gain in enumerate(gained) if gain > 0}
    return cells


def _matched(gains: Sequence[_Gain], keys: Sequence[int], matching: Matching) -> list[_Gain]:
    """Matches what can be matched within groups; what is left over, by group and element."""
    groups: dict[int, tuple[int, dict[int, int]]] = {}
    for number, element, gain in gains:
        key = keys[number]
        if key in groups:
            group = groups[key][1]
            group[element] = group.get(element, 0) + gain
        else:
            groups[key] = (number, {element: gain})
    left: list[_Gain] = []
    for number, group in groups.values():
        losers = [(element, -gain) for element, gain in group.items() if gain < 0]
        gainers = [(element, gain) for element, gain in group.items() if gain > 0]
        if not losers or not gainers:
            left += [(number, element, gain) for element, gain in group.items() if gain]
            continue
        surplus = sum(group.values())
        if surplus > 0:
            gainers, over = _without(gainers, surplus)
            left += [(number, element, amount) for element, amount in over]
        elif surplus < 0:
            losers, over = _without(losers, -surplus)
            left += [(number, element, -amount) for element, amount in over]
        matching.match(losers, gainers)
    return left


def _without(side: Side, amount: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """A side without so much of it, taken in proportion, and what was taken."""
    parts = parts_of(side, amount)
    kept = [(element, each - part) for (element, each), part in zip(side, parts, strict=True)]
    return kept, [(element, part) for (element, _), part in zip(side, parts, strict=True) if part]


def _flows(
    dimension: str, currency: str, ends: Sequence[End], matrix: Mapping[int, Mapping[int, int]], turned: bool
) -> list[Flow]:
    """The matrix as flows, the largest first; of two that run against each other, the difference."""
    found = []
    for source, row in matrix.items():
        for target, amount in row.items():
            net = amount - matrix.get(target, {}).get(source, 0)
            if net > 0:
                found.append((-net, *((target, source) if turned else (source, target))))
    return [Flow(dimension, currency, ends[source], ends[target], -net) for net, source, target in sorted(found)]
