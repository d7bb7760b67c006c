"""What is applied is what was planned, for random bills, usage and rules: from a file, and after the bill has moved."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, seed
from property.rule_files import cases
from workbench import Case, write, write_bill, write_rules

from costops.model.plan import Plan
from costops.render.plan_json import plan_json
from costops.render.plan_text import plan_text
from costops.workspace import Workspace, load_plan, open_workspace, save_plan


def workspace(folder: Path) -> Workspace:
    return open_workspace(folder, environment={"COSTOPS_THREADS": "1", "COSTOPS_ACTOR": "mara"})


def saved(folder: Path, name: str) -> Plan:
    """The plan as it stands in a file, which shows what the plan itself does."""
    with workspace(folder) as planning:
        plan = planning.plan(keep_cells=True)
    save_plan(folder / name, plan)
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


@pytest.mark.parametrize("turn", range(2), ids="seed {}".format)
def test_a_saved_plan_is_applied_to_the_last_digit(turn: int) -> None:
    seed(turn)(given(cases())(holds))()


def holds(case: Case) -> None:
    with tempfile.TemporaryDirectory(prefix="costops-") as name:
        folder = write(case, Path(name))
        first = saved(folder, "first.json")
        assert_applied_as_planned(folder, first)
        rules = case.rules
        assert isinstance(rules, Mapping)
        allocations = rules["allocations"]
        assert isinstance(allocations, list)
        write_rules(folder, {**rules, "allocations": allocations[:-1]})
        second = saved(folder, "second.json")
        assert [each.action for each in second.changes] == ["remove"]
        write_bill(folder / "bill" / "later.csv", [case.bill[0]] * 2, case.bill)
        assert_applied_as_planned(folder, second)
