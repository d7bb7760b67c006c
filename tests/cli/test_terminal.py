"""The prompt of apply in a real pseudo-terminal, and streams that end early."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workbench import Case, charge, write

RULES = "labels:\n  - {id: env, from: Tags.env}\n"
BILL = [charge("EC2", "10", env="production"), charge("Support", "5")]


def answer(folder: Path, text: bytes, *arguments: str, question: bytes = b"Write this version?") -> tuple[int, str]:
    """`costops apply` or others in a pseudo-terminal, answered with `text`; gives the exit code and what was shown."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "costops", *(arguments or ("apply",))])
    shown, answered, deadline = b"", False, time.monotonic() + 60
    ended = False
    while not ended and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                piece = b""
            ended = not piece
            shown += piece
        if not answered and question in shown:
            os.write(terminal, text)
            answered = True
    if not ended:
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), shown.decode()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write(Case(RULES, BILL, report=("env",)), tmp_path)


def test_yes_applies(workspace: Path) -> None:
    code, shown = answer(workspace, b"yes\n")
    assert code == 0
    assert "Applied as version 1." in shown
    assert (workspace / "state" / "costops.db").exists()


@pytest.mark.parametrize("text", [b"y\n", b"no\n", b"\n", b"\x04"], ids=["y", "no", "nothing", "end of input"])
def test_anything_but_yes_declines(workspace: Path, text: bytes) -> None:
    code, shown = answer(workspace, text)
    assert code == 8
    assert "nothing was written" in shown
    assert not (workspace / "state" / "costops.db").exists()


def test_ctrl_c_at_the_prompt_leaves_everything_as_it_was(workspace: Path) -> None:
    code, shown = answer(workspace, b"\x03")
    assert code == 130
    assert shown.endswith("Write this version? ^C\r\ncostops: interrupted; nothing was changed\r\n")
    assert not (workspace / "state" / "costops.db").exists()


def test_a_reader_that_goes_away_is_no_error(workspace: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "costops", "plan", "--format", "json"],
        cwd=workspace,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    complaint = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 0
    assert complaint == ""


def test_a_reader_that_goes_away_before_apply_writes_is_told(workspace: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "costops", "apply", "--auto-approve"],
        cwd=workspace,
        stdout=writing,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(writing)
    assert done.returncode == 1
    assert done.stderr.decode().startswith("costops: stdout was closed before the whole plan was shown; nothing was")
    assert not (workspace / "state" / "costops.db").exists()


def test_a_full_disk_behind_stdout_is_one_message(workspace: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "costops", "plan"],
            cwd=workspace,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "costops: the result cannot be written to stdout: No space left on device",
        "  help: look at where stdout leads, and run the command again",
    ]
