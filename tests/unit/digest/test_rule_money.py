"""The money of each rule, from ledgers whose figures are known."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import PICOS, Case, charge, write

from costops.digest.rules import rule_money
from costops.model.rule_money import RuleMoney, StepMoney
from costops.model.rules import Allocation, Method, RuleSet
from costops.model.sums import LedgerSums
from costops.model.version import BillSummary, RuleRevision, Version, VersionDraft
from costops.periods import Period
from costops.workspace import open_workspace

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: team, from: Tags.team}
  - {id: floor, from: Tags.floor}
allocations:
  - id: by-env
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: env}
    basis: {where: {ServiceName: EC2}}
  - id: by-team
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {a: 75, b: 25}}
  - id: takes-nothing
    source: {where: {ServiceName: Nothing}}
    method: even
    to: {dimension: team, values: [a, b]}
  - id: switched-off
    enabled: false
    source: {where: {ServiceName: EC2}}
    method: even
    to: {dimension: team, values: [a, b]}
  - id: passed-on
    source: {allocated: only, where: {allocated_by: by-team, team: b}}
    method: even
    to: {dimension: team, values: [c, d]}
  - id: tax
    source: {where: {ServiceName: Tax}}
    method: percent
    to: {dimension: [env, team], percent: [{env: production, team: a, percent: 100}]}
  - id: by-floor
    source: {where: {ServiceName: Rent}}
    method: even
    to: {dimension: floor, values: ["1", "2"]}
"""
BILL = [
    charge("EC2", "60", env="production"),
    charge("EC2", "40", env="staging"),
    charge("Support", "10"),
    charge("Tax", "5"),
    charge("Rent", "3"),
    charge("EC2", "7", day="2025-05-10", env="production"),
    charge("Support", "1", day="2025-05-10", BillingCurrency="EUR"),
]


@pytest.fixture(scope="module")
def money(tmp_path_factory: pytest.TempPathFactory) -> RuleMoney:
    folder = write(Case(RULES, BILL, report=("env", "team")), tmp_path_factory.mktemp("workspace"))
    with open_workspace(folder, environment={}) as workspace:
        workspace.apply(workspace.plan())
        return workspace.rule_money()


def step(money: RuleMoney, name: str, currency: str = "USD") -> StepMoney:
    found = next(each for each in money.steps if each.id == name)
    return next(each for each in found.money if each.currency == currency)


def units(amount_picos: int) -> str:
    whole, rest = divmod(amount_picos, PICOS)
    return f"{whole}.{rest * 100 // PICOS:02d}" if rest else str(whole)


def test_the_steps_are_the_allocations_in_their_order_with_their_places(money: RuleMoney) -> None:
    names = ["by-env", "by-team", "takes-nothing", "switched-off", "passed-on", "tax", "by-floor"]
    assert [each.id for each in money.steps] == names
    assert [each.position for each in money.steps] == [1, 2, 3, 4, 5, 6, 7]
    assert [(each.file, each.line) for each in money.steps][:2] == [
        ("rules/10-rules.yaml", 6),
        ("rules/10-rules.yaml", 11),
    ]
    assert [each.enabled for each in money.steps] == [True, True, True, False, True, True, True]
    assert all(each.present for each in money.steps)


def test_the_totals_are_those_of_the_bill(money: RuleMoney) -> None:
    assert money.totals == (("EUR", 1 * PICOS), ("USD", 125 * PICOS))
    assert money.months == ("2025-04", "2025-05")
    assert money.cost == "EffectiveCost"


def test_a_rule_takes_all_cost_that_went_through_it_and_first_what_no_rule_had_taken(money: RuleMoney) -> None:
    assert [
        (units(step(money, each.id).taken_picos), units(step(money, each.id).first_picos)) for each in money.steps
    ] == [
        ("10", "10"),
        ("10", "0"),
        ("0", "0"),
        ("0", "0"),
        ("2.50", "0"),
        ("5", "5"),
        ("3", "3"),
    ]


def test_the_waterfall_ends_at_the_rows_without_a_path(money: RuleMoney) -> None:
    assert [units(step(money, each.id).left_picos) for each in money.steps] == [
        "115",
        "115",
        "115",
        "115",
        "115",
        "110",
        "107",
    ]
    assert step(money, "by-floor").left_picos == 107 * PICOS


def test_the_waterfall_ends_at_what_the_ledger_says_of_no_rule(tmp_path: Path) -> None:
    bill = [charge("EC2", cost, env=env) for cost, env in (("0.1", "a"), ("0.2", "b"), ("0.000000000007", "c"))]
    folder = write(Case(RULES, [*bill, charge("Support", "1.000000000001")], report=("env", "team")), tmp_path)
    with open_workspace(folder, environment={}) as workspace:
        workspace.apply(workspace.plan())
        money, sums = workspace.rule_money(), workspace.sums(by=["allocation_path"])
    ledger = {values[0]: amounts[sums.cost_columns.index("EffectiveCost")] for values, _, amounts in sums.rows}
    assert money.steps[-1].money[0].left_picos == ledger[None] == 300_000_000_007
    assert sum(each.money[0].first_picos for each in money.steps) + ledger[None] == money.totals[0][1]
    for each in money.steps:
        taken = sum(picos for path, picos in ledger.items() if path and each.id in path.split(" > "))
        assert each.money[0].taken_picos == taken


