"""Runs the command line as its user does: a process of its own, bytes out."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str


def costops(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> Done:
    """`costops ARGUMENTS` in a folder, without a terminal; a traceback fails the test at once."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COSTOPS_")}
    done = subprocess.run(
        [sys.executable, "-m", "costops", *arguments],
        cwd=folder,
        env={**clean, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Done(done.returncode, out, err)
