"""The digest of stored rows is the ledger's own, and only of rows that costops would write."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from unit.state.stores import apply, ledger_of, query, read_ledger, three_days

from costops.model.ledger import Ledger
from costops.state.contents import stored_digest
from costops.state.rows import entry_rows

ODD = ledger_of(
    [
        ("2025-09", "2025-09-01", "USD", (value, None, 'a "quoted" [text]'), path, (-1, 10**24 + 1, 0))
        for value in (None, "", "null", "a, b", "ünï\n", "\\", "1")
        for path in ("", "a > b")
    ],
    ("env", "team", "x y"),
    ("EffectiveCost", "BilledCost", "ContractedCost"),
)
PLAIN = ledger_of([("2025-09", "2025-09-01", "USD", (), "", (5,))], (), ("ListCost",))
Row = tuple[str | int | None, ...]


def rows_of(ledger: Ledger) -> list[Row]:
    return [row[1:] for row in entry_rows(ledger, range(len(ledger)), 1)]


@pytest.mark.parametrize("ledger", [ODD, PLAIN], ids=["odd texts", "no dimensions"])
def test_the_digest_of_stored_rows_is_the_ledgers(ledger: Ledger) -> None:
    [digest] = ledger.block_digests.values()
    assert stored_digest(ledger.dimensions, ledger.cost_columns, rows_of(ledger)) == digest


def test_every_block_of_a_state_has_the_digest_of_its_rows(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())
    stored = [digest for (digest,) in query(tmp_path / "costops.db", "SELECT digest FROM block ORDER BY id")]
    assert sorted(stored) == sorted(set(read_ledger(tmp_path / "costops.db").block_digests.values()))


CHANGES: dict[str, Callable[[Row], Row]] = {
    "a position": lambda row: (row[0], *row[1:]) if row[0] else (1, *row[1:]),
    "a currency": lambda row: (row[0], "EUR", *row[2:]),
    "a value": lambda row: (*row[:2], '[null,null,"b"]', *row[3:]),
    "the spelling of values": lambda row: (*row[:2], f" {row[2]}", *row[3:]),
    "two lists in one": lambda row: (*row[:2], f"{row[2]},{row[2]}", *row[3:]),
    "a value too many": lambda row: (*row[:2], '[null,null,null,"b"]', *row[3:]),
    "no list": lambda row: (*row[:2], "null", *row[3:]),
    "a path": lambda row: (*row[:3], "c", *row[4:]),
    "an amount": lambda row: (*row[:4], 7, *row[5:]),
    "a missing amount": lambda row: (*row[:4], None, *row[5:]),
    "an amount of text": lambda row: (*row[:4], "7", *row[5:]),
    "parts above the whole": lambda row: (*row[:5], 10**12, *row[6:]),
    "an amount of a cost that the bill lacks": lambda row: (*row[:8], 0, 0, *row[10:]),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_changed_row_has_another_digest_or_none(change: Callable[[Row], Row]) -> None:
    [digest] = ODD.block_digests.values()
    rows = rows_of(ODD)
    changed = [change(rows[0]), *rows[1:]]
    assert changed != rows
    try:
        found = stored_digest(ODD.dimensions, ODD.cost_columns, changed)
    except (TypeError, ValueError):
        found = None
    assert found != digest
