"""Sums of a stored ledger are exact and grouped as asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.state.stores import apply, ledger_of

from costops.errors import UsageError
from costops.model.sums import LedgerSums
from costops.periods import Period
from costops.state.reader import open_reader

PICOS = 10**12
LEDGER = ledger_of(
    [
        ("2025-08", "2025-09-02", "USD", ("production", None), "", (-2 * PICOS, 1)),
        ("2025-09", "2025-09-02", "USD", ("production", "search"), "support", (5 * PICOS + 1, 2)),
        ("2025-09", "2025-09-02", "USD", (None, "search"), "support > spread", (PICOS // 2, 3)),
        ("2025-09", "2025-09-03", "USD", (None, "search"), "spread", (-PICOS // 2, -3)),
        ("2025-09", "2025-09-03", "EUR", ("", "a\x00b"), "", (7, 7)),
    ]
)


def sums(path: Path, *by: str, period: Period | None = None) -> LedgerSums:
    apply(path, LEDGER)
    reader = open_reader(path)
    assert reader is not None
    with reader:
        return reader.sums(1, by, period)


@pytest.mark.parametrize(
    ("by", "rows"),
    [
        ((), (((), "EUR", (7, 7)), ((), "USD", (3 * PICOS + 1, 3)))),
        (
            ("env",),
            ((("",), "EUR", (7, 7)), (("production",), "USD", (3 * PICOS + 1, 3))),
        ),
        (
            ("team",),
            (
                ((None,), "USD", (-2 * PICOS, 1)),
                (("a\x00b",), "EUR", (7, 7)),
                (("search",), "USD", (5 * PICOS + 1, 2)),
            ),
        ),
        (
            ("billing_month",),
            (
                (("2025-08",), "USD", (-2 * PICOS, 1)),
                (("2025-09",), "EUR", (7, 7)),
                (("2025-09",), "USD", (5 * PICOS + 1, 2)),
            ),
        ),
        (
            ("charge_month",),
            ((("2025-09",), "EUR", (7, 7)), (("2025-09",), "USD", (3 * PICOS + 1, 3))),
        ),
        (
            ("day",),
            (
                (("2025-09-02",), "USD", (7 * PICOS // 2 + 1, 6)),
                (("2025-09-03",), "EUR", (7, 7)),
                (("2025-09-03",), "USD", (-PICOS // 2, -3)),
            ),
        ),
        (
            ("allocated_by",),
            (
                ((None,), "EUR", (7, 7)),
                ((None,), "USD", (-2 * PICOS, 1)),
                (("support",), "USD", (5 * PICOS + 1, 2)),
            ),
        ),
        (
            ("allocation_path", "env"),
            (
                ((None, ""), "EUR", (7, 7)),
                ((None, "production"), "USD", (-2 * PICOS, 1)),
                (("spread", None), "USD", (-PICOS // 2, -3)),
                (("support", "production"), "USD", (5 * PICOS + 1, 2)),
                (("support > spread", None), "USD", (PICOS // 2, 3)),
            ),
        ),
    ],
    ids=lambda value: ",".join(value) if value == () or isinstance(value[0], str) else "",
)
def test_sums_are_exact_and_rows_of_nothing_but_zero_are_left_out(
    tmp_path: Path, by: tuple[str, ...], rows: tuple[object, ...]
) -> None:
    assert sums(tmp_path / "costops.db", *by) == LedgerSums(1, by, ("BilledCost", "EffectiveCost"), rows)  # type: ignore[arg-type]


def test_a_period_takes_billing_months_and_not_days(tmp_path: Path) -> None:
    found = sums(tmp_path / "costops.db", "day", period=Period("2025-08", "2025-08"))

    assert found.rows == ((("2025-09-02",), "USD", (-2 * PICOS, 1)),)


def test_an_unknown_name_to_group_by_lists_what_is_possible(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be grouped by 'ServiceName'") as raised:
        sums(tmp_path / "costops.db", "env", "ServiceName")

    assert raised.value.hint == (
        "It can be grouped by: env, team, day, charge_month, billing_month, allocated_by, allocation_path."
    )


def test_a_name_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="by 'env' twice"):
        sums(tmp_path / "costops.db", "env", "env")


def test_sums_that_64_bits_of_picos_could_not_hold_are_exact(tmp_path: Path) -> None:
    amount = 10**12 - 1
    rows = [
        ("2025-09", f"2025-09-{day:02}", "USD", (f"e{n}", None), "", (amount, -(10**15) * PICOS))
        for day in range(1, 31)
        for n in range(100)
    ]
    apply(tmp_path / "costops.db", ledger_of(rows))

    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        assert reader.sums(1, ()).rows == (((), "USD", (3000 * amount, -3000 * 10**15 * PICOS)),)


def test_an_empty_ledger_has_no_sums(tmp_path: Path) -> None:
    apply(tmp_path / "costops.db", ledger_of([]))

    reader = open_reader(tmp_path / "costops.db")
    assert reader is not None
    with reader:
        assert reader.sums(None, ("env", "day")).rows == ()
