"""Writes the demo company's bill and usage numbers, of any size.

Invariant: the same arguments give the same rows and the same bytes, whatever the machine and its number of
threads. One month is written at a time, so that memory does not grow with the number of months.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costops.demo.charges import month_query
from costops.demo.fixed import fixed_charges
from costops.demo.noise import SQL_MACROS
from costops.demo.resources import kind_table, resource_count, resource_table, text
from costops.demo.usage import usage_lines
from costops.errors import CostopsError
from costops.periods import parse_period

if TYPE_CHECKING:
    import duckdb

MONTHS: tuple[str, ...] = ("2025-07", "2025-08", "2025-09")


def generate(
    folder: Path, *, rows: int = 50_000, months: Sequence[str] = MONTHS, seed: int = 1, threads: int | None = None
) -> None:
    """Write `bill/BILLING_PERIOD=YYYY-MM/part-0.parquet` for each month and `usage/usage.csv` into `folder`.

    `rows` is the number of charge rows of all months together; earlier months get what does not divide evenly.
    `threads` changes the time it takes and nothing else. Raises ValueError for fewer rows than months and for
    months that are no `YYYY-MM` or not in order, CostopsError and OSError where writing fails.
    """
    import duckdb  # about 40 ms

    if list(months) != sorted({str(parse_period(month)) for month in months}) or not months:
        raise ValueError(f"months must be YYYY-MM, each once and in order: {', '.join(months)}")
    if rows < len(months):
        raise ValueError(f"a bill of {len(months)} months needs at least {len(months)} rows, not {rows}")
    try:
        with _connect(threads) as connection:
            _write_bill(connection, folder, rows, months, seed)
    except duckdb.Error as error:
        raise CostopsError(
            f"cannot write the bill into {folder}: {str(error).splitlines()[0]}",
            hint="Look whether the folder can be written to and the disk has space.",
        ) from error
    (folder / "usage").mkdir(parents=True, exist_ok=True)
    with (folder / "usage" / "usage.csv").open("w", encoding="utf-8", newline="") as file:
        file.writelines(usage_lines(months, seed))


def _connect(threads: int | None) -> duckdb.DuckDBPyConnection:
    import duckdb  # about 40 ms

    connection = duckdb.connect()
    if threads is not None:
        connection.execute(f"SET threads = {threads}")
    connection.execute("SET preserve_insertion_order = true")
    connection.execute("SET enable_progress_bar = false")
    # The order of the written rows is that of the left side of the join; these would swap the sides of a small bill.
    connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
    for macro in SQL_MACROS:
        connection.execute(macro)
    return connection


def _write_bill(
    connection: duckdb.DuckDBPyConnection, folder: Path, rows: int, months: Sequence[str], seed: int
) -> None:
    connection.execute(kind_table())
    connection.execute(resource_table(resource_count(rows), seed))
    row_counts = [rows // len(months) + (number < rows % len(months)) for number in range(len(months))]
    # A table is read by every thread, a generated range by one.
    connection.execute(f"CREATE TABLE row_number AS SELECT range AS number FROM range({max(row_counts)})")
    first_row = 0
    for month, row_count in zip(months, row_counts, strict=True):
        target = folder / "bill" / f"BILLING_PERIOD={month}" / "part-0.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        query = month_query(month, first_row, row_count, fixed_charges(month, row_count, seed), seed)
        connection.execute(f"COPY ({query}) TO {text(str(target))} (FORMAT parquet, COMPRESSION zstd)")
        first_row += row_count
