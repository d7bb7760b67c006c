"""How work tells what it is doing; whoever shows it reads it from here, and the work knows nothing of terminals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

Share = Callable[[], float | None]
"""How much of a stage is done, from 0 to 1; None where nobody knows. Called from another thread while it lasts."""


class Progress(Protocol):
    """Whoever wants to know what is being done."""

    def stage(self, words: str, share: Share | None = None) -> None:
        """A stage begins, and the one before it is over; `words` may hold text of strangers."""


class _Quiet:
    def stage(self, words: str, share: Share | None = None) -> None:
        pass


QUIET: Final[Progress] = _Quiet()
"""Nobody wants to know."""
