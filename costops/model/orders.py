"""Two orders of the same ids: what has moved between them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def moved_ids(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The smallest set of ids whose removal leaves both orders equal; of several such sets always the same one."""
    place = {each: number for number, each in enumerate(new)}
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int | None] = []
    for index, each in enumerate(old):
        length = bisect_left(tails, place[each])
        previous.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(place[each])
            ends.append(index)
        else:
            tails[length] = place[each]
            ends[length] = index
    kept: set[str] = set()
    cursor: int | None = ends[-1] if ends else None
    while cursor is not None:
        kept.add(old[cursor])
        cursor = previous[cursor]
    return set(old) - kept
