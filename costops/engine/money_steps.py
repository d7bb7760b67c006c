"""Money of a rule set after some of its allocations, kept as what moves between them.

Invariant: amounts are exact and never 0, and the money after a count is the money after any earlier one with what has
moved since.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Element = tuple[str, str | None, str]
"""(report dimension, value, currency); a value of None is unallocated."""

Money = dict[Element, int]
"""Elements to picos; elements of 0 are left out."""


@dataclass(frozen=True, slots=True)
class MoneySteps:
    """Cost by element after so many enabled allocations of a rule set, for some counts of them."""

    counts: tuple[int, ...]
    """The counts that can be asked for, rising; the last one is all allocations."""
    moves: tuple[Money, ...]
    """For each count what has moved since the count before it; for the first one all the money there is."""

    def money_after(self, count: int) -> Money:
        """Cost by element after `count` allocations; raises ValueError for a count that was not wanted."""
        return _together(self.moves[: self._place(count) + 1])

    def moved_between(self, first: int, last: int) -> Money:
        """What is more after `last` allocations than after `first`; raises ValueError as `money_after` does.

        It costs what moved, however much money there is.
        """
        if first > last:
            return {element: -picos for element, picos in self.moved_between(last, first).items()}
        return _together(self.moves[self._place(first) + 1 : self._place(last) + 1])

    def _place(self, count: int) -> int:
        place = bisect_left(self.counts, count)
        if place == len(self.counts) or self.counts[place] != count:
            raise ValueError(f"money after {count} allocations was not asked for, only after {self.counts}")
        return place


def money_steps(moved: Iterable[tuple[int, Element, int]], count: int, after: Sequence[int] = ()) -> MoneySteps:
    """Money after each count of `after`, and after all `count` allocations.

    `moved` has (number of the allocation, element, picos that it adds there) in any order, the bill's own money being
    of number 0; what several rows say of one element is added up.
    """
    counts = tuple(sorted({*after, count}))
    moves: tuple[Money, ...] = tuple({} for _ in counts)
    for number, element, picos in moved:
        # What moves after the last count cannot be: there is no such allocation.
        sums = moves[bisect_left(counts, number)]
        sums[element] = sums.get(element, 0) + picos
    return MoneySteps(counts, tuple(_without_zeros(each) for each in moves))


def difference(before: Money, after: Money) -> Money:
    """What is more in `after` than in `before`."""
    sums = dict(after)
    for element, picos in before.items():
        sums[element] = sums.get(element, 0) - picos
    return _without_zeros(sums)


def _together(moves: Sequence[Money]) -> Money:
    if len(moves) == 1:
        return dict(moves[0])
    sums: Money = {}
    for each in moves:
        for element, picos in each.items():
            sums[element] = sums.get(element, 0) + picos
    return _without_zeros(sums)


def _without_zeros(money: Money) -> Money:
    return {element: picos for element, picos in money.items() if picos}
