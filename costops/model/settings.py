"""costops.yaml after binding."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from costops.model.diagnostic import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingSource:
    """Files of one bill."""

    name: str
    path: str
    """As written: a glob, relative to the workspace or absolute."""
    format: str | None = None
    """focus or aws-cur; None: detected."""
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
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Setting to its origin: `costops.yaml:4`, `COSTOPS_STATE`, `--state`, `default`."""
    spans: Mapping[str, Span] = field(default_factory=dict, compare=False)

    def canonical(self) -> str:
        """Canonical JSON of what changes a ledger: report, cost, billing, metric_sources."""
        return json.dumps(
            {
                "billing": [{"format": each.format, "name": each.name, "path": each.path} for each in self.billing],
                "cost": self.cost,
                "metric_sources": [
                    {"kind": each.kind, "name": each.name, "path": each.path} for each in self.metric_sources
                ],
                "report": list(self.report),
            },
            ensure_ascii=False,
            sort_keys=True,
        )
