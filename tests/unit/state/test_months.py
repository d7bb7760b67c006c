"""Digests and sums that are kept of each billing month of a version."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from unit.state.stores import COSTS, DIMENSIONS, FIRST_RUN, apply, draft_of, ledger_of, query, read_ledger, three_days

from costops.errors import StateError
from costops.model.ledger import Ledger
from costops.money import PICOS
from costops.periods import Period
from costops.state.reader import open_reader
from costops.state.sums import sum_entries, sum_version
from costops.state.verify import verify
from costops.state.writer import apply_version

LEDGER = ledger_of(
    [
        ("2025-08", "2025-08-31", "USD", (None, "a"), "", (PICOS, -1)),
        ("2025-08", "2025-09-01", "USD", (None, "b"), "x", (-PICOS, 5 * PICOS // 2)),
        ("2025-09", "2025-09-01", "EUR", ("p", None), "", (10**25, -(10**25))),
        ("2025-09", "2025-09-02", "USD", ("p", 'q"[1]'), "x > y", (0, 7)),
        ("2025-10", "2025-10-02", "USD", ("ü", "a"), "x", (3, 0)),
        ("2025-10", "2025-10-03", "USD", ("ü", "a"), "x", (-3, 0)),
    ]
)


@pytest.mark.parametrize("period", [None, Period("2025-08", "2025-09")], ids=["all months", "two months"])
@pytest.mark.parametrize(
    "by", [(), ("env",), ("team",), ("billing_month",), ("env", "billing_month"), ("billing_month", "team")]
)
def test_kept_sums_are_the_sums_of_the_entries(by: tuple[str, ...], period: Period | None, tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", three_days())
    apply(tmp_path / "costops.db", LEDGER)
    with closing(sqlite3.connect(tmp_path / "costops.db")) as connection:
        for number in (1, 2):
            kept = sum_version(connection, number, by, DIMENSIONS, COSTS, period)
            assert kept == sum_entries(connection, number, by, DIMENSIONS, COSTS, period)
            assert kept


def test_sums_by_one_dimension_are_read_without_the_entries(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, LEDGER)
    for table in ("entry", "version_block"):
        query(state, f"DROP TRIGGER {table}_no_delete")
        query(state, f"DELETE FROM {table}")
    reader = open_reader(state)
    assert reader is not None
    with reader:
        assert reader.sums(None, ("team",)).rows[-1] == (('q"[1]',), "USD", (0, 7))
        assert reader.sums(None, ("env", "team")).rows == ()


def test_month_digests_are_those_of_the_ledger(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", LEDGER)
    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        assert reader.month_digests() == LEDGER.month_digests
        assert list(LEDGER.month_digests) == ["2025-08", "2025-09", "2025-10"]


def test_some_months_of_a_ledger_are_read_alone(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", LEDGER)
    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        found = reader.ledger(None, ["2025-10", "2025-08"])
        assert found.months == ("2025-08", "2025-08", "2025-10", "2025-10")
        assert found.month_digests == {
            month: digest for month, digest in LEDGER.month_digests.items() if month != "2025-09"
        }
        assert len(reader.ledger(None, [])) == 0


def tamper(state: Path, table: str, statement: str) -> None:
    """Change what is stored and leave no other trace."""
    trigger = query(state, f"SELECT sql FROM sqlite_master WHERE name = '{table}_no_update'")[0][0]
    query(state, f"DROP TRIGGER {table}_no_update")
    query(state, statement)
    query(state, str(trigger))


def test_a_changed_sum_is_found_in_every_version(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, LEDGER)
    apply(state, three_days())
    tamper(state, "version_sum", "UPDATE version_sum SET units = units + 1 WHERE version = 1 AND dimension = 'env'")
    assert "the sums of 2025-09 in version 1 are not the ones that were applied" in verify(state)


def test_a_changed_digest_of_a_month_is_found(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, LEDGER)
    tamper(state, "version_month", f"UPDATE version_month SET digest = '{'0' * 64}' WHERE billing_month = '2025-09'")
    assert verify(state) == (
        "version 1 is not the one that was applied",
        "the days of version 1 do not give its result digest",
    )


def test_a_ledger_that_is_not_the_plans_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="not the one whose digest the plan shows"):
        apply_version(
            tmp_path / "costops.db", base=FIRST_RUN, draft=draft_of(LEDGER, result_digest="0" * 64), ledger=LEDGER
        )
    assert not (tmp_path / "costops.db").exists()


def test_a_ledger_without_rows_is_sound_and_has_no_months(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    apply(state, ledger_of([]))
    assert verify(state) == ()
    assert query(state, "SELECT COUNT(*) FROM version_month") == [(0,)]
    apply(state, LEDGER)
    assert verify(state) == ()
    assert isinstance(read_ledger(state, 1), Ledger)
