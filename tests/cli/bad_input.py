"""Input gone wrong in one place, and what the command line must say of it; the tables of kinds import this."""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from cli.commands import Done, costops, started
from workbench import Case, charge, write

from costops.errors import ExitCode

RULES = """\
labels:
  - {id: env, from: Tags.env}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: env, percent: {production: 60, staging: 40}}
"""
BILL = [charge("EC2", "10", env="production"), charge("Support", "5")]


@dataclass(frozen=True)
class Kind:
    """One kind of bad input."""

    name: str
    code: int
    """The exit code."""
    says: tuple[str, ...]
    """What stderr must say: the place, and the remedy."""
    spoil: Callable[[Path], None]
    """Makes the input bad; given a workspace with one bill file `bill/part-0.csv` and RULES."""
    arguments: tuple[str, ...] = ("plan",)
    applied: bool = False
    """Whether version 1 is in the state before the input goes bad."""
    permissions_bind: bool = False
    """Whether the command runs without the superuser's right to read everything."""
    during: Callable[[Path], AbstractContextManager[None]] = nullcontext
    """What goes on from before the input is made bad until after the command."""
    environment: tuple[tuple[str, str], ...] = ()


def workspace(folder: Path, *, applied: bool = False) -> Path:
    """A small workspace that works."""
    write(Case(RULES, BILL, report=("env",)), folder)
    if applied:
        (folder / "state" / "costops.db").write_bytes(_applied())
    return folder


@cache
def _applied() -> bytes:
    """The state with version 1: a resting state is one file."""
    with tempfile.TemporaryDirectory() as folder:
        workspace(Path(folder))
        assert costops(Path(folder), "apply", "--auto-approve").code == 0
        return (Path(folder) / "state" / "costops.db").read_bytes()


def contents(folder: Path) -> dict[str, str]:
    """sha256 of every file of a workspace that a person would miss; the cache is none of them."""
    files = (each for each in sorted(folder.rglob("*")) if each.is_file() and ".costops" not in each.parts)
    found = {each.relative_to(folder).as_posix(): each.read_bytes() for each in files}
    # Readers leave the index of the log, and an empty log, beside a state.
    kept = {name: read for name, read in found.items() if not name.endswith("-shm") and (read or name[-4:] != "-wal")}
    return {name: hashlib.sha256(read).hexdigest() for name, read in kept.items()}


def check(kind: Kind, folder: Path) -> str:
    """Run one kind: its exit code, one message with place and remedy, and no file changed; gives the message."""
    workspace(folder, applied=kind.applied)
    with kind.during(folder):
        return _check(kind, folder)


def _run(kind: Kind, folder: Path) -> Done:
    environment = dict(kind.environment)
    if not kind.permissions_bind:
        # A limit that goes on in this process reaches those that it starts itself.
        command = costops if kind.during is nullcontext else started
        return command(folder, *kind.arguments, environment=environment)
    try:
        return started(folder, *kind.arguments, environment=environment, permissions_bind=True)
    except subprocess.SubprocessError as error:
        if isinstance(error, subprocess.TimeoutExpired):
            raise
        pytest.skip("the superuser's rights cannot be given up here, so that permissions bind nobody")


def _check(kind: Kind, folder: Path) -> str:
    kind.spoil(folder)
    before = contents(folder)
    done = _run(kind, folder)
    assert done.code == kind.code, done.err or done.out
    missing = [part for part in kind.says if part not in done.err]
    assert not missing, f"{missing} not in:\n{done.err}"
    # What apply shows before it writes is the plan.
    shown = kind.arguments[0] == "apply" and "Applied" not in done.out
    assert done.out == "" or shown, "a failed command prints no result"
    # Errors of costops.yaml and of rules begin with their own file, line and column.
    assert done.err.count("costops: ") == (0 if kind.code == ExitCode.INVALID else 1), done.err
    assert "help: " in done.err, done.err
    assert contents(folder) == before, "a file was changed"
    return done.err
