"""Billing months and periods of them, as text `YYYY-MM`; no clock is read here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MONTHS_OF_A_YEAR = 12
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])\Z")


@dataclass(frozen=True, slots=True)
class Period:
    """Billing months from `first` to `last`, both included."""

    first: str
    last: str

    def __contains__(self, month: str) -> bool:
        return self.first <= month <= self.last

    def months(self) -> Iterator[str]:
        """Every month, in order."""
        first, last = (int(each[:4]) * MONTHS_OF_A_YEAR + int(each[5:]) - 1 for each in (self.first, self.last))
        for month in range(first, last + 1):
            yield f"{month // MONTHS_OF_A_YEAR:04}-{month % MONTHS_OF_A_YEAR + 1:02}"

    def __str__(self) -> str:
        return self.first if self.first == self.last else f"{self.first}..{self.last}"


def parse_period(text: str) -> Period:
    """`2025-09` or `2025-07..2025-09` as a period; raises ValueError for anything else."""
    first, separator, last = text.partition("..")
    if not separator:
        last = first
    if not (_MONTH.match(first) and _MONTH.match(last)):
        raise ValueError(f"not a billing month or a range of them: {text!r}")
    if last < first:
        raise ValueError(f"the period ends before it starts: {text!r}")
    return Period(first, last)
