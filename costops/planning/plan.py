"""Makes a plan: the rules' changes, the money each moves, the bill's difference apart, and the ledger to write.

Invariant: what is applied is what the plan holds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costops.engine.embedded import Request
from costops.language.canonical import revisions
from costops.model.plan import FrozenMonth, MoneyLine, Plan
from costops.model.rules import RuleSet
from costops.model.version import BillSummary
from costops.money import SAME_PICOS
from costops.planning.changes import changes_of, settings_changes
from costops.planning.evaluations import counts_read, plan_evaluations, walked_money
from costops.planning.inputs import Inputs, digest_of
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
from costops.planning.results import ResultInMaking
from costops.planning.stored import RenamedVersion, Stored
from costops.planning.walk import walk


def changed_plan(inputs: Inputs) -> Plan:
    """The plan where something may have moved; writes nothing."""
    stored = inputs.stored
    old = stored.rules if stored is not None else RuleSet()
    renaming = renaming_of(old, inputs.rules, stored.version.draft.dimensions if stored is not None else ())
    before = RenamedVersion(stored, renaming) if stored is not None else None
    stops = walk(old, inputs.rules, inputs.fit, renaming)
    rule_sets = [renaming.start, *(stop.rules for stop in stops)]
    evaluated, readings = plan_evaluations(rule_sets)
    last = len(evaluated) - 1
    settings = inputs.settings.canonical()
    settings_before = before.settings if before is not None else settings
    making = ResultInMaking(
        stored,
        before,
        dimensions=inputs.settings.report,
        cost_columns=inputs.cost_columns,
        changes=bool(stops) or settings != settings_before,
        with_ledger=inputs.with_ledger,
    )
    # Only the new rules must be able to run on this bill: an old one may need a metric or a basis that is gone.
    evaluation = inputs.evaluate(
        [
            Request(
                rules,
                want_ledger=making.needs_rows if place == last else False,
                want_notices=place == last,
                lenient=place != last,
                after=after,
            )
            for place, (rules, after) in enumerate(zip(evaluated, counts_read(readings, len(evaluated)), strict=True))
        ]
    )
    outcomes, facts = evaluation.outcomes, evaluation.facts
    dimensions, cost = inputs.settings.report, inputs.settings.cost
    carried = making.carried_months(facts)
    kept = _carried_money(before, dimensions, cost, carried) if before and carried else {}
    walked = walked_money(outcomes, readings)
    start, end = added(walked.start, kept), added(walked.end, kept)
    bill_money: tuple[MoneyLine, ...] = ()
    bill_totals: Mapping[tuple[str, str], int] = facts.totals
    if before is not None:
        known = [each for each in dimensions if each in before.dimensions]
        then = before.money(known, cost, before.months())
        bill_money = money_lines(then, start, known if then else (), at_least=SAME_PICOS)
        bill_totals = _summed(bill_totals, before.totals(carried))
    settings_money: tuple[MoneyLine, ...] = ()
    if stored is not None and settings != settings_before and _same_data(inputs, stored):
        # Nothing else changed before the rules, so the settings did it: another cost column, say, weighs otherwise.
        bill_money, settings_money = (), bill_money
    changes = (
        *settings_changes(settings_before, settings, settings_money, dimensions),
        *changes_of(stops, start, walked.moves, dimensions),
    )
    result = making.result(outcomes[last], facts)
    net = without_dust(money_lines(start, end, dimensions))
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
        totals=totals_by_cost(bill_totals, result.totals, cost_columns),
        moved=moved_money(net, dimensions),
        unallocated=coverage(start, end, dimensions),
        result=element_costs(end, dimensions),
        frozen=tuple(FrozenMonth(month, "missing") for month in carried),
        diagnostics=inputs.heard(
            (*inputs.diagnostics, *evaluation_notices(inputs.rules, evaluation, report=dimensions, cost=cost)), True
        ),
        ledger=result.ledger,
        engine=inputs.engine,
        result_digest=result.digest,
        plan_digest=digest_of(inputs, result.digest),
        writes=result.writes,
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


def _same_data(inputs: Inputs, stored: Stored) -> bool:
    draft = stored.version.draft
    return (draft.bill.digest, draft.metrics_digest) == (inputs.bill_digest, inputs.metrics_digest)


def _summed(first: Mapping[tuple[str, str], int], second: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in {**first, **second}}
