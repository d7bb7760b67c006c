"""Sums of a version to its digest.

Invariant: every amount is a sum of the ledger, read and never rounded; a change is against the calendar month before,
and where the version lacks that month there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops.errors import UsageError
from costops.model.digest import CurrencyDigest, Digest, DigestLine, MonthCost, Trend
from costops.model.sums import LedgerSums
from costops.model.version import Version
from costops.money import SAME_PICOS
from costops.periods import Period

if TYPE_CHECKING:
    from costops.state.reader import StateReader

PREFERRED_DIMENSION = "env"
DEFAULT_MONTHS = 12
"""How many of the newest months are read where no period is asked for."""

Amounts = Mapping[str | None, Mapping[str, int]]
"""Element, None being unallocated, to billing month to picos; only amounts that are not 0."""


def make_digest(reader: StateReader, version: Version, label: str, *, by: str | None, period: Period | None) -> Digest:
    """The digest of a version, by default by `env` and over its newest twelve months.

    Raises UsageError for a name that is no report dimension of the version, and for a period that it has no cost in.
    """
    draft = version.draft
    dimension = _dimension(by, version)
    known = reader.months(version.number)
    months = _months(period, known, version.number)
    currencies: tuple[CurrencyDigest, ...] = ()
    if months:
        read = Period(month_before(months[0]), months[-1])
        sums = reader.sums(version.number, ("billing_month", dimension), read)
        currencies = currency_digests(sums, draft.cost, months, known)
        period = period or Period(months[0], months[-1])
    return Digest(
        version=version.number,
        version_label=label,
        applied_at=draft.applied_at,
        commit=draft.commit,
        dirty=draft.dirty,
        cost=draft.cost,
        by=dimension,
        dimensions=draft.dimensions,
        period=period,
        months=months,
        absent=_gaps(months, period) if period is not None else (),
        others=_runs([month for month in known if month not in months]),
        currencies=currencies,
    )


def month_before(month: str) -> str:
    """The calendar month before `YYYY-MM`."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]) - 2, 12)
    return f"{year:04d}-{number + 1:02d}"


def month_after(month: str) -> str:
    """The calendar month after `YYYY-MM`."""
    year, number = divmod(int(month[:4]) * 12 + int(month[5:]), 12)
    return f"{year:04d}-{number + 1:02d}"


def currency_digests(
    sums: LedgerSums, cost: str, months: Sequence[str], known: Sequence[str]
) -> tuple[CurrencyDigest, ...]:
    """One digest for each currency with cost; `sums` is by billing month and one dimension.

    `months` are those to show, `known` all that the version has; both are sorted.
    """
    place = sums.cost_columns.index(cost)
    amounts: dict[str, dict[str | None, dict[str, int]]] = {}
    for (month, value), currency, picos in sums.rows:
        if picos[place] and month is not None:
            amounts.setdefault(currency, {}).setdefault(value, {})[month] = picos[place]
    columns = _Columns(tuple(months), tuple(month_before(month) for month in months), frozenset(known))
    found = [(currency, _lines(amounts[currency], columns)) for currency in sorted(amounts)]
    return tuple(_currency(currency, amounts[currency], lines, columns) for currency, lines in found if lines)


@dataclass(frozen=True, slots=True)
class _Columns:
    """The months of a digest, the month before each, and which months the version has."""

    months: tuple[str, ...]
    before: tuple[str, ...]
    known: frozenset[str]

    def pairs(self) -> Iterator[tuple[str, str | None]]:
        """Each month and the one before it, None where the version lacks that."""
        for month, before in zip(self.months, self.before, strict=True):
            yield month, before if before in self.known else None


