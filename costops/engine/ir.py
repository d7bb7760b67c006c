"""The program that a rule set becomes: data that names no engine and no SQL.

Invariant: columns are named by place (`f0` raw fields, `x0` values computed from them, `s0` slots of a profile),
never by a person's text, so that no name can collide and no text can become code. The order of `slots` is the order
in which the report, then the rules, first name them; those that hold values, then those that hold truth values, it
decides which cell gets a residue of 1e-12.
"""

from __future__ import annotations

from dataclasses import dataclass

from costops.model.expression import Call, Expression
from costops.model.rules import Cutoff, Meaning, Method

PATH = "path"
"""The column that holds the rules of a profile's path, each between PATH_MARKs."""
PATH_MARK = " > "

TRUTH = "t"
"""How the names of slots begin that hold whether a fixed part of a condition is true; only conditions read them."""


def mark_of(slot: str) -> str:
    """The column of a profile that says whether an allocation has written the value of a slot."""
    return f"w{slot}"


def is_truth(expression: Expression) -> bool:
    """Whether an expression is true or false, and not a text."""
    return isinstance(expression, Call) and expression.operation in ("and", "or", "not", "in", "is_missing")


UNITS = {"ConsumedQuantity": "ConsumedUnit", "PricingQuantity": "PricingUnit"}
"""The column of each quantity's unit."""

Layer = tuple[tuple[str, Expression], ...]
"""Columns computed in one go from the columns before them."""


@dataclass(frozen=True, slots=True)
class RawField:
    """A field of the bill as it was read."""

    kind: str
    """column or tag."""
    name: str


Rows = tuple[tuple[str, str], ...]
"""(key, value) of a lookup table, each key once."""


class Fields:
    """What programs need to be there: raw fields with the names of their columns, lookup tables with their own.

    It grows while programs are made. Tables of equal content are one.
    """

    def __init__(self) -> None:
        self._names: dict[RawField, str] = {}
        self._lookups: dict[Rows, str] = {}

    def column(self, field: RawField) -> str:
        return self._names.setdefault(field, f"f{len(self._names)}")

    def known(self, field: RawField) -> str | None:
        """The column of a field that some program needs, else None."""
        return self._names.get(field)

    def items(self) -> tuple[tuple[RawField, str], ...]:
        return tuple(self._names.items())

    def lookup(self, rows: Rows) -> str:
        return self._lookups.setdefault(rows, f"lookup_{len(self._lookups)}")

    def lookups(self) -> tuple[tuple[Rows, str], ...]:
        return tuple(self._lookups.items())


@dataclass(frozen=True, slots=True)
class MetricUse:
    """A metric as one step uses it: its records by day and by the dimensions that the step needs."""

    metric: str
    """Id of the metric."""
    source: str
    query: str
    aggregate: str
    labels: tuple[tuple[str, str], ...]
    """(label of the metric, column) for each mapped label."""
    layers: tuple[Layer, ...]
    """Cleaned label values from the columns of `labels`."""
    columns: tuple[tuple[str, str], ...]
    """(dimension, column) after the layers."""


