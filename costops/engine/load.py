"""Runs what bills and metrics describe, then seals the engine: after loading nothing outside can be read.

Invariant: a problem with a file is told with the file's name and, where a value is at fault, its row and column.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops.engine.ir import Fields, MetricUse, RawField
from costops.engine.lower import columns_in
from costops.errors import BillError
from costops.model.bill import BillDescription, BillPart, MetricDescription, MetricFile, PhysicalFile
from costops.model.expression import Call, Expression

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.cells import PartTables


@dataclass(frozen=True, slots=True)
class BillFacts:
    """What reading a bill showed."""

    rows: int
    first_month: str
    """`YYYY-MM`; empty for a bill without rows."""
    last_month: str
    months: tuple[str, ...]
    """Billing months that the bill has, in order."""
    totals: Mapping[tuple[str, str], int]
    """(currency, cost column) to picos."""
    missing_costs: tuple[tuple[str, int], ...]
    """(cost column, charges without a value there), only where there are some."""


def load_bill(connection: duckdb.DuckDBPyConnection, bill: BillDescription, fields: Fields) -> BillFacts:
    """Read the bill into `tuples` and `raw`; raises BillError for what cannot be read."""
    import duckdb

    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    costs = bill.cost_columns
    named = fields.items()
    part_names = []
    for place, part in enumerate(bill.parts):
        tables = cells.tables_of(place)
        try:
            _read_tags(connection, part, named, tables)
            part_fields = [*named] or [(RawField("column", cells.NO_FIELD), cells.NO_FIELD)]
            connection.execute(text_of(cells.part_cells(part, part_fields, costs, tables)))
        except duckdb.Error as error:
            raise _explained(connection, part, error) from error
        part_names.append(tables.cells)
    field_columns = [name for _, name in named] or [cells.NO_FIELD]
    connection.execute(text_of(cells.all_cells(part_names, field_columns, len(costs))))
    found = connection.execute(text_of(cells.bill_facts(len(costs)))).fetchall()[0]
    rows, undated, without_currency, *missing = found
    if undated:
        raise _incomplete(connection, bill, undated, "no start of their charge period between 1900 and 9999", "start")
    if without_currency:
        raise _incomplete(connection, bill, without_currency, "no currency", "currency")
    salt = _number_tuples(connection, field_columns)
    connection.execute(text_of(cells.raw_cells(field_columns, len(costs), salt)))
    months, totals = _months_and_totals(connection, costs)
    connection.execute('DROP VIEW "cells"')
    for name in part_names:
        connection.execute(f'DROP TABLE "{name}"')
    absent = tuple((cost, int(count)) for cost, count in zip(costs, missing, strict=True) if count)
    first, last = (months[0], months[-1]) if months else ("", "")
    return BillFacts(int(rows), first, last, months, totals, absent)


def _number_tuples(connection: duckdb.DuckDBPyConnection, field_columns: Sequence[str]) -> int:
    """Make `tuples` with a salt under which no two of them have the same hash; gives the salt."""
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    salt = 0
    while True:
        connection.execute(text_of(cells.field_tuples(field_columns, salt)))
        if not connection.execute(text_of(cells.equal_hashes())).fetchall()[0][0]:
            return salt
        salt += 1


def _months_and_totals(
    connection: duckdb.DuckDBPyConnection, costs: Sequence[str]
) -> tuple[tuple[str, ...], dict[tuple[str, str], int]]:
    from costops.engine.sql import profiles

    months = set()
    totals: dict[tuple[str, str], int] = {}
    for month, _, currency, *sums in connection.execute(profiles.bill_totals(len(costs))).fetchall():
        months.add(f"{month:%Y-%m}")
        for cost, amount in zip(costs, sums, strict=True):
            totals[currency, cost] = totals.get((currency, cost), 0) + int(amount)
    return tuple(sorted(months)), totals


def _read_tags(
    connection: duckdb.DuckDBPyConnection, part: BillPart, named: Sequence[tuple[RawField, str]], tables: PartTables
) -> None:
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    keys = [(field.name, name) for field, name in named if field.kind == "tag"]
    if part.tags is None or not keys:
        return
    connection.execute(text_of(cells.distinct_tags(part, tables.tags)))
    broken = connection.execute(text_of(cells.broken_tags(tables.tags))).fetchall()
    if broken:
        found = (
            connection.execute(text_of(cells.first_with_tags(part, file, broken[0][0]))).fetchall()
            for file in part.files
        )
        file, rows = next((file, rows) for file, rows in zip(part.files, found, strict=True) if rows)
        raise BillError(
            f"{file.name}: row {rows[0][0]} has the tags {broken[0][0][:80]!r}, which are no JSON object",
            hint='costops reads tags as a JSON object such as {"env": "prod"}, as a map, or as a column per tag',
        )
    connection.execute(text_of(cells.tag_values(tables.tags, keys, tables.tag_values)))


def _explained(connection: duckdb.DuckDBPyConnection, part: BillPart, error: Exception) -> BillError:
    """The engine's failure in terms of the file at fault."""
    wanted = [
        *((name, "DECIMAL") for cost in part.costs.values() for name in _read_as("decimal", cost)),
        *(
            (name, "TIMESTAMPTZ")
            for each in (part.start, part.end, part.billing_month)
            for name in _read_as("timestamp", each)
        ),
    ]
    for file in part.files:
        found = _first_unreadable(connection, file, wanted, error)
        if found is not None:
            return found
    return BillError(f"{part.files[0].name} cannot be read: {_first_line(error)}", hint=_READ_HINT)


