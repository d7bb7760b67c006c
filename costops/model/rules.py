"""The rule language after binding: what labels, dimensions, metrics and allocations say.

Invariant: equality ignores where and how something was written (`span`, `places`, `text`), so two rule sets are
equal exactly when they mean the same. Names in conditions and fields stay as written; `RuleSet.resolve` gives
their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from costops.model.conditions import EVERYTHING, Condition
from costops.model.diagnostic import Span

NOWHERE = Span("", 0, 0, 0, 0)


class Method(StrEnum):
    """How an allocation weighs its elements."""

    EVEN = "even"
    PERCENT = "percent"
    PROPORTIONAL = "proportional"
    METRIC = "metric"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What every entry of a rule file has."""

    id: str
    name: str | None = None
    description: str | None = None
    owner: str | None = None
    enabled: bool = True
    hidden: bool = False
    renamed_from: tuple[str, ...] = ()
    """Ids the entry had before, the latest first."""
    span: Span = field(default=NOWHERE, compare=False)
    """The entry's `id`."""
    places: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False, hash=False)
    """Where fields are: `to.dimension`, `basis.where`, `partition_by[0]`."""
    text: str = field(default="", compare=False, repr=False)
    """The entry as its author wrote it."""

    def place(self, path: str) -> Span:
        """The place of a field, or of the nearest field around it, or of the entry."""
        while path:
            if path in self.places:
                return self.places[path]
            path = path.rpartition("[")[0] if path.endswith("]") else path.rpartition(".")[0]
        return self.span


