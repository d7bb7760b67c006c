"""What the environment says of this run alone: who runs it, on how many threads, how long it waits.

Invariant: nothing of it decides an amount.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from costops.errors import UsageError

LONGEST_WAIT_SECONDS = 86_400


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The environment variables of a process."""

    variables: Mapping[str, str]

    def threads(self) -> int | None:
        """How many threads the engine may use; None: as many as it likes. Raises UsageError."""
        threads = self.variables.get("COSTOPS_THREADS")
        if threads and not (threads.isdecimal() and int(threads)):
            raise UsageError(
                f"COSTOPS_THREADS is {threads!r}, which is no number of threads",
                hint="set it to 1 or more, or unset it",
            )
        return int(threads) if threads else None

    def wait_seconds(self) -> int:
        """How long to wait for another writer of the state; raises UsageError."""
        text = self.variables.get("COSTOPS_WAIT") or "10"
        if not text.isascii() or not text.isdecimal():
            raise UsageError(
                f"COSTOPS_WAIT is {text!r}, which is no number of seconds",
                hint="set it to a whole number such as 10, or unset it",
            )
        return min(int(text), LONGEST_WAIT_SECONDS)

    def actor(self) -> str:
        """Who writes a version."""
        import getpass

        try:
            name = self.variables.get("COSTOPS_ACTOR") or getpass.getuser()
            # Bytes that are no text are kept as escapes, for the state holds text alone.
            return name.encode("utf-8", "backslashreplace").decode()
        except (KeyError, OSError):
            return "unknown"
