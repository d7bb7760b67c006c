"""Plans on a small real workspace: changes whose money adds up, the bill apart, and months that the bill lacks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from workbench import Case, charge, usage, write

from costops.model.ledger import Ledger
from costops.model.plan import MoneyLine, Plan
from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
"""
SUPPORT = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
"""
DATADOG = """
  - id: datadog
    source: {where: {ServiceName: Datadog, team: null}}
    method: percent
    to: {dimension: team, percent: {a: 60, b: 40}}
"""
BY_SUPPORT = """
  - id: by-support
    source: {where: {ServiceName: Network}}
    method: proportional
    to: {dimension: team}
    basis: {where: {allocated_by: support}}
"""
METRICS = "metrics: [{id: load, source: warehouse, query: load, labels: {team: team}}]\n"
BY_LOAD = """
  - id: by-load
    source: {where: {ServiceName: Network}}
    method: metric
    to: {dimension: team}
    basis: {metric: load}
"""
BILL = [
    charge("EC2", "100", team="a", env="production"),
    charge("EC2", "200", team="b", env="staging"),
    charge("EC2", "50", team="b", BillingCurrency="EUR"),
    charge("Support", "31"),
    charge("Support", "7", BillingCurrency="EUR"),
    charge("Datadog", "10.01"),
    charge("Network", "9"),
]


def rules(*allocations: str, before: str = LABELS) -> str:
    return before + ("allocations:" + "".join(allocations) if allocations else "")


CASE = Case(rules(SUPPORT, DATADOG, BY_SUPPORT), BILL, report=("team", "env"))


def planned(folder: Path, case: Case) -> Plan:
    """The plan of a case against whatever the folder's state holds."""
    for old in [*folder.glob("bill/*"), *folder.glob("usage/*")]:
        old.unlink()
    write(case, folder)
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara", "COSTOPS_THREADS": "1"}) as workspace:
        return workspace.plan()


def applied(folder: Path, case: Case) -> Ledger:
    """The ledger that applying a case stored."""
    plan = planned(folder, case)
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara"}) as workspace:
        workspace.apply(plan)
        return workspace.ledger()


def sums(lines: Iterable[MoneyLine]) -> dict[tuple[str, str], int]:
    totals: dict[tuple[str, str], int] = {}
    for line in lines:
        totals[line.dimension, line.currency] = totals.get((line.dimension, line.currency), 0) + line.delta
    return totals


def told(plan: Plan) -> list[str]:
    return [f"{each.action} {each.kind} {each.id}" for each in plan.changes]


# Money of the changes


def test_the_deltas_of_each_change_add_up_to_nothing_and_all_together_to_the_ledger(tmp_path: Path) -> None:
    before = applied(tmp_path, CASE)
    edited = DATADOG.replace("a: 60, b: 40", "a: 50, c: 50")
    plan = planned(tmp_path, replace(CASE, rules=rules(edited, SUPPORT.replace("team}", "env}"), BY_SUPPORT)))
    assert len(plan.changes) >= 2
    for change in plan.changes:
        assert set(sums(change.money).values()) <= {0}
    assert plan.ledger is not None
    deltas: dict[tuple[str, str | None, str], int] = {}
    for change in plan.changes:
        for line in change.money:
            key = (line.dimension, line.value, line.currency)
            deltas[key] = deltas.get(key, 0) + line.delta
    place = plan.ledger.cost_columns.index("EffectiveCost")
    for number, dimension in enumerate(plan.dimensions):
        after = elements(plan.ledger, number, place)
        stored = elements(before, number, place)
        for element in {*after, *stored}:
            moved = deltas.get((dimension, *element), 0)
            assert abs(after.get(element, 0) - stored.get(element, 0) - moved) < 1000


def elements(ledger: Ledger, dimension: int, cost: int) -> dict[tuple[str | None, str], int]:
    found: dict[tuple[str | None, str], int] = {}
    for value, currency, amount in zip(ledger.values[dimension], ledger.currencies, ledger.amounts[cost], strict=True):
        found[value, currency] = found.get((value, currency), 0) + amount
    return found


