"""The evaluated result: cost per billing month, day, currency, report dimensions and rule path.

Invariant: rows are unique and sorted by key, missing values first, text by code point; rows whose every cost is
0 are left out. So equal ledgers have equal bytes and equal digests.

The digest of a ledger is made of those of its billing months, and a month's of its places, a place being one
combination of report values and path: so an engine can make it without giving its rows away and renew it where a place
has changed, and a month that is carried over needs no rows at all. The state stores days, each with its own digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    def month_digests(self) -> dict[str, str]:
        """sha256 of each billing month in order: over its places, each with the sha256 of its rows."""
        lines: dict[str, dict[tuple[str | None, ...], list[str]]] = {month: {} for month in dict.fromkeys(self.months)}
        places = zip(*self.values, self.paths, strict=True)
        for month, place, line in zip(self.months, places, self._lines(), strict=True):
            of_month = lines[month]
            if place in of_month:
                of_month[place].append(line)
            else:
                of_month[place] = [line]
        return {month: _month_digest(of_month) for month, of_month in lines.items()}

    def _lines(self) -> Iterator[str]:
        """Each row without its month and place: day, bytes and text of the currency, and the amounts in picos."""
        dates = list(zip(self.days, self.currencies, strict=True))
        starts = {(day, currency): f"{day} {len(currency.encode())}:{currency}" for day, currency in set(dates)}
        template = " ".join(["%s", *["%d"] * len(self.amounts)])
        return map(template.__mod__, zip(map(starts.__getitem__, dates), *self.amounts, strict=True))

    @cached_property
    def digest(self) -> str:
        """The result digest of a plan."""
        return digest_of_months(self.dimensions, self.cost_columns, self.month_digests)


def _month_digest(places: Mapping[tuple[str | None, ...], Sequence[str]]) -> str:
    """sha256 over each place in order with its rows, in whatever order those are."""
    texts = []
    for place in sorted(places, key=lambda place: [(value is not None, value or "") for value in place]):
        digest = hashlib.sha256("\n".join(sorted(places[place])).encode()).hexdigest()
        texts.append("".join(map(_netstring, place)) + digest)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _netstring(value: str | None) -> str:
    return "-" if value is None else f"{len(value.encode())}:{value},"


def digest_of_months(dimensions: Sequence[str], cost_columns: Sequence[str], months: Mapping[str, str]) -> str:
    """sha256 of a ledger whose billing months, in order, have these digests."""
    lines = [json.dumps(["ledger by month", dimensions, cost_columns], ensure_ascii=False)]
    lines += [f"{month} {digest}" for month, digest in months.items()]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def digest_of_days(
    dimensions: Sequence[str], cost_columns: Sequence[str], blocks: Iterable[tuple[str, str, str]]
) -> str:
    """sha256 of a ledger of these (billing month, day, digest of the day): what versions had before months had one."""
    lines = [json.dumps(["ledger", dimensions, cost_columns], ensure_ascii=False)]
    lines += [f"{month} {day} {digest}" for month, day, digest in blocks]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def empty_ledger(dimensions: tuple[str, ...], cost_columns: tuple[str, ...]) -> Ledger:
    """A ledger without rows."""
    return Ledger(
        dimensions, cost_columns, (), (), (), tuple(() for _ in dimensions), (), tuple(() for _ in cost_columns)
    )