def _first_unreadable(
    connection: duckdb.DuckDBPyConnection, file: PhysicalFile, wanted: Sequence[tuple[str, str]], error: Exception
) -> BillError | None:
    """The first value in a file that is not what its column must be; `wanted` pairs columns and kinds."""
    import duckdb

    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    what = {"DECIMAL": "a decimal number", "TIMESTAMPTZ": "a date and time", "JSON": "a JSON object"}
    for name, kind in dict.fromkeys(wanted):
        if name not in dict(file.columns):
            continue
        try:
            found = connection.execute(text_of(cells.first_unreadable(file, name, kind))).fetchall()
        except duckdb.Error:
            return BillError(f"{file.name} cannot be read: {_first_line(error)}", hint=_READ_HINT)
        if found:
            row, value = found[0]
            return BillError(
                f"{file.name}: row {row} has {value[:60]!r} in {name}, which is not {what[kind]}",
                hint="correct the file or leave it out of the path in costops.yaml",
            )
    return None


_READ_HINT = "is the file complete, and of the kind its name says?"


def _incomplete(
    connection: duckdb.DuckDBPyConnection, bill: BillDescription, count: int, what: str, part_field: str
) -> BillError:
    """Charges that lack what every charge needs, with the first of them."""
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    place = ""
    for part in bill.parts:
        for file in part.files:
            found = connection.execute(text_of(cells.first_incomplete(part, file, part_field))).fetchall()
            if found and not place:
                place = f"; the first is row {found[0][0]} of {file.name}"
    return BillError(
        f"{count} {'charges of the bill have' if count != 1 else 'charge of the bill has'} {what}{place}",
        hint="every charge needs ChargePeriodStart and BillingCurrency; correct the file",
    )


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _read_as(operation: str, expression: Expression | None) -> list[str]:
    """Columns that an expression reads as decimals or as timestamps."""
    if not isinstance(expression, Call):
        return []
    if expression.operation == operation:
        return list(columns_in(expression))
    return [name for argument in expression.arguments for name in _read_as(operation, argument)]


def load_metrics(
    connection: duckdb.DuckDBPyConnection,
    metrics: MetricDescription,
    uses: Sequence[MetricUse],
    *,
    needed: Collection[MetricUse],
) -> dict[MetricUse, str]:
    """Read the records of every metric that a rule uses, each into a table of its own; gives the tables' names.

    Raises BillError for one of `needed` that cannot be read; others that cannot are left out.
    """
    tables = {}
    for place, use in enumerate(uses):
        try:
            _load_metric(connection, metrics.sources.get(use.source, ()), use, f"metric_{place}")
        except BillError:
            if use in needed:
                raise
            continue
        tables[use] = f"metric_{place}"
    return tables


def _load_metric(
    connection: duckdb.DuckDBPyConnection, files: Sequence[MetricFile], use: MetricUse, table: str
) -> None:
    import duckdb

    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    if not files:
        raise BillError(
            f"metric {use.metric} reads source {use.source}, which costops.yaml does not have",
            hint="add it under metric_sources, or correct the metric's source",
        )
    try:
        connection.execute(text_of(records.metric_records(use, files, table)))
    except duckdb.Error as error:
        raise _explained_metric(connection, use, files, error) from error
    _check_records(connection, use, table)


def _explained_metric(
    connection: duckdb.DuckDBPyConnection, use: MetricUse, files: Sequence[MetricFile], error: Exception
) -> BillError:
    """The engine's failure in terms of the metric file at fault."""
    for each in files:
        wanted = [(name, "DECIMAL") for name in _read_as("decimal", each.value)]
        wanted += [(name, "TIMESTAMPTZ") for name in _read_as("timestamp", each.date)]
        if each.labels is not None:
            wanted += [(name, "JSON") for name in columns_in(each.labels)]
        found = _first_unreadable(connection, each.file, wanted, error)
        if found is not None:
            return found
    return BillError(
        f"metric {use.metric} cannot be read from source {use.source}: {_first_line(error)}", hint=_READ_HINT
    )


def _check_records(connection: duckdb.DuckDBPyConnection, use: MetricUse, table: str) -> None:
    from costops.engine.sql import notices

    if not connection.execute(notices.count(table)).fetchall()[0][0]:
        raise BillError(
            f"metric {use.metric}: source {use.source} has no record of {use.query}",
            hint="correct the metric's query, or the source's path in costops.yaml",
        )
