"""Two ledgers against each other: do they differ, and months that only the older one has.

Invariant: a carried month keeps its rows as they were, to the last digit; only ids in them follow a rename.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
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


def with_carried_months(ledger: Ledger, stored: Ledger, months: Sequence[str]) -> Ledger:
    """`ledger` with the rows of `months` from `stored`; dimensions and costs that `stored` lacks are missing and 0.

    A cost column that only `stored` has stays as long as one of these months has cost in it.
    """
    cost_columns = _with_carried_costs(ledger, stored, months)
    nothing = (0,) * len(cost_columns)
    own = [cost_columns.index(each) for each in ledger.cost_columns]
    rows: list[Row] = []
    for key, amounts in _rows(ledger):
        widened = list(nothing)
        for at, amount in zip(own, amounts, strict=True):
            widened[at] = amount
        rows.append((key, tuple(widened)))
    dimension_places = [
        stored.dimensions.index(each) if each in stored.dimensions else None for each in ledger.dimensions
    ]
    cost_places = [stored.cost_columns.index(each) if each in stored.cost_columns else None for each in cost_columns]
    carried: dict[tuple[object, ...], list[int]] = {}
    for key, amounts in _rows(stored):
        month, day, currency, *values, path = key
        if month not in months:
            continue
        new_values = [values[place] if place is not None else None for place in dimension_places]
        new_key = (month, day, currency, *new_values, path)
        sums = carried.setdefault(new_key, [0] * len(cost_places))
        for number, place in enumerate(cost_places):
            sums[number] += amounts[place] if place is not None else 0
    rows += [(key, tuple(amounts)) for key, amounts in carried.items() if any(amounts)]
    return _ledger(rows, ledger.dimensions, cost_columns)


def _with_carried_costs(ledger: Ledger, stored: Ledger, months: Sequence[str]) -> tuple[str, ...]:
    """Cost columns of the ledger and those in which carried months have cost: FOCUS's in its order, then the others."""
    carried = [row for row, month in enumerate(stored.months) if month in months]
    kept = [
        name
        for name, amounts in zip(stored.cost_columns, stored.amounts, strict=True)
        if name not in ledger.cost_columns and any(amounts[row] for row in carried)
    ]
    if not kept:
        return ledger.cost_columns
    there = (*ledger.cost_columns, *kept)
    return (*(each for each in COST_COLUMNS if each in there), *(each for each in there if each not in COST_COLUMNS))


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
