"""Cost columns that FOCUS does not have: kept like the others, watched like the others, and added to older states."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from unit.state.stores import FIRST_RUN, apply, draft_of, ledger_of, query, read_ledger

from costops.model.ledger import Ledger
from costops.money import PICOS
from costops.state.reader import open_reader
from costops.state.verify import verify
from costops.state.writer import apply_version

COSTS = ("EffectiveCost", "x_Net", "Amortised")


def ledger(last_picos: int = 7) -> Ledger:
    """Two days; x_Net adds up to 1.5 USD on the first, Amortised to what is given on the second."""
    return ledger_of(
        [
            ("2025-09", "2025-09-29", "USD", ("production", None), "", (1, PICOS, -1)),
            ("2025-09", "2025-09-29", "USD", ("staging", None), "a", (2, PICOS // 2, 0)),
            ("2025-10", "2025-10-01", "EUR", ("staging", "search"), "a", (3, 0, last_picos)),
        ],
        cost_columns=COSTS,
    )


def test_sums_are_exact_in_every_cost_column(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", ledger())
    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        found = reader.sums(None, ("env",))
    assert found.cost_columns == COSTS
    assert found.rows == (
        (("production",), "USD", (1, PICOS, -1)),
        (("staging",), "EUR", (3, 0, 7)),
        (("staging",), "USD", (2, PICOS // 2, 0)),
    )


def test_the_view_writes_them_as_exact_decimal_text(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", ledger(-PICOS // 2))
    text = "SELECT day, path, cost, amount FROM extra_ledger_text WHERE amount <> '0' ORDER BY day, path, cost"
    assert query(tmp_path / "costops.db", text) == [
        ("2025-09-29", "", "Amortised", "-0.000000000001"),
        ("2025-09-29", "", "x_Net", "1"),
        ("2025-09-29", "a", "x_Net", "0.5"),
        ("2025-10-01", "a", "Amortised", "-0.5"),
    ]


def test_an_unchanged_day_is_stored_once(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", ledger(7))
    apply(tmp_path / "costops.db", ledger(8))
    # Two entries of September and one of October in each version, each with two amounts.
    assert query(tmp_path / "costops.db", "SELECT COUNT(*) FROM extra_amount") == [(8,)]
    assert read_ledger(tmp_path / "costops.db", 1) == ledger(7)
    assert read_ledger(tmp_path / "costops.db", 2) == ledger(8)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE extra_amount SET units = units + 1",
        "DELETE FROM extra_amount",
        "INSERT OR REPLACE INTO extra_amount SELECT * FROM extra_amount",
    ],
)
def test_history_cannot_be_rewritten_by_accident(tmp_path: Path, statement: str) -> None:
    apply(tmp_path / "costops.db", ledger())
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        query(tmp_path / "costops.db", statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE extra_amount SET units = units + 1 WHERE block = 1 AND position = 0 AND cost = 'x_Net'",
        "DELETE FROM extra_amount WHERE block = 2 AND cost = 'Amortised'",
        "UPDATE extra_amount SET cost = 'Net' WHERE cost = 'x_Net'",
        "INSERT INTO extra_amount VALUES (1, 0, 'Net', 0, 0)",
    ],
)
def test_a_changed_amount_is_found(tmp_path: Path, statement: str) -> None:
    state = tmp_path / "costops.db"
    apply(state, ledger())
    ends = ("update", "delete", "replace")
    made = [
        str(query(state, f"SELECT sql FROM sqlite_master WHERE name = 'extra_amount_no_{end}'")[0][0]) for end in ends
    ]
    for end in ends:
        query(state, f"DROP TRIGGER extra_amount_no_{end}")
    query(state, statement)
    for trigger in made:
        query(state, trigger)
    assert [each for each in verify(state) if "amounts of a day" in each]


def test_a_first_version_may_have_them(tmp_path: Path) -> None:
    version = apply_version(tmp_path / "costops.db", base=FIRST_RUN, draft=draft_of(ledger()), ledger=ledger())
    assert version.draft.cost_columns == COSTS
