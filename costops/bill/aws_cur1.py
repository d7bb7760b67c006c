"""The first AWS Cost and Usage Report, as CSV or Parquet: which expression each FOCUS column is.

Invariant: BilledCost is the unblended cost and EffectiveCost the amortised one, in which a commitment's fee is replaced
by what its use cost and what stayed unused. Where a report lacks the columns of that spreading, the fee stays where it
was billed, so that no cost is lost. The names of CSV (`lineItem/UnblendedCost`) are brought to those of Parquet
(`line_item_unblended_cost`) first; everything below speaks of the latter.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
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

QUANTITY_COLUMNS = (("ConsumedQuantity", "line_item_usage_amount"),)
"""Quantity of FOCUS, and the report's column that it is; what was priced is no column of the report."""

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
_CSV_USER_TAG = "resourceTags/user:"
_CSV_TAG = "resourceTags/"
_CAPITAL = re.compile(r"(?<=[A-Za-z0-9])(?=[A-Z])")
_NEITHER_LETTER_NOR_DIGIT = re.compile(r"[^a-z0-9]+")


def missing(names: Collection[str]) -> tuple[str, ...]:
    """What files with these columns lack to be such a report; empty for a report."""
    known = report_names(names)
    return tuple(name for name in NEEDED if name not in known)


def report_names(names: Iterable[str]) -> Mapping[str, str]:
    """Each column by its name in Parquet, the first where several come to the same; tags of CSV keep theirs."""
    known: dict[str, str] = {}
    for name in names:
        known.setdefault(_name_in_parquet(name), name)
    return known


def _name_in_parquet(name: str) -> str:
    if "/" not in name or name.startswith(_CSV_TAG):
        return name
    # `reservation/ReservationARN` is `reservation_reservation_a_r_n`: AWS separates before every capital.
    parts = (_CAPITAL.sub("_", part).lower() for part in name.split("/"))
    return "_".join(_NEITHER_LETTER_NOR_DIGIT.sub("_", part).strip("_") for part in parts)


@dataclass(frozen=True, slots=True)
class _Report:
    """The columns of report files by their names in Parquet."""

    fields: Fields
    names: Mapping[str, str]

    @classmethod
    def of(cls, file: PhysicalFile) -> _Report:
        fields = Fields.of(file)
        return cls(fields, report_names(fields))

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def column(self, name: str) -> Column:
        return Column(self.names[name])

    def text(self, name: str) -> Expression:
        return self.fields.text(self.names[name])

    def decimal(self, name: str) -> Expression:
        return self.fields.decimal(self.names[name])

    def timestamp(self, name: str) -> Expression:
        return self.fields.timestamp(self.names[name])

    def moment_as_text(self, name: str) -> Expression:
        return self.fields.moment_as_text(self.names[name])

    def first_text(self, names: Iterable[str]) -> Expression | None:
        return self.fields.first_text(self.names[name] for name in names if name in self)


def refusal(names: Collection[str]) -> str | None:
    """Why a report of AWS in another layout is not read, as the end of a sentence; None for everything else."""
    if "resource_tags" in names and "line_item_usage_start_date" in names:
        return "is an AWS Cost and Usage Report 2.0, whose tags are one column; costops reads the first version"
    return None


def describe(
    source: str, files: tuple[PhysicalFile, ...], extra_costs: Mapping[str, str] = MappingProxyType({})
) -> BillPart:
    """Report files with the same columns; nothing must be missing.

    `extra_costs` has more cost columns, each with the column of the report that it is, by its name in the files or in
    Parquet; those that are not there are left out.
    """
    fields = _Report.of(files[0])
    start = fields.timestamp("line_item_usage_start_date")
    return BillPart(
        source=source,
        format=NAME,
        files=files,
        start=start,
        end=fields.timestamp("line_item_usage_end_date") if "line_item_usage_end_date" in fields else None,
        billing_month=_billing_month(fields, start),
        currency=fields.text("line_item_currency_code"),
        costs=MappingProxyType(_costs(fields) | _extra_costs(fields, extra_costs)),
        columns=MappingProxyType({name: each for name, each in _columns(fields).items() if name not in extra_costs}),
        tag_columns=MappingProxyType(_tag_columns(fields)),
        tags=None,
        version="1",
        quantities=MappingProxyType({name: fields.decimal(raw) for name, raw in QUANTITY_COLUMNS if raw in fields}),
    )


def _billing_month(fields: _Report, start: Expression) -> Expression:
    if "bill_billing_period_start_date" not in fields:
        return start
    return call("first_present", fields.timestamp("bill_billing_period_start_date"), start)


