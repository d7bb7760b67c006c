"""Reads a whole bill for a person: what each file has, what rounding took, which tags there are and what they cost.

Invariant: the sums are those of a plan on the same bill, and a bill that a plan refuses is refused here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from costops.engine.faults import broken_tags, incomplete, refuse_changed, unreadable_part
from costops.engine.splits import split_readings, with_splits_told
from costops.errors import BillError
from costops.model.bill import BillDescription, BillPart
from costops.model.bill_report import (
    BillReport,
    CostReading,
    FileReading,
    FormatReading,
    SourceReading,
    TagReading,
)
from costops.model.settings import BillingSource

if TYPE_CHECKING:
    import duckdb


def survey(
    connection: duckdb.DuckDBPyConnection,
    bill: BillDescription,
    sources: Sequence[BillingSource],
    *,
    cost: str,
    tell: Callable[[str], None],
) -> BillReport:
    """Read every charge of a bill; raises BillError for what cannot be read.

    `cost` is the cost column that tag keys are shown by; the bill's first one where it has no such column. `tell`
    hears what is being read.
    """
    costs = bill.cost_columns
    shown = cost if cost in costs else costs[0]
    readings: list[FileReading] = []
    whole = with_splits_told(connection, bill)
    for part in whole.parts:
        tell(f"reading {part.source}, {len(part.files):,} file{'s' if len(part.files) != 1 else ''}")
        readings += _file_readings(connection, whole, part)
    tell("reading tags")
    tags = _tags(connection, whole.parts, shown, _main_currency(readings))
    splits = tuple(reading for part in whole.parts for reading in split_readings(connection, part, costs))
    refuse_changed(file for part in bill.parts for file in part.files)
    places = {source.name: place for place, source in enumerate(sources)}
    return BillReport(
        digest=bill.digest,
        cost=shown,
        cost_columns=costs,
        sources=tuple(SourceReading(name=each.name, path=each.path, formats=_formats(bill, each)) for each in sources),
        readings=tuple(sorted(readings, key=lambda each: (places[each.source], each.file, each.month, each.currency))),
        splits=splits,
        tags=tags,
        passed_over=bill.passed_over,
    )


def _file_readings(connection: duckdb.DuckDBPyConnection, bill: BillDescription, part: BillPart) -> list[FileReading]:
    import duckdb

    from costops.engine.sql import survey as statements
    from costops.engine.sql.syntax import text_of

    costs = tuple(name for name in bill.cost_columns if name in part.costs)
    try:
        found = connection.execute(text_of(statements.file_readings(part, costs))).fetchall()
    except duckdb.Error as error:
        raise unreadable_part(connection, part, error) from error
    readings = []
    called = {file.path: file.name for file in part.files}
    for path, month, currency, rows, undated, *sums in found:
        if undated or month is None or not 1900 <= month.year <= 9999:
            what = "no start of their charge period between 1900 and 9999"
            raise incomplete(connection, bill.parts, undated or rows, what, "start")
        if currency is None:
            raise incomplete(connection, bill.parts, rows, "no currency", "currency")
        amounts = {
            cost: CostReading(
                amount_picos=int(sums[4 * place]),
                missing=sums[4 * place + 1],
                rounded=sums[4 * place + 2],
                rounding=int(sums[4 * place + 3]),
            )
            for place, cost in enumerate(costs)
        }
        readings.append(
            FileReading(
                source=part.source,
                file=called[path],
                month=f"{month:%Y-%m}",
                currency=currency,
                rows=rows,
                costs=amounts,
            )
        )
    return readings


def _tags(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[BillPart], cost: str, main: str | None
) -> tuple[TagReading, ...]:
    from costops.engine.sql import faults
    from costops.engine.sql import survey as statements
    from costops.engine.sql.syntax import text_of

    tables = []
    for place, part in enumerate(parts):
        if part.tag_columns:
            tables.append(f"tag_columns_{place}")
            connection.execute(text_of(statements.tag_columns(part, cost, tables[-1])))
        if part.tags is None:
            continue
        texts = f"tag_texts_{place}"
        connection.execute(text_of(statements.tag_texts(part, cost, texts)))
        broken = connection.execute(text_of(faults.broken_tags(texts))).fetchall()
        if broken:
            raise broken_tags(connection, part, broken[0][0])
        twice = connection.execute(text_of(statements.unmapped_tags(texts))).fetchall()
        if twice:
            raise BillError(
                f"billing source {part.source}: the tags {twice[0][0][:80]!r} have {statements.MANY_KEYS:,} keys "
                "or more, one of them twice",
                hint="Write each key of a charge's tags once.",
            )
        tables += [f"tag_keys_{place}", f"tag_maps_{place}"]
        connection.execute(text_of(statements.tag_keys(texts, tables[-2])))
        connection.execute(text_of(statements.tag_maps(texts, tables[-1])))
    if not tables:
        return ()
    rows: dict[str, int] = {}
    values: dict[str, int] = {}
    amounts: dict[str, dict[str, int]] = {}
    found = connection.execute(text_of(statements.tag_readings(tables))).fetchall()
    for key, currency, charges, amount, distinct_values in sorted(found, key=lambda row: row[:2]):
        rows[key] = rows.get(key, 0) + int(charges)
        values[key] = distinct_values
        amounts.setdefault(key, {})[currency] = int(amount)
    readings = [TagReading(key=key, rows=rows[key], values=values[key], amounts=amounts[key]) for key in rows]
    readings.sort(key=lambda each: (-each.amounts.get(main or "", 0), -each.rows, each.key))
    return tuple(readings)


def _main_currency(readings: Sequence[FileReading]) -> str | None:
    """The currency of most charges."""
    rows: dict[str, int] = {}
    for each in readings:
        rows[each.currency] = rows.get(each.currency, 0) + each.rows
    return min(rows, key=lambda currency: (-rows[currency], currency), default=None)


def _formats(bill: BillDescription, source: BillingSource) -> tuple[FormatReading, ...]:
    """The formats of a source's files; those of one format, version and kind together."""
    files: dict[tuple[str, str | None, str], list[str]] = {}
    for part in bill.parts:
        if part.source == source.name:
            for file in part.files:
                files.setdefault((part.format, part.version, file.kind), []).append(file.name)
    return tuple(
        FormatReading(format=name, version=version, kind=kind, files=tuple(sorted(names)))
        for (name, version, kind), names in files.items()
    )
