"""Makes a plan: the rules' changes, the money each moves, the bill's difference apart, and the ledger to write.

Invariant: what is applied is what the plan holds. Per element the money of the bill, of months that are written anew,
of the usage numbers, of the settings and of all changes adds up to what the result has more than the stored version.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from costops.engine.embedded import Evaluation, Months, Outcome, Request
from costops.engine.load import BillFacts
from costops.engine.metrics import THEN
from costops.language.canonical import revisions
from costops.model.metric_series import MetricSeries
from costops.model.plan import Change, FrozenMonth, MoneyLine, Plan, RestatedMonth, Total
from costops.model.rules import RuleSet
from costops.model.sums import totals_of_months
from costops.model.version import BillSummary
from costops.money import SAME_PICOS
from costops.planning.causes import Effects, causes_of
from costops.planning.changes import changes_of, settings_changes
from costops.planning.drift import bill_drift
from costops.planning.evaluations import Reading, plan_evaluations, walked_money
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
from costops.planning.months import MISSING
from costops.planning.notices import evaluation_notices
from costops.planning.references import renaming_of
from costops.planning.results import ResultInMaking
from costops.planning.stored import RenamedVersion
from costops.planning.walk import Stop, walk


def changed_plan(inputs: Inputs) -> Plan:
    """The plan where something may have moved; writes nothing."""
    return _Making(inputs).plan()


@dataclass(frozen=True, slots=True)
class _Walked:
    """The walk, evaluated."""

    stops: Sequence[Stop]
    readings: Sequence[Reading]
    evaluated: Sequence[RuleSet]
    evaluation: Evaluation
    origin: Reading
    """The old rules with the old usage numbers; the first of `readings` where those are the new ones."""

    @property
    def end(self) -> Outcome:
        return self.evaluation.outcomes[-1]


@dataclass(frozen=True, slots=True)
class _Apart:
    """Money that moved before any rule did, by what moved it."""

    bill: tuple[MoneyLine, ...] = ()
    restated: tuple[MoneyLine, ...] = ()
    metrics: tuple[MoneyLine, ...] = ()
    settings: tuple[MoneyLine, ...] = ()


@dataclass(frozen=True, slots=True)
class _Then:
    """The old rules as they weighed when the stored version was written."""

    rules: RuleSet
    series: Mapping[str, MetricSeries]


class _Making:
    """A plan in the making: what is compared with what, and on which months."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs = inputs
        self._stored = stored = inputs.stored
        self._dimensions, self._cost = inputs.settings.report, inputs.settings.cost
        compared = inputs.compared
        self._old = compared.rules if compared else stored.rules if stored is not None else RuleSet()
        old_report = compared.report if compared else stored.version.draft.dimensions if stored is not None else ()
        self._renaming = renaming_of(self._old, inputs.rules, old_report)
        self._before = RenamedVersion(stored, self._renaming) if stored is not None else None
        self._settings = inputs.settings.canonical()
        self._settings_before = self._settings
        if compared is not None:
            self._settings_before = self._renaming.settings(compared.settings)
        elif self._before is not None:
            self._settings_before = self._before.settings

    # Months.

    def _months_of_state(self) -> tuple[str, ...]:
        return self._before.months() if self._before is not None else ()

    def _frozen(self, bill: BillFacts) -> dict[str, str]:
        return self._inputs.months.frozen(bill.months, self._months_of_state())

    def _restated(self, bill: BillFacts) -> tuple[str, ...]:
        return self._inputs.months.restated(bill.months, self._months_of_state())

    def _anew(self, bill: BillFacts) -> tuple[str, ...]:
        """Months that this plan writes anew and the stored version did not."""
        if self._stored is None:
            return ()
        frozen = self._frozen(bill)
        reopened = [each for each in self._stored.version.draft.carried if each not in frozen and each in bill.months]
        return tuple(sorted({*self._restated(bill), *reopened}))

    def _of_engine(self, bill: BillFacts) -> Months:
        frozen = tuple(month for month, why in self._frozen(bill).items() if why != MISSING)
        return Months(frozen, tuple(sorted({*frozen, *self._anew(bill)})))

    # Evaluation.

    def _walked(self, making: ResultInMaking, stops: Sequence[Stop]) -> _Walked:
        inputs = self._inputs
        then = self._metrics_then()
        rule_sets = [self._renaming.start, *(stop.rules for stop in stops)]
        if then is not None:
            rule_sets.insert(0, then.rules)
        evaluated, readings = plan_evaluations(rule_sets)
        last = len(evaluated) - 1
        counts: list[set[int]] = [set() for _ in evaluated]
        counts[readings[0].evaluation].add(readings[0].after)
        counts[last].add(readings[-1].after)
        # Only the new rules must be able to run on this bill: an old one may need a metric or a basis that is gone.
        requests = [
            Request(
                rules,
                want_ledger=making.needs_rows if place == last else False,
                want_notices=place == last,
                lenient=place != last,
                by_step=True,
                months_after=tuple(sorted(counts[place])),
            )
            for place, rules in enumerate(evaluated)
        ]
        series = then.series if then is not None else None
        evaluation = inputs.evaluate(requests, self._of_engine, series, want_series=inputs.with_ledger)
        return _Walked(stops, readings[1:] if then else readings, evaluated, evaluation, readings[0])

    def _metrics_then(self) -> _Then | None:
        """The old rules with the usage numbers of the stored version, where both they and the bill have changed."""
        stored, inputs = self._stored, self._inputs
        if stored is None:
            return None
        draft = stored.version.draft
        if draft.metrics_digest == inputs.metrics_digest or draft.bill.digest == inputs.bill_digest:
            return None
        start = self._renaming.start
        used = {name for each in start.allocations if each.enabled for name, _ in each.basis_metrics}
        known = stored.metrics()
        if known is None or not used:
            return None
        series = {}
        for metric in stored.rules.metrics:
            name = self._renaming.id_of("metric", metric.id)
            if name in used and metric.id in known:
                series[name] = known[metric.id]
        if used - series.keys():
            return None
        metrics = tuple(replace(each, source=THEN) if each.id in used else each for each in start.metrics)
        return _Then(replace(start, metrics=metrics), series)

    def _changes(self, walked: _Walked, start: Money, moves: Sequence[Money]) -> tuple[Change, ...]:
        effects = [self._effects(walked, reading) for reading in walked.readings]
        results = frozenset(
            each.id
            for rules in (self._renaming.rules, self._inputs.rules)
            for each in rules.dimensions
            if each.result_stage
        )
        causes = [
            causes_of(stop.edits, effects[place], effects[place + 1], self._dimensions, results)
            for place, stop in enumerate(walked.stops)
        ]
        return changes_of(walked.stops, start, moves, causes, self._dimensions)

    def _effects(self, walked: _Walked, reading: Reading) -> Effects:
        allocations = walked.evaluated[reading.evaluation].allocations
        names = [each.id for each in allocations if each.enabled]
        return Effects(walked.evaluation.outcomes[reading.evaluation].money, names, reading.after)

    # The plan.

    def plan(self) -> Plan:
        inputs, stored, before = self._inputs, self._stored, self._before
        dimensions, cost = self._dimensions, self._cost
        stops = walk(self._old, inputs.rules, inputs.fit, self._renaming)
        making = ResultInMaking(
            stored,
            before,
            dimensions=dimensions,
            cost_columns=inputs.cost_columns,
            changes=bool(stops) or self._settings != self._settings_before,
            with_ledger=inputs.with_ledger and inputs.compared is None,
            frozen=self._frozen,
        )
        walked = self._walked(making, stops)
        evaluation = walked.evaluation
        facts = evaluation.facts
        frozen, anew = self._frozen(facts), self._anew(facts)
        money = walked_money(evaluation.outcomes, walked.readings)
        start, end = self._money_at(walked, walked.readings[0]), self._money_at(walked, walked.readings[-1])
        apart = self._before_the_rules(walked, start, anew)
        result = making.result(walked.end, facts)
        bill_totals = self._bill_totals(facts, frozen)
        net = without_dust(money_lines(start, end, dimensions))
        restated = self._restatements(walked, self._restated(facts))
        notices = evaluation_notices(inputs.rules, evaluation, report=dimensions, cost=cost)
        return Plan(
            base=inputs.base,
            base_label=inputs.base_label,
            target_label=inputs.target_label,
            rules=revisions(inputs.rules),
            rules_digest=inputs.rules_digest,
            settings=self._settings,
            metrics_digest=inputs.metrics_digest,
            metric_files=inputs.metric_files,
            bill=BillSummary(
                digest=inputs.bill_digest, rows=facts.rows, first_month=facts.first_month, last_month=facts.last_month
            ),
            bill_files=inputs.bill_files,
            cost=cost,
            dimensions=dimensions,
            changes=(
                *settings_changes(self._settings_before, self._settings, apart.settings, dimensions),
                *self._changes(walked, start, money.moves),
            ),
            bill_changes=stored is not None and stored.version.draft.bill.digest != inputs.bill_digest,
            metric_changes=stored is not None and stored.version.draft.metrics_digest != inputs.metrics_digest,
            bill_money=apart.bill,
            bill_totals=self._totals_before(bill_totals),
            bill_drift=bill_drift(stored, facts, frozen) if stored is not None else (),
            metric_money=apart.metrics,
            restated_money=apart.restated,
            totals=totals_by_cost(bill_totals, result.totals, inputs.cost_columns),
            moved=moved_money(net, dimensions),
            unallocated=coverage(start, end, dimensions),
            result=element_costs(end, dimensions),
            frozen=self._frozen_months(walked, frozen),
            restated=restated,
            reason=inputs.months.reason if restated else None,
            compared_with=inputs.compared.revision if inputs.compared is not None else None,
            diagnostics=inputs.heard((*inputs.diagnostics, *notices), True),
            ledger=result.ledger,
            engine=inputs.engine,
            result_digest=result.digest,
            plan_digest=digest_of(inputs, result.digest, tuple(each.month for each in restated)),
            writes=result.writes and inputs.compared is None,
            providers=facts.providers,
            metric_series=evaluation.series,
        )

    def _bill_totals(self, facts: BillFacts, frozen: Mapping[str, str]) -> Mapping[tuple[str, str], int]:
        """All cost before any rule: the bill's, and that of frozen months."""
        open_months = [month for month in facts.months if month not in frozen]
        totals = totals_of_months(facts.month_totals, open_months)
        # A currency that only frozen months have is still named, by its 0.
        totals = {**dict.fromkeys(facts.totals, 0), **totals}
        return _summed(totals, self._before.totals(tuple(frozen))) if self._before is not None else totals

    def _totals_before(self, bill_totals: Mapping[tuple[str, str], int]) -> tuple[Total, ...]:
        if self._stored is None:
            return ()
        stored = self._stored
        return totals_by_cost(stored.totals(stored.months()), bill_totals, self._inputs.cost_columns)

    def _before_the_rules(self, walked: _Walked, start: Money, anew: Sequence[str]) -> _Apart:
        """What moved between the stored version and the start of the walk, by what moved it."""
        before, stored, inputs = self._before, self._stored, self._inputs
        if before is None or stored is None:
            return _Apart()
        known = [each for each in self._dimensions if each in before.dimensions]
        then = before.money(known, self._cost, before.months())
        if not then:
            return _Apart()
        weighed = self._money_at(walked, walked.origin)
        on_the_way = added(weighed, before.money(known, self._cost, anew) if anew else {})
        evaluated = walked.evaluation.outcomes[walked.origin.evaluation].month_money[walked.origin.after]
        for month in anew:
            on_the_way = added(on_the_way, {element: -picos for element, picos in evaluated[month].items()})
        moved = money_lines(then, on_the_way, known, at_least=SAME_PICOS)
        restated = money_lines(on_the_way, weighed, known, at_least=SAME_PICOS)
        metrics = money_lines(weighed, start, known, at_least=SAME_PICOS)
        if stored.version.draft.bill.digest != inputs.bill_digest:
            return _Apart(bill=moved, restated=restated, metrics=metrics)
        if stored.version.draft.metrics_digest != inputs.metrics_digest:
            return _Apart(metrics=moved, restated=restated)
        if self._settings != self._settings_before:
            # Nothing else changed before the rules, so the settings did it: another cost column, say, weighs otherwise.
            return _Apart(settings=moved, restated=restated)
        return _Apart(bill=moved, restated=restated)

    def _money_at(self, walked: _Walked, reading: Reading) -> Money:
        """Cost by element there, with that of frozen months."""
        frozen = tuple(self._frozen(walked.evaluation.facts))
        kept = _carried_money(self._before, self._dimensions, self._cost, frozen) if self._before and frozen else {}
        return added(walked.evaluation.outcomes[reading.evaluation].money_after(reading.after), kept)

    def _frozen_months(self, walked: _Walked, frozen: Mapping[str, str]) -> tuple[FrozenMonth, ...]:
        now = self._final_by_month(walked)
        return tuple(FrozenMonth(month, why, self._differences(month, now)) for month, why in frozen.items())

    def _restatements(self, walked: _Walked, months: Sequence[str]) -> tuple[RestatedMonth, ...]:
        now, facts = self._final_by_month(walked), walked.end.ledger_facts
        assert facts is not None
        return tuple(
            RestatedMonth(
                month,
                totals_by_cost(
                    self._before.totals([month]) if self._before is not None else {},
                    totals_of_months(facts.totals, [month]),
                    self._inputs.cost_columns,
                ),
                self._differences(month, now),
            )
            for month in months
        )

    def _final_by_month(self, walked: _Walked) -> Mapping[str, Money]:
        return walked.end.month_money[walked.readings[-1].after]

    def _differences(self, month: str, now: Mapping[str, Money]) -> tuple[MoneyLine, ...]:
        """From a month's stored money to what is evaluated of it, where it is and differs by more than dust."""
        if self._before is None or month not in now:
            return ()
        known = [each for each in self._dimensions if each in self._before.dimensions]
        return money_lines(self._before.money(known, self._cost, [month]), now[month], known, at_least=SAME_PICOS)


def _carried_money(before: RenamedVersion, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
    """Cost of carried months by element; in dimensions that the stored version lacks it is all unallocated."""
    money = dict(before.money(dimensions, cost, months))
    for dimension in dimensions:
        if dimension not in before.dimensions:
            for (currency, column), amount in before.totals(months).items():
                if column == cost:
                    money[dimension, None, currency] = amount
    return money


def _summed(first: Mapping[tuple[str, str], int], second: Mapping[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in {**first, **second}}
