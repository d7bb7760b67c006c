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

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import repeat
from operator import add, floordiv, itemgetter, mul, sub

from costops.model.version_diff import BILL, End, Flow

Values = tuple[str | None, ...]
Row = tuple[str, str, str, Values, int]
"""Billing month, day, currency, value of each dimension, and picos."""

_Deltas = Mapping[tuple[str, str, str], Mapping[Values, int]]
"""Picos gained by billing month, day and currency, then by values."""
_Gain = tuple[Values, str | None, int]
"""Picos that an element gained, and values of any of the rows of its group."""
_Matrix = dict[End, dict[End, int]]
"""Picos by source, then target."""
_Side = Sequence[tuple[End, int]]
"""Who loses, or who gains, and how many picos, above 0."""


def flows_between(
    before: Iterable[Row], after: Iterable[Row], dimensions: Sequence[str], unwritten: Collection[str] = ()
) -> tuple[Flow, ...]:
    """Flows of every dimension from the rows of one ledger to those of another; rows that both have may be left out.

    `unwritten` are dimensions that no rule writes, such as columns of the bill: in those, cost only comes and goes.
    """
    deltas = _deltas(before, after)
    flows: list[Flow] = []
    for place, dimension in enumerate(dimensions):
        others = [each for each in range(len(dimensions)) if each != place]
        kept = [each for each in others if dimensions[each] in unwritten]
        grounds = [] if dimension in unwritten else [others] if kept == others else [others, kept]
        for currency, matrix in sorted(_matrices(deltas, place, grounds).items()):
            flows += _flows(dimension, currency, matrix)
    return tuple(flows)


def _deltas(before: Iterable[Row], after: Iterable[Row]) -> _Deltas:
    deltas: dict[tuple[str, str, str], dict[Values, int]] = {}
    for sign, rows in ((-1, before), (1, after)):
        for month, day, currency, values, amount in rows:
            key = (month, day, currency)
            if key in deltas:
                of_day = deltas[key]
            else:
                of_day = deltas[key] = {}
            of_day[values] = of_day.get(values, 0) + sign * amount
    return deltas


def _matrices(deltas: _Deltas, place: int, grounds: Sequence[Sequence[int]]) -> dict[str, _Matrix]:
    """Flows of the dimension at `place`, by currency.

    `grounds` are places of the dimensions that must be equal for cost to move, one choice after the other.
    """
    matrices: dict[str, _Matrix] = {}
    for (_, _, currency), of_values in deltas.items():
        matrix = matrices.setdefault(currency, {})
        left: Iterable[_Gain] = [(values, values[place], delta) for values, delta in of_values.items() if delta]
        for ground in grounds:
            left = _matched(left, itemgetter(*ground) if ground else _anywhere, matrix)
        for _, element, delta in left:
            _count(matrix, BILL, element, delta)
    return matrices


def _anywhere(_: Values) -> None:
    """What every row has in common."""


def _matched(gains: Iterable[_Gain], ground: Callable[[Values], object], matrix: _Matrix) -> list[_Gain]:
    """Counts into the matrix what can be matched on this ground; what is left over."""
    groups: dict[object, tuple[Values, dict[str | None, int]]] = {}
    for values, element, delta in gains:
        key = ground(values)
        if key in groups:
            group = groups[key][1]
            group[element] = group.get(element, 0) + delta
        else:
            groups[key] = (values, {element: delta})
    left: list[_Gain] = []
    for values, group in groups.values():
        rest = _settled(group, matrix) if len(group) > 1 else group
        left += [(values, element, delta) for element, delta in rest.items() if delta]
    return left


def _settled(group: Mapping[str | None, int], matrix: _Matrix) -> Mapping[str | None, int]:
    """Matches the losers and the gainers of a group; what the larger side has left over, by element."""
    losers: list[tuple[End, int]] = [(element, -delta) for element, delta in group.items() if delta < 0]
    gainers: list[tuple[End, int]] = [(element, delta) for element, delta in group.items() if delta > 0]
    if not losers or not gainers:
        return group
    surplus = sum(group.values())
    if surplus:
        (losers if surplus > 0 else gainers).append((BILL, abs(surplus)))
    left: dict[str | None, int] = {}
    for (source, _), amounts in zip(losers, _shares(losers, gainers), strict=True):
        if source is BILL:
            left = {element: amount for (element, _), amount in zip(gainers, amounts, strict=True)}  # type: ignore[misc]
            continue
        row = matrix.setdefault(source, {})
        for (target, _), amount in zip(gainers, amounts, strict=True):
            if target is BILL:
                left[source] = -amount
            else:
                row[target] = row.get(target, 0) + amount
    return left


def _shares(losers: _Side, gainers: _Side) -> list[list[int]]:
    """What each loser pays each gainer, in proportion; both sides have the same sum, and each amount is met exactly.

    Shares are cut to whole picos. What the cuts take from the sides is handed on from the largest of one side to the
    largest of the other; ties go by name. So no share is further from the exact one than a pico per element, and the
    sides can be exchanged.
    """
    owed, due = [amount for _, amount in losers], [amount for _, amount in gainers]
    if len(owed) == 1:
        return [due]
    if len(due) == 1:
        return [[amount] for amount in owed]
    total = sum(owed)
    shares = [list(map(floordiv, map(mul, repeat(amount), due), repeat(total))) for amount in owed]
    paid = [0] * len(due)
    for row, amounts in enumerate(shares):
        owed[row] -= sum(amounts)
        paid = list(map(add, paid, amounts))
    due = list(map(sub, due, paid))
    rows, columns = (sorted(range(len(side)), key=lambda each: _rank(side[each])) for side in (losers, gainers))
    following = iter(columns)
    column = next(following)
    for row in rows:
        while owed[row]:
            step = min(owed[row], due[column])
            shares[row][column] += step
            owed[row] -= step
            due[column] -= step
            if not due[column]:
                column = next(following, column)
    return shares


def _rank(amount_of: tuple[End, int]) -> tuple[int, tuple[int, str]]:
    end, amount = amount_of
    return -amount, _name(end)


def _name(end: End) -> tuple[int, str]:
    """Where an end stands among others of the same amount: the unallocated first, the bill last."""
    if end is BILL:
        return 2, ""
    return (0, "") if end is None else (1, str(end))


def _count(matrix: _Matrix, source: End, target: End, amount: int) -> None:
    """Count a flow whose amount may be below 0."""
    if amount < 0:
        source, target, amount = target, source, -amount
    row = matrix.setdefault(source, {})
    row[target] = row.get(target, 0) + amount


def _flows(dimension: str, currency: str, matrix: _Matrix) -> list[Flow]:
    """The matrix as flows, the largest first; of two that run against each other, the difference."""
    flows = []
    for source, row in matrix.items():
        for target, amount in row.items():
            net = amount - matrix.get(target, {}).get(source, 0)
            if net > 0:
                flows.append(Flow(dimension, currency, source, target, net))
    return sorted(flows, key=lambda flow: (-flow.amount, _name(flow.source), _name(flow.target)))
