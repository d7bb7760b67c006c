"""What an interruption must not cut in two, and what it must take away.

A signal ends the process at once, from a thread of its own (costops.cli.signals), wherever the work is: no exception
travels through code that expects none. So work that leaves something behind says so before it begins: `held()` makes
an interruption wait, `undone_by()` names what it takes away, and `settle()` says that it comes too late.

Invariant: the process is ended by an interruption only while nobody is inside `held()`, and never after `settle()`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_gate = threading.RLock()
"""Held by whoever must not be cut, and by whoever ends the process."""
_asked = threading.Event()
_settled = threading.Event()
_disposable: list[None] = []
_undoing: list[Callable[[], None]] = []


class InterruptionError(BaseException):
    """An interruption was asked for inside `held()`; raised by `give_way()` alone, never by a signal itself."""


@contextmanager
def held() -> Iterator[None]:
    """Work that an interruption waits for; long work calls `give_way` where it can still be given up."""
    with _gate:
        yield


def is_asked() -> bool:
    """Whether an interruption waits."""
    return _asked.is_set() and not _settled.is_set()


def give_way() -> None:
    """Raise InterruptionError if an interruption waits: the caller takes back what it did and leaves `held()`."""
    if is_asked():
        raise InterruptionError


def settle() -> None:
    """From here on what was done stands, and an interruption comes too late to say that nothing was changed."""
    with _gate:
        if not _disposable:
            _settled.set()


@contextmanager
def disposable() -> Iterator[None]:
    """Work of which nothing stands, whoever settles it, because an interruption removes the whole place."""
    _disposable.append(None)
    try:
        yield
    finally:
        _disposable.pop()


@contextmanager
def undone_by(action: Callable[[], None]) -> Iterator[None]:
    """Work that an interruption undoes by `action`, which runs in another thread while the work still goes on."""
    _undoing.append(action)
    try:
        yield
    finally:
        _undoing.remove(action)


@contextmanager
def temporary_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """A new folder in `parent`, removed with all in it at the end, also when that is an interruption."""
    # 10 ms, and this module is imported before a signal can be heeded.
    import shutil
    import tempfile
    from pathlib import Path

    with ExitStack() as stack:
        with held():
            folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            stack.enter_context(undone_by(lambda: remove_folder(folder)))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def interrupt(end: Callable[[], None]) -> None:
    """Wait for what is held, undo what must be undone, and call `end`; nothing of this where all is settled."""
    _asked.set()
    with _gate:
        if _settled.is_set():
            return
        for action in reversed(_undoing.copy()):
            with suppress(Exception):
                action()
        end()


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there, that somebody may still be writing into."""
    import shutil

    # The work goes on meanwhile and may put one more file there while the folder is being emptied.
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
