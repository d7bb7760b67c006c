"""The file that people and other programs see."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from unit.state.stores import apply, content, ledger_of, query, three_days

from costops import money

PICOS = 10**12


def test_the_file_says_whose_it_is_and_which_schema_it_has(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())

    assert query(tmp_path / "costops.db", "PRAGMA application_id") == [(0x434F5053,)]
    assert query(tmp_path / "costops.db", "PRAGMA user_version") == [(4,)]
    assert query(tmp_path / "costops.db", "PRAGMA journal_mode") == [("wal",)]


def test_every_table_is_strict(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())

    tables = query(tmp_path / "costops.db", "PRAGMA table_list")

    own = {row[1]: row[5] for row in tables if row[0] == "main" and row[2] == "table" and row[1] != "sqlite_schema"}
    assert set(own.values()) == {1}
    assert {"meta", "version", "entry", "_sqlite_migrations"} <= set(own)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE version SET actor = 'someone else'",
        "DELETE FROM version",
        "INSERT OR REPLACE INTO version SELECT * FROM version",
        "UPDATE rule_revision SET text = ''",
        "DELETE FROM rule_revision",
        "INSERT OR REPLACE INTO rule_revision SELECT digest, kind, id, canonical, 'other' FROM rule_revision",
        "UPDATE version_rule SET line = 1",
        "DELETE FROM version_rule",
        "INSERT OR REPLACE INTO version_rule SELECT * FROM version_rule",
        "UPDATE block SET digest = digest",
        "DELETE FROM block",
        "INSERT OR REPLACE INTO block SELECT * FROM block",
        "UPDATE entry SET billed_units = 0",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT * FROM entry",
        "UPDATE version_block SET block = 1",
        "DELETE FROM version_block",
        "INSERT OR REPLACE INTO version_block SELECT * FROM version_block",
        "UPDATE meta SET lineage = lower(hex(randomblob(18)))",
        "UPDATE meta SET created_at = ''",
        "UPDATE meta SET serial = serial + 2",
        "UPDATE meta SET serial = serial - 1",
        "DELETE FROM meta",
        "INSERT OR REPLACE INTO meta SELECT * FROM meta",
        "DELETE FROM billing_month",
        "UPDATE billing_month SET month = '2024-01' WHERE month = '2025-09'",
        "UPDATE billing_month SET status = 'half closed'",
    ],
)
def test_history_cannot_be_rewritten_by_accident(tmp_path: Path, statement: str) -> None:
    apply(tmp_path / "costops.db", three_days())
    before = content(tmp_path / "costops.db")

    with pytest.raises(sqlite3.IntegrityError):
        query(tmp_path / "costops.db", statement)

    assert content(tmp_path / "costops.db") == before


def test_the_view_writes_amounts_as_exact_decimal_text(tmp_path: Path) -> None:
    amounts = [
        *(0, 1, -1, PICOS, -PICOS, PICOS // 2, -PICOS // 2, -3 * PICOS // 2, 10 * PICOS, -100 * PICOS),
        *(PICOS - 1, 1 - PICOS, PICOS + 1, -PICOS - 1, 10**15 * PICOS - 1, 1 - 10**15 * PICOS, 33_340_000_000_000),
    ]
    ledger = ledger_of(
        [("2025-09", "2025-09-30", "USD", (f"{n:02}", None), "r", (amount, 1)) for n, amount in enumerate(amounts)]
    )
    apply(tmp_path / "costops.db", ledger)

    rows = query(
        tmp_path / "costops.db", "SELECT * FROM ledger_text ORDER BY version, billing_month, day, dimension_values"
    )

    assert [row[6] for row in rows] == [money.format_picos(amount) for amount in amounts]
    assert rows[6] == (1, "2025-09", "2025-09-30", "USD", '["06",null]', "r", "-0.5", "0.000000000001", None, None)


def test_an_unchanged_day_is_stored_once(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(last_day_picos=7))
    apply(state, three_days(last_day_picos=8))

    # Two equal days of September share one block of two entries; October has a block of one entry in each version.
    assert query(state, "SELECT COUNT(*) FROM block") == [(3,)]
    assert query(state, "SELECT COUNT(*) FROM entry") == [(4,)]
    assert query(state, "SELECT COUNT(*) FROM version_block") == [(6,)]


def test_an_unchanged_rule_is_stored_once(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days(1))
    apply(state, three_days(2))

    assert query(state, "SELECT COUNT(*) FROM rule_revision") == [(2,)]
    assert query(state, "SELECT COUNT(*) FROM version_rule") == [(4,)]


def test_new_billing_months_are_open(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days())

    assert query(state, "SELECT * FROM billing_month") == [("2025-09", "open"), ("2025-10", "open")]
