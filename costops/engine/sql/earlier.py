"""What an empty bucket may take instead: the shares of the nearest earlier bucket that is not empty.

Invariant: an earlier bucket is weighed like the bucket itself, only on other days.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.sql.shape import Shape, part_keys, positions, printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    disjunction,
    equal,
    function,
    insert,
    is_null,
    join,
    number,
    over,
    paren,
    select,
    subquery,
    table,
    text,
    truth,
)


@printed
def earlier_buckets(shape: Shape) -> Node:
    """For each empty bucket those whose shares it may take, the nearest first, numbered apart.

    For one day the 31 days before it; for a whole calendar month the month before; else as many days right before.
    """
    served = subquery(select([column("bucket")], table("shares"), distinct=True), "served")
    empty = select([exp.Star()], table("buckets"), joins=[join(served, using=["bucket"], kind="ANTI")])
    first, last = column("whole_first"), column("whole_last")
    day = binary(exp.Sub, first, cast(column("distance"), "INTEGER"))
    length = binary(exp.Add, binary(exp.Sub, last, first.copy()), number(1))
    one_day = equal(first.copy(), last.copy())
    starts = equal(first.copy(), cast(function("date_trunc", text("month"), first.copy()), "DATE"))
    month = conjunction(starts, equal(last.copy(), function("last_day", first.copy())))
    before = binary(exp.Sub, first.copy(), number(1))
    month_before = cast(function("date_trunc", text("month"), before), "DATE")
    is_month = month if shape.granularity in ("charge_period", "daily") else truth(True)
    ranges = subquery(
        select([alias(function("unnest", function("range", number(1), number(32))), "distance")]), "distances"
    )
    near = paren(disjunction(one_day.copy(), equal(column("distance"), number(1))))
    shifted = binary(exp.Sub, first.copy(), cast(length, "INTEGER"))
    chosen = select(
        [
            alias(column("bucket"), "origin"),
            column("distance"),
            *columns(("step", *part_keys(shape))),
            alias(case(one_day.copy(), day, is_month, month_before, shifted), "first"),
            alias(case(one_day.copy(), day.copy(), before.copy()), "last"),
        ],
        subquery(empty, "empty"),
        joins=[join(ranges, kind="CROSS")],
        where=near,
    )
    numbered = over(function("row_number"), order=columns(("origin", "distance")))
    return create_table("earlier", select([alias(numbered, "bucket"), exp.Star()], subquery(chosen, "t")))


@printed
def nearest_buckets() -> Node:
    """Of the earlier buckets that are not empty the nearest for each bucket, and all that are nearer still."""
    served = subquery(select([column("bucket")], table("earlier_shares"), distinct=True), "served")
    nearest = select(
        [column("origin"), alias(function("min", column("distance")), "nearest")],
        table("earlier"),
        joins=[join(served, using=["bucket"])],
        group=positions(1),
    )
    upto = disjunction(is_null(column("nearest")), binary(exp.LTE, column("distance"), column("nearest")))
    return create_table(
        "looked_at",
        select(
            [exp.Star()],
            table("earlier"),
            joins=[join(subquery(nearest, "found"), using=["origin"], kind="LEFT")],
            where=upto,
        ),
    )


@printed
def insert_earlier_shares() -> Node:
    """The shares of the nearest earlier bucket as those of the empty one."""
    chosen = select(
        [column("bucket"), column("origin")], table("looked_at"), where=equal(column("distance"), column("nearest"))
    )
    values = [column("origin"), *columns(("element", "low", "high"))]
    return insert(
        "shares", select(values, table("earlier_shares"), joins=[join(subquery(chosen, "chosen"), using=["bucket"])])
    )
