"""Whether stored entries are the ones that were applied.

Invariant: the digest of a block is computed from its stored rows alone, and only rows that are spelled exactly as
costops spells them have one; so a block with the right digest holds what was applied, to the last byte.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import add, eq, mul
from typing import TYPE_CHECKING

from costops.money import PICOS
from costops.state.chain import StoredValue, revision_digest, version_hash
from costops.state.events import events_are_sound
from costops.state.records import stored_detail
from costops.state.rows import ENTRY_COLUMNS, VERSION_COLUMNS, extra_costs, names_of, names_text
from costops.state.schema import AMOUNT_COLUMNS, EXTRA_AMOUNTS_SINCE, MONTHS_SINCE

if TYPE_CHECKING:
    import sqlite3

_ENCODE = json.JSONEncoder(ensure_ascii=False).encode
_EXTRA_OF_BLOCK = "SELECT cost, position, units, parts FROM extra_amount WHERE block = ? ORDER BY cost, position"


@dataclass(frozen=True, slots=True)
class BlockState:
    """One block as it was found."""

    block: int
    entries: int
    is_sound: bool
    layout_is_sound: bool = True


def check_blocks(connection: sqlite3.Connection, only: Collection[int] | None = None) -> Iterator[BlockState]:
    """Every block, or those of these ids, in order; raises ValueError for a layout that is none."""
    blocks = connection.execute("SELECT id, digest, dimensions, cost_columns FROM block ORDER BY id").fetchall()
    columns = ", ".join(ENTRY_COLUMNS[1:])
    has_extra = _schema(connection) >= EXTRA_AMOUNTS_SINCE
    for block, digest, *texts in blocks:
        if only is not None and block not in only:
            continue
        dimensions, cost_columns = map(names_of, texts)
        rows = connection.execute(f"SELECT {columns} FROM entry WHERE block = ? ORDER BY position", [block]).fetchall()
        extra = connection.execute(_EXTRA_OF_BLOCK, [block]).fetchall() if has_extra else []
        try:
            found = stored_digest(dimensions, cost_columns, rows, extra)
        except (TypeError, ValueError):
            found = None
        layout = [names_text(dimensions), names_text(cost_columns)] == texts
        yield BlockState(block, len(rows), found == digest, layout)


def newest_is_sound(connection: sqlite3.Connection, digests: Collection[str] = ()) -> bool:
    """Whether the newest version is what was applied: its row, its rules, its days and every entry of them.

    The events of months are looked at too, since they decide what may be written.

    Blocks of `digests` are looked at too: those that a version to be written will share.
    """
    number = connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
    if number is None:
        return True
    if not version_is_sound(connection, number) or not events_are_sound(connection):
        return False
    used = {block for (block,) in connection.execute("SELECT block FROM version_block WHERE version = ?", [number])}
    used |= {block for block, digest in connection.execute("SELECT id, digest FROM block") if digest in digests}
    return all(each.is_sound and each.layout_is_sound for each in check_blocks(connection, used))


def version_is_sound(connection: sqlite3.Connection, number: int) -> bool:
    """Whether a version's row, detail, rules and days are what was applied; its entries are not looked at."""
    columns = (*VERSION_COLUMNS, "previous_hash", "hash")
    row = connection.execute(f"SELECT {', '.join(columns)} FROM version WHERE number = ?", [number]).fetchone()
    stored: dict[str, StoredValue] = dict(zip(columns, row, strict=True))
    before, found = stored.pop("previous_hash"), stored.pop("hash")
    rules = stored_rules(connection, number)
    days, months = stored_days(connection, number), stored_months(connection, number)
    detail = stored_detail(connection, number)
    return version_hash(str(before), stored, rules, days, months, detail) == found and all(
        revision_digest(*revision) == digest
        for _, _, _, digest, _, _ in rules
        for revision in connection.execute(
            "SELECT kind, id, canonical, text FROM rule_revision WHERE digest = ?", [digest]
        )
    )


def stored_rules(connection: sqlite3.Connection, number: StoredValue) -> list[tuple[int, str, str, str, str, int]]:
    """(position, kind, id, revision, file, line) of a version's rules, in order."""
    return connection.execute(
        "SELECT position, kind, id, revision, file, line FROM version_rule WHERE version = ? ORDER BY position",
        [number],
    ).fetchall()


