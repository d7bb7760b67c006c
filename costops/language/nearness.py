"""Finds the name a person probably meant.

Invariant: the answer depends on the words alone, never on the order of a set; however many words there are, looking for
near ones ends soon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_CELLS = 4_000_000
"""How much is compared letter by letter; after that only words that differ in case and separators are near."""


def did_you_mean(word: str, candidates: Iterable[str] | Words, otherwise: str | None = None) -> str | None:
    """A hint with the nearest candidate, or another hint where none is near."""
    near = near_miss(word, candidates)
    return f"did you mean `{near}`?" if near else otherwise


def near_miss(word: str, candidates: Iterable[str] | Words) -> str | None:
    """The candidate nearest to `word`, if it is near enough to be a slip; never `word` itself."""
    return (candidates if isinstance(candidates, Words) else Words(candidates)).near(word)


class Words:
    """Candidates that many words are compared with."""

    def __init__(self, candidates: Iterable[str]) -> None:
        self._plain: dict[str, list[str]] = {}
        self._by_length: dict[int, list[str]] = {}
        self._found: dict[str, str | None] = {}
        self._cells = MOST_CELLS
        for candidate in sorted(set(candidates)):
            self._plain.setdefault(_plain(candidate), []).append(candidate)
            self._by_length.setdefault(len(candidate), []).append(candidate)

    def near(self, word: str) -> str | None:
        """The candidate nearest to `word`, if it is near enough to be a slip; never `word` itself."""
        if word not in self._found:
            alike = next((each for each in self._plain.get(_plain(word), ()) if each != word), None)
            self._found[word] = self._nearest(word) if alike is None else alike
        return self._found[word]

    def _nearest(self, word: str) -> str | None:
        best: tuple[int, str] | None = None
        farthest = _allowed(len(word))
        for length in range(len(word) - farthest, len(word) + farthest + 1):
            allowed = _allowed(min(len(word), length))
            for candidate in self._by_length.get(length, ()):
                self._cells -= length * len(word)
                if self._cells < 0:
                    return best[1] if best else None
                distance = _distance(word.lower(), candidate.lower(), allowed)
                if candidate != word and distance <= allowed and (best is None or (distance, candidate) < best):
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
        if min(row) > limit:
            return limit + 1
    return row[-1]
