"""States as earlier programs wrote them, kept as SQL texts: read as they are, and brought up to date by an apply."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from unit.state.stores import apply, content, ledger_of, query, read_ledger, three_days

from costops.errors import StateError
from costops.state.closing import set_month_status
from costops.state.reader import open_reader
from costops.state.verify import verify

OLD = Path(__file__).parent / "old"
PICOS = 10**12
ODD_COSTS = ledger_of(
    [
        ("2025-09", "2025-09-29", "USD", ("production", None), "", (1, PICOS, -1)),
        ("2025-09", "2025-09-29", "USD", ("staging", None), "a", (2, PICOS // 2, 0)),
        ("2025-10", "2025-10-01", "EUR", ("staging", "search"), "a", (3, 0, 7)),
    ],
    cost_columns=("EffectiveCost", "x_Net", "Amortised"),
)
LEDGERS = {
    "schema-1": (three_days(),),
    "schema-2": (three_days(), ODD_COSTS),
    "schema-3": (three_days(), ODD_COSTS),
}
HAS_MONTHS = ("schema-3",)


def put_old(state: Path, name: str) -> Path:
    """A state of that schema."""
    with closing(sqlite3.connect(state, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript((OLD / f"{name}.sql").read_text(encoding="utf-8"))
    return state


@pytest.mark.parametrize("name", LEDGERS)
def test_an_older_state_is_sound_and_is_read_as_it_is(name: str, tmp_path: Path) -> None:
    state = put_old(tmp_path / "costops.db", name)
    before = content(state)
    assert verify(state) == ()
    for number, ledger in enumerate(LEDGERS[name], start=1):
        assert read_ledger(state, number) == ledger
        reader = open_reader(state)
        assert reader is not None
        with reader:
            assert reader.month_digests(number) == (ledger.month_digests if name in HAS_MONTHS else None)
            assert reader.record(number) is None
            assert reader.changes_of_element(number, "env", "staging") is None
            draft = reader.version(number).draft
            assert (draft.reason, draft.restated, draft.carried) == (None, (), ())
            assert (reader.events(), reader.closed_months()) == ((), frozenset())
            assert reader.ledger(number, ["2025-10"]).months == ("2025-10",)
            rows = reader.sums(number, ("env",)).rows
        assert {currency for _, currency, _ in rows} == {"EUR", "USD"}
    assert content(state) == before


@pytest.mark.parametrize("name", LEDGERS)
def test_the_next_version_brings_an_older_state_up_to_date(name: str, tmp_path: Path) -> None:
    state = put_old(tmp_path / "costops.db", name)
    old = list(LEDGERS[name])
    apply(state, three_days(5), applied_at="2026-12-01T00:00:00Z")
    assert query(state, "PRAGMA user_version") == [(4,)]
    assert verify(state) == ()
    assert [read_ledger(state, number) for number in range(1, len(old) + 2)] == [*old, three_days(5)]
    with_months = range(1 if name in HAS_MONTHS else len(old) + 1, len(old) + 2)
    assert query(state, "SELECT DISTINCT version FROM version_month") == [(number,) for number in with_months]
    assert query(state, "SELECT version FROM version_detail") == [(len(old) + 1,)]


@pytest.mark.parametrize("name", LEDGERS)
def test_closing_a_month_brings_an_older_state_up_to_date(name: str, tmp_path: Path) -> None:
    state = put_old(tmp_path / "costops.db", name)
    set_month_status(state, ["2025-09"], "closed", None, "mara", "2026-12-01T00:00:00Z")
    assert query(state, "PRAGMA user_version") == [(4,)]
    assert verify(state) == ()
    newest = LEDGERS[name][-1]
    with pytest.raises(StateError, match="changes a closed billing month, 2025-09"):
        apply(state, ledger_of([], newest.dimensions, newest.cost_columns))
    apply(state, newest)
    assert verify(state) == ()


@pytest.mark.parametrize("name", LEDGERS)
def test_the_cost_of_an_element_in_an_older_version(name: str, tmp_path: Path) -> None:
    reader = open_reader(put_old(tmp_path / "costops.db", name))
    assert reader is not None
    with reader:
        assert reader.element_costs(1, "env", "production", "BilledCost") == {"USD": 3 * PICOS}
        assert reader.element_costs(1, "env", "nobody", "BilledCost") == {}


def test_a_version_of_an_older_state_with_another_result_is_found(tmp_path: Path) -> None:
    state = put_old(tmp_path / "costops.db", "schema-2")
    trigger = query(state, "SELECT sql FROM sqlite_master WHERE name = 'version_no_update'")[0][0]
    query(state, "DROP TRIGGER version_no_update")
    query(state, f"UPDATE version SET result_digest = '{'0' * 64}' WHERE number = 1")
    query(state, str(trigger))
    assert "the days of version 1 do not give its result digest" in verify(state)


def test_a_damaged_state_of_the_first_schema_is_never_written_on(tmp_path: Path) -> None:
    state = put_old(tmp_path / "costops.db", "schema-1")
    query(state, "DROP TRIGGER entry_no_update")
    before = state.read_bytes()
    with pytest.raises(StateError, match="entry_no_update is missing"):
        apply(state, three_days(3))
    assert query(state, "PRAGMA user_version") == [(1,)]
    assert state.read_bytes()[24:] == before[24:]
