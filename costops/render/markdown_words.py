"""Amounts of several currencies in a sentence of Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from costops.render.markdown_safe import unit
from costops.render.numbers import amount, counted

SHOWN_CURRENCIES = 3


def amounts(sums: Mapping[str, int]) -> str:
    """`EUR 1.00, USD 18,204.11 and 2 more currencies`, the first ones by name; `nothing` where there is none."""
    if not sums:
        return "nothing"
    ordered = sorted(sums.items())
    shown = ", ".join(f"{unit(currency)} {amount(picos, currency)}" for currency, picos in ordered[:SHOWN_CURRENCIES])
    more = len(ordered) - SHOWN_CURRENCIES
    return f"{shown} and {counted(more, 'more currency', 'more currencies')}" if more > 0 else shown
