"""Traps of deliveries, determinism and identity, each with its vector: T24, T28, T32 and T33."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from unit.engine.vectors import LABELS
from workbench import Case, Charge, assert_close, by, charge, evaluated, write, write_bill, write_rules

from costops.errors import BillError, StaleError
from costops.model.plan import MoneyLine, Plan
from costops.workspace import load_plan, open_workspace, save_plan

SUPPORT = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
"""
RULES = f"{LABELS}\nallocations:{SUPPORT}"


def plan(folder: Path) -> Plan:
    with open_workspace(folder, environment={}) as workspace:
        return workspace.plan()


def applied(folder: Path) -> None:
    with open_workspace(folder, environment={}) as workspace:
        workspace.apply(workspace.plan())


def deltas(lines: tuple[MoneyLine, ...]) -> dict[str | None, Fraction]:
    return {line.value: Fraction(line.delta, 10**12) for line in lines if line.dimension == "team"}


# T24: late and restated data.

BILL = [charge("EC2", "1", team="A"), charge("EC2", "3", team="B"), charge("Support", "8")]
RESTATED = [*BILL[:2], charge("Support", "12")]


def test_t24_a_saved_plan_is_refused_once_the_bill_was_restated(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    saved = tmp_path / "plan.json"
    save_plan(saved, plan(tmp_path))
    write_bill(tmp_path / "bill" / "part-0.csv", RESTATED, RESTATED)
    with open_workspace(tmp_path, environment={}) as workspace, pytest.raises(StaleError) as caught:
        workspace.review(load_plan(saved))
    assert any("part-0.csv" in reason for reason in caught.value.reasons)


def test_t24_what_a_restated_bill_changes_stands_apart_from_what_the_rules_change(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    applied(tmp_path)
    write_bill(tmp_path / "bill" / "part-0.csv", RESTATED, RESTATED)
    write_rules(tmp_path, RULES.replace("proportional", "even"))
    both = plan(tmp_path)
    assert both.bill_changes
    assert_close(deltas(both.bill_money), {"A": 1, "B": 3})
    (change,) = both.changes
    assert_close(deltas(change.money), {"A": 3, "B": -3})


def test_t24_a_month_that_the_bill_no_longer_has_is_carried_over_and_named(tmp_path: Path) -> None:
    may = [charge("EC2", "1", team="A", day="2025-05-10"), charge("Support", "5", day="2025-05-10")]
    case = Case(RULES, BILL, report=("team",))
    write(case, tmp_path)
    write_bill(tmp_path / "bill" / "part-1.csv", may, BILL)
    applied(tmp_path)
    write_rules(tmp_path, RULES.replace("proportional", "even"))
    (tmp_path / "bill" / "part-0.csv").unlink()
    later = plan(tmp_path)
    assert later.carried_months == ("2025-04",)
    assert later.ledger is not None
    assert_close(by(later.ledger, "team"), {"A": 1 + 2 + 1 + 5, "B": 3 + 6})


# T28: one cost, delivered twice.


def test_t28_two_files_of_the_same_content_are_refused_by_name(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path, bill_parts=[BILL, BILL])
    with pytest.raises(BillError) as caught:
        evaluated(tmp_path)
    assert "bill/part-0.csv and bill/part-1.csv have the same content" in caught.value.message


def test_t28_equal_rows_of_one_file_are_two_charges(tmp_path: Path) -> None:
    write(Case(RULES, [*BILL, BILL[0]], report=("team",)), tmp_path)
    assert_close(by(evaluated(tmp_path), "team"), {"A": 2 + Fraction(16, 5), "B": 3 + Fraction(24, 5)})


def test_t28_a_file_that_two_sources_name_is_refused(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    settings = json.loads((tmp_path / "costops.yaml").read_text(encoding="utf-8"))
    settings["billing"].append({"name": "again", "path": "bill/part-0.csv"})
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    with pytest.raises(BillError) as caught:
        evaluated(tmp_path)
    assert "both name bill/part-0.csv" in caught.value.message


OLD, NEW = "0a3f7c2e-8d1b-4f6a-9c3e-5b7d9e1f2a4c", "f1e2d3c4-b5a6-4789-8abc-def012345678"
MONTH = "20250401-20250501"


def test_t28_of_two_versions_of_a_month_the_manifest_says_which_one_counts(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path, bill_parts=[])
    settings = json.loads((tmp_path / "costops.yaml").read_text(encoding="utf-8"))
    settings["billing"][0]["path"] = "bill/**/*.csv"
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    month = tmp_path / "bill" / MONTH
    for version, rows in ((OLD, BILL), (NEW, RESTATED)):
        (month / version).mkdir(parents=True)
        write_bill(month / version / "cost-1.csv", rows, rows)
    with pytest.raises(BillError) as caught:
        evaluated(tmp_path)
    assert "has several versions of one month, which would count twice" in caught.value.message
    manifest = {"assemblyId": NEW, "reportKeys": [f"bills/{MONTH}/{NEW}/cost-1.csv"]}
    (month / "cost-Manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert_close(by(evaluated(tmp_path), "team"), {"A": 4, "B": 12})


# T32: determinism.


def test_t32_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    bill = [charge("EC2", str(1 + number), team=f"team {number % 7}") for number in range(40)]
    bill += [charge("Support", "0.000000000007"), charge("Support", "99.99")]
    case = Case(RULES, bill, report=("team",))
    parts: list[list[Charge]] = [list(bill[30:]), list(bill[:30])]
    write(case, tmp_path / "one")
    write(Case(RULES, list(reversed(bill)), report=("team",)), tmp_path / "reversed")
    write(case, tmp_path / "files", bill_parts=parts)
    first = evaluated(tmp_path / "one", threads=1)
    again = evaluated(tmp_path / "one", threads=2)
    turned = evaluated(tmp_path / "reversed", threads=2)
    files = evaluated(tmp_path / "files", threads=2)
    assert first == again == turned == files
    assert len({first.digest, again.digest, turned.digest, files.digest}) == 1
    documents = []
    for name in ("first.json", "second.json"):
        save_plan(tmp_path / name, plan(tmp_path / "one"))
        documents.append((tmp_path / name).read_bytes())
    assert documents[0] == documents[1]


# T33: identity.


def test_t33_another_name_moves_nothing_because_the_id_is_the_identity(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    applied(tmp_path)
    write_rules(tmp_path, f"{RULES}    name: Support and its friends\n")
    renamed = plan(tmp_path)
    (change,) = renamed.changes
    assert (change.action, change.id, [field.path for field in change.fields]) == ("change", "support", ["name"])
    assert change.money == ()
    assert renamed.writes


def test_t33_another_id_is_a_rename_and_no_delete_and_create(tmp_path: Path) -> None:
    text = f"""{RULES}
  - id: by-support
    source: {{where: {{ServiceName: Network}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {{allocated_by: support}}}}
"""
    write(Case(text, [*BILL, charge("Network", "4")], report=("team",)), tmp_path)
    applied(tmp_path)
    other = text.replace("- id: support", "- id: fees\n    renamed_from: support")
    other = other.replace("allocated_by: support", "allocated_by: fees")
    other = other.replace("{id: team, from: [Tags.team]}", "{id: squad, renamed_from: team, from: [Tags.team]}")
    write_rules(tmp_path, other.replace("dimension: team", "dimension: squad"))
    settings = json.loads((tmp_path / "costops.yaml").read_text(encoding="utf-8"))
    settings["report"] = ["squad"]
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    renamed = plan(tmp_path)
    of_rules = [change for change in renamed.changes if change.kind != "settings"]
    assert {(change.action, change.kind, change.id, change.previous_id) for change in of_rules} == {
        ("rename", "label", "squad", "team"),
        ("rename", "allocation", "fees", "support"),
    }
    assert [line for change in renamed.changes for line in change.money] == []
    assert renamed.ledger is not None
    assert_close(by(renamed.ledger, "squad"), {"A": 4, "B": 12})
    assert set(renamed.ledger.paths) == {"", "fees", "by-support"}
