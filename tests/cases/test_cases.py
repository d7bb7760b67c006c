"""The warnings of small workspaces, word for word: a folder has the rules, the charges and what is said about them.

`charges.csv` has a row per charge: `service`, `cost`, `day` and `until` as in workbench.charge, columns of FOCUS by
their names, and every other column is a tag, written `Tags.Env` where its key begins with a capital. `usage.csv` has
records of metrics, `report.txt` the report dimensions where they are not env and team. Run the tests with
COSTOPS_UPDATE_CASES=1 to write what is said now into `expected.txt`, and read the difference.
"""

from __future__ import annotations

import csv
import os
from pathlib import Path

import pytest
import workbench

from costops.model.codes import WARNINGS, WITH_MONEY
from costops.render.diagnostics import diagnostics_text
from costops.workspace import open_workspace

FOLDER = Path(__file__).resolve().parent
CASES = sorted(path.parent for path in FOLDER.glob("*/rules.yaml"))
NAMES = [path.name for path in CASES]


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; without the file none."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def charge_of(row: dict[str, str]) -> dict[str, object]:
    known = {name: value for name, value in row.items() if not name.startswith("Tags.") and value}
    service, cost = known.pop("service"), known.pop("cost")
    made = workbench.charge(service, cost, **known)  # type: ignore[arg-type]
    tags = {name.removeprefix("Tags."): value for name, value in row.items() if name.startswith("Tags.") and value}
    return {**made, "Tags": {**made["Tags"], **tags}}  # type: ignore[dict-item]


def usage_of(row: dict[str, str]) -> dict[str, object]:
    labels = {name: value or None for name, value in row.items() if name not in ("day", "metric", "value")}
    return workbench.usage(row["metric"], row["value"], day=row["day"], **labels)


def case_of(folder: Path) -> workbench.Case:
    report = folder / "report.txt"
    return workbench.Case(
        rules=(folder / "rules.yaml").read_text(encoding="utf-8"),
        bill=[charge_of(row) for row in rows_of(folder / "charges.csv")],
        usage=[usage_of(row) for row in rows_of(folder / "usage.csv")],
        report=tuple(report.read_text(encoding="utf-8").split()) if report.exists() else ("env", "team"),
    )


@pytest.mark.parametrize("folder", CASES, ids=NAMES)
def test_a_case_is_warned_of_as_written_down(folder: Path, tmp_path: Path) -> None:
    workbench.write(case_of(folder), tmp_path)
    with open_workspace(tmp_path, environment={"COSTOPS_THREADS": "1"}) as workspace:
        validation = workspace.validate()
        planned = workspace.plan().diagnostics
    said = diagnostics_text(validation.diagnostics, validation.texts)
    expected = folder / "expected.txt"
    if os.environ.get("COSTOPS_UPDATE_CASES"):
        expected.write_text(said, encoding="utf-8")
    assert validation.not_evaluated is None
    assert planned == validation.diagnostics
    assert said == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("code", [code for code in WARNINGS if code in WITH_MONEY or code.startswith("CO82")])
def test_every_warning_of_an_evaluation_has_a_case(code: str) -> None:
    texts = [(folder / "expected.txt").read_text(encoding="utf-8") for folder in CASES if code in folder.name]
    assert any(f" {code} warning: " in text or text.startswith(f"{code} warning: ") for text in texts)
