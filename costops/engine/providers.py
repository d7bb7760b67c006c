"""Which provider charged what: so that a plan can say where a bill was restated.

Invariant: per billing month, cost column and currency the totals of all providers add up to the bill's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costops.engine.ir import Fields, RawField
from costops.model.expression import Column, Expression, call
from costops.model.record import ProviderTotal

if TYPE_CHECKING:
    import duckdb

COLUMNS = ("ProviderName", "ServiceProviderName")
"""What FOCUS calls the provider, the later versions last; the first that a charge has counts."""


def provider(fields: Fields) -> Expression:
    """The provider of a charge, made from fields that are needed from now on."""
    return call("first_present", *(Column(fields.column(RawField("column", name))) for name in COLUMNS))


def provider_totals(
    connection: duckdb.DuckDBPyConnection, fields: Fields, costs: Sequence[str]
) -> tuple[ProviderTotal, ...]:
    """The bill's cost by provider, in the order of `Record.providers`; `tuples` and `sums` are made."""
    from costops.engine.sql.providers import sums_by_provider  # sqlglot costs 110 ms to import

    columns = [name for name in (fields.known(RawField("column", each)) for each in COLUMNS) if name is not None]
    rows = connection.execute(sums_by_provider(tuple(columns), len(costs))).fetchall()
    found = [
        ProviderTotal(name, month, cost, currency, int(amount))
        for name, month, currency, *amounts in rows
        for cost, amount in zip(costs, amounts, strict=True)
        if amount
    ]
    return tuple(
        sorted(found, key=lambda each: (each.month, each.provider or "", costs.index(each.cost), each.currency))
    )
