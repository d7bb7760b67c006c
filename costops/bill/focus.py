"""Bills in the FOCUS format, any version: the columns are what FOCUS says, further ones keep their own name."""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

from costops.errors import BillError
from costops.model.bill import COST_COLUMNS, BillPart, PhysicalFile
from costops.model.expression import Expression, call
from costops.sources.fields import Fields

NAME = "focus"
COSTS_IN_WORDS = "a cost column (BilledCost, EffectiveCost, ListCost or ContractedCost)"
_MOMENTS = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingPeriodEnd")


def missing(names: Collection[str]) -> tuple[str, ...]:
    """What files with these columns lack to be a FOCUS bill; empty for a FOCUS bill."""
    lacking = [name for name in ("ChargePeriodStart", "BillingCurrency") if name not in names]
    if not any(name in names for name in COST_COLUMNS):
        lacking.append(COSTS_IN_WORDS)
    return tuple(lacking)


def describe(source: str, files: tuple[PhysicalFile, ...]) -> BillPart:
    """FOCUS files with the same columns; nothing must be missing."""
    fields = Fields.of(files[0])
    start = fields.timestamp("ChargePeriodStart")
    return BillPart(
        source=source,
        format=NAME,
        files=files,
        start=start,
        end=fields.timestamp("ChargePeriodEnd") if "ChargePeriodEnd" in fields else None,
        billing_month=_billing_month(fields, start),
        currency=fields.text("BillingCurrency"),
        costs=MappingProxyType({name: fields.decimal(name) for name in COST_COLUMNS if name in fields}),
        columns=MappingProxyType({name: _column(fields, name) for name in fields if name not in COST_COLUMNS}),
        tag_columns=MappingProxyType({}),
        tags=_tags(fields, files[0]),
    )


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
