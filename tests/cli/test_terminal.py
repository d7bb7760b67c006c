"""The prompt of apply in a real pseudo-terminal, and streams that end early."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from workbench import Case, charge, write

RULES = "labels:\n  - {id: env, from: Tags.env}\n"
BILL = [charge("EC2", "10", env="production"), charge("Support", "5")]


def answer(folder: Path, text: bytes) -> tuple[int, str]:
    """`costops apply` in a pseudo-terminal, answered with `text`; gives the exit code and what was shown."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.execv(sys.executable, [sys.executable, "-m", "costops", "apply"])
    shown, answered, deadline = b"", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            try:
                piece = os.read(terminal, 4096)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        if not answered and b"Write this version?" in shown:
            os.write(terminal, text)
            answered = True
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
    assert "nothing was changed" in shown
    assert "Traceback" not in shown
    assert not (workspace / "state" / "costops.db").exists()


def test_sigterm_ends_with_143(workspace: Path) -> None:
    program = (
        "import os, signal, threading;"
        "threading.Timer(1, os.kill, (os.getpid(), signal.SIGTERM)).start();"
        "import costops.workspace as w; w.Workspace.plan = lambda self: __import__('time').sleep(30);"
        "from costops.cli import main; main(['plan'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=workspace, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 143, done.stderr
    assert "nothing was changed" in done.stderr
    assert "Traceback" not in done.stderr


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
    assert "Traceback" not in complaint
