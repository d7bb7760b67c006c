"""What is applied is what was planned, for random bills, usage and rules: from a file, and after the bill has moved."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from property.rule_files import cases
from property.turns import in_turns
from workbench import Case, write, write_bill, write_rules

from costops.model.ledger import Ledger
from costops.model.plan import Plan
from costops.money import SAME_PICOS
from costops.periods import Period
from costops.render.plan_json import plan_json
from costops.render.plan_text import plan_text
from costops.workspace import Workspace, load_plan, open_workspace, save_plan


def workspace(folder: Path) -> Workspace:
    return open_workspace(folder, environment={"COSTOPS_THREADS": "1", "COSTOPS_ACTOR": "mara"})


def saved(folder: Path, name: str, *, keep_cells: bool = False) -> Plan:
    """The plan as it stands in a file, which shows what the plan itself does."""
    with workspace(folder) as planning:
        plan = planning.plan(keep_cells=keep_cells, with_ledger=False)
    save_plan(folder / name, plan)
    assert_causes_add_up(plan)
    read = load_plan(folder / name)
    assert plan_json(read) == plan_json(plan) == (folder / name).read_text(encoding="utf-8")
    assert plan_text(read) == plan_text(plan)
    return read


def assert_applied_as_planned(folder: Path, plan: Plan) -> None:
    with workspace(folder) as applying:
        reviewed = applying.review(plan)
        version = applying.apply(reviewed.plan)
        ledger = applying.ledger()
    assert version.draft.plan_digest == plan.plan_digest
    assert version.draft.result_digest == plan.result_digest == ledger.digest
    shown = {(each.dimension, each.value, each.currency): each.amount for each in plan.result}
    written: dict[tuple[str, str | None, str], int] = {}
    amounts = ledger.amounts[ledger.cost_columns.index(plan.cost)]
    for dimension, values in zip(ledger.dimensions, ledger.values, strict=True):
        for value, currency, amount in zip(values, ledger.currencies, amounts, strict=True):
            key = (dimension, value, currency)
            written[key] = written.get(key, 0) + amount
    assert {key: amount for key, amount in written.items() if amount} == shown


def assert_causes_add_up(plan: Plan) -> None:
    """Every amount that a change moves has a cause, to the last digit."""
    for change in plan.changes:
        told: dict[tuple[str, str | None, str], int] = {}
        for cause in change.causes:
            for each in cause.money:
                key = (each.dimension, each.value, each.currency)
                told[key] = told.get(key, 0) + each.amount
        moved = {(each.dimension, each.value, each.currency): each.delta for each in change.money}
        assert {key: amount for key, amount in told.items() if amount} == moved, change.id


def assert_adds_up(plan: Plan, stored: Ledger) -> None:
    """What the bill and every change move is what the result has more than the stored version, but for dust."""
    sums: dict[tuple[str, str | None, str], int] = {}
    place = stored.cost_columns.index(plan.cost)
    for dimension, values in zip(stored.dimensions, stored.values, strict=True):
        for value, currency, amount in zip(values, stored.currencies, stored.amounts[place], strict=True):
            sums[dimension, value, currency] = sums.get((dimension, value, currency), 0) + amount
    parts = (plan.bill_money, plan.restated_money, plan.metric_money, *(each.money for each in plan.changes))
    for line in (each for part in parts for each in part):
        key = (line.dimension, line.value, line.currency)
        sums[key] = sums.get(key, 0) + line.delta
    result = {(each.dimension, each.value, each.currency): each.amount for each in plan.result}
    for key in {**sums, **result}:
        assert abs(sums.get(key, 0) - result.get(key, 0)) < SAME_PICOS * (len(plan.changes) + 3), key


def rows_of(ledger: Ledger, month: str) -> list[tuple[object, ...]]:
    columns = (ledger.months, ledger.days, ledger.currencies, *ledger.values, ledger.paths, *ledger.amounts)
    return [row for row in zip(*columns, strict=True) if row[0] == month]


@in_turns(cases(), at_most=1_000)
def test_a_saved_plan_is_applied_to_the_last_digit(case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="costops-") as name:
        folder = write(case, Path(name))
        assert_applied_as_planned(folder, saved(folder, "first.json"))


@in_turns(cases(), one_in=10, at_most=1_000)
def test_a_plan_is_applied_on_its_own_cells_and_closed_months_stay(case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="costops-") as name:
        folder = write(case, Path(name))
        first = saved(folder, "first.json")
        assert_applied_as_planned(folder, first)
        rules = case.rules
        assert isinstance(rules, Mapping)
        allocations = rules["allocations"]
        assert isinstance(allocations, list)
        write_rules(folder, {**rules, "allocations": allocations[:-1]})
        with workspace(folder) as closing:
            stored = closing.ledger()
            closed = stored.months[0] if stored.months else ""
            if closed:
                closing.close_months(Period(closed, closed), None)
        second = saved(folder, "second.json", keep_cells=True)
        assert [each.month for each in second.frozen] == [closed] * bool(closed)
        assert_adds_up(second, stored)
        assert [each.action for each in second.changes] == ["remove"]
        write_bill(folder / "bill" / "later.csv", [case.bill[0]] * 2, case.bill)
        assert_applied_as_planned(folder, second)
        with workspace(folder) as applied:
            assert rows_of(applied.ledger(), closed) == rows_of(stored, closed)
