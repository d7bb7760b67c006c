"""What a billing or metric source is, described: which files, which reader, which expression each column is.

A description reads nothing; the engine runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from costops.model.expression import Expression

COST_COLUMNS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
"""The cost columns of FOCUS, in the order in which outputs show them."""

QUANTITIES = ("ConsumedQuantity", "PricingQuantity")
"""The quantities of FOCUS by which a rule may weigh; their units are ConsumedUnit and PricingUnit."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source by its content: what the digest of a bill or of the metrics is made of."""

    source: str
    """Name of the billing or metric source in costops.yaml."""
    name: str
    """As in PhysicalFile."""
    sha256: str


@dataclass(frozen=True, slots=True)
class FileShape:
    """What the engine's probe found: files of one shape can be read together."""

    columns: tuple[tuple[str, str], ...]
    """(exact name, type of the engine) of each column; every type of a CSV file is VARCHAR."""
    delimiter: str = ","
    """What stands between two fields of a CSV file."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """A file that a source's path names and that is not read, and why."""

    source: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class PhysicalFile:
    """One file as the engine's probe found it."""

    path: str
    """Absolute."""
    name: str
    """What messages and digests call it: relative to the workspace, or absolute where an absolute path names it."""
    kind: str
    """csv or parquet."""
    columns: tuple[tuple[str, str], ...]
    """As in FileShape."""
    delimiter: str = ","
    stamp: tuple[int, int] | None = None
    """(size in bytes, modification time in nanoseconds) before it was hashed; None where nobody looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitCharges:
    """How charges that a provider has split already are told, so that none counts beside its parts."""

    method: Expression
    """Present on every part of a split charge."""
    key: tuple[Expression, ...]
    """Equal on a charge and its parts; a row where one of them is missing is no such charge."""
    table: str | None = None
    """The engine's table of the keys of charges that stand beside their parts, once it has found some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillPart:
    """Files of one source, one format and the same columns."""

    source: str
    """Name of the billing source in costops.yaml."""
    format: str
    """focus or aws-cur."""
    files: tuple[PhysicalFile, ...]
    start: Expression
    """Start of the charge period, a timestamp."""
    end: Expression | None
    """End of the charge period, exclusive; None where the format has none."""
    billing_month: Expression
    """Start of the billing period, a timestamp."""
    currency: Expression
    costs: Mapping[str, Expression]
    """Cost column to DECIMAL(38,12), those of FOCUS first; columns that the files do not have are absent."""
    columns: Mapping[str, Expression]
    """Every other field by its name, as text; FOCUS names and further columns under their own."""
    tag_columns: Mapping[str, Expression]
    """Tag key to text, where each key is a column of its own."""
    tags: Expression | None
    """The tags as a JSON object in text, where they are one column."""
    version: str | None = None
    """The version of the format, where the columns tell it."""
    split: SplitCharges | None = None
    """None where the format has no split charges."""
    quantities: Mapping[str, Expression] = field(default_factory=dict)
    """Those of QUANTITIES that the files have, to DECIMAL(38,12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDescription:
    """All billing sources of a workspace."""

    digest: str
    """sha256 over the sorted (name, sha256) of every file."""
    parts: tuple[BillPart, ...]
    files: tuple[SourceFile, ...] = ()
    """Every file that the digest covers, in the order of sources and names."""
    passed_over: tuple[PassedOver, ...] = ()
    extra_costs: tuple[str, ...] = ()
    """Cost columns that costops.yaml adds, in the order in which it first names them."""
    reading: str = ""
    """What costops.yaml says of how the files are read, as text: equal files read otherwise are another bill."""

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """Cost columns that at least one part has: those of FOCUS in its order, then `extra_costs`."""
        present = (name for name in COST_COLUMNS if any(name in part.costs for part in self.parts))
        return (*present, *self.extra_costs)

    @property
    def columns(self) -> frozenset[str]:
        """Names of fields that at least one part has."""
        return frozenset(name for part in self.parts for name in part.columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFile:
    """One metric file: expressions for its date, metric name, value and labels."""

    file: PhysicalFile
    date: Expression
    """A timestamp."""
    metric: Expression
    value: Expression
    """DECIMAL(38,12)."""
    label_columns: Mapping[str, Expression]
    labels: Expression | None
    """The labels as a JSON object in text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDescription:
    """All files of all metric sources, by source name."""

    digest: str
    sources: Mapping[str, tuple[MetricFile, ...]]
    files: tuple[SourceFile, ...] = ()
    """Every file that the digest covers, in the order of sources and names."""
