"""Profiles and items: what a program's steps work on.

Invariant: a profile is one combination of slot values and path with a lifetime, made by one step and taken whole by
at most one later step; an item is the cost of one profile on one day. Nothing is ever copied but what a step takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK, TRUTH, Layer, Program, is_truth
from costops.engine.sql.cells import KEYS
from costops.engine.sql.scalar import layered, scalar
from costops.engine.sql.shape import printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    create_view,
    disjunction,
    function,
    insert,
    is_null,
    join,
    null,
    number,
    over,
    parameter,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.expression import Column, Expression, call, columns_in

FIXED = "fixed"
"""The place of a profile's truth values among those of all: with its values, its place in the order of cells."""

OWN_ITEMS = "own_items"
"""The table that items are put into; `items` is read."""

EARLIER = ("old_made", "old_taken")
"""A profile's lifetime in the rule set before, in twice the numbers of steps; missing in a first evaluation."""


def slot_values(program: Program, field_columns: tuple[str, ...], kept: tuple[str, ...] = ()) -> Node:
    """Each tuple of field values with its slot values and columns `kept`."""
    fields = [
        alias(function("nullif", column(name), text("")) if name != "tuple" else column(name), name)
        for name in ("tuple", *field_columns)
    ]
    computed = layered(subquery(select(fields, table("tuples")), "fields"), program.layers)
    truths = _truths(program.layers)
    values: list[Node] = [column("tuple")]
    for slot, name in program.slots:
        value = column(name)
        # A truth value is never null; texts stay as they are.
        values.append(alias(function("coalesce", value, exp.false()) if name in truths else value, slot))
    return select([*values, *columns(kept)], computed)


def _truths(layers: Sequence[Layer]) -> set[str]:
    """Names of the columns that hold truth values."""
    return {name for layer in layers for name, each in layer if is_truth(each)}


@printed
def fixed(program: Program, field_columns: tuple[str, ...]) -> Node:
    """`fixed`: what each tuple of field values has in every slot, and its truth values' place among those of all."""
    place = over(function("dense_rank"), order=columns(program.truths)) if program.truths else number(1)
    slotted = subquery(slot_values(program, field_columns), "slotted")
    return create_table("fixed", select([star(), alias(cast(place, "INTEGER"), FIXED)], slotted))


@printed
def first_profiles(values: tuple[str, ...], marks: tuple[str, ...]) -> Node:
    """The profiles that the bill itself makes, one for each tuple of field values."""
    # A profile's number orders it by its values, which makes the order of cells the same on every run.
    profile = over(function("row_number"), order=columns([*values, FIXED, "tuple"]))
    own: list[Node] = [
        alias(cast(profile, "INTEGER"), "profile"),
        *columns(("tuple", FIXED, *values)),
        *(alias(exp.false(), mark) for mark in marks),
        alias(text(PATH_MARK), PATH),
        alias(number(0), "made"),
        alias(null("INTEGER"), "taken"),
        *(alias(null("INTEGER"), name) for name in EARLIER),
    ]
    return create_table("profiles", select(own, table("fixed")))


def known(*expressions: Expression) -> Node:
    """Profiles with everything that some expressions read: their values, and truth values of their tuples."""
    truths = sorted({name for each in expressions for name in columns_in(each) if name.startswith(TRUTH)})
    if not truths:
        return table("profiles")
    of_tuples = subquery(select(columns(("tuple", *truths)), table("fixed")), "truths")
    query = select([star()], table("profiles"), joins=[join(of_tuples, using=["tuple"])])
    return subquery(query, "profiles")


@printed
def first_items(costs: int) -> Node:
    """The bill's cost by profile and day."""
    keys: list[Node] = [column("profile"), *columns(KEYS)]
    sums = columns(f"c{place}" for place in range(costs))
    numbers = subquery(select([column("tuple"), column("profile")], table("profiles")), "numbers")
    return create_table(OWN_ITEMS, select([*keys, *sums], table("raw"), joins=[join(numbers, using=["tuple"])]))


@printed
def all_items(kept: str | None) -> Node:
    """`items`: what was made here and, where an evaluation was kept, what is `kept` of it, as one relation."""
    queries = [select([star()], table(OWN_ITEMS))]
    if kept is not None:
        queries.append(select([star()], exp.table_("items", db=kept, quoted=True)))
    return create_view("items", union_all(queries))


