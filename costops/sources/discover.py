"""Which files a billing or metric source means.

Invariant: every file of a kind that costops reads and that a path names is in the result exactly once, in the order of
names, or it is passed over with a reason, or the command fails. What is hidden cannot be meant and is not looked at.
"""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from costops.errors import BillError
from costops.model.bill import PassedOver
from costops.sources.found import Found, FoundFile, Owner, name_of
from costops.sources.manifests import current_files, is_manifest

KIND_OF_SUFFIX = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
"""What a file's name ends in, in any case, and the reader that it needs."""

UNREADABLE_SUFFIXES = (".zip", ".csv.bz2", ".csv.zst", ".csv.xz", ".parquet.gz")
"""Files packed in a way that costops does not read: passing over them would lose money."""

FORMS = "CSV (.csv), gzipped CSV (.csv.gz) and Parquet (.parquet)"


def find_all(root: Path, sources: Sequence[tuple[Owner, str]]) -> Found:
    """The files of (owner, path) pairs, by source and name; a file that is named twice raises BillError."""
    files: list[FoundFile] = []
    passed_over: list[PassedOver] = []
    owners: dict[str, FoundFile] = {}
    for owner, pattern in sources:
        found = find_files(root, owner, pattern)
        passed_over += found.passed_over
        for file in found.files:
            first = owners.setdefault(os.path.realpath(file.path), file)
            if first is not file:
                raise _read_twice(first, file)
            files.append(file)
    return Found(tuple(files), tuple(passed_over))


def find_files(root: Path, owner: Owner, pattern: str) -> Found:
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
        look = _look(root, owner, pattern, whole)
        readable = [path for path in look.paths if _is_readable(owner, name_of(root, path, pattern), path)]
    except OSError as error:
        raise BillError(
            f"{owner}: {error.filename} cannot be read: {error.strerror}",
            hint="Give the user that runs costops the right to read it, or correct `path`.",
        ) from error
    if not readable:
        raise _nothing_found(owner, pattern, whole, look)
    files = [FoundFile(owner, path, name_of(root, path, pattern), kind_of(path.name) or "") for path in readable]
    files.sort(key=lambda file: file.name)
    current: tuple[FoundFile, ...] = tuple(files)
    older: tuple[PassedOver, ...] = ()
    # Whoever names one file means that file, whatever a manifest says.
    if owner.kind == "billing" and not look.is_one_file:
        current, older = current_files(root, owner, pattern, files, look.is_named)
    others = [path for path in look.paths if path not in set(readable) and not path.is_dir()]
    reasons = (PassedOver(owner.name, name_of(root, path, pattern), _reason(path)) for path in others)
    return Found(current, tuple(sorted((*older, *reasons), key=lambda each: each.name)))


def _reason(path: Path) -> str:
    """Why a file of a kind that costops does not read is passed over."""
    return "a manifest" if is_manifest(path.name) else "neither CSV nor Parquet"


def kind_of(file_name: str) -> str | None:
    """`csv` or `parquet` by the end of a file's name; None for what costops does not read."""
    folded = file_name.lower()
    return next((kind for suffix, kind in KIND_OF_SUFFIX.items() if folded.endswith(suffix)), None)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a pattern was looked up as."""

    base: Path
    """The folder that was looked through."""
    paths: tuple[Path, ...]
    """Whatever in it matches, folders too."""
    wanted: tuple[str, ...]
    """Patterns of the parts below the base."""
    is_one_file: bool = False

    def is_named(self, path: Path) -> bool:
        """Whether the pattern matches a path, be it there or not."""
        if not path.is_relative_to(self.base):
            return False
        below = path.relative_to(self.base).parts
        return not any(part.startswith(".") for part in below) and _match(below, self.wanted)


def _look(root: Path, owner: Owner, pattern: str, whole: Path) -> _Look:
    if whole.is_dir():
        if kind_of(whole.name) and not pattern.endswith("/"):
            raise _folder_not_file(owner, pattern, f"Write `{pattern}/` if you mean all files in the folder.")
        return _Look(whole, tuple(path for _, path in _walk(whole, None)), ("**",))
    if whole.is_symlink() or whole.exists():
        return _Look(whole.parent, (whole,), (whole.name,), is_one_file=True)
    parts = whole.parts
    # The workspace's own folder may have a wildcard in its name.
    literal = len(Path(os.path.commonpath((root, whole))).parts)
    variable = (place for place in range(literal, len(parts)) if any(mark in parts[place] for mark in "*?["))
    first = next(variable, len(parts) - 1)
    base = Path(*parts[:first])
    wanted = (*parts[first:], "**") if pattern.endswith("/") else parts[first:]
    deepest = None if "**" in wanted else len(wanted)
    return _Look(base, tuple(path for below, path in _walk(base, deepest) if _match(below, wanted)), wanted)


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


def _nothing_found(owner: Owner, pattern: str, whole: Path, look: _Look) -> BillError:
    base, matches = look.base, len(look.paths)
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
