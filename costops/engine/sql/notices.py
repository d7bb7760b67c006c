"""What a person should know of one step: money in places that surprise, and elements that no charge has."""

from __future__ import annotations

from sqlglot import exp

from costops.engine.sql.shape import Shape, part_names, positions, printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    equal,
    function,
    is_null,
    join,
    number,
    select,
    subquery,
    summed,
    table,
    truth,
)


@printed
def taken_money(shape: Shape, cost_place: int) -> Node:
    """Per currency: cost taken, its part in a missing partition, its part in charges longer than their bucket's day."""
    amount = column(f"c{cost_place}")
    zero = cast(number(0), "HUGEINT")
    missing = [is_null(column(part)) for part in part_names(shape)]
    is_partless: Node = truth(False)
    for each in missing:
        is_partless = exp.Or(this=is_partless, expression=each)
    parts = subquery(select([column("part"), alias(is_partless, "partless")], table("source"), distinct=True), "parts")
    is_long = binary(exp.LT, column("day"), column("until"))
    return select(
        [
            column("currency"),
            summed(amount),
            summed(case(column("partless"), amount.copy(), zero)),
            summed(case(is_long, amount.copy(), zero.copy())),
        ],
        table("taken"),
        joins=[join(parts, using=["part"])],
        group=positions(1),
        order=positions(1),
    )


@printed
def unbilled_elements(billed: tuple[str, ...]) -> Node:
    """Elements that get cost and that no charge of the bill has, by name."""
    names = [f"e{place}" for place in range(len(billed))]
    served = subquery(select([column("element")], table("shares"), distinct=True), "served")
    in_bill = select(
        [alias(column(slot), name) for slot, name in zip(billed, names, strict=True)],
        table("profiles"),
        where=equal(column("made"), number(0)),
        distinct=True,
    )
    return select(
        columns(names),
        table("elements"),
        joins=[
            join(served, using=["element"], kind="SEMI"),
            join(subquery(in_bill, "billed"), using=names, kind="ANTI"),
        ],
        order=columns(names),
    )


@printed
def left_money(cost_place: int) -> Node:
    """(currency, cost that stayed because its bucket is empty, buckets)."""
    return select(
        [
            column("currency"),
            summed(column(f"c{cost_place}")),
            exp.Count(this=exp.Distinct(expressions=[column("bucket")])),
        ],
        table("left_over"),
        group=positions(1),
        order=positions(1),
    )


@printed
def count(name: str) -> Node:
    return select([function("count", exp.Star())], table(name))