def test_a_change_answers_for_the_rules_after_it(tmp_path: Path) -> None:
    applied(tmp_path, CASE)
    plan = planned(
        tmp_path,
        replace(
            CASE,
            rules=rules(SUPPORT.replace("{where: {ServiceName: EC2}}", "{where: {env: staging}}"), DATADOG, BY_SUPPORT),
        ),
    )
    assert told(plan) == ["change allocation support"]
    # Support's 31 goes to b alone, and so does the network's 9, which follows it: 31 / 3 + 9 / 3.
    moved = {(each.dimension, each.currency): each.amount for each in plan.changes[0].moved}
    assert abs(moved["team", "USD"] - 40 * 10**12 // 3) < 1000


def test_a_text_only_edit_is_a_change_that_moves_nothing_and_is_written(tmp_path: Path) -> None:
    stored = applied(tmp_path, CASE)
    plan = planned(
        tmp_path, replace(CASE, rules=rules(SUPPORT, DATADOG + "    description: by contract\n", BY_SUPPORT))
    )
    assert told(plan) == ["change allocation datadog"]
    assert plan.changes[0].money == ()
    assert plan.writes
    assert plan.ledger == stored


def test_the_same_rules_in_another_file_or_spelling_are_no_change(tmp_path: Path) -> None:
    applied(tmp_path, CASE)
    spelled = rules(SUPPORT, DATADOG.replace("a: 60, b: 40", "a: 60.0, b: 40.00"), BY_SUPPORT) + "# a comment\n"
    plan = planned(tmp_path, replace(CASE, rules=spelled))
    assert (plan.changes, plan.writes, plan.ledger) == ((), False, None)


def test_changes_that_only_bind_together_are_joined(tmp_path: Path) -> None:
    applied(tmp_path, CASE)
    renamed = SUPPORT.replace("id: support", "id: help")
    plan = planned(tmp_path, replace(CASE, rules=rules(renamed, DATADOG, BY_SUPPORT.replace("support}", "help}"))))
    assert told(plan) == ["remove allocation support", "change allocation by-support", "add allocation help"]
    assert [each.joined_with for each in plan.changes] == ["help", "help", None]
    assert all(each.money == () for each in plan.changes[:2])


# The bill apart


def test_another_bill_is_told_apart_from_the_rules(tmp_path: Path) -> None:
    applied(tmp_path, CASE)
    more = replace(
        CASE,
        bill=[*BILL, charge("Datadog", "5")],
        rules=rules(SUPPORT, DATADOG.replace("60, b: 40", "50, b: 50"), BY_SUPPORT),
    )
    plan = planned(tmp_path, more)
    assert plan.bill_changes
    assert sums(plan.bill_money) == {("team", "USD"): 5 * 10**12, ("env", "USD"): 5 * 10**12}
    assert told(plan) == ["change allocation datadog"]
    assert [each.amount for each in plan.changes[0].moved] == [1_501_000_000_000]
    assert {(each.currency, each.cost): each.after - each.before for each in plan.bill_totals} == {
        ("USD", "BilledCost"): 5 * 10**12,
        ("USD", "EffectiveCost"): 5 * 10**12,
        ("EUR", "BilledCost"): 0,
        ("EUR", "EffectiveCost"): 0,
    }


def test_rows_in_another_order_and_in_other_files_change_nothing(tmp_path: Path) -> None:
    stored = applied(tmp_path, CASE)
    plan = planned(tmp_path, replace(CASE, bill=BILL[::-1]))
    assert plan.bill_changes
    assert (plan.bill_money, plan.changes, plan.writes) == ((), (), False)
    assert plan.result_digest == stored.digest


def test_a_month_that_the_bill_lacks_is_carried_over_byte_for_byte(tmp_path: Path) -> None:
    may = [charge(str(each["ServiceName"]), "3", day="2025-05-02") for each in BILL[:2]]
    stored = applied(tmp_path, replace(CASE, bill=[*BILL, *may]))
    plan = planned(tmp_path, replace(CASE, bill=may, rules=rules(SUPPORT, BY_SUPPORT)))
    assert plan.carried_months == ("2025-04",)
    assert plan.ledger is not None
    april = {day: digest for (month, day), digest in stored.block_digests.items() if month == "2025-04"}
    assert {day: each for (month, day), each in plan.ledger.block_digests.items() if month == "2025-04"} == april
    assert plan.bill_money == ()
    assert all(total.before == total.after for total in (*plan.totals, *plan.bill_totals))


def test_the_plan_digest_binds_the_result_and_not_the_place(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    first, second = planned(one, CASE), planned(two, CASE)
    assert first.plan_digest == second.plan_digest
    assert first.result_digest == second.result_digest
    other = planned(one, replace(CASE, rules=rules(SUPPORT, DATADOG)))
    assert other.plan_digest != first.plan_digest


# What must not stop a plan


def test_a_bill_that_loses_a_cost_column_can_be_planned(tmp_path: Path) -> None:
    applied(tmp_path, CASE)
    without = [{name: value for name, value in row.items() if name != "BilledCost"} for row in BILL]
    assert planned(tmp_path, replace(CASE, bill=without)).writes


FAILING = rules(SUPPORT + "    on_empty: error\n")


def test_a_rule_that_fails_on_the_new_bill_can_be_taken_away(tmp_path: Path) -> None:
    applied(tmp_path, replace(CASE, rules=FAILING))
    without_basis = [row for row in BILL if row["ServiceName"] != "EC2"]
    plan = planned(tmp_path, replace(CASE, bill=without_basis, rules=rules()))
    assert told(plan) == ["remove allocation support"]


def test_a_rule_set_on_the_way_that_would_fail_leaves_cost_where_it_was(tmp_path: Path) -> None:
    applied(tmp_path, replace(CASE, rules=FAILING))
    plan = planned(tmp_path, replace(CASE, rules=rules(DATADOG, before=LABELS.replace("Tags.team", "Tags.squad"))))
    assert told(plan) == ["change label team", "remove allocation support", "add allocation datadog"]
    assert all(sum(line.delta for line in change.money) == 0 for change in plan.changes)


USAGE = [usage("load", "3", team="a"), usage("load", "1", team="b")]


def test_a_metric_can_be_taken_away_with_its_rule_and_its_source(tmp_path: Path) -> None:
    applied(tmp_path, replace(CASE, rules=rules(BY_LOAD, before=LABELS + METRICS), usage=USAGE))
    plan = planned(tmp_path, replace(CASE, rules=rules()))
    assert told(plan)[-2:] == ["remove allocation by-load", "remove metric load"]


def test_a_query_can_be_renamed_with_its_records(tmp_path: Path) -> None:
    applied(tmp_path, replace(CASE, rules=rules(BY_LOAD, before=LABELS + METRICS), usage=USAGE))
    renamed = [{**each, "metric": "queries"} for each in USAGE]
    other = METRICS.replace("query: load", "query: queries")
    plan = planned(tmp_path, replace(CASE, rules=rules(BY_LOAD, before=LABELS + other), usage=renamed))
    assert told(plan) == ["change metric load"]


def test_a_carried_month_is_unallocated_in_a_new_dimension(tmp_path: Path) -> None:
    may = [charge("EC2", "3", day="2025-05-02", team="a", env="production")]
    applied(tmp_path, Case(rules(), [*BILL[:2], *may], report=("env",)))
    plan = planned(tmp_path, Case(rules(), may, report=("env", "team")))
    assert plan.carried_months == ("2025-04",)
    found = {each.dimension: (each.after, each.after_total) for each in plan.unallocated}
    assert found == {"env": (0, 303 * 10**12), "team": (300 * 10**12, 303 * 10**12)}


def test_a_result_dimension_may_refine_the_column_of_its_name(tmp_path: Path) -> None:
    region = "dimensions: [{id: RegionId, stage: result, rules: [{from: RegionId, transform: [upper]}]}]\n"
    bill = [charge("EC2", "1", RegionId="eu-west-1")]
    plan = planned(tmp_path, Case(region, bill, report=("RegionId",)))
    assert plan.ledger is not None
    assert plan.ledger.values == (("EU-WEST-1",),)
