"""How two stored versions differ: what was changed in the rules, and what each element costs in both.

Invariant: per dimension and currency the deltas add up to the difference of the totals, which is 0 where both versions
are of the same cost, and what flows to an element less what flows from it is its delta. Everything is under the names
of `after`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Literal

from costops.model.plan import Change, Coverage, MoneyLine, Total
from costops.model.version import Version


class Outside(Enum):
    """Where cost comes from, or goes to, that only one of two versions has."""

    BILL = "the bill"


BILL: Literal[Outside.BILL] = Outside.BILL

End = str | None | Literal[Outside.BILL]
"""One end of a flow: an element, None for what is unallocated, or the bill."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Cost that one element has in the older version and another one has instead in the newer one."""

    dimension: str
    currency: str
    source: End
    target: End
    amount: int
    """Picos, above 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffSide:
    """One of the two versions."""

    version: Version
    label: str
    """For people: `version 12 (a41c9e2, 2026-11-18 09:14 UTC)`."""
    months: tuple[str, ...]
    """Billing months that it has cost in, those carried over included."""
    own_dimensions: tuple[str, ...]
    """Report dimensions that only this version has, under its own names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionDiff:
    """From one version to another, which may be the older one."""

    before: DiffSide
    after: DiffSide
    cost: str
    """The cost column of `money` and `unallocated`."""
    dimensions: tuple[str, ...]
    """Report dimensions of both versions."""
    renamed_dimensions: tuple[tuple[str, str], ...]
    """(name in `before`, name in `after`) of those that have another name."""
    changes: tuple[Change, ...]
    """Settings and rules, in the order of a plan's walk, without money."""
    totals: tuple[Total, ...]
    """Per cost column and currency."""
    money: tuple[MoneyLine, ...]
    """Elements whose cost differs, by dimension, currency and name."""
    flows: tuple[Flow, ...]
    """Who lost to whom, in the dimensions and currencies of `money`; by dimension, currency, and amount, the largest
    first."""
    unallocated: tuple[Coverage, ...]

    @property
    def bill_changes(self) -> bool:
        """Whether the versions were applied on different bills."""
        return self.before.version.draft.bill.digest != self.after.version.draft.bill.digest

    @property
    def metric_changes(self) -> bool:
        """Whether the versions were applied with different usage numbers."""
        return self.before.version.draft.metrics_digest != self.after.version.draft.metrics_digest
