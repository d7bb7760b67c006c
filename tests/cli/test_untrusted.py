"""A stranger's pull request: what it may decide, and what it may not."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cli.commands import Done, costops
from workbench import Case, charge, write, write_bill, write_rules

RULES = """\
labels: [{id: env, from: Tags.env}]
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: env, percent: {production: 100}}
"""
BILL = [charge("Support", "8"), charge("EC2", "10", env="production")]


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=mara", "-c", "user.email=mara@example.org", "-c", "init.defaultBranch=main")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = write(Case(RULES, BILL, report=("env",)), tmp_path / "workspace")
    git(made, "init")
    git(made, "add", "-A")
    git(made, "commit", "-m", "ours")
    return made


def planned(folder: Path, *more: str) -> Done:
    return costops(folder, "plan", "--base", "HEAD", "--untrusted", "--format", "json", *more)


def settings(folder: Path, **changes: object) -> None:
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))


def test_the_rules_are_theirs_and_the_settings_ours(folder: Path, tmp_path: Path) -> None:
    write_rules(folder, RULES.replace("production: 100", "staging: 100"))
    write_bill(tmp_path / "other.csv", [charge("EC2", "1000", env="theirs")], BILL)
    settings(
        folder,
        billing=[{"name": "cloud", "path": str(tmp_path / "other.csv")}],
        state=str(tmp_path / "theirs.db"),
        checks=[],
        report=["ServiceName"],
    )
    plan = json.loads(planned(folder).out)
    assert plan["report"] == ["env"]
    assert [each["before"] for each in plan["totals"]] == ["18", "18"]
    assert [(each["kind"], each["id"]) for each in plan["changes"]] == [("allocation", "support")]
    # A trusted comparison takes the settings from the working tree.
    trusted = json.loads(costops(folder, "plan", "--base", "HEAD", "--format", "json").out)
    assert trusted["report"] == ["ServiceName"]


def test_what_the_tree_keeps_is_not_believed_and_nothing_is_left_in_it(folder: Path) -> None:
    assert costops(folder, "plan").code == 0
    for kept in (folder / ".costops" / "cache").rglob("*"):
        if kept.is_file():
            kept.write_bytes(b"theirs")
    before = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file() and ".git/" not in str(each)}
    done = planned(folder)
    assert done.code == 0, done.err
    after = {each: each.read_bytes() for each in folder.rglob("*") if each.is_file() and ".git/" not in str(each)}
    assert after == before


def test_a_link_out_of_the_workspace_is_not_followed(folder: Path, tmp_path: Path) -> None:
    write_bill(tmp_path / "secret.csv", [charge("EC2", "1000", env="secret")], BILL)
    (folder / "bill" / "part-1.csv").symlink_to(tmp_path / "secret.csv")
    done = planned(folder)
    assert done.code == 1
    assert "is a link out of the workspace, which --untrusted does not follow" in done.err
    assert "secret" not in done.out.replace("secret.csv", "")


def test_a_revision_without_settings_is_refused(folder: Path) -> None:
    git(folder, "rm", "--cached", "costops.yaml")
    git(folder, "commit", "-m", "no settings")
    done = planned(folder)
    assert done.code == 64
    assert "HEAD has no costops.yaml here" in done.err
