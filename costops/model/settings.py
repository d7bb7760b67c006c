"""costops.yaml after binding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from costops.model.bill import COST_COLUMNS
from costops.model.diagnostic import Span


def cache_folder(root: Path) -> Path:
    """Where a workspace keeps what can be made again."""
    return root / ".costops" / "cache"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSource:
    """Files of one bill."""

    name: str
    path: str
    """As written: a glob, relative to the workspace or absolute."""
    format: str | None = None
    """focus or aws-cur; None: detected."""
    costs: tuple[tuple[str, str], ...] = ()
    """(cost column, the files' column that it is), in the order written."""
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSource:
    """Files of usage numbers."""

    name: str
    kind: str
    """file."""
    path: str
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Why and how long a plan may be applied although a check would stop it."""

    reason: str
    until: str
    """`YYYY-MM-DD`: it counts for bills whose newest billing month begins on this day or before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One entry of `checks`; which fields beside `kind` are there depends on the kind."""

    kind: str
    """max_moved_percent, max_moved, max_unallocated_percent, max_unallocated, protect or require_owner."""
    limit: int = 0
    """Units of 1e-12 percent, or picos of `currency`; of `protect`, the percent that are tolerated."""
    of: str = ""
    """A report dimension; empty for require_owner."""
    currency: str | None = None
    elements: tuple[str, ...] = ()
    """The protected ones."""
    kinds: tuple[str, ...] = ()
    """Those whose entries need an owner."""
    severity: str = "error"
    """error or warn."""
    override: Override | None = None
    line: int = 0
    """In costops.yaml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A workspace's settings, each with where it came from."""

    root: Path
    """The workspace folder, absolute."""
    rules: Path
    state: Path
    cost: str = "EffectiveCost"
    report: tuple[str, ...] = ()
    billing: tuple[BillingSource, ...] = ()
    metric_sources: tuple[MetricSource, ...] = ()
    checks: tuple[Check, ...] = ()
    """What guards every plan. No part of a ledger, so that a plan of other checks is the same plan."""
    restate_months: int | None = None
    """How many of the bill's newest months plans may change; None: all."""
    bill_tolerance_percent: int | None = None
    """In picos of a percent, how much of what a saved plan's rules move a newer bill may change; None: nothing."""
    memory_limit_bytes: int | None = None
    """How much memory the engine may use; None: what it takes by itself. It decides no amount."""
    own_cache: Path | None = field(default=None, compare=False)
    """Where this run keeps what can be made again, where that is not the workspace's cache."""
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Setting to its origin: `costops.yaml:4`, `COSTOPS_STATE`, `--state`, `default`."""
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False)

    @property
    def cache(self) -> Path:
        """Where what can be made again is kept, and believed."""
        return self.own_cache if self.own_cache is not None else cache_folder(self.root)

    @property
    def extra_costs(self) -> tuple[str, ...]:
        """Cost columns besides those of FOCUS, in the order in which the billing sources first name them."""
        return tuple(dict.fromkeys(name for source in self.billing for name, _ in source.costs))

    @property
    def cost_columns(self) -> tuple[str, ...]:
        """Every cost column that the bill may have."""
        return (*COST_COLUMNS, *self.extra_costs)

    @property
    def reading(self) -> str:
        """What decides how the files of the bill are read, as canonical JSON."""
        return json.dumps([_canonical_source(each) for each in self.billing], ensure_ascii=False, sort_keys=True)

    def canonical(self) -> str:
        """Canonical JSON of what changes a ledger: report, cost, billing, metric_sources."""
        return json.dumps(
            {
                "billing": [_canonical_source(each) for each in self.billing],
                "cost": self.cost,
                "metric_sources": [
                    {"kind": each.kind, "name": each.name, "path": each.path} for each in self.metric_sources
                ],
                "report": list(self.report),
            },
            ensure_ascii=False,
            sort_keys=True,
        )


def _canonical_source(source: BillingSource) -> dict[str, object]:
    # A source without costs has no such key: versions that were written before there were any stay equal.
    costs: dict[str, object] = {"costs": [list(each) for each in source.costs]} if source.costs else {}
    return {**costs, "format": source.format, "name": source.name, "path": source.path}
