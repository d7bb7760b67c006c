"""Reads a bill as it is described into cells.

Invariant: a problem with a file is told with the file's name and, where a value is at fault, its row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from costops.engine.absences import (
    CaseColumns,
    cost_of_cases,
    find_absences,
    keep_cases_apart,
    keys_of_tags,
    other_cases,
)
from costops.engine.faults import broken_tags, incomplete, refuse_changed, unreadable_part
from costops.engine.ir import Fields, Program, RawField
from costops.errors import BillError
from costops.model.absences import NOTHING_ABSENT, Absences
from costops.model.bill import BillDescription, BillPart
from costops.model.bill_report import SplitReading

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.cells import PartFields, PartTables


MOST_KEYS = 2_000
"""How many keys of tags are kept for finding the one that was meant."""


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
    splits: tuple[SplitReading, ...] = ()
    """Charges that are left out because the parts that their provider has split them into are there."""
    absences: Absences = NOTHING_ABSENT
    """What it lacks of what a watching program expects."""


def _nobody(_words: str) -> None:
    pass


def _called(part: BillPart) -> str:
    return f"{part.source}, {len(part.files):,} file{'s' if len(part.files) != 1 else ''}"


def load_bill(
    connection: duckdb.DuckDBPyConnection,
    bill: BillDescription,
    fields: Fields,
    programs: Sequence[Program],
    *,
    quantities: Sequence[str] = (),
    tell: Callable[[str], None] = _nobody,
) -> BillFacts:
    """Read the bill into `tuples` and `raw`, in two passes over its files; raises BillError for what cannot be read.

    The first pass finds the distinct combinations of field values. Those that no program can tell apart become one,
    so that the second pass sums the charges into as few cells as the programs need. The amounts of a cell are the
    bill's cost columns and then `quantities`. `tell` hears what is being read.
    """
    import duckdb

    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    bill = with_splits_told(connection, bill)
    costs = bill.cost_columns
    amounts = (*costs, *quantities)
    named = fields.items() or ((RawField("column", cells.NO_FIELD), cells.NO_FIELD),)
    tables = [cells.tables_of(place) for place in range(len(bill.parts))]
    readers = [keys for program in programs for keys in program.readers]
    keys = {key for part in bill.parts for key in part.tag_columns} if readers else set()
    cases = CaseColumns(fields, ())
    # Parts whose tags are one text come first: which keys there are, only their texts say.
    for part, names in sorted(zip(bill.parts, tables, strict=True), key=lambda each: each[0].tags is None):
        if part.tags is None:
            cases = CaseColumns(fields, other_cases(readers, keys))
        tell(f"reading {_called(part)}, first pass")
        try:
            connection.execute(text_of(cells.part_combinations(part, (*named, *cases.added), names.combinations)))
            if _has_tags(connection, part, named, names) and readers:
                keys.update(keys_of_tags(connection, names.tags))
        except duckdb.Error as error:
            raise unreadable_part(connection, part, error) from error
    tell("grouping what was read")
    cases = CaseColumns(fields, other_cases(readers, keys))
    named = (*named, *cases.added)
    for part, names in zip(bill.parts, tables, strict=True):
        _read_tag_values(connection, part, named, names)
    salt = _number_tuples(connection, bill.parts, named, tables)
    absences = _merge_tuples(connection, programs, [name for _, name in named], cases)
    for part, names in zip(bill.parts, tables, strict=True):
        tell(f"reading {_called(part)}, second pass")
        try:
            connection.execute(text_of(cells.part_cells(part, named, amounts, names, salt)))
        except duckdb.Error as error:
            raise unreadable_part(connection, part, error, quantities) from error
    tell("grouping what was read")
    refuse_changed(file for part in bill.parts for file in part.files)
    connection.execute(text_of(cells.all_cells([each.cells for each in tables], len(amounts))))
    # A charge without a quantity is as it should be; one without a cost is told.
    found = connection.execute(text_of(cells.bill_facts(len(costs)))).fetchall()[0]
    rows, unseen, undated, without_currency, *missing = found
    if unseen:
        raise BillError(
            f"{unseen} charges of the bill changed while it was read",
            hint="run it again when nothing writes the bill's files any more",
        )
    if undated:
        raise incomplete(connection, bill, undated, "no start of their charge period between 1900 and 9999", "start")
    if without_currency:
        raise incomplete(connection, bill, without_currency, "no currency", "currency")
    connection.execute(text_of(cells.raw_cells(len(amounts))))
    months, totals = _months_and_totals(connection, costs)
    splits = tuple(reading for part in bill.parts for reading in split_readings(connection, part, costs))
    connection.execute('DROP VIEW "cells"')
    for names in tables:
        for name in (names.combinations, names.tags, names.tag_values, names.keys, names.cells):
            connection.execute(f'DROP TABLE IF EXISTS "{name}"')
    absent = tuple((cost, int(count)) for cost, count in zip(costs, missing, strict=True) if count)
    first, last = (months[0], months[-1]) if months else ("", "")
    absences = replace(
        absences,
        other_cases=cost_of_cases(connection, cases, costs.index(programs[-1].cost)) if cases.cases else (),
        tag_keys=tuple(sorted(keys)[:MOST_KEYS]) if absences.tags_missing else (),
    )
    return BillFacts(int(rows), first, last, months, totals, absent, splits, absences)


def with_splits_told(connection: duckdb.DuckDBPyConnection, bill: BillDescription) -> BillDescription:
    """The bill, where a part has `split` only if it has charges beside their parts; their keys are in its table."""
    parts = (_with_split_told(connection, part, f"split_keys_{place}") for place, part in enumerate(bill.parts))
    return replace(bill, parts=tuple(parts))


def _with_split_told(connection: duckdb.DuckDBPyConnection, part: BillPart, table: str) -> BillPart:
    import duckdb

    from costops.engine.sql import notices
    from costops.engine.sql.reader import split_keys
    from costops.engine.sql.syntax import text_of

    if part.split is None:
        return part
    try:
        connection.execute(text_of(split_keys(part, table)))
    except duckdb.Error as error:
        raise unreadable_part(connection, part, error) from error
    found = connection.execute(notices.count(table)).fetchall()[0][0]
    return replace(part, split=replace(part.split, table=table) if found else None)


def split_readings(connection: duckdb.DuckDBPyConnection, part: BillPart, costs: Sequence[str]) -> list[SplitReading]:
    """What is left out of a part of the bill because the parts of those charges are there."""
    from costops.engine.sql.reader import set_aside
    from costops.engine.sql.syntax import text_of

    if part.split is None:
        return []
    return [
        SplitReading(
            source=part.source,
            currency=currency,
            rows=rows,
            amounts={cost: int(amount) for cost, amount in zip(costs, amounts, strict=True)},
        )
        for currency, rows, *amounts in connection.execute(text_of(set_aside(part, costs))).fetchall()
    ]


def _number_tuples(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[BillPart], named: PartFields, tables: Sequence[PartTables]
) -> int:
    """Make `tuples` with a salt under which no two of them, nor two of a part's keys, have the same hash; gives it."""
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    salt = 0
    while True:
        for part, names in zip(parts, tables, strict=True):
            connection.execute(text_of(cells.part_keys(part, named, names, salt)))
        connection.execute(text_of(cells.field_tuples([each.keys for each in tables], [name for _, name in named])))
        hashed = [(each.keys, "key") for each in tables] + [("tuples", "tuple")]
        equal = (connection.execute(text_of(cells.equal_hashes(*each))).fetchall()[0][0] for each in hashed)
        if not any(equal):
            return salt
        salt += 1


