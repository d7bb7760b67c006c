"""Plan files: what is written, shown and applied, and what is no plan."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pytest
from cli.commands import costops
from cli.saved import APPLIED, BILL, REPORT, USAGE, document, state
from workbench import Case, write

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
        (["apply", "plan.json", "--restate", "2025-04", "--reason", "x"], "exclude each other"),
        (["apply", "plan.json", "--refresh-only"], "exclude each other"),
        (["apply", "--refresh-only", "--restate", "2025-04", "--reason", "x"], "exclude each other"),
        (["plan", "--refresh-only", "--restate", "2025-04", "--reason", "x"], "exclude each other"),
        (["plan", "--base", "HEAD", "--out", "new.json"], "exclude each other"),
        (["plan", "--untrusted"], "--untrusted needs --base"),
        (["plan", "--restate", "2025-04"], "--restate needs --reason"),
        (["plan", "--reason", "x"], "--reason says why closed months are restated"),
        (["plan", "--base", "HEAD"], "so there is no revision"),
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
