"""A plan: what changes, which money each change moves, and the ledger that apply would write."""

from __future__ import annotations

from dataclasses import dataclass, field

from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic
from costops.model.ledger import Ledger
from costops.model.version import Base, Binding

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One element of one dimension before and after a step, in picos of the workspace's cost column."""

    dimension: str
    value: str | None
    """None is unallocated."""
    currency: str
    before: int
    after: int

    @property
    def delta(self) -> int:
        return self.after - self.before


@dataclass(frozen=True, slots=True)
class Moved:
    """Money moved along a dimension: the sum of the positive deltas, in picos."""

    dimension: str
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an entry before and after, as canonical JSON values; None also where it is absent."""

    path: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of the rules or settings, with the money it moves."""

    action: str
    """add, change, remove, move or rename."""
    kind: str
    """lookup, label, dimension, metric, allocation or settings."""
    id: str
    previous_id: str | None = None
    """The id before a rename."""
    file: str
    line: int
    fields: tuple[FieldChange, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    """Lines whose delta is not 0."""
    moved: tuple[Moved, ...] = ()
    joined_with: str | None = None
    """The change whose money includes this one's, because the rule set between the two does not bind."""


@dataclass(frozen=True, slots=True)
class Total:
    """All cost of one cost column and currency before and after, in picos."""

    currency: str
    cost: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Cost without a value in a dimension, and all cost, before and after, in picos."""

    dimension: str
    currency: str
    before: int
    before_total: int
    after: int
    after_total: int


@dataclass(frozen=True, slots=True)
class ElementCost:
    """Cost of one element of a report dimension in the result, in picos of the workspace's cost column."""

    dimension: str
    value: str | None
    """None is unallocated."""
    currency: str
    amount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Binding):
    """What apply would do; everything shown and everything written comes from here."""

    base: Base
    base_label: str
    """The base for people: `version 12 (a41c9e2, 2026-11-18 09:14 UTC)` or `nothing applied yet`."""
    target_label: str
    """The rules for people: `rules at 7be01d4`."""
    bill_files: tuple[SourceFile, ...] = ()
    """What the bill's digest is made of."""
    metric_files: tuple[SourceFile, ...] = ()
    """What the digest of the usage numbers is made of."""
    changes: tuple[Change, ...]
    bill_changes: bool
    metric_changes: bool
    bill_money: tuple[MoneyLine, ...]
    bill_totals: tuple[Total, ...]
    """Totals of the stored ledger and of the new bill; empty on a first run or when the bill is the same."""
    totals: tuple[Total, ...]
    moved: tuple[Moved, ...]
    """Net money moved by all rule changes together."""
    unallocated: tuple[Coverage, ...]
    result: tuple[ElementCost, ...] = ()
    """Cost of every element after the plan, by dimension, currency and name; none of 0."""
    carried_months: tuple[str, ...] = ()
    """Months that the state has and the bill lacks."""
    diagnostics: tuple[Diagnostic, ...] = ()
    ledger: Ledger | None = field(repr=False)
    """What apply would write; None where there is nothing to write, and in a plan that was made or read without it."""
    writes: bool
    """Whether apply would write a version."""

    @property
    def rule_changes(self) -> bool:
        return bool(self.changes)

    def count(self, action: str) -> int:
        return sum(1 for each in self.changes if each.action == action)
