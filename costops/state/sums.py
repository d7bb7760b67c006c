"""Exact sums of a version's entries, out of the sums that are kept where those are fine enough.

Invariant: SQLite sums whole units and parts apart, each within its 64 bits, and Python joins them; so a sum has
every digit. SQLite groups by day at least, which keeps its sums far below 64 bits at any size of the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from operator import add
from typing import TYPE_CHECKING

from costops import money
from costops.errors import UsageError
from costops.model.ledger import PATH_SEPARATOR
from costops.state.months import ALL, has_sums, kept_sums
from costops.state.rows import amount_columns, extra_costs, joined_entries

if TYPE_CHECKING:
    import sqlite3

    from costops.periods import Period

BUILT_IN = ("day", "charge_month", "billing_month", "allocated_by", "allocation_path")
"""What a ledger can be grouped by besides its own dimensions."""

Values = tuple[str | None, ...]
SumRow = tuple[Values, str, tuple[int, ...]]
_Reader = Callable[[tuple[str, ...]], str | None]
_FIXED_COLUMNS = ("version_block.billing_month", "version_block.day", "entry.currency")


def check_by(by: Sequence[str], dimensions: Sequence[str], hidden: Collection[str] = ()) -> None:
    """Raise UsageError for a name that a ledger cannot be grouped by, or one that is given twice.

    `hidden` dimensions can be named too; they are only counted where all are listed.
    """
    possible = [*dimensions, *(name for name in BUILT_IN if name not in dimensions)]
    for position, name in enumerate(by):
        if name not in possible:
            listed = [each for each in possible if each not in hidden]
            more = f" and {len(possible) - len(listed)} hidden" if len(listed) < len(possible) else ""
            raise UsageError(
                f"The ledger cannot be grouped by {name!r}.", hint=f"It can be grouped by: {', '.join(listed)}{more}."
            )
        if name in by[:position]:
            raise UsageError(f"The ledger is to be grouped by {name!r} twice.", hint="Name it once.")


def sum_version(
    connection: sqlite3.Connection,
    number: int,
    by: Sequence[str],
    dimensions: Sequence[str],
    cost_columns: Sequence[str],
    period: Period | None,
) -> tuple[SumRow, ...]:
    """(values of `by`, currency, picos of each cost column), sorted, missing first; rows of nothing but 0 left out."""
    named = [name for name in by if name not in BUILT_IN]
    months_alone = all(name in named or name == "billing_month" for name in by)
    if len(named) > 1 or not months_alone or not has_sums(connection, number):
        return sum_entries(connection, number, by, dimensions, cost_columns, period)
    kept = kept_sums(connection, number, named[0] if named else ALL, cost_columns, period)
    totals: dict[tuple[Values, str], list[int]] = {}
    for (month, value, currency), amounts in kept.items():
        key = (tuple([month if name == "billing_month" else value for name in by]), currency)
        sums = totals.get(key)
        totals[key] = amounts if sums is None else list(map(add, sums, amounts))
    rows = [(values, currency, tuple(sums)) for (values, currency), sums in totals.items() if any(sums)]
    return tuple(sorted(rows, key=_order))


def sum_entries(
    connection: sqlite3.Connection,
    number: int,
    by: Sequence[str],
    dimensions: Sequence[str],
    cost_columns: Sequence[str],
    period: Period | None,
) -> tuple[SumRow, ...]:
    """What `sum_version` gives, from the entries themselves."""
    columns, readers = _grouping(by, dimensions)
    sums_of_columns = [f"SUM({column})" for column in amount_columns(cost_columns)]
    text = (
        f"SELECT {', '.join([*columns, *sums_of_columns])} FROM {joined_entries(cost_columns)} "
        "WHERE version_block.version = ?"
    )
    arguments: list[int | str] = [*extra_costs(cost_columns), number]
    if period is not None:
        text += " AND version_block.billing_month BETWEEN ? AND ?"
        arguments += [period.first, period.last]
    text += f" GROUP BY {', '.join(columns)}"
    first = len(columns)
    totals: dict[tuple[Values, str], list[int]] = {}
    for row in connection.execute(text, arguments):
        key = (tuple([read(row) for read in readers]), row[2])
        sums = totals.get(key)
        totals[key] = list(row[first:]) if sums is None else list(map(add, sums, row[first:]))
    joined = {key: _joined(sums) for key, sums in totals.items()}
    rows = [(values, currency, sums) for (values, currency), sums in joined.items() if any(sums)]
    return tuple(sorted(rows, key=_order))


def _joined(sums: Sequence[int]) -> tuple[int, ...]:
    return tuple(map(money.from_columns, sums[::2], sums[1::2]))


def _grouping(by: Sequence[str], dimensions: Sequence[str]) -> tuple[list[str], list[_Reader]]:
    columns = list(_FIXED_COLUMNS)
    readers: list[_Reader] = []
    for name in by:
        if name == "billing_month":
            readers.append(lambda row: row[0])
        elif name == "day":
            readers.append(lambda row: row[1])
        elif name == "charge_month":
            readers.append(lambda row: row[1][:7])
        elif name in BUILT_IN:
            readers.append(_path_reader(len(columns), last_only=name == "allocated_by"))
            columns.append("entry.path")
        else:
            readers.append(_value_reader(len(columns)))
            # The value stays JSON text: json_extract would cut a text at a NUL, and cannot tell null from a lack.
            columns.append(f"entry.dimension_values -> '$[{dimensions.index(name)}]'")
    return columns, readers


def _path_reader(column: int, *, last_only: bool) -> _Reader:
    def read(row: tuple[str, ...]) -> str | None:
        path = row[column].rpartition(PATH_SEPARATOR)[2] if last_only else row[column]
        return path or None

    return read


def _value_reader(column: int) -> _Reader:
    values: dict[str, str | None] = {}  # few values, many rows: each is decoded once

    def read(row: tuple[str, ...]) -> str | None:
        text = row[column]
        if text not in values:
            values[text] = json.loads(text)
        return values[text]

    return read


def _order(row: SumRow) -> tuple[tuple[tuple[bool, str], ...], str]:
    values, currency, _ = row
    return tuple((value is not None, value or "") for value in values), currency
