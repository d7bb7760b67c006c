"""Which files a metric source means, and what they contain as a digest.

Invariant: every metric file that a path names is in the result exactly once, in the order of names, or the command
fails.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from costops.errors import BillError
from costops.model.settings import MetricSource

KIND_OF_SUFFIX = {".csv": "csv", ".csv.gz": "csv", ".parquet": "parquet"}
"""What a metric file's name ends in, in any case, and the reader that it needs."""

FORMS = "CSV (.csv), gzipped CSV (.csv.gz) and Parquet (.parquet)"


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A metric file and the hash of its content."""

    path: Path
    """Absolute."""
    name: str
    """Relative to the workspace where it lies inside, else absolute; parts separated by `/`."""
    kind: str
    """csv or parquet."""
    sha256: str


def find_files(root: Path, source: MetricSource) -> tuple[FoundFile, ...]:
    """The metric files of a source: a file, a folder with all below it, or a glob with `*`, `?`, `[..]` and `**`.

    Raises BillError where there is none, where one cannot be read, or where two have the same content.
    """
    root = Path(os.path.normpath(root))
    whole = Path(os.path.normpath(root / source.path))
    try:
        files = [_found(root, source, path, kind) for path in _matching(root, whole) if (kind := _kind_of(path))]
    except OSError as error:
        raise BillError(
            f"metric source {source.name}: {error.filename} cannot be read: {error.strerror}",
            hint="Give the user that runs costops the right to read it, or correct `path`.",
        ) from error
    if not files:
        raise BillError(
            f"metric source {source.name}: no metric file matches {source.path} (looked for {whole})",
            hint=f"Put the file there, or correct `path` of {source.name} in costops.yaml. costops reads {FORMS}.",
        )
    first_of: dict[str, FoundFile] = {}
    for file in sorted(files, key=lambda each: each.name):
        first = first_of.setdefault(file.sha256, file)
        if first is not file:
            raise BillError(
                f"metric source {source.name}: {first.name} and {file.name} have the same content; "
                "their values would count twice",
                hint="Take one of the two away, or narrow `path` so that only one is read.",
            )
    return tuple(first_of.values())


def _matching(root: Path, whole: Path) -> list[Path]:
    """Whatever a path names, without hidden files; a folder names the files below it."""
    if whole.is_dir():
        return [path for path in _visible(whole, "**/*") if path.is_file()]
    if whole.exists():
        return [whole]
    parts = whole.parts
    # The workspace's own folder may have a wildcard in its name.
    literal = len(Path(os.path.commonpath((root, whole))).parts)
    variable = (place for place in range(literal, len(parts)) if any(mark in parts[place] for mark in "*?["))
    first = next(variable, len(parts) - 1)
    below = parts[first:] if parts[-1] != "**" else (*parts[first:], "*")
    return _visible(Path(*parts[:first]), "/".join(below))


def _visible(base: Path, pattern: str) -> list[Path]:
    paths = dict.fromkeys(base.glob(pattern))
    return [path for path in paths if not any(part.startswith(".") for part in path.relative_to(base).parts)]


def _kind_of(path: Path) -> str | None:
    folded = path.name.lower()
    return next((kind for suffix, kind in KIND_OF_SUFFIX.items() if folded.endswith(suffix)), None)


def _found(root: Path, source: MetricSource, path: Path, kind: str) -> FoundFile:
    name = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    if path.is_dir():
        raise BillError(
            f"metric source {source.name}: {name} is a folder where a file is expected",
            hint="Write a path that names the files in it.",
        )
    with path.open("rb") as stream:
        return FoundFile(path, name, kind, hashlib.file_digest(stream, "sha256").hexdigest())
