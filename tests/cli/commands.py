"""Runs the command line as its user does: a process of its own, bytes out."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.forks import FORKS

LONGEST_SECONDS = 120


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str


def costops(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    """`costops ARGUMENTS` in a folder, without a terminal, forked from a Python that has loaded it already.

    A traceback fails the test at once.
    """
    streams = Path(tempfile.mkdtemp(prefix="streams-"))
    try:
        process = FORKS.Process(target=_run, args=(folder, list(arguments), _surroundings(environment), streams))
        process.start()
        process.join(timeout=LONGEST_SECONDS)
        if process.exitcode is None:
            process.kill()
            raise AssertionError(f"costops {' '.join(arguments)} took longer than {LONGEST_SECONDS} seconds")
        return _done(process.exitcode, *((streams / name).read_bytes() for name in ("out", "err")))
    finally:
        shutil.rmtree(streams)


def started(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, permissions_bind: bool = False
) -> Done:
    """The same in a Python of its own, as a person starts it.

    With `permissions_bind` a superuser is bound by the permissions of files like everybody else.
    """
    done = subprocess.run(
        [sys.executable, "-m", "costops", *arguments],
        cwd=folder,
        env=_surroundings(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=LONGEST_SECONDS,
        check=False,
        preexec_fn=_bound_by_permissions if permissions_bind and os.geteuid() == 0 else None,
    )
    return _done(done.returncode, done.stdout, done.stderr)


def _surroundings(environment: Mapping[str, str] | None) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COSTOPS_")}
    return {**clean, **(environment or {})}


def _done(code: int, out: bytes, err: bytes) -> Done:
    done = Done(code, out.decode(), err.decode())
    assert "Traceback" not in done.err, done.err
    return done


def _run(folder: Path, arguments: list[str], environment: Mapping[str, str], streams: Path) -> None:
    from costops.cli import main

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(streams / name, os.O_CREAT | os.O_WRONLY, 0o600), stream)
    main(arguments)


def _bound_by_permissions() -> None:
    """Take the superuser's two rights to read and search everything from what this process starts next."""
    drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (dac_override, dac_read_search):
        if libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the superuser's rights cannot be given up here")
