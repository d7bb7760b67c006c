"""The first AWS Cost and Usage Report, as Parquet: which expression each FOCUS column is.

Invariant: BilledCost is the unblended cost and EffectiveCost the amortised one, in which a commitment's fee is replaced
by what its use cost and what stayed unused. Where a report lacks the columns of that spreading, the fee stays where it
was billed, so that no cost is lost.
"""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from costops.model.bill import BillPart, PhysicalFile
from costops.model.expression import Call, Column, Expression, Literal, call
from costops.sources.fields import MISSING, Fields

NAME = "aws-cur"

NEEDED = (
    "line_item_usage_start_date",
    "line_item_unblended_cost",
    "line_item_line_item_type",
    "line_item_currency_code",
)

TEXT_COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("BillingCurrency", ("line_item_currency_code",)),
    ("BillingAccountId", ("bill_payer_account_id",)),
    ("BillingAccountName", ("bill_payer_account_name",)),
    ("SubAccountId", ("line_item_usage_account_id",)),
    ("SubAccountName", ("line_item_usage_account_name",)),
    ("InvoiceId", ("bill_invoice_id",)),
    ("ServiceName", ("product_product_name", "line_item_product_code")),
    ("RegionId", ("product_region", "product_region_code")),
    ("AvailabilityZone", ("line_item_availability_zone",)),
    ("ResourceId", ("line_item_resource_id",)),
    ("SkuId", ("product_sku",)),
    ("ChargeDescription", ("line_item_line_item_description",)),
    ("ConsumedQuantity", ("line_item_usage_amount",)),
    ("ConsumedUnit", ("pricing_unit",)),
)
"""FOCUS column, and the report's columns of which the first with a value gives it."""

MOMENT_COLUMNS = (
    ("ChargePeriodStart", "line_item_usage_start_date"),
    ("ChargePeriodEnd", "line_item_usage_end_date"),
    ("BillingPeriodStart", "bill_billing_period_start_date"),
    ("BillingPeriodEnd", "bill_billing_period_end_date"),
)

