"""Amounts and names in the sentences of warnings.

Invariant: currencies are never added, and nothing is left out without a count.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.money import format_picos

LISTED = 10
"""How many names a sentence has."""


def listed(names: Sequence[str]) -> str:
    """Names joined by commas, the first ones and how many more."""
    shown = ", ".join(names[:LISTED])
    return f"{shown} and {len(names) - LISTED:,} more" if len(names) > LISTED else shown


def amounts_of(amounts: Sequence[tuple[str, int]], cost: str | None = None) -> str:
    """`USD 5 and EUR 7.5 (EffectiveCost)` from (currency, picos), those of one currency added."""
    sums: dict[str, int] = {}
    for currency, amount in amounts:
        sums[currency] = sums.get(currency, 0) + amount
    return _with_cost([f"{currency} {format_picos(sums[currency])}" for currency in sorted(sums)], cost)


def parts_of(parts: Sequence[tuple[str, int, int]], cost: str) -> str:
    """`USD 5 of 31 (EffectiveCost)` from (currency, picos, picos of the whole), one of a currency."""
    texts = [f"{currency} {format_picos(amount)} of {format_picos(whole)}" for currency, amount, whole in sorted(parts)]
    return _with_cost(texts, cost)


def _with_cost(texts: Sequence[str], cost: str | None) -> str:
    joined = " and ".join(texts)
    return f"{joined} ({cost})" if cost is not None else joined
