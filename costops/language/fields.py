"""The one table of every field that a rule file may have; that of costops.yaml is in setting_fields.

Invariant: the binder accepts exactly what stands here, so that a schema or a reference page made from this table is
true. What the contract has and the program does not build yet stands here too, with the code that refuses it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from costops.model.bill import COST_COLUMNS


class ValueType(StrEnum):
    """What may stand as a field's value."""

    ID = "an id"
    NAME = "the name of a dimension, label, column or tag"
    NAMES = "a name or a list of names"
    TEXT = "text"
    TEXT_OR_NULL = "text or null"
    TEXT_OR_EMPTY = "text, which may be empty"
    TEXTS = "a text or a list of texts"
    TEXT_MAP = "a mapping from text to a name"
    BOOLEAN = "true or false"
    CHOICE = "one of a few words"
    COST = "a cost column"
    COSTS = "a mapping from cost column to column of the files"
    INTEGER = "a whole number"
    IDS = "an id or a list of ids"
    METRICS = "the id of a metric, or a list of ids or of {metric, weight}"
    DAY = "a day, YYYY-MM-DD"
    PERCENTAGE = "a decimal number"
    AMOUNT = "an amount, 0 or more"
    KINDS = "true, or a list of kinds of entries"
    ELEMENT = "an element"
    FORMAT = "a text with the places {0}, {1}, .."
    MAPPING = "a mapping of fields"
    ENTRIES = "a list of mappings of fields"
    CONDITION = "a condition"
    SOURCES = "a name, {field, transform}, or a list of them"
    TRANSFORMS = "a transform or a list of them"
    TABLE = "the path of a CSV file"
    PATTERNS = "a text, a mapping of operators, or a list of them"
    RENAMES = "a mapping from the new text to patterns"
    ELEMENTS = "a list of elements"
    PERCENTAGES = "a mapping from element to percentage, or a list of mappings"
    ANYTHING = "anything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One word a field takes."""

    value: str
    doc: str
    not_built: str | None = None
    """The diagnostic code that refuses it for now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of an entry or of a mapping inside it."""

    name: str
    type: ValueType
    doc: str
    required: bool = False
    default: str | None = None
    """As one would write it; None: no default, or nothing."""
    choices: tuple[Choice, ...] = ()
    fields: tuple[Field, ...] = ()
    """The fields inside, of MAPPING and ENTRIES."""
    methods: tuple[str, ...] = ()
    """The allocation methods that use it; empty: all."""
    basis_only: bool = False
    """Used only where elements or weights come from a basis: not with `even` over given values."""
    required_by: tuple[str, ...] = ()
    """The allocation methods that cannot do without."""
    not_built: str | None = None
    """The diagnostic code that refuses it for now."""
    hint: str | None = None
    """What to write instead, for a refused field."""


_BASIS_METHODS = ("even", "proportional", "metric")

COMMON: tuple[Field, ...] = (
    Field(name="id", type=ValueType.ID, required=True, doc="The entry's identity for ever, unique per kind."),
    Field(name="name", type=ValueType.TEXT, doc="What people call it."),
    Field(name="description", type=ValueType.TEXT, doc="Why it is there."),
    Field(name="owner", type=ValueType.TEXT, doc="Who answers for it."),
    Field(
        name="enabled", type=ValueType.BOOLEAN, default="true", doc="With false the entry is as if it were not there."
    ),
    Field(
        name="hidden",
        type=ValueType.BOOLEAN,
        default="false",
        doc="With true it is left out of lists meant for people.",
    ),
    Field(name="renamed_from", type=ValueType.IDS, doc="The id it had before, or several, the latest first."),
)

_WHERE = "Where it applies; without it everywhere."

LABEL: tuple[Field, ...] = (
    *COMMON,
    Field(
        name="from",
        type=ValueType.SOURCES,
        required=True,
        doc="Tags and columns to read; the first with a value wins.",
    ),
    Field(name="transform", type=ValueType.TRANSFORMS, default="[]", doc="Text transforms of every value, in order."),
    Field(
        name="drop",
        type=ValueType.PATTERNS,
        default="[]",
        doc="Values that count as missing, so that the next source is tried.",
    ),
    Field(
        name="rename",
        type=ValueType.RENAMES,
        default="{}",
        doc="New text, and the patterns of the texts it replaces; the first that fits wins.",
    ),
)

