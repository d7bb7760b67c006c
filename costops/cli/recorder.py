"""Writes down where the time of a command goes, and the statements of the engine, for who asked with an option.

Invariant: stages follow each other without a gap, from the start of the process to the end of the profile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from costops.model.profile import Kept, Profile, Spent
from costops.model.progress import Progress, Share, rule_of

START = "starting"
EVALUATING = "evaluating rules"


@dataclass(slots=True)
class _Time:
    seconds: float = 0.0
    engine_seconds: float = 0.0
    times: int = 0
    parts: dict[str, _Time] = field(default_factory=dict)


class Record:
    """Hears stages and statements and tells them on; `write` gets every statement as text, where it is wanted."""

    def __init__(self, progress: Progress, write: Callable[[str], None] | None = None) -> None:
        self._progress = progress
        self._write = write
        self._began = time.perf_counter() - _age_seconds()
        self._since = self._began
        self._words = START
        self._stages: dict[str, _Time] = {}
        self._kept: dict[str, tuple[int, int]] = {}
        self._engine_seconds = 0.0
        self._statements = 0
        self._of_stage = 0.0

    def stage(self, words: str, share: Share | None = None) -> None:
        """A stage begins, and the one before it is over."""
        if self._write is not None and words != self._words:
            from costops.render.profile import stage_line

            self._write(stage_line(words))
        self._note()
        self._words = words
        self._progress.stage(words, share)

    def statement(self, text: str, parameters: Sequence[object], seconds: float, rows: int | None) -> None:
        """A statement of the engine has ended."""
        self._statements += 1
        self._engine_seconds += seconds
        self._of_stage += seconds
        if self._write is not None:
            from costops.render.profile import statement_text

            self._write(statement_text(text, parameters, seconds, rows))

    def kept(self, what: str, used: int, wanted: int) -> None:
        """So many of the wanted parts of `what` were taken from what an earlier run kept."""
        before = self._kept.get(what, (0, 0))
        self._kept[what] = (before[0] + used, before[1] + wanted)

    def profile(self) -> Profile:
        """Where the time went until now; the stage that is being worked on ends here."""
        self._note()
        return Profile(
            seconds=self._since - self._began,
            engine_seconds=self._engine_seconds,
            statements=self._statements,
            stages=_spent(self._stages),
            kept=tuple(Kept(what=what, used=used, wanted=wanted) for what, (used, wanted) in self._kept.items()),
        )

    def _note(self) -> None:
        """Add the time since the last stage began to it."""
        now = time.perf_counter()
        rule = rule_of(self._words)
        stage = self._stages.setdefault(self._words if rule is None else EVALUATING, _Time())
        for each in (stage,) if rule is None else (stage, stage.parts.setdefault(rule, _Time())):
            each.seconds += now - self._since
            each.engine_seconds += self._of_stage
            each.times += 1
        self._since, self._of_stage = now, 0.0


def _spent(times: dict[str, _Time]) -> tuple[Spent, ...]:
    return tuple(
        Spent(
            words=words,
            seconds=each.seconds,
            engine_seconds=each.engine_seconds,
            times=each.times,
            parts=tuple(sorted(_spent(each.parts), key=lambda part: (-part.seconds, part.words))),
        )
        for words, each in times.items()
    )


def _age_seconds() -> float:
    """How long this process has been running, as far as the system says; else 0."""
    with suppress(OSError, ValueError, IndexError, AttributeError):
        # After the name, which may hold anything, come the fields from the third on; the start is the 22nd.
        fields = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
        return max(0.0, age)
    return 0.0
