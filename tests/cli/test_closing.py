"""`costops close` and `costops reopen`: months that finance has closed, from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.bad_input import workspace
from cli.bad_states import edit_rules, writer_at_work
from cli.commands import costops
from cli.test_state_commands import apply
from workbench import charge, write_bill

APPLY = ("apply", "--auto-approve")
BILL = [
    charge("EC2", "10", env="production"),
    charge("Support", "5"),
    charge("EC2", "20", day="2025-05-10", env="production"),
    charge("EC2", "30", day="2025-06-10", env="production"),
]
MARA = {"COSTOPS_ACTOR": "mara"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace at version 1 with cost in April, May and June of 2025."""
    made = workspace(tmp_path / "workspace")
    write_bill(made / "bill" / "part-0.csv", BILL, BILL)
    assert costops(made, *APPLY).code == 0
    return made


def test_a_month_is_closed_and_opened_again_in_one_sentence_each(folder: Path) -> None:
    closed = costops(folder, "close", "2025-04..2025-05", environment=MARA)
    assert (closed.code, closed.err) == (0, "")
    sentence = "is closed: no apply changes it any more, unless it restates it."
    assert closed.out == f"Billing month 2025-04 {sentence}\nBilling month 2025-05 {sentence}\n"
    opened = costops(folder, "reopen", "2025-05", "--reason", "a late credit")
    assert (opened.code, opened.out) == (0, "Billing month 2025-05 is open again.\n")
    assert costops(folder, "state", "check").code == 0


def test_what_is_so_already_is_said_and_nothing_is_written(folder: Path) -> None:
    costops(folder, "close", "2025-04")
    state = folder / "state" / "costops.db"
    before = state.read_bytes()
    again = costops(folder, "close", "2025-04")
    assert (again.code, again.out) == (0, "Billing month 2025-04 is closed already.\n")
    opened = costops(folder, "reopen", "2025-05", "--reason", "x")
    assert (opened.code, opened.out) == (0, "Billing month 2025-05 is open already.\n")
    assert state.read_bytes() == before
    both = costops(folder, "close", "2025-04..2025-05")
    assert both.out.splitlines()[0] == "Billing month 2025-04 is closed already."
    assert both.out.splitlines()[1].startswith("Billing month 2025-05 is closed: ")


def test_the_same_for_machines(folder: Path) -> None:
    costops(folder, "close", "2025-04", "--reason", "books")
    done = costops(folder, "close", "2025-04..2025-05", "--format", "json", environment=MARA)
    document = json.loads(done.out)
    assert (document["format_version"], document["status"], document["unchanged"]) == ("1.0", "closed", ["2025-04"])
    (event,) = document["events"]
    assert (event["serial"], event["month"], event["status"]) == (3, "2025-05", "closed")
    assert (event["reason"], event["actor"]) == (None, "mara")
    opened = json.loads(costops(folder, "reopen", "2025-04", "--reason", "credit", "--format", "json").out)
    assert (opened["status"], opened["events"][0]["reason"]) == ("open", "credit")


WRONG = {
    "no period": (("close",), "Missing argument", None),
    "a day": (("close", "2025-04-01"), "not a billing month or a range", "write 2025-09 or"),
    "a range backwards": (("close", "2025-05..2025-04"), "ends before it starts", "write 2025-09 or"),
    "a month without cost": (("close", "2025-03..2025-04"), "Version 1 has no cost in 2025-03", "2025-04, 2025-05"),
    "no reason": (("reopen", "2025-04"), "Missing option '--reason'", None),
    "an empty reason": (("reopen", "2025-04", "--reason", " "), "the reason is empty", "--reason"),
    "an empty reason to close": (("close", "2025-04", "--reason", ""), "the reason is empty", "--reason"),
    "a reason of two lines": (("close", "2025-04", "--reason", "a\nb"), "not one line of text", "in one line"),
    "a reason with a cursor": (("reopen", "2025-04", "--reason", "\x1b[2J"), "not one line of text", "in one line"),
    "a reason that is no text": (("close", "2025-04", "--reason", "\udcff"), "not one line of text", "in one line"),
}