CATEGORIES = (
    ("Usage", ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage", "SavingsPlanNegation", "Refund")),
    ("Tax", ("Tax",)),
    ("Credit", ("Credit",)),
    ("Purchase", ("Fee", "RIFee", "SavingsPlanUpfrontFee", "SavingsPlanRecurringFee")),
)
"""ChargeCategory, and the line item types that are it; types that end in Discount are Credit, all others Adjustment."""

_TYPE = "line_item_line_item_type"
_USER_TAG = "resource_tags_user_"
_PROVIDER_TAG = "resource_tags_aws_"
_SLASHED = frozenset({"lineItem/UsageStartDate", "lineItem/UnblendedCost", "lineItem/LineItemType"})


def missing(names: Collection[str]) -> tuple[str, ...]:
    """What files with these columns lack to be such a report; empty for a report."""
    return tuple(name for name in NEEDED if name not in names)


def refusal(names: Collection[str]) -> str | None:
    """Why a report of AWS in another layout is not read, as the end of a sentence; None for everything else."""
    if _SLASHED.issubset(names):
        return "is an AWS Cost and Usage Report in CSV, whose column names have slashes; costops reads it as Parquet"
    if "resource_tags" in names and "line_item_usage_start_date" in names:
        return "is an AWS Cost and Usage Report 2.0, whose tags are one column; costops reads the first version"
    return None


def describe(source: str, files: tuple[PhysicalFile, ...]) -> BillPart:
    """Report files with the same columns; nothing must be missing."""
    fields = Fields.of(files[0])
    start = fields.timestamp("line_item_usage_start_date")
    return BillPart(
        source=source,
        format=NAME,
        files=files,
        start=start,
        end=fields.timestamp("line_item_usage_end_date") if "line_item_usage_end_date" in fields else None,
        billing_month=_billing_month(fields, start),
        currency=fields.text("line_item_currency_code"),
        costs=MappingProxyType(_costs(fields)),
        columns=MappingProxyType({name: fields.text(name) for name in fields} | _focus_columns(fields)),
        tag_columns=MappingProxyType(_tag_columns(fields)),
        tags=None,
    )


def _billing_month(fields: Fields, start: Expression) -> Expression:
    if "bill_billing_period_start_date" not in fields:
        return start
    return call("first_present", fields.timestamp("bill_billing_period_start_date"), start)


def _costs(fields: Fields) -> dict[str, Expression]:
    costs = {"BilledCost": fields.decimal("line_item_unblended_cost"), "EffectiveCost": _amortised(fields)}
    if "pricing_public_on_demand_cost" in fields:
        costs["ListCost"] = fields.decimal("pricing_public_on_demand_cost")
    return costs


def _amortised(fields: Fields) -> Expression:
    """AWS's own formula of amortised cost; a column that is absent counts 0."""
    branches = [*_reservation_branches(fields), *_savings_plan_branches(fields)]
    unblended = fields.decimal("line_item_unblended_cost")
    return call("case", *branches, unblended) if branches else unblended


def _reservation_branches(fields: Fields) -> list[Expression]:
    used = "reservation_effective_cost"
    if used not in fields:
        return []
    unused = ("reservation_unused_recurring_fee", "reservation_unused_amortized_upfront_fee_for_billing_period")
    branches: list[Expression] = [
        _is_type("DiscountedUsage"),
        fields.decimal(used),
        _is_type("RIFee"),
        _sum(fields, *unused),
    ]
    reservation = "reservation_reservation_a_r_n"
    if reservation in fields:
        # What was paid upfront for a reservation is spread over its use and its unused part.
        paid_upfront = call("and", _is_type("Fee"), call("not", call("is_missing", fields.text(reservation))))
        branches += [paid_upfront, _sum(fields)]
    return branches


def _savings_plan_branches(fields: Fields) -> list[Expression]:
    used = "savings_plan_savings_plan_effective_cost"
    if used not in fields:
        return []
    committed, covered = "savings_plan_total_commitment_to_date", "savings_plan_used_commitment"
    unused = (
        Call("subtract", (fields.decimal(committed), fields.decimal(covered)))
        if committed in fields and covered in fields
        else _sum(fields)
    )
    return [
        _is_type("SavingsPlanCoveredUsage"),
        fields.decimal(used),
        _is_type("SavingsPlanRecurringFee"),
        unused,
        _is_type("SavingsPlanNegation", "SavingsPlanUpfrontFee"),
        _sum(fields),
    ]


def _sum(fields: Fields, *names: str) -> Expression:
    """The sum of the columns that are there; 0 where none is."""
    present = [fields.decimal(name) for name in names if name in fields]
    return call("add", *present) if present else call("decimal", Literal("0"))


def _is_type(*line_item_types: str) -> Expression:
    return call("in", Column(_TYPE), *(Literal(each) for each in line_item_types))


def _focus_columns(fields: Fields) -> dict[str, Expression]:
    columns: dict[str, Expression] = {
        "ProviderName": Literal("AWS"),
        "ServiceProviderName": Literal("AWS"),
        "ChargeCategory": _charge_category(),
        "ChargeClass": call("case", _is_type("Refund"), Literal("Correction"), MISSING),
    }
    for name, raw_names in TEXT_COLUMNS:
        text = fields.first_text(raw_names)
        if text is not None:
            columns[name] = text
    columns |= {name: fields.moment_as_text(raw) for name, raw in MOMENT_COLUMNS if raw in fields}
    return columns


def _charge_category() -> Expression:
    branches: list[Expression] = []
    for category, line_item_types in CATEGORIES:
        branches += [_is_type(*line_item_types), Literal(category)]
    branches += [call("ends_with", Column(_TYPE), Literal("Discount")), Literal("Credit")]
    return call("case", *branches, Literal("Adjustment"))


def _tag_columns(fields: Fields) -> dict[str, Expression]:
    """Tags by the key that their owner typed; those of AWS keep its prefix."""
    tags: dict[str, Expression] = {}
    for name in fields:
        if name.startswith(_USER_TAG):
            tags[name.removeprefix(_USER_TAG)] = fields.text(name)
        elif name.startswith(_PROVIDER_TAG):
            tags[f"aws:{name.removeprefix(_PROVIDER_TAG)}"] = fields.text(name)
    return tags