@dataclass(frozen=True, slots=True)
class MetricBasis:
    """One of the metrics that a step weighs by."""

    use: MetricUse
    condition: Expression
    """Over the columns of `use`."""
    destinations: tuple[str, ...]
    """Columns of `use` whose values are the elements."""
    partition: tuple[str, ...]
    """Columns of `use` for the step's `partition`."""
    weight: int
    """How much the metric counts beside the others; whole numbers without a common divisor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One allocation: which profiles it takes, what they are split by, and what becomes of them."""

    number: int
    """From 1, in the order of evaluation."""
    rule: str
    source: Expression
    """Over slots and PATH."""
    matched: Expression
    """Over slots and PATH: the source without regard to what earlier rules have allocated."""
    rivals: tuple[str, ...]
    """Earlier rules along one of `into`, whose cost this one leaves alone; in order."""
    method: Method
    destinations: tuple[str, ...]
    """Slots whose values are the elements; empty where elements are given, or found in metrics."""
    into: tuple[str, ...]
    """Slots that are overwritten."""
    given: tuple[tuple[tuple[str, ...], int], ...]
    """(element, weight) where elements are given; weight 1 but for percent."""
    stays: int
    """The weight beside those of `given` that stays where it is."""
    excluded: tuple[tuple[str, ...], ...]
    """Elements that get nothing."""
    partition: tuple[str, ...]
    """Slots."""
    basis: Expression
    """Over slots and PATH."""
    basis_amount: str
    """The cost or quantity column that weighs."""
    basis_from: str
    include_source: bool
    direct_source: Expression
    """Over slots: the source's condition before the first allocation."""
    unit: str | None
    """The slot of the unit where a quantity weighs."""
    granularity: str
    negative: str
    on_empty: str
    cutoff: Cutoff | None
    effective: tuple[str | None, str | None]
    """First and last day."""
    metrics: tuple[MetricBasis, ...]
    billed: tuple[str, ...]
    """Slots of the destination dimensions, where a metric may know elements that the bill does not; else empty."""
    group: tuple[str, ...]
    """Slots that name a ledger row and are not overwritten: residues never leave such a group."""

    @property
    def needs_basis(self) -> bool:
        return self.method in (Method.PROPORTIONAL, Method.METRIC) or not self.given

    @property
    def by_currency(self) -> bool:
        """Whether the currency is part of a bucket: only where weights are costs."""
        return self.method is Method.PROPORTIONAL and self.unit is None

    @property
    def quantity(self) -> str | None:
        """The quantity column that weighs, if one does."""
        return self.basis_amount if self.unit is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A field of which rules expect values."""

    meaning: Meaning
    of_sources: bool
    """Whether values are looked for in what the field is made from, before the field's own words."""
    columns: tuple[str, ...]
    """Where values are looked for."""
    nearby: str
    """The column of the field, where values that are spelled alike are looked for."""
    slot: str | None
    """What holds the running value, where an allocation writes it."""
    values_as_they_are: tuple[str, ...]
    values_in_any_case: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A whole rule set, ready to run on raw cells."""

    layers: tuple[Layer, ...]
    """From raw fields to everything that slots need."""
    slots: tuple[tuple[str, str], ...]
    """(slot, column of the layers)."""
    steps: tuple[Step, ...]
    result_layers: tuple[Layer, ...]
    """From slots and PATH to result-stage dimensions."""
    report: tuple[tuple[str, str], ...]
    """(report dimension, slot or column of the result layers)."""
    cost: str
    """The cost column of money by element."""
    running: tuple[tuple[str, str], ...]
    """(slot, name) of the slots that allocations overwrite."""
    watched: tuple[Watched, ...] = ()
    readers: tuple[tuple[str, ...], ...] = ()
    """Keys of tags that one entry reads, for each entry that reads some; each once."""

    @property
    def values(self) -> tuple[str, ...]:
        """Slots that are no truth values, in order."""
        return tuple(slot for slot, _ in self.slots if not slot.startswith(TRUTH))

    @property
    def marks(self) -> tuple[str, ...]:
        """What says of slots that are overwritten whether they were."""
        return tuple(mark_of(slot) for slot, _ in self.running)

    @property
    def truths(self) -> tuple[str, ...]:
        """Slots that hold truth values, in order."""
        return tuple(slot for slot, _ in self.slots if slot.startswith(TRUTH))

    @property
    def quantities(self) -> tuple[str, ...]:
        """Quantity columns that a step weighs by, sorted."""
        return tuple(sorted({step.quantity for step in self.steps if step.quantity is not None}))

    @property
    def metric_uses(self) -> tuple[MetricUse, ...]:
        """The metrics of all steps, each once."""
        return tuple(dict.fromkeys(each.use for step in self.steps for each in step.metrics))
