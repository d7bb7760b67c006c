"""A plan: what changes, which money each change moves, and the ledger that apply would write."""

from __future__ import annotations

from dataclasses import dataclass, field

from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic
from costops.model.ledger import Ledger
from costops.model.metric_series import MetricSeries
from costops.model.record import ProviderTotal
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
class Delta:
    """What one element of one dimension gains or loses, in picos of the workspace's cost column."""

    dimension: str
    value: str | None
    """None is unallocated."""
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Cause:
    """Part of what a change moves: the part that goes through one rule's taking and giving."""

    cause: str
    """`rule`: the changed entry itself takes or gives otherwise; `order`: it does because its place in the order is
    another; `upstream`: the entry `rule` is unchanged, and what reaches it is not."""
    rule: str | None
    """The allocation through which the money moves; None for what labels and dimensions give before the first one."""
    money: tuple[Delta, ...]
    """None of 0, by dimension, currency and value."""


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
    causes: tuple[Cause, ...] = ()
    """`money` by what it goes through: per element the amounts of all causes add up to its delta."""


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


@dataclass(frozen=True, slots=True)
class BillDrift:
    """Cost of one provider in one billing month that the bill has otherwise than the stored version, in picos."""

    provider: str | None
    """FOCUS ProviderName; None where the bill does not say."""
    month: str
    """`YYYY-MM`."""
    cost: str
    """The cost column."""
    currency: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class FrozenMonth:
    """A billing month that is carried over from the state byte for byte."""

    month: str
    """`YYYY-MM`."""
    reason: str
    """`missing`: the bill lacks it; `closed`: it is closed; `older`: restate_months leaves it out."""
    held_back: tuple[MoneyLine, ...] = ()
    """From the stored money of the month to what rules and bill would make of it now; empty where nothing differs."""


@dataclass(frozen=True, slots=True)
class RestatedMonth:
    """A closed billing month that this plan writes anew: what finance has to be told."""

    month: str
    """`YYYY-MM`."""
    totals: tuple[Total, ...]
    """Every cost column and currency, from the stored month to the new one."""
    money: tuple[MoneyLine, ...]
    """Elements whose cost in the month differs from the stored one by 1e-9 or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What one entry of `checks` in costops.yaml found in a plan."""

    check: str
    """The check in words: `max_moved_percent: 10 of team`."""
    severity: str
    """error or warn."""
    status: str
    """`passed`, `failed`, or `overridden`: it would fail, and its override still counts."""
    message: str
    """One sentence with the figures, for people."""
    line: int
    """In costops.yaml."""
    reason: str | None = None
    """The override's reason, where there is one."""
    until: str | None = None
    """The last day of the override, `YYYY-MM-DD`."""


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
    """What the bill changed with the old rules and the old usage numbers."""
    bill_totals: tuple[Total, ...]
    """Totals of the stored ledger and of the new bill; empty on a first run or when the bill is the same."""
    bill_drift: tuple[BillDrift, ...] = ()
    """Where the bill itself differs from what the stored version read, by provider, month, cost column, currency."""
    metric_money: tuple[MoneyLine, ...] = ()
    """What the usage numbers changed on the new bill with the old rules."""
    totals: tuple[Total, ...]
    moved: tuple[Moved, ...]
    """Net money moved by all rule changes together."""
    unallocated: tuple[Coverage, ...]
    result: tuple[ElementCost, ...] = ()
    """Cost of every element after the plan, by dimension, currency and name; none of 0."""
    restated_money: tuple[MoneyLine, ...] = ()
    """What the old rules make of months that this plan writes anew and the stored version had frozen."""
    frozen: tuple[FrozenMonth, ...] = ()
    """Months that are carried over from the state, in order."""
    restated: tuple[RestatedMonth, ...] = ()
    """Closed months that are written anew, in order."""
    reason: str | None = None
    """Why they are."""
    compared_with: str | None = None
    """The git revision whose rules are the old ones, where they are not those of the state; such a plan is for
    review alone, and writes nothing."""
    checks: tuple[CheckResult, ...] = ()
    """One for each entry of `checks` in costops.yaml, in order."""
    diagnostics: tuple[Diagnostic, ...] = ()
    ledger: Ledger | None = field(repr=False)
    """What apply would write; None where there is nothing to write, and in a plan that was made or read without it."""
    writes: bool
    """Whether apply would write a version."""
    providers: tuple[ProviderTotal, ...] = field(repr=False, default=())
    """The bill by provider; empty in a plan that was read off its document or off the state."""
    metric_series: tuple[MetricSeries, ...] = field(repr=False, default=())
    """The metrics that its rules use, by day; empty there, and in a plan that was made without its ledger."""

    @property
    def carried_months(self) -> tuple[str, ...]:
        """Months that the state has and the bill lacks."""
        return tuple(each.month for each in self.frozen if each.reason == "missing")

    @property
    def failed_checks(self) -> tuple[CheckResult, ...]:
        """Those that forbid to apply the plan."""
        return tuple(each for each in self.checks if each.status == "failed" and each.severity == "error")

    @property
    def rule_changes(self) -> bool:
        return bool(self.changes)

    def count(self, action: str) -> int:
        return sum(1 for each in self.changes if each.action == action)
