"""Processes that apply versions, for the tests that kill them, race them or take their rights away.

They are forked from a small server that has the libraries loaded, so that a test may start many of them.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from cli.processes import FORKS
from unit.state.stores import apply, base_of, draft_of, ledger_of

from costops.errors import CostopsError
from costops.model.ledger import Ledger
from costops.state.writer import apply_version


def month(seed: int) -> Ledger:
    """A month of 600 rows, in which a third of the days depends on `seed`."""
    return ledger_of(
        (
            "2025-09",
            f"2025-09-{day:02}",
            "USD",
            (f"env {n}", None),
            "r",
            (day * 10**12 + (seed if day % 3 == 0 else n), -n),
        )
        for day in range(1, 31)
        for n in range(1, 21)
    )


def apply_until_killed(to_test: Connection, path: Path) -> None:
    """Apply one version after another and send the number of each."""
    for seed in range(1000):
        to_test.send(apply(path, month(seed)).number)


def apply_when_told(to_test: Connection, path: Path, seed: int) -> None:
    """Read the base, send `ready`, wait for word, apply and send the outcome."""
    base, ledger = base_of(path), month(seed)
    draft = draft_of(ledger)
    to_test.send("ready")
    to_test.recv()
    try:
        outcome = f"version {apply_version(path, base=base, draft=draft, ledger=ledger).number}"
    except CostopsError as error:
        outcome = type(error).__name__
    to_test.send(outcome)


def run_as_nobody(to_test: Connection, action: Callable[[Path], object], path: Path) -> None:
    """Run `action` without the right to write everywhere that root has, and send what it gives or raises."""
    if os.geteuid() == 0:
        os.setegid(65534)
        os.seteuid(65534)
    try:
        to_test.send(action(path))
    except CostopsError as error:
        to_test.send((type(error).__name__, error.message, int(error.exit_code)))


def start(target: Callable[..., None], *arguments: object) -> tuple[ForkServerProcess, Connection]:
    """A running child and the test's end of the pipe to it."""
    here, there = FORKS.Pipe()
    child = FORKS.Process(target=target, args=(there, *arguments), daemon=True)
    child.start()
    there.close()
    return child, here
