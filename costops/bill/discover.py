"""Which files a billing source means.

Invariant: every bill file that a path names is in the result exactly once, in the order of names, or the command fails.
What is passed over cannot be a bill: hidden files, manifests, markers such as `_SUCCESS`, notes.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from costops.errors import BillError
from costops.model.settings import BillingSource

KIND_OF_SUFFIX = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
"""What a bill file's name ends in, in any case, and the reader that it needs."""

UNREADABLE_SUFFIXES = (".zip", ".csv.bz2", ".csv.zst", ".csv.xz", ".parquet.gz")
"""Bills packed in a way that costops does not read: passing over them would lose money."""

FORMS = "CSV (.csv), gzipped CSV (.csv.gz) and Parquet (.parquet)"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A bill file, not yet opened."""

    source: str
    """Name of the billing source."""
    path: Path
    """Absolute."""
    name: str
    """Relative to the workspace where it lies inside, else absolute; parts separated by `/`."""
    kind: str
    """csv or parquet."""


def find_all(root: Path, sources: Sequence[BillingSource]) -> tuple[FoundFile, ...]:
    """The files of all sources, by source and name; a file that two sources name raises BillError."""
    found: list[FoundFile] = []
    owners: dict[str, FoundFile] = {}
    for source in sources:
        for file in find_files(root, source.name, source.path):
            first = owners.setdefault(os.path.realpath(file.path), file)
            if first is not file:
                raise _read_twice(first, file)
            found.append(file)
    return tuple(found)


def find_files(root: Path, source: str, pattern: str) -> tuple[FoundFile, ...]:
    """The bill files that `pattern` names: a file, a folder with all below it, or a glob.

    `pattern` is relative to `root` or absolute and may have `*`, `?`, `[..]` and `**`. Raises BillError where it names
    no bill file, or something else than a file.
    """
    if "://" in pattern:
        raise BillError(
            f"billing source {source}: {pattern} is an address, and costops reads files only",
            hint="Copy the bill to this machine first and write the path of the copy.",
        )
    root = Path(os.path.normpath(root))
    whole = Path(os.path.normpath(root / pattern))
    try:
        base, matches = _matching(root, source, pattern, whole)
        files = [
            FoundFile(source, path, name_of(root, path), kind_of(path.name) or "")
            for path in matches
            if _is_bill_file(source, name_of(root, path), path)
        ]
    except OSError as error:
        raise BillError(
            f"billing source {source}: {error.filename} cannot be read: {error.strerror}",
            hint="Give the user that runs costops the right to read it, or correct `path`.",
        ) from error
    if not files:
        raise _nothing_found(source, pattern, whole, base, len(matches))
    return tuple(sorted(files, key=lambda file: file.name))


def kind_of(file_name: str) -> str | None:
    """`csv` or `parquet` by the end of a file's name; None for what is no bill file."""
    folded = file_name.lower()
    return next((kind for suffix, kind in KIND_OF_SUFFIX.items() if folded.endswith(suffix)), None)


def name_of(root: Path, path: Path) -> str:
    """What messages and digests call a file."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _matching(root: Path, source: str, pattern: str, whole: Path) -> tuple[Path, list[Path]]:
    """The folder that was looked through, and whatever in it matches."""
    if whole.is_dir():
        if kind_of(whole.name) and not pattern.endswith("/"):
            raise _folder_not_file(source, pattern, f"Write `{pattern}/` if you mean all bill files in the folder.")
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


def _is_bill_file(source: str, name: str, path: Path) -> bool:
    """False for what cannot be a bill; raises BillError for what should be one and cannot be read as such."""
    if path.name.lower().endswith(UNREADABLE_SUFFIXES):
        raise BillError(
            f"billing source {source}: {name} is packed in a way that costops does not read",
            hint=f"Unpack it. costops reads {FORMS}.",
        )
    if kind_of(path.name) is None:
        return False
    if path.is_dir():
        raise _folder_not_file(source, name, "Write a path that names the files in it.")
    if not path.is_file():
        raise BillError(
            f"billing source {source}: {name} is a link to nothing, or no ordinary file",
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
    if first.source == second.source:
        message = f"billing source {first.source}: {first.name} and {second.name} are one file"
    else:
        message = f"billing sources {first.source} and {second.source} both name {second.name}"
    return BillError(f"{message}; its cost would count twice", hint="Narrow `path` so that each file is named once.")


def _folder_not_file(source: str, name: str, hint: str) -> BillError:
    return BillError(f"billing source {source}: {name} is a folder where a file is expected", hint=hint)


def _nothing_found(source: str, pattern: str, whole: Path, base: Path, matches: int) -> BillError:
    if matches:
        reason = f"{matches} file{'s' if matches != 1 else ''} there, none of them a bill file"
    elif not base.is_dir():
        reason = f"there is no folder {base}"
    else:
        reason = "nothing there has such a name"
    return BillError(
        f"billing source {source}: no bill file matches {pattern} (looked for {whole}: {reason})",
        hint=f"Put the bill there, or correct `path` of {source} in costops.yaml. costops reads {FORMS}.",
    )
