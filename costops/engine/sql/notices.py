"""What a person should know of one step: money in places that surprise, and elements that no charge has."""

from __future__ import annotations

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK
from costops.engine.sql.profiles import known
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Shape, alive_and, bucketed, part_names, positions, printed
from costops.engine.sql.steps import in_effect
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    conjunction,
    equal,
    function,
    is_null,
    join,
    null,
    number,
    select,
    subquery,
    summed,
    table,
    text,
    truth,
    union_all,
)
from costops.model.expression import Expression


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
def emptied_money(cost_place: int) -> Node:
    """(currency, cost that stayed, buckets, days, first and last day) of source rows whose bucket is empty.

    The first row, where there are any, is of all currencies and has neither a currency nor a cost.
    """
    return _on_days(table("left_over"), cost_place)


@printed
def filled_money(shape: Shape, cost_place: int) -> Node:
    """The same of source rows whose bucket is empty but for what `on_empty` puts there."""
    weighty = select(
        [column("bucket")], table("weights"), distinct=True, where=binary(exp.GT, column("weight"), number(0))
    )
    served = select([column("bucket")], table("shares"), distinct=True)
    filled = select(
        [column("bucket")],
        subquery(served, "served"),
        joins=[join(subquery(weighty, "weighty"), using=["bucket"], kind="ANTI")],
    )
    rows = select(
        [exp.Star()],
        subquery(bucketed(shape), "rows"),
        joins=[join(subquery(filled, "filled"), using=["bucket"], kind="SEMI")],
    )
    return _on_days(subquery(rows, "t"), cost_place)


def _on_days(rows: Node, cost_place: int) -> Node:
    day = column("day")
    facts: list[Node] = [
        exp.Count(this=exp.Distinct(expressions=[column("bucket")])),
        exp.Count(this=exp.Distinct(expressions=[day])),
        function("min", day.copy()),
        function("max", day.copy()),
    ]
    by_currency = select([column("currency"), summed(column(f"c{cost_place}")), *facts], rows, group=positions(1))
    some = binary(exp.GT, function("count", exp.Star()), number(0))
    together = [null(), null("HUGEINT"), *(each.copy() for each in facts)]
    every = select(together, rows.copy(), having=some)
    return select([exp.Star()], subquery(union_all([every, by_currency]), "facts"), order=positions(1))


@printed
def untaken_money(matched: Expression, effective: tuple[str | None, str | None], cost_place: int) -> Node:
    """(path, currency, cost) of what a step's source matches and an earlier rule has allocated; the step's own profiles
    are taken.
    """
    allocated = binary(exp.NEQ, column(PATH), text(PATH_MARK))
    living = conjunction(alive_and(matched), allocated)
    profiles = select([column("profile"), column(PATH)], known(matched), where=living)
    return _matched_money(profiles, PATH, effective, cost_place)


@printed
def unchanged_money(matched: Expression, effective: tuple[str | None, str | None], cost_place: int) -> Node:
    """(step that took it, currency, cost) of what a step's source would match before the first allocation."""
    first = conjunction(equal(column("made"), number(0)), scalar(matched))
    profiles = select([column("profile"), column("taken")], known(matched), where=first)
    return _matched_money(profiles, "taken", effective, cost_place)


def _matched_money(profiles: Node, key: str, effective: tuple[str | None, str | None], cost_place: int) -> Node:
    return select(
        [column(key), column("currency"), summed(column(f"c{cost_place}"))],
        table("items"),
        joins=[join(subquery(profiles, "matched"), using=["profile"])],
        where=in_effect(effective),
        group=positions(2),
        order=positions(2),
    )


@printed
def widest_bucket() -> Node:
    """The most elements that share one bucket."""
    per_bucket = select([alias(function("count", exp.Star()), "elements")], table("shares"), group=[column("bucket")])
    return select([function("coalesce", function("max", column("elements")), number(0))], subquery(per_bucket, "t"))


@printed
def values_of_slot(slot: str, values: tuple[str, ...]) -> Node:
    """Values that a slot has in any profile, of some that are given in lower case."""
    lower = function("lower", column(slot))
    wanted = exp.In(this=lower, expressions=[text(each) for each in values])
    return select([column(slot)], table("profiles"), distinct=True, where=wanted, order=positions(1))


@printed
def count(name: str) -> Node:
    return select([function("count", exp.Star())], table(name))
