"""A rename as its user sees it: plan, apply, ledgers of both versions, diff; and what is hidden."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.commands import costops
from workbench import Case, charge, write

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: team, from: Tags.team, hidden: true}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: env}
"""
RENAMED = RULES.replace("{id: env, from", "{id: stage, renamed_from: env, from").replace(
    "dimension: env", "dimension: stage"
)
BILL = [charge("EC2", "10", env="production", team="a"), charge("EC2", "30", env="staging"), charge("Support", "8")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two versions, the second of which renamed the label `env`."""
    made = write(Case(RULES, BILL, report=("env", "team")), tmp_path_factory.mktemp("renamed"))
    assert costops(made, "apply", "--auto-approve").code == 0
    write(Case(RENAMED, BILL, report=("stage", "team")), made)
    return made


def test_a_rename_is_planned_applied_and_followed(folder: Path) -> None:
    plan = costops(folder, "plan", "--detailed-exitcode")
    assert plan.code == 2
    assert "  > label stage " in plan.out
    assert "      id  env  ->  stage\n      moves nothing\n" in plan.out
    assert "Plan: 0 to add, 0 to change, 0 to remove, 0 to move, 1 to rename.  Moves nothing." in plan.out
    (change,) = json.loads(costops(folder, "plan", "--format", "json").out)["changes"]
    assert (change["action"], change["kind"], change["id"], change["previous_id"]) == (
        "rename",
        "label",
        "stage",
        "env",
    )
    assert change["money"] == []
    assert costops(folder, "apply", "--auto-approve").out.endswith("Applied as version 2.\n")
    assert costops(folder, "plan", "--detailed-exitcode").code == 0

    new, old = (
        costops(folder, "ledger", "--version", "1", "--by", name, "--format", "csv") for name in ("stage", "env")
    )
    assert new.out.splitlines()[0] == "stage,BillingCurrency,BilledCost,EffectiveCost"
    assert new.out.splitlines()[1:] == old.out.splitlines()[1:] == ["production,USD,12,12", "staging,USD,36,36"]

    diff = costops(folder, "diff", "1", "2")
    assert diff.code == 0
    assert "  > label stage " in diff.out
    assert "No element of stage, team has another cost.\nTotal USD 48.00 -> 48.00 (difference 0)." in diff.out
    found = json.loads(costops(folder, "diff", "1", "2", "--format", "json").out)
    assert (found["money"], found["renamed_report"]) == ([], [{"before": "env", "after": "stage"}])

    assert costops(folder, "diff", "1", "7").code == 7
    assert costops(folder, "diff", "1").code == 64
    assert costops(folder, "diff", "0", "1").code == 64


def test_what_is_hidden_is_left_out_of_lists_and_counted(folder: Path) -> None:
    listed, every = costops(folder, "show", "1").out, costops(folder, "show", "1", "--all").out
    assert listed.endswith("1 hidden (--all)\n")
    assert "team" not in [line.split()[1] for line in listed.splitlines() if line.startswith("label ")]
    assert "team" in [line.split()[1] for line in every.splitlines() if line.startswith("label ")]
    assert "hidden" not in every
    refused = costops(folder, "ledger", "--by", "region", "--version", "1")
    assert refused.code == 64
    assert (
        "It can be grouped by: env, day, charge_month, billing_month, allocated_by, allocation_path and 1 hidden."
        in refused.err
    )
    refused = costops(folder, "digest", "--by", "region", "--version", "1")
    assert "It has: env and 1 hidden." in refused.err
    assert costops(folder, "ledger", "--by", "team", "--version", "1", "--format", "csv").out.splitlines()[1:] == [
        ",USD,38,38",
        "a,USD,10,10",
    ]


def test_an_old_id_that_is_still_there_is_shown_in_its_file(tmp_path: Path) -> None:
    write(Case(RENAMED.replace("id: team", "id: env"), BILL, report=("stage",)), tmp_path)
    done = costops(tmp_path, "validate")
    assert done.code == 3
    assert (
        "rules/10-rules.yaml:2:31 CO321 the label `env` still exists, so that `stage` cannot have been it" in done.out
    )
    assert costops(tmp_path, "plan").code == 3