def _costs(fields: _Report) -> dict[str, Expression]:
    costs = {"BilledCost": fields.decimal("line_item_unblended_cost"), "EffectiveCost": _amortised(fields)}
    if "pricing_public_on_demand_cost" in fields:
        costs["ListCost"] = fields.decimal("pricing_public_on_demand_cost")
    return costs


def _extra_costs(fields: _Report, extra_costs: Mapping[str, str]) -> dict[str, Expression]:
    costs = {}
    for name, column in extra_costs.items():
        if column in fields.fields:
            costs[name] = fields.fields.decimal(column)
        elif column in fields:
            costs[name] = fields.decimal(column)
    return costs


def _amortised(fields: _Report) -> Expression:
    """AWS's own formula of amortised cost; a column that is absent counts 0."""
    branches = [*_reservation_branches(fields), *_savings_plan_branches(fields)]
    unblended = fields.decimal("line_item_unblended_cost")
    return call("case", *branches, unblended) if branches else unblended


def _reservation_branches(fields: _Report) -> list[Expression]:
    used = "reservation_effective_cost"
    if used not in fields:
        return []
    unused = ("reservation_unused_recurring_fee", "reservation_unused_amortized_upfront_fee_for_billing_period")
    branches: list[Expression] = [
        _is_type(fields, "DiscountedUsage"),
        fields.decimal(used),
        _is_type(fields, "RIFee"),
        _sum(fields, *unused),
    ]
    reservation = "reservation_reservation_a_r_n"
    if reservation in fields:
        # What was paid upfront for a reservation is spread over its use and its unused part.
        paid_upfront = call("and", _is_type(fields, "Fee"), call("not", call("is_missing", fields.text(reservation))))
        branches += [paid_upfront, _sum(fields)]
    return branches


def _savings_plan_branches(fields: _Report) -> list[Expression]:
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
        _is_type(fields, "SavingsPlanCoveredUsage"),
        fields.decimal(used),
        _is_type(fields, "SavingsPlanRecurringFee"),
        unused,
        _is_type(fields, "SavingsPlanNegation", "SavingsPlanUpfrontFee"),
        _sum(fields),
    ]


def _sum(fields: _Report, *names: str) -> Expression:
    """The sum of the columns that are there; 0 where none is."""
    present = [fields.decimal(name) for name in names if name in fields]
    return call("add", *present) if present else call("decimal", Literal("0"))


def _is_type(fields: _Report, *line_item_types: str) -> Expression:
    return call("in", fields.column(_TYPE), *(Literal(each) for each in line_item_types))


def _columns(fields: _Report) -> dict[str, Expression]:
    """The columns of FOCUS, and the report's under the names that the file has and under those of Parquet."""
    own = {name: fields.text(name) for name in fields.names}
    return own | {name: fields.fields.text(name) for name in fields.fields} | _focus_columns(fields)


def _focus_columns(fields: _Report) -> dict[str, Expression]:
    columns: dict[str, Expression] = {
        "ProviderName": Literal("AWS"),
        "ServiceProviderName": Literal("AWS"),
        "ChargeCategory": _charge_category(fields),
        "ChargeClass": call("case", _is_type(fields, "Refund"), Literal("Correction"), MISSING),
    }
    for name, raw_names in TEXT_COLUMNS:
        text = fields.first_text(raw_names)
        if text is not None:
            columns[name] = text
    columns |= {name: fields.moment_as_text(raw) for name, raw in MOMENT_COLUMNS if raw in fields}
    return columns


def _charge_category(fields: _Report) -> Expression:
    branches: list[Expression] = []
    for category, line_item_types in CATEGORIES:
        branches += [_is_type(fields, *line_item_types), Literal(category)]
    branches += [call("ends_with", fields.column(_TYPE), Literal("Discount")), Literal("Credit")]
    return call("case", *branches, Literal("Adjustment"))


def _tag_columns(fields: _Report) -> dict[str, Expression]:
    """Tags by the key that their owner typed; those of AWS keep its prefix."""
    tags: dict[str, Expression] = {}
    for name in fields.fields:
        text = fields.fields.text(name)
        if name.startswith(_USER_TAG):
            tags[name.removeprefix(_USER_TAG)] = text
        elif name.startswith(_PROVIDER_TAG):
            tags[f"aws:{name.removeprefix(_PROVIDER_TAG)}"] = text
        elif name.startswith(_CSV_TAG):
            tags[name.removeprefix(_CSV_USER_TAG).removeprefix(_CSV_TAG)] = text
    return tags