def reported(program: Program) -> Node:
    """Profiles with a column for each report dimension, result-stage ones computed."""
    read = [each for layer in program.result_layers for _, each in layer]
    computed = layered(known(*read), program.result_layers)
    values: list[Node] = [column("profile"), column("made"), column("taken"), column(PATH)]
    for place, (_, name) in enumerate(program.report):
        values.append(alias(scalar(call("present", Column(name))), f"d{place}"))
    return select(values, computed)


@printed
def money_of_bill(program: Program, field_columns: tuple[str, ...], cost_place: int, without: tuple[str, ...]) -> Node:
    """(step 0, report dimension by place, value, currency, amount) of a program without steps.

    Billing months in `without`, `YYYY-MM`, do not count.
    """
    path = alias(text(PATH_MARK), PATH)
    slotted = subquery(select([exp.Star(), path], subquery(slot_values(program, field_columns), "slotted")), "profiles")
    values = [
        alias(scalar(call("present", Column(name))), f"d{place}") for place, (_, name) in enumerate(program.report)
    ]
    reported = subquery(select([column("tuple"), *values], layered(slotted, program.result_layers)), "reported")
    amounts = select(
        [column("tuple"), column("currency"), alias(summed(column(f"c{cost_place}")), "amount")],
        table("raw"),
        where=_in_no_month(without),
        group=[number(1), number(2)],
    )
    keys = [*_report_columns(program), column("currency")]
    return create_table(
        "moves",
        select(
            [alias(number(0), "step"), *keys, alias(summed(column("amount")), "amount")],
            subquery(amounts, "amounts"),
            joins=[join(reported, using=["tuple"])],
            group=keys,
        ),
    )


@printed
def first_sums(cost_place: int) -> Node:
    """`profile_sums`: the shown cost of each profile by billing month and currency."""
    return create_table("profile_sums", _sums("items", cost_place))


@printed
def more_sums(cost_place: int) -> Node:
    """The same of profiles behind $1."""
    return insert("profile_sums", _sums(OWN_ITEMS, cost_place).where(binary(exp.GT, column("profile"), parameter(1))))


def _sums(items: str, cost_place: int) -> exp.Select:
    amount = alias(cast(summed(column(f"c{cost_place}")), "HUGEINT"), "amount")
    keys = columns(("profile", "month", "currency"))
    return select([*keys, amount], table(items), group=[number(1), number(2), number(3)])


def _month_is_one_of(months: Sequence[str]) -> Node:
    return exp.In(this=column("month"), expressions=[cast(text(f"{each}-01"), "DATE") for each in months])


def _in_no_month(months: Sequence[str]) -> Node | None:
    return exp.Not(this=_month_is_one_of(months)) if months else None


@printed
def money_by_step(program: Program, without: tuple[str, ...]) -> Node:
    """(step, report dimension by place, value, currency, amount) that each step adds; step 0 is the bill itself.

    Billing months in `without`, `YYYY-MM`, do not count.
    """
    counts = _in_no_month(without)
    sums: Node = table("profile_sums")
    if counts is not None:
        sums = subquery(select([star()], table("profile_sums"), where=counts), "profile_sums")
    shown = join(subquery(reported(program), "reported"), using=["profile"])
    values = [*_report_columns(program), column("currency"), column("amount")]
    born = select([alias(column("made"), "step"), *values], sums, joins=[shown])
    lost: list[Node] = [*_report_columns(program), column("currency"), alias(exp.Neg(this=column("amount")), "amount")]
    gone = select(
        [alias(column("taken"), "step"), *lost],
        sums.copy(),
        joins=[shown.copy()],
        where=exp.Not(this=is_null(column("taken"))),
    )
    return create_table("moves", union_all([born, gone]))


