"""How much moves, in words: per currency the largest amount along any one dimension."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from costops.model.plan import Delta, MoneyLine, Moved
from costops.render.numbers import amount
from costops.render.safe import safe_text


def largest_moves(moved: Iterable[Moved]) -> dict[str, int]:
    """Currency to the largest amount in picos that moves along one dimension, by currency."""
    largest: dict[str, int] = {}
    for each in moved:
        if each.amount >= largest.get(each.currency, 0):
            largest[each.currency] = each.amount
    return dict(sorted(largest.items())) if len(largest) > 1 else largest


def moved_by(deltas: Iterable[Delta]) -> list[Moved]:
    """Per dimension and currency what elements gain, or what they lose where that is more."""
    gains: dict[tuple[str, str], int] = {}
    losses: dict[tuple[str, str], int] = {}
    for each in deltas:
        key = (each.dimension, each.currency)
        side = gains if each.amount >= 0 else losses
        side[key] = side.get(key, 0) + abs(each.amount)
    return [Moved(*key, max(gains.get(key, 0), losses.get(key, 0))) for key in {**gains, **losses}]


def as_deltas(lines: Iterable[MoneyLine]) -> list[Delta]:
    """The deltas of lines."""
    return [Delta(each.dimension, each.value, each.currency, each.delta) for each in lines]


def money_words(amounts: Mapping[str, int]) -> str:
    """`EUR 1.00, USD 18,204.11` of currency to picos."""
    return ", ".join(f"{safe_text(currency)} {amount(picos, currency)}" for currency, picos in amounts.items())
