"""A plan without its ledger says of it what the plan with it says; carried months need no rows for their digest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import Case, charge, write

from costops.model.ledger import Ledger
from costops.model.plan import Plan
from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
"""
SUPPORT = """
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
"""


def month(number: int, ec2: str = "100") -> list[dict[str, object]]:
    """Charges of one month of two currencies."""
    day = f"2025-{number:02}-03"
    return [
        charge("EC2", ec2, day=day, team="a", env="production"),
        charge("EC2", "200", day=day, team="b", env="ü"),
        charge("EC2", "50", day=day, team="b", BillingCurrency="EUR"),
        charge("Support", "31", day=day),
    ]


def with_net(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return [{**row, "x_Net": row["EffectiveCost"]} for row in rows]


CASE = Case(LABELS + SUPPORT, [*month(4), *month(5)], report=("team", "env"))
EVEN = SUPPORT.replace("proportional", "even")
RENAMED = SUPPORT.replace("id: support", "id: help\n    renamed_from: support")
NET = replace(CASE, bill=with_net(month(4)), costs={"Net": "x_Net"})

AFTER: Mapping[str, tuple[Case, Case, bool]] = {
    "another rule": (CASE, replace(CASE, rules=LABELS + EVEN), True),
    "another bill": (CASE, replace(CASE, bill=[*month(4), *month(5, "101")]), True),
    "rows in another order": (CASE, replace(CASE, bill=[*month(5), *month(4)]), False),
    "a month more": (CASE, replace(CASE, bill=[*CASE.bill, *month(6)]), True),
    "a month carried over": (CASE, replace(CASE, bill=month(5)), False),
    "a month carried over, the other one changed": (CASE, replace(CASE, bill=month(5, "101")), True),
    "a month carried over under another rule": (CASE, replace(CASE, bill=month(5), rules=LABELS + EVEN), True),
    "a month carried over under another id": (CASE, replace(CASE, bill=month(5), rules=LABELS + RENAMED), True),
    "a month carried over between others": (
        replace(CASE, bill=[*month(3), *month(4), *month(5)]),
        replace(CASE, bill=[*month(3), *month(5), *month(6)]),
        True,
    ),
    "a month carried over with fewer dimensions": (CASE, replace(CASE, bill=month(5), report=("env",)), True),
    "a month carried over with more dimensions": (
        CASE,
        replace(CASE, bill=month(5), report=("team", "env", "ServiceName")),
        True,
    ),
    "a month carried over with a cost column that the bill lacks": (NET, replace(CASE, bill=month(5)), True),
    "a month carried over without a cost column that the bill has": (
        replace(CASE, bill=month(4)),
        replace(NET, bill=with_net(month(5))),
        True,
    ),
}


def planned(folder: Path, case: Case, *, with_ledger: bool) -> Plan:
    for old in folder.glob("bill/*"):
        old.unlink()
    write(case, folder)
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara", "COSTOPS_THREADS": "1"}) as workspace:
        return workspace.plan(with_ledger=with_ledger)


def applied(folder: Path, plan: Plan) -> Ledger:
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara"}) as workspace:
        workspace.apply(plan)
        return workspace.ledger()


def without_ledger(plan: Plan) -> Plan:
    return replace(plan, ledger=None)


@pytest.mark.parametrize("name", AFTER)
def test_a_plan_without_its_ledger_is_the_plan_with_it(name: str, tmp_path: Path) -> None:
    before, after, writes = AFTER[name]
    stored = applied(tmp_path, planned(tmp_path, before, with_ledger=True))
    plan = planned(tmp_path, after, with_ledger=True)
    alone = planned(tmp_path, after, with_ledger=False)
    assert alone.ledger is None
    assert alone == without_ledger(plan)
    assert plan.writes is writes
    if not writes:
        assert (plan.ledger, plan.result_digest) == (None, stored.digest)
        return
    assert plan.ledger is not None
    assert plan.ledger.digest == plan.result_digest
    assert applied(tmp_path, plan) == plan.ledger
    totals = {
        (currency, cost): sum(a for a, each in zip(amounts, plan.ledger.currencies, strict=True) if each == currency)
        for cost, amounts in zip(plan.ledger.cost_columns, plan.ledger.amounts, strict=True)
        for currency in ("EUR", "USD")
    }
    assert {(each.currency, each.cost): each.after for each in plan.totals} == totals
    again = planned(tmp_path, after, with_ledger=False)
    assert (again.writes, again.result_digest) == (False, plan.result_digest)


def test_a_first_plan_without_its_ledger_is_the_plan_with_it(tmp_path: Path) -> None:
    plan = planned(tmp_path, CASE, with_ledger=True)
    assert plan.ledger is not None
    assert planned(tmp_path, CASE, with_ledger=False) == without_ledger(plan)
    assert plan.result_digest == plan.ledger.digest


def test_a_carried_month_keeps_the_digest_that_the_state_has_of_it(tmp_path: Path) -> None:
    stored = applied(tmp_path, planned(tmp_path, CASE, with_ledger=True))
    plan = planned(tmp_path, replace(CASE, bill=month(5, "101")), with_ledger=True)
    assert plan.carried_months == ("2025-04",)
    assert plan.ledger is not None
    assert plan.ledger.month_digests["2025-04"] == stored.month_digests["2025-04"]
    assert plan.ledger.month_digests["2025-05"] != stored.month_digests["2025-05"]
