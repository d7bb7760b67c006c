"""Two ledgers against each other: do they differ, and months that only the older one has.

Invariant: a carried month keeps its rows as they were, to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costops.model.ledger import Ledger

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
    """`ledger` with the rows of `months` from `stored`; dimensions and costs that `stored` lacks are missing and 0."""
    rows = list(_rows(ledger))
    dimension_places = [
        stored.dimensions.index(each) if each in stored.dimensions else None for each in ledger.dimensions
    ]
    cost_places = [
        stored.cost_columns.index(each) if each in stored.cost_columns else None for each in ledger.cost_columns
    ]
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
    rows.sort(key=lambda row: tuple((part is not None, part or "") for part in row[0]))
    columns = list(zip(*((*key, *amounts) for key, amounts in rows), strict=True)) if rows else []
    width = len(ledger.dimensions)
    if not columns:
        return ledger
    return Ledger(
        dimensions=ledger.dimensions,
        cost_columns=ledger.cost_columns,
        months=columns[0],
        days=columns[1],
        currencies=columns[2],
        values=tuple(columns[3 : 3 + width]),
        paths=columns[3 + width],
        amounts=tuple(columns[4 + width :]),
    )