def _merge_tuples(
    connection: duckdb.DuckDBPyConnection, programs: Sequence[Program], field_columns: Sequence[str], cases: CaseColumns
) -> Absences:
    """Make `merging`, for each tuple the one that stands for it, and leave only those in `tuples`.

    Gives what the tuples lack of what a program watches, while all of them are there.
    """
    from costops.engine.sql import profiles
    from costops.engine.sql.syntax import text_of

    connection.execute(text_of(profiles.unmerged()))
    absences = NOTHING_ABSENT
    seen = set()
    for program in sorted(programs, key=lambda each: not each.watched):
        if (program.layers, program.slots) not in seen:
            seen.add((program.layers, program.slots))
            kept = tuple(dict.fromkeys(name for each in program.watched for name in (*each.columns, each.nearby)))
            connection.execute(profiles.classes(program, tuple(field_columns), kept))
            connection.execute(text_of(profiles.told_apart()))
            if program.watched:
                absences = find_absences(connection, program)
    if cases.cases:
        keep_cases_apart(connection, cases)
        connection.execute(text_of(profiles.told_apart()))
    connection.execute(text_of(profiles.merged()))
    connection.execute(text_of(profiles.standing_tuples()))
    return absences


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


def _has_tags(connection: duckdb.DuckDBPyConnection, part: BillPart, named: PartFields, tables: PartTables) -> bool:
    """Make the table of distinct texts of tags, where a part has such texts and programs read tags."""
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    if part.tags is None or not any(field.kind == "tag" for field, _ in named):
        return False
    connection.execute(text_of(cells.distinct_tags(tables.combinations, tables.tags)))
    broken = connection.execute(text_of(cells.broken_tags(tables.tags))).fetchall()
    if broken:
        raise broken_tags(connection, part, broken[0][0])
    return True


def _read_tag_values(
    connection: duckdb.DuckDBPyConnection, part: BillPart, named: PartFields, tables: PartTables
) -> None:
    from costops.engine.sql import cells
    from costops.engine.sql.syntax import text_of

    keys = [(field.name, name) for field, name in named if field.kind == "tag"]
    if part.tags is not None and keys:
        connection.execute(text_of(cells.tag_values(tables.tags, keys, tables.tag_values)))
