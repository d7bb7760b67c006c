"""Whole processes: how long they take, how much memory, what they print.

Invariant: seconds are wall time from start to end of the process, its interpreter's start included.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LIMIT_SECONDS = 3600
"""After this a process is ended, and its figure counts as missing."""


@dataclass(frozen=True, slots=True)
class Run:
    """One process that ended well."""

    seconds: float
    peak_bytes: int
    """Largest resident size of the process itself."""
    out: bytes

    def plan(self) -> dict[str, Any]:
        """The plan document that the process printed."""
        document: dict[str, Any] = json.loads(self.out)
        return document


def run(command: Sequence[str | Path], folder: Path) -> Run:
    """Run a process in a folder; raises RuntimeError with its last lines where it does not end with 0."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as error:
        started = time.perf_counter()
        process = subprocess.Popen([str(each) for each in command], cwd=folder, stdout=out, stderr=error)
        too_long = threading.Timer(LIMIT_SECONDS, process.kill)
        too_long.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        finally:
            too_long.cancel()
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            error.seek(0)
            last = error.read().decode(errors="replace").strip()[-400:]
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {process.returncode}: {last}")
        out.seek(0)
        return Run(seconds, usage.ru_maxrss * 1024, out.read())


def costops(folder: Path, *arguments: str) -> Run:
    """Run costops, of the environment that runs the benchmark, in a workspace."""
    return run([sys.executable, "-m", "costops", *arguments], folder)


def plan(folder: Path, *arguments: str) -> Run:
    """Run `costops plan` for its document."""
    return costops(folder, "plan", "--format", "json", *arguments)


def median(runs: Sequence[Run]) -> float:
    """Median seconds."""
    return statistics.median(each.seconds for each in runs)


def several(times: int, *makes: Callable[[], Run]) -> list[list[Run]]:
    """Runs of each, one after the other and round again, so that a slow minute of the machine meets all of them."""
    runs: list[list[Run]] = [[] for _ in makes]
    for _ in range(times):
        for made, make in zip(runs, makes, strict=True):
            made.append(make())
    return runs
