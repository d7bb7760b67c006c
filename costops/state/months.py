"""Sums of each billing month of a version, by one report dimension at a time, kept beside its entries.

Invariant: they are the exact sums of the version's entries, made with them; a digest of each month's sums stands under
the version's hash. So what most readers ask for needs no pass over the entries.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from operator import add
from typing import TYPE_CHECKING

from costops import money
from costops.state.chain import StoredValue
from costops.state.schema import MONTHS_SINCE

if TYPE_CHECKING:
    import sqlite3

    from costops.model.ledger import Ledger
    from costops.periods import Period

ALL = ""
"""Stands where a dimension does in sums by none; no dimension has an empty id."""

SumsRow = tuple[str, str, str, str, int, int]
"""(dimension, JSON of the value, currency, cost column, units, parts)."""


def sums_by_month(ledger: Ledger) -> dict[str, list[SumsRow]]:
    """The rows of each billing month, in order; sums of 0 are left out, months never."""
    # Few places, many rows: rows are added up by place before values are looked at one by one.
    numbers: dict[tuple[str | None, ...], int] = {}
    keys = zip(ledger.months, ledger.currencies, *ledger.values, strict=True)
    places = [numbers.setdefault(key, len(numbers)) for key in keys]
    totals = [[0] * len(numbers) for _ in ledger.amounts]
    for total, amounts in zip(totals, ledger.amounts, strict=True):
        for place, amount in zip(places, amounts, strict=True):
            total[place] += amount
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for (month, currency, *values), added in zip(numbers, zip(*totals, strict=True), strict=True):
        for dimension, value in ((ALL, None), *zip(ledger.dimensions, values, strict=True)):
            key = (str(month), dimension, json.dumps(value, ensure_ascii=False), str(currency))
            known = sums.get(key)
            sums[key] = list(added) if known is None else list(map(add, known, added))
    rows: dict[str, list[SumsRow]] = {month: [] for month in dict.fromkeys(ledger.months)}
    for (month, *element), amounts_of_element in sums.items():
        dimension, text, currency = element
        for cost, amount in zip(ledger.cost_columns, amounts_of_element, strict=True):
            if amount:
                rows[month].append((dimension, text, currency, cost, *money.to_columns(amount)))
    return {month: sorted(of_month) for month, of_month in rows.items()}


def sums_digest(rows: Sequence[SumsRow]) -> str:
    """sha256 of one month's rows in order."""
    text = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def stored_sums(connection: sqlite3.Connection, number: StoredValue, month: str) -> list[SumsRow]:
    """The rows of one billing month of a version, in order."""
    return connection.execute(
        "SELECT dimension, value, currency, cost, units, parts FROM version_sum "
        "WHERE version = ? AND billing_month = ? ORDER BY dimension, value, currency, cost",
        [number, month],
    ).fetchall()


def has_sums(connection: sqlite3.Connection, number: int) -> bool:
    """Whether a version has sums; one that was written before there were any, or has no entries, has none."""
    if connection.execute("PRAGMA user_version").fetchone()[0] < MONTHS_SINCE:
        return False
    return connection.execute("SELECT 1 FROM version_month WHERE version = ?", [number]).fetchone() is not None


def element_costs(
    connection: sqlite3.Connection, number: int, dimension: str, value: str | None, cost: str
) -> dict[str, int]:
    """Currency to the cost of one element in all billing months, in picos of a cost column; none of 0."""
    # By way of the months, so that the key of the sums leads straight to their rows.
    rows = connection.execute(
        "SELECT currency, SUM(units), SUM(parts) FROM version_month CROSS JOIN version_sum "
        "ON version_sum.version = version_month.version AND version_sum.billing_month = version_month.billing_month "
        "WHERE version_month.version = ? AND dimension = ? AND value = ? AND cost = ? GROUP BY currency",
        [number, dimension, json.dumps(value, ensure_ascii=False), cost],
    )
    costs = {currency: money.from_columns(units, parts) for currency, units, parts in rows}
    return {currency: amount for currency, amount in costs.items() if amount}


def kept_sums(
    connection: sqlite3.Connection, number: int, dimension: str, cost_columns: Sequence[str], period: Period | None
) -> Mapping[tuple[str, str | None, str], list[int]]:
    """(billing month, value, currency) to the picos of each cost column, by a dimension or, for ALL, by none."""
    text = (
        "SELECT billing_month, value, currency, cost, units, parts FROM version_sum WHERE version = ? AND dimension = ?"
    )
    arguments: list[int | str] = [number, dimension]
    if period is not None:
        text += " AND billing_month BETWEEN ? AND ?"
        arguments += [period.first, period.last]
    places = {cost: place for place, cost in enumerate(cost_columns)}
    sums: dict[tuple[str, str | None, str], list[int]] = {}
    for month, value, currency, cost, units, parts in connection.execute(text, arguments):
        key = (month, json.loads(value), currency)
        if key not in sums:
            sums[key] = [0] * len(cost_columns)
        sums[key][places[cost]] += money.from_columns(units, parts)
    return sums