DIMENSION_RULE: tuple[Field, ...] = (
    Field(name="value", type=ValueType.TEXT, doc="A fixed value."),
    Field(name="from", type=ValueType.SOURCES, doc="What to read; the first with a value wins."),
    Field(name="transform", type=ValueType.TRANSFORMS, default="[]", doc="Text transforms of what was read, in order."),
    Field(name="where", type=ValueType.CONDITION, doc=_WHERE),
    Field(name="concat", type=ValueType.SOURCES, doc="What to read and join; nothing where one of them is missing."),
    Field(
        name="format",
        type=ValueType.FORMAT,
        doc="What `concat` is put into; the default joins with ` - `. Braces are written `{{` and `}}`.",
    ),
)

DIMENSION: tuple[Field, ...] = (
    *COMMON,
    Field(
        name="stage",
        type=ValueType.CHOICE,
        doc="When it is computed.",
        choices=(Choice(value="result", doc="After the last allocation; reported, never used in a rule."),),
    ),
    Field(
        name="rules",
        type=ValueType.ENTRIES,
        required=True,
        fields=DIMENSION_RULE,
        doc="Ways to a value, the first that yields one wins; [] declares a dimension that allocations fill.",
    ),
    Field(name="default", type=ValueType.TEXT_OR_NULL, default="null", doc="The value where no rule yields one."),
)

METRIC: tuple[Field, ...] = (
    *COMMON,
    Field(name="source", type=ValueType.TEXT, required=True, doc="A metric source of costops.yaml."),
    Field(name="query", type=ValueType.TEXT, required=True, doc="What to ask it; for files the metric's name."),
    Field(
        name="labels",
        type=ValueType.TEXT_MAP,
        default="{}",
        doc="The metric's labels and our dimensions; labels that are not named are summed over.",
    ),
    Field(
        name="aggregate",
        type=ValueType.CHOICE,
        default="sum",
        doc="How finer records of one day become one.",
        choices=(
            Choice(value="sum", doc="Added up."),
            Choice(value="avg", doc="Their mean."),
            Choice(value="max", doc="The largest."),
            Choice(value="last", doc="The latest."),
        ),
    ),
)

_SOURCE: tuple[Field, ...] = (
    Field(name="where", type=ValueType.CONDITION, doc="The cost to take; without it all cost."),
    Field(
        name="allocated",
        type=ValueType.CHOICE,
        default="exclude",
        doc="What happens to cost that an earlier rule allocated along one of the `into` dimensions.",
        choices=(
            Choice(value="exclude", doc="It is left alone."),
            Choice(value="include", doc="It is taken too."),
            Choice(value="only", doc="Nothing else is taken."),
        ),
    ),
)

_TO: tuple[Field, ...] = (
    Field(name="dimension", type=ValueType.NAMES, required=True, doc="Where elements are read from; one or several."),
    Field(
        name="values",
        type=ValueType.ELEMENTS,
        methods=_BASIS_METHODS,
        doc="The elements; without it those that occur in the basis.",
    ),
    Field(
        name="percent",
        type=ValueType.PERCENTAGES,
        methods=("percent",),
        required_by=("percent",),
        doc="The elements and their percentages, 100 together, or less with `remainder`.",
    ),
    Field(
        name="where",
        type=ValueType.CONDITION,
        doc="Where elements are looked for in the basis; without it everywhere. Not beside `values` or `percent`.",
    ),
    Field(
        name="exclude",
        type=ValueType.ELEMENTS,
        doc="Elements that receive nothing. Not beside `values` or `percent`.",
    ),
    Field(
        name="remainder",
        type=ValueType.ELEMENT,
        methods=("percent",),
        doc="The element that takes what the percentages leave; the word `unallocated` leaves it where it is.",
    ),
)

