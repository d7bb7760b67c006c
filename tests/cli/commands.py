"""Runs the command line as its user does: a process of its own, bytes out."""

from __future__ import annotations

import ctypes
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


def costops(
    folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, permissions_bind: bool = False
) -> Done:
    """`costops ARGUMENTS` in a folder, without a terminal; a traceback fails the test at once.

    With `permissions_bind` a superuser is bound by the permissions of files like everybody else.
    """
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COSTOPS_")}
    done = subprocess.run(
        [sys.executable, "-m", "costops", *arguments],
        cwd=folder,
        env={**clean, **(environment or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=False,
        preexec_fn=_bound_by_permissions if permissions_bind and os.geteuid() == 0 else None,
    )
    out, err = done.stdout.decode(), done.stderr.decode()
    assert "Traceback" not in err, err
    return Done(done.returncode, out, err)


def _bound_by_permissions() -> None:
    """Take from this process the superuser's two rights to read and search everything."""
    drop_from_bounding_set, dac_override, dac_read_search = 24, 1, 2
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in (dac_override, dac_read_search):
        if libc.prctl(drop_from_bounding_set, capability, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "the superuser's rights cannot be given up here")
