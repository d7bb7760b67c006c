"""What a plan blames for money that moved: the bill, the settings, or rules."""

from __future__ import annotations

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

from cli.commands import costops
from workbench import Case, charge, usage, write

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: team, from: Tags.team}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: env}
"""
BILL = [
    charge("EC2", "10", env="production", team="a", BilledCost="30"),
    charge("EC2", "30", env="staging", team="b", BilledCost="10"),
    charge("Support", "8"),
]


def applied(folder: Path, bill: list[dict[str, object]] = BILL) -> Path:
    write(Case(RULES, bill, report=("env",)), folder)
    done = costops(folder, "apply", "--auto-approve")
    assert done.code == 0, done.err
    return folder


def planned(folder: Path) -> dict[str, Any]:
    done = costops(folder, "plan", "--format", "json")
    assert done.code == 0, done.err
    plan: dict[str, Any] = json.loads(done.out)
    return plan


def edit_settings(folder: Path, **values: object) -> None:
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def test_another_report_is_a_change_of_settings_that_moves_nothing(tmp_path: Path) -> None:
    folder = applied(tmp_path)
    edit_settings(folder, report=["env", "team"])
    plan = planned(folder)
    assert [(each["kind"], each["action"], each["money"]) for each in plan["changes"]] == [("settings", "change", [])]
    assert plan["changes"][0]["fields"] == [{"path": "report", "before": ["env"], "after": ["env", "team"]}]
    assert plan["bill_money"] == []
    assert costops(folder, "apply", "--auto-approve").out.endswith("Applied as version 2.\n")
    assert "team" in costops(folder, "ledger", "--format", "csv").out.splitlines()[0]


def test_another_cost_column_that_weighs_otherwise_is_blamed_on_the_settings(tmp_path: Path) -> None:
    folder = applied(tmp_path)
    edit_settings(folder, cost="BilledCost")
    plan = planned(folder)
    (change,) = plan["changes"]
    assert change["kind"] == "settings"
    deltas = {line["value"]: Decimal(line["delta"]) for line in change["money"]}
    assert deltas == {"production": Decimal(4), "staging": Decimal(-4)}
    assert plan["bill_money"] == []
    assert plan["bill_changes"] is False


def test_a_restated_bill_stands_apart_from_a_changed_rule(tmp_path: Path) -> None:
    folder = applied(tmp_path)
    restated = [*BILL[:2], charge("Support", "16")]
    write(Case(RULES.replace("proportional", "even"), restated, report=("env",)), folder)
    plan = planned(folder)
    assert plan["bill_changes"] is True
    assert {line["value"]: line["delta"] for line in plan["bill_money"]} == {"production": "2", "staging": "6"}
    (change,) = plan["changes"]
    assert [(each["path"], each["before"], each["after"]) for each in change["fields"]] == [
        ("method", "proportional", "even")
    ]
    assert {line["value"]: line["delta"] for line in change["money"]} == {"production": "4", "staging": "-4"}
    text = costops(folder, "plan").out
    assert "The bill changed since version 1" in text


def test_a_month_that_the_bill_lacks_is_carried_over_and_named(tmp_path: Path) -> None:
    april_and_may = [*BILL, charge("EC2", "5", day="2025-05-03", env="production")]
    folder = applied(tmp_path, april_and_may)
    write(Case(RULES.replace("proportional", "even"), april_and_may[3:], report=("env",)), folder)
    plan = planned(folder)
    assert [(each["billing_month"], each["reason"]) for each in plan["frozen"]] == [("2025-04", "missing")]
    assert plan["bill_money"] == []
    before = costops(folder, "ledger", "--by", "env,day,allocation_path", "--period", "2025-04", "--format", "csv").out
    assert costops(folder, "apply", "--auto-approve").out.endswith("Applied as version 2.\n")
    after = costops(folder, "ledger", "--by", "env,day,allocation_path", "--period", "2025-04", "--format", "csv").out
    assert before == after
    assert "2025-05-03" in costops(folder, "ledger", "--by", "day", "--format", "csv").out


def test_a_month_whose_charges_and_refunds_cancel_out_is_carried_over_too(tmp_path: Path) -> None:
    cancelled = [charge("EC2", "7", env="production"), charge("EC2", "-7", env="staging")]
    may = [charge("EC2", "5", day="2025-05-03", env="production")]
    folder = applied(tmp_path, [*cancelled, *may])
    write(Case(RULES.replace("proportional", "even"), may, report=("env",)), folder)
    frozen = planned(folder)["frozen"]
    assert [(each["billing_month"], each["reason"]) for each in frozen] == [("2025-04", "missing")]
    assert costops(folder, "apply", "--auto-approve").code == 0
    kept = costops(folder, "ledger", "--by", "env", "--period", "2025-04", "--format", "csv").out
    assert "production,USD,7" in kept and "staging,USD,-7" in kept


def test_a_metric_that_changed_is_told_from_a_bill_that_changed(tmp_path: Path) -> None:
    rules = RULES.replace("method: proportional", "method: metric") + (
        "    basis: {metric: hours}\nmetrics:\n  - {id: hours, source: warehouse, query: hours, labels: {env: env}}\n"
    )
    records = [usage("hours", "1", env="production"), usage("hours", "3", env="staging")]
    write(Case(rules, BILL, records, report=("env",)), tmp_path)
    assert costops(tmp_path, "apply", "--auto-approve").code == 0
    write(Case(rules, BILL, [usage("hours", "3", env="production"), records[1]], report=("env",)), tmp_path)
    plan = planned(tmp_path)
    assert (plan["bill_changes"], plan["metric_changes"]) == (False, True)
    assert {line["value"]: line["delta"] for line in plan["metric_money"]} == {"production": "2", "staging": "-2"}
    assert plan["bill_money"] == []
    assert "The usage numbers changed since version 1" in costops(tmp_path, "plan").out


def test_text_in_a_metric_names_file_row_and_column(tmp_path: Path) -> None:
    rules = RULES.replace("method: proportional", "method: metric") + (
        "    basis: {metric: hours}\nmetrics:\n  - {id: hours, source: warehouse, query: hours, labels: {env: env}}\n"
    )
    write(Case(rules, BILL, [usage("hours", "many", env="production")], report=("env",)), tmp_path)
    done = costops(tmp_path, "plan")
    assert done.code == 1
    assert "usage/usage.csv: row 1 has 'many' in value, which is not a decimal number" in done.err


def test_a_renamed_description_is_a_change_that_moves_nothing(tmp_path: Path) -> None:
    folder = applied(tmp_path)
    (folder / "rules" / "10-rules.yaml").write_text(RULES + "    description: who needs help\n")
    plan = planned(folder)
    assert [(each["id"], each["fields"][0]["path"], each["money"]) for each in plan["changes"]] == [
        ("support", "description", [])
    ]


def test_a_workspace_that_git_ignores_has_no_commit(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.invalid"]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / ".gitignore").write_text("/ignored/\n")
    subprocess.run([*git, "add", ".gitignore"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "first"], check=True)
    ignored = write(Case(RULES, BILL, report=("env",)), tmp_path / "ignored")
    assert "rules in rules/" in costops(ignored, "plan").out
    seen = write(Case(RULES, BILL, report=("env",)), tmp_path / "seen")
    assert "with local changes" in costops(seen, "plan").out
    subprocess.run([*git, "add", "seen/costops.yaml", "seen/rules"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "second"], check=True)
    target = costops(seen, "plan").out.splitlines()[0]
    assert "rules at " in target
    assert "with local changes" not in target