def test_a_rule_gives_to_elements_and_what_a_later_rule_took_on_is_named(money: RuleMoney) -> None:
    assert step(money, "by-env").given == ((("production",), 6 * PICOS), (("staging",), 4 * PICOS))
    assert step(money, "by-env").passed_on == ()
    assert step(money, "by-team").given == ((("a",), 7_500_000_000_000),)
    assert step(money, "by-team").passed_on == (("passed-on", 2_500_000_000_000),)
    assert step(money, "passed-on").given == ((("c",), 1_250_000_000_000), (("d",), 1_250_000_000_000))
    assert step(money, "tax").given == ((("production", "a"), 5 * PICOS),)


def test_given_and_passed_on_add_up_to_what_was_taken(money: RuleMoney) -> None:
    for each in money.steps:
        for found in each.money:
            if each.by:
                parts = [*(picos for _, picos in found.given), *(picos for _, picos in found.passed_on)]
                assert sum(parts) == found.taken_picos


def test_a_destination_that_is_not_reported_has_no_elements(money: RuleMoney) -> None:
    floor = next(each for each in money.steps if each.id == "by-floor")
    assert (floor.into, floor.by) == (("floor",), ())
    assert step(money, "by-floor").given == ()


def test_a_rule_that_took_nothing_in_a_currency_is_untouched_there(money: RuleMoney) -> None:
    assert [each.id for each in money.steps if not step(money, each.id).touched] == ["takes-nothing", "switched-off"]
    untouched = [each.id for each in money.steps if not step(money, each.id, "EUR").touched]
    assert untouched == ["by-env", "takes-nothing", "switched-off", "tax", "by-floor"]
    assert step(money, "by-team", "EUR").given == ((("a",), 750_000_000_000),)


def test_a_period_narrows_everything(tmp_path: Path) -> None:
    folder = write(Case(RULES, BILL, report=("env", "team")), tmp_path)
    with open_workspace(folder, environment={}) as workspace:
        workspace.apply(workspace.plan())
        money = workspace.rule_money(period=Period("2025-05", "2025-05"))
    assert money.months == ("2025-05",)
    assert money.totals == (("EUR", PICOS), ("USD", 7 * PICOS))
    assert not step(money, "by-env").touched


def literal_version(*rules: str) -> Version:
    revisions = tuple(
        RuleRevision(kind="allocation", id=name, canonical="{}", text="", file="rules/a.yaml", line=line)
        for line, name in enumerate(rules, start=1)
    )
    draft = VersionDraft(
        applied_at="2025-06-01T00:00:00Z",
        actor="",
        commit=None,
        dirty=None,
        cause="apply",
        rules=revisions,
        rules_digest="",
        settings="{}",
        metrics_digest="",
        bill=BillSummary(digest="", rows=0, first_month="", last_month=""),
        engine="",
        cost="EffectiveCost",
        dimensions=("env", "team"),
        cost_columns=("BilledCost", "EffectiveCost"),
        plan_digest="",
        result_digest="",
        moved=(),
        summary="",
    )
    return Version(number=3, serial=3, previous_hash="", hash="", draft=draft)


def literal_money(rows: list[tuple[str | None, str | None, int]]) -> RuleMoney:
    """Rules `first` and `second` along env, and rows of (path, env, picos)."""
    rules = RuleSet(
        allocations=tuple(
            Allocation(id=name, method=Method.EVEN, to=("env",), into=("env",)) for name in ("first", "second")
        )
    )

    def sums(by: object) -> LedgerSums:
        assert by == ("allocation_path", "billing_month", "env")
        found = tuple(((path, "2025-04", env), "USD", (999, picos)) for path, env, picos in rows)
        return LedgerSums(3, ("allocation_path", "billing_month", "env"), ("BilledCost", "EffectiveCost"), found)

    return rule_money(literal_version("first", "second"), rules, sums)


def test_a_rule_that_only_carried_months_know_comes_last_and_is_said_to_be_gone() -> None:
    money = literal_money([(None, None, 100), ("old > second", "a", 30), ("first", "b", 20)])
    assert [(each.id, each.position, each.present) for each in money.steps] == [
        ("first", 1, True),
        ("second", 2, True),
        ("old", 3, False),
    ]
    assert [each.money[0].left_picos for each in money.steps] == [130, 130, 100]
    assert money.steps[2].money[0].taken_picos == 30
    assert money.steps[2].money[0].given == ()


def test_credits_that_cancel_leave_a_rule_touched() -> None:
    money = literal_money([("first", "a", 50), ("first", "b", -50)])
    found = money.steps[0].money[0]
    assert (found.touched, found.taken_picos) == (True, 0)
    assert found.given == ((("a",), 50), (("b",), -50))


def test_a_ledger_without_rows_has_no_currency() -> None:
    money = literal_money([])
    assert money.currencies == ()
    assert [each.money for each in money.steps] == [(), ()]
