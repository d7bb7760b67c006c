"""How work tells what it is doing; whoever shows it reads it from here, and the work knows nothing of terminals."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

Share = Callable[[], float | None]
"""How much of a stage is done, from 0 to 1; None where nobody knows. Called from another thread while it lasts."""


_RULE = re.compile(r"evaluating rules? [0-9,]+(?: to [0-9,]+)? of [0-9,]+ \((.+)\)", re.DOTALL)


def rule_of(words: str) -> str | None:
    """The rule that a stage evaluates; None for every other stage."""
    found = _RULE.fullmatch(words)
    return found[1] if found is not None else None


class Progress(Protocol):
    """Whoever wants to know what is being done."""

    def stage(self, words: str, share: Share | None = None) -> None:
        """A stage begins, and the one before it is over; `words` may hold text of strangers."""


class Recorder(Protocol):
    """Whoever writes down what was done, for a person who asked for it."""

    def statement(self, text: str, parameters: Sequence[object], seconds: float, rows: int | None) -> None:
        """A statement of the engine has ended; how many rows were fetched of it, if any were asked for."""

    def kept(self, what: str, used: int, wanted: int) -> None:
        """So many of the wanted parts of `what`, such as cells of files, were taken from what an earlier run kept."""


class _Quiet:
    def stage(self, words: str, share: Share | None = None) -> None:
        pass


QUIET: Final[Progress] = _Quiet()
"""Nobody wants to know."""