@printed
def money_of_months(program: Program, place: int, months: tuple[str, ...]) -> Node:
    """(billing month, value of one report dimension, currency, amount) of what is there in `months` after $1 steps."""
    name = f"d{place}"
    values = columns(("profile", "made", "taken", name))
    living = subquery(select(values, subquery(reported(program), "all_profiles")), "reported")
    is_made = binary(exp.LTE, column("made"), parameter(1))
    is_left = disjunction(is_null(column("taken")), binary(exp.GT, column("taken"), parameter(1)))
    month = alias(function("strftime", column("month"), text("%Y-%m")), "of_month")
    return select(
        [month, column(name), column("currency"), summed(column("amount"))],
        table("profile_sums"),
        joins=[join(living, using=["profile"])],
        where=conjunction(is_made, is_left, _month_is_one_of(months)),
        group=[number(1), number(2), number(3)],
        having=binary(exp.NEQ, summed(column("amount")), number(0)),
        order=[number(1), number(2), number(3)],
    )


def _report_columns(program: Program) -> list[Node]:
    return columns(f"d{place}" for place in range(len(program.report)))


@printed
def money_of_dimension(place: int) -> Node:
    """One report dimension's part of `moves`."""
    name = f"d{place}"
    return select(
        [column("step"), column(name), column("currency"), summed(column("amount"))],
        table("moves"),
        group=[number(1), number(2), number(3)],
        having=binary(exp.NEQ, summed(column("amount")), number(0)),
        order=[number(1), number(2), number(3)],
    )


@printed
def imbalances(costs: int, only_some: bool) -> Node:
    """(step, month, day, currency) where what a step, of all or of those of $1, took and made differ in any cost."""
    sums = [f"c{place}" for place in range(costs)]
    lives = subquery(select([column("profile"), column("made"), column("taken")], table("profiles")), "lives")
    made = select(
        [alias(column("made"), "step"), *columns(KEYS[:2]), column("currency"), *columns(sums)],
        table("items"),
        joins=[join(lives, using=["profile"])],
        where=_of_steps("made", only_some),
    )
    taken = select(
        [
            alias(column("taken"), "step"),
            *columns(KEYS[:2]),
            column("currency"),
            *(alias(exp.Neg(this=column(each)), each) for each in sums),
        ],
        table("items"),
        joins=[join(lives.copy(), using=["profile"])],
        where=_of_steps("taken", only_some),
    )
    keys = [column("step"), *columns(KEYS[:2]), column("currency")]
    differs: Node = exp.false()
    for each in sums:
        differs = exp.Or(this=differs, expression=binary(exp.NEQ, summed(column(each)), number(0)))
    return select(
        keys,
        subquery(union_all([made, taken]), "flows"),
        group=[number(place + 1) for place in range(len(keys))],
        having=differs,
        order=[number(place + 1) for place in range(len(keys))],
    ).limit(1)


def _of_steps(end: str, only_some: bool) -> Node:
    return function("list_contains", parameter(1), column(end)) if only_some else binary(exp.GT, column(end), number(0))


def _totals(source: str, costs: int, *, only_alive: bool) -> Node:
    """(month, day, currency, sum of each cost column) of the raw cells, or of what is alive in the end."""
    keys: list[Node] = [*columns(KEYS[:2]), column("currency")]
    sums = [summed(column(f"c{place}")) for place in range(costs)]
    query = select(
        [*keys, *(alias(each, f"c{place}") for place, each in enumerate(sums))],
        table(source),
        group=[number(1), number(2), number(3)],
    )
    if only_alive:
        alive = select([column("profile")], table("profiles"), where=is_null(column("taken")))
        query.set("joins", [join(subquery(alive, "alive"), using=["profile"])])
    return query


@printed
def difference_from_bill(costs: int) -> Node:
    """(month, day, currency) where the final ledger and the bill differ in any cost column."""
    sums = [f"c{place}" for place in range(costs)]
    after = _totals("items", costs, only_alive=True)
    before = subquery(_totals("raw", costs, only_alive=False), "bill")
    negative = select(
        [*columns((*KEYS[:2], "currency")), *(alias(exp.Neg(this=column(each)), each) for each in sums)], before
    )
    differs: Node = exp.false()
    for each in sums:
        differs = exp.Or(this=differs, expression=binary(exp.NEQ, summed(column(each)), number(0)))
    return select(
        columns((*KEYS[:2], "currency")),
        subquery(union_all([after, negative]), "both"),
        group=[number(1), number(2), number(3)],
        having=differs,
        order=[number(1), number(2), number(3)],
    ).limit(1)
