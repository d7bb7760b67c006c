"""Warnings that know the money: their amounts, when they are looked for, and that they change nothing else."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import workbench
from workbench import Case, charge, usage

from costops.engine.embedded import Outcome, Request, evaluate
from costops.engine.noticing import Notice
from costops.workspace import open_workspace

LABELS = """\
labels:
  - {id: env, from: [Tags.env]}
  - {id: team, from: [Tags.team]}
"""

RULES = (
    LABELS
    + """\
allocations:
  - id: production
    source: {where: {ServiceName: Support, env: prod}}
    method: even
    to: {dimension: team, values: [checkout, search]}
    effective: {until: "2025-04-10"}
  - id: europe
    source: {where: {ServiceName: Support, RegionId: eu}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: Compute}}
  - id: passed-on
    source: {allocated: include, where: {ServiceName: Support, team: checkout}}
    method: even
    to: {dimension: team, values: [payments, mobile]}
  - id: all
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {checkout: 30}, remainder: unallocated}
    effective: {from: "2025-04-10", until: "2025-04-11"}
  - id: again
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: team, values: [checkout, search]}
"""
)


def bill() -> list[workbench.Charge]:
    rows: list[workbench.Charge] = []
    amounts = ["10.000000000001", "-3.7", "0.333333333333", "8", "-0.25", "41.5"]
    for place, amount in enumerate(amounts * 4):
        tags = {"env": "prod"} if place % 3 else {}
        region, currency = ("eu" if place % 2 else "us"), ("EUR" if place % 5 == 0 else "USD")
        day = f"2025-04-{9 + place % 4:02}"
        rows.append(charge("Support", amount, day=day, RegionId=region, BillingCurrency=currency, **tags))
    for day in ("2025-04-09", "2025-04-10", "2025-04-12"):
        rows.append(charge("Compute", "7", day=day, BillingCurrency="USD", team="checkout"))
        rows.append(charge("Compute", "5", day=day, BillingCurrency="EUR", team="search"))
    return rows


def outcome_of(folder: Path, *, want_notices: bool = True, want_ledger: bool = False) -> Outcome:
    with open_workspace(folder, environment={}) as workspace:
        evaluation = evaluate(
            workspace.bill,
            workspace.metrics,
            [Request(workspace.rules, want_notices=want_notices, want_ledger=want_ledger)],
            report=workspace.settings.report,
            cost=workspace.settings.cost,
            threads=1,
        )
    return evaluation.outcomes[0]


def of_code(outcome: Outcome, code: str) -> list[Notice]:
    return [each for each in outcome.notices if each.code == code]


def matched(rows: list[workbench.Charge], first: str, last: str) -> dict[str, int]:
    """What all support of some days costs, by currency, in picos."""
    sums: dict[str, int] = {}
    for row in rows:
        day = str(row["ChargePeriodStart"])[:10]
        if row["ServiceName"] == "Support" and first <= day <= last:
            currency = str(row["BillingCurrency"])
            sums[currency] = sums.get(currency, 0) + int(Fraction(str(row["EffectiveCost"])) * 10**12)
    return sums


@pytest.mark.parametrize(
    ("rule", "first", "last"), [("all", "2025-04-10", "2025-04-11"), ("again", "2025-04-01", "2025-04-30")]
)
def test_what_a_rule_takes_and_what_earlier_rules_have_allocated_add_up_to_what_matches(
    rule: str, first: str, last: str, tmp_path: Path
) -> None:
    rows = bill()
    workbench.write(Case(rules=RULES, bill=rows), tmp_path)
    outcome = outcome_of(tmp_path)
    shadows = [each for each in of_code(outcome, "CO806") if each.rule == rule]
    assert {each.other for each in shadows} >= {"production", "europe"}
    found = dict(outcome.taken.get(rule, {}))
    for each in shadows:
        found[each.currency] = found.get(each.currency, 0) + each.amount
    assert found == matched(rows, first, last)
    assert {(each.currency, each.whole) for each in shadows} <= set(found.items())


def test_cost_that_passed_on_is_shadowed_by_the_rule_that_took_it_first(tmp_path: Path) -> None:
    workbench.write(Case(rules=RULES, bill=bill()), tmp_path)
    assert "passed-on" not in {each.other for each in of_code(outcome_of(tmp_path), "CO806")}


def test_a_rule_that_takes_all_it_matches_is_not_shadowed(tmp_path: Path) -> None:
    rules = RULES.replace("id: production", "id: production\n    enabled: false")
    workbench.write(Case(rules=rules, bill=bill()), tmp_path)
    assert "europe" not in {each.rule for each in of_code(outcome_of(tmp_path), "CO806")}


def test_notices_come_only_where_they_are_wanted_and_change_no_amount(tmp_path: Path) -> None:
    workbench.write(Case(rules=RULES, bill=bill()), tmp_path)
    plain = outcome_of(tmp_path, want_notices=False)
    noticed = outcome_of(tmp_path, want_notices=True)
    with_ledger = outcome_of(tmp_path, want_notices=False, want_ledger=True)
    with_both = outcome_of(tmp_path, want_notices=True, want_ledger=True)
    for each in (plain, with_ledger):
        assert (each.notices, each.written, dict(each.taken)) == ((), (), {})
    assert noticed.notices == with_both.notices != ()
    assert plain.money == noticed.money == with_ledger.money == with_both.money
    assert with_ledger.ledger is not None
    assert with_ledger.ledger == with_both.ledger


def test_looking_for_keys_in_another_case_changes_no_amount(tmp_path: Path) -> None:
    rows = [
        *(charge("Compute", "1.000000000001", team=f"t{place % 7}") for place in range(20)),
        {**charge("Compute", "9.1"), "Tags": {"Team": "t1"}},
        {**charge("Compute", "2"), "Tags": {"Team": "t2", "team": "t3"}},
        charge("Support", "100.000000000007"),
    ]
    rules = LABELS + (
        "allocations:\n"
        "  - {id: support, source: {where: {ServiceName: Support}}, method: proportional, to: {dimension: team}, "
        "basis: {where: {ServiceName: Compute}}}\n"
    )
    workbench.write(Case(rules=rules, bill=rows), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        kept, plain = workspace.plan(keep_cells=True), workspace.plan()
        again = workspace.plan(keep_cells=True)
    assert plain.ledger is not None
    assert kept.result_digest == plain.result_digest == again.result_digest
    workbench.assert_same(plain.ledger, workbench.expected(Case(rules=rules, bill=rows), workbench.load(tmp_path)))
    told = [each.message for each in plain.diagnostics if each.code == "CO811"]
    assert told == [
        "label team reads Tags.team, and charges without it have Tags.Team with USD 9.1 (EffectiveCost)",
    ]
    assert kept.diagnostics == plain.diagnostics == again.diagnostics


def test_a_plan_that_has_nothing_to_do_calls_no_comment_unused(tmp_path: Path) -> None:
    rules = LABELS + (
        "allocations:\n"
        "  # costops: ignore=CO805 it starts in May\n"
        "  - {id: later, source: {where: {ServiceName: Later}}, method: even, to: {dimension: team, values: [a, b]}}\n"
    )
    workbench.write(Case(rules=rules, bill=[charge("Compute", "1", team="a", env="b")]), tmp_path)
    with open_workspace(tmp_path, environment={"COSTOPS_ACTOR": "test"}) as workspace:
        first = workspace.plan()
        workspace.apply(first)
        second = workspace.plan()
    assert [(each.code, each.ignored) for each in first.diagnostics] == [
        ("CO805", "it starts in May"),
        ("CO808", None),
    ]
    assert not second.writes
    assert second.diagnostics == ()


def test_a_validation_without_the_metric_says_so_and_checks_the_files(tmp_path: Path) -> None:
    rules = LABELS + (
        "metrics: [{id: m, source: warehouse, query: q, labels: {team: team}}]\n"
        "allocations:\n"
        "  - {id: a, source: {where: {ServiceName: S}}, method: metric, to: {dimension: team}, basis: {metric: m}}\n"
    )
    case = Case(rules=rules, bill=[charge("S", "1")], usage=[usage("q", "1", team="x")])
    workbench.write(case, tmp_path)
    (tmp_path / "usage" / "usage.csv").unlink()
    with open_workspace(tmp_path, environment={}) as workspace:
        validation = workspace.validate()
    assert validation.not_evaluated is not None
    assert "warehouse" in validation.not_evaluated
    assert validation.diagnostics == ()


def test_a_validation_of_a_rule_that_must_fail_says_so(tmp_path: Path) -> None:
    rules = LABELS + (
        "allocations:\n"
        "  - {id: a, source: {where: {ServiceName: S}}, method: proportional, to: {dimension: team}, "
        "basis: {where: {ServiceName: C}}, on_empty: error}\n"
    )
    workbench.write(Case(rules=rules, bill=[charge("S", "1")]), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        validation = workspace.validate()
    assert validation.not_evaluated == (
        "allocation a: 1 of its buckets have no basis, with USD 1 to split, and its on_empty is error"
    )


def test_without_data_and_with_errors_nothing_is_evaluated(tmp_path: Path) -> None:
    workbench.write(Case(rules=RULES, bill=bill()), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        assert "CO806" in workbench.codes(workspace.validate().diagnostics)
        assert workspace.validate(with_data=False).diagnostics == ()
        assert workspace.validate(evaluate=False).diagnostics == ()
    workbench.write_rules(tmp_path, RULES.replace("method: even", "method: evenly"))
    with open_workspace(tmp_path, environment={}) as workspace:
        found = workspace.validate().diagnostics
    assert all(each.is_error for each in found)
    assert "CO806" not in workbench.codes(found)


def test_warnings_of_a_plan_read_back_from_its_document(tmp_path: Path) -> None:
    from costops.planning.document import plan_of_document
    from costops.render.plan_json import plan_json

    rules = RULES.replace("  - id: again\n", "  - id: again # costops: ignore=CO806 it is meant\n")
    workbench.write(Case(rules=rules, bill=bill()), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        plan = workspace.plan()
    ignored = [(each.code, each.ignored) for each in plan.diagnostics if each.ignored]
    assert ignored == [("CO806", "it is meant")]
    assert plan_of_document(json.loads(plan_json(plan))).diagnostics == plan.diagnostics
