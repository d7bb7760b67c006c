from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pytest


def rows(bill: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    return bill.execute(query).fetchall()


def values(bill: duckdb.DuckDBPyConnection, expression: str, where: str = "true") -> set[Any]:
    return {row[0] for row in rows(bill, f"SELECT DISTINCT {expression} FROM bill WHERE {where}")}


def count(bill: duckdb.DuckDBPyConnection, where: str) -> int:
    return int(rows(bill, f"SELECT count(*) FROM bill WHERE {where}")[0][0])


def test_the_columns_focus_demands_are_there_and_have_exact_types(bill: duckdb.DuckDBPyConnection) -> None:
    types = {row[0]: row[1] for row in rows(bill, "DESCRIBE bill")}
    mandatory = {
        "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd",
        "BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargePeriodEnd",
        "ChargePeriodStart", "ContractedCost", "EffectiveCost", "InvoiceIssuerName", "ListCost", "PricingQuantity",
        "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName",
    }  # fmt: skip
    assert mandatory <= set(types)
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        assert types[name] == "DECIMAL(24,12)"
    assert types["ChargePeriodStart"] == "TIMESTAMP"
    assert types["Tags"] == types["SubAccountId"] == types["BillingAccountId"] == "VARCHAR"


@pytest.mark.parametrize(
    "name",
    ["BilledCost", "EffectiveCost", "ListCost", "ContractedCost", "BillingCurrency", "ChargePeriodStart",
     "BillingPeriodStart", "ChargeCategory", "ServiceName", "ProviderName", "BillingAccountId", "ChargeDescription"],
)  # fmt: skip
def test_no_row_lacks_what_every_charge_has(bill: duckdb.DuckDBPyConnection, name: str) -> None:
    assert count(bill, f"{name} IS NULL") == 0


def test_environments_are_spelled_in_every_way(bill: duckdb.DuckDBPyConnection) -> None:
    found: dict[str, set[str]] = {
        key: values(bill, f"Tags::JSON ->> '{key}'", f"Tags::JSON ->> '{key}' IS NOT NULL")
        for key in ("env", "environment", "Env", "environnment", "k8s_label_env")
    }
    assert all(found.values())
    assert set().union(*found.values()) >= {
        "prod", "PROD", "prd", "Production", "live", "stg", "staging", "preprod", "dev", "develop", "test", "qa",
        "N/A", "none", "",
    }  # fmt: skip


def test_teams_are_spelled_in_several_ways_and_missing(bill: duckdb.DuckDBPyConnection) -> None:
    spelled = values(bill, "Tags::JSON ->> 'team'")
    assert {"checkout", "Checkout", "CHECKOUT", "checkout-team", "team-checkout", " checkout", None} <= spelled
    for key in ("Team", "owner", "k8s_label_team"):
        assert count(bill, f"Tags::JSON ->> '{key}' IS NOT NULL") > 0


def test_two_environment_keys_may_disagree_or_complete_each_other(bill: duckdb.DuckDBPyConnection) -> None:
    both = rows(bill, "SELECT DISTINCT Tags::JSON ->> 'env', Tags::JSON ->> 'environment' FROM bill")
    complete = [pair for pair in both if None not in pair]
    assert any(first in ("N/A", "n/a", "none", "None", "") and second for first, second in complete)
    assert any(first in ("prod", "production", "live") and second == "dev" for first, second in complete)


def test_untagged_rows_have_no_tags_or_an_empty_object(bill: duckdb.DuckDBPyConnection) -> None:
    assert count(bill, "Tags IS NULL") > 0
    assert count(bill, "Tags = '{}'") > 0


def test_tags_hold_quotes_and_umlauts(bill: duckdb.DuckDBPyConnection) -> None:
    assert 'Jürgen "JJ" O\'Neil, Größe XL' in values(bill, "Tags::JSON ->> 'contact'")


def test_pods_have_namespaces_and_some_of_them_no_labels(bill: duckdb.DuckDBPyConnection) -> None:
    pods = "ServiceName = 'Amazon Elastic Kubernetes Service'"
    namespaces = values(bill, "Tags::JSON ->> 'k8s_namespace'", pods)
    assert {"checkout-prod", "search-stg", "kube-system", "monitoring"} <= namespaces
    assert count(bill, f"{pods} AND Tags::JSON ->> 'k8s_label_env' IS NULL") > 0


def test_about_twenty_services_of_three_providers(bill: duckdb.DuckDBPyConnection) -> None:
    assert values(bill, "ProviderName") == {"AWS", "Microsoft", "Google Cloud"}
    services = values(bill, "ServiceName")
    assert len(services) == 24
    assert {
        "Amazon Elastic Compute Cloud", "Amazon Relational Database Service", "Amazon Simple Storage Service",
        "AWS Lambda", "AWS Data Transfer", "Amazon Virtual Private Cloud", "Amazon CloudWatch",
    } <= services  # fmt: skip


@pytest.mark.parametrize("service", ["AWS Support", "Datadog Pro", "MongoDB Atlas", "PagerDuty"])
def test_a_subscription_is_one_untagged_charge_a_month_over_the_whole_month(
    bill: duckdb.DuckDBPyConnection, service: str
) -> None:
    assert rows(
        bill,
        f"SELECT ChargePeriodStart::DATE::VARCHAR, ChargePeriodEnd::DATE::VARCHAR, Tags FROM bill"
        f" WHERE ServiceName = '{service}' ORDER BY 1",
    ) == [("2025-07-01", "2025-08-01", None), ("2025-08-01", "2025-09-01", None), ("2025-09-01", "2025-10-01", None)]


def test_tax_is_charged_for_whole_months_in_both_currencies(bill: duckdb.DuckDBPyConnection) -> None:
    tax = "ChargeCategory = 'Tax'"
    assert count(bill, tax) == 12
    assert count(bill, f"{tax} AND ChargePeriodEnd = BillingPeriodEnd AND ChargePeriodStart = BillingPeriodStart") == 12
    assert values(bill, "BillingCurrency", tax) == {"USD", "EUR"}


def test_network_and_marketplace_are_untagged(bill: duckdb.DuckDBPyConnection) -> None:
    assert values(bill, "coalesce(Tags, '{}')", "ServiceCategory = 'Networking'") == {"{}"}
    assert values(bill, "Tags", "PublisherName IN ('Datadog', 'Snowflake Inc.', 'MongoDB')") == {None}


def test_shared_databases_have_an_environment_and_no_team(bill: duckdb.DuckDBPyConnection) -> None:
    shared = (
        "ServiceCategory = 'Databases' AND SubAccountName LIKE '%-shared-%' AND ResourceName LIKE 'shared-postgres-%'"
    )
    assert count(bill, f"{shared} AND Tags::JSON ->> 'env' IS NOT NULL") > 20
    assert count(bill, f"{shared} AND coalesce(Tags::JSON ->> 'team', Tags::JSON ->> 'owner') IS NOT NULL") == 0


def test_credits_are_negative_and_end_in_the_twelfth_place(bill: duckdb.DuckDBPyConnection) -> None:
    assert (
        count(bill, "ChargeCategory = 'Credit' AND EffectiveCost < 0") == count(bill, "ChargeCategory = 'Credit'") > 0
    )
    assert count(bill, "EffectiveCost * 100000000000 % 1 <> 0") > 0


def test_refunds_lie_in_the_month_before_their_billing_period(bill: duckdb.DuckDBPyConnection) -> None:
    refunds = "ChargeClass = 'Correction'"
    assert count(bill, refunds) > 10
    assert count(
        bill,
        f"{refunds} AND BilledCost < 0 AND ChargePeriodStart < BillingPeriodStart"
        " AND ChargePeriodStart >= BillingPeriodStart - INTERVAL 1 MONTH AND ChargePeriodEnd <= BillingPeriodStart",
    ) == count(bill, refunds)
    assert count(bill, f"ChargePeriodStart < BillingPeriodStart AND NOT coalesce({refunds}, false)") == 0


def test_every_charge_ends_within_its_billing_period(bill: duckdb.DuckDBPyConnection) -> None:
    assert count(bill, "ChargePeriodEnd > BillingPeriodEnd OR ChargePeriodEnd <= ChargePeriodStart") == 0


def test_commitments_are_bought_used_and_left_unused(bill: duckdb.DuckDBPyConnection) -> None:
    bought = "ChargeCategory = 'Purchase' AND CommitmentDiscountId IS NOT NULL"
    assert count(bill, f"{bought} AND EffectiveCost = 0 AND BilledCost > 0") == count(bill, bought) == 6
    used = "CommitmentDiscountStatus = 'Used'"
    assert count(bill, f"{used} AND BilledCost = 0 AND EffectiveCost > 0") == count(bill, used) > 100
    assert count(bill, "CommitmentDiscountStatus = 'Unused' AND BilledCost = 0 AND EffectiveCost > 0") == 92


def test_list_cost_is_exactly_price_times_quantity(bill: duckdb.DuckDBPyConnection) -> None:
    priced = "PricingQuantity IS NOT NULL"
    product = "ListUnitPrice::DECIMAL(19,9) * PricingQuantity::DECIMAL(18,3)"
    assert count(bill, priced) > 11_000
    assert count(bill, f"{priced} AND ListCost::DECIMAL(37,12) <> {product}") == 0


def test_no_quantity_of_hours_exceeds_a_day(bill: duckdb.DuckDBPyConnection) -> None:
    largest = rows(bill, "SELECT max(ConsumedQuantity) FROM bill WHERE ConsumedUnit = 'Hours'")[0][0]
    assert Decimal(20) < largest <= Decimal(24)


def test_account_ids_are_text_with_leading_zeros(bill: duckdb.DuckDBPyConnection) -> None:
    accounts = values(bill, "SubAccountId")
    assert {"000123456789", "000987654321"} <= accounts
    assert values(bill, "BillingAccountId", "ProviderName = 'AWS'") == {"000000112233"}
    assert all(len(each) == 12 for each in values(bill, "SubAccountId", "ProviderName = 'AWS' AND SubAccountId <> ''"))


def test_an_account_has_one_name_and_one_currency(bill: duckdb.DuckDBPyConnection) -> None:
    assert (
        rows(
            bill,
            "SELECT SubAccountId FROM bill WHERE SubAccountName IS NOT NULL GROUP BY 1"
            " HAVING count(DISTINCT SubAccountName) > 1 OR count(DISTINCT BillingCurrency) > 1",
        )
        == []
    )


def test_both_currencies_have_money_in_every_month_and_cost_column(bill: duckdb.DuckDBPyConnection) -> None:
    totals = rows(
        bill,
        "SELECT BillingCurrency, BillingPeriodStart, sum(BilledCost), sum(EffectiveCost), sum(ListCost),"
        " sum(ContractedCost) FROM bill GROUP BY 1, 2",
    )
    assert len(totals) == 6
    assert all(amount > 1_000 for row in totals for amount in row[2:])


def test_usage_has_every_day_from_the_month_before_the_bill(bill: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        bill, "SELECT metric, min(date), max(date), count(DISTINCT date), count(*) FROM usage GROUP BY 1 ORDER BY 1"
    ) == [
        ("datadog_hosts", "2025-06-01", "2025-09-30", 122, 488),
        ("db_query_seconds", "2025-06-01", "2025-09-30", 122, 5368),
    ]


def test_databases_stand_still_on_one_day(bill: duckdb.DuckDBPyConnection) -> None:
    assert rows(
        bill,
        "SELECT date FROM usage WHERE metric = 'db_query_seconds' GROUP BY 1 HAVING sum(value::DECIMAL(18,1)) = 0",
    ) == [("2025-08-13",)]


def test_a_team_is_known_to_the_metric_alone(bill: duckdb.DuckDBPyConnection) -> None:
    teams = {row[0] for row in rows(bill, "SELECT DISTINCT tags::JSON ->> 'team' FROM usage WHERE metric LIKE 'db%'")}
    assert {"legacy-crm", "checkout", "Checkout"} <= teams
    assert count(bill, "Tags LIKE '%legacy-crm%' OR SubAccountName LIKE '%legacy-crm%'") == 0


def test_metrics_spell_environments_as_people_do(bill: duckdb.DuckDBPyConnection) -> None:
    found = {row[0] for row in rows(bill, "SELECT DISTINCT tags::JSON ->> 'environment' FROM usage")}
    assert found == {"prod", "production", "stg", "dev", "qa"}
