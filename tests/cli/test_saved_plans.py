"""Saved plans on the command line: what moved since is refused and named, what only looks otherwise is applied."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cli.commands import Done, costops
from cli.saved import (
    APPLIED,
    BILL,
    PLANNED,
    REORDERED,
    TAX,
    USAGE,
    document,
    edit_settings,
    forget_cells,
    state,
    write_rules,
    write_table,
)
from workbench import charge, usage, write_bill, write_usage

# What moves


def apply_something_else(folder: Path) -> None:
    text = APPLIED.replace(
        "    method: proportional\n    to: {dimension: env}\n",
        "    method: percent\n    to: {dimension: env, percent: {production: 100}}\n",
    )
    write_rules(folder, text)
    done = costops(folder, "apply", "--auto-approve", environment={"COSTOPS_ACTOR": "mara"})
    assert done.code == 0, done.err
    write_rules(folder, PLANNED)


def close_a_month(folder: Path) -> None:
    done = costops(folder, "close", "2025-04", "--reason", "books", environment={"COSTOPS_ACTOR": "mara"})
    assert done.code == 0, done.err


def leave_a_month_out(folder: Path) -> None:
    forget_cells(folder)
    later = charge("EC2", "0", day="2025-05-03", env="staging", BilledCost="0")
    write_bill(folder / "bill" / "part-2.csv", [later], BILL)
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), "restate_months": 1}))


def start_the_state_again(folder: Path) -> None:
    (folder / "state" / "costops.db").unlink()
    write_rules(folder, APPLIED)
    assert costops(folder, "apply", "--auto-approve").code == 0
    write_rules(folder, PLANNED)


def change_the_bill(folder: Path) -> None:
    forget_cells(folder)
    restated = [*BILL[:2], charge("Support", "18"), *BILL[3:]]
    write_bill(folder / "bill" / "part-0.csv", restated, BILL)


def add_to_the_bill(folder: Path) -> None:
    forget_cells(folder)
    write_bill(folder / "bill" / "part-2.csv", [charge("EC2", "5", env="staging", BilledCost="6")], BILL)


def take_from_the_bill(folder: Path) -> None:
    forget_cells(folder)
    (folder / "bill" / "part-1.csv").unlink()


def change_the_usage(folder: Path) -> None:
    write_usage(folder / "usage" / "usage.csv", [usage("hours", "3", env="production"), USAGE[1]])


def change_everything(folder: Path) -> None:
    apply_something_else(folder)
    write_rules(folder, PLANNED + TAX)
    write_table(folder, b="Retail")
    change_the_usage(folder)
    change_the_bill(folder)
    edit_settings(folder, report=["unit", "env"])


@dataclass(frozen=True)
class Move:
    """Something that moves between plan and apply, and what must be told of it."""

    change: Callable[[Path], None]
    told: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


MOVES = {
    "state": Move(
        apply_something_else,
        (
            "state: it is at version 2 (serial 2), and the plan was made from version 1 (serial 1)",
            "by mara, moved USD 5.58 (0 to add, 1 to change, 0 to remove, 0 to move, 0 to rename)",
        ),
    ),
    "month closed": Move(
        close_a_month,
        (
            "state: it is at version 1 (serial 2)",
            "2025-04 was closed at",
            "by mara: books",
            "frozen months: 2025-04 now",
        ),
    ),
    "month left out": Move(leave_a_month_out, ("frozen months: 2025-04 now, none in the plan", "bill: 1 file added")),
    "another state": Move(start_the_state_again, ("state: it is another one: its lineage is",)),
    "state gone": Move(
        lambda folder: (folder / "state" / "costops.db").unlink(),
        ("state: nothing is applied here, and the plan was made from version 1 (serial 1)",),
    ),
    "rule edited": Move(
        lambda folder: write_rules(folder, PLANNED.replace("where: {ServiceName: RDS}", "where: {ServiceName: Tax}")),
        (
            "rules: 1 changed since the plan",
            "~ allocation database   rules/10-rules.yaml:12",
            "source.where.ServiceName  RDS  ->  Tax",
            "by env USD",
            "(unallocated)",
        ),
    ),
    "rule text edited": Move(
        lambda folder: write_rules(folder, PLANNED + "    description: by time\n"),
        (
            "rules: 1 changed since the plan",
            "description  (none)  ->  by time",
            "Applied now, EffectiveCost of every element would be what the plan says.",
        ),
    ),
    "rule added": Move(
        lambda folder: write_rules(folder, PLANNED + TAX), ("rules: 1 added since the plan", "+ allocation tax")
    ),
    "rule removed": Move(
        lambda folder: write_rules(folder, PLANNED.partition("  - id: database")[0]),
        ("rules: 1 removed since the plan", "- allocation database"),
    ),
    "order moved": Move(
        lambda folder: write_rules(folder, REORDERED), ("rules: 1 moved since the plan", "^ allocation ")
    ),
    "lookup table changed": Move(
        lambda folder: write_table(folder, b="Retail"),
        (
            "lookup tables: 1 changed since the plan",
            "~ lookup teams.csv",
            "rows.b  Media  ->  Retail",
            "by unit USD 30.00 elsewhere",
        ),
    ),
    "metric file changed": Move(
        change_the_usage,
        ("usage numbers: 1 file changed", "~ usage/usage.csv   source warehouse", "by env USD 1.00 elsewhere"),
    ),
    "bill file changed": Move(
        change_the_bill,
        (
            "bill: 1 file changed",
            "~ bill/part-0.csv   source cloud",
            "USD EffectiveCost 57.00 -> 67.00 (+10.00)",
            "USD BilledCost 57.00 -> 67.00 (+10.00)",
            "by env USD +10.00",
        ),
    ),
    "bill file added": Move(
        add_to_the_bill,
        (
            "bill: 1 file added",
            "+ bill/part-2.csv   source cloud",
            "6 rows -> 7 rows",
            "USD BilledCost 57.00 -> 63.00 (+6.00)",
            "USD EffectiveCost 57.00 -> 62.00 (+5.00)",
        ),
    ),
    "bill file gone": Move(
        take_from_the_bill, ("bill: 1 file gone", "- bill/part-1.csv", "USD EffectiveCost 57.00 -> 54.00 (-3.00)")
    ),
    "settings report": Move(
        lambda folder: edit_settings(folder, report=["env"]),
        ("settings: costops.yaml, a variable or a flag says something else", 'report  ["env", "unit"]  ->  ["env"]'),
    ),
    "settings cost": Move(
        lambda folder: edit_settings(folder, cost="BilledCost"),
        (
            "settings:",
            "cost  EffectiveCost  ->  BilledCost",
            "The plan shows EffectiveCost, and now it would be BilledCost; they are not compared.",
        ),
    ),
    "settings by a variable": Move(
        lambda folder: None, ("settings:", "cost  EffectiveCost  ->  BilledCost"), {"COSTOPS_COST": "BilledCost"}
    ),
    "everything": Move(
        change_everything,
        ("state: ", "rules: ", "lookup tables: ", "usage numbers: ", "bill: ", "settings: ", "Applied now, "),
    ),
}


@pytest.mark.parametrize("name", list(MOVES))
def test_a_plan_file_is_refused_once_something_moved(folder: Path, name: str) -> None:
    move = MOVES[name]
    move.change(folder)
    before = state(folder) if (folder / "state" / "costops.db").exists() else None
    done = costops(folder, "apply", "plan.json", environment=move.environment)
    assert (done.code, done.out) == (5, "")
    assert done.err.startswith("costops: the saved plan is stale; nothing was written\n")
    told = " ".join(done.err.split())
    for words in move.told:
        assert " ".join(words.split()) in told, done.err
    assert reasons(done) <= {reason.partition(":")[0] for reason in move.told if ":" in reason} | {"state"}
    assert (state(folder) if before is not None else None) == before


def reasons(done: Done) -> set[str]:
    """The first words of the lines that stand right under the message."""
    heads = [line.strip() for line in done.err.splitlines() if line.startswith("  ") and line[2] != " "]
    return {head.partition(":")[0] for head in heads if ":" in head and not head.startswith(("help", "Applied"))}


KNOWN = {
    "state": {"state"},
    "month closed": {"state", "result"},
    "month left out": {"bill", "result"},
    "another state": {"state"},
    "state gone": {"state"},
    "rule edited": {"rules", "result"},
    "rule text edited": {"rules"},
    "rule added": {"rules", "result"},
    "rule removed": {"rules", "result"},
    "order moved": {"rules"},
    "lookup table changed": {"rules", "result"},
    "metric file changed": {"usage numbers", "result"},
    "bill file changed": {"bill", "result"},
    "bill file added": {"bill", "result"},
    "bill file gone": {"bill", "result"},
    "settings report": {"settings", "result"},
    "settings cost": {"settings"},
    "settings by a variable": {"settings"},
    "everything": {"state", "rules", "usage numbers", "bill", "settings", "result"},
}
"""What `apply --digest` tells of this place that differs from the plan document."""


@pytest.mark.parametrize("name", list(MOVES))
def test_a_digest_is_refused_once_something_moved(folder: Path, name: str) -> None:
    plan, move = document(folder), MOVES[name]
    move.change(folder)
    before = state(folder) if (folder / "state" / "costops.db").exists() else None
    done = costops(folder, "apply", "--digest", plan["plan_digest"], environment=move.environment)
    assert (done.code, done.out) == (5, "")
    assert (state(folder) if before is not None else None) == before
    told = {line[2:15].strip(): line[17:].strip() for line in done.err.splitlines()[1:]}
    assert told["asked for"] == plan["plan_digest"]
    assert re.fullmatch("[0-9a-f]{64}", told["here"])
    planned = {
        "state": f"version 1, serial 1, lineage {plan['base']['lineage']}",
        "rules": plan["rules_digest"],
        "settings": "EffectiveCost by env, unit",
        "usage numbers": plan["metrics_digest"],
        "bill": f"{plan['bill']['digest']}, 6 rows",
        "result": plan["result_digest"],
    }
    assert {what for what, words in planned.items() if told[what] != words} == KNOWN[name]


# What does not


def touch_everything(folder: Path) -> Path:
    for file in folder.rglob("*"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
    return folder


def go_elsewhere(folder: Path) -> Path:
    return folder.rename(folder.parent / "another folder")


def commit_it(folder: Path) -> Path:
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    for arguments in (["init", "-q"], ["add", "costops.yaml", "rules"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *arguments], check=True)
    return folder


def write_otherwise(folder: Path) -> Path:
    lines = [f"# why\n{line}" for line in PLANNED.splitlines(keepends=True) if line.startswith("  - id")]
    assert len(lines) == 2
    spelled = PLANNED.replace("  - id: support", "  # why\n  - id: support").replace("{env: env}}", '{"env": env}}')
    (folder / "rules" / "10-rules.yaml").unlink()
    (folder / "rules" / "20-renamed.yaml").write_text(spelled)
    return folder


def forget_what_was_read(folder: Path) -> Path:
    forget_cells(folder)
    return folder


STILL = {
    "other times": touch_everything,
    "another folder": go_elsewhere,
    "another commit": commit_it,
    "comments, layout and file names": write_otherwise,
    "an empty cache": forget_what_was_read,
}


@pytest.mark.parametrize("name", list(STILL))
@pytest.mark.parametrize("how", ["file", "digest"])
def test_what_only_looks_otherwise_is_applied(folder: Path, name: str, how: str) -> None:
    plan = document(folder)
    place = STILL[name](folder)
    done = costops(place, "apply", *(["plan.json"] if how == "file" else ["--digest", plan["plan_digest"]]))
    assert done.code == 0, done.err
    assert done.out.endswith("\nApplied as version 2.\n")
    assert f"Plan digest {plan['plan_digest']}\n" in done.out
    version = json.loads(costops(place, "show", "2", "--format", "json").out)
    assert (version["plan_digest"], version["result_digest"]) == (plan["plan_digest"], plan["result_digest"])


def test_a_bill_outside_the_workspace_has_the_same_digest_wherever_both_lie(folder: Path, tmp_path: Path) -> None:
    digests = []
    for name in ("here", "over/there"):
        place = Path(shutil.copytree(folder, tmp_path / name / "workspace"))
        (place / "bill").rename(tmp_path / name / "bills")
        edit_settings(place, billing=[{"name": "cloud", "path": "../bills/*.csv"}])
        digests.append(json.loads(costops(place, "plan", "--format", "json").out)["plan_digest"])
    assert digests[0] == digests[1] != document(folder)["plan_digest"]


# The plan's own cells


def test_a_plan_is_applied_on_its_own_cells_once_the_bill_has_moved(folder: Path) -> None:
    plan = document(folder)
    write_bill(folder / "bill" / "part-0.csv", BILL[:2], BILL)
    write_bill(folder / "bill" / "part-2.csv", BILL[2:3], BILL)
    done = costops(folder, "apply", "plan.json")
    assert done.code == 0, done.err
    assert done.out.endswith("\nApplied as version 2.\n")
    assert "The bill has moved since the plan." in done.err
    assert "bill: 1 file added, 1 changed" in " ".join(done.err.split())
    version = json.loads(costops(folder, "show", "2", "--format", "json").out)
    assert version["result_digest"] == plan["result_digest"]
    assert version["bill"]["digest"] == plan["bill"]["digest"]
    following = json.loads(costops(folder, "plan", "--format", "json").out)
    assert following["bill_changes"] is True
    assert {line["dimension"] for line in following["bill_money"]} >= {"env"}
    assert following["changes"] == []


def test_a_plan_is_applied_on_its_own_cells_even_if_the_bill_is_gone(folder: Path) -> None:
    shutil.rmtree(folder / "bill")
    done = costops(folder, "apply", "plan.json")
    assert done.code == 0, done.err
    assert "bill: 2 files gone" in " ".join(done.err.split())


def test_kept_cells_that_were_tampered_with_are_not_used(folder: Path) -> None:
    for file in (folder / ".costops" / "cache" / "cells").glob("*/*.parquet"):
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
    write_bill(folder / "bill" / "part-0.csv", BILL[:2], BILL)
    before = state(folder)
    done = costops(folder, "apply", "plan.json")
    assert done.code == 5
    assert "bill: 1 file changed" in done.err
    assert state(folder) == before


def test_rules_that_are_broken_by_now_are_told_as_such(folder: Path) -> None:
    write_rules(folder, PLANNED + "  - {id: broken}\n")
    before = state(folder)
    done = costops(folder, "apply", "plan.json")
    assert (done.code, done.out) == (3, "")
    assert "rules/10-rules.yaml:17" in done.err
    assert state(folder) == before


def test_a_bill_that_is_gone_with_its_cells_is_told_as_such(folder: Path) -> None:
    shutil.rmtree(folder / "bill")
    forget_cells(folder)
    before = state(folder)
    done = costops(folder, "apply", "plan.json")
    assert (done.code, done.out) == (1, "")
    assert "bill/*.csv" in done.err
    assert state(folder) == before


def test_a_plan_file_that_has_another_digest_than_the_approved_one_is_refused(folder: Path) -> None:
    planned = costops(folder, "plan", "--out", "plan.json", "--format", "json")
    digest = json.loads(planned.out)["plan_digest"]
    refused = costops(folder, "apply", "plan.json", "--digest", "0" * 64)
    assert refused.code == 5
    assert digest in refused.err
    assert costops(folder, "apply", "plan.json", "--digest", digest.upper()).code == 0