def _dimension(by: str | None, version: Version) -> str:
    dimensions = version.draft.dimensions
    if not dimensions:
        raise UsageError(
            f"Version {version.number} has no report dimension that a digest could be made by.",
            hint="Name one under `report` in costops.yaml and apply.",
        )
    if by is None:
        return PREFERRED_DIMENSION if PREFERRED_DIMENSION in dimensions else dimensions[0]
    if by not in dimensions:
        hidden = {each.id for each in version.draft.rules if each.kind in ("label", "dimension") and each.hidden}
        listed = [each for each in dimensions if each not in hidden]
        has = [", ".join(listed)] if listed else []
        has += [f"{len(dimensions) - len(listed)} hidden"] if len(listed) < len(dimensions) else []
        raise UsageError(
            f"Version {version.number} has no report dimension {by!r}.",
            hint=f"It has: {' and '.join(has)}. Another one needs a place under `report` and an apply.",
        )
    return by


def _months(period: Period | None, known: tuple[str, ...], number: int) -> tuple[str, ...]:
    if period is None:
        return known[-DEFAULT_MONTHS:]
    months = tuple(month for month in known if month in period)
    if not months:
        has = f"It has {known[0]} to {known[-1]}." if known else "It has no cost at all."
        raise UsageError(f"Version {number} has no cost in {period}.", hint=has)
    return months


def _runs(months: Sequence[str]) -> tuple[Period, ...]:
    """Sorted months as the fewest periods that hold no other month."""
    runs: list[Period] = []
    for month in months:
        joins = runs and runs[-1].last == month_before(month)
        runs[-1:] = [Period(runs[-1].first, month)] if joins else [*runs[-1:], Period(month, month)]
    return tuple(runs)


def _gaps(months: Sequence[str], period: Period) -> tuple[Period, ...]:
    """What sorted months of a period leave of it."""
    gaps, start = [], period.first
    for month in months:
        if start < month:
            gaps.append(Period(start, month_before(month)))
        start = month_after(month)
    if start <= period.last:
        gaps.append(Period(start, period.last))
    return tuple(gaps)


def _cost(amounts: Mapping[str, int], month: str, before: str | None) -> MonthCost:
    after = amounts.get(month, 0)
    if before is None:
        return MonthCost(after, None)
    return MonthCost(after, amounts.get(before, 0), _trend(before in amounts, month in amounts))


def _trend(was: bool, stays: bool) -> Trend | None:
    if was == stays:
        return None
    return Trend.NEW if stays else Trend.GONE


def _lines(amounts: Amounts, columns: _Columns) -> list[DigestLine]:
    """A line for each element with cost in a month of the digest or the one before it, unallocated among them."""
    lines = [
        DigestLine(value, tuple(_cost(by_month, *pair) for pair in columns.pairs()))
        for value, by_month in amounts.items()
    ]
    return [line for line in lines if any(each.amount_picos or each.before_picos for each in line.costs)]


def _currency(currency: str, amounts: Amounts, lines: Sequence[DigestLine], columns: _Columns) -> CurrencyDigest:
    elements = tuple(sorted((line for line in lines if line.value is not None), key=_order))
    nothing = DigestLine(None, tuple(_cost({}, *pair) for pair in columns.pairs()))
    unallocated = next((line for line in lines if line.value is None), nothing)
    changes = [(line.costs[-1].change_picos or 0, line) for line in (*elements, unallocated)]
    highest = max(changes, key=lambda each: each[0])
    lowest = min(changes, key=lambda each: each[0])
    return CurrencyDigest(
        currency=currency,
        elements=elements,
        unallocated=unallocated,
        totals=_totals(amounts, columns),
        rise=highest[1] if highest[0] >= SAME_PICOS else None,
        fall=lowest[1] if lowest[0] <= -SAME_PICOS else None,
    )


def _totals(amounts: Amounts, columns: _Columns) -> tuple[MonthCost, ...]:
    totals: dict[str, int] = {}
    for by_month in amounts.values():
        for month, picos in by_month.items():
            totals[month] = totals.get(month, 0) + picos
    return tuple(_cost(totals, *pair) for pair in columns.pairs())


def _order(line: DigestLine) -> tuple[list[int], str]:
    """Largest cost of the newest month first, then of the month before it and so on, then by name."""
    newest_first = [-cost.amount_picos for cost in reversed(line.costs)]
    return [*newest_first, -(line.costs[0].before_picos or 0)], line.value or ""
