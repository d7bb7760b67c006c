"""What a plan is made of, and the plan where nothing has changed.

Invariant: a plan's digest binds the state, the rules, the settings, the metrics, the bill and the result, and nothing
of time, place or machine. Where all of that is what the newest version was made of, the plan is read off the state:
nothing here starts the engine, or imports it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic
from costops.model.plan import Plan
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Base
from costops.planning.binding import plan_digest
from costops.planning.money import coverage, element_costs, totals_by_cost
from costops.planning.months import OpenMonths
from costops.planning.stored import Stored

if TYPE_CHECKING:
    from costops.engine.embedded import Evaluation, Months, Request
    from costops.engine.load import BillFacts
    from costops.model.metric_series import MetricSeries
    from costops.planning.walk import Fit


class Evaluate(Protocol):
    """Evaluates rule sets on the bill, as costops.engine.embedded.evaluate does."""

    def __call__(
        self,
        requests: Sequence[Request],
        months: Callable[[BillFacts], Months] | None = None,
        then: Mapping[str, MetricSeries] | None = None,
        *,
        want_series: bool = False,
    ) -> Evaluation:
        """One outcome for each request."""


@dataclass(frozen=True, slots=True)
class Compared:
    """The rules and settings of a git revision."""

    revision: str
    """For people: `origin/main (a41c9e2)`."""
    rules: RuleSet
    settings: str
    """Canonical JSON."""
    report: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a plan is made of."""

    settings: Settings
    rules: RuleSet
    rules_digest: str
    bill_digest: str
    bill_files: tuple[SourceFile, ...] = ()
    metrics_digest: str
    metric_files: tuple[SourceFile, ...] = ()
    engine: str
    base: Base
    base_label: str
    target_label: str
    stored: Stored | None
    cost_columns: tuple[str, ...]
    evaluate: Evaluate
    fit: Callable[[RuleSet], Fit]
    """Tells of rule sets, beginning with one, whether they have errors."""
    months: OpenMonths = field(default_factory=OpenMonths)
    compared: Compared | None = None
    """What the rules are compared with, where that is not the state; then `stored` is None."""
    with_ledger: bool = True
    """Whether the plan is to have the rows that apply would write."""
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    heard: Callable[[tuple[Diagnostic, ...], bool], tuple[Diagnostic, ...]] = lambda found, _evaluated: found
    """Diagnostics in order, with what comments say about them; whether the rules were evaluated."""


def make_plan(inputs: Inputs) -> Plan:
    """The plan from the state to the rules on the bill; writes nothing."""
    if inputs.stored is not None and _nothing_moved(inputs, inputs.stored):
        return _unchanged(inputs, inputs.stored)
    # The engine costs 100 ms to import.
    from costops.planning.plan import changed_plan

    return changed_plan(inputs)


def _nothing_moved(inputs: Inputs, stored: Stored) -> bool:
    draft = stored.version.draft
    return (
        draft.rules_digest == inputs.rules_digest
        and draft.settings == inputs.settings.canonical()
        and draft.metrics_digest == inputs.metrics_digest
        and draft.bill.digest == inputs.bill_digest
        and draft.engine == inputs.engine
        and inputs.months.restate is None
        and all(inputs.months.stays(each, stored.months(), draft.bill.last_month) for each in draft.carried)
    )


def _unchanged(inputs: Inputs, stored: Stored) -> Plan:
    """The plan where nothing can have moved: read off the state, without the engine."""
    draft, months = stored.version.draft, stored.months()
    money = stored.money(draft.dimensions, draft.cost, months)
    totals = stored.totals(months)
    return Plan(
        base=inputs.base,
        base_label=inputs.base_label,
        target_label=inputs.target_label,
        rules=draft.rules,
        rules_digest=inputs.rules_digest,
        settings=draft.settings,
        metrics_digest=inputs.metrics_digest,
        metric_files=inputs.metric_files,
        bill=draft.bill,
        bill_files=inputs.bill_files,
        cost=draft.cost,
        dimensions=draft.dimensions,
        changes=(),
        bill_changes=False,
        metric_changes=False,
        bill_money=(),
        bill_totals=totals_by_cost(totals, totals, draft.cost_columns),
        totals=totals_by_cost(totals, totals, draft.cost_columns),
        moved=(),
        unallocated=coverage(money, money, draft.dimensions),
        result=element_costs(money, draft.dimensions),
        diagnostics=inputs.heard(inputs.diagnostics, False),
        ledger=None,
        engine=inputs.engine,
        result_digest=draft.result_digest,
        plan_digest=digest_of(inputs, draft.result_digest),
        writes=False,
    )


def digest_of(inputs: Inputs, result_digest: str, restated: Sequence[str] = ()) -> str:
    """The digest of a plan with that result and those restated months."""
    return plan_digest(
        inputs.base,
        rules_digest=inputs.rules_digest,
        settings=inputs.settings.canonical(),
        metrics_digest=inputs.metrics_digest,
        bill_digest=inputs.bill_digest,
        result_digest=result_digest,
        restated=restated,
    )
