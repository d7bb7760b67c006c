"""The newest version as a plan compares with it: its rules bound again, and its money summed by the state.

Invariant: everything comes from one snapshot of the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from costops.language.canonical import rules_from_revisions
from costops.model.ledger import Ledger
from costops.model.rules import RuleSet
from costops.planning.money import Money

if TYPE_CHECKING:
    from costops.state.reader import StateReader


class StoredVersion:
    """The newest version out of an open reader; it is used up before the reader is closed."""

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self.version = reader.version(None)

    @cached_property
    def rules(self) -> RuleSet:
        return rules_from_revisions(self.version.draft.rules)

    def months(self) -> tuple[str, ...]:
        return self._reader.months(self.version.number)

    def money(self, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
        if cost not in self.version.draft.cost_columns:
            return {}
        place = self.version.draft.cost_columns.index(cost)
        money: dict[tuple[str, str | None, str], int] = {}
        for dimension in dimensions:
            if dimension not in self.version.draft.dimensions:
                continue
            sums = self._reader.sums(self.version.number, (dimension, "billing_month"))
            for (value, month), currency, amounts in sums.rows:
                if month in months and amounts[place]:
                    key = (dimension, value, currency)
                    money[key] = money.get(key, 0) + amounts[place]
        return money

    def totals(self, months: Sequence[str]) -> Mapping[tuple[str, str], int]:
        sums = self._reader.sums(self.version.number, ("billing_month",))
        totals: dict[tuple[str, str], int] = {}
        for (month,), currency, amounts in sums.rows:
            for cost, amount in zip(sums.cost_columns, amounts, strict=True):
                if month in months:
                    totals[currency, cost] = totals.get((currency, cost), 0) + amount
        return totals

    def ledger(self) -> Ledger:
        return self._reader.ledger(self.version.number)
