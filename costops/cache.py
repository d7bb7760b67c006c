"""Looks into the cache folder of a workspace, and empties it.

Invariant: only regular files with names that costops gives, and the folders that held nothing else, are removed; no
link is followed, and nothing outside the folder is touched. What is in the cache can be lost without losing a result.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from costops.errors import CostopsError, UsageError
from costops.interruption import held, settle
from costops.model.cache import CacheContents, CacheKind, CacheSize
from costops.model.settings import cache_folder

_FOLDERS: dict[str, tuple[CacheKind, re.Pattern[str]]] = {
    "rules": (CacheKind.RULES, re.compile(r"[0-9a-f]{64}\.json")),
    "cells": (CacheKind.CELLS, re.compile(r"[0-9a-f]{16,64}(-[0-9a-f]{16,64})*")),
    "evaluations": (CacheKind.EVALUATIONS, re.compile(r"[0-9a-f]{16,64}(-[0-9a-f]{16,64})*\.[a-z]+")),
}
"""Folder of the cache to what is kept in it, and what its entries are called."""

_UNFINISHED = re.compile(r"\.[a-z0-9]+[-.][a-z0-9_.-]+")
"""What an entry is called while it is written, whatever its kind."""
_HASHES = ("hashes.json", "shapes.json")
_SPILL = re.compile(r"\.spill-([0-9]+)-[0-9a-f]{8}")
"""What did not fit into the memory of a process with this number."""
_INSIDE = re.compile(r"[a-z0-9_.-]+\.(json|parquet|duckdb|wal)|duckdb_temp_[a-zA-Z0-9_.-]+")
"""What the files of an entry that is a folder are called."""


@dataclass(slots=True)
class _Entry:
    """One thing that is kept: its files with their bytes, and its folders, each after those inside it."""

    kind: CacheKind
    path: Path
    files: list[tuple[Path, int]] = field(default_factory=list)
    folders: list[Path] = field(default_factory=list)


@dataclass(slots=True)
class _Found:
    folder: Path
    entries: list[_Entry] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    def contents(self, entries: Sequence[_Entry]) -> CacheContents:
        sizes = []
        for kind in CacheKind:
            files = [size for each in entries if each.kind is kind for _, size in each.files]
            sizes.append(CacheSize(kind, sum(each.kind is kind for each in entries), sum(files)))
        others = sorted(each.relative_to(self.folder).as_posix() for each in self.others)
        return CacheContents(folder=self.folder, sizes=tuple(sizes), left_alone=tuple(others))


def look(root: Path) -> CacheContents:
    """What the workspace in `root` keeps; raises CostopsError where that cannot be read."""
    found = _look(cache_folder(root))
    return found.contents(found.entries)


def clear(root: Path) -> CacheContents:
    """Remove what the workspace in `root` keeps; gives what was removed.

    Raises UsageError where the cache folder is outside the workspace, and CostopsError, after everything else was
    removed, for what cannot be.
    """
    folder = cache_folder(root)
    if not Path(os.path.realpath(folder)).is_relative_to(os.path.realpath(root)):
        raise UsageError(
            f"{folder} is a link that leaves the workspace; nothing was removed",
            hint="empty the folder that it leads to yourself, or make it a folder of the workspace",
        )
    with held():
        settle()
        found = _look(folder)
        failures = [failure for each in found.entries for failure in _remove(each)]
        for name in _FOLDERS:
            with suppress(OSError):
                if not (folder / name).is_symlink():
                    (folder / name).rmdir()
    if failures:
        path, error = failures[0]
        more = f", nor {len(failures) - 1:,} more" if len(failures) > 1 else ""
        raise CostopsError(
            f"{path.relative_to(folder).as_posix()} cannot be removed: {error.strerror or error}{more}",
            hint=f"look at who may write to {folder}",
        )
    return found.contents(found.entries)


def _look(folder: Path) -> _Found:
    found = _Found(folder)
    for path, mode, size in _children(folder):
        spill = _SPILL.fullmatch(path.name)
        if path.name in _FOLDERS and stat.S_ISDIR(mode):
            _look_into(path, found)
        elif spill is not None and _is_alive(int(spill[1])):
            found.others.append(path)
        elif path.name in _HASHES:
            _take(CacheKind.HASHES, path, mode, size, found)
        elif spill is not None or _UNFINISHED.fullmatch(path.name):
            _take(CacheKind.UNFINISHED, path, mode, size, found)
        else:
            found.others.append(path)
    return found


def _look_into(folder: Path, found: _Found) -> None:
    kind, name = _FOLDERS[folder.name]
    for path, mode, size in _children(folder):
        if name.fullmatch(path.name):
            _take(kind, path, mode, size, found)
        elif _UNFINISHED.fullmatch(path.name):
            _take(CacheKind.UNFINISHED, path, mode, size, found)
        else:
            found.others.append(path)


def _take(kind: CacheKind, path: Path, mode: int, size: int, found: _Found) -> None:
    """Note an entry with everything of it that is ours."""
    entry = _Entry(kind, path)
    if stat.S_ISREG(mode):
        entry.files.append((path, size))
    elif stat.S_ISDIR(mode):
        _take_inside(path, entry, found)
    else:
        found.others.append(path)
        return
    found.entries.append(entry)


def _take_inside(folder: Path, entry: _Entry, found: _Found) -> None:
    for path, mode, size in _children(folder):
        if stat.S_ISDIR(mode):
            _take_inside(path, entry, found)
        elif stat.S_ISREG(mode) and _INSIDE.fullmatch(path.name):
            entry.files.append((path, size))
        else:
            found.others.append(path)
    entry.folders.append(folder)


def _children(folder: Path) -> Iterator[tuple[Path, int, int]]:
    """(path, mode, bytes) of what is in a folder, by name; links are not followed."""
    try:
        paths = sorted(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise CostopsError(
            f"{folder} cannot be read: {error.strerror or error}", hint="look at who may read it, and what it is"
        ) from error
    for path in paths:
        # What is gone by now was taken away by a command that works in the folder.
        with suppress(FileNotFoundError):
            status = path.lstat()
            yield path, status.st_mode, status.st_size


def _remove(entry: _Entry) -> Iterator[tuple[Path, OSError]]:
    """Remove the files of an entry, and its folders where nothing else is in them; gives what cannot be removed."""
    for path, _ in entry.files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            yield path, error
    for folder in entry.folders:
        with suppress(OSError):
            folder.rmdir()


def _is_alive(process: int) -> bool:
    """Whether a process with this number runs on this machine."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # another user's, or nothing that can be asked
    return True
