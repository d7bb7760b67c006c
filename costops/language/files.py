"""All rule files of a folder, in the order that is part of their meaning.

Invariant: the order is the path compared part by part as UTF-8 bytes, then the place in the file, on every machine.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from costops.language.bind import Collected, bind_file
from costops.language.kept import KeptFiles
from costops.language.limits import MAXIMUM_BYTES
from costops.language.lookups import LookupFiles
from costops.language.nodes import ReadFile
from costops.language.problems import Problems
from costops.model.diagnostic import Diagnostic, Span
from costops.model.rules import Allocation, Dimension, Label, Metric, RuleSet, tables_named

SUFFIXES = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class LoadedRules:
    """What a rules folder says, and what is wrong with it; with errors the rules are for checking names only."""

    rules: RuleSet
    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    """Text of every rule file and every table that one names, by its name in diagnostics."""
    broken: frozenset[tuple[str, str]] = frozenset()
    """(kind, id) of entries that lack something because of their errors."""
    complete: bool = True
    """False where entries are missing because of errors."""
    files: int = 0
    """How many rule files were read."""
    kept_files: int = 0
    """How many of them an earlier run had kept."""

    @property
    def has_errors(self) -> bool:
        return any(each.is_error for each in self.diagnostics)


@dataclass(frozen=True, slots=True)
class FileRules:
    """What one rule file says, whatever the others say."""

    entries: tuple[Label | Dimension | Metric | Allocation, ...]
    broken: tuple[tuple[str, str], ...]
    diagnostics: tuple[Diagnostic, ...]
    complete: bool


def load_rules(folder: Path, root: Path, cache: Path | None = None) -> LoadedRules:
    """Reads and binds every rule file under `folder`, and the tables they name; names are relative to `root`.

    What a file says is kept in the folder `cache` and not read again; the result is the same without it.
    """
    with _without_collection():
        return _load(folder, root, KeptFiles(cache))


def _load(folder: Path, root: Path, kept: KeptFiles) -> LoadedRules:
    problems = Problems()
    if not folder.is_dir():
        message = f"the rules folder {_relative(folder, root)} does not exist"
        problems.error("CO113", None, message, hint="make it, or name another one as `rules` in costops.yaml")
        return LoadedRules(RuleSet(), problems.found(), MappingProxyType({}), complete=False)
    lookups = LookupFiles(root, _relative(folder, root), problems)
    collected = Collected(problems=problems)
    texts: dict[str, str] = {}
    kept_files = 0
    for path in sorted(_rule_files(folder, root, problems), key=lambda each: _order(each, root)):
        name = _relative(path, root)
        data = _bytes(path, name, problems)
        if data is None:
            collected.complete = False
            continue
        said = kept.find(FileRules, name, data)
        if said is None:
            said, texts[name] = _read(name, data, lookups, kept)
        else:
            kept_files += 1
            texts[name] = data.decode("utf-8").removeprefix("\ufeff")
        problems.add(said.diagnostics)
        collected.complete = collected.complete and said.complete
        broken = frozenset(said.broken)
        for entry in said.entries:
            kind = type(entry).__name__.lower()
            collected.add(kind, entry, is_broken=(kind, entry.id) in broken)
    kept.drop_oldest()
    files = len(texts)
    rules = collected.rules()
    named = {table for _, entry in rules.entries() for table in tables_named(entry)}
    return LoadedRules(
        replace(rules, lookups=tuple(each for each in lookups.tables() if each.id in named)),
        problems.found(),
        MappingProxyType(texts | lookups.texts),
        frozenset(collected.broken),
        collected.complete,
        files,
        kept_files,
    )


def read_file(name: str, data: bytes, kept: KeptFiles) -> ReadFile:
    """The nodes of a file, from the cache folder where they are kept; `name` is its name in messages."""
    found = kept.find(ReadFile, name, data)
    if found is not None:
        return found
    from costops.language.read import read_bytes  # 15 ms: patterns of characters

    read = read_bytes(name, data)
    if read.node is not None:
        kept.keep(read, name, data)
    return read


def _read(name: str, data: bytes, lookups: LookupFiles, kept: KeptFiles) -> tuple[FileRules, str]:
    """What a file says, and its text."""
    from costops.language.read import read_bytes  # 15 ms: patterns of characters

    read = read_bytes(name, data)
    alone = Collected(table=lookups.named)
    alone.problems.add(read.diagnostics)
    lookups.report_to(alone.problems)
    asked = lookups.asked
    if read.node is None:
        alone.complete = False
    else:
        bind_file(read.node, read.text, alone)
    entries = tuple(
        each for each in alone.entries.values() if isinstance(each, Label | Dimension | Metric | Allocation)
    )
    said = FileRules(entries, tuple(sorted(alone.broken)), alone.problems.found(), alone.complete)
    # What a file says that names a table depends on the table, and on where the file is.
    if read.node is not None and lookups.asked == asked:
        kept.keep(said, name, data)
    return said, read.text


@contextmanager
def _without_collection() -> Iterator[None]:
    """While hundreds of thousands of objects are made that all stay, Python need not look for cycles among them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _rule_files(folder: Path, root: Path, problems: Problems) -> Iterator[Path]:
    inside = Path(os.path.realpath(root))
    pending = [folder]
    seen = {Path(os.path.realpath(folder))}
    while pending:
        for path in _entries(pending.pop(), root, problems):
            is_folder, target = path.is_dir(), Path(os.path.realpath(path))
            if not is_folder and not path.name.endswith(SUFFIXES):
                continue
            if path.is_symlink() and not target.is_relative_to(inside):
                name = _relative(path, root)
                message = f"{name} is a link that leaves the workspace"
                problems.error("CO114", _top(name), message, hint="copy the file into the workspace")
            elif not is_folder:
                yield path
            elif target not in seen:
                seen.add(target)
                pending.append(path)


def _entries(folder: Path, root: Path, problems: Problems) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    except OSError as error:
        problems.error("CO101", _top(_relative(folder, root)), f"the folder cannot be read: {error.strerror}")
        return []


def _top(name: str) -> Span:
    return Span(name, 1, 1, 1, 1)


def _order(path: Path, root: Path) -> tuple[bytes, ...]:
    return tuple(os.fsencode(part) for part in Path(_relative(path, root)).parts)


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _bytes(path: Path, name: str, problems: Problems) -> bytes | None:
    try:
        if path.exists() and not path.is_file():
            problems.error("CO101", _top(name), "this is no regular file")
            return None
        with path.open("rb") as file:
            return file.read(MAXIMUM_BYTES + 1)
    except OSError as error:
        problems.error("CO101", _top(name), f"the file cannot be read: {error.strerror}")
        return None
