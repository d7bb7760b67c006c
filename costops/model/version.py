"""What the state keeps of each apply."""

from __future__ import annotations

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRevision:
    """One entry of a rule set as it was applied."""

    kind: str
    """label, dimension, metric or allocation."""
    id: str
    canonical: str
    """Canonical JSON (costops.language.canonical); equal exactly when the meaning is equal."""
    text: str
    """As its author wrote it."""
    file: str
    line: int

    @property
    def hidden(self) -> bool:
        """Whether it is left out of lists meant for people."""
        return json.loads(self.canonical).get("hidden", False) is True


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSummary:
    """What was read."""

    digest: str
    rows: int
    first_month: str
    """First billing month, `YYYY-MM`; empty for a bill without rows."""
    last_month: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a result was made of, and its digests: what a plan promises and a version records, field by field."""

    rules: tuple[RuleRevision, ...]
    """In the order of evaluation, kind by kind as RuleSet.entries gives them."""
    rules_digest: str
    settings: str
    """Canonical JSON of the settings that change a ledger: report, cost, billing, metric_sources."""
    metrics_digest: str
    bill: BillSummary
    engine: str
    """Name and version of what computed it, such as `costops 0.1.0, duckdb 2.0.0`."""
    cost: str
    """The cost column that plans and digests show."""
    dimensions: tuple[str, ...]
    plan_digest: str
    result_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDraft(Binding):
    """A version before the state gives it a number: everything but its ledger."""

    applied_at: str
    """UTC, `2026-11-18T09:14:07Z`."""
    actor: str
    commit: str | None
    """Full git commit of the workspace; None outside git."""
    dirty: bool | None
    """Whether the tree had uncommitted changes; None outside git."""
    cause: str
    """apply, refresh (the bill or the usage numbers alone), restate or rollback."""
    reason: str | None = None
    """Why closed months were restated, or an older version's rules brought back."""
    restated: tuple[str, ...] = ()
    """Closed billing months that this version wrote anew."""
    carried: tuple[str, ...] = ()
    """Billing months that were taken over from the version before, byte for byte."""
    cost_columns: tuple[str, ...]
    moved: tuple[tuple[str, int], ...]
    """(currency, picos) that the plan said would move, sorted."""
    summary: str
    """One line for people: `1 to add, 1 to change, ...`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """An applied version: its number in the store, its place in the hash chain, and what was applied."""

    number: int
    serial: int
    previous_hash: str
    hash: str
    draft: VersionDraft

    @property
    def label(self) -> str:
        """`version 12 (a41c9e2, 2026-11-18 09:14 UTC)`."""
        draft = self.draft
        commit = f"{draft.commit[:7]}{' with local changes' if draft.dirty else ''}, " if draft.commit else ""
        return f"version {self.number} ({commit}{draft.applied_at[:10]} {draft.applied_at[11:16]} UTC)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The state a plan starts from; without a version it is a first run."""

    version: int | None
    serial: int
    lineage: str | None