@dataclass(frozen=True, slots=True)
class Transform:
    """One text transform.

    `name` is trim, lower, upper, title, normalize, split, replace or lookup. `arguments` is empty but for split
    (delimiter, index as decimal text, may be negative), replace (from, to) and lookup (the id of a Lookup).
    """

    name: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One field a label or dimension rule reads, with the transforms of its own."""

    field: str
    transform: tuple[Transform, ...] = ()


@dataclass(frozen=True, slots=True)
class Rename:
    """`value` replaces every text that `where`, a condition on the field `value`, holds for."""

    value: str
    where: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Label(Entry):
    """A clean key: the first source that is present after transforms and drops, then renamed.

    Per source: its own transforms, then the label's, then `drop`, then `rename` (the first that holds).
    """

    sources: tuple[Source, ...]
    transform: tuple[Transform, ...] = ()
    drop: Condition | None = None
    """A condition on the field `value`; where it holds the value counts as missing."""
    rename: tuple[Rename, ...] = ()


@dataclass(frozen=True, slots=True)
class DimensionRule:
    """One way to a value, only where `where` holds: a fixed `value`, the first present of `sources`, or all of
    `concat` put into `format`.
    """

    value: str | None = None
    sources: tuple[Source, ...] = ()
    transform: tuple[Transform, ...] = ()
    """Of each of `sources`, or of the text that `concat` gave."""
    where: Condition = EVERYTHING
    concat: tuple[Source, ...] = ()
    """Without a value where one of them has none."""
    format: tuple[str | int, ...] = ()
    """What `concat` is put into: texts, and the places of its sources."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension(Entry):
    """A virtual dimension: the first rule that yields a value wins, else `default`."""

    rules: tuple[DimensionRule, ...] = ()
    default: str | None = None
    result_stage: bool = False
    """Computed after the last allocation; may be reported, never used in a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Entry):
    """Usage numbers per day: `query` of metric source `source`; `labels` maps the metric's labels to ours."""

    source: str
    query: str
    labels: tuple[tuple[str, str], ...] = ()
    """(label of the metric, our dimension), sorted."""
    aggregate: str = "sum"
    """How finer records of one day become one: sum, avg, max or last."""


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Elements, the heaviest first, count until their share reaches `percent`; the others are folded or left out."""

    percent: int
    """Units of 1e-12 percent, above 0 and below 100 percent."""
    element: tuple[str, ...] | None = None
    """Takes the weight of the others; None: those that count share everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation(Entry):
    """Takes source cost and splits it over elements of the destination dimensions."""

    source: Condition = EVERYTHING
    allocated: str = "exclude"
    """exclude, include or only: cost that an earlier rule allocated along one of the `into` dimensions."""
    method: Method
    to: tuple[str, ...]
    """Destination dimensions: where elements are read from."""
    values: tuple[tuple[str, ...], ...] = ()
    """Given elements, a tuple each, in the order written; empty: those that occur in the basis."""
    percent: tuple[tuple[tuple[str, ...], int], ...] = ()
    """(element, percentage in units of 1e-12 percent), sorted."""
    remainder: tuple[str, ...] | None = None
    """The element that takes what `percent` leaves; () leaves it where it is; None: nothing is left."""
    element_where: Condition = EVERYTHING
    """Narrows the rows or metric records in which elements are found, and their weights."""
    excluded: tuple[tuple[str, ...], ...] = ()
    """Elements that receive nothing, sorted."""
    into: tuple[str, ...]
    """Dimensions that are overwritten, one for each of `to`."""
    basis: Condition = EVERYTHING
    basis_cost: str | None = None
    """The cost column that weighs; None is the workspace's."""
    basis_quantity: str | None = None
    """ConsumedQuantity or PricingQuantity, where it weighs instead of a cost."""
    basis_metrics: tuple[tuple[str, int], ...] = ()
    """(metric, weight in units of 1e-12), sorted; a metric alone has the weight 1."""
    basis_from: str = "running"
    """running, or direct: the bill before the first allocation."""
    include_source: bool = False
    """Whether the rows that the rule takes are in its basis."""
    granularity: str = "charge_period"
    negative: str = "clip"
    partition_by: tuple[str, ...] = ()
    on_empty: str = "unallocated"
    cutoff: Cutoff | None = None
    effective_from: str | None = None
    """First day, `YYYY-MM-DD`; None: no limit."""
    effective_until: str | None = None
    """Last day, included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lookup(Entry):
    """A table of the transform `lookup`; its id is its path from the rules folder, its text the whole file."""

    rows: tuple[tuple[str, str], ...] = field(repr=False)
    """(key, value), sorted by key, each key once; a row without a value means nothing and is not here."""


def tables_named(entry: Entry) -> tuple[str, ...]:
    """Ids of the tables that an entry's transforms look up, each once."""
    chains: list[tuple[Transform, ...]] = []
    if isinstance(entry, Label):
        chains = [*(each.transform for each in entry.sources), entry.transform]
    elif isinstance(entry, Dimension):
        for rule in entry.rules:
            chains += [*(each.transform for each in (*rule.sources, *rule.concat)), rule.transform]
    named = (each.arguments[0] for chain in chains for each in chain if each.name == "lookup")
    return tuple(dict.fromkeys(named))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a name means; `name` is without its prefix.

    `kind` is dimension, label, column, tag, allocated_by, or direct: the value of a dimension or label before the first
    allocation.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """All entries of a rules folder; allocations in the order of evaluation, disabled ones included."""

    lookups: tuple[Lookup, ...] = ()
    """The tables that labels and dimensions name, disabled ones included."""
    labels: tuple[Label, ...] = ()
    dimensions: tuple[Dimension, ...] = ()
    metrics: tuple[Metric, ...] = ()
    allocations: tuple[Allocation, ...] = ()
    _enabled: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False, compare=False)
    """Ids of the enabled dimensions and labels, once a name was looked up."""

    def entries(self) -> tuple[tuple[str, Entry], ...]:
        """(kind, entry) of everything, kinds in the order of evaluation."""
        return (
            *(("lookup", each) for each in self.lookups),
            *(("label", each) for each in self.labels),
            *(("dimension", each) for each in self.dimensions),
            *(("metric", each) for each in self.metrics),
            *(("allocation", each) for each in self.allocations),
        )

    def used_lookups(self) -> tuple[Lookup, ...]:
        """The tables that enabled labels and dimensions name, by id."""
        used = {name for each in (*self.labels, *self.dimensions) if each.enabled for name in tables_named(each)}
        return tuple(sorted((each for each in self.lookups if each.id in used), key=lambda each: each.id))

    def resolve(self, name: str, *, inside: str | None = None) -> Meaning:
        """What `name` means: dimension, then label, then column or tag; disabled entries do not exist.

        `inside` is the dimension whose own rules mention the name: there its id means the label or column.
        """
        if name == "allocated_by":
            return Meaning("allocated_by", name)
        if name.startswith("Tags."):
            return Meaning("tag", name.removeprefix("Tags."))
        if name.startswith("label."):
            return Meaning("label", name.removeprefix("label."))
        if name.startswith("direct."):
            return Meaning("direct", name.removeprefix("direct."))
        if not self._enabled:
            kinds = {"dimension": self.dimensions, "label": self.labels}
            enabled = {kind: frozenset(each.id for each in some if each.enabled) for kind, some in kinds.items()}
            self._enabled.update(enabled)
        if name != inside and name in self._enabled["dimension"]:
            return Meaning("dimension", name)
        if name in self._enabled["label"]:
            return Meaning("label", name)
        return Meaning("column", name)
