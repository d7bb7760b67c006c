"""Frozen and restated months, causes of what moves, and what moves before any rule does: on real small workspaces."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import Case, charge, usage, write, write_rules

from costops.errors import StaleError, UsageError
from costops.model.ledger import Ledger
from costops.model.plan import Change, MoneyLine, Plan
from costops.model.version import Version
from costops.periods import Period
from costops.planned import Restating
from costops.workspace import Workspace, load_plan, open_workspace, save_plan

APRIL, MAY, JUNE = "2025-04", "2025-05", "2025-06"
RULES = """
labels: [{id: team, from: [Tags.team]}]
dimensions: [{id: unit, stage: result, rules: [{from: team, transform: [upper]}]}]
metrics: [{id: load, source: warehouse, query: load, labels: {team: team}}]
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {a: 50, b: 50}}
  - id: database
    source: {where: {ServiceName: Database}}
    method: metric
    to: {dimension: team}
    basis: {metric: load, granularity: monthly}
  - id: tax
    source: {where: {ServiceName: Tax}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: [Support, Compute]}, granularity: monthly}
"""


def bill(scale: int = 1) -> list[dict[str, object]]:
    rows = []
    for month in (APRIL, MAY, JUNE):
        rows += [
            charge("Support", f"{100 * scale}", day=f"{month}-10", ProviderName="AWS"),
            charge("Database", "60", day=f"{month}-11", ProviderName="AWS"),
            charge("Tax", "30", day=f"{month}-12", ProviderName="GCP"),
            charge("Compute", "10", day=f"{month}-10", team="a", ProviderName="AWS"),
        ]
    return rows


def records(of_b: str = "1") -> list[dict[str, object]]:
    return [
        each
        for month in (APRIL, MAY, JUNE)
        for each in (usage("load", "1", day=f"{month}-02", team="a"), usage("load", of_b, day=f"{month}-02", team="b"))
    ]


CASE = Case(rules=RULES, bill=bill(), usage=records(), report=("team", "unit"))


def at(folder: Path, environment: Mapping[str, str] | None = None) -> Workspace:
    return open_workspace(folder, environment={"COSTOPS_THREADS": "1", "COSTOPS_ACTOR": "mara", **(environment or {})})


def applied(folder: Path, restate: Restating | None = None) -> Version:
    workspace = at(folder)
    return workspace.apply(workspace.plan(restate=restate))


def set_up(folder: Path, **settings: object) -> None:
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), **settings}))


def edit(folder: Path, *changes: tuple[str, str]) -> None:
    text = RULES
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    write_rules(folder, text)


MORE_FOR_A = ("{a: 50, b: 50}", "{a: 80, b: 20}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(CASE, tmp_path)
    assert applied(tmp_path).number == 1
    return tmp_path


def money(lines: Sequence[MoneyLine], dimension: str = "team") -> dict[str | None, int]:
    """Deltas in whole units."""
    found = {each.value: each.delta for each in lines if each.dimension == dimension}
    assert all(delta % 10**12 == 0 for delta in found.values()), found
    return {value: delta // 10**12 for value, delta in found.items()}


def of_month(ledger: Ledger, month: str) -> list[tuple[object, ...]]:
    columns = (ledger.months, ledger.days, ledger.currencies, *ledger.values, ledger.paths, *ledger.amounts)
    return [row for row in zip(*columns, strict=True) if row[0] == month]


# Causes


def by_cause(change: Change, dimension: str = "team") -> dict[tuple[str, str | None], dict[str | None, int]]:
    sums: dict[tuple[str, str | None], dict[str | None, int]] = {}
    for each in change.causes:
        own = {delta.value: delta.amount for delta in each.money if delta.dimension == dimension}
        sums[each.cause, each.rule] = own
    return sums


def assert_causes_add_up(plan: Plan) -> None:
    for change in plan.changes:
        sums: dict[tuple[str, str | None, str], int] = defaultdict(int)
        for cause in change.causes:
            for delta in cause.money:
                sums[delta.dimension, delta.value, delta.currency] += delta.amount
        lines = {(each.dimension, each.value, each.currency): each.delta for each in change.money}
        assert {key: amount for key, amount in sums.items() if amount} == lines, change.id


def test_what_an_edit_moves_is_direct_or_goes_through_rules_behind_it(folder: Path) -> None:
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan()
    (change,) = plan.changes
    found = by_cause(change)
    assert set(found) == {("rule", "support"), ("upstream", "tax")}
    assert found["rule", "support"] == {"a": 90 * 10**12, "b": -90 * 10**12}
    assert found["upstream", "tax"]["a"] == -found["upstream", "tax"]["b"] > 0
    assert set(by_cause(change, "unit")) == set(found)
    assert_causes_add_up(plan)


def test_an_order_and_its_rules_behind_are_told_apart(folder: Path) -> None:
    head, support, rest = RULES.partition("  - id: support")
    block, database, tail = rest.partition("  - id: database")
    write_rules(folder, head + database + tail + support + block)
    plan = at(folder).plan()
    (change,) = plan.changes
    assert change.action == "move"
    assert {cause for cause, _ in by_cause(change)} <= {"order", "upstream"}
    assert by_cause(change)
    assert_causes_add_up(plan)


def test_a_label_a_result_dimension_and_added_and_removed_rules_have_causes(folder: Path) -> None:
    edit(
        folder,
        ("from: [Tags.team]", "from: [Tags.team], rename: {b: [a]}"),
        ("[upper]", "[lower]"),
        ("  - id: database", "  - id: late\n    source: {where: {ServiceName: Database}}\n    method: percent\n"
         "    to: {dimension: team, percent: {c: 100}}\n  - id: database"),
    )  # fmt: skip
    plan = at(folder).plan()
    assert_causes_add_up(plan)
    kinds = {each.id: {cause for cause, _ in by_cause(each)} for each in plan.changes}
    assert kinds["team"] == {"rule", "upstream"}
    assert ("rule", None) in by_cause(next(each for each in plan.changes if each.id == "team"))
    assert by_cause(next(each for each in plan.changes if each.id == "unit"), "unit").keys() == {("rule", None)}
    assert ("rule", "late") in by_cause(next(each for each in plan.changes if each.id == "late"))


def test_the_state_keeps_every_cause(folder: Path) -> None:
    edit(folder, MORE_FOR_A)
    applied(folder)
    blame = at(folder).blame("team", "a")
    newest, first = blame.steps
    assert [(each.cause, each.rule) for each in newest.parts or ()] == [("rule", "support"), ("upstream", "tax")]
    assert sum(each.amount for each in first.parts or ()) == first.costs[0].after


# Before the rules


def assert_adds_up(plan: Plan, stored: Ledger) -> None:
    """Stored money, with everything that moves, is the result: per element of the dimensions that both have."""
    sums: dict[tuple[str, str | None, str], int] = defaultdict(int)
    place = stored.cost_columns.index(plan.cost)
    for dimension, values in zip(stored.dimensions, stored.values, strict=True):
        for value, currency, amount in zip(values, stored.currencies, stored.amounts[place], strict=True):
            sums[dimension, value, currency] += amount
    parts = [plan.bill_money, plan.restated_money, plan.metric_money, *(each.money for each in plan.changes)]
    for line in (each for part in parts for each in part):
        sums[line.dimension, line.value, line.currency] += line.delta
    result = {(each.dimension, each.value, each.currency): each.amount for each in plan.result}
    for key in {**sums, **result}:
        assert abs(sums.get(key, 0) - result.get(key, 0)) < 1000, key


def test_bill_usage_numbers_and_rules_move_apart(folder: Path) -> None:
    stored = at(folder).ledger()
    write(replace(CASE, bill=bill(scale=2), usage=records(of_b="3")), folder)
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan()
    # The bill alone: 300 more of support, and the tax that follows it. The database is the usage numbers' alone.
    assert sum(money_of(plan.bill_money, "team").values()) == 300 * 10**12
    assert money(plan.metric_money) == {"a": -45, "b": 45}
    assert money(plan.metric_money, "unit") == {"A": -45, "B": 45}
    assert [(each.provider, each.month, each.cost, each.after - each.before) for each in plan.bill_drift] == [
        ("AWS", month, cost, 100 * 10**12) for month in (APRIL, MAY, JUNE) for cost in ("BilledCost", "EffectiveCost")
    ]
    assert_adds_up(plan, stored)
    assert at(folder).apply(at(folder).plan()).draft.result_digest == plan.result_digest


def money_of(lines: Sequence[MoneyLine], dimension: str) -> dict[str | None, int]:
    return {each.value: each.delta for each in lines if each.dimension == dimension}


def test_usage_numbers_alone_are_no_drift_of_the_bill(folder: Path) -> None:
    stored = at(folder).ledger()
    write(replace(CASE, usage=records(of_b="3")), folder)
    plan = at(folder).plan()
    assert (plan.bill_money, plan.bill_drift, plan.changes) == ((), (), ())
    assert money(plan.metric_money) == {"a": -45, "b": 45}
    assert_adds_up(plan, stored)


# Months


def test_a_closed_month_is_carried_over_and_what_is_held_back_is_told(folder: Path) -> None:
    before = at(folder).ledger()
    at(folder).close_months(Period(APRIL, APRIL), "the books")
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan()
    assert [(each.month, each.reason) for each in plan.frozen] == [(APRIL, "closed")]
    direct = by_cause(plan.changes[0])["rule", "support"]
    assert direct == {"a": 60 * 10**12, "b": -60 * 10**12}
    held = money_of(plan.frozen[0].held_back, "team")
    assert held["a"] == -held["b"] > 30 * 10**12
    assert_adds_up(plan, before)
    version = at(folder).apply(at(folder).plan())
    assert (version.draft.cause, version.draft.carried, version.draft.restated) == ("apply", (APRIL,), ())
    after = at(folder).ledger()
    assert of_month(after, APRIL) == of_month(before, APRIL)
    assert of_month(after, MAY) != of_month(before, MAY)
    idle = at(folder).plan()
    assert not idle.writes
    assert idle.bill_money == idle.restated_money == ()


def test_a_closed_month_changes_where_it_is_restated_with_a_reason(folder: Path) -> None:
    at(folder).close_months(Period(APRIL, MAY), None)
    edit(folder, MORE_FOR_A)
    applied(folder)
    stored = at(folder).ledger()
    restate = Restating(Period(APRIL, APRIL), "agreed with finance")
    plan = at(folder).plan(restate=restate)
    assert [each.month for each in plan.restated] == [APRIL]
    assert [each.month for each in plan.frozen] == [MAY]
    assert plan.reason == "agreed with finance"
    assert plan.writes
    assert plan.changes == plan.bill_money == ()
    assert money_of(plan.restated_money, "team") == money_of(plan.restated[0].money, "team")
    assert all(each.before == each.after for each in plan.restated[0].totals)
    assert_adds_up(plan, stored)
    version = applied(folder, restate)
    assert (version.draft.cause, version.draft.reason) == ("restate", "agreed with finance")
    assert (version.draft.restated, version.draft.carried) == ((APRIL,), (MAY,))
    assert version.draft.plan_digest == plan.plan_digest
    assert not at(folder).plan().writes
    assert at(folder).check_state().problems == ()


def test_a_month_that_was_opened_again_is_planned_again(folder: Path) -> None:
    at(folder).close_months(Period(APRIL, APRIL), None)
    edit(folder, MORE_FOR_A)
    applied(folder)
    at(folder).reopen_months(Period(APRIL, APRIL), "a credit")
    stored = at(folder).ledger()
    plan = at(folder).plan()
    assert plan.writes
    assert plan.frozen == plan.restated == plan.changes == plan.bill_money == ()
    assert sum(each.delta for each in plan.restated_money) == 0
    assert plan.restated_money
    assert_adds_up(plan, stored)


def test_months_that_restate_months_leaves_out_stay(folder: Path) -> None:
    before = at(folder).ledger()
    set_up(folder, restate_months=1)
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan()
    assert [(each.month, each.reason) for each in plan.frozen] == [(APRIL, "older"), (MAY, "older")]
    at(folder).apply(at(folder).plan())
    after = at(folder).ledger()
    assert [of_month(after, month) == of_month(before, month) for month in (APRIL, MAY, JUNE)] == [True, True, False]
    assert not at(folder).plan().writes
    set_up(folder, restate_months=2)
    assert at(folder).plan().writes


@pytest.mark.parametrize(
    ("period", "told"),
    [
        (Period("2024-01", "2024-02"), "the state does not have it"),
        (Period(JUNE, JUNE), "it is open"),
    ],
)
def test_what_cannot_be_restated_is_said(folder: Path, period: Period, told: str) -> None:
    at(folder).close_months(Period(APRIL, APRIL), None)
    with pytest.raises(UsageError, match=told):
        at(folder).plan(restate=Restating(period, "why"))


def test_a_month_that_the_bill_lacks_cannot_be_restated(folder: Path) -> None:
    at(folder).close_months(Period(APRIL, APRIL), None)
    write(
        replace(CASE, bill=[each for each in bill() if not str(each["BillingPeriodStart"]).startswith(APRIL)]), folder
    )
    assert [(each.month, each.reason) for each in at(folder).plan().frozen] == [(APRIL, "missing")]
    with pytest.raises(UsageError, match="the bill does not have it"):
        at(folder).plan(restate=Restating(Period(APRIL, APRIL), "why"))


def test_a_saved_plan_is_stale_once_a_month_was_closed(folder: Path, tmp_path: Path) -> None:
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan(keep_cells=True)
    save_plan(tmp_path / "plan.json", plan)
    at(folder).close_months(Period(APRIL, APRIL), None)
    with pytest.raises(StaleError):
        at(folder).review(load_plan(tmp_path / "plan.json"))


def test_a_saved_restatement_is_applied_as_it_was_reviewed(folder: Path, tmp_path: Path) -> None:
    at(folder).close_months(Period(APRIL, APRIL), None)
    edit(folder, MORE_FOR_A)
    plan = at(folder).plan(keep_cells=True, restate=Restating(Period(APRIL, APRIL), "agreed"))
    save_plan(tmp_path / "plan.json", plan)
    workspace = at(folder)
    version = workspace.apply(workspace.review(load_plan(tmp_path / "plan.json")).plan)
    assert (version.draft.plan_digest, version.draft.reason) == (plan.plan_digest, "agreed")


# Refresh, rollback, comparison


def test_a_refresh_shows_and_writes_only_what_no_rule_did(folder: Path) -> None:
    write(replace(CASE, bill=bill(scale=2)), folder)
    edit(folder, MORE_FOR_A)
    plan = at(folder).refresh()
    assert plan.changes == ()
    assert sum(money_of(plan.bill_money, "team").values()) == 300 * 10**12
    with pytest.raises(StaleError) as caught:
        at(folder).check_refresh()
    assert any("support" in each for each in caught.value.reasons)
    write_rules(folder, RULES)
    at(folder).check_refresh()
    workspace = at(folder)
    assert workspace.apply(workspace.plan()).draft.cause == "refresh"


def test_a_rollback_brings_old_rules_to_todays_bill_in_open_months(folder: Path) -> None:
    first = at(folder).ledger()
    edit(folder, MORE_FOR_A)
    applied(folder)
    second = at(folder).ledger()
    at(folder).close_months(Period(APRIL, APRIL), None)
    workspace = at(folder)
    plan = workspace.rollback(1)
    assert [(each.action, each.id) for each in plan.changes] == [("change", "support")]
    version = workspace.apply(plan, cause="rollback", reason="to version 1")
    third = at(folder).ledger()
    assert (version.draft.cause, version.draft.reason) == ("rollback", "to version 1")
    assert of_month(third, APRIL) == of_month(second, APRIL)
    assert of_month(third, MAY) == of_month(first, MAY)
    assert version.draft.rules_digest == at(folder).version(1).draft.rules_digest
    assert at(folder).plan().changes


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=mara", "-c", "user.email=mara@example.org", "-c", "init.defaultBranch=main")
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout.strip()


def test_rules_are_compared_with_a_revision_on_the_same_bill(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    git(tmp_path, "init")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-m", "first")
    edit(tmp_path, MORE_FOR_A)
    plan = at(tmp_path).compare("HEAD")
    assert [(each.action, each.id) for each in plan.changes] == [("change", "support")]
    assert plan.compared_with is not None
    assert plan.compared_with.startswith("HEAD (")
    assert not plan.writes
    assert plan.bill_money == ()
    assert by_cause(plan.changes[0])["rule", "support"] == {"a": 90 * 10**12, "b": -90 * 10**12}
    assert list((tmp_path / "state").iterdir()) == []
    with pytest.raises(UsageError, match="git knows no revision"):
        at(tmp_path).compare("nowhere")
    with pytest.raises(UsageError, match="git knows no revision"):
        at(tmp_path).compare("--output=x")


# A newer bill


def test_a_newer_bill_is_accepted_within_the_tolerance(folder: Path, tmp_path: Path) -> None:
    edit(folder, MORE_FOR_A)
    save_plan(tmp_path / "plan.json", at(folder).plan())
    write(replace(CASE, bill=[*bill(), charge("Support", "1", day="2025-06-20")]), folder)
    edit(folder, MORE_FOR_A)
    saved = load_plan(tmp_path / "plan.json")
    with pytest.raises(StaleError):
        at(folder).review(saved)
    set_up(folder, on_bill_change={"accept": {"tolerance_percent": 0.1}})
    with pytest.raises(StaleError):
        at(folder).review(saved)
    set_up(folder, on_bill_change={"accept": {"tolerance_percent": 1}})
    reviewed = at(folder).review(saved)
    assert reviewed.accepted
    assert reviewed.bill_moved
    assert at(folder).apply(reviewed.plan).number == 2
