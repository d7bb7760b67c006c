"""The one table of every field that costops.yaml may have.

Invariant: as for rule files, what the contract has and the program does not build yet stands here too, with the code
that refuses it.
"""

from __future__ import annotations

from costops.language.fields import Choice, Field, ValueType

BILLING_SOURCE: tuple[Field, ...] = (
    Field(name="name", type=ValueType.ID, required=True, doc="What messages call it."),
    Field(
        name="path", type=ValueType.TEXT, required=True, doc="A glob of files, relative to the workspace or absolute."
    ),
    Field(
        name="format",
        type=ValueType.CHOICE,
        doc="The format of the files; without it detected.",
        choices=(
            Choice(value="focus", doc="FOCUS, as CSV or Parquet."),
            Choice(value="aws-cur", doc="The AWS Cost and Usage Report."),
        ),
    ),
    Field(
        name="costs", type=ValueType.COSTS, default="{}", doc="More cost columns: {name: column of the bill's files}."
    ),
)

METRIC_SOURCE: tuple[Field, ...] = (
    Field(name="name", type=ValueType.ID, required=True, doc="What rules call it."),
    Field(
        name="kind",
        type=ValueType.CHOICE,
        required=True,
        doc="Where the numbers come from.",
        choices=(Choice(value="file", doc="CSV or Parquet files."),),
    ),
    Field(
        name="path", type=ValueType.TEXT, required=True, doc="A glob of files, relative to the workspace or absolute."
    ),
)

_OVERRIDE: tuple[Field, ...] = (
    Field(name="reason", type=ValueType.TEXT, required=True, doc="Why the plan may be applied all the same."),
    Field(
        name="until",
        type=ValueType.DAY,
        required=True,
        doc="It counts for bills whose newest billing month begins on this day or before it.",
    ),
)

CHECK: tuple[Field, ...] = (
    Field(
        name="max_moved_percent",
        type=ValueType.PERCENTAGE,
        doc="How many percent of a currency's cost the rules may move together.",
    ),
    Field(name="max_moved", type=ValueType.AMOUNT, doc="How much of `currency` the rules may move together."),
    Field(
        name="max_unallocated_percent",
        type=ValueType.PERCENTAGE,
        doc="How many percent of a currency's cost may have no value.",
    ),
    Field(name="max_unallocated", type=ValueType.AMOUNT, doc="How much of `currency` may have no value."),
    Field(name="protect", type=ValueType.TEXTS, doc="Elements whose cost the rules may not change."),
    Field(
        name="require_owner",
        type=ValueType.KINDS,
        doc="With true every enabled entry needs an `owner`; with a list those of these kinds do.",
    ),
    Field(name="of", type=ValueType.NAME, doc="The dimension of `report` that is looked at."),
    Field(name="currency", type=ValueType.TEXT, doc="The currency of the amount."),
    Field(
        name="by_percent",
        type=ValueType.PERCENTAGE,
        default="0",
        doc="How many percent the cost of a protected element may change all the same.",
    ),
    Field(
        name="severity",
        type=ValueType.CHOICE,
        default="error",
        doc="What a failed check does.",
        choices=(
            Choice(value="error", doc="The plan cannot be applied; exit code 4."),
            Choice(value="warn", doc="It is told."),
        ),
    ),
    Field(
        name="override",
        type=ValueType.MAPPING,
        fields=_OVERRIDE,
        doc="Lets a plan pass that the check would stop.",
    ),
)

_ON_BILL_CHANGE: tuple[Field, ...] = (
    Field(
        name="accept",
        type=ValueType.MAPPING,
        required=True,
        fields=(
            Field(
                name="tolerance_percent",
                type=ValueType.PERCENTAGE,
                required=True,
                doc="How many percent more or less the rules may move of any element than was reviewed.",
            ),
        ),
        doc="Apply the reviewed rules on the newer bill.",
    ),
)

SETTINGS: tuple[Field, ...] = (
    Field(name="version", type=ValueType.INTEGER, required=True, doc="The version of this file's format: 1."),
    Field(name="rules", type=ValueType.TEXT, default="rules/", doc="The folder of rule files, inside the workspace."),
    Field(name="state", type=ValueType.TEXT, default="state/costops.db", doc="The state store."),
    Field(
        name="cost",
        type=ValueType.COST,
        default="EffectiveCost",
        doc="The cost column that plans and digests show.",
    ),
    Field(
        name="report",
        type=ValueType.NAMES,
        default="[ServiceName]",
        doc="The dimensions that plans, ledgers and digests are broken down by; at least one.",
    ),
    Field(name="billing", type=ValueType.ENTRIES, default="[]", fields=BILLING_SOURCE, doc="The bills."),
    Field(name="metric_sources", type=ValueType.ENTRIES, default="[]", fields=METRIC_SOURCE, doc="Usage numbers."),
    Field(
        name="memory_limit",
        type=ValueType.TEXT,
        doc="How much memory the engine may use, such as 1GiB; what does not fit goes to the disk meanwhile.",
    ),
    Field(name="checks", type=ValueType.ENTRIES, default="[]", fields=CHECK, doc="Guard checks of every plan."),
    Field(name="cache", type=ValueType.ANYTHING, not_built="CO422", doc="The folder of the cell cache."),
    Field(
        name="restate_months",
        type=ValueType.INTEGER,
        doc="How many of the bill's newest months plans may change; all without it.",
    ),
    Field(
        name="on_bill_change",
        type=ValueType.MAPPING,
        fields=_ON_BILL_CHANGE,
        doc="What a newer bill means for a saved plan; without it the plan is refused.",
    ),
)
"""costops.yaml."""
