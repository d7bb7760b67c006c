"""Lookups in every place where transforms may stand, each compared with the oracle."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbench import Case, assert_close, by, charge, run, totals, usage, write

from costops.workspace import open_workspace

BILL = [
    charge("EC2", "10", team=" Checkout", SubAccountId="001"),
    charge("EC2", "20", team="search"),
    charge("EC2", "3", team="nobody", SubAccountId="002"),
    charge("EC2", "0.5", SubAccountId="001"),
    charge("Support", "6"),
]
UNITS = [("checkout", "Commerce"), ("search", "Discovery"), ("legacy", "")]


def test_a_label_looks_up_and_a_text_that_the_table_lacks_leaves_it_to_the_next_source(tmp_path: Path) -> None:
    rules = """
labels:
  - id: unit
    from: [{field: Tags.team, transform: [trim, lower, {lookup: units.csv}]}, {field: SubAccountId, transform: {lookup: accounts.csv}}]
"""  # noqa: E501
    tables = {"units.csv": UNITS, "accounts.csv": [("001", "Platform")]}
    ledger = run(Case(rules, BILL, report=("unit",), tables=tables), tmp_path)
    assert_close(by(ledger, "unit"), {"Commerce": 10, "Discovery": 20, "Platform": "0.5", None: 9})


def test_keys_are_compared_exactly(tmp_path: Path) -> None:
    rules = "labels: [{id: unit, from: Tags.team, transform: {lookup: units.csv}}]"
    tables = {"units.csv": [("Checkout", "no"), (" Checkout", "yes"), ("SEARCH", "no")]}
    ledger = run(Case(rules, BILL, report=("unit",), tables=tables), tmp_path)
    assert_close(by(ledger, "unit"), {"yes": 10, None: "29.5"})


def test_drops_and_renames_of_a_label_see_the_value_of_the_table(tmp_path: Path) -> None:
    rules = """
labels:
  - id: unit
    from: [Tags.team, SubAccountId]
    transform: [trim, lower, {lookup: units.csv}]
    drop: [Discovery]
    rename: {Shop: [Commerce]}
"""
    ledger = run(Case(rules, BILL, report=("unit",), tables={"units.csv": [*UNITS, ("001", "x")]}), tmp_path)
    assert_close(by(ledger, "unit"), {"Shop": 10, "x": "0.5", None: 29})


def test_dimension_rules_look_up_before_and_after_the_allocations(tmp_path: Path) -> None:
    rules = """
labels: [{id: team, from: Tags.team, transform: [trim, lower]}]
dimensions:
  - id: unit
    rules: [{from: {field: team, transform: {lookup: units.csv}}}, {value: other, where: {team: {present: true}}}]
  - id: result_unit
    stage: result
    rules: [{from: team, transform: [{lookup: units.csv}, {lookup: floors.csv}]}, {from: [unit, SubAccountId]}]
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {checkout: 50, search: 50}}
"""
    tables = {"units.csv": UNITS, "floors.csv": [("Commerce", "first"), ("Discovery", "second")]}
    ledger = run(Case(rules, BILL, report=("unit", "result_unit"), tables=tables), tmp_path)
    assert_close(by(ledger, "unit"), {"Commerce": 10, "Discovery": 20, "other": 3, None: "6.5"})
    assert_close(by(ledger, "result_unit"), {"first": 13, "second": 23, "other": 3, "001": "0.5"})


def test_a_condition_and_a_partition_see_what_was_looked_up(tmp_path: Path) -> None:
    rules = """
labels:
  - {id: team, from: Tags.team, transform: [trim, lower]}
  - {id: unit, from: Tags.team, transform: [trim, lower, {lookup: units.csv}]}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: unit}
    basis: {where: {unit: {present: true}}}
"""
    ledger = run(Case(rules, BILL, report=("unit",), tables={"units.csv": UNITS}), tmp_path)
    assert_close(by(ledger, "unit"), {"Commerce": 12, "Discovery": 24, None: "3.5"})


def test_values_of_a_metric_go_through_the_lookup_of_their_label(tmp_path: Path) -> None:
    rules = """
