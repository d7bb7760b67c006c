"""Files written whole or not at all.

Invariant: a reader sees the old content or the new one, also where the program is killed between the two.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from costops.errors import CostopsError, UsageError
from costops.interruption import give_way, held, settle


def check_place(path: Path) -> None:
    """Raises UsageError where no file can be written: into no folder, or over what is no regular file."""
    if not path.parent.is_dir():
        raise UsageError(f"{path} cannot be written: there is no folder {path.parent}", hint="Make it first.")
    if path.is_dir():
        raise UsageError(f"{path} is a folder", hint="Name a file in it.")
    if path.exists() and not path.is_file():
        raise UsageError(f"{path} is no regular file", hint="Name one; `--format` writes the same to stdout.")


def write_whole(path: Path, content: bytes, what: str) -> None:
    """Replace a file in one step, readable by its owner alone; raises CostopsError where it cannot be written.

    `what` names the content in the message: `the plan`.
    """
    # A link stays a link to the file.
    real = Path(os.path.realpath(path))
    with held():
        try:
            _replace(real, content)
        except OSError as error:
            raise CostopsError(
                f"{what} cannot be written to {path}: {error.strerror}",
                hint="Name a file in a folder that you may write to, on a disk with space.",
            ) from error
        settle()


def _replace(real: Path, content: bytes) -> None:
    unfinished: Path | None = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=".new", dir=real.parent)  # mode 0600
        unfinished = Path(name)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        give_way()
        unfinished.replace(real)
    finally:
        if unfinished is not None:
            with suppress(OSError):
                unfinished.unlink(missing_ok=True)
