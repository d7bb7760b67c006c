"""What is found out about a state file: whether it is sound, what a backup holds, what a restore would replace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StateProblem:
    """One thing that is not as costops wrote it."""

    place: str
    """What is wrong: `version 3`, `day 2025-09-30 of billing month 2025-09`, `the schema`."""
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StateCheck:
    """What was looked at in a state file, and every problem found; the counts are of what could be read."""

    path: Path
    lineage: str | None = None
    serial: int | None = None
    newest: int | None = None
    """Number of the newest version; None where there is none, or it cannot be read."""
    head: str | None = None
    """Hash of the newest version, closing or reopening of a month, which stands for everything before it."""
    versions: int = 0
    entries: int = 0
    bytes: int = 0
    """Size of the file and its write-ahead log."""
    complete: bool = True
    """Whether everything was looked at; damage of the file itself ends a check early."""
    problems: tuple[StateProblem, ...] = ()

    @property
    def is_sound(self) -> bool:
        return not self.problems


class Descent(Enum):
    """How a backup is related to the state that it would replace."""

    FIRST = "first"
    """There is no state."""
    SAME = "same"
    NEWER = "newer"
    """The backup holds everything that the state holds, and more, be it closings of months alone."""
    OLDER = "older"
    """The state holds everything that the backup holds, and more, be it closings of months alone."""
    FORKED = "forked"
    """Both have versions that the other has not."""
    FOREIGN = "foreign"
    """They have different lineages."""
    UNREADABLE = "unreadable"
    """The state is damaged so that its versions cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """What a restore would do; made by looking alone."""

    source: StateCheck
    present: StateCheck
    """The state that would be replaced; without problems and versions where there is none."""
    descent: Descent
    common: int
    """The newest version that both have; 0 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A restore that was done."""

    check: StateCheck
    """The state as it is now."""
    kept: Path | None
    """Where what it replaced is; None where there was nothing."""
