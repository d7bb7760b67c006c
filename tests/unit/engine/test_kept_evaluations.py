"""Evaluations that are kept: used for what they are of, and for nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from workbench import Case, charge, write, write_rules

from costops.engine.embedded import Evaluation, Request, evaluate
from costops.workspace import open_workspace

RULES = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: proportional, to: {dimension: team},
     basis: {where: {ServiceName: EC2}}}
  - {id: tax, source: {where: {ServiceName: Tax}}, method: percent, to: {dimension: team, percent: {a: 60, b: 40}}}
  - {id: shared, source: {where: {ServiceName: S3, env: null}}, method: even,
     to: {dimension: env, values: [production, test]}}
  - {id: rest, source: {where: {team: null}}, method: proportional, to: {dimension: team},
     basis: {where: {ServiceName: [EC2, Tax]}}}
"""
BILL = [
    charge("EC2", "100", team="a", env="production"),
    charge("EC2", "200.07", team="b"),
    charge("Support", "31"),
    charge("Tax", "10.01"),
    charge("S3", "7.77"),
    charge("S3", "5", team="b", env="test"),
]
CASE = Case(RULES, BILL, report=("team", "env"))
EDITED = RULES.replace("a: 60, b: 40", "a: 50, b: 50")


def evaluated(folder: Path, *, full: bool = False) -> Evaluation:
    """The rules of a folder evaluated as an apply would, with what is kept in `folder/cache`."""
    with open_workspace(folder, environment={}) as workspace:
        return evaluate(
            workspace.bill,
            workspace.metrics,
            [Request(workspace.rules, want_ledger=True, want_notices=True)],
            report=workspace.settings.report,
            cost=workspace.settings.cost,
            threads=1,
            cells=folder / "cache" / "cells",
            evaluations=folder / "cache" / "evaluations",
            full=full,
        )


def kept(folder: Path) -> list[Path]:
    return sorted((folder / "cache" / "evaluations").iterdir())


def ran(evaluation: Evaluation) -> int:
    return evaluation.outcomes[0].steps_run


def test_a_kept_evaluation_is_not_made_again_and_gives_the_same(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    first, again = evaluated(tmp_path), evaluated(tmp_path)
    assert (ran(first), ran(again)) == (4, 0)
    assert again.outcomes[0].ledger == first.outcomes[0].ledger
    assert again.outcomes[0].notices == first.outcomes[0].notices
    assert again.outcomes[0].taken == first.outcomes[0].taken
    assert again.outcomes[0].ledger_facts == first.outcomes[0].ledger_facts
    assert len(kept(tmp_path)) == 1


def test_all_is_evaluated_where_all_is_asked_for_and_kept_anew(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    first = evaluated(tmp_path)
    (entry,) = kept(tmp_path)
    entry.write_bytes(b"x")
    full = evaluated(tmp_path, full=True)
    assert ran(full) == 4
    assert full.outcomes[0].ledger == first.outcomes[0].ledger
    assert ran(evaluated(tmp_path)) == 0


@pytest.mark.parametrize("damage", ["cut", "byte", "empty", "note"])
def test_a_damaged_entry_counts_as_not_kept(tmp_path: Path, damage: str) -> None:
    write(CASE, tmp_path)
    first = evaluated(tmp_path)
    (entry,) = kept(tmp_path)
    content = entry.read_bytes()
    middle = len(content) // 2
    changed = {
        "cut": content[:middle],
        "byte": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :],
        "empty": b"",
        "note": b"no database",
    }[damage]
    entry.write_bytes(changed)
    again = evaluated(tmp_path)
    assert ran(again) == 4
    assert again.outcomes[0].ledger == first.outcomes[0].ledger


def test_an_entry_of_other_rules_under_the_name_of_these_counts_as_not_kept(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    evaluated(tmp_path)
    (entry,) = kept(tmp_path)
    write_rules(tmp_path, EDITED)
    expected = evaluated(tmp_path).outcomes[0].ledger
    (other,) = [each for each in kept(tmp_path) if each != entry]
    own = other.name.partition("-")[0]
    other.unlink()
    shutil.move(entry, entry.with_name(f"{own}-{entry.stem.partition('-')[2]}.duckdb"))
    again = evaluated(tmp_path)
    assert ran(again) == 4
    assert again.outcomes[0].ledger == expected


def test_another_bill_report_or_cost_is_another_evaluation(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    evaluated(tmp_path)
    write(Case(RULES, BILL, report=("env", "team")), tmp_path)
    assert ran(evaluated(tmp_path)) == 4
    write(Case(RULES, BILL, report=("team", "env"), cost="BilledCost"), tmp_path)
    assert ran(evaluated(tmp_path)) == 4
    write(Case(RULES, [*BILL, charge("EC2", "1", team="c")], report=("team", "env")), tmp_path)
    assert ran(evaluated(tmp_path)) == 4


def test_a_plan_of_an_edit_evaluates_what_the_edit_reaches(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        workspace.apply(workspace.plan(keep_cells=True))
    write_rules(tmp_path, RULES.replace("values: [production, test]", "values: [production, staging]"))
    with open_workspace(tmp_path, environment={}) as workspace:
        plan = workspace.plan(keep_cells=True)
        full = workspace.plan(keep_cells=True, full=True)
    assert [change.id for change in plan.changes] == ["shared"]
    assert (plan.plan_digest, plan.changes, plan.diagnostics) == (full.plan_digest, full.changes, full.diagnostics)
    assert plan.ledger == full.ledger


def test_no_more_than_a_few_evaluations_are_kept(tmp_path: Path) -> None:
    write(CASE, tmp_path)
    for share in range(10, 70, 10):
        write_rules(tmp_path, RULES.replace("a: 60, b: 40", f"a: {share}, b: {100 - share}"))
        evaluated(tmp_path)
    assert len(kept(tmp_path)) == 4
    assert ran(evaluated(tmp_path)) == 0
