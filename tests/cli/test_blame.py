"""`costops blame`: which versions and rules moved the cost of an element, from the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from cli.bad_input import workspace
from cli.commands import costops

from costops.model.record import Record, RecordedChange, RecordedMoney
from costops.state.reader import open_reader
from costops.state.writer import apply_version

PICOS = 10**12
SUPPORT = RecordedChange(
    action="change",
    kind="allocation",
    id="support",
    file="rules/10-rules.yaml",
    line=4,
    money=(
        RecordedMoney("rule", "support", "env", "production", "USD", -PICOS),
        RecordedMoney("rule", "support", "env", "staging", "USD", PICOS),
    ),
)
BILL_CHANGE = RecordedChange(action="bill", money=(RecordedMoney("bill", None, "env", "production", "USD", 3 * PICOS),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace whose version 1 was applied, version 2 moved 1.00 and got 3.00, and version 3 did nothing."""
    made = workspace(tmp_path_factory.mktemp("blame"), applied=True)
    add_version(made, {"production": 2 * PICOS, "staging": PICOS}, Record(changes=(BILL_CHANGE, SUPPORT)))
    add_version(made, {}, Record(), cause="restate", reason="a late \x1bcredit")
    return made


def add_version(folder: Path, more: dict[str, int], record: Record, **fields: object) -> None:
    """The newest version again, with more cost for some elements of env and a record made by hand."""
    path = folder / "state" / "costops.db"
    reader = open_reader(path)
    assert reader is not None
    with reader:
        base, version, ledger = reader.base(), reader.version(), reader.ledger()
    columns = []
    for cost, amounts in zip(ledger.cost_columns, ledger.amounts, strict=True):
        left, changed = dict(more), []
        for value, amount in zip(ledger.values[0], amounts, strict=True):
            changed.append(amount + (left.pop(str(value), 0) if cost == version.draft.cost else 0))
        columns.append(tuple(changed))
    ledger = replace(ledger, amounts=tuple(columns))
    draft = replace(version.draft, result_digest=ledger.digest, **fields)  # type: ignore[arg-type]
    apply_version(path, base=base, draft=draft, ledger=ledger, record=record)


def test_each_version_and_cause_is_told_the_newest_first(folder: Path) -> None:
    done = costops(folder, "blame", "env=production")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert lines[0] == "costops blame   env = production"
    assert lines[2].startswith("version 2 (")
    assert lines[3:6] == [
        "  USD 13.00 -> 15.00   +2.00   +15.4 %",
        "    +3.00  the bill",
        "    -1.00  ~ allocation support  rules/10-rules.yaml:4",
    ]
    assert lines[7].startswith("version 1 (")
    assert lines[8].startswith("  USD 0.00 -> 13.00   +13.00   new")
    assert lines[-1] == "... 1 version that did not move it (--all)"


def test_every_version_is_shown_when_asked_for(folder: Path) -> None:
    lines = costops(folder, "blame", "env=production", "--all").out.splitlines()
    assert lines[2].startswith("version 3 (")
    assert ", restate     EffectiveCost" in lines[2]
    assert lines[3:5] == ["  reason: a late \\x1bcredit", "  USD 15.00 -> 15.00   no change"]
    assert "--all" not in lines[-1]


def test_the_same_for_machines(folder: Path) -> None:
    document = json.loads(costops(folder, "blame", "env=staging", "--format", "json").out)
    assert (document["format_version"], document["dimension"], document["value"]) == ("1.0", "env", "staging")
    assert [each["version"] for each in document["versions"]] == [3, 2, 1]
    second = document["versions"][1]
    assert second["money"] == [
        {"BillingCurrency": "USD", "before": "2", "after": "3", "delta": "1", "not_told_apart": "0"}
    ]
    assert second["causes"] == [
        {
            "action": "change",
            "kind": "allocation",
            "id": "support",
            "previous_id": None,
            "file": "rules/10-rules.yaml",
            "line": 4,
            "cause": "rule",
            "rule": "support",
            "BillingCurrency": "USD",
            "delta": "1",
        }
    ]


def test_unallocated_has_two_spellings(tmp_path: Path) -> None:
    made = workspace(tmp_path, applied=True)
    rules = (made / "rules" / "10-rules.yaml").read_text(encoding="utf-8")
    (made / "rules" / "10-rules.yaml").write_text(rules.split("allocations:")[0], encoding="utf-8")
    assert costops(made, "apply", "--auto-approve").code == 0
    first, second = (costops(made, "blame", f"env={value}") for value in ("", "(unallocated)"))
    assert first.code == 0
    assert first.out == second.out
    assert first.out.splitlines()[0] == "costops blame   env = (unallocated)"
    assert "  USD 0.00 -> 5.00   +5.00   new" in first.out


WRONG = {
    "no element": ("env", "is not DIM=ELEMENT", "write a dimension and an element: team=checkout"),
    "no dimension": ("=production", "is not DIM=ELEMENT", "write a dimension and an element: team=checkout"),
    "an unknown dimension": ("enw=production", "No version reports by 'enw'", "did you mean `env`?"),
    "a dimension that is near nothing": (
        "quarter=1",
        "No version reports by 'quarter'",
        "The versions report by: env.",
    ),
    "an unknown element": ("env=prodution", "'prodution' of 'env' never had cost", "did you mean `production`?"),
    "an element that is near nothing": ("env=x", "never had cost", "Version 3 has: production, staging."),
}


@pytest.mark.parametrize(("asked", "says", "hint"), WRONG.values(), ids=WRONG)
def test_what_is_not_there_is_exit_code_64_with_what_is_near(folder: Path, asked: str, says: str, hint: str) -> None:
    done = costops(folder, "blame", asked)
    assert (done.code, done.out) == (64, "")
    assert says in done.err
    assert f"help: {hint}" in done.err


def test_there_is_nothing_to_blame_before_the_first_apply(tmp_path: Path) -> None:
    done = costops(workspace(tmp_path), "blame", "env=production")
    assert done.code == 7
    assert "nothing has been applied yet" in done.err
