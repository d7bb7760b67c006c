"""Entries with `hidden: true` on the screens: counted, found by a filter, and never hidden with a problem."""

from __future__ import annotations

from pathlib import Path

import pytest
from tui.driving import screen_after
from workbench import Case, charge, write

from costops.workspace import open_workspace

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: secret_label, from: Tags.secret, hidden: true}
allocations:
  - id: shown-rule
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: env, values: [a, b]}
  - id: hidden-rule
    hidden: true
    source: {where: {ServiceName: Tax}}
    method: even
    to: {dimension: env, values: [a, b]}
"""
BILL = [charge("EC2", "10", env="a"), charge("Support", "4"), charge("Tax", "6")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(Case(RULES, BILL, report=("env",)), tmp_path)
    with open_workspace(tmp_path, environment={"COSTOPS_ACTOR": "mara"}) as workspace:
        workspace.apply(workspace.plan())
    return tmp_path


def test_the_tree_counts_what_is_hidden(folder: Path) -> None:
    shown = screen_after(folder, "2")
    assert "shown-rule" in shown
    assert "2 hidden" in shown
    tree = shown.partition("What it does")[0]
    assert "hidden-rule" not in tree
    assert "secret_label" not in tree


def test_a_filter_finds_what_is_hidden(folder: Path) -> None:
    shown = screen_after(folder, "2", "slash", *"secret", "enter")
    assert "secret_label  (hidden)" in shown


def test_a_hidden_entry_with_a_problem_is_shown(folder: Path) -> None:
    file = folder / "rules" / "10-rules.yaml"
    file.write_text(RULES.replace("from: Tags.secret", "from: Tags"), encoding="utf-8")
    shown = screen_after(folder, "2")
    assert "secret_label  (hidden)  ! 1 error" in shown
    assert "1 hidden" in shown


def test_the_order_counts_hidden_rules_and_keeps_their_money(folder: Path) -> None:
    shown = screen_after(folder, "3")
    steps = shown.partition("The rule")[0]
    assert "1 rule hidden." in steps
    assert "hidden-rule" not in steps
    assert [line.split()[-1] for line in steps.splitlines() if "no rule took" in line or "shown-rule" in line] != []
    last = next(line for line in steps.splitlines() if "no rule took" in line)
    assert "10.00" in last


def test_a_rule_found_in_the_order_is_opened_in_the_tree(folder: Path) -> None:
    found = screen_after(folder, "3", "slash", *"hidden-rule", "enter", "down", "enter")
    assert "hidden-rule  (hidden)" in found
