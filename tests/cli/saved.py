"""A workspace with a saved plan: what tests of saved plans start from."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from cli.commands import costops
from workbench import Case, charge, usage, write, write_bill

RULES = """\
labels:
  - {id: env, from: Tags.env}
  - {id: team, from: Tags.team}
  - {id: unit, from: [{field: Tags.team, transform: [{lookup: teams.csv}]}]}
metrics:
  - {id: hours, source: warehouse, query: hours, labels: {env: env}}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: METHOD
    to: {dimension: env}
  - id: database
    source: {where: {ServiceName: RDS}}
    method: metric
    to: {dimension: env}
    basis: {metric: hours}
"""
APPLIED = RULES.replace("METHOD", "proportional")
PLANNED = RULES.replace("METHOD", "even")
START = PLANNED.index("  - id: support")
END = PLANNED.index("  - id: database")
REORDERED = PLANNED[:START] + PLANNED[END:] + PLANNED[START:END]
TAX = "  - {id: tax, source: {where: {ServiceName: Tax}}, method: even, to: {dimension: env, values: [production]}}\n"
BILL = [
    charge("EC2", "10", env="production", team="a", BilledCost="30"),
    charge("EC2", "30", env="staging", team="b", BilledCost="10"),
    charge("Support", "8"),
    charge("RDS", "4"),
    charge("Tax", "2"),
]
MORE = [charge("Tax", "3", env="production")]
USAGE = [usage("hours", "1", env="production"), usage("hours", "3", env="staging")]
REPORT = ("env", "unit")


def planned_workspace(folder: Path) -> Path:
    """A workspace at version 1, with other rules planned into plan.json."""
    write(Case(APPLIED, BILL, USAGE, report=REPORT), folder)
    write_table(folder, b="Media")
    write_bill(folder / "bill" / "part-1.csv", MORE, BILL)
    assert costops(folder, "apply", "--auto-approve").code == 0
    write_rules(folder, PLANNED)
    done = costops(folder, "plan", "--out", "plan.json")
    assert done.code == 0, done.err
    return folder


def write_rules(folder: Path, text: str) -> None:
    (folder / "rules" / "10-rules.yaml").write_text(text)


def write_table(folder: Path, **units: str) -> None:
    rows = "".join(f"{team},{unit}\n" for team, unit in {"a": "Retail", **units}.items())
    (folder / "rules" / "teams.csv").write_text(f"team,unit\n{rows}")


def edit_settings(folder: Path, **values: object) -> None:
    file = folder / "costops.yaml"
    file.write_text(json.dumps({**json.loads(file.read_text()), **values}))


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "plan.json").read_text())
    return found


def forget_cells(folder: Path) -> None:
    shutil.rmtree(folder / ".costops")


def state(folder: Path) -> bytes:
    return (folder / "state" / "costops.db").read_bytes()
