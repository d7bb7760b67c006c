"""Files that appear whole or not at all.

Invariant: what is being written has a hidden name beside its place, is readable by its owner alone, and is synced
before it gets its name; a killed process leaves at most the hidden file, which a later one removes.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from costops.interruption import give_way, held, settle, undone_by

ABANDONED_SECONDS = 3600
"""After so long without a write a hidden file belongs to nobody: writing takes seconds, and it ends with its name."""
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
"""What the system says where a file cannot have a second name."""
_SUFFIX = ".new"
_LOGS = ("-wal", "-shm", "-journal")


@contextmanager
def unfinished_file(real: Path) -> Iterator[Path]:
    """An empty file under a hidden name beside `real`; gone at the end, unless it was moved away."""
    import tempfile

    remove_abandoned(real)
    with ExitStack() as stack:
        with held():
            descriptor, name = tempfile.mkstemp(prefix=f".{real.name}.", suffix=_SUFFIX, dir=real.parent)  # mode 0600
            os.close(descriptor)
            stack.enter_context(undone_by(partial(_remove, Path(name))))
        try:
            yield Path(name)
        finally:
            _remove(Path(name))


def _remove(unfinished: Path) -> None:
    for suffix in ("", *_LOGS):
        with suppress(OSError):
            unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)


def remove_abandoned(real: Path) -> None:
    """Remove what killed processes left beside `real`; what may still be written stays.

    A hidden name of `real` itself is left by a kill between its two names, and needs no waiting.
    """
    before = time.time() - ABANDONED_SECONDS
    with suppress(OSError):  # it is no reason to fail
        for each in real.parent.iterdir():
            kind = each.name.removeprefix(f".{real.name}.")
            if kind == each.name or not kind.removesuffix(_log_suffix(kind)).endswith(_SUFFIX):
                continue
            with suppress(OSError):
                found = each.stat()
                if found.st_mtime < before or (found.st_nlink > 1 and each.samefile(real)):
                    each.unlink()


def _log_suffix(name: str) -> str:
    return next((suffix for suffix in _LOGS if name.endswith(suffix)), "")


def publish(unfinished: Path, real: Path) -> None:
    """Sync the file and give it its name; FileExistsError if the name is taken, whatever came first."""
    synchronize(unfinished)
    with held():
        give_way()
        link(unfinished, real)
        settle()


def link(content: Path, name: Path) -> None:
    """A second name for a file; FileExistsError if it is taken."""
    os.link(content, name)  # unlike a rename, never replaces what appeared under the name meanwhile
    # From here on the file is there, so nothing may report a failure any more.
    with suppress(OSError):
        synchronize(name.parent)


def replace(unfinished: Path, real: Path) -> None:
    """Sync the file and put it in the place of whatever has its name."""
    synchronize(unfinished)
    with held():
        give_way()
        unfinished.replace(real)
        settle()
    with suppress(OSError):
        synchronize(real.parent)


def synchronize(path: Path) -> None:
    """Wait until the disk has the content of a file, or the names of a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
