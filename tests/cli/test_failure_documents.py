"""A command that was to give JSON and fails gives one JSON document on stdout, beside what it says on stderr."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cli.bad_input import workspace
from cli.commands import Done, costops

from costops.errors import CostopsError, DeclinedError, StaleError
from costops.render.failure import error_json


def document(done: Done) -> dict[str, Any]:
    """The one document, of a failure."""
    found: dict[str, Any] = json.loads(done.out)
    assert list(found) == ["format_version", "error", "diagnostics"]
    assert found["format_version"] == "1.0"
    assert list(found["error"]) == ["exit_code", "kind", "message", "hint", "reasons"]
    assert found["error"]["exit_code"] == done.code
    if found["error"]["kind"] != "invalid_rules":
        assert f"costops: {found['error']['message']}" in done.err
        assert found["diagnostics"] == []
    return found


def test_wrong_use(tmp_path: Path) -> None:
    done = costops(tmp_path, "plan", "--format", "json", "--bogus")
    assert (done.code, document(done)["error"]["kind"]) == (64, "usage")
    done = costops(tmp_path, "plan", "--bogus", environment={"COSTOPS_PLAN_FORMAT": "json"})
    assert document(done)["error"]["kind"] == "usage"
    done = costops(tmp_path, "ledger", "--format=json", "--period", "2025-13")
    assert document(done)["error"]["kind"] == "usage"
    done = costops(tmp_path, "validate", "--format", "json")
    assert "costops init" in document(done)["error"]["hint"]


@pytest.mark.parametrize("arguments", [("--format", "json", "--format", "text"), ("--format", "yaml"), ()])
def test_who_did_not_ask_for_json_gets_none(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = costops(tmp_path, "plan", *arguments, "--bogus")
    assert (done.code, done.out) == (64, "")
    done = costops(tmp_path, "plan", *arguments, environment={"COSTOPS_LEDGER_FORMAT": "json"})
    assert (done.code, done.out) == (64, "")


def test_a_flag_for_text_beats_a_variable_for_json(tmp_path: Path) -> None:
    done = costops(tmp_path, "plan", "--format", "text", environment={"COSTOPS_PLAN_FORMAT": "json"})
    assert (done.code, done.out) == (64, "")


def test_invalid_rules_have_the_diagnostics_of_a_plan(tmp_path: Path) -> None:
    workspace(tmp_path)
    rules = tmp_path / "rules" / "10-rules.yaml"
    rules.write_text(rules.read_text().replace("dimension: env", "dimension: enw"))
    done = costops(tmp_path, "plan", "--format", "json")
    found = document(done)
    assert (done.code, found["error"]["kind"]) == (3, "invalid_rules")
    assert "rules/10-rules.yaml:7" in done.err
    validated = json.loads(costops(tmp_path, "validate", "--format", "json").out)
    assert found["diagnostics"] == validated["diagnostics"] != []
    (tmp_path / "costops.yaml").write_text("version: 2\n")
    found = document(costops(tmp_path, "history", "--format", "json"))
    assert found["diagnostics"][0]["file"] == "costops.yaml"


def test_bill_state_and_an_empty_version(tmp_path: Path) -> None:
    workspace(tmp_path)
    assert document(costops(tmp_path, "history", "--format", "json"))["error"]["kind"] == "state"
    (tmp_path / "state" / "costops.db").write_bytes(b"hello" * 400)
    done = costops(tmp_path, "plan", "--format", "json")
    assert (done.code, document(done)["error"]["kind"]) == (7, "state")
    (tmp_path / "state" / "costops.db").unlink()
    (tmp_path / "bill" / "part-0.csv").unlink()
    done = costops(tmp_path, "plan", "--format", "json")
    assert (done.code, document(done)["error"]["kind"]) == (1, "bill")


def test_a_plan_file_that_was_changed_by_hand(folder: Path) -> None:
    plan = folder / "plan.json"
    text = plan.read_text()
    plan.write_text(text.replace('"after": "', '"after": "1', 1))
    done = costops(folder, "show", "plan.json", "--format", "json")
    assert (done.code, document(done)["error"]["kind"]) == (5, "stale")


def test_a_command_that_wrote_its_result_adds_nothing(tmp_path: Path) -> None:
    workspace(tmp_path, applied=True)
    assert "error" not in json.loads(costops(tmp_path, "history", "--format", "json").out)
    (tmp_path / "state" / "costops.db").write_bytes(b"")
    done = costops(tmp_path, "state", "check", "--format", "json")
    assert done.code == 7
    json.loads(done.out)


def test_reasons_and_kinds_of_every_error() -> None:
    found = json.loads(error_json(StaleError("it moved", hint="plan again", reasons=("state: moved", "\x1b"))))
    assert found["error"] == {
        "exit_code": 5,
        "kind": "stale",
        "message": "it moved",
        "hint": "plan again",
        "reasons": ["state: moved", "\x1b"],
    }
    assert json.loads(error_json(DeclinedError("no")))["error"]["kind"] == "declined"
    kinds = {each.__name__: each.kind for each in (CostopsError, *everything_below(CostopsError))}
    assert {name: kind for name, kind in kinds.items() if kind == "failed"} == {"CostopsError": "failed"}


def everything_below(kind: type[CostopsError]) -> list[type[CostopsError]]:
    return [found for each in kind.__subclasses__() for found in (each, *everything_below(each))]


ENDLESS = """
import sys, threading
from pathlib import Path
from costops.cli import main, output

def works(*given, **options):
    Path(sys.argv[1]).touch()
    threading.Event().wait(60)

output.Session.workspace = works
main(["plan", "--format", "json"])
"""


@pytest.mark.parametrize(
    ("number", "code", "kind"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_an_interruption_is_a_document_too(number: signal.Signals, code: int, kind: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS, str(tmp_path / "works")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "works").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, f"costops: {kind}; nothing was changed\n")
    found = document(Done(code, out, err))
    assert found["error"]["kind"] == kind
