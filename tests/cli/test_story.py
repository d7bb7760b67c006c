"""The demo from the first plan to the second version, as a person lives it."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cli.commands import Done
from cli.commands import started as costops

pytestmark = pytest.mark.xdist_group("story")


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every command of the story, run once, in order."""
    folder = tmp_path_factory.mktemp("story") / "demo"
    told: dict[str, Any] = {"folder": folder}
    told["init"] = costops(folder.parent, "init", "--demo", "demo")
    told["first plan"] = costops(folder, "plan", "--format", "json", "--detailed-exitcode")
    told["first text"] = costops(folder, "apply", "--auto-approve")
    told["idle plan"] = costops(folder, "plan", "--detailed-exitcode")
    told["idle apply"] = costops(folder, "apply", "--auto-approve")
    told["ledger 1"] = costops(folder, "ledger", "--version", "1", "--format", "csv")
    state = folder / "state" / "costops.db"
    told["state before plan"] = state.read_bytes()
    edit_percentages(folder)
    told["second plan"] = costops(folder, "plan", "--format", "json", "--detailed-exitcode")
    told["second plan text"] = costops(folder, "plan")
    told["state after plan"] = state.read_bytes()
    told["second apply"] = costops(folder, "apply", "--auto-approve")
    told["ledger 1 again"] = costops(folder, "ledger", "--version", "1", "--format", "csv")
    told["ledger 2"] = costops(folder, "ledger", "--version", "2", "--format", "csv")
    return told


def edit_percentages(folder: Path) -> None:
    file = folder / "rules" / "30-environments.yaml"
    text = file.read_text()
    assert text.count("production: 80") == 1
    assert text.count("staging: 15") == 1
    file.write_text(text.replace("production: 80", "production: 70").replace("staging: 15", "staging: 25"))


def sums_by_dimension(change: dict[str, Any]) -> dict[tuple[str, str], Decimal]:
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for line in change["money"]:
        assert Decimal(line["after"]) - Decimal(line["before"]) == Decimal(line["delta"])
        sums[line["dimension"], line["BillingCurrency"]] += Decimal(line["delta"])
    return sums


def test_init_writes_the_demo_and_says_what_to_do_next(story: dict[str, Any]) -> None:
    done: Done = story["init"]
    assert done.code == 0
    assert "costops.yaml" in done.out.split()
    assert "costops plan" in done.err


def test_the_first_plan_shows_about_ten_allocations_added_with_their_money(story: dict[str, Any]) -> None:
    done: Done = story["first plan"]
    assert done.code == 2
    plan = json.loads(done.out)
    added = [each for each in plan["changes"] if (each["action"], each["kind"]) == ("add", "allocation")]
    assert 8 <= len(added) <= 14
    assert all(Decimal(moved["amount"]) > 1 for each in added for moved in each["moved"][:1])
    assert all(each["moved"] for each in added)
    assert plan["base"] == {"version": None, "serial": 0, "lineage": None}


def test_the_deltas_of_every_change_add_up_to_nothing(story: dict[str, Any]) -> None:
    plans = [json.loads(story[name].out) for name in ("first plan", "second plan")]
    changes = [change for plan in plans for change in plan["changes"]]
    assert len(changes) > 10
    for change in changes:
        assert set(sums_by_dimension(change).values()) <= {Decimal(0)}, change["id"]


def test_the_total_is_conserved_in_every_cost_column(story: dict[str, Any]) -> None:
    totals = json.loads(story["first plan"].out)["totals"]
    assert {(each["BillingCurrency"], each["cost"]) for each in totals} == {
        (currency, cost)
        for currency in ("EUR", "USD")
        for cost in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
    }
    assert {each["difference"] for each in totals} == {"0"}


def test_apply_writes_version_one_and_then_nothing_is_left_to_do(story: dict[str, Any]) -> None:
    assert story["first text"].code == 0
    assert story["first text"].out.endswith("Applied as version 1.\n")
    assert story["idle plan"].code == 0
    assert "No changes." in story["idle plan"].out
    assert story["idle apply"].code == 0
    assert "Applied" not in story["idle apply"].out


