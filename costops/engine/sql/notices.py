"""What a person should know of steps: money in places that surprise, and elements that no charge has."""

from __future__ import annotations

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK
from costops.engine.sql.profiles import OWN_ITEMS, known
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Conditions, Shape, alive_before, bucketed, part_names, positions, printed
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
    listed,
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
from costops.engine.touching import SOURCE, part_of


@printed
def taken_money(shape: Shape, cost_place: int) -> Node:
    """Per step and currency: cost taken, its part in a missing partition, its part in charges longer than their
    bucket's day; and how many rows.
    """
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
            column("step"),
            column("currency"),
            summed(amount),
            summed(case(column("partless"), amount.copy(), zero)),
            summed(case(is_long, amount.copy(), zero.copy())),
            function("count", exp.Star()),
        ],
        table("taken"),
        joins=[join(parts, using=["part"])],
        group=positions(2),
        order=positions(2),
    )


@printed
def unbilled_elements(billed: tuple[str, ...]) -> Node:
    """(step, element) of what gets cost and is in no charge of the bill, by name."""
    names = [f"e{place}" for place in range(len(billed))]
    served = subquery(select([column("element")], table("shares"), distinct=True), "served")
    in_bill = select(
        [alias(column(slot), name) for slot, name in zip(billed, names, strict=True)],
        table("profiles"),
        where=equal(column("made"), number(0)),
        distinct=True,
    )
    return select(
        columns(("step", *names)),
        table("elements"),
        joins=[
            join(served, using=["element"], kind="SEMI"),
            join(subquery(in_bill, "billed"), using=names, kind="ANTI"),
        ],
        order=columns(("step", *names)),
    )


@printed
def emptied_money(cost_place: int) -> Node:
    """(step, currency, cost that stayed, buckets, days, first and last day) of source rows whose bucket is empty.

    The first row of a step, where there are any, is of all currencies and has neither a currency nor a cost.
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
    by_currency = select(
        [*columns(("step", "currency")), summed(column(f"c{cost_place}")), *facts], rows, group=positions(2)
    )
    together = [column("step"), null(), null("HUGEINT"), *(each.copy() for each in facts)]
    every = select(together, rows.copy(), group=positions(1))
    return select([exp.Star()], subquery(union_all([every, by_currency]), "facts"), order=positions(2))


Days = tuple[str | None, str | None]
"""First and last day on which steps apply."""


@printed
def untaken_money(matched: Conditions, effective: Days, cost_place: int) -> Node:
    """(step, path, currency, cost) of what the sources of steps match and earlier rules have allocated."""
    allocated = binary(exp.NEQ, column(PATH), text(PATH_MARK))
    found = tuple((step, conjunction(alive_before(step), allocated, scalar(each))) for step, each in matched)
    return _matched_money(matched, found, PATH, column(PATH), effective, cost_place)


@printed
def unchanged_money(matched: Conditions, effective: Days, cost_place: int) -> Node:
    """(step, earlier step that took it, currency, cost) of what sources would match before the first allocation."""
    first = equal(column("made"), number(0))
    found = tuple((step, conjunction(first.copy(), scalar(each))) for step, each in matched)
    earlier = case(binary(exp.LT, column("taken"), column("step")), column("taken"), null("INTEGER"))
    return _matched_money(matched, found, "taken", earlier, effective, cost_place)


def _matched_money(
    matched: Conditions,
    found: tuple[tuple[int, Node], ...],
    name: str,
    key: Node,
    effective: Days,
    cost_place: int,
) -> Node:
    in_steps = listed([case(condition, number(step), null("INTEGER")) for step, condition in found])
    parts = exp.Array(expressions=[number(part_of(step, SOURCE)) for step, _ in matched])
    near = select([column("tuple")], table("candidates"), where=function("list_has_any", column("parts"), parts))
    profiles = select(
        [column("profile"), column(name), alias(function("unnest", in_steps), "step")],
        known(*(condition for _, condition in matched)),
        joins=[join(subquery(near, "near"), using=["tuple"], kind="SEMI")],
    )
    keyed = subquery(select([*columns(("profile", "step")), alias(key, "key")], subquery(profiles, "p")), "matched")
    amounts, amount = table("profile_sums"), "amount"
    if effective != (None, None):
        amounts, amount = table("items"), f"c{cost_place}"
    return select(
        [*columns(("step", "key", "currency")), summed(column(amount))],
        amounts,
        joins=[join(keyed, using=["profile"])],
        where=in_effect(effective),
        group=positions(3),
        order=positions(3),
    )


@printed
def widest_buckets() -> Node:
    """(step, the most elements that share one bucket of it)."""
    per_bucket = select([column("bucket"), alias(function("count", exp.Star()), "elements")], table("shares"))
    per_bucket.group_by(column("bucket"), copy=False)
    buckets = select(columns(("bucket", "step")), table("buckets"))
    return select(
        [column("step"), function("max", column("elements"))],
        subquery(per_bucket, "t"),
        joins=[join(subquery(buckets, "b"), using=["bucket"])],
        group=positions(1),
        order=positions(1),
    )


@printed
def made_rows() -> Node:
    """(step, rows that its elements got)."""
    of_steps = subquery(select(columns(("new_profile", "step")), table("made"), distinct=True), "of_steps")
    return select(
        [column("step"), function("count", exp.Star())],
        table(OWN_ITEMS),
        joins=[join(of_steps, on=equal(column("profile", OWN_ITEMS), column("new_profile", "of_steps")))],
        group=positions(1),
        order=positions(1),
    )


@printed
def left_over_rows() -> Node:
    """(step, source rows whose bucket is empty)."""
    return select(
        [column("step"), function("count", exp.Star())], table("left_over"), group=positions(1), order=positions(1)
    )


@printed
def values_of_slot(slot: str, values: tuple[str, ...]) -> Node:
    """Values that a slot has in any profile, of some that are given in lower case."""
    lower = function("lower", column(slot))
    wanted = exp.In(this=lower, expressions=[text(each) for each in values])
    return select([column(slot)], table("profiles"), distinct=True, where=wanted, order=positions(1))


@printed
def count(name: str) -> Node:
    return select([function("count", exp.Star())], table(name))
