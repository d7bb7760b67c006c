"""A lookup table from its first plan to its last, as a person at the command line sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.commands import Done, costops
from workbench import Case, charge, write

RULES = """\
labels:
  - {id: team, from: Tags.team, transform: [trim, lower]}
dimensions:
  - {id: business_unit, stage: result, rules: [{from: team, transform: [{lookup: teams.csv}]}]}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {checkout: 60, search: 40}}
"""
BILL = [charge("EC2", "10", team="Checkout"), charge("EC2", "20", team="search"), charge("Support", "5")]
TABLE = "team,business_unit\ncheckout,Commerce\nsearch,Discovery\n"
EDITED = "team,business_unit\ncheckout,Commerce\nsearch,Commerce\n"
UP_TO_DATE = "No changes. The allocations of version 2 match the rules and the bill."


def workspace(folder: Path, rules: str = RULES) -> Path:
    write(Case(rules, BILL, report=("team", "business_unit")), folder)
    (folder / "rules" / "teams.csv").write_text(TABLE)
    return folder


def done(folder: Path, *arguments: str, code: int = 0) -> Done:
    found = costops(folder, *arguments)
    assert found.code == code, found.err
    return found


def plan(folder: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done(folder, "plan", "--format", "json").out)
    return document


def test_an_edited_row_is_one_change_with_the_money_it_moves(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    assert "+ lookup teams.csv" in done(folder, "plan").out
    assert done(folder, "apply", "--auto-approve").out.endswith("Applied as version 1.\n")
    (folder / "rules" / "teams.csv").write_text(EDITED)
    found = plan(folder)
    (change,) = found["changes"]
    assert [change[name] for name in ("action", "kind", "id", "file", "line")] == [
        "change", "lookup", "teams.csv", "rules/teams.csv", 3,
    ]  # fmt: skip
    assert change["fields"] == [{"path": "rows.search", "before": "Discovery", "after": "Commerce"}]
    assert [(line["dimension"], line["value"], line["delta"]) for line in change["money"]] == [
        ("business_unit", "Commerce", "22"),
        ("business_unit", "Discovery", "-22"),
    ]
    assert (found["rule_changes"], found["bill_changes"], found["bill_money"]) == (True, False, [])
    text = done(folder, "plan").out
    assert "~ lookup teams.csv" in text
    assert "rows.search  Discovery  ->  Commerce" in text
    assert "moves USD 22.00" in text
    assert done(folder, "apply", "--auto-approve").out.endswith("Applied as version 2.\n")
    assert UP_TO_DATE in done(folder, "plan").out
    assert "Discovery" not in done(folder, "ledger", "--by", "business_unit").out


def test_another_layout_of_the_table_is_nothing_to_do(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    done(folder, "apply", "--auto-approve")
    (folder / "rules" / "teams.csv").write_text('unit of,is\n\n"search","Discovery"\nlegacy,\ncheckout,Commerce\n')
    assert "No changes." in done(folder, "plan", "--detailed-exitcode").out


def test_a_table_and_its_rule_come_and_go_as_changes_of_their_own(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    done(folder, "apply", "--auto-approve")
    write(Case(RULES.replace("{lookup: teams.csv}", "upper"), BILL, report=("team", "business_unit")), folder)
    (folder / "rules" / "teams.csv").unlink()
    found = plan(folder)
    assert [(each["action"], each["kind"], each["id"], bool(each["money"])) for each in found["changes"]] == [
        ("change", "dimension", "business_unit", True),
        ("remove", "lookup", "teams.csv", False),
    ]
    assert all(each["joined_with"] is None for each in found["changes"])
    done(folder, "apply", "--auto-approve")
    assert UP_TO_DATE in done(folder, "plan").out
    workspace(folder)
    assert [(each["action"], each["kind"]) for each in plan(folder)["changes"]] == [
        ("add", "lookup"),
        ("change", "dimension"),
    ]


def test_a_table_that_is_gone_stops_the_plan_at_its_place_and_changes_nothing(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    done(folder, "apply", "--auto-approve")
    before = (folder / "state" / "costops.db").read_bytes()
    (folder / "rules" / "teams.csv").unlink()
    for command in (["plan"], ["apply", "--auto-approve"]):
        err = done(folder, *command, code=3).err
        assert "rules/10-rules.yaml:4:82 CO320 the lookup table rules/teams.csv does not exist" in err
        assert "^^^^^^^^^" in err
    assert (folder / "state" / "costops.db").read_bytes() == before
    assert "Discovery" in done(folder, "ledger", "--by", "business_unit").out


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "../../outside.csv", "link.csv"])
def test_a_table_outside_the_workspace_is_never_read(tmp_path: Path, path: str) -> None:
    (tmp_path / "outside.csv").write_text("k,v\nsecret,hunter2\n")
    folder = workspace(tmp_path / "workspace", RULES.replace("teams.csv", path))
    (folder / "rules" / "link.csv").symlink_to(tmp_path / "outside.csv")
    found = done(folder, "plan", code=3)
    assert "rules/10-rules.yaml:4:82 CO11" in found.err
    assert "hunter2" not in found.out + found.err


def test_validate_lists_the_problems_of_tables_with_their_lines(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (folder / "rules" / "teams.csv").write_text("team,unit\nsearch,Discovery\ncheckout,a,b\nsearch,x\n")
    found = done(folder, "validate", code=3).out
    assert "rules/teams.csv:3:1 CO116 this row has 3 columns" in found
    assert "   3 | checkout,a,b\n     | ^^^^^^^^^^^^" in found
    assert "rules/teams.csv:4:1 CO117 the key `search` stands in this table twice" in found
    assert "see: rules/teams.csv:2:1 the first one is here" in found
    assert "2 errors, 0 warnings." in found