def test_two_edited_percentages_are_exactly_one_change(story: dict[str, Any]) -> None:
    done: Done = story["second plan"]
    assert done.code == 2
    plan = json.loads(done.out)
    (change,) = plan["changes"]
    assert (change["action"], change["kind"], change["id"]) == ("change", "allocation", "snowflake-by-agreement")
    assert change["file"] == "rules/30-environments.yaml"
    assert [(each["path"], each["before"], each["after"]) for each in change["fields"]] == [
        ("to.percent.production", "80", "70"),
        ("to.percent.staging", "15", "25"),
    ]
    assert {line["value"] for line in change["money"]} == {"production", "staging"}
    assert plan["bill_changes"] is False
    assert plan["bill_money"] == []


def test_the_text_of_that_plan_names_the_rule_its_place_and_the_money(story: dict[str, Any]) -> None:
    lines = story["second plan text"].out.splitlines()
    assert lines[0].startswith("costops plan   version 1 (")
    head = next(line for line in lines if "snowflake-by-agreement" in line)
    assert head.startswith("  ~ allocation snowflake-by-agreement")
    assert head.endswith("rules/30-environments.yaml:29")
    assert any(line.split() == ["to.percent.production", "80", "->", "70"] for line in lines)
    assert any(line.startswith("Plan: 0 to add, 1 to change, 0 to remove, 0 to move, 0 to rename.") for line in lines)
    assert sum("(difference 0)" in line for line in lines) == 2


def test_planning_does_not_touch_the_state(story: dict[str, Any]) -> None:
    assert story["state before plan"] == story["state after plan"]


def test_applying_gives_version_two_and_leaves_version_one_to_the_byte(story: dict[str, Any]) -> None:
    assert story["second apply"].out.endswith("Applied as version 2.\n")
    assert story["ledger 1"].code == 0
    assert story["ledger 1"].out == story["ledger 1 again"].out
    assert story["ledger 1"].out != story["ledger 2"].out


def test_history_and_show_tell_what_was_applied(story: dict[str, Any]) -> None:
    folder: Path = story["folder"]
    history = json.loads(costops(folder, "history", "--format", "json").out)
    assert [each["version"] for each in history["versions"]] == [2, 1]
    assert history["versions"][0]["previous_hash"] == history["versions"][1]["hash"]
    assert history["versions"][0]["summary"] == "0 to add, 1 to change, 0 to remove, 0 to move, 0 to rename"
    shown = json.loads(costops(folder, "show", "1", "--format", "json").out)
    rule = next(each["rule"] for each in shown["rules"] if each["id"] == "snowflake-by-agreement")
    assert rule["to"]["percent"]["production"] == "80"
    text = costops(folder, "show").out
    assert "version  2\n" in text
    assert "rules/30-environments.yaml:29" in text


def test_ledgers_in_all_formats_hold_the_same_amounts(story: dict[str, Any]) -> None:
    folder: Path = story["folder"]
    arguments = ("ledger", "--by", "env,billing_month", "--period", "2025-08..2025-09")
    rows = json.loads(costops(folder, *arguments, "--format", "json").out)["rows"]
    lines = costops(folder, *arguments, "--format", "csv").out.splitlines()
    assert lines[0] == "env,billing_month,BillingCurrency,BilledCost,EffectiveCost,ListCost,ContractedCost"
    assert len(lines) - 1 == len(rows)
    assert {row["billing_month"] for row in rows} == {"2025-08", "2025-09"}
    assert rows[0]["env"] is None
    assert lines[1].startswith(",2025-08,EUR,")
    assert lines[1].split(",")[4] == rows[0]["EffectiveCost"]
    assert "(unallocated)" in costops(folder, *arguments).out


def test_a_rule_that_is_removed_and_one_that_moves_are_told_apart(story: dict[str, Any]) -> None:
    folder: Path = story["folder"]
    file = folder / "rules" / "30-environments.yaml"
    before = file.read_text()
    start = before.index("  - id: snowflake-by-agreement")
    end = before.index("  - id: network-by-env")
    file.write_text(before[:start] + before[end:].rstrip("\n") + "\n\n" + before[start:end])
    try:
        moved = json.loads(costops(folder, "plan", "--format", "json").out)
        file.write_text(before[:start] + before[end:])
        removed = json.loads(costops(folder, "plan", "--format", "json").out)
    finally:
        file.write_text(before)
    assert [(each["action"], each["kind"]) for each in moved["changes"]] == [("move", "allocation")]
    assert [(each["action"], each["id"]) for each in removed["changes"]] == [("remove", "snowflake-by-agreement")]
    assert removed["changes"][0]["money"]
