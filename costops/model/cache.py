"""What the cache folder of a workspace holds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class CacheKind(StrEnum):
    """What is kept; the values are what a person calls it, in the order of lists."""

    RULES = "rules"
    CELLS = "cells"
    EVALUATIONS = "evaluations"
    HASHES = "hashes"
    UNFINISHED = "unfinished"
    """What a command that was killed left behind, or what one that runs is writing."""


@dataclass(frozen=True, slots=True)
class CacheSize:
    """How much there is of one kind."""

    kind: CacheKind
    entries: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheContents:
    """What costops keeps in a cache folder, or what was removed from it."""

    folder: Path
    sizes: tuple[CacheSize, ...]
    """One for each kind, in order."""
    left_alone: tuple[str, ...] = ()
    """Names, relative to the folder, of what costops did not make, or what a running command needs; sorted."""

    @property
    def entries(self) -> int:
        return sum(each.entries for each in self.sizes)

    @property
    def bytes(self) -> int:
        return sum(each.bytes for each in self.sizes)
