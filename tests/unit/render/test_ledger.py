"""Sums of a ledger as text, CSV and JSON."""

from __future__ import annotations

import csv
import io
import itertools
import json

import pytest

from costops.model.sums import LedgerSums
from costops.render.ledger import csv_text, ledger_csv, ledger_json, ledger_text

SUMS = LedgerSums(
    version=12,
    by=("env", "team"),
    cost_columns=("BilledCost", "EffectiveCost"),
    rows=(
        ((None, None), "EUR", (10**12, -1)),
        ((None, "search"), "USD", (1_234_567_895_000_000_000, 0)),
        (("production", "naïve 東京"), "USD", (5_000_000_000, 10**25 + 1)),
        (("production", "search"), "JPY", (1500 * 10**12, -(10**11))),
    ),
)
NOTHING = LedgerSums(version=1, by=("env",), cost_columns=("BilledCost",), rows=())


def sums(*values: str | None, by: tuple[str, ...] = ("team",)) -> LedgerSums:
    """A row of one dollar for each value of one dimension."""
    return LedgerSums(1, by, ("BilledCost",), tuple(((value,), "USD", (10**12,)) for value in values))


def test_text_is_a_table_in_the_places_of_each_currency() -> None:
    assert ledger_text(SUMS) == (
        "env            team           BillingCurrency    BilledCost          EffectiveCost\n"
        "(unallocated)  (unallocated)  EUR                      1.00                   0.00\n"
        "(unallocated)  search         USD              1,234,567.90                   0.00\n"
        "production     naïve 東京     USD                      0.00  10,000,000,000,000.00\n"
        "production     search         JPY                     1,500                      0\n"
    )


def test_csv_is_exact_and_a_missing_value_is_an_empty_field() -> None:
    assert ledger_csv(SUMS) == (
        "env,team,BillingCurrency,BilledCost,EffectiveCost\n"
        ",,EUR,1,-0.000000000001\n"
        ",search,USD,1234567.895,0\n"
        "production,naïve 東京,USD,0.005,10000000000000.000000000001\n"
        "production,search,JPY,1500,-0.1\n"
    )


def test_json_is_exact_and_a_missing_value_is_null() -> None:
    document = json.loads(ledger_json(SUMS))
    assert list(document) == ["format_version", "version", "rows"]
    assert (document["format_version"], document["version"]) == ("1.0", 12)
    assert document["rows"][0] == {
        "env": None,
        "team": None,
        "BillingCurrency": "EUR",
        "BilledCost": "1",
        "EffectiveCost": "-0.000000000001",
    }
    assert list(document["rows"][2]) == ["env", "team", "BillingCurrency", "BilledCost", "EffectiveCost"]
    assert document["rows"][2]["EffectiveCost"] == "10000000000000.000000000001"
    assert len(document["rows"]) == 4


def test_rows_keep_their_order_in_every_form() -> None:
    values = ("b", None, "a")
    assert [line.split(",")[0] for line in ledger_csv(sums(*values)).splitlines()[1:]] == ["b", "", "a"]
    assert [row["team"] for row in json.loads(ledger_json(sums(*values)))["rows"]] == ["b", None, "a"]
    assert [line.split()[0] for line in ledger_text(sums(*values)).splitlines()[1:]] == ["b", "(unallocated)", "a"]


def test_a_ledger_without_rows_has_its_columns() -> None:
    assert ledger_text(NOTHING) == "env  BillingCurrency  BilledCost\n"
    assert ledger_csv(NOTHING) == "env,BillingCurrency,BilledCost\n"
    assert json.loads(ledger_json(NOTHING))["rows"] == []


ODD_VALUES = [
    "a,b",
    'say "hi"',
    "two\nlines",
    "a = 1+1",
    " spaced ",
    "it's",
    "(unallocated)",
    "None",
    "東京",
    "both\r\nends",
]


