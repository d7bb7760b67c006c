"""The SQL that makes the charge rows of one billing month, as FOCUS 1.2 columns.

Invariant: a row depends on its number and the seed only; amounts are made by integer arithmetic and become
decimals in the last step.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from datetime import date

from costops.demo.catalog import PAYER_ACCOUNT_ID
from costops.demo.fixed import FixedCharge
from costops.demo.noise import key
from costops.demo.resources import text
from costops.money import format_picos

_MONEY = "DECIMAL(24,12)"

COLUMNS: tuple[tuple[str, str], ...] = (
    ("AvailabilityZone", "VARCHAR"),
    ("BilledCost", _MONEY),
    ("BillingAccountId", "VARCHAR"),
    ("BillingAccountName", "VARCHAR"),
    ("BillingAccountType", "VARCHAR"),
    ("BillingCurrency", "VARCHAR"),
    ("BillingPeriodEnd", "TIMESTAMP"),
    ("BillingPeriodStart", "TIMESTAMP"),
    ("ChargeCategory", "VARCHAR"),
    ("ChargeClass", "VARCHAR"),
    ("ChargeDescription", "VARCHAR"),
    ("ChargeFrequency", "VARCHAR"),
    ("ChargePeriodEnd", "TIMESTAMP"),
    ("ChargePeriodStart", "TIMESTAMP"),
    ("CommitmentDiscountCategory", "VARCHAR"),
    ("CommitmentDiscountId", "VARCHAR"),
    ("CommitmentDiscountStatus", "VARCHAR"),
    ("CommitmentDiscountType", "VARCHAR"),
    ("ConsumedQuantity", _MONEY),
    ("ConsumedUnit", "VARCHAR"),
    ("ContractedCost", _MONEY),
    ("ContractedUnitPrice", _MONEY),
    ("EffectiveCost", _MONEY),
    ("InvoiceId", "VARCHAR"),
    ("InvoiceIssuerName", "VARCHAR"),
    ("ListCost", _MONEY),
    ("ListUnitPrice", _MONEY),
    ("PricingCategory", "VARCHAR"),
    ("PricingCurrency", "VARCHAR"),
    ("PricingQuantity", _MONEY),
    ("PricingUnit", "VARCHAR"),
    ("ProviderName", "VARCHAR"),
    ("PublisherName", "VARCHAR"),
    ("RegionId", "VARCHAR"),
    ("RegionName", "VARCHAR"),
    ("ResourceId", "VARCHAR"),
    ("ResourceName", "VARCHAR"),
    ("ResourceType", "VARCHAR"),
    ("ServiceCategory", "VARCHAR"),
    ("ServiceName", "VARCHAR"),
    ("ServiceSubcategory", "VARCHAR"),
    ("SkuId", "VARCHAR"),
    ("SkuMeter", "VARCHAR"),
    ("SkuPriceId", "VARCHAR"),
    ("SubAccountId", "VARCHAR"),
    ("SubAccountName", "VARCHAR"),
    ("SubAccountType", "VARCHAR"),
    ("Tags", "VARCHAR"),
)
"""Columns of the bill in their order, and their types."""

_PER_ACCOUNT = {
    "BillingAccountId": f"""CASE ProviderName WHEN 'AWS' THEN {text(PAYER_ACCOUNT_ID)} WHEN 'Microsoft'
        THEN CASE BillingCurrency WHEN 'EUR' THEN '8611999' ELSE '8611537' END ELSE '01A2B3-C4D5E6-F7A8B9' END""",
    "BillingAccountName": "'Acme ' || ProviderName || CASE BillingCurrency WHEN 'EUR' THEN ' Europe' ELSE '' END",
    "BillingAccountType": """CASE ProviderName WHEN 'AWS' THEN 'Organization' WHEN 'Microsoft' THEN 'Billing Profile'
        ELSE 'Billing Account' END""",
    "CommitmentDiscountCategory": "CASE WHEN CommitmentDiscountId IS NOT NULL THEN 'Spend' END",
    "CommitmentDiscountType": "CASE WHEN CommitmentDiscountId IS NOT NULL THEN 'Savings Plan' END",
    "InvoiceIssuerName": "ProviderName",
    "PricingCurrency": "BillingCurrency",
    "RegionName": "RegionId",
    "SubAccountType": """CASE WHEN SubAccountId IS NOT NULL THEN CASE ProviderName WHEN 'AWS' THEN 'Account'
        WHEN 'Microsoft' THEN 'Subscription' ELSE 'Project' END END""",
}
"""Columns that follow from others."""


def month_query(month: str, first_row: int, row_count: int, fixed: Sequence[FixedCharge], seed: int) -> str:
    """The query of one billing month: its fixed charges, then resources' charges from row number `first_row`.

    Needs tables `resource` and `row_number` (numbers from 0) and the macros of `noise`.
    """
    fixed = fixed[:row_count]
    parts = [_resource_charges(month, first_row, row_count - len(fixed), seed)]
    if fixed:
        parts.insert(0, _fixed_charges(fixed))
    constants = {
        "BillingPeriodStart": f"TIMESTAMP '{month}-01'",
        "BillingPeriodEnd": f"TIMESTAMP '{month}-01' + INTERVAL 1 MONTH",
        "InvoiceId": f"'INV-{month}-' || ProviderName[1] || '-' || BillingCurrency",
    }
    derived = _PER_ACCOUNT | constants
    columns = ", ".join(f"CAST({derived.get(name, name)} AS {kind}) AS {name}" for name, kind in COLUMNS)
    return f"SELECT {columns} FROM ({' UNION ALL BY NAME '.join(parts)})"


def _fixed_charges(charges: Sequence[FixedCharge]) -> str:
    names = (
        "ProviderName", "PublisherName", "ServiceName", "ServiceCategory", "ServiceSubcategory", "ChargeCategory",
        "ChargeFrequency", "ChargeDescription", "BillingCurrency", "SubAccountId", "SubAccountName",
        "CommitmentDiscountId", "CommitmentDiscountStatus", "ChargePeriodStart", "ChargePeriodEnd", "BilledCost",
        "EffectiveCost", "ListCost", "ContractedCost",
    )  # fmt: skip
    rows = ",\n".join(f"({', '.join(_fixed_values(charge))})" for charge in charges)
    return f"SELECT * FROM (VALUES {rows}) AS t({', '.join(names)})"


def _fixed_values(charge: FixedCharge) -> list[str]:
    words = (
        charge.provider, charge.publisher, charge.service, charge.category, charge.subcategory, charge.charge_category,
        charge.frequency, charge.description, charge.currency, charge.account_id, charge.account_name,
        charge.commitment_id, charge.commitment_status,
    )  # fmt: skip
    amounts = (charge.billed, charge.effective, charge.billed, charge.billed)
    return [
        *("NULL" if word is None else text(word) for word in words),
        *(f"TIMESTAMP '{day.isoformat()}'" for day in (charge.first_day, charge.end_day)),
        *(f"{text(format_picos(amount))}::{_MONEY}" for amount in amounts),
    ]


def _resource_charges(month: str, first_row: int, row_count: int, seed: int) -> str:
    first = date.fromisoformat(f"{month}-01")
    days = calendar.monthrange(first.year, first.month)[1]

    def drawn(name: str) -> str:
        return f"draw(number, {key('charge ' + name, seed)})"

    # Squaring a draw makes resources with small numbers busier, as in a real bill.
    busy = f"(({drawn('resource')} >> 2) * ({drawn('resource')} >> 2)) >> 30"
    return f"""
