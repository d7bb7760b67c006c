"""What a person gets for a mistake: one clear message, the documented exit code, no traceback, the state untouched."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cli.bad_input import BILL, RULES
from cli.commands import started as costops
from workbench import Case, write


@dataclass(frozen=True)
class Mistake:
    """A workspace gone wrong in one place."""

    name: str
    code: int
    said: tuple[str, ...]
    """What stderr must say."""
    rules: str = RULES
    files: dict[str, bytes | None] = field(default_factory=dict)
    """Files to write over, None to remove."""
    arguments: tuple[str, ...] = ("plan",)


def bill(header: str, *rows: str) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


MISTAKES = [
    Mistake("broken YAML", 3, ("rules/10-rules.yaml:3:3 CO105",), RULES.replace("allocations:", "  allocations: [")),
    Mistake(
        "duplicate key", 3, ("rules/10-rules.yaml:7:", "method"), RULES.replace("    to:", "    method: even\n    to:")
    ),
    Mistake(
        "unknown field with a near miss",
        3,
        ("rules/10-rules.yaml:7:5 ", "partition_bye", "did you mean `partition_by`"),
        RULES.replace("    to:", "    partition_bye: [env]\n    to:"),
    ),
    Mistake(
        "unknown dimension",
        3,
        ("rules/10-rules.yaml:7:", "enw", "`env`"),
        RULES.replace("dimension: env", "dimension: enw"),
    ),
    Mistake(
        "percentages of 99.9", 3, ("rules/10-rules.yaml:7:", "99.9"), RULES.replace("staging: 40", "staging: 39.9")
    ),
    Mistake(
        "percentages of 100.1", 3, ("rules/10-rules.yaml:7:", "100.1"), RULES.replace("staging: 40", "staging: 40.1")
    ),
    Mistake(
        "dimension cycle",
        3,
        ("rules/10-rules.yaml:", "a -> b -> a"),
        RULES + "dimensions:\n  - {id: a, rules: [{from: b}]}\n  - {id: b, rules: [{from: a}]}\n",
    ),
    Mistake(
        "unquoted account id",
        3,
        ("rules/10-rules.yaml:5:", '"012345678901"'),
        RULES.replace("{ServiceName: Support}", "{SubAccountId: 012345678901}"),
    ),
    Mistake("missing bill", 1, ("cloud", "bill/*.csv"), files={"bill/part-0.csv": None}),
    Mistake(
        "bill without a cost column",
        1,
        ("bill/part-0.csv", "BilledCost"),
        files={"bill/part-0.csv": bill("ChargePeriodStart,BillingCurrency", "2025-04-10,USD")},
    ),
    Mistake(
        "text in a cost column",
        1,
        ("bill/part-0.csv", "row 2", "'ten'", "EffectiveCost"),
        files={
            "bill/part-0.csv": bill(
                "ChargePeriodStart,BillingCurrency,EffectiveCost", "2025-04-10,USD,1", "2025-04-10,USD,ten"
            )
        },
    ),
    Mistake("empty state file", 7, ("costops.db", "empty"), files={"state/costops.db": b""}),
    Mistake(
        "empty state file, apply",
        7,
        ("costops.db",),
        files={"state/costops.db": b""},
        arguments=("apply", "--auto-approve"),
    ),
    Mistake("foreign state file", 7, ("costops.db",), files={"state/costops.db": b"hello" * 400}),
    Mistake("no version yet", 7, ("costops apply",), arguments=("ledger",)),
    Mistake("no such command", 64, ("plna", "plan"), arguments=("plna",)),
    Mistake("no such option", 64, ("--detailed",), arguments=("plan", "--detailed")),
    Mistake("a bad period", 64, ("2025-13",), arguments=("ledger", "--period", "2025-13")),
    Mistake("apply without a terminal", 64, ("--auto-approve",), arguments=("apply",)),
    Mistake(
        "a field that is not built",
        3,
        ("costops.yaml:2:1 CO422 ", "cache"),
        files={"costops.yaml": b"version: 1\ncache: x\n"},
    ),
    Mistake("costops.yaml broken", 3, ("costops.yaml:1:",), files={"costops.yaml": b"version: 2\n"}),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda each: each.name)
def test_a_mistake_gets_one_clear_message(mistake: Mistake, tmp_path: Path) -> None:
    write(Case(mistake.rules, BILL, report=("env",)), tmp_path)
    for name, content in mistake.files.items():
        path = tmp_path / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
    state = tmp_path / "state" / "costops.db"
    before = state.read_bytes() if state.exists() else None
    done = costops(tmp_path, *mistake.arguments)
    assert done.code == mistake.code, done.err
    for part in mistake.said:
        assert part in done.err, done.err
    assert done.out == ""
    assert (state.read_bytes() if state.exists() else None) == before


def test_outside_a_workspace_the_message_names_init(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    done = costops(tmp_path, "plan")
    assert done.code == 64
    assert "costops init" in done.err


def test_every_problem_of_every_file_comes_at_once(tmp_path: Path) -> None:
    write(
        Case(RULES.replace("method: percent", "methode: percent").replace("ServiceName", "ServiceNam"), BILL), tmp_path
    )
    (tmp_path / "rules" / "20-more.yaml").write_text("labels:\n  - {id: env, from: Tags.environment}\n")
    done = costops(tmp_path, "validate")
    assert done.code == 3
    assert done.err == ""
    places = [line.split(" ")[0] for line in done.out.splitlines() if line.startswith("rules/")]
    assert places == sorted(places)
    assert {place.split(":")[0] for place in places} == {"rules/10-rules.yaml", "rules/20-more.yaml"}
    assert len(places) >= 3
    assert "^" in done.out


def test_warnings_do_not_change_the_exit_code(tmp_path: Path) -> None:
    write(Case(RULES.replace("    to:", "    partition_by: [env]\n    to:"), BILL, report=("env",)), tmp_path)
    done = costops(tmp_path, "validate")
    assert done.code == 0
    assert "warning" in done.out