def stored_days(connection: sqlite3.Connection, number: StoredValue) -> list[tuple[str, str, str]]:
    """(billing month, day, block digest) of a version, in order."""
    return connection.execute(
        "SELECT billing_month, day, digest FROM version_block JOIN block ON block.id = version_block.block "
        "WHERE version = ? ORDER BY billing_month, day",
        [number],
    ).fetchall()


def stored_months(connection: sqlite3.Connection, number: StoredValue) -> list[tuple[str, str, str]]:
    """(billing month, digest, digest of the sums) of a version, in order; none of one of an older schema."""
    if _schema(connection) < MONTHS_SINCE:
        return []
    return connection.execute(
        "SELECT billing_month, digest, sums_digest FROM version_month WHERE version = ? ORDER BY billing_month",
        [number],
    ).fetchall()


def _schema(connection: sqlite3.Connection) -> int:
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number


def stored_digest(
    dimensions: Sequence[str],
    cost_columns: Sequence[str],
    rows: Sequence[Sequence[StoredValue]],
    extra: Sequence[Sequence[StoredValue]] = (),
) -> str | None:
    """`Ledger.block_digests` of one day, from its rows (ENTRY_COLUMNS without the block) in order.

    `extra` has its rows of `extra_amount`, (cost, position, units, parts), in that order.

    None for rows that costops would not write; ValueError or TypeError for what cannot be read at all.
    """
    if not rows:
        return None
    positions, currencies, texts, paths, *stored = zip(*rows, strict=True)
    pairs = dict(zip(AMOUNT_COLUMNS, zip(stored[::2], stored[1::2], strict=True), strict=True))
    if any({*units, *parts} != {None} for name, (units, parts) in pairs.items() if name not in cost_columns):
        return None
    extra_pairs = _extra_pairs(extra, extra_costs(cost_columns), len(rows))
    if extra_pairs is None:
        return None
    pairs |= extra_pairs
    values = _value_columns(texts, len(dimensions))
    if values is None or positions != tuple(range(len(rows))):
        return None
    amounts = [_picos(*pairs[name]) for name in cost_columns]
    template = f"[{', '.join(['%s'] * (2 + len(values)) + ['%d'] * len(amounts))}]"
    columns = [_json_texts(currencies), _json_texts(paths), *values, *amounts]
    written = ", ".join([template % row for row in zip(*columns, strict=True)])
    layout = json.dumps([dimensions, cost_columns], ensure_ascii=False)
    return hashlib.sha256(f"{layout}[{written}]".encode()).hexdigest()


def _extra_pairs(
    extra: Sequence[Sequence[StoredValue]], names: Sequence[str], count: int
) -> dict[str, tuple[tuple[StoredValue, ...], tuple[StoredValue, ...]]] | None:
    """Units and parts of each of `names`; None unless there is exactly one row for each name and each entry."""
    wanted = [(name, position) for name in sorted(names) for position in range(count)]
    if [tuple(row[:2]) for row in extra] != wanted:
        return None
    pairs = {}
    for place, name in enumerate(sorted(names)):
        _, _, units, parts = zip(*extra[place * count : (place + 1) * count], strict=True)
        pairs[name] = (units, parts)
    return pairs


def _value_columns(texts: Sequence[str], count: int) -> list[list[str]] | None:
    """Stored JSON lists of `count` values as columns of JSON; None unless they are spelled as costops spells them."""
    lists = json.loads(f"[{','.join(texts)}]")
    if len(lists) != len(texts) or any(len(values) != count for values in lists):
        return None
    columns = [_json_texts(column) for column in zip(*lists, strict=True)]
    spelled = zip(*columns, strict=True) if columns else ((),) * len(texts)
    return columns if all(map(eq, texts, [f"[{','.join(values)}]" for values in spelled])) else None


def _json_texts(column: Sequence[StoredValue]) -> list[str]:
    # Few texts, many rows: each is encoded once.
    encoded = {text: _ENCODE(text) for text in set(column)}
    return [encoded[text] for text in column]


def _picos(units: Sequence[StoredValue], parts: Sequence[StoredValue]) -> Iterable[int]:
    if {type(value) for value in (*units, *parts)} != {int}:
        raise TypeError("not an amount")
    if min(parts) < 0 or max(parts) >= PICOS:  # type: ignore[type-var, operator]
        raise ValueError("not parts of an amount")
    return map(add, map(mul, units, repeat(PICOS)), parts)
