"""Groups of losers and gainers matched in proportion, and added up over all groups.

Invariant: what a loser pays in all and what a gainer gets in all is exact to the pico; only how that spreads over the
other side is cut to whole picos, once for all groups, so that no amount is further from the exact proportion than one
pico per element.

An element is a number from 0 on, its place among the names. In a group of n losers and m gainers n times m amounts are
worked out. Where most elements are in most groups, those of one loser are worked out together: the amounts of all
gainers stand side by side in one long integer, which is multiplied once.
"""

from __future__ import annotations

from collections.abc import Sequence

Side = Sequence[tuple[int, int]]
"""Element and picos above 0 of each loser, or of each gainer."""

_MORE_PLACES = 24
"""Binary places that keep what 16 million groups leave out in one amount below a pico."""

_WORTH_PACKING = 16
"""How many elements of a long integer are multiplied in the time of one amount by itself."""


class Matching:
    """What elements pay one another."""

    def __init__(self, elements: int, total: int) -> None:
        """For so many elements, and amounts that add up to at most `total` picos on each side."""
        self._elements = elements
        self._lost = [0] * elements
        self._gained = [0] * elements
        # A share of a whole has as many binary places as any amount, and more; so have the picos that it makes.
        self._places = total.bit_length() + _MORE_PLACES
        self._cells: dict[int, dict[int, int]] = {}
        self._packed: dict[int, int] = {}
        self._slot = (self._places + total.bit_length()) // 8 + 1
        self._nothing = bytes(self._slot)

    def match(self, losers: Side, gainers: Side) -> None:
        """Let each loser pay each gainer in proportion; both sides have the same sum."""
        for element, amount in losers:
            self._lost[element] += amount
        total = 0
        for element, amount in gainers:
            self._gained[element] += amount
            total += amount
        if len(losers) == 1 or len(gainers) == 1 or len(gainers) * _WORTH_PACKING < self._elements:
            for source, owed in losers:
                share = (owed << self._places) // total
                row = self._cells.setdefault(source, {})
                for target, due in gainers:
                    row[target] = row.get(target, 0) + share * due
        else:
            packed = self._pack(gainers)
            for source, owed in losers:
                share = (owed << self._places) // total
                self._packed[source] = self._packed.get(source, 0) + share * packed

    def cells(self) -> dict[int, dict[int, int]]:
        """Picos by loser, then gainer; what an element would pay itself is left out."""
        exact = {source: dict(row) for source, row in self._cells.items()}
        for source, packed in self._packed.items():
            row = exact.setdefault(source, {})
            for target, amount in self._unpack(packed):
                row[target] = row.get(target, 0) + amount
        cut = {
            source: {target: amount >> self._places for target, amount in row.items()} for source, row in exact.items()
        }
        self._hand_on(cut)
        for element, row in cut.items():
            row.pop(element, None)
        return cut

    def _pack(self, gainers: Side) -> int:
        slots = [self._nothing] * (1 + max(element for element, _ in gainers))
        for element, amount in gainers:
            slots[element] = amount.to_bytes(self._slot, "little")
        return int.from_bytes(b"".join(slots), "little")

    def _unpack(self, packed: int) -> list[tuple[int, int]]:
        written = packed.to_bytes(self._slot * self._elements, "little")
        starts = range(0, len(written), self._slot)
        amounts = [int.from_bytes(written[start : start + self._slot], "little") for start in starts]
        return [(element, amount) for element, amount in enumerate(amounts) if amount]

    def _hand_on(self, cells: dict[int, dict[int, int]]) -> None:
        """Adds what the cut took: from the largest loser on to the largest gainer on, ties by name."""
        owed, due = list(self._lost), list(self._gained)
        for source, row in cells.items():
            owed[source] -= sum(row.values())
            for target, amount in row.items():
                due[target] -= amount
        targets = iter(_by_size(self._gained))
        target = next(targets, 0)
        for source in _by_size(self._lost):
            while owed[source]:
                step = min(owed[source], due[target])
                row = cells.setdefault(source, {})
                row[target] = row.get(target, 0) + step
                owed[source] -= step
                due[target] -= step
                if not due[target]:
                    target = next(targets, target)


def _by_size(amounts: Sequence[int]) -> list[int]:
    return sorted(range(len(amounts)), key=lambda element: (-amounts[element], element))


def parts_of(side: Side, amount: int) -> list[int]:
    """`amount` picos, less than a side has in all, taken from its elements in proportion.

    Picos that the cut leaves are taken one by one from the largest on, ties by name. No element gives more than it has.
    """
    total = sum(each for _, each in side)
    parts = [amount * each // total for _, each in side]
    missing = amount - sum(parts)
    if missing:
        places = sorted(range(len(side)), key=lambda place: (-side[place][1], side[place][0]))
        for place in places[:missing]:
            parts[place] += 1
    return parts
