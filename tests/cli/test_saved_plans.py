"""Saved plans on the command line: what moved since is refused and named, what only looks otherwise is applied."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cli.commands import Done, costops
from workbench import Case, charge, usage, write, write_bill, write_usage

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: team, from: Tags.team}
  - {id: unit, from: [{field: Tags.team, transform: [{lookup: teams.csv}]}]}
metrics:
  - {id: hours, source: warehouse, query: hours, labels: {env: env}}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: METHOD
    to: {dimension: env}
  - id: database
    source: {where: {ServiceName: RDS}}
    method: metric
    to: {dimension: env}
    basis: {metric: hours}
"""
APPLIED = RULES.replace("METHOD", "proportional")
PLANNED = RULES.replace("METHOD", "even")
START = PLANNED.index("  - id: support")
END = PLANNED.index("  - id: database")
REORDERED = PLANNED[:START] + PLANNED[END:] + PLANNED[START:END]
TAX = "  - {id: tax, source: {where: {ServiceName: Tax}}, method: even, to: {dimension: env, values: [production]}}\n"
BILL = [
    charge("EC2", "10", env="production", team="a", BilledCost="30"),
    charge("EC2", "30", env="staging", team="b", BilledCost="10"),
    charge("Support", "8"),
    charge("RDS", "4"),
    charge("Tax", "2"),
]
MORE = [charge("Tax", "3", env="production")]
USAGE = [usage("hours", "1", env="production"), usage("hours", "3", env="staging")]
REPORT = ("env", "unit")


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace at version 1, with other rules planned into plan.json; every test takes a copy."""
    folder = write(Case(APPLIED, BILL, USAGE, report=REPORT), tmp_path_factory.mktemp("planned"))
    write_table(folder, b="Media")
    write_bill(folder / "bill" / "part-1.csv", MORE, BILL)
    assert costops(folder, "apply", "--auto-approve").code == 0
    write_rules(folder, PLANNED)
    done = costops(folder, "plan", "--out", "plan.json")
    assert done.code == 0, done.err
    return folder


@pytest.fixture
def folder(planned: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(planned, tmp_path / "copy"))


def write_rules(folder: Path, text: str) -> None:
    (folder / "rules" / "10-rules.yaml").write_text(text)


def write_table(folder: Path, **units: str) -> None:
    rows = "".join(f"{team},{unit}\n" for team, unit in {"a": "Retail", **units}.items())
    (folder / "rules" / "teams.csv").write_text(f"team,unit\n{rows}")


def edit_settings(folder: Path, **values: object) -> None:
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def forget_cells(folder: Path) -> None:
    shutil.rmtree(folder / ".costops")


def state(folder: Path) -> bytes:
    return (folder / "state" / "costops.db").read_bytes()


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
        lambda folder: write_rules(folder, PLANNED[:END]), ("rules: 1 removed since the plan", "- allocation database")
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
    (cells,) = (folder / ".costops" / "cache" / "cells").iterdir()
    for file in cells.glob("*.parquet"):
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


# The file


def test_a_saved_plan_is_the_document_and_shows_the_same_text(folder: Path) -> None:
    planned = costops(folder, "plan", "--format", "json")
    assert planned.out == (folder / "plan.json").read_text()
    assert costops(folder, "show", "plan.json", "--format", "json").out == planned.out
    text = costops(folder, "plan")
    shown = costops(folder, "show", "plan.json")
    assert (shown.code, shown.out) == (0, text.out)
    assert text.out.splitlines()[-1] == f"Plan digest {document(folder)['plan_digest']}"
    assert costops(folder, "show", "plan.json", "--all").out == costops(folder, "plan", "--all").out


def test_a_saved_plan_can_be_shown_without_its_workspace(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(folder / "plan.json", alone / "7.json")
    assert costops(alone, "show", "7.json").out == costops(folder, "plan").out


def test_a_number_is_a_version_and_a_file_called_so_needs_its_folder(folder: Path) -> None:
    shutil.copy(folder / "plan.json", folder / "1")
    assert costops(folder, "show", "1").out.startswith("version  1\n")
    assert costops(folder, "show", "./1").out.startswith("costops plan ")
    assert costops(folder, "show", "0").code == 64
    assert costops(folder, "show", "9" * 30).code == 64
    assert costops(folder, "show", "2").code == 7


def test_planning_changes_no_byte_of_the_state_and_the_file_is_its_owners_alone(folder: Path) -> None:
    before = state(folder)
    done = costops(folder, "plan", "--out", "other.json", "--detailed-exitcode")
    assert done.code == 2
    assert "costops apply other.json" in done.err
    assert state(folder) == before
    assert (folder / "other.json").read_bytes() == (folder / "plan.json").read_bytes()
    assert stat.S_IMODE((folder / "other.json").stat().st_mode) == 0o600
    assert [each.name for each in folder.iterdir() if each.name.startswith(".other")] == []


def test_a_relative_file_lies_where_the_command_was_started(folder: Path) -> None:
    below = folder / "rules"
    assert costops(below, "plan", "--out", "below.json").code == 0
    assert (below / "below.json").is_file()
    assert costops(folder.parent, "-C", folder.name, "apply", "plan.json").code == 0


def test_a_plan_without_work_says_so_and_makes_no_version(folder: Path) -> None:
    assert costops(folder, "apply", "plan.json").code == 0
    assert costops(folder, "plan", "--out", "idle.json").code == 0
    before = state(folder)
    done = costops(folder, "apply", "idle.json")
    assert (done.code, done.out) == (0, "idle.json has nothing to write; no version was made.\n")
    digest = json.loads((folder / "idle.json").read_text())["plan_digest"]
    by_digest = costops(folder, "apply", "--digest", digest)
    assert by_digest.code == 0
    assert "No changes." in by_digest.out
    assert state(folder) == before


def test_a_plan_that_was_applied_before_says_as_which_version(folder: Path) -> None:
    digest = document(folder)["plan_digest"]
    assert costops(folder, "apply", "plan.json").code == 0
    again = costops(folder, "apply", "plan.json")
    assert again.code == 5
    assert "version 2 was applied from this very plan" in again.err
    by_digest = costops(folder, "apply", "--digest", digest.upper())
    assert by_digest.code == 5
    assert "version 2 was applied from the plan that was asked for" in by_digest.err


def test_the_first_plan_of_a_workspace_can_be_saved_and_applied(tmp_path: Path) -> None:
    folder = write(
        Case(APPLIED.replace("[{field: Tags.team, transform: [{lookup: teams.csv}]}]", "Tags.team"), BILL, USAGE),
        tmp_path,
    )
    assert costops(folder, "plan", "--out", "plan.json").code == 0
    digest = document(folder)["plan_digest"]
    elsewhere = Path(shutil.copytree(folder, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("elsewhere")))
    assert costops(elsewhere, "apply", "--digest", digest).out.endswith("\nApplied as version 1.\n")
    assert costops(folder, "apply", "plan.json").out.endswith("\nApplied as version 1.\n")
    assert costops(folder, "ledger", "--format", "csv").out == costops(elsewhere, "ledger", "--format", "csv").out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["apply", "none.json"], "there is no file"),
        (["show", "none.json"], "there is no file"),
        (["apply", "rules"], "is a folder, no plan"),
        (["apply", "costops.yaml"], "is no plan: it is another JSON document"),
        (["apply", "rules/10-rules.yaml"], "is no plan: it is not JSON from line 1 on"),
        (["apply", "plan.json", "--digest", "0" * 64], "exclude each other"),
        (["apply", "--digest", "0" * 12], "takes a whole plan digest, 64 hexadecimal digits"),
        (["plan", "--out", "costops.yaml"], "is there already and is no plan; it was left as it is"),
        (["plan", "--out", "rules"], "is a folder"),
        (["plan", "--out", "nowhere/plan.json"], "there is no folder"),
        (["plan", "--out", "/dev/null"], "is no regular file"),
    ],
)
def test_wrong_use_is_told_in_one_sentence(folder: Path, arguments: list[str], words: str) -> None:
    before = (state(folder), (folder / "costops.yaml").read_bytes())
    done = costops(folder, *arguments)
    assert (done.code, done.out) == (64, "")
    assert words in done.err
    assert "help: " in done.err
    assert (state(folder), (folder / "costops.yaml").read_bytes()) == before


def test_a_plan_that_was_changed_by_hand_is_neither_shown_nor_applied(folder: Path) -> None:
    text = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(text.replace('"even"', '"percent"', 1))
    assert text != (folder / "plan.json").read_text()
    for command in ("show", "apply"):
        done = costops(folder, command, "plan.json")
        assert (done.code, done.out) == (5, "")
        assert "was changed since costops wrote it" in done.err


def test_the_ledger_of_an_applied_file_is_what_the_plan_showed(folder: Path) -> None:
    plan = document(folder)
    assert costops(folder, "apply", "plan.json").code == 0
    for dimension in REPORT:
        rows = csv.DictReader(costops(folder, "ledger", "--by", dimension, "--format", "csv").out.splitlines())
        written = {(row[dimension] or None, row["BillingCurrency"]): row["EffectiveCost"] for row in rows}
        shown = {
            (each["value"], each["BillingCurrency"]): each["amount"]
            for each in plan["result"]
            if each["dimension"] == dimension
        }
        assert written == shown