_BASIS: tuple[Field, ...] = (
    Field(
        name="where",
        type=ValueType.CONDITION,
        methods=_BASIS_METHODS,
        doc="The rows or metric records that count; without it all.",
    ),
    Field(
        name="cost",
        type=ValueType.COST,
        methods=("proportional",),
        doc="The cost column that weighs; the default is the workspace's `cost`.",
    ),
    Field(
        name="quantity",
        type=ValueType.CHOICE,
        methods=("proportional",),
        doc="The quantity that weighs, instead of a cost.",
        choices=(
            Choice(value="ConsumedQuantity", doc="What was used; its unit is ConsumedUnit."),
            Choice(value="PricingQuantity", doc="What was priced; its unit is PricingUnit."),
        ),
    ),
    Field(
        name="metric",
        type=ValueType.METRICS,
        methods=("metric",),
        required_by=("metric",),
        doc="The metric that weighs, or several with weights.",
    ),
    Field(
        name="from",
        type=ValueType.CHOICE,
        default="running",
        methods=("even", "proportional"),
        doc="The state of the bill in which the basis is.",
        choices=(
            Choice(value="running", doc="After the rules before this one, without the rows that this one takes."),
            Choice(value="direct", doc="Before the first allocation, without the rows that `source.where` matches."),
        ),
    ),
    Field(
        name="include_source",
        type=ValueType.BOOLEAN,
        default="false",
        methods=("even", "proportional"),
        doc="With true the basis keeps the rows that the rule takes.",
    ),
    Field(
        name="granularity",
        type=ValueType.CHOICE,
        default="charge_period",
        methods=_BASIS_METHODS,
        doc="The days over which the shares of a cost are computed.",
        choices=(
            Choice(value="charge_period", doc="The days its own charge period touches."),
            Choice(value="daily", doc="Its day."),
            Choice(value="monthly", doc="The calendar month of its day."),
            Choice(value="billing_period", doc="Its billing month."),
        ),
    ),
    Field(
        name="negative",
        type=ValueType.CHOICE,
        default="clip",
        methods=("proportional", "metric"),
        doc="What a negative weight becomes.",
        choices=(
            Choice(value="clip", doc="Zero."),
            Choice(value="exclude", doc="No element at all."),
            Choice(value="error", doc="The plan fails."),
        ),
    ),
)

_CUTOFF: tuple[Field, ...] = (
    Field(
        name="percent",
        type=ValueType.PERCENTAGE,
        required=True,
        doc="The share that the heaviest elements must reach together, above 0 and below 100.",
    ),
    Field(name="as", type=ValueType.ELEMENT, doc="The element that takes the rest; without it nobody does."),
)

_EFFECTIVE: tuple[Field, ...] = (
    Field(name="from", type=ValueType.DAY, doc="The first day; without it from the beginning."),
    Field(name="until", type=ValueType.DAY, doc="The last day, included; without it to the end."),
)

ALLOCATION: tuple[Field, ...] = (
    *COMMON,
    Field(name="source", type=ValueType.MAPPING, required=True, fields=_SOURCE, doc="Which cost is taken."),
    Field(
        name="method",
        type=ValueType.CHOICE,
        required=True,
        doc="How elements are weighed.",
        choices=(
            Choice(value="even", doc="All alike."),
            Choice(value="percent", doc="By given percentages."),
            Choice(value="proportional", doc="By their cost in the basis."),
            Choice(value="metric", doc="By usage numbers."),
        ),
    ),
    Field(name="to", type=ValueType.MAPPING, required=True, fields=_TO, doc="Who receives it."),
    Field(
        name="into",
        type=ValueType.NAMES,
        doc="The labels or declared dimensions that are overwritten; the default is `to.dimension`.",
    ),
    Field(
        name="basis",
        type=ValueType.MAPPING,
        fields=_BASIS,
        methods=_BASIS_METHODS,
        basis_only=True,
        doc="From what the shares are computed.",
    ),
    Field(
        name="partition_by",
        type=ValueType.NAMES,
        default="[]",
        methods=_BASIS_METHODS,
        basis_only=True,
        doc="Dimensions whose values are split separately.",
    ),
    Field(
        name="on_empty",
        type=ValueType.CHOICE,
        default="unallocated",
        methods=_BASIS_METHODS,
        basis_only=True,
        doc="What happens to cost whose basis is empty.",
        choices=(
            Choice(value="unallocated", doc="It stays where it was, with a warning."),
            Choice(value="even", doc="The elements share alike."),
            Choice(value="previous", doc="The shares of the nearest days before, at most 31, or of the period before."),
            Choice(value="error", doc="The plan fails."),
        ),
    ),
    Field(
        name="cutoff",
        type=ValueType.MAPPING,
        fields=_CUTOFF,
        methods=("proportional", "metric"),
        doc="Folds the elements of small weight into one.",
    ),
    Field(name="effective", type=ValueType.MAPPING, fields=_EFFECTIVE, doc="The days on which the rule applies."),
)

