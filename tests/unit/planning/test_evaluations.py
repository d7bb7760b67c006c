"""Rule sets that are read off another's steps: the money is what evaluating them alone gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from workbench import Case, charge, load, usage, write, write_rules

from costops.engine.embedded import Money, Outcome, Request, evaluate
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Label,
    Lookup,
    Method,
    Metric,
    RuleSet,
    Source,
    Transform,
)
from costops.planning.evaluations import Reading, plan_evaluations, walked_money
from costops.planning.walk import walk
from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: team, from: [Tags.team], transform: [trim, lower]}
  - {id: env, from: [Tags.env]}
"""
UNIT = "dimensions: [{id: unit, stage: result, rules: [{from: team, transform: [upper]}], default: none}]\n"
METRICS = "metrics: [{id: load, source: warehouse, query: load, labels: {team: team}}]\n"
SUPPORT = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: [EC2, RDS]}}
"""
SUPPORT_BY_ENV = """
  - id: support-by-env
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: env, values: [production, staging, test]}
"""
DATADOG = """
  - id: datadog
    source: {where: {ServiceName: Datadog}}
    method: percent
    to: {dimension: team, percent: {a: 33.3, b: 66.7}}
"""
DATABASE = """
  - id: database
    source: {where: {ServiceName: RDS, team: null}}
    method: metric
    to: {dimension: team}
    basis: {metric: load}
"""
CHAINED = """
  - id: chained
    source: {where: {allocated_by: support}, allocated: only}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: Datadog}}
