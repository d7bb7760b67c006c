"""The plan document: whole documents beside this file, and what must hold for any."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from unit.render.golden.plans import BILL_DIFFERENCE, CHANGE, EXAMPLES, FIRST, NOTHING, UNSAFE, plan, usd

from costops.model.version import BillSummary
from costops.render.plan_json import plan_document, plan_json

GOLDEN = Path(__file__).parent / "golden"
CONTRACT = [
    "format_version",
    "base",
    "rules_digest",
    "bill",
    "rule_changes",
    "bill_changes",
    "metric_changes",
    "changes",
    "bill_money",
    "totals",
    "unallocated",
    "checks",
    "diagnostics",
    "result_digest",
    "plan_digest",
]


@pytest.mark.parametrize("name", ["first", "change", "bill", "joined", "unsafe", "causes", "apart", "compared"])
def test_a_document_reads_as_written_down(name: str) -> None:
    assert plan_json(EXAMPLES[name]) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_document_has_the_contracts_keys_in_its_order_and_reads_back(name: str) -> None:
    document = json.loads(plan_json(EXAMPLES[name]))
    assert document == plan_document(EXAMPLES[name])
    assert [key for key in document if key in CONTRACT] == CONTRACT
    for change in document["changes"]:
        keys = ["action", "kind", "id", "previous_id", "file", "line", "fields", "moved", "money"]
        assert [key for key in change if key in keys] == keys


def amounts(value: Any, key: str = "") -> list[Any]:
    """Every value under a key that holds an amount."""
    if isinstance(value, dict):
        return [found for name, each in value.items() for found in amounts(each, name)]
    if isinstance(value, list):
        return [found for each in value for found in amounts(each, key)]
    return [value] if key in ("before", "after", "delta", "difference", "amount", "before_total", "after_total") else []


@pytest.mark.parametrize("name", ["first", "change", "bill"])
def test_amounts_are_exact_decimal_text(name: str) -> None:
    document = plan_document(EXAMPLES[name])
    money = [amounts(document[key]) for key in ("bill_money", "totals", "moved", "unallocated")]
    money += [amounts(change["money"]) + amounts(change["moved"]) for change in document["changes"]]
    found = [each for part in money for each in part]
    assert found
    assert all(isinstance(each, str) and format(Decimal(each), "f") == each for each in found)


def test_every_digit_of_an_amount_is_kept() -> None:
    line = usd("team", None, 10**25 + 1, 3)
    assert plan_document(replace(BILL_DIFFERENCE, bill_money=(line,)))["bill_money"] == [
        {
            "dimension": "team",
            "value": None,
            "BillingCurrency": "USD",
            "before": "10000000000000.000000000001",
            "after": "0.000000000003",
            "delta": "-9999999999999.999999999998",
        }
    ]


@pytest.mark.parametrize("name", ["first", "joined", "long", "unsafe"])
def test_the_deltas_of_a_change_add_up_to_zero(name: str) -> None:
    for change in plan_document(EXAMPLES[name])["changes"]:
        sums: dict[tuple[str, str], Decimal] = {}
        for line in change["money"]:
            key = (line["dimension"], line["BillingCurrency"])
            assert Decimal(line["after"]) - Decimal(line["before"]) == Decimal(line["delta"])
            sums[key] = sums.get(key, Decimal(0)) + Decimal(line["delta"])
        assert not any(sums.values())


def test_a_missing_value_is_null_and_no_word() -> None:
    values = [line["value"] for line in plan_document(CHANGE)["changes"][0]["money"]]
    assert values[0] is None
    assert "(unallocated)" not in values


def test_a_first_plan_has_no_version_and_no_lineage() -> None:
    assert plan_document(FIRST)["base"] == {"version": None, "serial": 0, "lineage": None}


def test_a_bill_without_rows_has_no_months() -> None:
    empty = plan(bill=BillSummary(digest="", rows=0, first_month="", last_month=""))
    assert plan_document(empty)["bill"] == {"digest": "", "rows": 0, "from": None, "until": None, "files": []}


def test_a_plan_of_no_changes_says_that_nothing_would_be_written() -> None:
    document = plan_document(NOTHING)
    assert (document["changes"], document["writes"], document["rule_changes"]) == ([], False, False)
    assert plan_document(CHANGE)["writes"] is True


def test_a_diagnostic_has_its_place_or_nulls() -> None:
    first, second = plan_document(FIRST)["diagnostics"]
    assert (first["code"], first["severity"], first["file"], first["line"], first["column"]) == (
        "CO801",
        "warning",
        "rules/30-shared.yaml",
        29,
        7,
    )
    assert (second["file"], second["line"], second["hint"]) == (None, None, None)


def test_the_same_plan_is_the_same_bytes() -> None:
    assert plan_json(CHANGE) == plan_json(replace(CHANGE))
    assert plan_json(CHANGE).endswith("}\n")


def test_a_persons_text_reads_back_unchanged() -> None:
    change = json.loads(plan_json(UNSAFE))["changes"][0]
    assert change["id"] == "odd\x1b[2J"
    assert change["money"][0]["value"] == "red\x1b[31m\u202e\n"
    assert change["fields"][0]["after"] == ["tab\t", "zero\u200bwidth"]


def test_no_character_of_a_persons_text_turns_or_hides_text_on_a_terminal() -> None:
    text = plan_json(UNSAFE)
    assert not [character for character in "\x1b\u202e\u200b\x9b" if character in text]
