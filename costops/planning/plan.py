"""Makes a plan: the rules' changes, the money each moves, the bill's difference apart, and the ledger to write.

Invariant: what is applied is what the plan holds; the plan's digest binds the state, the rules, the settings, the
metrics, the bill and the result, and nothing of time, place or machine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress

from costops.engine.embedded import Evaluation, Request
from costops.language.canonical import revisions
from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic
from costops.model.ledger import Ledger
from costops.model.plan import MoneyLine, Plan
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Base, BillSummary, Version
from costops.money import SAME_PICOS
from costops.planning.binding import plan_digest
from costops.planning.changes import changes_of, settings_changes
from costops.planning.evaluations import plan_evaluations
from costops.planning.ledgers import differ, with_carried_months
from costops.planning.money import (
    Money,
    added,
    coverage,
    element_costs,
    money_lines,
    moved_money,
    totals_by_cost,
    without_dust,
)
from costops.planning.notices import evaluation_notices
from costops.planning.references import renaming_of
from costops.planning.stored import RenamedVersion, Stored
from costops.planning.walk import walk


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
    evaluate: Callable[[Sequence[Request]], Evaluation]
    binds: Callable[[RuleSet], bool]
    """Whether a rule set has no error."""
    diagnostics: tuple[Diagnostic, ...] = field(default=())
    heard: Callable[[tuple[Diagnostic, ...], bool], tuple[Diagnostic, ...]] = lambda found, _evaluated: found
    """Diagnostics in order, with what comments say about them; whether the rules were evaluated."""


def make_plan(inputs: Inputs) -> Plan:
    """The plan from the state to the rules on the bill; writes nothing."""
    stored = inputs.stored
    if stored is not None and _nothing_moved(inputs, stored.version):
        return _unchanged(inputs, stored)
    old = stored.rules if stored is not None else RuleSet()
    renaming = renaming_of(old, inputs.rules, stored.version.draft.dimensions if stored is not None else ())
    before = RenamedVersion(stored, renaming) if stored is not None else None
    stops = walk(old, inputs.rules, inputs.binds, renaming)
    rule_sets = [renaming.start, *(stop.rules for stop in stops)]
    evaluated, readings = plan_evaluations(rule_sets)
    last = len(evaluated) - 1
    # Only the new rules must be able to run on this bill: an old one may need a metric or a basis that is gone.
    evaluation = inputs.evaluate(
        [
            Request(rules, want_ledger=place == last, want_notices=place == last, lenient=place != last)
            for place, rules in enumerate(evaluated)
        ]
    )
    outcomes, facts = evaluation.outcomes, evaluation.facts
    dimensions, cost = inputs.settings.report, inputs.settings.cost
    carried = [month for month in (before.months() if before else ()) if month not in facts.months]
    kept = _carried_money(before, dimensions, cost, carried) if before and carried else {}
    money = [added(outcomes[each.evaluation].money[each.after], kept) for each in readings]
    ledger = outcomes[last].ledger
    assert ledger is not None
    if before is not None and carried:
        ledger = with_carried_months(ledger, before.ledger(), carried)
    bill_money: tuple[MoneyLine, ...] = ()
    bill_totals: Mapping[tuple[str, str], int] = facts.totals
    if before is not None:
        known = [each for each in dimensions if each in before.dimensions]
        then = before.money(known, cost, before.months())
        bill_money = money_lines(then, money[0], known if then else (), at_least=SAME_PICOS)
        bill_totals = _summed(bill_totals, before.totals(carried))
    settings = inputs.settings.canonical()
    settings_before = before.settings if before is not None else settings
    settings_money: tuple[MoneyLine, ...] = ()
    if stored is not None and settings != settings_before and _same_data(inputs, stored):
        # Nothing else changed before the rules, so the settings did it: another cost column, say, weighs otherwise.
        bill_money, settings_money = (), bill_money
    changes = (
        *settings_changes(settings_before, settings, settings_money, dimensions),
        *changes_of(stops, money, dimensions),
    )
    result = ledger
    if stored is not None and ledger.digest != stored.version.draft.result_digest and not changes:
        previous = stored.ledger()
        result = ledger if differ(previous, ledger, SAME_PICOS) else previous
    writes = stored is None or bool(changes) or result.digest != stored.version.draft.result_digest
    net = without_dust(money_lines(money[0], money[-1], dimensions))
    summary = BillSummary(
        digest=inputs.bill_digest, rows=facts.rows, first_month=facts.first_month, last_month=facts.last_month
    )
    cost_columns = inputs.cost_columns
    return Plan(
        base=inputs.base,
        base_label=inputs.base_label,
        target_label=inputs.target_label,
        rules=revisions(inputs.rules),
        rules_digest=inputs.rules_digest,
        settings=settings,
        metrics_digest=inputs.metrics_digest,
        metric_files=inputs.metric_files,
        bill=summary,
        bill_files=inputs.bill_files,
        cost=cost,
        dimensions=dimensions,
        changes=changes,
        bill_changes=stored is not None and stored.version.draft.bill.digest != inputs.bill_digest,
        metric_changes=stored is not None and stored.version.draft.metrics_digest != inputs.metrics_digest,
        bill_money=bill_money,
        bill_totals=totals_by_cost(stored.totals(stored.months()), bill_totals, cost_columns) if stored else (),
        totals=totals_by_cost(bill_totals, _ledger_totals(result), cost_columns),
        moved=moved_money(net, dimensions),
        unallocated=coverage(money[0], money[-1], dimensions),
        result=element_costs(money[-1], dimensions),
        carried_months=tuple(carried),
        diagnostics=inputs.heard(
            (*inputs.diagnostics, *evaluation_notices(inputs.rules, evaluation, report=dimensions, cost=cost)), True
        ),
        ledger=result if writes else None,
        engine=inputs.engine,
        result_digest=result.digest,
        plan_digest=_digest(inputs, result.digest),
        writes=writes,
    )


def _carried_money(before: RenamedVersion, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
    """Cost of carried months by element; in dimensions that the stored version lacks it is all unallocated."""
    money = dict(before.money(dimensions, cost, months))
    for dimension in dimensions:
        if dimension not in before.dimensions:
            for (currency, column), amount in before.totals(months).items():
                if column == cost:
                    money[dimension, None, currency] = amount
    return money


def _nothing_moved(inputs: Inputs, version: Version) -> bool:
    draft = version.draft
    return (
        draft.rules_digest == inputs.rules_digest
        and draft.settings == inputs.settings.canonical()
        and draft.metrics_digest == inputs.metrics_digest
        and draft.bill.digest == inputs.bill_digest
        and draft.engine == inputs.engine
    )


def _same_data(inputs: Inputs, stored: Stored) -> bool:
    draft = stored.version.draft
    return (draft.bill.digest, draft.metrics_digest) == (inputs.bill_digest, inputs.metrics_digest)


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
        plan_digest=_digest(inputs, draft.result_digest),
        writes=False,
    )


def _summed(first: Mapping[tuple[str, str], int], second: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in {**first, **second}}


def _ledger_totals(ledger: Ledger) -> dict[tuple[str, str], int]:
    chosen = {
        currency: [each == currency for each in ledger.currencies] for currency in dict.fromkeys(ledger.currencies)
    }
    return {
        (currency, cost): sum(compress(amounts, rows))
        for cost, amounts in zip(ledger.cost_columns, ledger.amounts, strict=True)
        for currency, rows in chosen.items()
    }


def _digest(inputs: Inputs, result_digest: str) -> str:
    return plan_digest(
        inputs.base,
        rules_digest=inputs.rules_digest,
        settings=inputs.settings.canonical(),
        metrics_digest=inputs.metrics_digest,
        bill_digest=inputs.bill_digest,
        result_digest=result_digest,
    )