"""
BILL = [
    charge("EC2", "100.03", team=" A", env="production"),
    charge("EC2", "50.1", team="b", env="staging", day="2025-04-11"),
    charge("EC2", "0.000000000007", team="c"),
    charge("EC2", "11", team="b", BillingCurrency="EUR"),
    charge("RDS", "77.77", env="production"),
    charge("RDS", "13.31", team="b"),
    charge("Support", "31", day="2025-04-01", until="2025-05-01"),
    charge("Support", "-7.77"),
    charge("Support", "5", BillingCurrency="EUR"),
    charge("Datadog", "10.01"),
]
USAGE = [usage("load", "3", team="a"), usage("load", "4", team="x")]
CASE = Case(LABELS, BILL, USAGE, report=("team", "env", "unit"))


class Bench:
    """A workspace whose rule sets are texts, and the engine on its bill."""

    def __init__(self, folder: Path) -> None:
        self._folder = write(CASE, folder)

    def rules(self, *allocations: str, before: str = LABELS + UNIT + METRICS) -> RuleSet:
        write_rules(self._folder, before + ("allocations:" + "".join(allocations) if allocations else ""))
        return load(self._folder)

    def outcomes(self, requests: list[Request]) -> tuple[Outcome, ...]:
        with open_workspace(self._folder, environment={}) as workspace:
            done = evaluate(workspace.bill, workspace.metrics, requests, report=CASE.report, cost=CASE.cost, threads=1)
        return done.outcomes

    def check(self, rule_sets: list[RuleSet]) -> int:
        """Every reading is what its rule set alone gives, within 1e-9; gives the number of evaluations."""
        chosen, readings = plan_evaluations(rule_sets)
        assert chosen[-1] is rule_sets[-1]
        outcomes = self.outcomes([Request(each, by_step=True) for each in chosen])
        alone = [money_of(rules, each) for rules, each in zip(rule_sets, self.each_alone(rule_sets), strict=True)]
        for reading, own in zip(readings, alone, strict=True):
            read = outcomes[reading.evaluation].money_after(reading.after)
            assert sums(read) == sums(own)
            for key in {*read, *own}:
                assert abs(read.get(key, 0) - own.get(key, 0)) < 1000, key
        walked = walked_money(outcomes, readings)
        assert walked.start == outcomes[readings[0].evaluation].money_after(readings[0].after)
        assert walked.end == outcomes[-1].money_after(readings[-1].after)
        assert len(walked.moves) == len(rule_sets) - 1
        assert added(walked.start, *walked.moves) == walked.end
        return len(chosen)

    def each_alone(self, rule_sets: list[RuleSet]) -> tuple[Outcome, ...]:
        return self.outcomes([Request(each) for each in rule_sets])


def money_of(rules: RuleSet, outcome: Outcome) -> Money:
    return outcome.money_after(sum(each.enabled for each in rules.allocations))


def added(*parts: Money) -> Money:
    sums: Money = {}
    for part in parts:
        for key, amount in part.items():
            sums[key] = sums.get(key, 0) + amount
    return {key: amount for key, amount in sums.items() if amount}


def sums(money: Money) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for (dimension, _, currency), amount in money.items():
        totals[dimension, currency] = totals.get((dimension, currency), 0) + amount
    return totals


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


ALL = (SUPPORT, SUPPORT_BY_ENV, DATADOG, DATABASE, CHAINED)


def test_a_first_plan_is_read_off_one_evaluation_and_the_bill_without_a_label(bench: Bench) -> None:
    new = bench.rules(*ALL)
    stops = walk(RuleSet(), new)
    rule_sets = [RuleSet(), *(stop.rules for stop in stops)]
    assert len(rule_sets) == 10
    # Nothing, one label, and both with the dimension: what follows are allocations alone.
    assert bench.check(rule_sets) == 4


@pytest.mark.parametrize(
    ("old", "new", "evaluations"),
    [
        (ALL, ALL, 1),
        (ALL[:2], ALL, 1),
        (ALL, ALL[:4], 2),
        ((SUPPORT, DATADOG), (SUPPORT, DATADOG.replace("33.3", "30").replace("66.7", "70")), 2),
        ((SUPPORT, SUPPORT_BY_ENV, DATADOG), (DATADOG, SUPPORT, SUPPORT_BY_ENV), 2),
        ((SUPPORT, CHAINED), (SUPPORT_BY_ENV, SUPPORT, CHAINED), 2),
        ((SUPPORT, DATADOG, DATABASE), (DATADOG, DATABASE), 2),
        ((SUPPORT.replace("support\n", "support\n    enabled: false\n"), DATADOG), (SUPPORT, DATADOG), 2),
    ],
    ids=["same", "append", "take the last", "edit", "move", "insert", "take the first", "enable"],
)
def test_every_stop_of_a_walk_is_read_right(
    bench: Bench, old: tuple[str, ...], new: tuple[str, ...], evaluations: int
) -> None:
    first, last = bench.rules(*old), bench.rules(*new)
    stops = walk(first, last)
    assert bench.check([first, *(stop.rules for stop in stops)]) == evaluations


def test_a_walk_over_labels_and_result_dimensions_is_read_right(bench: Bench) -> None:
    old = bench.rules(SUPPORT, DATADOG)
    new = bench.rules(
        SUPPORT, DATADOG, before=LABELS.replace("Tags.env", "Tags.environment") + UNIT.replace("none", "x")
    )
    stops = walk(old, new)
    assert bench.check([old, *(stop.rules for stop in stops)]) == 3


# Which are read off which


def names(rules: RuleSet) -> str:
    return " ".join(each.id for each in rules.allocations)


def test_the_last_is_evaluated_itself_even_where_another_begins_with_it(bench: Bench) -> None:
    longer, shorter = bench.rules(SUPPORT, DATADOG), bench.rules(SUPPORT)
    chosen, readings = plan_evaluations([longer, shorter])
    assert [names(each) for each in chosen] == ["support datadog", "support"]
    assert readings == (Reading(0, 2), Reading(1, 1))


def test_one_rule_set_is_one_evaluation(bench: Bench) -> None:
    only = bench.rules(SUPPORT)
    assert plan_evaluations([only]) == ((only,), (Reading(0, 1),))
    assert plan_evaluations([only, only, only]) == ((only,), (Reading(0, 1),) * 3)


def test_a_disabled_rule_is_no_step(bench: Bench) -> None:
    rules = bench.rules(SUPPORT, DATADOG)
    off = replace(rules, allocations=(rules.allocations[0], replace(rules.allocations[1], enabled=False)))
    chosen, readings = plan_evaluations([off, rules])
    assert len(chosen) == 1
    assert readings == (Reading(0, 1), Reading(0, 2))


TEAM = Label(id="team", sources=(Source("Tags.team"),))


@pytest.mark.parametrize(
    "other",
    [
        RuleSet(labels=(replace(TEAM, sources=(Source("Tags.owner"),)),)),
        RuleSet(labels=(TEAM,), dimensions=(Dimension(id="d", rules=(DimensionRule(value="x"),)),)),
        RuleSet(),
    ],
    ids=["another label", "one dimension more", "one label less"],
)
def test_another_definition_needs_an_evaluation_of_its_own(other: RuleSet) -> None:
    chosen, _ = plan_evaluations([other, RuleSet(labels=(TEAM,))])
    assert len(chosen) == 2


def test_a_disabled_definition_or_a_metric_that_nobody_uses_needs_none() -> None:
    off = Label(id="off", sources=(Source("Tags.off"),), enabled=False)
    unused = Metric(id="m", source="w", query="q")
    chosen, readings = plan_evaluations([RuleSet(labels=(TEAM, off), metrics=(unused,)), RuleSet(labels=(TEAM,))])
    assert len(chosen) == 1
    assert readings == (Reading(0, 0), Reading(0, 0))


def test_another_query_of_a_metric_in_use_needs_an_evaluation_of_its_own(bench: Bench) -> None:
    rules = bench.rules(DATABASE, SUPPORT)
    other = replace(rules, metrics=(replace(rules.metrics[0], query="other"),))
    assert len(plan_evaluations([other, rules])[0]) == 2
    before = replace(other, allocations=other.allocations[1:])
    assert len(plan_evaluations([before, replace(rules, allocations=rules.allocations[1:])])[0]) == 1


def test_another_table_in_use_needs_an_evaluation_of_its_own_and_an_unused_one_does_not() -> None:
    looking_up = replace(TEAM, transform=(Transform("lookup", ("t.csv",)),))
    one, other = (Lookup(id="t.csv", rows=(("k", value),)) for value in "xy")
    rules = RuleSet(labels=(looking_up,), lookups=(one,))
    assert len(plan_evaluations([replace(rules, lookups=(other,)), rules])[0]) == 2
    assert len(plan_evaluations([replace(rules, lookups=(Lookup(id="u.csv", rows=()), one)), rules])[0]) == 1
    off = RuleSet(labels=(TEAM, replace(looking_up, id="off", enabled=False)), lookups=(one,))
    assert len(plan_evaluations([replace(off, lookups=(other,)), off])[0]) == 1


def allocation(id: str, *, enabled: bool = True) -> Allocation:
    return Allocation(id=id, method=Method.EVEN, to=("team",), into=("team",), enabled=enabled)


def of(text: str) -> RuleSet:
    """Allocations of one letter each; those in upper case are disabled."""
    return RuleSet(allocations=tuple(allocation(each.lower(), enabled=each.islower()) for each in text))


def test_those_that_are_evaluated_keep_their_order_with_the_last_one_last() -> None:
    chosen, readings = plan_evaluations([of(each) for each in ("abc", "bc", "bca", "bcd", "bc", "abcd")])
    assert [names(each) for each in chosen] == ["b c a", "b c d", "a b c d"]
    assert [(each.evaluation, each.after) for each in readings] == [(2, 3), (0, 2), (0, 3), (1, 3), (0, 2), (2, 4)]


texts = st.lists(st.text("abcABC", max_size=5).filter(lambda each: len(set(each.lower())) == len(each)), min_size=1)


@settings(max_examples=300, derandomize=True, database=None, deadline=None)
@given(texts)
def test_every_rule_set_is_read_where_the_same_allocations_begin(found: list[str]) -> None:
    rule_sets = [of(each) for each in found]
    chosen, readings = plan_evaluations(rule_sets)
    assert chosen[-1] is rule_sets[-1]
    enabled = [[each for each in text if each.islower()] for text in found]
    for mine, reading in zip(enabled, readings, strict=True):
        whole = [each.id for each in chosen[reading.evaluation].allocations if each.enabled]
        assert whole[: reading.after] == mine
    # None of those that are evaluated could be read off another, unless it is the last.
    wholes = [[each.id for each in rules.allocations if each.enabled] for rules in chosen]
    for place, mine in enumerate(wholes[:-1]):
        assert all(other[: len(mine)] != mine for at, other in enumerate(wholes) if at != place)
