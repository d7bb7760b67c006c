"""What a billing or metric source is, described: which files, which reader, which expression each column is.

A description reads nothing; the engine runs it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costops.model.expression import Expression

COST_COLUMNS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
"""The cost columns of FOCUS, in the order in which outputs show them."""


@dataclass(frozen=True, slots=True)
class PhysicalFile:
    """One file as the engine's probe found it."""

    path: str
    """Absolute."""
    name: str
    """Relative to the workspace where it lies inside, else absolute; what messages and digests call it."""
    kind: str
    """csv or parquet."""
    columns: tuple[tuple[str, str], ...]
    """(exact name, type of the engine) of each column; every type of a CSV file is VARCHAR."""


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
    """Cost column to DECIMAL(38,12); columns that the bill does not have are absent."""
    columns: Mapping[str, Expression]
    """Every other field by its name, as text; FOCUS names and further columns under their own."""
    tag_columns: Mapping[str, Expression]
    """Tag key to text, where each key is a column of its own."""
    tags: Expression | None
    """The tags as a JSON object in text, where they are one column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillDescription:
    """All billing sources of a workspace."""

    digest: str
    """sha256 over the sorted (name, sha256) of every file."""
    parts: tuple[BillPart, ...]

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """Cost columns that at least one part has, in FOCUS's order."""
        return tuple(name for name in COST_COLUMNS if any(name in part.costs for part in self.parts))

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
