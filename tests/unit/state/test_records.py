"""What a version keeps of its plan comes back as it was, and a change of it is found."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from unit.state.records import PICOS, RECORD
from unit.state.stores import apply, base_of, content, draft_of, query, three_days

from costops.errors import CostopsError, StateError
from costops.model.record import ProviderTotal, Record, RecordedChange
from costops.state.closing import set_month_status
from costops.state.reader import StateReader, open_reader
from costops.state.verify import verify
from costops.state.writer import apply_version

AT = "2026-12-01T08:00:00Z"


def reader_of(path: Path) -> StateReader:
    reader = open_reader(path)
    assert reader is not None
    return reader


def recorded(path: Path, record: Record = RECORD, last_day_picos: int = 7, **fields: object) -> None:
    ledger = three_days(last_day_picos)
    apply_version(path, base=base_of(path), draft=draft_of(ledger, **fields), ledger=ledger, record=record)


def tampered(state: Path, table: str, statement: str) -> None:
    """Change what is stored and leave the schema as it was."""
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table]
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        before = connection.total_changes
        connection.executescript(statement)
        assert connection.total_changes > before
        for _, text in triggers:
            connection.execute(text)


def test_a_record_comes_back_as_it_was_written(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    recorded(state)
    recorded(state, Record(), 8)
    assert verify(state) == ()
    with reader_of(state) as reader:
        assert reader.record(1) == RECORD
        assert reader.record() == Record()


def test_a_draft_with_its_detail_comes_back(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    fields = {"cause": "restate", "reason": "late\ncredit ünï", "restated": ("2025-09",), "carried": ("2025-10",)}
    recorded(state, **fields)
    with reader_of(state) as reader:
        assert reader.version().draft == draft_of(three_days(), **fields)


def test_changes_of_an_element_have_its_money_alone(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    recorded(state)
    bill, _, rename = RECORD.changes
    with reader_of(state) as reader:
        assert reader.changes_of_element(1, "env", "production") == (
            replace(bill, money=bill.money[1:]),
            replace(rename, money=rename.money[:2]),
        )
        assert reader.changes_of_element(1, "env", None) == (replace(bill, money=bill.money[:1]),)
        assert reader.changes_of_element(1, "team", "ünï\x00") == (replace(rename, money=rename.money[2:]),)
        assert reader.changes_of_element(1, "team", "nobody") == ()


def test_the_cost_of_an_element_is_the_sum_of_all_months(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    recorded(state)
    with reader_of(state) as reader:
        assert reader.element_costs(1, "env", "production", "BilledCost") == {"USD": 3 * PICOS}
        assert reader.element_costs(1, "env", "production", "EffectiveCost") == {"USD": -2}
        assert reader.element_costs(1, "env", "staging", "EffectiveCost") == {}
        assert reader.element_costs(1, "team", None, "BilledCost") == {"EUR": 7}


def test_a_record_that_does_not_fit_is_refused_in_words(tmp_path: Path) -> None:
    huge = Record(providers=(ProviderTotal("AWS", "2025-09", "BilledCost", "USD", 2**63 * PICOS),))
    with pytest.raises(CostopsError, match="cannot keep what moved"):
        recorded(tmp_path / "costops.db", huge)
    assert list(tmp_path.iterdir()) == []


ZEROS = "0" * 64
TAMPERING = {
    "a reason": ("version_detail", "UPDATE version_detail SET reason = 'other' WHERE version = 1"),
    "restated months": ("version_detail", "UPDATE version_detail SET restated = '[\"2025-09\"]' WHERE version = 1"),
    "carried months": ("version_detail", "UPDATE version_detail SET carried = '[\"2025-09\"]' WHERE version = 2"),
    "a digest of changes": (
        "version_detail",
        f"UPDATE version_detail SET changes_digest = '{ZEROS}' WHERE version = 1",
    ),
    "a digest of providers": (
        "version_detail",
        f"UPDATE version_detail SET providers_digest = '{ZEROS}' WHERE version = 1",
    ),
    "a digest of metrics": (
        "version_detail",
        f"UPDATE version_detail SET metrics_digest = '{ZEROS}' WHERE version = 1",
    ),
    "a metric": ("version_metric", "UPDATE version_metric SET metric = 'other' WHERE position = 1"),
    "a metric that is gone": ("version_metric", "DELETE FROM version_metric WHERE position = 2"),
    "the dimensions of a metric": ("metric_series", "UPDATE metric_series SET dimensions = '[\"team\"]' WHERE id = 1"),
    "a metric's digest": ("metric_series", f"UPDATE metric_series SET digest = '{ZEROS}' WHERE id = 1"),
    "a usage number": ("metric_value", "UPDATE metric_value SET parts = parts + 1 WHERE series = 1 AND position = 1"),
    "a usage number that is gone": ("metric_value", "DELETE FROM metric_value WHERE series = 1 AND position = 2"),
    "a detail that is gone": ("version_detail", "DELETE FROM version_detail WHERE version = 2"),
    "an action": ("version_change", "UPDATE version_change SET action = 'add' WHERE action = 'rename'"),
    "a former id": ("version_change", "UPDATE version_change SET previous_id = NULL"),
    "a file": ("version_change", "UPDATE version_change SET file = 'other' WHERE position = 3"),
    "a line": ("version_change", "UPDATE version_change SET line = 15 WHERE position = 3"),
    "a change that is gone": ("version_change", "DELETE FROM version_change WHERE position = 2"),
    "a change too many": ("version_change", "INSERT INTO version_change VALUES (2, 1, 'bill', '', '', NULL, '', 0)"),
    "a cause": ("version_money", "UPDATE version_money SET cause = 'order' WHERE cause = 'rule'"),
    "a rule": ("version_money", "UPDATE version_money SET rule = 'x' WHERE rule = 'other'"),
    "an element": ("version_money", "UPDATE version_money SET value = '\"x\"' WHERE value = 'null'"),
    "the spelling of an element": ("version_money", "UPDATE version_money SET value = ' null' WHERE value = 'null'"),
    "an amount": ("version_money", "UPDATE version_money SET parts = parts + 1 WHERE change = 1 AND position = 2"),
    "money that is gone": ("version_money", "DELETE FROM version_money WHERE change = 3 AND position = 2"),
    "a provider": ("version_provider", "UPDATE version_provider SET provider = 'GCP' WHERE provider = 'AWS'"),
    "cost of a provider": ("version_provider", "UPDATE version_provider SET units = 1 WHERE position = 1"),
    "a provider that is gone": ("version_provider", "DELETE FROM version_provider WHERE position = 2"),
    "the month of an event": ("month_event", "UPDATE month_event SET month = '2025-10' WHERE serial = 3"),
    "the status of an event": ("month_event", "UPDATE month_event SET status = 'open' WHERE serial = 3"),
    "the reason of an event": ("month_event", "UPDATE month_event SET reason = 'x' WHERE serial = 4"),
    "who closed": ("month_event", "UPDATE month_event SET actor = 'x' WHERE serial = 3"),
    "when it was closed": ("month_event", "UPDATE month_event SET at = 'x' WHERE serial = 3"),
    "the hash of an event": ("month_event", f"UPDATE month_event SET hash = '{ZEROS}' WHERE serial = 3"),
    "the hash before an event": ("month_event", f"UPDATE month_event SET previous_hash = '{ZEROS}' WHERE serial = 3"),
    "an event that is gone": ("month_event", "DELETE FROM month_event WHERE serial = 3"),
    "the newest event that is gone": ("month_event", "DELETE FROM month_event WHERE serial = 6"),
    "a status without an event": ("billing_month", "UPDATE billing_month SET status = 'open' WHERE month = '2025-10'"),
    "a serial too many": ("meta", "UPDATE meta SET serial = 7"),
}


def with_events(state: Path) -> None:
    """Versions at serials 1, 2 and 5, and a closing, a reopening and a closing at 3, 4 and 6."""
    recorded(state)
    recorded(state, Record(), 8)
    set_month_status(state, ["2025-09"], "closed", "the books are shut", "mara", AT)
    set_month_status(state, ["2025-09"], "open", "a late credit", "mara", AT)
    recorded(state, Record(changes=(RecordedChange(action="bill"),)), 9)
    set_month_status(state, ["2025-10"], "closed", None, "mara", AT)


@pytest.mark.parametrize(("table", "statement"), TAMPERING.values(), ids=TAMPERING)
def test_a_change_of_what_is_kept_is_found(tmp_path: Path, table: str, statement: str) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    assert verify(state) == ()
    tampered(state, table, statement)
    assert verify(state) != ()


def test_an_event_that_was_cut_off_is_named(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    tampered(state, "month_event", "DELETE FROM month_event WHERE serial = 6")
    assert "the serial is 6, and the newest version was written at 5" in verify(state)
    assert "the status of 2025-10 is not the one that its closings and reopenings gave it" in verify(state)


def test_a_missing_link_of_the_chain_is_named(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    tampered(state, "month_event", "DELETE FROM month_event WHERE serial = 4")
    found = verify(state)
    assert "the serials of versions, closings and reopenings are not 1, 2, 3 and so on" in found
    assert "version 3 does not follow from what is stored before it" in found


@pytest.mark.parametrize(
    "table",
    [
        *("version_detail", "version_change", "version_money", "version_provider", "month_event"),
        *("version_metric", "metric_series", "metric_value"),
    ],
)
def test_what_is_kept_is_append_only(tmp_path: Path, table: str) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    before = content(state)
    column = {"month_event": "actor", "metric_series": "digest", "metric_value": "day"}.get(table, "version")
    for statement in (
        f"UPDATE {table} SET {column} = {column}",
        f"DELETE FROM {table}",
        f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} is append-only"):
            query(state, statement)
    assert content(state) == before


def test_a_changed_record_is_not_read(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    recorded(state)
    tampered(state, "version_money", "UPDATE version_money SET parts = 1 WHERE change = 3 AND position = 1")
    with reader_of(state) as reader, pytest.raises(StateError, match="what version 1 keeps of its plan"):
        reader.record(1)


def test_versions_and_events_are_one_chain(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    with reader_of(state) as reader:
        entries = sorted([*reader.versions(), *reader.events()], key=lambda each: each.serial)
    assert [each.serial for each in entries] == [1, 2, 3, 4, 5, 6]
    assert [each.previous_hash for each in entries[1:]] == [each.hash for each in entries[:-1]]
    assert len({each.hash for each in entries}) == 6


def test_an_event_hashes_its_own_row(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    with_events(state)
    with reader_of(state) as reader:
        event = reader.events()[0]
    row = f'["event",6,"2025-10","closed",null,"mara","{AT}"]'
    assert event.hash == hashlib.sha256(f"{event.previous_hash}\n{row}".encode()).hexdigest()


def test_a_first_version_has_its_record(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, three_days())
    with reader_of(state) as reader:
        assert reader.record() == Record()
