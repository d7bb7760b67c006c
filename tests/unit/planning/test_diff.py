"""Two stored versions against each other: money that adds up, renames over versions, and what is not compared."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from workbench import Case, charge, usage, write

from costops.errors import StateError
from costops.model.version_diff import End, Flow, Outside, VersionDiff
from costops.render.diff import diff_text
from costops.render.diff_json import diff_json
from costops.workspace import open_workspace

LABELS = "labels:\n  - {id: ENV, from: Tags.env}\n  - {id: team, from: Tags.team}\n"
SUPPORT = "  - {id: RULE, source: {where: {ServiceName: Support}}, method: METHOD, to: {dimension: ENV}}\n"
BILL = [
    charge("EC2", "10", env="production", team="a", BilledCost="12"),
    charge("EC2", "30", env="staging", team="b", BilledCost="30"),
    charge("Support", "8"),
    charge("EC2", "5", env="production", BillingCurrency="EUR"),
]


def rules(*, env: str = "env", rule: str = "support", method: str = "proportional", before: str = "") -> str:
    text = LABELS + "allocations:\n" + SUPPORT
    if before:
        text = text.replace("id: ENV,", f"id: ENV, renamed_from: {before},")
    return text.replace("ENV", env).replace("RULE", rule).replace("METHOD", method)


FIRST = Case(rules(), BILL, report=("env", "team"))


def apply(folder: Path, *cases: Case) -> None:
    for case in cases:
        write(case, folder)
        with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara", "COSTOPS_THREADS": "1"}) as workspace:
            workspace.apply(workspace.plan())


def compared(folder: Path, before: int, after: int) -> VersionDiff:
    with open_workspace(folder, environment={}) as workspace:
        return workspace.diff(before, after)


def document(diff: VersionDiff) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(diff_json(diff))
    return found


def told(diff: VersionDiff) -> list[str]:
    return [f"{each.action} {each.kind} {each.id}" for each in diff.changes]


def sums(diff: VersionDiff) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = defaultdict(int)
    for line in diff.money:
        found[line.dimension, line.currency] += line.delta
    return dict(found)


def test_another_rule_on_the_same_bill_moves_money_that_adds_up_to_nothing(tmp_path: Path) -> None:
    apply(tmp_path, FIRST, replace(FIRST, rules=rules(method="even")))
    diff = compared(tmp_path, 1, 2)
    assert told(diff) == ["change allocation support"]
    assert diff.changes[0].fields[0].path == "method"
    assert {(line.dimension, line.value): line.delta // 10**12 for line in diff.money} == {
        ("env", "production"): 2,
        ("env", "staging"): -2,
    }
    assert sums(diff) == {("env", "USD"): 0}
    assert not diff.bill_changes
    assert {each.after - each.before for each in diff.totals} == {0}


def net(diff: VersionDiff) -> dict[tuple[str, End, str], int]:
    """What flows to each element less what flows from it."""
    found: dict[tuple[str, End, str], int] = defaultdict(int)
    for each in diff.flows:
        found[each.dimension, each.source, each.currency] -= each.amount
        found[each.dimension, each.target, each.currency] += each.amount
    return {key: amount for key, amount in found.items() if amount and key[1] is not Outside.BILL}


def test_who_lost_to_whom_is_told_and_adds_up_to_the_deltas(tmp_path: Path) -> None:
    more = [*BILL, charge("EC2", "7.5", team="c", day="2025-05-02")]
    second = replace(FIRST, rules=rules(method="even"))
    apply(tmp_path, FIRST, second, replace(FIRST, bill=more), replace(FIRST, bill=BILL[1:3]))
    assert compared(tmp_path, 1, 2).flows == (Flow("env", "USD", "staging", "production", 2 * 10**12),)
    for before, after in ((1, 2), (2, 1), (1, 3), (3, 2), (1, 4), (4, 3)):
        diff = compared(tmp_path, before, after)
        assert net(diff) == {(line.dimension, line.value, line.currency): line.delta for line in diff.money}
    flows = document(compared(tmp_path, 1, 3))["flows"]
    assert [each for each in flows if each["dimension"] == "team"] == [
        {
            "dimension": "team",
            "BillingCurrency": "USD",
            "from": None,
            "from_bill": True,
            "to": "c",
            "to_bill": False,
            "amount": "7.5",
        }
    ]
    assert "      team  (the bill)  c" in diff_text(compared(tmp_path, 1, 3))


def test_names_that_change_places_are_followed_on_shared_days(tmp_path: Path) -> None:
    labels = "labels:\n  - {id: ONE, from: Tags.env}\n  - {id: TWO, from: Tags.team}\n"
    first = replace(FIRST, rules=labels.replace("ONE", "x").replace("TWO", "y"), report=("x", "y"))
    swapped = labels.replace("id: ONE", "id: y, renamed_from: x").replace("id: TWO", "id: x, renamed_from: y")
    apply(tmp_path, first, replace(first, rules=swapped, report=("y", "x")), replace(first, rules=swapped))
    for before, after in ((1, 2), (1, 3), (3, 1), (2, 3)):
        diff = compared(tmp_path, before, after)
        assert net(diff) == {(line.dimension, line.value, line.currency): line.delta for line in diff.money}


def test_backwards_is_the_same_with_the_signs_turned(tmp_path: Path) -> None:
    apply(
        tmp_path, FIRST, replace(FIRST, rules=rules(method="even", env="stage", before="env"), report=("stage", "team"))
    )
    there, back = compared(tmp_path, 1, 2), compared(tmp_path, 2, 1)
    assert told(there) == ["rename label stage", "change allocation support"]
    assert told(back) == ["rename label env", "change allocation support"]
    assert [(line.value, -line.delta) for line in back.money] == [(line.value, line.delta) for line in there.money]
    assert {line.dimension for line in there.money} == {"stage"}
    assert {line.dimension for line in back.money} == {"env"}


def test_another_bill_adds_up_to_the_difference_of_the_totals(tmp_path: Path) -> None:
    more = [*BILL, charge("EC2", "7.5", team="c", day="2025-05-02")]
    apply(tmp_path, FIRST, replace(FIRST, bill=more, rules=rules(method="even")))
    diff = compared(tmp_path, 1, 2)
    assert diff.bill_changes
    assert sums(diff) == {("env", "USD"): 7_500_000_000_000, ("team", "USD"): 7_500_000_000_000}
    total = next(
        each for each in document(diff)["totals"] if (each["BillingCurrency"], each["cost"]) == ("USD", "EffectiveCost")
    )
    assert total["difference"] == "7.5"
    assert (diff.before.months, diff.after.months) == (("2025-04",), ("2025-04", "2025-05"))
    text = diff_text(diff)
    assert "  the bill differs: 2025-04, 4 rows -> 2025-04..2025-05, 5 rows\n" in text
    assert "Total USD 48.00 -> 55.50 (difference 7.5)." in text


def test_a_rename_alone_shows_no_money_over_any_number_of_versions(tmp_path: Path) -> None:
    second = replace(FIRST, rules=rules(env="stage", before="env"), report=("stage", "team"))
    third = replace(FIRST, rules=rules(env="level", before="stage"), report=("level", "team"))
    apply(tmp_path, FIRST, second, third)
    for before, after in ((1, 2), (2, 3), (1, 3), (3, 1)):
        diff = compared(tmp_path, before, after)
        assert [each.action for each in diff.changes] == ["rename"]
        assert (diff.money, document(diff)["money"]) == ((), [])
        assert len(diff.renamed_dimensions) == 1
    assert document(compared(tmp_path, 1, 3))["renamed_report"] == [{"before": "env", "after": "level"}]
    assert "  level is called env in version 1\n" in diff_text(compared(tmp_path, 1, 3))
    assert "No element of level, team has another cost.\n" in diff_text(compared(tmp_path, 1, 3))


def test_an_id_that_was_free_for_a_version_is_not_the_one_that_had_it(tmp_path: Path) -> None:
    without = replace(FIRST, rules="labels:\n  - {id: team, from: Tags.team}\n", report=("team",))
    again = replace(FIRST, rules=rules(env="level", before="env"), report=("level", "team"))
    apply(tmp_path, FIRST, without, again)
    diff = compared(tmp_path, 1, 3)
    assert "rename label level" not in told(diff)
    assert {"add label level", "remove label env"} <= set(told(diff))
    assert (diff.before.own_dimensions, diff.after.own_dimensions) == (("env",), ("level",))


def test_dimensions_of_one_version_alone_are_named(tmp_path: Path) -> None:
    apply(tmp_path, FIRST, replace(FIRST, report=("team", "ServiceName")))
    diff = compared(tmp_path, 1, 2)
    assert told(diff) == ["change settings costops.yaml"]
    assert (diff.dimensions, diff.money) == (("team",), ())
    text = diff_text(diff)
    assert "  only version 1 is by env, which is not compared\n" in text
    assert "  only version 2 is by ServiceName, which is not compared\n" in text


def test_amounts_are_of_the_newer_versions_cost_column(tmp_path: Path) -> None:
    apply(tmp_path, FIRST, replace(FIRST, cost="BilledCost"))
    diff = compared(tmp_path, 1, 2)
    assert diff.cost == "BilledCost"
    weights = {line.value: line.delta for line in diff.money}
    assert set(weights) == {"production", "staging"}
    assert weights["production"] == -weights["staging"] > 0


def test_other_usage_numbers_are_told(tmp_path: Path) -> None:
    metric = rules(method="metric").replace("dimension: env}}", "dimension: env}, basis: {metric: load}}")
    metric += "metrics:\n  - {id: load, source: warehouse, query: load, labels: {e: env}}\n"
    records = [usage("load", "1", e="production"), usage("load", "3", e="staging")]
    case = replace(FIRST, rules=metric, usage=records)
    apply(tmp_path, case, replace(case, usage=[usage("load", "3", e="production"), records[1]]))
    diff = compared(tmp_path, 1, 2)
    assert (diff.changes, diff.bill_changes, diff.metric_changes) == ((), False, True)
    assert "  the usage numbers differ\n" in diff_text(diff)
    assert {line.value: line.delta // 10**12 for line in diff.money} == {"production": 2, "staging": -2}


def test_a_version_against_itself_is_no_difference(tmp_path: Path) -> None:
    apply(tmp_path, FIRST)
    diff = compared(tmp_path, 1, 1)
    assert (diff.changes, diff.money, diff.bill_changes) == ((), (), False)
    assert "Rules: 0 added, 0 changed, 0 removed, 0 moved, 0 renamed.\n" in diff_text(diff)


def test_a_version_that_is_not_there_is_a_state_error(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="nothing has been applied yet"):
        compared(write(FIRST, tmp_path), 1, 2)
    apply(tmp_path, FIRST)
    with pytest.raises(StateError, match="has no version 2; the newest is 1"):
        compared(tmp_path, 1, 2)


def test_names_of_strangers_are_made_safe(tmp_path: Path) -> None:
    bill = [charge("EC2", "1", env="\x1b[31m", team="x")]
    other = [charge("EC2", "2", env="\x1b[31m", team="x")]
    apply(tmp_path, replace(FIRST, bill=bill), replace(FIRST, bill=other))
    assert "\x1b" not in diff_text(compared(tmp_path, 1, 2))
    assert "\\x1b[31m" in diff_text(compared(tmp_path, 1, 2))
