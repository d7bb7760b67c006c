"""FOCUS files as expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from unit.bill.evaluate import evaluate

from costops.bill.focus import describe, missing
from costops.errors import BillError
from costops.model.bill import BillPart, PhysicalFile
from costops.model.expression import Column


def part(kind: str, **types: str) -> BillPart:
    return describe("cloud", (PhysicalFile("/bill/a", "bill/a", kind, tuple(types.items())),))


def csv_part(*names: str) -> BillPart:
    return part("csv", **dict.fromkeys(names, "VARCHAR"))


def test_a_bill_needs_a_start_a_currency_and_one_cost() -> None:
    assert missing(["ChargePeriodStart", "BillingCurrency", "ListCost"]) == ()
    assert missing(["ChargePeriodStart", "BillingCurrency"]) == (
        "a cost column (BilledCost, EffectiveCost, ListCost or ContractedCost)",
    )
    assert missing(["chargeperiodstart", "BilledCost"]) == ("ChargePeriodStart", "BillingCurrency")


def test_text_of_csv_becomes_moments_and_exact_amounts() -> None:
    bill = csv_part("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingCurrency", "BilledCost")
    row = {
        "ChargePeriodStart": "2025-05-31T23:00:00Z",
        "ChargePeriodEnd": "2025-06-01 01:00:00+01:00",
        "BillingPeriodStart": "2025-06-01",
        "BillingCurrency": "EUR",
        "BilledCost": "-0.000000000001",
    }
    assert bill.format == "focus"
    assert evaluate(bill.start, row) == datetime(2025, 5, 31, 23, tzinfo=UTC)
    assert bill.end is not None
    assert evaluate(bill.end, row) == datetime(2025, 6, 1, 0, tzinfo=UTC)
    assert evaluate(bill.billing_month, row) == datetime(2025, 6, 1, tzinfo=UTC)
    assert evaluate(bill.currency, row) == "EUR"
    assert evaluate(bill.costs["BilledCost"], row) == Decimal("-0.000000000001")


def test_empty_text_and_the_text_null_are_missing_in_every_column_of_csv() -> None:
    bill = csv_part(
        "ChargePeriodStart", "BillingPeriodStart", "BillingCurrency", "EffectiveCost", "Tags", "ServiceName", "x_Mine"
    )
    for nothing in ("", "NULL", None):
        row = dict.fromkeys(
            ("BillingPeriodStart", "BillingCurrency", "EffectiveCost", "Tags", "ServiceName", "x_Mine"), nothing
        ) | {"ChargePeriodStart": "2025-05-31T23:00:00Z"}
        assert evaluate(bill.billing_month, row) == datetime(2025, 5, 31, 23, tzinfo=UTC)
        assert evaluate(bill.currency, row) is None
        assert evaluate(bill.costs["EffectiveCost"], row) is None
        assert bill.tags is not None
        assert evaluate(bill.tags, row) is None
        assert evaluate(bill.columns["ServiceName"], row) is None
        assert evaluate(bill.columns["x_Mine"], row) is None
        assert evaluate(bill.columns["BillingPeriodStart"], row) is None
    assert evaluate(bill.columns["ServiceName"], {"ServiceName": "null"}) == "null"


def test_in_parquet_the_text_null_is_text_and_empty_text_is_missing() -> None:
    bill = part(
        "parquet", ChargePeriodStart="TIMESTAMP", BillingCurrency="VARCHAR", ListCost="DOUBLE", ServiceName="VARCHAR"
    )
    assert evaluate(bill.columns["ServiceName"], {"ServiceName": "NULL"}) == "NULL"
    assert evaluate(bill.columns["ServiceName"], {"ServiceName": ""}) is None


def test_amounts_of_parquet_are_read_from_doubles_decimals_and_text() -> None:
    bill = part(
        "parquet",
        ChargePeriodStart="TIMESTAMP",
        BillingCurrency="VARCHAR",
        BilledCost="DOUBLE",
        EffectiveCost="DECIMAL(24,12)",
        ListCost="VARCHAR",
    )
    assert list(bill.costs) == ["BilledCost", "EffectiveCost", "ListCost"]
    row = {"BilledCost": 0.1, "EffectiveCost": Decimal("0.2"), "ListCost": ""}
    assert {name: evaluate(each, row) for name, each in bill.costs.items()} == {
        "BilledCost": Decimal("0.1"),
        "EffectiveCost": Decimal("0.2"),
        "ListCost": None,
    }


def test_a_bill_without_billing_period_and_without_end_falls_back_to_the_start() -> None:
    bill = csv_part("ChargePeriodStart", "BillingCurrency", "BilledCost")
    assert bill.end is None
    assert bill.billing_month == bill.start
    assert bill.tags is None


def test_moments_are_columns_too_and_look_alike_in_csv_and_parquet() -> None:
    from_csv = csv_part("ChargePeriodStart", "BillingCurrency", "BilledCost")
    from_parquet = part("parquet", ChargePeriodStart="TIMESTAMP", BillingCurrency="VARCHAR", BilledCost="DOUBLE")
    expected = "2024-09-18T22:00:00Z"
    assert evaluate(from_csv.columns["ChargePeriodStart"], {"ChargePeriodStart": "2024-09-18 22:00:00"}) == expected
    moment = datetime(2024, 9, 18, 22)  # noqa: DTZ001 - a time without zone is what the file has
    assert evaluate(from_parquet.columns["ChargePeriodStart"], {"ChargePeriodStart": moment}) == expected


def test_every_column_but_the_costs_keeps_its_own_name() -> None:
    bill = csv_part("ChargePeriodStart", "BillingCurrency", "BilledCost", "ListCost", "x_Mine", "Id")
    assert sorted(bill.columns) == ["BillingCurrency", "ChargePeriodStart", "Id", "x_Mine"]


def test_numbers_of_parquet_are_text_as_columns() -> None:
    bill = part(
        "parquet", ChargePeriodStart="TIMESTAMP", BillingCurrency="VARCHAR", BilledCost="DOUBLE", x_LineItemId="BIGINT"
    )
    assert evaluate(bill.columns["x_LineItemId"], {"x_LineItemId": 17}) == "17"


@pytest.mark.parametrize(
    "type_name", ["VARCHAR", "JSON", "MAP(VARCHAR, VARCHAR)", "STRUCT(env VARCHAR, team VARCHAR)", "INTEGER"]
)
def test_tags_are_json_text_or_become_it(type_name: str) -> None:
    bill = part(
        "parquet", ChargePeriodStart="TIMESTAMP", BillingCurrency="VARCHAR", BilledCost="DOUBLE", Tags=type_name
    )
    assert bill.tags is not None
    value = '{"env":"prod"}' if type_name == "VARCHAR" else {"env": "prod"}
    assert evaluate(bill.tags, {"Tags": value}) == '{"env":"prod"}'
    assert evaluate(bill.tags, {"Tags": None}) is None


def test_tags_as_a_list_of_pairs_are_refused() -> None:
    with pytest.raises(BillError) as caught:
        part(
            "parquet",
            ChargePeriodStart="TIMESTAMP",
            BillingCurrency="VARCHAR",
            BilledCost="DOUBLE",
            Tags='STRUCT("key" VARCHAR, "value" VARCHAR)[]',
        )
    assert caught.value.message.startswith("bill/a: the column Tags has the type STRUCT(")


def test_text_that_is_text_already_is_read_as_it_is() -> None:
    bill = part(
        "parquet", ChargePeriodStart="TIMESTAMP", BillingCurrency="VARCHAR", BilledCost="DOUBLE", Tags="VARCHAR"
    )
    assert bill.costs["BilledCost"].arguments == (Column("BilledCost"),)  # type: ignore[union-attr]
