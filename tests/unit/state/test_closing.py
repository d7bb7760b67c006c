"""Closing and reopening billing months, and the guard of those that are closed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from unit.state.stores import apply, base_of, content, draft_of, ledger_of, query, read_ledger, three_days

from costops.errors import BusyError, StaleError, StateError, UsageError
from costops.model.ledger import Ledger
from costops.model.record import MonthEvent
from costops.model.version import RuleRevision
from costops.state.backup import back_up
from costops.state.chain import StoredValue, event_hash
from costops.state.closing import set_month_status
from costops.state.connection import connect
from costops.state.reader import open_reader
from costops.state.restore import look
from costops.state.verify import verify
from costops.state.writer import apply_version

AT = "2026-12-01T08:00:00Z"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    path = tmp_path / "costops.db"
    apply(path, three_days(1))
    return path


def close(path: Path, *months: str, reason: str | None = None) -> tuple[MonthEvent, ...]:
    return set_month_status(path, months, "closed", reason, "mara", AT)


def reopen(path: Path, *months: str) -> tuple[MonthEvent, ...]:
    return set_month_status(path, months, "open", "a late credit", "mara", AT)


def closed(path: Path) -> list[str]:
    reader = open_reader(path)
    assert reader is not None
    with reader:
        return sorted(reader.closed_months())


def test_every_month_gets_an_event_and_a_serial(state: Path) -> None:
    first, second = close(state, "2025-09", "2025-10", reason="the books are shut")
    assert (first.serial, first.month, first.status, first.reason) == (2, "2025-09", "closed", "the books are shut")
    assert (second.serial, second.month, second.actor, second.at) == (3, "2025-10", "mara", AT)
    assert second.previous_hash == first.hash
    assert closed(state) == ["2025-09", "2025-10"]
    assert base_of(state).serial == 3
    assert base_of(state).version == 1
    assert verify(state) == ()
    (third,) = reopen(state, "2025-09")
    assert (third.serial, third.status, third.reason) == (4, "open", "a late credit")
    assert closed(state) == ["2025-10"]
    version = apply(state, three_days(1), applied_at="2026-12-02T00:00:00Z")
    assert (version.number, version.serial, version.previous_hash) == (2, 5, third.hash)
    assert verify(state) == ()


def test_the_reader_gives_events_newest_first(state: Path) -> None:
    events = [*close(state, "2025-09"), *reopen(state, "2025-09")]
    reader = open_reader(state)
    assert reader is not None
    with reader:
        assert reader.events() == tuple(reversed(events))


def test_what_is_so_already_changes_no_byte(state: Path) -> None:
    close(state, "2025-09")
    before = state.read_bytes()
    assert close(state, "2025-09") == ()
    assert reopen(state, "2025-10") == ()
    assert state.read_bytes() == before
    assert [each.month for each in close(state, "2025-09", "2025-10")] == ["2025-10"]


def test_a_month_that_is_not_there_changes_nothing_and_names_those_that_are(state: Path) -> None:
    before = state.read_bytes()
    with pytest.raises(UsageError, match="Version 1 has no cost in 2025-08; no month was changed") as raised:
        close(state, "2025-09", "2025-08")
    assert raised.value.hint == "It has 2025-09, 2025-10."
    many = [f"2024-{month:02}" for month in range(1, 13)]
    with pytest.raises(UsageError, match="2024-01, 2024-02, 2024-03 and 9 more"):
        close(state, *many)
    assert state.read_bytes() == before


def test_there_is_nothing_to_close_without_a_state(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="nothing has been applied yet"):
        close(tmp_path / "costops.db", "2025-09")
    assert list(tmp_path.iterdir()) == []


def test_a_plan_that_was_made_before_a_closing_is_stale(state: Path) -> None:
    base, ledger = base_of(state), three_days(2)
    close(state, "2025-09")
    with pytest.raises(StaleError, match=r"at version 1 \(serial 2\), the plan was made from version 1 \(serial 1\)"):
        apply_version(state, base=base, draft=draft_of(ledger), ledger=ledger)


def test_a_writer_at_work_is_waited_for_and_then_named(state: Path) -> None:
    before = content(state)
    with closing(sqlite3.connect(state, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError):
            set_month_status(state, ["2025-09"], "closed", None, "mara", AT, timeout_seconds=0)
        writer.execute("ROLLBACK")
    assert content(state) == before


def test_an_interruption_in_the_middle_takes_everything_back(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, hashed = content(state), []

    def interrupt(previous_hash: str, row: Sequence[StoredValue]) -> str:
        hashed.append(row)
        if len(hashed) == 2:
            raise KeyboardInterrupt
        return event_hash(previous_hash, row)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("costops.state.closing.event_hash", interrupt)
        close(state, "2025-09", "2025-10")
    assert content(state) == before
    assert verify(state) == ()
    assert len(close(state, "2025-09", "2025-10")) == 2


def test_a_month_that_another_process_closes_meanwhile_is_not_closed_twice(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def close_first(path: Path, options: str, timeout_seconds: int) -> sqlite3.Connection:
        monkeypatch.setattr("costops.state.closing.connect", connect)
        close(state, "2025-09")
        return connect(path, options, timeout_seconds)

    monkeypatch.setattr("costops.state.closing.connect", close_first)
    assert [each.month for each in close(state, "2025-09", "2025-10")] == ["2025-10"]
    assert base_of(state).serial == 3
    assert verify(state) == ()


def test_a_status_that_was_changed_by_hand_stops_the_next_writer(state: Path) -> None:
    query(state, "UPDATE billing_month SET status = 'closed'")
    for write in (lambda: close(state, "2025-09"), lambda: apply(state, three_days(2))):
        with pytest.raises(StateError, match="what it holds is not what was applied"):
            write()
    with pytest.raises(StateError, match="the closings of its billing months"):
        closed(state)


# The guard


def test_a_closed_month_is_written_as_it_was_or_not_at_all(state: Path) -> None:
    close(state, "2025-10")
    before = content(state)
    with pytest.raises(StateError, match=r"changes a closed billing month, 2025-10, .* nothing was written") as raised:
        apply(state, three_days(2))
    assert "defect" in str(raised.value.hint)
    assert content(state) == before
    assert apply(state, three_days(2), cause="restate", reason="x", restated=("2025-10",)).number == 2
    assert read_ledger(state) == three_days(2)


def test_a_closed_month_that_is_gone_is_refused(state: Path) -> None:
    close(state, "2025-10")
    september = ledger_of(
        [("2025-09", "2025-09-29", "USD", ("production", "search"), "", (1, 2))],
    )
    with pytest.raises(StateError, match="2025-10"):
        apply(state, september)


def test_an_open_month_beside_a_closed_one_may_change(state: Path) -> None:
    close(state, "2025-09")
    assert apply(state, three_days(5)).number == 2


def test_a_reopened_month_may_change(state: Path) -> None:
    close(state, "2025-10")
    reopen(state, "2025-10")
    assert apply(state, three_days(5)).number == 2


def october(path: str = "a", amount: int = 1, layout: tuple[str, ...] = ("env", "team")) -> Ledger:
    values = {"env": "staging", "team": None, "owner": None}
    rest = [("2025-10", "2025-10-01", "EUR", tuple(values[each] for each in layout), path, (amount, 0))]
    same = {"env": "production", "team": "search", "owner": "x"}
    return ledger_of(
        [("2025-09", "2025-09-29", "USD", tuple(same[each] for each in layout), "", (1, 2)), *rest], layout
    )


def renamed(former: str) -> RuleRevision:
    canonical = f'{{"id":"b","renamed_from":["{former}"]}}'
    return RuleRevision(kind="allocation", id="b", canonical=canonical, text="", file="rules/30.yaml", line=1)


def rule(identity: str) -> RuleRevision:
    canonical = f'{{"id":"{identity}"}}'
    return RuleRevision(kind="allocation", id=identity, canonical=canonical, text="", file="rules/30.yaml", line=1)


def test_a_rename_may_rewrite_the_paths_of_a_closed_month_and_no_amount(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, october(), rules=(rule("a"),))
    close(state, "2025-10")
    for ledger, rules in ((october("b"), (rule("b"),)), (october("b", 2), (renamed("a"),)), (october("b"), ())):
        with pytest.raises(StateError, match="changes a closed billing month"):
            apply(state, ledger, rules=rules)
    assert apply(state, october("b"), rules=(renamed("a"),)).number == 2
    # The declaration stays in the file, and renames nothing any more.
    with pytest.raises(StateError, match="changes a closed billing month"):
        apply(state, october("c"), rules=(renamed("a"),))


def test_another_report_may_lay_out_a_closed_month_anew_and_change_no_amount(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, october())
    close(state, "2025-10")
    with pytest.raises(StateError, match="changes a closed billing month"):
        apply(state, october(amount=2, layout=("env", "team", "owner")))
    assert apply(state, october(layout=("env", "team", "owner"))).number == 2
    assert apply(state, october(layout=("env",))).number == 3


def test_a_backup_knows_the_closings_that_the_state_has_and_it_lacks(state: Path, tmp_path: Path) -> None:
    back_up(state, tmp_path / "copy.db")
    close(state, "2025-09")
    back_up(state, tmp_path / "closed.db")
    assert look(state, tmp_path / "closed.db").descent.value == "same"
    older = look(state, tmp_path / "copy.db")
    assert (older.descent.value, older.common) == ("older", 1)
    apply(tmp_path / "copy.db", three_days(5))
    forked = look(state, tmp_path / "copy.db")
    assert (forked.descent.value, forked.common) == ("forked", 1)
