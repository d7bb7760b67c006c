"""All rule files of a folder, in the order that is part of their meaning.

Invariant: the order is the path compared part by part as UTF-8 bytes, then the place in the file, on every machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from costops.language.bind import Collected, bind_file
from costops.language.lookups import LookupFiles
from costops.language.problems import Problems
from costops.language.read import MAXIMUM_BYTES, read_bytes
from costops.model.diagnostic import Diagnostic, Span
from costops.model.rules import RuleSet, tables_named

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

    @property
    def has_errors(self) -> bool:
        return any(each.is_error for each in self.diagnostics)


def load_rules(folder: Path, root: Path) -> LoadedRules:
    """Reads and binds every rule file under `folder`, and the tables they name; names are relative to `root`."""
    problems = Problems()
    if not folder.is_dir():
        message = f"the rules folder {_relative(folder, root)} does not exist"
        problems.error("CO113", None, message, hint="make it, or name another one as `rules` in costops.yaml")
        return LoadedRules(RuleSet(), problems.found(), MappingProxyType({}), complete=False)
    lookups = LookupFiles(root, _relative(folder, root), problems)
    collected = Collected(problems=problems, table=lookups.named)
    texts: dict[str, str] = {}
    for path in sorted(_rule_files(folder, root, problems), key=lambda each: _order(each, root)):
        name = _relative(path, root)
        data = _bytes(path, name, problems)
        if data is None:
            collected.complete = False
            continue
        read = read_bytes(name, data)
        texts[name] = read.text
        problems.add(read.diagnostics)
        if read.node is None:
            collected.complete = False
        else:
            bind_file(read.node, read.text, collected)
    rules = collected.rules()
    named = {table for _, entry in rules.entries() for table in tables_named(entry)}
    return LoadedRules(
        replace(rules, lookups=tuple(each for each in lookups.tables() if each.id in named)),
        problems.found(),
        MappingProxyType(texts | lookups.texts),
        frozenset(collected.broken),
        collected.complete,
    )


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
