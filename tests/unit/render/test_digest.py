"""A digest as a person reads it: whole texts beside this file, and what must hold for any digest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.digest.build import currency_digests
from costops.model.digest import CurrencyDigest, Digest
from costops.model.sums import LedgerSums
from costops.periods import Period
from costops.render.digest import digest_text, shown_currency
from costops.render.digest_json import digest_json
from costops.render.table import shown_width

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = settings(max_examples=150, derandomize=True, database=None, deadline=None)
CENT = 10**10
UNIT = 10**12
SUMMER = ("2025-06", "2025-07", "2025-08", "2025-09")
YEAR = tuple(f"2025-{month:02d}" for month in range(1, 13))

Table = Mapping[tuple[str, str | None], Sequence[str]]
"""(currency, element) to the cost of every month the version has, as `1,234.50`; an empty text is no cost."""


def picos(text: str) -> int:
    """`-1,234.50` in picos."""
    return int(Decimal(text.replace(",", "") or "0") * UNIT)


def blocks(table: Table, known: Sequence[str], months: Sequence[str]) -> tuple[CurrencyDigest, ...]:
    """A digest's currencies, from amounts as a person writes them."""
    rows = [
        ((month, value), currency, (picos(text),))
        for (currency, value), texts in table.items()
        for month, text in zip(known, texts, strict=True)
    ]
    sums = LedgerSums(12, ("billing_month", "env"), ("EffectiveCost",), tuple(rows))
    return currency_digests(sums, "EffectiveCost", months, known)


def digest(table: Table, known: Sequence[str] = SUMMER, months: Sequence[str] | None = None, **other: object) -> Digest:
    """A digest of version 12 by env."""
    shown = tuple(known if months is None else months)
    fields: dict[str, object] = {
        "version": 12,
        "version_label": "version 12 (a41c9e2, 2026-11-18 09:14 UTC)",
        "applied_at": "2026-11-18T09:14:07Z",
        "commit": "a41c9e27be01d4a41c9e27be01d4a41c9e27be01",
        "dirty": False,
        "cost": "EffectiveCost",
        "by": "env",
        "dimensions": ("env", "team"),
        "period": Period(shown[0], shown[-1]) if shown else None,
        "months": shown,
        "absent": (),
        "others": (),
        "currencies": blocks(table, known, shown),
    }
    return Digest(**{**fields, **other})  # type: ignore[arg-type]


QUARTER = digest(
    {
        ("USD", "production"): ("61,004.17", "61,220.405", "62,118.335", "58,981.225"),
        ("USD", "staging"): ("9,310.00", "9,401.125", "8,760.335", "10,012.505"),
        ("USD", "sandbox"): ("", "14.99", "15.01", ""),
        ("USD", "preview"): ("", "", "", "777.00"),
        ("USD", "refunds"): ("", "-12.00", "", "-250.40"),
        ("USD", "steady"): ("5.00", "5.00", "5.00", "5.00"),
        ("USD", "test"): ("", "31.10", "", "31.10"),
        ("USD", None): ("7,100.00", "7,004.50", "7,330.25", "6,902.70"),
        ("EUR", "production"): ("", "", "180.10", "182.25"),
        ("EUR", "staging"): ("", "", "20.00", ""),
        ("JPY", None): ("1000", "1000", "1000", "1000"),
    },
    months=SUMMER[1:],
)
CREDITS = digest(
    {
        ("USD", "production"): ("-140.00",),
        ("USD", None): ("100.00",),
        ("GBP", "production"): ("5.00",),
        ("GBP", None): ("-5.00",),
        ("KWD", "production"): ("-12.3455",),
    },
    known=("2025-09",),
    absent=(Period("2025-07", "2025-08"), Period("2025-10", "2025-12")),
    others=(Period("2024-01", "2025-05"), Period("2026-01", "2026-01")),
    period=Period("2025-07", "2025-12"),
)
LONG = digest(
    {
        **{
            ("USD", f"arn:aws:iam::{index:012d}:role/team-{index:02d}/environment"): [
                f"{(index + 1) * (month + 3)}0.37" for month in range(12)
            ]
            for index in range(24)
        },
        ("USD", "x" * 300): ["1234.56"] * 12,
        ("USD", "évil\x1b[2J\u202eenv\n東京" * 4): ["-77.01"] * 12,
        ("USD", None): ["12,345,678.90"] * 12,
    },
    known=YEAR,
)
NO_COST = digest({}, known=(), period=None)
ZERO = digest({}, known=("2025-09",), cost="ListCost")
TEXTS = {"quarter": QUARTER, "credits": CREDITS, "long": LONG, "nothing": NO_COST}


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_a_digest_reads_as_written_down(name: str, width: int) -> None:
    text = digest_text(TEXTS[name], width=width)
    assert text == (GOLDEN / f"digest-{name}-{width}.txt").read_text(encoding="utf-8")


