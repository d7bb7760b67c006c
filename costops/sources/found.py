"""A file that a source names, before it is opened, and what it is called."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from costops.model.bill import PassedOver


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
    """Relative to the workspace, but absolute where only an absolute pattern names it outside; `/` between parts."""
    kind: str
    """csv or parquet."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the paths of sources name."""

    files: tuple[FoundFile, ...]
    """In the order of sources and names."""
    passed_over: tuple[PassedOver, ...]


def name_of(root: Path, path: Path, pattern: str) -> str:
    """What messages and digests call a file that `pattern` names."""
    if path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    # `../bills` means the same files wherever the two folders lie, and digests must say so.
    return path.as_posix() if Path(pattern).is_absolute() else Path(os.path.relpath(path, root)).as_posix()