labels: [{id: unit, from: Tags.team, transform: [trim, lower, {lookup: units.csv}]}]
metrics: [{id: hours, source: warehouse, query: hours, labels: {owner: unit}}]
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: metric
    to: {dimension: unit}
    basis: {metric: hours}
"""
    records = [
        usage("hours", "1", owner="Checkout "),
        usage("hours", "2", owner="SEARCH"),
        usage("hours", "9", owner="z"),
    ]
    ledger = run(Case(rules, BILL, records, report=("unit",), tables={"units.csv": UNITS}), tmp_path)
    assert_close(by(ledger, "unit"), {"Commerce": 12, "Discovery": 24, None: "3.5"})


ODD = ["'", '"', "a'b", "--", "; DROP TABLE raw", "$1", "a\nb", "\\", "%_", "ü 東京 😀", "{}", "lookup_0", "a,b"]


@pytest.mark.parametrize("other", ["trim", "title", "normalize", "upper"])
def test_keys_and_values_of_any_characters_are_nothing_but_texts(tmp_path: Path, other: str) -> None:
    rules = f"labels: [{{id: out, from: Tags.team, transform: [{{lookup: odd.csv}}]}}, {{id: more, from: Tags.team, transform: [{other}, {{lookup: odd.csv}}]}}]"  # noqa: E501
    bill = [charge("EC2", str(place + 1), team=text) for place, text in enumerate(ODD)]
    rows = list(zip(ODD, reversed(ODD), strict=True))
    ledger = run(Case(rules, bill, report=("out", "more"), tables={"odd.csv": rows}), tmp_path)
    assert_close(by(ledger, "out"), {text: place + 1 for place, text in enumerate(reversed(ODD))})


def test_a_table_may_be_looked_up_in_again(tmp_path: Path) -> None:
    rules = "labels: [{id: top, from: Tags.team, transform: [{lookup: up.csv}, {lookup: up.csv}, {lookup: up.csv}]}]"
    rows = [("leaf", "branch"), ("branch", "trunk"), ("trunk", "root")]
    bill = [charge("EC2", "1", team="leaf"), charge("EC2", "2", team="branch")]
    ledger = run(Case(rules, bill, report=("top",), tables={"up.csv": rows}), tmp_path)
    assert_close(by(ledger, "top"), {"root": 1, None: 2})


def test_an_empty_table_makes_everything_missing(tmp_path: Path) -> None:
    rules = "labels: [{id: unit, from: Tags.team, transform: {lookup: empty.csv}}]"
    ledger = run(Case(rules, BILL, report=("unit",), tables={"empty.csv": []}), tmp_path)
    assert_close(by(ledger, "unit"), {None: "39.5"})


def test_an_edited_table_is_evaluated_beside_the_old_one(tmp_path: Path) -> None:
    rules = "labels: [{id: unit, from: Tags.team, transform: [trim, lower, {lookup: units.csv}]}]"
    case = Case(rules, BILL, report=("unit",), tables={"units.csv": UNITS})
    write(case, tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        workspace.apply(workspace.plan())
    write(Case(rules, BILL, report=("unit",), tables={"units.csv": [("checkout", "Discovery"), *UNITS[1:]]}), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        plan = workspace.plan()
    (change,) = plan.changes
    assert (change.kind, change.id, change.file, change.line) == ("lookup", "units.csv", "rules/units.csv", 2)
    assert [(each.path, each.before, each.after) for each in change.fields] == [
        ("rows.checkout", "Commerce", "Discovery")
    ]
    assert {line.value: line.delta for line in change.money} == {"Commerce": -10 * 10**12, "Discovery": 10 * 10**12}
    assert plan.ledger is not None
    assert_close(totals(plan.ledger, "unit"), {("Discovery",): 30, (None,): "9.5"})