@pytest.mark.parametrize("odd", ODD_VALUES)
def test_a_value_that_is_no_formula_is_itself_in_csv(odd: str) -> None:
    assert ledger_csv(sums(odd)) == ledger_csv(sums(odd), raw=True)


@pytest.mark.parametrize("odd", [*ODD_VALUES, "carriage\rreturn", "=1+1", "\x1b[2J", "::error::", "##[group]"])
def test_a_value_of_any_characters_reads_back_from_raw_csv_and_json(odd: str) -> None:
    table = list(csv.reader(io.StringIO(ledger_csv(sums(odd), raw=True), newline="")))
    assert table == [["team", "BillingCurrency", "BilledCost"], [odd, "USD", "1"]]
    assert json.loads(ledger_json(sums(odd)))["rows"][0]["team"] == odd


def test_missing_and_a_value_called_so_are_two_things_in_csv_and_json() -> None:
    assert ledger_csv(sums(None, "(unallocated)")).splitlines()[1:] == [",USD,1", "(unallocated),USD,1"]


def test_grouping_by_nothing_is_one_row_a_currency() -> None:
    total = LedgerSums(1, (), ("BilledCost",), (((), "USD", (10**12,)),))
    assert ledger_csv(total) == "BillingCurrency,BilledCost\nUSD,1\n"
    assert ledger_text(total) == "BillingCurrency  BilledCost\nUSD                    1.00\n"


def test_nothing_of_a_value_reaches_the_terminal_raw() -> None:
    text = ledger_text(sums("\x1b[2J\u202e\n"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\\x1b[2J\\u202e\\n" in text
    assert len(text.splitlines()) == 2


def test_nothing_of_a_currency_or_a_column_reaches_the_terminal_raw() -> None:
    odd = LedgerSums(1, ("Tags.\x1b[2J",), ("BilledCost",), (((None,), "US\x1b[2J", (10**12,)),))
    assert "\x1b" not in ledger_text(odd)


def test_a_number_is_never_cut() -> None:
    assert "-123,456,789,012,345.67" in ledger_text(
        LedgerSums(1, ("team",), ("BilledCost",), ((("x" * 200,), "USD", (-123_456_789_012_345_670_000_000_000,)),))
    )


MARKED = {
    "=1+1": "'=1+1",
    "+1": "'+1",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    " \xa0=1": "' \xa0=1",
    "\t=1": "'\t'=1",
    "\t": "'\t",
    "\rx": "'\\rx",
    "＝1": "'＝1",
    "a\n=1": "a\n'=1",
    "a\r\n =1": "a\r\n' =1",
    "a;=1": "a;'=1",
    "'=1": "''=1",
    "''=1": "'''=1",
    "'tis": "'tis",
    "a=1": "a=1",
    "2025-04": "2025-04",
    "::error::": "\\x3a:error::",
    "a\n ::error::": "a\n \\x3a:error::",
    "##[group]": "#\\x23[group]",
    "\x1b[2J": "\\x1b[2J",
}


@pytest.mark.parametrize(("value", "marked"), MARKED.items(), ids=map(ascii, MARKED))
def test_a_formula_is_marked_where_a_spreadsheet_would_see_it(value: str, marked: str) -> None:
    table = list(csv.reader(io.StringIO(ledger_csv(sums(value)), newline="")))
    assert table[1] == [marked, "USD", "1"]


def test_no_two_values_are_marked_alike() -> None:
    texts = ["".join(each) for size in range(6) for each in itertools.product("'=; \t\na", repeat=size)]
    assert len({csv_text(text) for text in texts}) == len(texts)


def test_amounts_are_never_marked_and_names_of_columns_are() -> None:
    odd = LedgerSums(1, ("=env",), ("-cost",), ((("a",), "=USD", (-(10**12),)),))
    assert ledger_csv(odd) == "'=env,BillingCurrency,'-cost\na,'=USD,-1\n"
    assert ledger_csv(odd, raw=True) == "=env,BillingCurrency,-cost\na,=USD,-1\n"
