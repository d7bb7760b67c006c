"""Which files a billing or metric source means.

Invariant: every file of a kind that costops reads and that a path names is in the result exactly once, in the order of
names, or the command fails. What is passed over cannot be meant: hidden files, manifests, markers such as `_SUCCESS`.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from costops.errors import BillError

KIND_OF_SUFFIX = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
"""What a file's name ends in, in any case, and the reader that it needs."""

UNREADABLE_SUFFIXES = (".zip", ".csv.bz2", ".csv.zst", ".csv.xz", ".parquet.gz")
"""Files packed in a way that costops does not read: passing over them would lose money."""

FORMS = "CSV (.csv), gzipped CSV (.csv.gz) and Parquet (.parquet)"


@dataclass(frozen=True, slots=True)
class Owner:
    """The source that names files, as messages call it."""

    kind: str
    """billing or metric."""
    name: str

    def __str__(self) -> str:
        return f"{self.kind} source {self.name}"

    @property
    def file(self) -> str:
        """What its files are called."""
        return "bill file" if self.kind == "billing" else "metric file"

    @property
    def counted(self) -> str:
        """What would count twice if a file were read twice."""
        return "cost" if self.kind == "billing" else "values"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a source, not yet opened."""

    owner: Owner
    path: Path
    """Absolute."""
    name: str
    """Relative to the workspace where it lies inside, else absolute; parts separated by `/`."""
    kind: str
    """csv or parquet."""


def find_all(root: Path, sources: Sequence[tuple[Owner, str]]) -> tuple[FoundFile, ...]:
    """The files of (owner, path) pairs, by source and name; a file that is named twice raises BillError."""
    found: list[FoundFile] = []
    owners: dict[str, FoundFile] = {}
    for owner, pattern in sources:
        for file in find_files(root, owner, pattern):
            first = owners.setdefault(os.path.realpath(file.path), file)
            if first is not file:
                raise _read_twice(first, file)
            found.append(file)
    return tuple(found)


def find_files(root: Path, owner: Owner, pattern: str) -> tuple[FoundFile, ...]:
    """The files that `pattern` names: a file, a folder with all below it, or a glob.

    `pattern` is relative to `root` or absolute and may have `*`, `?`, `[..]` and `**`. Raises BillError where it names
    none that costops reads, or something else than a file.
    """
    if "://" in pattern:
        raise BillError(
            f"{owner}: {pattern} is an address, and costops reads files only",
            hint="Copy it to this machine first and write the path of the copy.",
        )
    root = Path(os.path.normpath(root))
    whole = Path(os.path.normpath(root / pattern))
    try:
        base, matches = _matching(root, owner, pattern, whole)
        files = [
            FoundFile(owner, path, name_of(root, path), kind_of(path.name) or "")
            for path in matches
            if _is_readable(owner, name_of(root, path), path)
        ]
    except OSError as error:
        raise BillError(
            f"{owner}: {error.filename} cannot be read: {error.strerror}",
            hint="Give the user that runs costops the right to read it, or correct `path`.",
        ) from error
    if not files:
        raise _nothing_found(owner, pattern, whole, base, len(matches))
    return tuple(sorted(files, key=lambda file: file.name))


def kind_of(file_name: str) -> str | None:
    """`csv` or `parquet` by the end of a file's name; None for what costops does not read."""
    folded = file_name.lower()
    return next((kind for suffix, kind in KIND_OF_SUFFIX.items() if folded.endswith(suffix)), None)


