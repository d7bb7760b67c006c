"""Everything about a ledger's version that can be made before the write lock is taken.

Invariant: nothing here reads or changes the state's own tables. The rows of days that the state does not have wait in
temporary tables of the connection, so that under the lock SQLite only copies them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from costops.interruption import give_way
from costops.model.ledger import Ledger
from costops.state.months import sums_by_month, sums_digest
from costops.state.records import MONEY_COLUMNS, RecordRows, Row, detail_row, record_rows
from costops.state.rows import ENTRY_COLUMNS, entry_rows, extra_rows

if TYPE_CHECKING:
    import sqlite3

    from costops.model.record import Record
    from costops.model.version import VersionDraft

EXTRA_COLUMNS = ("block", "position", "cost", "units", "parts")
SUM_COLUMNS = ("billing_month", "dimension", "value", "currency", "cost", "units", "parts")
NEW_ENTRY, NEW_EXTRA, NEW_SUM, NEW_MONEY = "new_entry", "new_extra_amount", "new_sum", "new_money"
"""The temporary tables."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Entries of one currency in a new block, and what they add up to."""

    block: int
    currency: str
    first: int
    """Position of the first entry."""
    end: int
    amounts: tuple[int, ...]
    """Picos of each cost column."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """A ledger on its way into a state that has some blocks already."""

    days: tuple[tuple[str, str, str], ...]
    """(billing month, day, digest of its block), in order."""
    blocks: Mapping[str, int]
    """Digest of every block of the ledger to its id, which new ones get here."""
    new: tuple[tuple[int, str], ...]
    """(id, digest) of each new block, the ids rising."""
    months: tuple[tuple[str, str, str], ...]
    """(billing month, digest, digest of the sums), in order."""
    stretches: tuple[Stretch, ...]
    """All entries of the new blocks."""
    detail: Row
    """As DETAIL_COLUMNS has it."""
    record: RecordRows


def prepare(
    connection: sqlite3.Connection, draft: VersionDraft, ledger: Ledger, record: Record, known: Mapping[str, int]
) -> Preparation:
    """Fill the temporary tables; `known` are the blocks of the state, by digest."""
    sums = sums_by_month(ledger)
    give_way()
    months = [(month, digest, sums_digest(sums[month])) for month, digest in ledger.month_digests.items()]
    give_way()
    rows = record_rows(record)
    detail = detail_row(draft, rows)
    give_way()
    days = tuple((month, day, digest) for (month, day), digest in ledger.block_digests.items())
    blocks, new = _numbered(days, known)
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN")  # of the temporary tables alone: a transaction locks no file that it does not touch
    stretches = _fill(connection, ledger, blocks, {block for block, _ in new})
    insert_sum = _temporary(connection, NEW_SUM, SUM_COLUMNS)
    for month, of_month in sums.items():
        connection.executemany(insert_sum, [(month, *row) for row in of_month])
    connection.executemany(_temporary(connection, NEW_MONEY, MONEY_COLUMNS), rows.money)
    connection.execute("COMMIT")
    return Preparation(
        days=days,
        blocks=blocks,
        new=tuple(new),
        months=tuple(months),
        stretches=tuple(stretches),
        detail=detail,
        record=rows,
    )


def _temporary(connection: sqlite3.Connection, table: str, columns: Sequence[str]) -> str:
    """Make a temporary table; gives the statement that puts a row into it."""
    connection.execute(f"CREATE TEMP TABLE {table} ({', '.join(columns)})")
    return f"INSERT INTO temp.{table} VALUES ({', '.join('?' * len(columns))})"


def _numbered(
    days: Sequence[tuple[str, str, str]], known: Mapping[str, int]
) -> tuple[dict[str, int], list[tuple[int, str]]]:
    blocks: dict[str, int] = {}
    new: list[tuple[int, str]] = []
    for _, _, digest in days:
        if digest in known:
            blocks[digest] = known[digest]
        elif digest not in blocks:
            blocks[digest] = len(known) + len(new) + 1
            new.append((blocks[digest], digest))
    return blocks, new


def _fill(connection: sqlite3.Connection, ledger: Ledger, blocks: Mapping[str, int], new: set[int]) -> list[Stretch]:
    """Put the entries of new blocks into the temporary tables, day by day."""
    insert_entry = _temporary(connection, NEW_ENTRY, ENTRY_COLUMNS)
    insert_extra = _temporary(connection, NEW_EXTRA, EXTRA_COLUMNS)
    stretches: list[Stretch] = []
    filled: set[int] = set()
    for month, day, rows in ledger.blocks():
        block = blocks[ledger.block_digests[month, day]]
        if block not in new or block in filled:
            continue
        give_way()
        filled.add(block)
        connection.executemany(insert_entry, entry_rows(ledger, rows, block))
        connection.executemany(insert_extra, extra_rows(ledger, rows, block))
        stretches += _stretches(ledger, rows, block)
    return stretches


def _stretches(ledger: Ledger, rows: range, block: int) -> Iterator[Stretch]:
    # A day's rows are in order of their currencies.
    start = rows.start
    for currency, group in groupby(ledger.currencies[rows.start : rows.stop]):
        end = start + sum(1 for _ in group)
        amounts = tuple(sum(column[start:end]) for column in ledger.amounts)
        yield Stretch(block, currency, start - rows.start, end - rows.start, amounts)
        start = end