KINDS: dict[str, tuple[Field, ...]] = {
    "label": LABEL,
    "dimension": DIMENSION,
    "metric": METRIC,
    "allocation": ALLOCATION,
}
"""The fields of an entry, by its kind."""

RULE_FILE: tuple[Field, ...] = (
    Field(name="labels", type=ValueType.ENTRIES, fields=LABEL, doc="Clean keys made from messy tags."),
    Field(name="dimensions", type=ValueType.ENTRIES, fields=DIMENSION, doc="Virtual dimensions by ordered rules."),
    Field(name="metrics", type=ValueType.ENTRIES, fields=METRIC, doc="Usage numbers to split by."),
    Field(name="allocations", type=ValueType.ENTRIES, fields=ALLOCATION, doc="Rules that split cost, in order."),
)

KIND_OF_SECTION = {"labels": "label", "dimensions": "dimension", "metrics": "metric", "allocations": "allocation"}

SOURCE: tuple[Field, ...] = (
    Field(name="field", type=ValueType.NAME, required=True, doc="The column, tag, label or dimension to read."),
    Field(name="transform", type=ValueType.TRANSFORMS, default="[]", doc="Text transforms of this source alone."),
)
"""A source written as a mapping."""

METRIC_WEIGHT: tuple[Field, ...] = (
    Field(name="metric", type=ValueType.ID, required=True, doc="The id of a metric."),
    Field(name="weight", type=ValueType.PERCENTAGE, default="1", doc="How much it counts beside the others."),
)
"""An item of `basis.metric` written as a mapping."""

TRANSFORMS: tuple[Field, ...] = (
    Field(name="trim", type=ValueType.TEXT, doc="Without white space at both ends."),
    Field(name="lower", type=ValueType.TEXT, doc="In lower case."),
    Field(name="upper", type=ValueType.TEXT, doc="In upper case."),
    Field(name="title", type=ValueType.TEXT, doc="The first letter of each word upper, the rest lower."),
    Field(
        name="normalize",
        type=ValueType.TEXT,
        doc="In lower case, with one `-` for each run of other characters than letters and digits.",
    ),
    Field(
        name="split",
        type=ValueType.MAPPING,
        doc="One part of the text.",
        fields=(
            Field(name="delimiter", type=ValueType.TEXT, required=True, doc="What stands between the parts."),
            Field(name="index", type=ValueType.INTEGER, required=True, doc="Which part, from 0; -1 is the last."),
        ),
    ),
    Field(
        name="replace",
        type=ValueType.MAPPING,
        doc="Every occurrence of a text replaced by another.",
        fields=(
            Field(name="from", type=ValueType.TEXT, required=True, doc="What is replaced."),
            Field(name="to", type=ValueType.TEXT_OR_EMPTY, required=True, doc='What replaces it; "" removes it.'),
        ),
    ),
    Field(
        name="lookup",
        type=ValueType.TABLE,
        doc="The value that a table has for the text: a CSV file of two columns, its path from the rule file's folder.",
    ),
)
"""Text transforms: a word, or a mapping of the word to its arguments."""

RESERVED_IDS: tuple[str, ...] = (
    "Tags", "allocated_by", "allocation_path", "all", "any", "not", "percent",
    "day", "charge_month", "billing_month", "BillingCurrency", *COST_COLUMNS,
)  # fmt: skip
"""Words that cannot be the id of a label or dimension, because they mean something else where names stand."""

RESERVED_PREFIXES: tuple[str, ...] = ("Tags.", "label.", "direct.")
