"""Warnings that know the money, at the command line: the same from validate and plan, and never an exit code."""

from __future__ import annotations

import json
from pathlib import Path

from cli.commands import costops
from workbench import Case, charge, write

RULES = """\
labels:
  - {id: team, from: [Tags.team]}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {chekout: 60, search: 40}}
  - id: support-again
    source: {where: {ServiceName: Support}} # costops: ignore=CO806 kept for next month
    method: even
    to: {dimension: team, values: [checkout, search]}
"""
BILL = [charge("EC2", "10", team="checkout"), charge("EC2", "20", team="search"), charge("Support", "5")]
SAID = """\
rules/10-rules.yaml:7:37 CO808 warning: allocation support gives cost to what no charge has: `chekout` in team
   7 |     to: {dimension: team, percent: {chekout: 60, search: 40}}
     |                                     ^^^^^^^
     help: did you mean `checkout`?

0 errors, 1 warning. 1 warning ignored.
"""


def test_validate_and_plan_say_the_same(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    validated, planned = costops(tmp_path, "validate"), costops(tmp_path, "plan")
    assert (validated.code, validated.out, validated.err) == (0, SAID, "")
    assert (planned.code, planned.err) == (0, SAID)
    assert "CO808" not in planned.out


def test_validate_without_data_says_nothing_about_the_bill(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    (tmp_path / "bill" / "part-0.csv").unlink()
    done = costops(tmp_path, "validate", "--no-data")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_documents_have_ignored_warnings_with_the_reason(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    validated = json.loads(costops(tmp_path, "validate", "--format", "json").out)
    planned = json.loads(costops(tmp_path, "plan", "--format", "json").out)
    assert (validated["errors"], validated["warnings"], validated["ignored"]) == (0, 1, 1)
    assert [(each["code"], each["ignored"], each["reason"]) for each in validated["diagnostics"]] == [
        ("CO808", False, None),
        ("CO806", True, "kept for next month"),
    ]
    assert planned["diagnostics"] == validated["diagnostics"]


def test_a_saved_plan_keeps_what_was_ignored(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("team",)), tmp_path)
    assert costops(tmp_path, "plan", "--out", "saved.json").code == 0
    shown = costops(tmp_path, "show", "saved.json")
    assert shown.code == 0
    assert shown.err.endswith("0 errors, 1 warning. 1 warning ignored.\n")
    applied = costops(tmp_path, "apply", "saved.json")
    assert (applied.code, "1 warning ignored." in applied.err) == (0, True)


def test_what_keeps_the_rules_from_being_evaluated_is_told_on_stderr(tmp_path: Path) -> None:
    basis = (
        "method: proportional\n    to: {dimension: team}\n    basis: {where: {ServiceName: Gone}}\n    on_empty: error"
    )
    rules = RULES.replace("method: even\n    to: {dimension: team, values: [checkout, search]}", basis)
    rules = rules.replace("ServiceName: Support}} #", "ServiceName: EC2}} #")
    write(Case(rules, BILL, report=("team",)), tmp_path)
    done = costops(tmp_path, "validate")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "the rules were not evaluated on the bill: allocation support-again: 1 of its buckets have no basis, with "
        "USD 30 to split, and its on_empty is error\n"
    )
