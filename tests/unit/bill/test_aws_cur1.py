"""The first AWS Cost and Usage Report as expressions."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from unit.bill.evaluate import evaluate

from costops.bill.aws_cur1 import describe, missing, refusal, report_names
from costops.model.bill import BillPart, PhysicalFile

NEEDED = {
    "line_item_usage_start_date": "TIMESTAMP",
    "line_item_unblended_cost": "DOUBLE",
    "line_item_line_item_type": "VARCHAR",
    "line_item_currency_code": "VARCHAR",
}
RESERVATIONS = {
    "reservation_effective_cost": "DOUBLE",
    "reservation_unused_recurring_fee": "DOUBLE",
    "reservation_unused_amortized_upfront_fee_for_billing_period": "DOUBLE",
    "reservation_reservation_a_r_n": "VARCHAR",
}
SAVINGS_PLANS = {
    "savings_plan_savings_plan_effective_cost": "DOUBLE",
    "savings_plan_total_commitment_to_date": "DOUBLE",
    "savings_plan_used_commitment": "DOUBLE",
}


def part(**more: str) -> BillPart:
    return describe("cloud", (PhysicalFile("/bill/a", "bill/a", "parquet", tuple((NEEDED | more).items())),))


def effective(bill: BillPart, line_item_type: str | None, unblended: float, **values: Any) -> Decimal:
    columns = dict.fromkeys(name for name, _ in bill.files[0].columns)
    row = columns | {"line_item_line_item_type": line_item_type, "line_item_unblended_cost": unblended} | values
    amount = evaluate(bill.costs["EffectiveCost"], row)
    assert isinstance(amount, Decimal)
    return amount


def column(bill: BillPart, name: str, **values: Any) -> Any:
    return evaluate(bill.columns[name], values)


def test_a_report_is_known_by_start_cost_type_and_currency() -> None:
    assert missing(list(NEEDED)) == ()
    assert missing(["line_item_usage_start_date", "ChargePeriodStart"]) == (
        "line_item_unblended_cost",
        "line_item_line_item_type",
        "line_item_currency_code",
    )


def test_other_layouts_of_aws_are_refused_with_their_name() -> None:
    second = refusal([*NEEDED, "resource_tags", "product"])
    assert second is not None
    assert second.startswith("is an AWS Cost and Usage Report 2.0")
    assert refusal([*NEEDED, "resource_tags_user_env"]) is None
    assert refusal(["ChargePeriodStart", "resource_tags"]) is None


def test_billed_is_unblended_and_list_is_public_on_demand_and_nothing_is_contracted() -> None:
    bill = part(pricing_public_on_demand_cost="DOUBLE")
    row = {"line_item_unblended_cost": 0.25, "pricing_public_on_demand_cost": 0.5, "line_item_line_item_type": "Usage"}
    assert list(bill.costs) == ["BilledCost", "EffectiveCost", "ListCost"]
    assert evaluate(bill.costs["BilledCost"], row) == Decimal("0.25")
    assert evaluate(bill.costs["ListCost"], row) == Decimal("0.5")
    assert list(part().costs) == ["BilledCost", "EffectiveCost"]


def test_what_is_no_commitment_is_effective_as_billed() -> None:
    bill = part(**RESERVATIONS, **SAVINGS_PLANS)
    for line_item_type in ("Usage", "Tax", "Credit", "Refund", "Fee", "EdpDiscount", "New type", "", None):
        assert effective(bill, line_item_type, -1.5, reservation_effective_cost=9.0) == Decimal("-1.5")


def test_a_reservation_costs_what_was_used_and_what_stayed_unused() -> None:
    bill = part(**RESERVATIONS)
    assert effective(bill, "DiscountedUsage", 0.0, reservation_effective_cost=0.03) == Decimal("0.03")
    unused = {
        "reservation_unused_recurring_fee": 1.25,
        "reservation_unused_amortized_upfront_fee_for_billing_period": 0.5,
    }
    assert effective(bill, "RIFee", 149.77, **unused) == Decimal("1.75")
    assert effective(bill, "RIFee", 149.77, reservation_unused_recurring_fee=1.25) == Decimal("1.25")


def test_columns_that_a_report_lacks_count_nothing() -> None:
    bill = part(reservation_effective_cost="DOUBLE", reservation_unused_recurring_fee="DOUBLE")
    assert effective(bill, "RIFee", 149.77, reservation_unused_recurring_fee=1.25) == Decimal("1.25")
    assert effective(part(reservation_effective_cost="DOUBLE"), "RIFee", 149.77) == Decimal(0)


def test_what_was_paid_upfront_for_a_reservation_is_not_counted_again() -> None:
    bill = part(**RESERVATIONS)
    assert effective(bill, "Fee", 876.0, reservation_reservation_a_r_n="arn:aws:ec2:ri") == Decimal(0)
    assert effective(bill, "Fee", 876.0, reservation_reservation_a_r_n="") == Decimal(876)


def test_a_savings_plan_costs_what_was_covered_and_what_stayed_unused() -> None:
    bill = part(**SAVINGS_PLANS)
    covered = {"savings_plan_savings_plan_effective_cost": 0.33264}
    assert effective(bill, "SavingsPlanCoveredUsage", 0.504, **covered) == Decimal("0.33264")
    assert effective(bill, "SavingsPlanNegation", -0.504) == Decimal(0)
    assert effective(bill, "SavingsPlanUpfrontFee", 1000.0) == Decimal(0)
    commitment = {"savings_plan_total_commitment_to_date": 24.0, "savings_plan_used_commitment": 20.5}
    assert effective(bill, "SavingsPlanRecurringFee", 24.0, **commitment) == Decimal("3.5")


def test_without_the_columns_of_spreading_a_commitment_stays_where_it_was_billed() -> None:
    bill = part()
    assert effective(bill, "RIFee", 149.77) == Decimal("149.77")
    assert effective(bill, "SavingsPlanCoveredUsage", 0.504) == Decimal("0.504")
    assert effective(bill, "SavingsPlanNegation", -0.504) == Decimal("-0.504")
    assert effective(bill, "SavingsPlanRecurringFee", 24.0) == Decimal(24)


@pytest.mark.parametrize(
    ("line_item_type", "category", "charge_class"),
    [
        ("Usage", "Usage", None),
        ("DiscountedUsage", "Usage", None),
        ("SavingsPlanCoveredUsage", "Usage", None),
        ("SavingsPlanNegation", "Usage", None),
        ("Refund", "Usage", "Correction"),
        ("Tax", "Tax", None),
        ("Credit", "Credit", None),
        ("Fee", "Purchase", None),
        ("RIFee", "Purchase", None),
        ("SavingsPlanUpfrontFee", "Purchase", None),
        ("SavingsPlanRecurringFee", "Purchase", None),
        ("EdpDiscount", "Credit", None),
        ("BundledDiscount", "Credit", None),
        ("PrivateRateDiscount", "Credit", None),
        ("Anything new", "Adjustment", None),
        ("", "Adjustment", None),
        (None, "Adjustment", None),
    ],
)
def test_the_line_item_type_gives_category_and_class(
    line_item_type: str | None, category: str, charge_class: str | None
) -> None:
    bill = part()
    assert column(bill, "ChargeCategory", line_item_line_item_type=line_item_type) == category
    assert column(bill, "ChargeClass", line_item_line_item_type=line_item_type) == charge_class


def test_the_service_is_the_product_name_or_else_its_code() -> None:
    both = part(product_product_name="VARCHAR", line_item_product_code="VARCHAR")
    named = {"product_product_name": "Amazon Elastic Compute Cloud", "line_item_product_code": "AmazonEC2"}
    assert column(both, "ServiceName", **named) == "Amazon Elastic Compute Cloud"
    assert column(both, "ServiceName", **(named | {"product_product_name": ""})) == "AmazonEC2"
    assert column(both, "ServiceName", product_product_name="", line_item_product_code="") is None
    assert column(part(line_item_product_code="VARCHAR"), "ServiceName", **named) == "AmazonEC2"
    assert "ServiceName" not in part().columns


def test_focus_columns_stand_beside_the_raw_ones() -> None:
    bill = part(
        line_item_usage_account_id="VARCHAR",
        bill_payer_account_id="VARCHAR",
        product_region="VARCHAR",
        line_item_usage_amount="DOUBLE",
        bill_billing_period_start_date="TIMESTAMP",
    )
    row = {
        "line_item_usage_account_id": "011254002932",
        "bill_payer_account_id": "836060457634",
        "product_region": "",
        "line_item_usage_amount": 0.5,
        "bill_billing_period_start_date": datetime(2018, 10, 1, tzinfo=UTC),
        "line_item_unblended_cost": 0.25,
    }
    assert column(bill, "SubAccountId", **row) == "011254002932"
    assert column(bill, "BillingAccountId", **row) == "836060457634"
    assert column(bill, "RegionId", **row) is None
    assert column(bill, "ConsumedQuantity", **row) == "0.5"
    assert column(bill, "ProviderName") == column(bill, "ServiceProviderName") == "AWS"
    assert column(bill, "BillingPeriodStart", **row) == "2018-10-01T00:00:00Z"
    assert column(bill, "line_item_usage_account_id", **row) == "011254002932"
    assert column(bill, "line_item_unblended_cost", **row) == "0.25"


def test_the_billing_month_is_the_bills_and_not_the_days() -> None:
    bill = part(bill_billing_period_start_date="TIMESTAMP")
    row = {
        "bill_billing_period_start_date": datetime(2018, 11, 1, tzinfo=UTC),
        "line_item_usage_start_date": datetime(2018, 10, 31, 23, tzinfo=UTC),
    }
    assert evaluate(bill.billing_month, row) == datetime(2018, 11, 1, tzinfo=UTC)
    assert evaluate(bill.start, row) == datetime(2018, 10, 31, 23, tzinfo=UTC)
    assert part().billing_month == part().start
    assert part().end is None


def test_a_tag_is_called_what_its_owner_typed_and_one_of_aws_keeps_its_prefix() -> None:
    bill = part(
        resource_tags_user_environment="VARCHAR",
        resource_tags_user_Environment="VARCHAR",
        resource_tags_aws_created_by="VARCHAR",
    )
    assert sorted(bill.tag_columns) == ["Environment", "aws:created_by", "environment"]
    row = {"resource_tags_user_environment": "", "resource_tags_user_Environment": "Prod"}
    assert evaluate(bill.tag_columns["environment"], row) is None
    assert evaluate(bill.tag_columns["Environment"], row) == "Prod"
    assert bill.tags is None


SLASHED = (
    "lineItem/UsageStartDate",
    "lineItem/UnblendedCost",
    "lineItem/LineItemType",
    "lineItem/CurrencyCode",
    "reservation/ReservationARN",
    "savingsPlan/SavingsPlanEffectiveCost",
    "pricing/publicOnDemandCost",
    "product/ProductName",
    "costCategory/Charge type",
    "resourceTags/user:env",
    "resourceTags/user:Env",
    "resourceTags/user:cost-center",
    "resourceTags/aws:createdBy",
)


def test_columns_of_csv_have_the_names_of_parquet_and_their_own() -> None:
    assert missing(SLASHED) == ()
    names = report_names(SLASHED)
    assert names["reservation_reservation_a_r_n"] == "reservation/ReservationARN"
    assert names["savings_plan_savings_plan_effective_cost"] == "savingsPlan/SavingsPlanEffectiveCost"
    assert names["pricing_public_on_demand_cost"] == "pricing/publicOnDemandCost"
    bill = describe("cloud", (PhysicalFile("/a", "a", "csv", tuple((name, "VARCHAR") for name in SLASHED)),))
    row = dict.fromkeys(SLASHED, "") | {
        "lineItem/UnblendedCost": "0.504",
        "lineItem/LineItemType": "SavingsPlanCoveredUsage",
        "savingsPlan/SavingsPlanEffectiveCost": "0.33264",
        "pricing/publicOnDemandCost": "0.6",
        "product/ProductName": "Amazon Elastic Compute Cloud",
        "costCategory/Charge type": "shared",
    }
    assert {name: evaluate(cost, row) for name, cost in bill.costs.items()} == {
        "BilledCost": Decimal("0.504"),
        "EffectiveCost": Decimal("0.33264"),
        "ListCost": Decimal("0.6"),
    }
    assert evaluate(bill.columns["ServiceName"], row) == "Amazon Elastic Compute Cloud"
    assert evaluate(bill.columns["ChargeCategory"], row) == "Usage"
    assert evaluate(bill.columns["costCategory/Charge type"], row) == "shared"
    assert evaluate(bill.columns["cost_category_charge_type"], row) == "shared"


def test_tags_of_csv_keep_the_case_and_the_signs_that_their_owner_typed() -> None:
    bill = describe("cloud", (PhysicalFile("/a", "a", "csv", tuple((name, "VARCHAR") for name in SLASHED)),))
    assert sorted(bill.tag_columns) == ["Env", "aws:createdBy", "cost-center", "env"]
    row = {"resourceTags/user:env": "prod", "resourceTags/user:Env": ""}
    assert evaluate(bill.tag_columns["env"], row) == "prod"
    assert evaluate(bill.tag_columns["Env"], row) is None
