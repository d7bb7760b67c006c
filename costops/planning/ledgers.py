"""Two ledgers against each other: do they differ, and months that only the older one has.

Invariant: a carried month keeps its rows as they were, to the last digit; only ids in them follow a rename.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, groupby
from typing import Any

from costops.model.bill import COST_COLUMNS
from costops.model.ledger import Ledger, empty_ledger
from costops.planning.references import Renaming

Row = tuple[tuple[object, ...], tuple[int, ...]]


def _rows(ledger: Ledger) -> Iterator[Row]:
    for row in range(len(ledger)):
        key = (
            ledger.months[row],
            ledger.days[row],
            ledger.currencies[row],
            *(column[row] for column in ledger.values),
            ledger.paths[row],
        )
        yield key, tuple(column[row] for column in ledger.amounts)


def differ(first: Ledger, second: Ledger, at_least: int) -> bool:
    """Whether any amount differs by at least so many picos, or the columns differ."""
    if (first.dimensions, first.cost_columns) != (second.dimensions, second.cost_columns):
        return True
    before = dict(_rows(first))
    nothing = (0,) * len(first.cost_columns)
    for key, amounts in _rows(second):
        pairs = zip(before.pop(key, nothing), amounts, strict=True)
        if any(abs(new - old) >= at_least for old, new in pairs):
            return True
    return any(abs(amount) >= at_least for amounts in before.values() for amount in amounts)


def laid_out(carried: Ledger, dimensions: tuple[str, ...], cost_columns: tuple[str, ...]) -> Ledger:
    """The ledger under other dimensions and cost columns: those it lacks are missing and 0.

    A cost column that only it has stays where it has cost.
    """
    wanted = _with_carried_costs(carried, cost_columns)
    if (carried.dimensions, carried.cost_columns) == (dimensions, wanted):
        return carried
    value_places = [carried.dimensions.index(each) if each in carried.dimensions else None for each in dimensions]
    cost_places = [carried.cost_columns.index(each) if each in carried.cost_columns else None for each in wanted]
    sums: dict[tuple[object, ...], list[int]] = {}
    for (month, day, currency, *values, path), amounts in _rows(carried):
        key = (month, day, currency, *(values[place] if place is not None else None for place in value_places), path)
        row = sums.setdefault(key, [0] * len(wanted))
        for number, place in enumerate(cost_places):
            row[number] += amounts[place] if place is not None else 0
    rows = [(key, tuple(amounts)) for key, amounts in sums.items() if any(amounts)]
    return _ledger(rows, dimensions, wanted)


def _with_carried_costs(carried: Ledger, cost_columns: tuple[str, ...]) -> tuple[str, ...]:
    """`cost_columns` and those in which carried months have cost: FOCUS's in its order, then the others."""
    kept = [
        name
        for name, amounts in zip(carried.cost_columns, carried.amounts, strict=True)
        if name not in cost_columns and any(amounts)
    ]
    if not kept:
        return cost_columns
    there = (*cost_columns, *kept)
    return (*(each for each in COST_COLUMNS if each in there), *(each for each in there if each not in COST_COLUMNS))


def with_costs(ledger: Ledger, cost_columns: tuple[str, ...]) -> Ledger:
    """The ledger with these cost columns, of which those that it lacks are 0."""
    if ledger.cost_columns == cost_columns:
        return ledger
    own = dict(zip(ledger.cost_columns, ledger.amounts, strict=True))
    nothing = (0,) * len(ledger)
    return replace(ledger, cost_columns=cost_columns, amounts=tuple(own.get(each, nothing) for each in cost_columns))


def of_months(ledger: Ledger, months: Sequence[str]) -> Ledger:
    """The rows of some billing months."""
    chosen = [rows for month, rows in _months(ledger).items() if month in months]
    return _picked([(ledger, rows) for rows in chosen], ledger)


def without_months(ledger: Ledger, months: Collection[str]) -> Ledger:
    """The rows of all other billing months."""
    if not any(month in months for month in dict.fromkeys(ledger.months)):
        return ledger
    return of_months(ledger, [month for month in dict.fromkeys(ledger.months) if month not in months])


def joined(first: Ledger, second: Ledger) -> Ledger:
    """Two ledgers of the same layout that share no billing month as one."""
    if not len(second):
        return first
    parts = [(month, ledger, rows) for ledger in (first, second) for month, rows in _months(ledger).items()]
    return _picked([(ledger, rows) for _, ledger, rows in sorted(parts, key=lambda part: part[0])], first)


def _months(ledger: Ledger) -> dict[str, slice]:
    """Where each billing month's rows are."""
    months: dict[str, slice] = {}
    start = 0
    for month, rows in groupby(ledger.months):
        end = start + sum(1 for _ in rows)
        months[month] = slice(start, end)
        start = end
    return months


def _picked(parts: Sequence[tuple[Ledger, slice]], layout: Ledger) -> Ledger:
    def column(read: Callable[[Ledger], tuple[Any, ...]]) -> tuple[Any, ...]:
        return tuple(chain.from_iterable(read(ledger)[rows] for ledger, rows in parts))

    return Ledger(
        dimensions=layout.dimensions,
        cost_columns=layout.cost_columns,
        months=column(lambda ledger: ledger.months),
        days=column(lambda ledger: ledger.days),
        currencies=column(lambda ledger: ledger.currencies),
        values=tuple(column(partial(_values, place)) for place in range(len(layout.dimensions))),
        paths=column(lambda ledger: ledger.paths),
        amounts=tuple(column(partial(_amounts, place)) for place in range(len(layout.cost_columns))),
    )


def _values(place: int, ledger: Ledger) -> tuple[str | None, ...]:
    return ledger.values[place]


def _amounts(place: int, ledger: Ledger) -> tuple[int, ...]:
    return ledger.amounts[place]


def renamed_ledger(ledger: Ledger, renaming: Renaming) -> Ledger:
    """A stored ledger with the names of its dimensions and the rules of its paths under the new ids."""
    dimensions = tuple(renaming.name(each) for each in ledger.dimensions)
    new_paths = {each: renaming.path(each) for each in dict.fromkeys(ledger.paths)}
    if all(old == new for old, new in new_paths.items()):
        return replace(ledger, dimensions=dimensions)
    sums: dict[tuple[object, ...], list[int]] = {}
    for (*key, path), amounts in _rows(ledger):
        # A rule that is gone may have had the new id, so that two paths become one.
        row = sums.setdefault((*key, new_paths[str(path)]), [0] * len(amounts))
        for number, amount in enumerate(amounts):
            row[number] += amount
    rows = [(key, tuple(amounts)) for key, amounts in sums.items() if any(amounts)]
    return _ledger(rows, dimensions, ledger.cost_columns)


def _ledger(rows: Sequence[Row], dimensions: tuple[str, ...], cost_columns: tuple[str, ...]) -> Ledger:
    """Rows of unique keys as a ledger."""
    ordered = sorted(rows, key=lambda row: tuple((part is not None, part or "") for part in row[0]))
    if not ordered:
        return empty_ledger(dimensions, cost_columns)
    columns: list[Any] = list(zip(*((*key, *amounts) for key, amounts in ordered), strict=True))
    width = len(dimensions)
    return Ledger(
        dimensions=dimensions,
        cost_columns=cost_columns,
        months=columns[0],
        days=columns[1],
        currencies=columns[2],
        values=tuple(columns[3 : 3 + width]),
        paths=columns[3 + width],
        amounts=tuple(columns[4 + width :]),
    )
