"""What moved before any rule did: the bill and the usage numbers against what the stored version was made of.

Invariant: nothing here is caused by an edit; frozen months drift nowhere, whatever their bill says now.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from costops.model.plan import BillDrift
from costops.model.record import ProviderTotal
from costops.planning.stored import Stored

if TYPE_CHECKING:
    from costops.engine.load import BillFacts

_Key = tuple[str, str, str | None, str]
"""(billing month, cost column, provider, currency)."""


def bill_drift(stored: Stored, facts: BillFacts, frozen: Collection[str]) -> tuple[BillDrift, ...]:
    """Where the bill differs from the one of the stored version, by month, cost column, provider and currency.

    Of a version that was written before states kept providers, all providers of a month are told together.
    """
    known = stored.providers()
    before = _of_state(stored) if known is None else _sums(known)
    after = _sums(facts.providers if known is not None else _without_provider(facts.providers))
    order = (*facts.cost_columns, *(cost for _, cost, _, _ in before))
    keys = sorted({**before, **after}, key=lambda key: (key[0], order.index(key[1]), key[2] or "", key[3]))
    return tuple(
        BillDrift(provider, month, cost, currency, before.get(key, 0), after.get(key, 0))
        for key in keys
        for month, cost, provider, currency in [key]
        if month not in frozen and before.get(key, 0) != after.get(key, 0)
    )


def _of_state(stored: Stored) -> Mapping[_Key, int]:
    return {
        (month, cost, None, currency): amount
        for month in stored.months()
        for (currency, cost), amount in stored.totals([month]).items()
        if amount
    }


def _without_provider(totals: Sequence[ProviderTotal]) -> list[ProviderTotal]:
    return [ProviderTotal(None, each.month, each.cost, each.currency, each.amount) for each in totals]


def _sums(totals: Sequence[ProviderTotal]) -> dict[_Key, int]:
    sums: dict[_Key, int] = {}
    for each in totals:
        key = (each.month, each.cost, each.provider, each.currency)
        sums[key] = sums.get(key, 0) + each.amount
    return sums
