"""The evaluated result: cost per billing month, day, currency, report dimensions and rule path.

Invariant: rows are unique and sorted by key, missing values first, text by code point; rows whose every cost is
0 are left out. So equal ledgers have equal bytes and equal digests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

PATH_SEPARATOR = " > "
"""Between the rule ids of a path; ids cannot hold it."""


@dataclass(frozen=True)
class Ledger:
    """Columns of equal length; amounts in picos, one column for each cost column of the bill."""

    dimensions: tuple[str, ...]
    cost_columns: tuple[str, ...]
    months: tuple[str, ...]
    """Billing month of each row, `YYYY-MM`."""
    days: tuple[str, ...]
    """Day of each row, `YYYY-MM-DD`."""
    currencies: tuple[str, ...]
    values: tuple[tuple[str | None, ...], ...]
    """One column for each of `dimensions`."""
    paths: tuple[str, ...]
    """Ids of the rules that allocated the row, in order, joined by PATH_SEPARATOR; empty: none."""
    amounts: tuple[tuple[int, ...], ...]
    """One column for each of `cost_columns`."""

    def __len__(self) -> int:
        return len(self.months)

    def blocks(self) -> Iterator[tuple[str, str, range]]:
        """(billing month, day, row numbers) of each day, in order."""
        start = 0
        for (month, day), rows in groupby(zip(self.months, self.days, strict=True)):
            end = start + sum(1 for _ in rows)
            yield month, day, range(start, end)
            start = end

    @cached_property
    def block_digests(self) -> dict[tuple[str, str], str]:
        """sha256 of each (billing month, day): its layout and rows, without the month and day themselves."""
        layout = json.dumps([self.dimensions, self.cost_columns], ensure_ascii=False)
        columns = (self.currencies, self.paths, *self.values, *self.amounts)
        digests = {}
        for month, day, rows in self.blocks():
            block = list(zip(*(column[rows.start : rows.stop] for column in columns), strict=True))
            text = layout + json.dumps(block, ensure_ascii=False)
            digests[month, day] = hashlib.sha256(text.encode()).hexdigest()
        return digests

    @cached_property
    def digest(self) -> str:
        """sha256 over every block: the result digest of a plan."""
        lines = [json.dumps(["ledger", self.dimensions, self.cost_columns], ensure_ascii=False)]
        lines += [f"{month} {day} {digest}" for (month, day), digest in self.block_digests.items()]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def empty_ledger(dimensions: tuple[str, ...], cost_columns: tuple[str, ...]) -> Ledger:
    """A ledger without rows."""
    return Ledger(
        dimensions, cost_columns, (), (), (), tuple(() for _ in dimensions), (), tuple(() for _ in cost_columns)
    )