def name_of(root: Path, path: Path) -> str:
    """What messages and digests call a file."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _matching(root: Path, owner: Owner, pattern: str, whole: Path) -> tuple[Path, list[Path]]:
    """The folder that was looked through, and whatever in it matches."""
    if whole.is_dir():
        if kind_of(whole.name) and not pattern.endswith("/"):
            raise _folder_not_file(owner, pattern, f"Write `{pattern}/` if you mean all files in the folder.")
        return whole, [path for _, path in _walk(whole, None)]
    if whole.is_symlink() or whole.exists():
        return whole.parent, [whole]
    parts = whole.parts
    # The workspace's own folder may have a wildcard in its name.
    literal = len(Path(os.path.commonpath((root, whole))).parts)
    variable = (place for place in range(literal, len(parts)) if any(mark in parts[place] for mark in "*?["))
    first = next(variable, len(parts) - 1)
    base = Path(*parts[:first])
    wanted = (*parts[first:], "**") if pattern.endswith("/") else parts[first:]
    deepest = None if "**" in wanted else len(wanted)
    return base, [path for below, path in _walk(base, deepest) if _match(below, wanted)]


def _is_readable(owner: Owner, name: str, path: Path) -> bool:
    """False for what cannot be meant; raises BillError for what should be one and cannot be read as such."""
    if path.name.lower().endswith(UNREADABLE_SUFFIXES):
        raise BillError(
            f"{owner}: {name} is packed in a way that costops does not read",
            hint=f"Unpack it. costops reads {FORMS}.",
        )
    if kind_of(path.name) is None:
        return False
    if path.is_dir():
        raise _folder_not_file(owner, name, "Write a path that names the files in it.")
    if not path.is_file():
        raise BillError(
            f"{owner}: {name} is a link to nothing, or no ordinary file",
            hint="Restore what it points to, or take it away.",
        )
    return True


def _walk(base: Path, deepest: int | None, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Path]]:
    """(parts below the base, path) of everything down to `deepest` levels, without hidden files and folders."""
    if not base.is_dir():
        return
    # A link to a folder above would be walked for ever.
    here = (*above, os.path.realpath(base))
    for path in sorted(base.iterdir()):
        if path.name.startswith("."):
            continue
        yield (path.name,), path
        if deepest != 1 and path.is_dir() and os.path.realpath(path) not in here:
            for below, inner in _walk(path, None if deepest is None else deepest - 1, here):
                yield (path.name, *below), inner


def _match(parts: tuple[str, ...], patterns: tuple[str, ...]) -> bool:
    if not patterns:
        return not parts
    if patterns[0] == "**":
        return any(_match(parts[index:], patterns[1:]) for index in range(len(parts) + 1))
    if not parts:
        return False
    part, pattern = parts[0], patterns[0]
    if len(parts) == len(patterns) == 1:
        part, pattern = _with_lower_suffix(part), _with_lower_suffix(pattern)
    return fnmatch.fnmatchcase(part, pattern) and _match(parts[1:], patterns[1:])


def _with_lower_suffix(file_name: str) -> str:
    """`A.CSV` as `A.csv`, so that `*.csv` finds it."""
    folded = file_name.lower()
    suffix = next((each for each in KIND_OF_SUFFIX if folded.endswith(each)), "")
    return file_name[: len(file_name) - len(suffix)] + suffix


def _read_twice(first: FoundFile, second: FoundFile) -> BillError:
    if first.owner == second.owner:
        message = f"{first.owner}: {first.name} and {second.name} are one file"
    else:
        message = f"{first.owner} and {second.owner} both name {second.name}"
    return BillError(
        f"{message}; its {first.owner.counted} would count twice", hint="Narrow `path` so that each file is named once."
    )


def _folder_not_file(owner: Owner, name: str, hint: str) -> BillError:
    return BillError(f"{owner}: {name} is a folder where a file is expected", hint=hint)


def _nothing_found(owner: Owner, pattern: str, whole: Path, base: Path, matches: int) -> BillError:
    if matches:
        reason = f"{matches} file{'s' if matches != 1 else ''} there, none of them a {owner.file}"
    elif not base.is_dir():
        reason = f"there is no folder {base}"
    else:
        reason = "nothing there has such a name"
    return BillError(
        f"{owner}: no {owner.file} matches {pattern} (looked for {whole}: {reason})",
        hint=f"Put the {owner.file} there, or correct `path` of {owner.name} in costops.yaml. costops reads {FORMS}.",
    )
