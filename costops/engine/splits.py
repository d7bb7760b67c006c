"""Charges that a provider has split, and what is left out of a bill because their parts are there.

Invariant: of a charge and its parts, either the parts count or the charge, never both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from costops.engine.faults import unreadable_part
from costops.model.bill import BillDescription, BillPart
from costops.model.bill_report import SplitReading

if TYPE_CHECKING:
    import duckdb


def with_splits_told(connection: duckdb.DuckDBPyConnection, bill: BillDescription) -> BillDescription:
    """The bill, where a part has `split` only if it has charges beside their parts; their keys are in its table."""
    parts = (with_split_told(connection, part, f"split_keys_{place}") for place, part in enumerate(bill.parts))
    return replace(bill, parts=tuple(parts))


def with_split_told(connection: duckdb.DuckDBPyConnection, part: BillPart, table: str) -> BillPart:
    """A part as `with_splits_told` gives it, its keys in `table`."""
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
