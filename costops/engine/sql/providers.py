"""The bill's cost by provider."""

from __future__ import annotations

from costops.engine.sql.shape import printed
from costops.engine.sql.syntax import Node, alias, column, function, join, number, select, subquery, summed, table, text


@printed
def sums_by_provider(names: tuple[str, ...], costs: int) -> Node:
    """(provider, billing month, currency, sum of each cost), where columns `names` of `tuples` hold the provider."""
    values = [function("nullif", column(each), text("")) for each in names]
    named = select([column("tuple"), alias(function("coalesce", *values), "provider")], table("tuples"))
    month = alias(function("strftime", column("month"), text("%Y-%m")), "of_month")
    return select(
        [column("provider"), month, column("currency"), *(summed(column(f"c{place}")) for place in range(costs))],
        table("sums"),
        joins=[join(subquery(named, "named"), using=["tuple"])],
        group=[number(1), number(2), number(3)],
        order=[number(1), number(2), number(3)],
    )
