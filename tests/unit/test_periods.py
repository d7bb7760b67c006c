"""Billing months and ranges of them."""

from __future__ import annotations

import pytest

from costops.periods import Period, parse_period


def test_a_period_is_a_month_or_a_range_with_both_ends() -> None:
    assert parse_period("2025-09") == Period("2025-09", "2025-09")
    assert parse_period("2025-07..2025-09") == Period("2025-07", "2025-09")
    assert parse_period("2025-09..2025-09") == parse_period("2025-09")


def test_a_period_holds_its_months() -> None:
    period = parse_period("2024-11..2025-02")
    months = ("2024-10", "2024-11", "2024-12", "2025-01", "2025-02", "2025-03")
    assert [month for month in months if month in period] == ["2024-11", "2024-12", "2025-01", "2025-02"]


@pytest.mark.parametrize("text", ["2025-09", "2025-07..2025-09"])
def test_a_period_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_period(text)) == text


def test_a_range_of_one_month_is_written_as_the_month() -> None:
    assert str(parse_period("2025-09..2025-09")) == "2025-09"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2025",
        "2025-9",
        "2025-00",
        "2025-13",
        "2025-09-01",
        "25-09",
        "2025-09..",
        "..2025-09",
        "2025-07...2025-09",
        "2025-07..2025-08..2025-09",
        "2025-07 .. 2025-09",
        " 2025-09",
        "2025-09\n",
        "٢٠٢٥-09",
        "2025/09",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a billing month"):
        parse_period(text)


def test_a_period_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        parse_period("2025-09..2025-07")
