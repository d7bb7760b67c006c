"""Finds the name a person probably meant.

Invariant: the answer depends on the words alone, never on the order of a set.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


def did_you_mean(word: str, candidates: Iterable[str], otherwise: str | None = None) -> str | None:
    """A hint with the nearest candidate, or another hint where none is near."""
    near = near_miss(word, candidates)
    return f"did you mean `{near}`?" if near else otherwise


def near_miss(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate nearest to `word`, if it is near enough to be a slip; never `word` itself."""
    best: tuple[int, str] | None = None
    plain = _plain(word)
    for candidate in sorted(set(candidates) - {word}):
        if _plain(candidate) == plain:
            return candidate
        allowed = _allowed(min(len(word), len(candidate)))
        distance = _distance(word.lower(), candidate.lower(), allowed)
        if distance <= allowed and (best is None or distance < best[0]):
            best = (distance, candidate)
    return best[1] if best else None


def _plain(word: str) -> str:
    return re.sub(r"[-_. ]", "", word).lower()


def _allowed(length: int) -> int:
    return 0 if length < 3 else max(1, min(3, length // 4))


def _distance(left: str, right: str, limit: int) -> int:
    """Edits between two words, two swapped neighbours counting once; more than `limit` may be any number above it."""
    if abs(len(left) - len(right)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        before, row, above = row, [i], before
        for j, b in enumerate(right, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1]
