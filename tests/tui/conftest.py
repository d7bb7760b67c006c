"""One small applied workspace with every hazard of names, and snapshots of screens as plain text."""

from __future__ import annotations

import difflib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from workbench import Case, charge, write

from costops.workspace import open_workspace

RULES = """\
# Labels make one key of many.
labels:
  - {id: env, from: [Tags.env, Tags.environment], transform: [trim, lower], rename: {production: [prod]}}
  - {id: team, from: Tags.team}

allocations:
  - id: support-by-env
    description: By what was computed.
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: env}
    basis: {where: {ServiceName: EC2}}

  - id: support-by-team
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {checkout: 75, "[red]team[/]": 25}}
"""
MORE_RULES = """\
allocations:
  - id: nobody-buys-this
    source: {where: {ServiceName: Nothing}}
    method: even
    to: {dimension: team, values: [checkout, search]}
  - id: switched-off
    enabled: false
    source: {where: {ServiceName: EC2}}
    method: even
    to: {dimension: team, values: [checkout, search]}
  - id: passed-on
    source: {allocated: only, where: {allocated_by: support-by-team, team: "[red]team[/]"}}
    method: even
    to: {dimension: team, values: [データ基盤]}
  - id: tax
    source: {where: {ServiceName: Tax}}
    method: percent
    to:
      dimension: [env, team]
      percent: [{env: production, team: checkout, percent: 60}, {env: staging, team: checkout, percent: 40}]
"""
BILL = [
    charge("EC2", "30", day="2025-03-10", env="production"),
    charge("EC2", "10", day="2025-03-10", env="old"),
    charge("EC2", "60", day="2025-04-10", env="prod", team="checkout"),
    charge("EC2", "40", day="2025-04-10", env="staging"),
    charge("Support", "20", day="2025-04-10"),
    charge("EC2", "75.50", day="2025-05-10", env="prod"),
    charge("EC2", "25", day="2025-05-10", env="[bold]staging[/bold]"),
    charge("EC2", "4.50", day="2025-05-10", environment="環境テスト"),
    charge("EC2", "1.25", day="2025-05-10", env="tab\there \x1b[31mred\u202e"),
    charge("Tax", "5", day="2025-05-10"),
    charge("Marketplace", "12.75", day="2025-05-10"),
    charge("EC2", "8", day="2025-05-10", env="production", BillingCurrency="EUR"),
    charge("Support", "2", day="2025-05-10", BillingCurrency="EUR"),
]


def make(folder: Path) -> Path:
    """The workspace, not applied."""
    write(Case(RULES, BILL, report=("env", "team")), folder)
    (folder / "rules" / "20-more.yaml").write_text(MORE_RULES, encoding="utf-8")
    return folder


def apply(folder: Path) -> Path:
    """Apply what there is to apply."""
    with open_workspace(folder, environment={}) as workspace:
        workspace.apply(workspace.plan())
    return folder


@pytest.fixture(scope="session")
def applied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspace with its first version; not to be changed."""
    return apply(make(tmp_path_factory.mktemp("applied")))


@pytest.fixture
def own(applied: Path, tmp_path: Path) -> Path:
    """A copy of the applied workspace for one test to change."""
    return Path(shutil.copytree(applied, tmp_path / "own"))


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """The workspace before its first apply."""
    return make(tmp_path / "fresh")


@pytest.fixture
def snapshot(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compares a screen with `snapshots/NAME.txt`; with UPDATE_SNAPSHOTS=1 it writes the file instead."""

    def compare(name: str, text: str) -> None:
        path = Path(request.path).parent / "snapshots" / f"{name}.txt"
        if os.environ.get("UPDATE_SNAPSHOTS"):
            path.write_text(text, encoding="utf-8")
        assert path.exists(), f"no snapshot {name}; UPDATE_SNAPSHOTS=1 writes it, then look at it"
        expected = path.read_text(encoding="utf-8")
        difference = difflib.unified_diff(expected.splitlines(), text.splitlines(), "expected", "shown", lineterm="")
        assert text == expected, "\n".join(difference)

    return compare