SELECT {_measures()}, {_descriptions()}
FROM (
    SELECT number, resource.*,
        CASE WHEN sort_draw % 1000 < 5 THEN 'refund' WHEN sort_draw % 1000 < 14 THEN 'credit'
            WHEN is_covered THEN 'covered' ELSE 'usage' END AS sort,
        CASE sort WHEN 'refund' THEN TIMESTAMP '{month}-01' - INTERVAL 1 MONTH + to_days((day_draw % 28)::INTEGER)
            ELSE TIMESTAMP '{month}-01' + to_days((day_draw % {days})::INTEGER) END
            + to_hours(CASE WHEN is_hourly THEN (day_draw >> 8) % 24 ELSE 0 END) AS period_start,
        typical * (250 + quantity_draw % 1501) // 1000 AS quantity,
        price * quantity AS listed,
        -- Credits end in odd digits down to the last place, so that careless rounding shows.
        CASE sort WHEN 'refund' THEN -listed WHEN 'credit' THEN -(listed // 2 + number % 999983)
            ELSE listed END AS list_cost,
        CASE sort WHEN 'credit' THEN list_cost ELSE list_cost // 100 * 94 END AS contracted_cost
    FROM (
        SELECT number, ((SELECT count(*) FROM resource) * ({busy})) >> 30 AS resource_number,
            {drawn("sort")} AS sort_draw, {drawn("day")} AS day_draw, {drawn("quantity")} AS quantity_draw
        FROM (SELECT number + {first_row} AS number FROM row_number WHERE number < {row_count})
    ) AS drawn
    JOIN resource USING (resource_number)
)"""


def _measures() -> str:
    """Costs, prices and quantities: list cost is price times quantity, contracted 94 % of it, covered 62 %."""
    picos = {
        "ListCost": "list_cost",
        "ContractedCost": "contracted_cost",
        "EffectiveCost": "CASE sort WHEN 'covered' THEN listed // 100 * 62 ELSE contracted_cost END",
        "BilledCost": "CASE sort WHEN 'covered' THEN 0 ELSE contracted_cost END",
        "ListUnitPrice": f"CASE WHEN {_IS_USAGE} THEN price * 1000 END",
        "ContractedUnitPrice": f"CASE WHEN {_IS_USAGE} THEN price * 940 END",
        "PricingQuantity": f"CASE WHEN {_IS_USAGE} THEN quantity * 1000000000 END",
        "ConsumedQuantity": f"CASE WHEN {_IS_USAGE} THEN quantity * 1000000000 END",
    }
    return ", ".join(
        f"CAST(CAST({each} AS DECIMAL(26,0)) * 0.000000000001 AS {_MONEY}) AS {name}" for name, each in picos.items()
    )


_IS_USAGE = "sort IN ('usage', 'covered')"


def _descriptions() -> str:
    fields = {
        "ProviderName": "provider",
        "PublisherName": "CASE provider WHEN 'AWS' THEN 'Amazon Web Services' ELSE provider END",
        "ServiceName": "service",
        "ServiceCategory": "category",
        "ServiceSubcategory": "subcategory",
        "BillingCurrency": "currency",
        "ChargeCategory": "CASE sort WHEN 'credit' THEN 'Credit' ELSE 'Usage' END",
        "ChargeClass": "CASE sort WHEN 'refund' THEN 'Correction' END",
        "ChargeDescription": """CASE sort WHEN 'refund' THEN 'Refund of ' WHEN 'credit' THEN 'Credit for '
            ELSE unit || ' of ' END || service""",
        "ChargeFrequency": f"CASE WHEN {_IS_USAGE} THEN 'Usage-Based' ELSE 'One-Time' END",
        "ChargePeriodStart": "period_start",
        "ChargePeriodEnd": "period_start + CASE WHEN is_hourly THEN INTERVAL 1 HOUR ELSE INTERVAL 24 HOUR END",
        "CommitmentDiscountId": """CASE WHEN sort = 'covered' THEN CASE provider WHEN 'AWS' THEN 'savings-plan-0a1b'
            ELSE 'reservation-77f0' END END""",
        "CommitmentDiscountStatus": "CASE WHEN sort = 'covered' THEN 'Used' END",
        "ConsumedUnit": f"CASE WHEN {_IS_USAGE} THEN unit END",
        "PricingUnit": f"CASE WHEN {_IS_USAGE} THEN unit END",
        "PricingCategory": "CASE sort WHEN 'covered' THEN 'Committed' WHEN 'usage' THEN 'Standard' END",
        "RegionId": "region",
        "AvailabilityZone": """CASE WHEN provider = 'AWS' AND category = 'Compute'
            THEN region || pick(['a', 'b', 'c'], resource_number) END""",
        "ResourceId": "lower(replace(resource_type, ' ', '-')) || '/' || account_id || '/' || resource_name",
        "ResourceName": "resource_name",
        "ResourceType": "resource_type",
        "SkuId": "sku",
        "SkuMeter": "resource_type",
        "SkuPriceId": "sku || '.' || (price // 1000000)",
        "SubAccountId": "account_id",
        "SubAccountName": "account_name",
        "Tags": "tags",
    }
    return ", ".join(f"{value} AS {name}" for name, value in fields.items())
