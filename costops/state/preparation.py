"""Everything about a ledger's version that can be made before the write lock is taken.

Invariant: nothing here reads or changes the state's own tables. The rows of days that the state does not have wait in
temporary tables of the connection, so that under the lock SQLite only copies them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING

from costops.interruption import give_way
from costops.model.ledger import Ledger
from costops.state.months import SumsRow, sums_by_month, sums_digest
from costops.state.rows import ENTRY_COLUMNS, entry_rows, extra_rows

if TYPE_CHECKING:
    import sqlite3

EXTRA_COLUMNS = ("block", "position", "cost", "units", "parts")
NEW_ENTRY, NEW_EXTRA = "new_entry", "new_extra_amount"
"""The temporary tables."""


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
    sums: tuple[tuple[str, *SumsRow], ...]
    entries: int
    """How many entries the days have whose blocks are new."""
    totals: Mapping[str, tuple[int, ...]]
    """Of those entries, per currency, picos of each cost column; currencies of nothing but 0 left out."""


def prepare(connection: sqlite3.Connection, ledger: Ledger, known: Mapping[str, int]) -> Preparation:
    """Fill the temporary tables; `known` are the blocks of the state, by digest."""
    sums = sums_by_month(ledger)
    give_way()
    months = [(month, digest, sums_digest(sums[month])) for month, digest in ledger.month_digests.items()]
    give_way()
    days = tuple((month, day, digest) for (month, day), digest in ledger.block_digests.items())
    blocks, new = _numbered(days, known)
    entries, totals = _fill(connection, ledger, blocks, {block for block, _ in new})
    return Preparation(
        days=days,
        blocks=blocks,
        new=tuple(new),
        months=tuple(months),
        sums=tuple((month, *row) for month, rows in sums.items() for row in rows),
        entries=entries,
        totals=totals,
    )


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


def _fill(
    connection: sqlite3.Connection, ledger: Ledger, blocks: Mapping[str, int], new: set[int]
) -> tuple[int, dict[str, tuple[int, ...]]]:
    """Put the entries of new blocks into the temporary tables; gives their number and totals, day by day."""
    connection.execute("PRAGMA temp_store = MEMORY")
    for table, columns in ((NEW_ENTRY, ENTRY_COLUMNS), (NEW_EXTRA, EXTRA_COLUMNS)):
        connection.execute(f"CREATE TEMP TABLE {table} ({', '.join(columns)})")
    insert_entry = f"INSERT INTO temp.{NEW_ENTRY} VALUES ({', '.join('?' * len(ENTRY_COLUMNS))})"
    insert_extra = f"INSERT INTO temp.{NEW_EXTRA} VALUES ({', '.join('?' * len(EXTRA_COLUMNS))})"
    entries = 0
    sums: dict[str, list[int]] = {}
    filled: set[int] = set()
    connection.execute("BEGIN")  # of the temporary tables alone: a transaction locks no file that it does not touch
    for month, day, rows in ledger.blocks():
        block = blocks[ledger.block_digests[month, day]]
        if block not in new:
            continue
        give_way()
        entries += len(rows)
        _add_up(sums, ledger, rows)
        if block not in filled:
            filled.add(block)
            connection.executemany(insert_entry, entry_rows(ledger, rows, block))
            connection.executemany(insert_extra, extra_rows(ledger, rows, block))
    connection.execute("COMMIT")
    return entries, {currency: tuple(amounts) for currency, amounts in sums.items() if any(amounts)}


def _add_up(sums: dict[str, list[int]], ledger: Ledger, rows: range) -> None:
    part = slice(rows.start, rows.stop)
    currencies = ledger.currencies[part]
    for currency in dict.fromkeys(currencies):
        chosen = [each == currency for each in currencies]
        known = sums.setdefault(currency, [0] * len(ledger.amounts))
        for place, amounts in enumerate(ledger.amounts):
            known[place] += sum(compress(amounts[part], chosen))
