"""Which billing months a plan may change, and which are carried over from the state.

Invariant: a month that is closed, or that `restate_months` leaves out, changes only where the plan restates it by name.
No clock decides: months are counted back from the newest one of the bill.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costops.errors import UsageError
from costops.periods import Period

MISSING, CLOSED, OLDER = "missing", "closed", "older"
"""Why a month is frozen, as FrozenMonth has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMonths:
    """What state, settings and flags say of months."""

    closed: frozenset[str] = frozenset()
    newest: int | None = None
    """How many of the bill's newest months are open; None: all."""
    restate: Period | frozenset[str] | None = None
    """Frozen months that are written anew nevertheless."""
    reason: str | None = None
    """Why; never None with `restate`."""

    def frozen(self, bill: Sequence[str], stored: Sequence[str]) -> dict[str, str]:
        """Months of the state that stay as they are, in order, each with why; `bill` has the bill's, in order."""
        there = set(bill)
        found = {}
        for month in stored:
            why = self._why(month, bill) if month in there else MISSING
            if why == MISSING or (why is not None and not self._is_restated(month)):
                found[month] = why
        return found

    def restated(self, bill: Sequence[str], stored: Sequence[str]) -> tuple[str, ...]:
        """Frozen months that are written anew, in order; raises UsageError where there is none."""
        if self.restate is None:
            return ()
        there = set(bill)
        named = [month for month in stored if self._is_restated(month)]
        found = tuple(month for month in named if month in there and self._why(month, bill) is not None)
        if found:
            return found
        if not named:
            known = f"{stored[0]} to {stored[-1]}" if stored else "none"
            raise UsageError(
                f"there is nothing to restate in {self.restate}: the state does not have it",
                hint=f"name billing months of the state; it has {known}",
            )
        if not there & set(named):
            raise UsageError(
                f"{self.restate} cannot be restated: the bill does not have it",
                hint="add its files to the bill; until then the month is carried over from the state",
            )
        raise UsageError(
            f"there is nothing to restate in {self.restate}: it is open, and any plan may change it",
            hint="plan and apply without --restate",
        )

    def stays(self, month: str, stored: Sequence[str], last: str) -> bool:
        """Whether a month of the bill that was frozen is still, where the bill's newest month is `last`."""
        if self._is_restated(month):
            return False
        newer = [each for each in stored if month < each <= last]
        return month in self.closed or (self.newest is not None and len(newer) >= self.newest)

    def _why(self, month: str, bill: Sequence[str]) -> str | None:
        if month in self.closed:
            return CLOSED
        return OLDER if self.newest is not None and month not in bill[len(bill) - self.newest :] else None

    def _is_restated(self, month: str) -> bool:
        return self.restate is not None and month in self.restate
