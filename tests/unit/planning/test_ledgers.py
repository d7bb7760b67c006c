"""Two ledgers against each other, and months that are carried over."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from costops.model.ledger import Ledger, empty_ledger
from costops.planning.ledgers import differ, joined, laid_out, of_months, with_costs

Row = tuple[str, str, str, tuple[str | None, ...], str, tuple[int, ...]]
NANO = 1000
"""1e-9 in picos."""


def ledger(
    *rows: Row, dimensions: tuple[str, ...] = ("env", "team"), costs: tuple[str, ...] = ("BilledCost", "EffectiveCost")
) -> Ledger:
    """A ledger of rows (month, day, currency, values, path, picos) in the order given."""
    if not rows:
        return empty_ledger(dimensions, costs)
    months, days, currencies, values, paths, amounts = zip(*rows, strict=True)
    return Ledger(
        dimensions, costs, months, days, currencies, tuple(zip(*values, strict=True)) if dimensions else (),
        paths, tuple(zip(*amounts, strict=True)),
    )  # fmt: skip


def rows_of(found: Ledger) -> list[Row]:
    values: Iterable[tuple[str | None, ...]] = zip(*found.values, strict=True) if found.values else [()] * len(found)
    keys = zip(found.months, found.days, found.currencies, values, found.paths, strict=True)
    return [(*key, amounts) for key, amounts in zip(keys, zip(*found.amounts, strict=True), strict=True)]


MAY: Row = ("2025-05", "2025-05-01", "USD", ("production", "a"), "support", (7, 10**12))
APRIL: tuple[Row, ...] = (
    ("2025-04", "2025-04-10", "EUR", (None, None), "", (1, 2)),
    ("2025-04", "2025-04-10", "USD", (None, "a"), "", (-3, 4)),
    ("2025-04", "2025-05-01", "USD", ("production", "a"), "support > tax", (10**25, -6)),
)


# Differences


def test_equal_ledgers_do_not_differ() -> None:
    assert not differ(ledger(*APRIL, MAY), ledger(*APRIL, MAY), 1)
    assert not differ(ledger(), ledger(), 1)


@pytest.mark.parametrize(
    ("picos", "is_different"), [(0, False), (1, False), (999, False), (1000, True), (10**12, True)]
)
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("column", [0, 1])
def test_an_amount_differs_from_a_billionth_on(picos: int, is_different: bool, sign: int, column: int) -> None:
    amounts = list(MAY[5])
    amounts[column] += sign * picos
    other = (*MAY[:5], tuple(amounts))
    assert differ(ledger(MAY), ledger(other), NANO) is is_different
    assert differ(ledger(other), ledger(MAY), NANO) is is_different


def test_many_small_differences_are_no_difference_because_each_amount_counts_alone() -> None:
    rows = [("2025-05", f"2025-05-{day:02d}", "USD", ("p", "a"), "", (day, day)) for day in range(1, 31)]
    more = [(*row[:5], (row[5][0] + 999, row[5][1] - 999)) for row in rows]
    assert not differ(ledger(*rows), ledger(*more), NANO)


@pytest.mark.parametrize(("amounts", "is_different"), [((999, -999), False), ((1000, 0), True), ((0, -1000), True)])
def test_a_row_that_one_ledger_lacks_counts_as_zero(amounts: tuple[int, int], is_different: bool) -> None:
    extra = ("2025-05", "2025-05-02", "USD", (None, None), "", amounts)
    assert differ(ledger(MAY), ledger(MAY, extra), NANO) is is_different
    assert differ(ledger(MAY, extra), ledger(MAY), NANO) is is_different


@pytest.mark.parametrize("place", range(5))
def test_money_under_another_key_differs(place: int) -> None:
    others: tuple[object, ...] = ("2025-04", "2025-05-02", "EUR", ("production", None), "tax")
    moved = (*MAY[:place], others[place], *MAY[place + 1 :])
    assert differ(ledger(MAY), ledger(moved), NANO)  # type: ignore[arg-type]


def test_ledgers_with_other_columns_differ() -> None:
    assert differ(ledger(), ledger(dimensions=("env",)), NANO)
    assert differ(ledger(), ledger(costs=("BilledCost",)), NANO)
    assert differ(ledger(), ledger(dimensions=("team", "env")), NANO)


# Carried months


def with_carried_months(new: Ledger, stored: Ledger, months: list[str]) -> Ledger:
    """`new` with the rows of `months`, none of which it has, from `stored`, as a plan carries them over."""
    carried = laid_out(of_months(stored, months), new.dimensions, new.cost_columns)
    return joined(with_costs(new, carried.cost_columns), carried)


def test_a_carried_month_keeps_its_bytes() -> None:
    stored = ledger(*APRIL, MAY)
    newer = (*MAY[:5], (8, 8))
    found = with_carried_months(ledger(newer), stored, ["2025-04"])
    assert rows_of(found) == [*APRIL, newer]
    kept = {day: digest for (month, day), digest in stored.block_digests.items() if month == "2025-04"}
    assert {day: digest for (month, day), digest in found.block_digests.items() if month == "2025-04"} == kept


def test_carrying_every_month_gives_the_stored_ledger() -> None:
    stored = ledger(*APRIL, MAY)
    assert with_carried_months(ledger(), stored, ["2025-04", "2025-05"]) == stored
    assert with_carried_months(ledger(), stored, ["2025-04", "2025-05"]).digest == stored.digest


def test_only_the_named_months_are_carried() -> None:
    june = ("2025-06", "2025-06-01", "USD", (None, None), "", (1, 1))
    stored = ledger(*APRIL, MAY, june)
    assert rows_of(with_carried_months(ledger(MAY), stored, ["2025-06"])) == [MAY, june]
    assert rows_of(with_carried_months(ledger(MAY), stored, [])) == [MAY]
    assert rows_of(with_carried_months(ledger(), stored, [])) == []


def test_carried_rows_stand_in_the_ledgers_order() -> None:
    stored = ledger(*APRIL)
    found = with_carried_months(
        ledger(("2025-03", "2025-04-10", "USD", ("x", "y"), "", (1, 1)), MAY), stored, ["2025-04"]
    )
    assert [row[0] for row in rows_of(found)] == ["2025-03", "2025-04", "2025-04", "2025-04", "2025-05"]


def test_a_dimension_that_the_state_lacks_is_missing_in_the_carried_month() -> None:
    found = with_carried_months(ledger(dimensions=("team", "unit", "env")), ledger(*APRIL), ["2025-04"])
    assert [row[3] for row in rows_of(found)] == [(None, None, None), ("a", None, None), ("a", None, "production")]
    assert [row[5] for row in rows_of(found)] == [row[5] for row in APRIL]


def test_a_dimension_that_is_no_longer_reported_is_summed_over() -> None:
    rows = [("2025-04", "2025-04-10", "USD", (env, "a"), "", (each, each)) for env, each in (("p", 1), ("q", 2))]
    gone = [("2025-04", "2025-04-11", "USD", (env, "a"), "", (each, each)) for env, each in (("p", 5), ("q", -5))]
    found = with_carried_months(ledger(dimensions=("team",)), ledger(*rows, *gone), ["2025-04"])
    assert rows_of(found) == [("2025-04", "2025-04-10", "USD", ("a",), "", (3, 3))]


def test_a_cost_column_that_the_state_lacks_is_zero_in_the_carried_month() -> None:
    costs = ("BilledCost", "EffectiveCost", "ListCost")
    found = with_carried_months(ledger(costs=costs), ledger(*APRIL), ["2025-04"])
    assert found.cost_columns == costs
    assert [row[5] for row in rows_of(found)] == [(1, 2, 0), (-3, 4, 0), (10**25, -6, 0)]


def test_a_cost_column_that_only_the_state_has_stays_where_a_carried_month_has_cost_in_it() -> None:
    row = ("2025-04", "2025-04-10", "USD", (None, None), "", (5, 0, 6, 7))
    stored = ledger(row, costs=("x_Net", "Gone", "ListCost", "BilledCost"))
    found = with_carried_months(ledger((*MAY[:5], (8, 9)), costs=("EffectiveCost", "x_Own")), stored, ["2025-04"])
    assert found.cost_columns == ("BilledCost", "EffectiveCost", "ListCost", "x_Own", "x_Net")
    assert [row[5] for row in rows_of(found)] == [(7, 0, 6, 0, 5), (0, 8, 0, 9, 0)]


def test_a_cost_column_that_only_the_state_has_goes_with_its_months() -> None:
    stored = ledger(("2025-05", "2025-05-10", "USD", (None, None), "", (5,)), costs=("x_Net",))
    found = with_carried_months(ledger(MAY), stored, ["2025-04"])
    assert found == ledger(MAY)