@pytest.mark.parametrize(("arguments", "says", "hint"), WRONG.values(), ids=WRONG)
def test_wrong_use_changes_nothing_and_is_exit_code_64(
    folder: Path, arguments: tuple[str, ...], says: str, hint: str | None
) -> None:
    before = (folder / "state" / "costops.db").read_bytes()
    done = costops(folder, *arguments)
    assert (done.code, done.out) == (64, "")
    assert says in done.err
    if hint is not None:
        assert hint in done.err
    assert (folder / "state" / "costops.db").read_bytes() == before


def test_there_is_nothing_to_close_before_the_first_apply(tmp_path: Path) -> None:
    made = workspace(tmp_path / "workspace")
    done = costops(made, "close", "2025-04")
    assert done.code == 7
    assert "nothing has been applied yet" in done.err
    assert not (made / "state" / "costops.db").exists()


def test_an_actor_that_is_no_text_is_kept_as_escapes(folder: Path) -> None:
    done = costops(folder, "close", "2025-04", "--format", "json", environment={"COSTOPS_ACTOR": "m\udcff"})
    assert done.code == 0
    assert json.loads(done.out)["events"][0]["actor"] == "m\\udcff"


def test_a_writer_at_work_is_exit_code_6(folder: Path) -> None:
    with writer_at_work(folder):
        done = costops(folder, "close", "2025-04", environment={"COSTOPS_WAIT": "0"})
    assert done.code == 6


def test_a_saved_plan_is_stale_after_a_closing(folder: Path) -> None:
    edit_rules(folder)
    assert costops(folder, "plan", "--out", "saved.plan").code == 0
    assert costops(folder, "close", "2025-06").code == 0
    done = costops(folder, "apply", "saved.plan")
    assert done.code == 5
    assert "version 1 (serial 2)" in done.err


def test_the_history_has_closings_in_their_place(folder: Path) -> None:
    costops(folder, "close", "2025-05..2025-06", environment=MARA)
    costops(folder, "reopen", "2025-05..2025-06", "--reason", "a late\u00a0\u202ecredit", environment=MARA)
    apply(folder, 50)
    lines = costops(folder, "history").out.splitlines()
    assert lines[0].split() == ["version", "when", "(UTC)", "by", "commit", "cause", "moved", "changes"]
    assert lines[1].split()[0] == "2"
    assert lines[2].endswith("reopens 2025-05..2025-06")
    assert lines[3] == "         reason: a late\u00a0\\u202ecredit"
    assert lines[4].endswith("closes 2025-05..2025-06")
    assert lines[5].split()[0] == "1"
    document = json.loads(costops(folder, "history", "--format", "json").out)
    assert [each["version"] for each in document["versions"]] == [2, 1]
    assert [each["serial"] for each in document["versions"]] == [6, 1]
    assert [(each["serial"], each["status"], each["month"]) for each in document["events"]] == [
        (5, "open", "2025-06"),
        (4, "open", "2025-05"),
        (3, "closed", "2025-06"),
        (2, "closed", "2025-05"),
    ]
    assert document["versions"][0]["previous_hash"] == document["events"][0]["hash"]


def test_a_restore_says_how_far_it_goes_back_and_brings_back_the_closings(folder: Path) -> None:
    costops(folder, "close", "2025-04")
    assert costops(folder, "state", "backup", "copy.db").code == 0
    costops(folder, "reopen", "2025-04", "--reason", "x")
    done = costops(folder, "state", "restore", "copy.db", "--auto-approve")
    assert done.code == 0
    assert "The state goes back from version 1 (serial 3) to version 1 (serial 2)." in done.out
    assert "closings" in done.out
    assert costops(folder, "close", "2025-04").out == "Billing month 2025-04 is closed already.\n"
    forward = costops(folder, "state", "restore", "state/costops.db.replaced-1", "--auto-approve")
    assert "The state goes from version 1 (serial 2) to version 1 (serial 3)." in forward.out