def test_a_digest_as_a_document_is_as_written_down() -> None:
    assert digest_json(QUARTER) == (GOLDEN / "digest-quarter.json").read_text(encoding="utf-8")


# Text


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_no_line_is_wider_than_the_terminal_or_ends_with_blanks(name: str, width: int) -> None:
    for everything in (False, True):
        text = digest_text(TEXTS[name], width=width, everything=everything)
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
        for line in text.splitlines():
            assert shown_width(line) <= width, line
            assert line == line.rstrip()


def test_on_a_terminal_that_is_too_narrow_numbers_are_still_whole() -> None:
    text = digest_text(LONG, width=40)
    assert "12,345,678.90" in text
    assert "11 earlier months do not fit in 40 columns: 2025-01 to 2025-11 (--period)." in text


def test_nothing_of_a_name_reaches_the_terminal_raw() -> None:
    odd = digest({("US\x1b[2J", "a\x1b[2J\u202e"): ("1",)}, known=("2025-09",), by="Tags.\x1b[2J")
    for text in (digest_text(odd), digest_text(LONG), digest_json(odd)):
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert json.loads(digest_json(odd))["rows"][0]["value"] == "a\x1b[2J\u202e"


def element_rows(text: str) -> list[str]:
    """First cells of the table's lines between its head and the total."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("env "))
    end = next(place for place, line in enumerate(lines) if line.startswith("total "))
    return lines[start + 1 : end]


def many(count: int) -> Digest:
    return digest({("USD", f"team-{index:02d}"): (f"{100 - index}.01",) for index in range(count)}, known=("2025-09",))


def test_elements_after_the_twentieth_are_counted_and_summed_unless_all_are_asked_for() -> None:
    shown = element_rows(digest_text(many(25)))
    assert len(shown) == 22
    assert [each.split()[0] for each in shown[:3]] == ["team-00", "team-01", "team-02"]
    assert shown[20].split() == ["...", "5", "more", "(--all)", "390.05"]
    everything = element_rows(digest_text(many(25), everything=True))
    assert len(everything) == 26
    assert "more" not in "".join(everything)


def test_a_single_element_more_is_shown_and_not_counted() -> None:
    assert len(element_rows(digest_text(many(21)))) == 22
    assert "more" not in digest_text(many(21))
    assert "... 2 more (--all)" in digest_text(many(22))


def test_fewer_months_are_shown_where_they_do_not_fit_and_the_others_are_named() -> None:
    texts = {width: digest_text(LONG, width=width) for width in (80, 120)}
    assert "10 earlier months do not fit in 80 columns: 2025-01 to 2025-10 (--period)." in texts[80]
    head = next(line for line in texts[120].splitlines() if line.startswith("env "))
    assert head.split() == ["env", *YEAR[-4:], "change"]
    assert "8 earlier months do not fit in 120 columns: 2025-01 to 2025-08 (--period)." in texts[120]
    assert "not fit" not in digest_text(LONG, width=400)


def test_a_long_name_loses_its_middle_and_keeps_both_ends() -> None:
    first = element_rows(digest_text(LONG, width=80))[0]
    assert first.split("  ")[0] == "arn:aws:iam::00…-23/environment"


def test_names_that_differ_in_their_middle_take_the_room_of_a_month_to_be_told_apart() -> None:
    for width in (80, 100, 120):
        names = [row.split("  ")[0] for row in element_rows(digest_text(LONG, width=width))]
        assert len(set(names)) == len(names)


def test_names_that_no_half_line_can_tell_apart_take_no_more_than_their_least_room() -> None:
    names = ["x" * 90 + str(end) + "y" * 90 for end in range(9)]
    text = digest_text(digest({("USD", name): ("1",) * 12 for name in names}, known=YEAR), width=80)
    head = next(line for line in text.splitlines() if line.startswith("env "))
    assert head.split() == ["env", *YEAR[-4:], "change"]


def test_the_sentence_says_total_change_unallocated_and_what_moved_most() -> None:
    text = digest_text(QUARTER, width=400)
    assert (
        "\nUSD 76,459.13 in 2025-09: -1,769.80 (-2.3 %) against the month before. Unallocated 6,902.70 (9.0 %). "
        "Largest rise: staging +1,252.17 (+14.3 %). Largest fall: production -3,137.11 (-5.1 %).\n"
    ) in text
    assert "\nEUR 182.25 in 2025-09: -17.85 (-8.9 %) against the month before. Nothing is unallocated. " in text
    assert "\nJPY 1,000 in 2025-09, the same as in the month before. Unallocated 1,000 (100.0 %).\n" in text


def test_a_rise_of_less_than_is_shown_is_not_called_the_largest() -> None:
    table = {("USD", "a"): ("1.001", "1.002"), ("USD", "b"): ("1.003", "1.001")}
    text = digest_text(digest(table, known=("2025-08", "2025-09")))
    assert "USD 2.00 in 2025-09: 0.00 (0.0 %) against the month before. Nothing is unallocated.\n" in text
    assert "Largest" not in text


def test_without_a_month_before_there_is_no_column_of_changes() -> None:
    text = digest_text(digest({("USD", "a"): ("1",)}, known=("2025-09",)))
    assert "change" not in text
    assert "USD 1.00 in 2025-09; version 12 has no month before to compare with. Nothing is unallocated." in text


def test_shares_are_not_clamped_and_a_share_of_nothing_is_not_invented() -> None:
    shares = {block.currency: shown_currency(block).shares for block in CREDITS.currencies}
    assert shares == {"GBP": ("-",), "KWD": ("0.0 %",), "USD": ("-250.0 %",)}
    assert "Unallocated -5.00." in digest_text(CREDITS)
    (block,) = blocks({("USD", "a"): ("-10.00",), ("USD", None): ("110.00",)}, ("2025-09",), ("2025-09",))
    assert shown_currency(block).shares == ("110.0 %",)


def test_no_percentage_is_made_of_a_month_before_of_0() -> None:
    (block,) = blocks(
        {
            ("USD", "new"): ("", "5"),
            ("USD", "gone"): ("5", ""),
            ("USD", "credit"): ("-5", "-10"),
            ("USD", "sign"): ("-10", "5"),
        },
        ("2025-08", "2025-09"),
        ("2025-09",),
    )
    shown = shown_currency(block)
    assert {line.name: line.percents[-1] for line in shown.elements} == {
        "new": "new",
        "gone": "gone",
        "credit": "-100.0 %",
        "sign": "+150.0 %",
    }
    balanced = blocks({("USD", "a"): ("5", "5"), ("USD", "b"): ("-5", "")}, ("2025-08", "2025-09"), ("2025-09",))
    assert shown_currency(balanced[0]).total.percents == ("-",)


def test_a_version_or_a_column_without_cost_says_so() -> None:
    assert digest_text(NO_COST).splitlines()[-1] == "Version 12 has no cost."
    assert digest_text(ZERO).splitlines()[-1] == "Version 12 has no ListCost in 2025-09."
    assert json.loads(digest_json(NO_COST))["period"] is None
    assert json.loads(digest_json(NO_COST))["rows"] == []


# Rounding


def cents(text: str) -> int:
    return 0 if text in ("-", "") else int(text.replace(",", "").replace(".", ""))


def test_thirds_of_a_dollar_add_up_to_the_dollar() -> None:
    third = "0.333333333333"
    (block,) = blocks(
        {("USD", name): (third, "0.50") for name in "abc"}, ("2025-08", "2025-09"), ("2025-08", "2025-09")
    )
    shown = shown_currency(block)
    assert sorted(cents(line.amounts[0]) for line in shown.elements) == [33, 33, 34]
    assert shown.total.amounts == ("1.00", "1.50")
    assert sorted(cents(line.changes[1]) for line in shown.elements) == [16, 17, 17]


amounts = st.one_of(st.just(0), st.integers(-3 * CENT, 3 * CENT), st.integers(-(10**20), 10**20))


@EXAMPLES
@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=30), st.integers(0, 25))
def test_shown_elements_add_up_to_shown_totals_and_shown_changes_to_shown_months(
    costs: list[tuple[int, int, int]], most: int
) -> None:
    months = ("2025-07", "2025-08", "2025-09")
    rows = [
        ((month, f"team-{index}" if index else None), "USD", (cost,))
        for index, element in enumerate(costs)
        for month, cost in zip(months, element, strict=True)
    ]
    sums = LedgerSums(1, ("billing_month", "team"), ("EffectiveCost",), tuple(rows))
    for block in currency_digests(sums, "EffectiveCost", months, months):
        shown = shown_currency(block, most=most)
        *lines, total = shown.lines
        for month in range(3):
            assert sum(cents(line.amounts[month]) for line in lines) == cents(total.amounts[month])
            if month:
                assert sum(cents(line.changes[month]) for line in lines) == cents(total.changes[month])
                for line in (*lines, total):
                    before, after = cents(line.amounts[month - 1]), cents(line.amounts[month])
                    assert before + cents(line.changes[month]) == after
        assert abs(cents(total.amounts[2]) * CENT - sum(element[2] for element in costs)) <= CENT // 2


# JSON


def test_the_document_has_exact_amounts_and_rows_that_add_up_to_the_totals() -> None:
    document = json.loads(digest_json(QUARTER))
    assert {key: document[key] for key in ("format_version", "version", "cost", "by", "period", "months")} == {
        "format_version": "1.0",
        "version": 12,
        "cost": "EffectiveCost",
        "by": "env",
        "period": {"from": "2025-07", "until": "2025-09"},
        "months": ["2025-07", "2025-08", "2025-09"],
    }
    for total in document["totals"]:
        rows = [
            row
            for row in document["rows"]
            if (row["BillingCurrency"], row["billing_month"]) == (total["BillingCurrency"], total["billing_month"])
        ]
        for key in ("cost", "before", "change"):
            assert sum(Decimal(row[key]) for row in rows) == Decimal(total[key])
        assert [row["cost"] for row in rows if row["value"] is None] == [total["unallocated"]]


def test_percentages_of_the_document_have_four_places_and_are_null_without_a_base() -> None:
    rows = {
        (row["BillingCurrency"], row["value"]): row
        for row in json.loads(digest_json(QUARTER))["rows"]
        if row["billing_month"] == "2025-09"
    }
    assert rows["USD", "production"]["change_percent"] == "-5.0502"
    assert (rows["USD", "preview"]["change_percent"], rows["USD", "preview"]["trend"]) == (None, "new")
    assert (rows["USD", "sandbox"]["change_percent"], rows["USD", "sandbox"]["trend"]) == ("-100", "gone")
    assert (rows["USD", "steady"]["change_percent"], rows["USD", "steady"]["trend"]) == ("0", None)
    totals = json.loads(digest_json(CREDITS))["totals"]
    assert [each["unallocated_percent"] for each in totals] == [None, "0", "-250"]
    assert {each["before"] for each in totals} == {None}
