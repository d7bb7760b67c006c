"""Money of one rule set against another."""

from __future__ import annotations

from costops.model.plan import Coverage, MoneyLine, Moved, Total
from costops.planning.money import (
    added,
    coverage,
    largest_moves,
    money_lines,
    moved_lines,
    moved_money,
    totals_by_cost,
    without_dust,
)

Money = dict[tuple[str, str | None, str], int]
DIMENSIONS = ("team", "env")
BEFORE: Money = {
    ("team", None, "USD"): 30_000,
    ("team", "b", "USD"): 10_000,
    ("team", "a", "EUR"): 7_000,
    ("env", "p", "USD"): 40_000,
    ("env", "p", "EUR"): 7_000,
}
AFTER: Money = {
    ("team", "a", "USD"): 25_000,
    ("team", "b", "USD"): 15_000,
    ("team", "a", "EUR"): 7_000,
    ("env", "p", "USD"): 40_000,
    ("env", "p", "EUR"): 7_000,
}


def test_lines_are_the_elements_that_change_missing_first() -> None:
    assert money_lines(BEFORE, AFTER, DIMENSIONS) == (
        MoneyLine("team", None, "USD", 30_000, 0),
        MoneyLine("team", "a", "USD", 0, 25_000),
        MoneyLine("team", "b", "USD", 10_000, 15_000),
    )


def test_lines_stand_by_dimension_then_currency_then_name() -> None:
    lines = money_lines({}, BEFORE, ("env", "team"))
    assert [(line.dimension, line.currency, line.value) for line in lines] == [
        ("env", "EUR", "p"),
        ("env", "USD", "p"),
        ("team", "EUR", "a"),
        ("team", "USD", None),
        ("team", "USD", "b"),
    ]


def test_a_line_needs_a_difference_of_its_least() -> None:
    before: Money = {("team", "a", "USD"): 0, ("team", "b", "USD"): 5_000}
    after: Money = {("team", "a", "USD"): 999, ("team", "b", "USD"): 4_000}
    assert [line.value for line in money_lines(before, after, DIMENSIONS)] == ["a", "b"]
    assert [line.value for line in money_lines(before, after, DIMENSIONS, at_least=1000)] == ["b"]


def test_dimensions_that_are_not_asked_for_are_left_out() -> None:
    assert {line.dimension for line in money_lines({}, BEFORE, ("team",))} == {"team"}


def test_a_dimension_and_currency_of_nothing_but_dust_is_left_out_whole() -> None:
    dust = [MoneyLine("env", "p", "USD", 0, 999), MoneyLine("env", None, "USD", 999, 0)]
    real = [
        MoneyLine("team", "a", "USD", 0, 1001),
        MoneyLine("team", "b", "USD", 1001, 1),
        MoneyLine("team", "c", "USD", 1, 0),
    ]
    other_currency = [MoneyLine("team", "a", "EUR", 0, 1), MoneyLine("team", None, "EUR", 1, 0)]
    assert without_dust([*real, *dust, *other_currency]) == tuple(real)
    assert sum(line.delta for line in without_dust(real)) == 0


def test_money_moved_is_the_sum_of_the_positive_deltas() -> None:
    lines = money_lines(BEFORE, AFTER, DIMENSIONS)
    assert moved_money(lines, DIMENSIONS) == (Moved("team", "USD", 30_000),)
    assert moved_money([], DIMENSIONS) == ()


def test_money_moved_is_apart_per_dimension_and_currency() -> None:
    lines = money_lines({}, BEFORE, DIMENSIONS)
    assert moved_money(lines, DIMENSIONS) == (
        Moved("team", "EUR", 7_000),
        Moved("team", "USD", 40_000),
        Moved("env", "EUR", 7_000),
        Moved("env", "USD", 40_000),
    )


def test_the_largest_move_of_a_currency_is_that_along_one_dimension() -> None:
    moves = [Moved("team", "USD", 5), Moved("env", "USD", 9), Moved("team", "EUR", 2)]
    assert largest_moves(moves) == (("EUR", 2), ("USD", 9))
    assert largest_moves([]) == ()


def test_coverage_is_what_has_no_value_against_all_cost() -> None:
    assert coverage(BEFORE, AFTER, DIMENSIONS) == (
        Coverage("team", "EUR", 0, 7_000, 0, 7_000),
        Coverage("team", "USD", 30_000, 40_000, 0, 40_000),
        Coverage("env", "EUR", 0, 7_000, 0, 7_000),
        Coverage("env", "USD", 0, 40_000, 0, 40_000),
    )


def test_coverage_knows_currencies_of_either_side() -> None:
    new: Money = {("team", None, "JPY"): 3}
    assert coverage({}, new, ("team",)) == (Coverage("team", "JPY", 0, 0, 3, 3),)


def test_totals_stand_by_cost_column_then_currency() -> None:
    before = {("USD", "EffectiveCost"): 1, ("USD", "BilledCost"): 2}
    after = {("EUR", "EffectiveCost"): 3, ("USD", "BilledCost"): 2}
    assert totals_by_cost(before, after, ("BilledCost", "EffectiveCost")) == (
        Total("USD", "BilledCost", 2, 2),
        Total("EUR", "EffectiveCost", 0, 3),
        Total("USD", "EffectiveCost", 1, 0),
    )


def test_totals_show_a_cost_column_that_only_the_state_has() -> None:
    found = totals_by_cost({("USD", "ListCost"): 1}, {("USD", "BilledCost"): 2}, ("BilledCost",))
    assert Total("USD", "BilledCost", 0, 2) in found


def test_money_is_added_and_elements_of_zero_are_left_out() -> None:
    extra: Money = {("team", "b", "USD"): -10_000, ("team", "c", "USD"): 1, ("team", "d", "USD"): 0}
    found = added(BEFORE, extra)
    assert found == {
        **{key: value for key, value in BEFORE.items() if key != ("team", "b", "USD")},
        ("team", "c", "USD"): 1,
    }
    assert BEFORE["team", "b", "USD"] == 10_000


def test_lines_of_what_moved_are_those_of_the_money_before_and_after() -> None:
    moved = {key: AFTER.get(key, 0) - BEFORE.get(key, 0) for key in {**BEFORE, **AFTER}}
    assert moved_lines(BEFORE, moved, DIMENSIONS) == money_lines(BEFORE, AFTER, DIMENSIONS)
    assert moved_lines(BEFORE, moved, ("env",)) == ()
