"""A changed state is found out."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest
from unit.state.stores import ENV, apply, content, query, three_days

from costops.errors import StateError
from costops.state.verify import verify


def two_versions(path: Path) -> bytes:
    apply(path, three_days(1), applied_at="2026-11-18T09:14:07Z")
    apply(path, three_days(2), applied_at="2026-11-19T09:14:07Z", rules=(ENV,))
    return path.read_bytes()


def test_a_changed_byte_is_found_or_holds_nothing(tmp_path: Path) -> None:
    whole, changed = tmp_path / "whole.db", tmp_path / "changed.db"
    original, chance = two_versions(whole), random.Random(100)
    said, found = content(whole), 0
    places = [offset for offset, byte in enumerate(original) if byte]

    for offset in chance.sample(places, 100):
        damaged = bytearray(original)
        damaged[offset] ^= chance.choice([1, 2, 4, 8, 16, 32, 64, 128, 255])
        changed.write_bytes(damaged)
        if verify(changed):
            found += 1
        else:
            assert content(changed) == said, f"a change of byte {offset} was not found"
        for log in ("changed.db-wal", "changed.db-shm"):
            (tmp_path / log).unlink(missing_ok=True)
    assert found >= 95


def test_every_stored_text_is_watched(tmp_path: Path) -> None:
    whole, changed = tmp_path / "whole.db", tmp_path / "changed.db"
    original = two_versions(whole)
    texts = [
        "mara@example.com",
        "7be01d4a41c9e2",
        "2026-11-18T09",
        "duckdb 2.0.0",
        '"production"',
        "a > b",
        '"22410.7"',
    ]
    texts += ["2025-10open", "2025-09-30", '{"method":"even"}', "rules/30-shared.yaml", "m001_first_schema", "1 to add"]
    texts += ["CREATE TRIGGER entry_no_update", "COPS", "ünï", "[[", "EffectiveCost"]

    for text in texts:
        places = [place for place in range(len(original)) if original.startswith(text.encode(), place)]
        if text == '"22410.7"':
            continue
        assert places, text
        for place in places:
            changed.write_bytes(original[:place] + bytes([original[place] ^ 1]) + original[place + 1 :])
            assert verify(changed), f"{text} at {place}"
            for log in ("changed.db-wal", "changed.db-shm"):
                (tmp_path / log).unlink(missing_ok=True)


TAMPERING = {
    "an amount": ("entry", "UPDATE entry SET billed_units = billed_units + 1 WHERE position = 0"),
    "a value": ("entry", "UPDATE entry SET dimension_values = '[\"x\",null]' WHERE position = 0"),
    "the spelling of a value": ("entry", "UPDATE entry SET dimension_values = ' ' || dimension_values"),
    "a path": ("entry", "UPDATE entry SET path = 'other'"),
    "the place of an entry": ("entry", "UPDATE entry SET position = position + 1 WHERE block = 2"),
    "an entry that is gone": ("entry", "DELETE FROM entry WHERE block = 1 AND position = 1"),
    "an entry too many": (
        "entry",
        "INSERT INTO entry SELECT block, 9, currency, 'null', path, 0,0,0,0,0,0,0,0 FROM entry WHERE block = 2",
    ),
    "a cost that the bill lacks": ("entry", "UPDATE entry SET list_units = 0, list_parts = 0"),
    "a day of another version": ("version_block", "UPDATE version_block SET block = 2 WHERE version = 2"),
    "a day that is gone": ("version_block", "DELETE FROM version_block WHERE version = 1 AND day = '2025-09-29'"),
    "a day too many": ("version_block", "INSERT INTO version_block VALUES (1, '2025-10', '2025-10-02', 1)"),
    "the layout of a block": ("block", 'UPDATE block SET dimensions = \'["env","owner"]\''),
    "the spelling of a layout": ("block", 'UPDATE block SET dimensions = \'["env", "team"]\''),
    "the source of a rule": ("rule_revision", "UPDATE rule_revision SET text = 'other' WHERE id = 'env'"),
    "the meaning of a rule": ("rule_revision", "UPDATE rule_revision SET canonical = '{}' WHERE id = 'env'"),
    "the line of a rule": ("version_rule", "UPDATE version_rule SET line = 3 WHERE version = 1 AND position = 1"),
    "the order of rules": ("version_rule", "UPDATE version_rule SET position = 3 WHERE version = 1 AND position = 1"),
    "who applied": ("version", "UPDATE version SET actor = 'someone else' WHERE number = 2"),
    "when it was applied": ("version", "UPDATE version SET applied_at = '2026-11-18T09:14:08Z' WHERE number = 2"),
    "an own hash": ("version", "UPDATE version SET hash = lower(hex(randomblob(32))) WHERE number = 1"),
    "a hash before it": ("version", "UPDATE version SET previous_hash = lower(hex(randomblob(32))) WHERE number = 1"),
    "the serial": ("meta", "UPDATE meta SET serial = 3"),
    "the lineage": ("meta", "UPDATE meta SET lineage = '00000000-0000-4000-8000-000000000000'"),
    "the birth of the state": ("meta", "UPDATE meta SET created_at = '2020-01-01T00:00:00Z'"),
    "the row of the lineage": ("meta", "PRAGMA ignore_check_constraints = ON; UPDATE meta SET id = 2"),
    "a status that there is not": (
        "billing_month",
        "PRAGMA ignore_check_constraints = ON; UPDATE billing_month SET status = 'half' WHERE month = '2025-10'",
    ),
    "a month without cost": ("billing_month", "INSERT INTO billing_month VALUES ('2020-01', 'open')"),
    "the record of migrations": ("_sqlite_migrations", "DELETE FROM _sqlite_migrations"),
    "the time of a migration": ("_sqlite_migrations", "UPDATE _sqlite_migrations SET applied_at = '2020'"),
    "an object of someone else": ("", "CREATE VIEW mine AS SELECT 1"),
}


@pytest.mark.parametrize(("table", "statement"), TAMPERING.values(), ids=TAMPERING)
def test_a_change_by_hand_is_found(tmp_path: Path, table: str, statement: str) -> None:
    state = tmp_path / "costops.db"
    two_versions(state)
    connection = sqlite3.connect(state, isolation_level=None)
    # Whoever tampers takes the triggers away first, and puts them back so that the schema looks untouched.
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table]
    )
    kept = triggers.fetchall()
    for name, _ in kept:
        connection.execute(f"DROP TRIGGER {name}")
    before = connection.total_changes
    connection.executescript(statement)
    assert connection.total_changes > before or table == ""
    for _, text in kept:
        connection.execute(text)
    connection.close()

    assert verify(state) != ()


def test_a_trigger_that_was_taken_away_is_found_and_stops_the_next_apply(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    two_versions(state)
    query(state, "DROP TRIGGER version_no_delete")

    assert verify(state) == ("trigger version_no_delete is missing",)
    with pytest.raises(StateError, match=r"schema of the state .* was changed: trigger version_no_delete is missing"):
        apply(state, three_days(3))


def test_a_version_that_was_cut_off_is_found(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    two_versions(state)
    of_version = ("version_rule", "version_block", "version_sum", "version_month", "version_detail")
    for table, column in (*((each, "version") for each in of_version), ("version", "number")):
        query(state, f"DROP TRIGGER {table}_no_delete")
        query(state, f"DELETE FROM {table} WHERE {column} = 2")

    assert "the serial is 2, and the newest version was written at 1" in verify(state)


@pytest.mark.parametrize(
    ("written", "problem"),
    [(b"", "is empty"), (b"x" * 100, "is too short"), (b"x" * 5000, "is not an SQLite file")],
    ids=["0 bytes", "100 bytes", "5000 bytes"],
)
def test_a_file_that_is_no_state_is_a_problem(tmp_path: Path, written: bytes, problem: str) -> None:
    state = tmp_path / "costops.db"
    state.write_bytes(written)

    assert len(verify(state)) == 1
    assert problem in verify(state)[0]


def test_there_is_nothing_to_verify_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="There is no state at"):
        verify(tmp_path / "costops.db")
