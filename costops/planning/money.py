"""Money of one rule set against another: lines by element, what moves, coverage and totals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costops.model.plan import Coverage, ElementCost, MoneyLine, Moved, Total
from costops.money import SAME_PICOS

Money = Mapping[tuple[str, str | None, str], int]
"""(report dimension, value, currency) to picos."""


def _place(key: tuple[str, str | None, str], dimensions: Sequence[str]) -> tuple[int, str, bool, str]:
    dimension, value, currency = key
    return (dimensions.index(dimension), currency, value is not None, value or "")


def money_lines(before: Money, after: Money, dimensions: Sequence[str], *, at_least: int = 1) -> tuple[MoneyLine, ...]:
    """Elements of `dimensions` whose amount differs by at least so many picos, by dimension, currency and name."""
    chosen = (key for key in {**before, **after} if key[0] in dimensions)
    keys = sorted(chosen, key=lambda key: _place(key, dimensions))
    lines = [MoneyLine(*key, before.get(key, 0), after.get(key, 0)) for key in keys]
    return tuple(line for line in lines if abs(line.delta) >= at_least)


def moved_lines(before: Money, moved: Money, dimensions: Sequence[str]) -> tuple[MoneyLine, ...]:
    """What `money_lines` gives for `before` and the same with `moved`; it costs what moved."""
    keys = sorted((key for key in moved if key[0] in dimensions), key=lambda key: _place(key, dimensions))
    lines = (MoneyLine(*key, before.get(key, 0), before.get(key, 0) + moved[key]) for key in keys)
    return tuple(line for line in lines if line.delta)


def in_order(money: Money, dimensions: Sequence[str]) -> list[tuple[str, str | None, str]]:
    """Elements of `dimensions` that are not 0, by dimension, currency and name."""
    keys = (key for key, amount in money.items() if amount and key[0] in dimensions)
    return sorted(keys, key=lambda key: _place(key, dimensions))


def element_costs(money: Money, dimensions: Sequence[str]) -> tuple[ElementCost, ...]:
    """Every element of `dimensions` with its cost, by dimension, currency and name; none of 0."""
    return tuple(ElementCost(*key, money[key]) for key in in_order(money, dimensions))


def without_dust(lines: Iterable[MoneyLine]) -> tuple[MoneyLine, ...]:
    """Lines without the dimensions and currencies in which no amount changes by 1e-9 or more.

    A residue of 1e-12 may sit elsewhere after an edit. All lines of a dimension and currency go or stay together, so
    that those that stay still add up to 0.
    """
    kept = list(lines)
    moving = {(line.dimension, line.currency) for line in kept if abs(line.delta) >= SAME_PICOS}
    return tuple(line for line in kept if (line.dimension, line.currency) in moving)


def moved_money(lines: Iterable[MoneyLine], dimensions: Sequence[str]) -> tuple[Moved, ...]:
    """Per dimension and currency the sum of the positive deltas, in the order of `dimensions`."""
    sums: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.dimension, line.currency)
        sums[key] = sums.get(key, 0) + max(line.delta, 0)
    ordered = sorted(sums, key=lambda key: (dimensions.index(key[0]), key[1]))
    return tuple(
        Moved(dimension, currency, sums[dimension, currency])
        for dimension, currency in ordered
        if sums[dimension, currency]
    )


def largest_moves(moved: Iterable[Moved]) -> tuple[tuple[str, int], ...]:
    """Per currency the largest amount moved along any one dimension, sorted by currency."""
    largest: dict[str, int] = {}
    for each in moved:
        largest[each.currency] = max(largest.get(each.currency, 0), each.amount)
    return tuple(sorted(largest.items()))


def coverage(before: Money, after: Money, dimensions: Sequence[str]) -> tuple[Coverage, ...]:
    """Cost without a value, and all cost, per dimension and currency."""
    currencies = sorted({key[2] for money in (before, after) for key in money})
    lines = []
    for dimension in dimensions:
        for currency in currencies:
            totals = [
                sum(amount for key, amount in money.items() if key[0] == dimension and key[2] == currency)
                for money in (before, after)
            ]
            lines.append(
                Coverage(
                    dimension,
                    currency,
                    before.get((dimension, None, currency), 0),
                    totals[0],
                    after.get((dimension, None, currency), 0),
                    totals[1],
                )
            )
    return tuple(lines)


def totals_by_cost(
    before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int], cost_columns: Sequence[str]
) -> tuple[Total, ...]:
    """(currency, cost column) sums as totals, by cost column, then currency; columns not named come last."""
    places = {cost: place for place, cost in enumerate(cost_columns)}
    keys = sorted({**before, **after}, key=lambda key: (places.get(key[1], len(places)), key[1], key[0]))
    return tuple(
        Total(currency, cost, before.get((currency, cost), 0), after.get((currency, cost), 0))
        for currency, cost in keys
    )


def added(money: Money, extra: Money) -> dict[tuple[str, str | None, str], int]:
    """Both together, elements of 0 left out."""
    result = dict(money)
    for key, amount in extra.items():
        result[key] = result.get(key, 0) + amount
    return {key: amount for key, amount in result.items() if amount}
