"""What was applied comes back exactly."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.state.stores import COSTS, apply, draft_of, ledger_of, read_ledger, three_days

from costops.model.ledger import Ledger
from costops.state.reader import open_reader
from costops.state.verify import verify

PICOS = 10**12
DAY = ("2025-09", "2025-09-30", "USD")

LEDGERS = {
    "negative amounts": ledger_of([(*DAY, ("a", None), "r", (-PICOS // 2, -7 * PICOS))]),
    "the smallest amounts": ledger_of([(*DAY, ("a", "b"), "", (1, -1))]),
    "a billion": ledger_of([(*DAY, ("a", "b"), "", (10**9 * PICOS + 1, -(10**9) * PICOS - 1))]),
    "a million billions": ledger_of([(*DAY, ("a", "b"), "", (10**15 * PICOS - 1, -(10**15) * PICOS + 1))]),
    "missing and empty values": ledger_of([(*DAY, (None, None), "", (1, 2)), (*DAY, (None, ""), "", (3, 4))]),
    "no rows": ledger_of([]),
    "no dimensions": ledger_of([(*DAY, (), "r1 > r2", (1, 2))], dimensions=()),
    "no rows and no dimensions": ledger_of([], dimensions=()),
    "one cost column": ledger_of([(*DAY, ("a", "b"), "", (5,))], cost_columns=("EffectiveCost",)),
    "all cost columns": ledger_of(
        [(*DAY, ("a", "b"), "", (1, -2, 3, -4))],
        cost_columns=("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"),
    ),
    "cost columns that FOCUS does not have": ledger_of(
        [(*DAY, (value, "b"), path, (1, -2, 3 * PICOS, -(10**9) * PICOS - 1)) for value in "xy" for path in ("", "r")],
        cost_columns=("x_Net", "EffectiveCost", "Unblended", "net.2"),
    ),
    "no cost column of FOCUS": ledger_of([(*DAY, ("a", "b"), "", (0,))], cost_columns=("x_Net",)),
    "cost columns in another order": ledger_of([(*DAY, ("a", "b"), "", (1, 2))], cost_columns=COSTS[::-1]),
    "text of every kind": ledger_of(
        [
            (*DAY, (value, "x"), "", (1, 2))
            for value in ("ünïcødé", "😀", '"quoted"', "a,b", "[null]", "null", "a\x00b", "a\nb", "\\", " ", "'; DROP")
        ]
    ),
    "a credit of last month on a day of this month": ledger_of(
        [("2025-08", "2025-09-02", "USD", ("a", "b"), "", (-1, -1)), (*DAY, ("a", "b"), "", (1, 1))]
    ),
    "two currencies": ledger_of([(*DAY, ("a", "b"), "", (1, 2)), (*DAY[:2], "EUR", ("a", "b"), "", (1, 2))]),
    "two equal days": three_days(),
}


@pytest.mark.parametrize("ledger", LEDGERS.values(), ids=LEDGERS)
def test_a_ledger_comes_back_as_it_was_applied(tmp_path: Path, ledger: Ledger) -> None:
    apply(tmp_path / "costops.db", ledger)

    stored = read_ledger(tmp_path / "costops.db", 1)

    assert stored == ledger
    assert stored.digest == ledger.digest
    assert verify(tmp_path / "costops.db") == ()


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"commit": None, "dirty": None},
        {"dirty": True},
        {"moved": ()},
        {"moved": (("USD", -(10**40) - 1),)},
        {"rules": ()},
        {"actor": "ünï 😀", "summary": "a\x00b\nc"},
    ],
    ids=["plain", "outside git", "dirty tree", "nothing moved", "a huge amount moved", "no rules", "odd text"],
)
def test_a_version_comes_back_as_it_was_applied(tmp_path: Path, fields: dict[str, object]) -> None:
    ledger = three_days()
    applied = apply(tmp_path / "costops.db", ledger, **fields)

    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        assert reader.version() == applied
        assert reader.version(1) == applied
        assert reader.versions() == (applied,)
    assert applied.draft == draft_of(ledger, **fields)
    assert (applied.number, applied.serial) == (1, 1)


def test_an_earlier_version_keeps_its_ledger(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    first, second = three_days(), three_days(last_day_picos=8)
    apply(state, first)
    apply(state, second)

    assert read_ledger(state, 1) == first
    assert read_ledger(state, 2) == second
    assert read_ledger(state) == second


def test_versions_are_read_newest_first(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    applied = [apply(state, three_days(picos), applied_at=f"2026-11-{picos:02}T00:00:00Z") for picos in (1, 2, 3)]

    reader = open_reader(state)
    assert reader is not None
    with reader:
        assert reader.versions() == tuple(reversed(applied))
