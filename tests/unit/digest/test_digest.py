"""Digests of small states whose figures are known, and what holds for any ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.state.stores import apply, ledger_of

from costops.digest.build import currency_digests, make_digest, month_after, month_before
from costops.errors import UsageError
from costops.model.digest import CurrencyDigest, Digest, Trend
from costops.model.sums import LedgerSums
from costops.periods import Period
from costops.state.reader import open_reader

UNIT = 10**12
EXAMPLES = settings(max_examples=150, derandomize=True, database=None, deadline=None)
Entry = tuple[str, str, str | None, int]
"""Billing month, currency, element and picos of EffectiveCost."""

SUMMER: tuple[Entry, ...] = (
    ("2025-06", "USD", "production", 90 * UNIT),
    ("2025-07", "USD", "production", 100 * UNIT),
    ("2025-07", "USD", "sandbox", 7 * UNIT),
    ("2025-07", "USD", None, 3 * UNIT),
    ("2025-08", "USD", "production", 60 * UNIT),
    ("2025-08", "USD", "staging", 80 * UNIT + 1),
    ("2025-08", "USD", "refunds", -20 * UNIT),
    ("2025-08", "EUR", "production", 5 * UNIT),
)


def stored(path: Path, entries: Iterable[Entry], dimensions: tuple[str, ...] = ("env", "team"), **other: object) -> int:
    """Apply a ledger with these entries as the next version; every other dimension is missing, BilledCost is 1."""
    rest = (None,) * (len(dimensions) - 1)
    rows = [
        (month, f"{month}-{day:02d}", currency, (value, *rest), "", (UNIT, picos))
        for day, (month, currency, value, picos) in enumerate(entries, 1)
    ]
    return apply(path, ledger_of(rows, dimensions=dimensions), **other).number


def digest(
    path: Path, by: str | None = None, first: str | None = None, last: str | None = None, version: int | None = None
) -> Digest:
    """The digest of a state, of the billing months from `first` to `last`."""
    period = Period(first, last or first) if first is not None else None
    reader = open_reader(path)
    assert reader is not None
    with reader:
        return make_digest(reader, reader.version(version), "version x", by=by, period=period)


def summer(tmp_path: Path, first: str | None = None, last: str | None = None) -> Digest:
    stored(tmp_path / "state.db", SUMMER)
    return digest(tmp_path / "state.db", first=first, last=last)


def of(found: Digest, currency: str) -> CurrencyDigest:
    return next(block for block in found.currencies if block.currency == currency)


def amounts(block: CurrencyDigest) -> dict[str | None, list[int]]:
    return {line.value: [cost.amount_picos for cost in line.costs] for line in block.lines}


def trends(block: CurrencyDigest) -> dict[str | None, list[Trend | None]]:
    return {line.value: [cost.trend for cost in line.costs] for line in block.lines}


# Amounts


def test_every_element_has_its_cost_of_every_month_and_0_where_it_has_none(tmp_path: Path) -> None:
    found = summer(tmp_path)
    assert found.months == ("2025-06", "2025-07", "2025-08")
    assert amounts(of(found, "USD")) == {
        "staging": [0, 0, 80 * UNIT + 1],
        "production": [90 * UNIT, 100 * UNIT, 60 * UNIT],
        "sandbox": [0, 7 * UNIT, 0],
        "refunds": [0, 0, -20 * UNIT],
        None: [0, 3 * UNIT, 0],
    }
    assert [cost.amount_picos for cost in of(found, "USD").totals] == [90 * UNIT, 110 * UNIT, 120 * UNIT + 1]


def test_currencies_stand_apart_and_in_order(tmp_path: Path) -> None:
    found = summer(tmp_path)
    assert [block.currency for block in found.currencies] == ["EUR", "USD"]
    assert amounts(of(found, "EUR")) == {"production": [0, 0, 5 * UNIT], None: [0, 0, 0]}


def test_elements_are_sorted_by_the_newest_month_then_by_earlier_ones_and_unallocated_is_last(tmp_path: Path) -> None:
    found = summer(tmp_path)
    values = [line.value for line in of(found, "USD").lines]
    assert values == ["staging", "production", "sandbox", "refunds", None]
    july = digest(tmp_path / "state.db", first="2025-07")
    assert [line.value for line in of(july, "USD").lines] == ["production", "sandbox", None]
    assert july.months == ("2025-07",)


def test_elements_of_equal_cost_are_sorted_by_name(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", [("2025-06", "USD", name, UNIT) for name in ("b", "c", "a")])
    assert [line.value for line in of(digest(tmp_path / "state.db"), "USD").elements] == ["a", "b", "c"]


def test_elements_that_are_gone_are_sorted_by_what_they_cost_before(tmp_path: Path) -> None:
    entries: list[Entry] = [("2025-06", "USD", name, cost * UNIT) for name, cost in (("a", 1), ("b", 9), ("c", 5))]
    stored(tmp_path / "state.db", [*entries, ("2025-07", "USD", "d", UNIT)])
    july = digest(tmp_path / "state.db", first="2025-07")
    assert [line.value for line in of(july, "USD").elements] == ["d", "b", "c", "a"]


def test_the_cost_column_is_the_one_of_the_version(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", SUMMER, cost="BilledCost")
    found = digest(tmp_path / "state.db", first="2025-07")
    assert found.cost == "BilledCost"
    assert amounts(of(found, "USD")) == {"production": [UNIT], "sandbox": [UNIT], None: [UNIT]}


def test_an_element_and_a_currency_without_cost_in_that_column_are_left_out(tmp_path: Path) -> None:
    entries: list[Entry] = [("2025-06", "USD", "a", UNIT), ("2025-06", "USD", "b", 0), ("2025-06", "EUR", "c", 0)]
    stored(tmp_path / "state.db", entries)
    found = digest(tmp_path / "state.db")
    assert [(block.currency, amounts(block)) for block in found.currencies] == [("USD", {"a": [UNIT], None: [0]})]


# Changes


def test_a_change_is_against_the_month_before_also_where_that_month_is_not_shown(tmp_path: Path) -> None:
    found = summer(tmp_path, "2025-08")
    block = of(found, "USD")
    assert {line.value: line.costs[0].change_picos for line in block.lines} == {
        "staging": 80 * UNIT + 1,
        "production": -40 * UNIT,
        "sandbox": -7 * UNIT,
        "refunds": -20 * UNIT,
        None: -3 * UNIT,
    }
    assert (block.totals[0].before_picos, block.totals[0].change_picos) == (110 * UNIT, 10 * UNIT + 1)


def test_a_new_element_and_one_that_is_gone_are_called_so(tmp_path: Path) -> None:
    found = summer(tmp_path, "2025-07", "2025-08")
    assert trends(of(found, "USD")) == {
        "staging": [None, Trend.NEW],
        "production": [None, None],
        "sandbox": [Trend.NEW, Trend.GONE],
        "refunds": [None, Trend.NEW],
        None: [Trend.NEW, Trend.GONE],
    }
    assert [cost.trend for cost in of(found, "EUR").totals] == [None, Trend.NEW]


def test_a_total_of_0_made_of_charges_and_refunds_is_not_called_nothing(tmp_path: Path) -> None:
    entries: list[Entry] = [
        ("2025-06", "USD", "a", UNIT),
        ("2025-06", "USD", "b", -UNIT),
        ("2025-07", "USD", "a", UNIT),
    ]
    stored(tmp_path / "state.db", entries)
    june, july = of(digest(tmp_path / "state.db"), "USD").totals
    assert (june.amount_picos, july.before_picos, july.change_picos, july.trend) == (0, 0, UNIT, None)


def test_without_the_month_before_there_is_no_change(tmp_path: Path) -> None:
    block = of(summer(tmp_path, "2025-06"), "USD")
    assert [(cost.before_picos, cost.change_picos, cost.trend) for cost in block.totals] == [(None, None, None)]
    assert (block.rise, block.fall) == (None, None)


def test_across_a_month_that_the_version_lacks_there_is_no_change(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", [("2025-06", "USD", "a", UNIT), ("2025-08", "USD", "a", 3 * UNIT)])
    found = digest(tmp_path / "state.db")
    assert found.months == ("2025-06", "2025-08")
    assert [cost.change_picos for cost in of(found, "USD").totals] == [None, None]
    assert found.absent == (Period("2025-07", "2025-07"),)


def test_a_month_whose_rows_cancel_out_is_a_month_of_0_and_not_one_that_is_lacking(tmp_path: Path) -> None:
    rows = [
        ("2025-06", "2025-06-01", "USD", ("a", None), "", (UNIT, UNIT)),
        ("2025-06", "2025-06-02", "USD", ("a", None), "", (-UNIT, -UNIT)),
        ("2025-07", "2025-07-01", "USD", ("a", None), "", (UNIT, UNIT)),
    ]
    apply(tmp_path / "state.db", ledger_of(rows))
    found = digest(tmp_path / "state.db")
    assert found.months == ("2025-06", "2025-07")
    assert [(cost.amount_picos, cost.trend) for cost in of(found, "USD").totals] == [(0, None), (UNIT, Trend.NEW)]


def test_the_largest_rise_and_fall_are_of_the_newest_month_unallocated_among_them(tmp_path: Path) -> None:
    found = summer(tmp_path)
    block = of(found, "USD")
    assert block.rise is not None
    assert block.fall is not None
    assert (block.rise.value, block.fall.value) == ("staging", "production")
    july = of(digest(tmp_path / "state.db", first="2025-07"), "USD")
    assert july.rise is not None
    assert (july.rise.value, july.fall) == ("production", None)
    entries: list[Entry] = [("2025-06", "USD", "a", UNIT), ("2025-07", "USD", "a", UNIT), ("2025-07", "USD", None, 2)]
    stored(tmp_path / "other.db", entries)
    assert of(digest(tmp_path / "other.db"), "USD").rise is None
    stored(tmp_path / "third.db", [*entries, ("2025-07", "USD", None, 5 * UNIT)])
    rise = of(digest(tmp_path / "third.db"), "USD").rise
    assert rise is not None
    assert rise.value is None


# Months


def test_without_a_period_the_newest_twelve_months_are_read_and_the_others_named(tmp_path: Path) -> None:
    months = [f"{year}-{month:02d}" for year in (2023, 2024) for month in range(1, 13)]
    stored(tmp_path / "state.db", [(month, "USD", "a", UNIT) for month in months])
    found = digest(tmp_path / "state.db")
    assert found.months == tuple(months[12:])
    assert found.period == Period("2024-01", "2024-12")
    assert found.others == (Period("2023-01", "2023-12"),)
    assert found.absent == ()
    assert of(found, "USD").totals[0].before_picos == UNIT


def test_a_period_over_the_turn_of_the_year_reads_december_before_january(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", [("2024-12", "USD", "a", UNIT), ("2025-01", "USD", "a", 4 * UNIT)])
    found = digest(tmp_path / "state.db", first="2025-01")
    assert [cost.change_picos for cost in of(found, "USD").totals] == [3 * UNIT]


def test_what_a_period_asks_for_and_the_version_lacks_is_named(tmp_path: Path) -> None:
    found = summer(tmp_path, "2025-01", "9999-12")
    assert found.months == ("2025-06", "2025-07", "2025-08")
    assert found.absent == (Period("2025-01", "2025-05"), Period("2025-09", "9999-12"))
    assert found.others == ()
    assert found.period == Period("2025-01", "9999-12")


def test_months_outside_the_period_are_named_as_the_fewest_runs(tmp_path: Path) -> None:
    months = ("2024-11", "2024-12", "2025-01", "2025-03", "2025-05")
    stored(tmp_path / "state.db", [(month, "USD", "a", UNIT) for month in months])
    found = digest(tmp_path / "state.db", first="2025-03")
    assert found.others == (Period("2024-11", "2025-01"), Period("2025-05", "2025-05"))


def test_a_period_outside_is_a_wrong_use_that_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        summer(tmp_path, "2025-09", "2025-12")
    assert caught.value.message == "Version 1 has no cost in 2025-09..2025-12."
    assert caught.value.hint == "It has 2025-06 to 2025-08."


def test_a_version_without_rows_has_an_empty_digest(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", [])
    found = digest(tmp_path / "state.db")
    assert (found.months, found.period, found.currencies) == ((), None, ())
    with pytest.raises(UsageError, match="Version 1 has no cost in 2025-06"):
        digest(tmp_path / "state.db", first="2025-06")


@pytest.mark.parametrize(("month", "after"), [("2025-01", "2025-02"), ("2024-12", "2025-01"), ("0999-12", "1000-01")])
def test_months_follow_each_other(month: str, after: str) -> None:
    assert month_after(month) == after
    assert month_before(after) == month


# Dimensions


def test_without_a_name_the_digest_is_by_env_else_by_the_first_report_dimension(tmp_path: Path) -> None:
    stored(tmp_path / "a.db", SUMMER, dimensions=("team", "env"))
    stored(tmp_path / "b.db", SUMMER, dimensions=("team", "ServiceName"))
    assert digest(tmp_path / "a.db").by == "env"
    assert digest(tmp_path / "b.db").by == "team"
    assert digest(tmp_path / "a.db", by="team").by == "team"
    assert digest(tmp_path / "a.db").dimensions == ("team", "env")


@pytest.mark.parametrize("name", ["enw", "billing_month", "allocated_by", ""])
def test_a_name_that_is_no_report_dimension_is_a_wrong_use_that_lists_the_choices(tmp_path: Path, name: str) -> None:
    stored(tmp_path / "state.db", SUMMER)
    with pytest.raises(UsageError) as caught:
        digest(tmp_path / "state.db", by=name)
    assert caught.value.message == f"Version 1 has no report dimension {name!r}."
    assert caught.value.hint is not None
    assert "env, team" in caught.value.hint


def test_an_old_version_is_asked_for_its_own_dimensions_and_amounts(tmp_path: Path) -> None:
    stored(tmp_path / "state.db", SUMMER[:1], dimensions=("ServiceName",))
    stored(tmp_path / "state.db", SUMMER)
    old = digest(tmp_path / "state.db", version=1)
    assert (old.version, old.by, amounts(of(old, "USD"))) == (1, "ServiceName", {"production": [90 * UNIT], None: [0]})
    with pytest.raises(UsageError, match="Version 1 has no report dimension 'env'"):
        digest(tmp_path / "state.db", by="env", version=1)
    assert digest(tmp_path / "state.db").by == "env"


def test_a_version_without_report_dimensions_has_no_digest(tmp_path: Path) -> None:
    rows = [("2025-06", "2025-06-01", "USD", (), "", (UNIT, UNIT))]
    apply(tmp_path / "state.db", ledger_of(rows, dimensions=()))
    with pytest.raises(UsageError, match="no report dimension that a digest could be made by"):
        digest(tmp_path / "state.db")


# Any ledger

MONTHS = ("2024-11", "2024-12", "2025-01", "2025-02", "2025-04")
entries = st.lists(
    st.tuples(
        st.sampled_from(MONTHS),
        st.sampled_from(["EUR", "USD"]),
        st.sampled_from([None, "a", "b", "c"]),
        st.integers(-(10**24), 10**24),
    ),
    unique_by=lambda entry: entry[:3],
)


@EXAMPLES
@given(entries, st.integers(0, 4), st.integers(0, 4))
def test_lines_add_up_to_totals_and_every_amount_is_one_of_the_ledger(rows: list[Entry], one: int, other: int) -> None:
    shown = MONTHS[min(one, other) : max(one, other) + 1]
    sums = LedgerSums(1, ("billing_month", "env"), ("BilledCost", "EffectiveCost"), tuple(
        ((month, value), currency, (7, picos)) for month, currency, value, picos in rows
    ))  # fmt: skip
    ledger: dict[tuple[str, str | None, str], int] = defaultdict(int)
    for month, currency, value, picos in rows:
        ledger[currency, value, month] = picos
    blocks = currency_digests(sums, "EffectiveCost", shown, MONTHS)
    seen = 0
    for block in blocks:
        for place, month in enumerate(shown):
            costs = [line.costs[place] for line in block.lines]
            total = block.totals[place]
            assert sum(cost.amount_picos for cost in costs) == total.amount_picos
            assert all((cost.before_picos is None) == (total.before_picos is None) for cost in costs)
            if total.before_picos is not None:
                assert sum(cost.before_picos or 0 for cost in costs) == total.before_picos
            for line, cost in zip(block.lines, costs, strict=True):
                assert cost.amount_picos == ledger[block.currency, line.value, month]
                seen += cost.amount_picos != 0
    assert seen == sum(1 for (_, _, month), picos in ledger.items() if picos and month in shown)
