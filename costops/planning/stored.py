"""A stored version, to be compared with: its rules bound again, and its money summed by the state.

Invariant: everything comes from one snapshot of the state. Names that the new rules have changed are brought under the
new ones here, so that the same money under another name is no difference; the state keeps what was applied.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from costops.language.canonical import rules_from_revisions
from costops.model.ledger import Ledger
from costops.model.metric_series import MetricSeries
from costops.model.record import ProviderTotal
from costops.model.rules import RuleSet
from costops.model.version import Version
from costops.planning.flows import Row
from costops.planning.ledgers import renamed_ledger
from costops.planning.money import Money
from costops.planning.references import Renaming

if TYPE_CHECKING:
    from costops.state.reader import StateReader


class Stored(Protocol):
    """A version, as the state has it."""

    @property
    def version(self) -> Version:
        """The version itself."""

    @property
    def rules(self) -> RuleSet:
        """Its rules, bound again."""

    def months(self) -> tuple[str, ...]:
        """Billing months that it has cost in."""

    def money(self, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
        """Cost by element of those dimensions that it has, in the given billing months."""

    def totals(self, months: Sequence[str]) -> Mapping[tuple[str, str], int]:
        """(currency, cost column) to cost in the given billing months."""

    def providers(self) -> tuple[ProviderTotal, ...] | None:
        """The bill that it was made of, by provider; None where it was written without them."""

    def metrics(self) -> Mapping[str, MetricSeries] | None:
        """The metrics that its rules used, by id; None where it was written without them."""

    def rows_unlike(self, other: int | None, dimensions: Sequence[str], cost: str) -> Iterator[Row]:
        """Its rows by those of its dimensions and one cost column, without days that the version `other` shares."""

    def month_digests(self) -> Mapping[str, str] | None:
        """`Ledger.month_digests`; None where it was written without them."""

    def ledger(self, months: Sequence[str] | None = None) -> Ledger:
        """The whole ledger, or that of some billing months."""


class RenamedVersion:
    """A stored version under the ids of later rules; without renames it is the version as it is."""

    def __init__(self, stored: Stored, renaming: Renaming) -> None:
        self._stored = stored
        self._renaming = renaming
        self.version = stored.version
        self.months = stored.months
        self.totals = stored.totals
        self._old_names = {renaming.name(each): each for each in stored.version.draft.dimensions}

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The report dimensions that it has."""
        return tuple(self._old_names)

    @property
    def settings(self) -> str:
        """Its settings, as Settings.canonical has them."""
        return self._renaming.settings(self.version.draft.settings)

    def money(self, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
        """As Stored.money has it."""
        new_names = {self._old_names[each]: each for each in dimensions if each in self._old_names}
        money = self._stored.money(tuple(new_names), cost, months)
        return {(new_names[old], value, currency): amount for (old, value, currency), amount in money.items()}

    def rows_unlike(self, other: int | None, dimensions: Sequence[str], cost: str) -> Iterator[Row]:
        """As Stored.rows_unlike has it."""
        return self._stored.rows_unlike(other, [self._old_names[each] for each in dimensions], cost)

    @property
    def layout(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Its report dimensions and cost columns."""
        return self.dimensions, self.version.draft.cost_columns

    def month_digests(self) -> Mapping[str, str] | None:
        """As Stored.month_digests has them; None also where a rename may change them."""
        return None if self._renaming.renames else self._stored.month_digests()

    def ledger(self, months: Sequence[str] | None = None) -> Ledger:
        """As Stored.ledger has it."""
        return renamed_ledger(self._stored.ledger(months), self._renaming)


class StoredVersion:
    """A version out of an open reader, by default the newest; it is used up before the reader is closed."""

    def __init__(self, reader: StateReader, number: int | None = None) -> None:
        self._reader = reader
        self.version = reader.version(number)

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

    def providers(self) -> tuple[ProviderTotal, ...] | None:
        record = self._reader.record(self.version.number)
        return record.providers if record is not None else None

    def metrics(self) -> Mapping[str, MetricSeries] | None:
        record = self._reader.record(self.version.number)
        return {each.metric: each for each in record.metrics} if record is not None else None

    def rows_unlike(self, other: int | None, dimensions: Sequence[str], cost: str) -> Iterator[Row]:
        places = [self.version.draft.dimensions.index(each) for each in dimensions]
        known: dict[str, tuple[str | None, ...]] = {}  # few values, many rows: each text is read once
        for month, day, currency, text, amount in self._reader.costs_unlike(self.version.number, other, cost):
            values = known.get(text)
            if values is None:
                own = json.loads(text)
                values = known[text] = tuple([own[place] for place in places])
            yield month, day, currency, values, amount

    def month_digests(self) -> Mapping[str, str] | None:
        return self._reader.month_digests(self.version.number)

    def ledger(self, months: Sequence[str] | None = None) -> Ledger:
        return self._reader.ledger(self.version.number, months)
