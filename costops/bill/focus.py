"""Bills in the FOCUS format, any version: the columns are what FOCUS says, further ones keep their own name.

Invariant: of a charge that its provider has split (FOCUS 1.3) the parts count, each with its own cost. A part has an
AllocatedMethodId; without an AllocatedResourceId it is the portion that nobody got, and counts like the others. The
charge itself should be gone or have no cost; where it is still there beside its parts, `split` tells it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from costops.errors import BillError
from costops.model.bill import COST_COLUMNS, QUANTITIES, BillPart, PhysicalFile, SplitCharges
from costops.model.expression import Expression, Literal, call
from costops.sources.fields import Fields

NAME = "focus"
COSTS_IN_WORDS = "a cost column (BilledCost, EffectiveCost, ListCost or ContractedCost)"
NEW_COLUMNS = (
    ("1.4", ("InvoiceDetailId", "CommitmentProgramEligibilityDetails")),
    ("1.3", ("ServiceProviderName", "HostProviderName", "ContractApplied", "AllocatedMethodId")),
    ("1.2", ("InvoiceId", "BillingAccountType", "SubAccountType", "PricingCurrency", "PricingCurrencyEffectiveCost")),
    ("1.1", ("CapacityReservationId", "CommitmentDiscountQuantity", "SkuMeter", "SkuPriceDetails")),
    ("1.0", ("InvoiceIssuerName", "ServiceCategory", "ChargeFrequency", "PricingQuantity")),
)
"""Version and columns that it brought, the newest first; a file is of a version if it has at least two of them."""

SPLIT_METHOD = "AllocatedMethodId"
ORIGIN_ID = "x_SplitOriginId"
"""A column that some exporters add: equal on a split charge and its parts."""
SAME_ON_ALL_PARTS = (
    "ResourceId",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ChargeCategory",
    "ChargeDescription",
    "SkuPriceId",
    "BillingCurrency",
)
"""FOCUS wants these equal on a split charge and its parts."""

_MOMENTS = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")


def missing(names: Collection[str]) -> tuple[str, ...]:
    """What files with these columns lack to be a FOCUS bill; empty for a FOCUS bill."""
    lacking = [name for name in ("ChargePeriodStart", "BillingCurrency") if name not in names]
    if not any(name in names for name in COST_COLUMNS):
        lacking.append(COSTS_IN_WORDS)
    return tuple(lacking)


def describe(
    source: str, files: tuple[PhysicalFile, ...], extra_costs: Mapping[str, str] = MappingProxyType({})
) -> BillPart:
    """FOCUS files with the same columns; nothing must be missing.

    `extra_costs` has more cost columns, each with the column of the files that it is; those that are not there are
    left out.
    """
    fields = Fields.of(files[0])
    costs = {name: fields.decimal(name) for name in COST_COLUMNS if name in fields}
    costs |= {name: fields.decimal(column) for name, column in extra_costs.items() if column in fields}
    start = fields.timestamp("ChargePeriodStart")
    return BillPart(
        source=source,
        format=NAME,
        files=files,
        start=start,
        end=fields.timestamp("ChargePeriodEnd") if "ChargePeriodEnd" in fields else None,
        billing_month=_billing_month(fields, start),
        currency=fields.text("BillingCurrency"),
        costs=MappingProxyType(costs),
        columns=MappingProxyType(
            {name: _column(fields, name) for name in fields if name not in COST_COLUMNS and name not in extra_costs}
        ),
        tag_columns=MappingProxyType({}),
        tags=_tags(fields, files[0]),
        version=version_of(tuple(fields)),
        split=_split(fields),
        quantities=MappingProxyType({name: fields.decimal(name) for name in QUANTITIES if name in fields}),
    )


def version_of(names: Collection[str]) -> str | None:
    """The version of FOCUS that files with these columns follow; None where they are too few to tell."""
    return next((version for version, new in NEW_COLUMNS if sum(name in names for name in new) > 1), None)


def _split(fields: Fields) -> SplitCharges | None:
    if SPLIT_METHOD not in fields:
        return None
    if ORIGIN_ID in fields:
        return SplitCharges(
            method=fields.text(SPLIT_METHOD), key=(fields.text(ORIGIN_ID), fields.text("BillingCurrency"))
        )
    if not all(name in fields for name in SAME_ON_ALL_PARTS):
        return None
    # Without a resource nothing says that two equal charges are one.
    resource, *others = (_column(fields, name) for name in SAME_ON_ALL_PARTS)
    key = (resource, *(call("first_present", each, Literal("")) for each in others))
    return SplitCharges(method=fields.text(SPLIT_METHOD), key=key)


def _billing_month(fields: Fields, start: Expression) -> Expression:
    if "BillingPeriodStart" not in fields:
        return start
    return call("first_present", fields.timestamp("BillingPeriodStart"), start)


def _column(fields: Fields, name: str) -> Expression:
    return fields.moment_as_text(name) if name in _MOMENTS else fields.text(name)


def _tags(fields: Fields, file: PhysicalFile) -> Expression | None:
    if "Tags" not in fields:
        return None
    type_name = fields.type_of("Tags")
    if not type_name.endswith("]"):
        return fields.text("Tags")
    raise BillError(
        f"{file.name}: the column Tags has the type {type_name}, from which costops cannot tell keys and values",
        hint="FOCUS writes Tags as a JSON object in text; a map or a struct is read too.",
    )
