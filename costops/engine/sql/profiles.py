"""Profiles and items: what a program's steps work on.

Invariant: a profile is one combination of slot values and path with a lifetime, made by one step and taken whole by
at most one later step; an item is the cost of one profile on one day. Nothing is ever copied but what a step takes.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK, Layer, Program
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
    create_table,
    function,
    is_null,
    join,
    null,
    number,
    over,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.expression import Column, call


def slot_names(program: Program) -> tuple[str, ...]:
    return tuple(slot for slot, _ in program.slots)


@printed
def classes(program: Program, field_columns: tuple[str, ...], kept: tuple[str, ...] = ()) -> Node:
    """For each tuple of field values the number of its combination of slot values, those values, and columns `kept`."""
    slotted = subquery(_slotted(program, field_columns, kept), "slotted")
    slots = slot_names(program)
    # A profile's number orders it by its slots, which makes the order of cells the same on every run.
    profile = over(function("dense_rank"), order=columns(slots)) if slots else number(1)
    return create_table("classes", select([alias(profile, "profile"), exp.Star()], slotted))


def _slotted(program: Program, field_columns: tuple[str, ...], kept: tuple[str, ...] = ()) -> Node:
    """Each tuple of field values with its slot values and columns `kept`."""
    fields = [
        alias(function("nullif", column(name), text("")) if name != "tuple" else column(name), name)
        for name in ("tuple", *field_columns)
    ]
    computed = layered(subquery(select(fields, table("tuples")), "fields"), program.layers)
    values: list[Node] = [column("tuple")]
    for slot, name in program.slots:
        values.append(alias(_settled(column(name), name, program.layers), slot))
    return select([*values, *columns(kept)], computed)


def _settled(value: Node, name: str, layers: Sequence[Layer]) -> Node:
    """A truth value that is never null; texts stay as they are."""
    for layer in layers:
        for each, expression in layer:
            if each == name and getattr(expression, "operation", "") in ("and", "or", "not", "in", "is_missing"):
                return function("coalesce", value, exp.false())
    return value


def unmerged() -> Node:
    """Every tuple as if no program could tell it from another."""
    return create_table("merging", select([column("tuple"), alias(number(1), "class")], table("tuples")))


def told_apart() -> Node:
    """Tuples by the classes so far and the profiles of one more program."""
    number_of_class = over(function("dense_rank"), order=columns(("class", "profile")))
    values = [column("tuple"), alias(number_of_class, "class")]
    return create_table("merging", select(values, table("merging"), joins=[join(table("classes"), using=["tuple"])]))


def merged() -> Node:
    """For each tuple the one that stands for all of its class."""
    standing = over(function("min", column("tuple")), partition=[column("class")])
    return create_table("merging", select([column("tuple"), alias(standing, "merged")], table("merging")))


def standing_tuples() -> Node:
    """The tuples that stand for others."""
    chosen = select([alias(column("merged"), "tuple")], table("merging"), distinct=True)
    query = select([exp.Star()], table("tuples"), joins=[join(subquery(chosen, "chosen"), using=["tuple"])])
    return create_table("tuples", query)


@printed
def first_profiles(program: Program) -> Node:
    """The profiles that the bill itself makes."""
    values: list[Node] = [
        column("profile"),
        *columns(slot_names(program)),
        alias(text(PATH_MARK), PATH),
        alias(number(0), "made"),
        alias(null("INTEGER"), "taken"),
    ]
    return create_table("profiles", select(values, table("classes"), distinct=True))


@printed
def first_items(costs: int) -> Node:
    """The bill's cost by profile and day."""
    keys: list[Node] = [column("profile"), *columns(KEYS)]
    sums = [alias(cast(summed(column(f"c{place}")), "HUGEINT"), f"c{place}") for place in range(costs)]
    return create_table(
        "items",
        select(
            [*keys, *sums],
            table("raw"),
            joins=[join(table("classes"), using=["tuple"])],
            group=[number(place + 1) for place in range(len(keys))],
        ),
    )


def _reported(program: Program) -> Node:
    """Profiles with a column for each report dimension, result-stage ones computed."""
    computed = layered(table("profiles"), program.result_layers)
    values: list[Node] = [column("profile"), column("made"), column("taken"), column(PATH)]
    for place, (_, name) in enumerate(program.report):
        values.append(alias(scalar(call("present", Column(name))), f"d{place}"))
    return select(values, computed)


@printed
def places(program: Program) -> Node:
    """Living profiles with the number, from 0, of their report values and path in the order of the ledger."""
    names = [*(f"d{place}" for place in range(len(program.report))), PATH]
    rank = alias(_from_0(over(function("dense_rank"), order=columns(names))), "place")
    living = subquery(_reported(program), "reported")
    return create_table(
        "places", select([column("profile"), rank, *columns(names)], living, where=is_null(column("taken")))
    )


@printed
def ledger(costs: int) -> Node:
    """The final ledger without rows of only 0: month, day, currency, place and costs."""
    keys: list[Node] = [*columns(KEYS[:2]), column("currency"), column("place")]
    sums = [summed(column(f"c{place}")) for place in range(costs)]
    nonzero: Node | None = None
    for each in sums:
        test = binary(exp.NEQ, each.copy(), number(0))
        nonzero = test if nonzero is None else exp.Or(this=nonzero, expression=test)
    living = select([column("profile"), column("place")], table("places"))
    return create_table(
        "ledger",
        select(
            [*keys, *(alias(each, f"c{place}") for place, each in enumerate(sums))],
            table("items"),
            joins=[join(subquery(living, "living"), using=["profile"])],
            group=[number(place + 1) for place in range(len(keys))],
            having=nonzero,
        ),
    )


@printed
def dates() -> Node:
    """The ledger's months, days and currencies, numbered in order from 0."""
    names = (*KEYS[:2], "currency")
    found = subquery(select(columns(names), table("ledger"), distinct=True), "found")
    date = alias(_from_0(over(function("row_number"), order=columns(names))), "date")
    return create_table("dates", select([date, star()], found))


def _from_0(rank: Node) -> Node:
    return binary(exp.Sub, rank, number(1))


@printed
def fits_64_bits(costs: int) -> Node:
    """Whether each cost column of the ledger has only amounts of 64 bits."""
    largest = [function("max", function("abs", column(f"c{place}"))) for place in range(costs)]
    fits = [binary(exp.LT, each, number(1 << 63)) for each in largest]
    return select([function("coalesce", each, exp.true()) for each in fits], table("ledger"))


@printed
def date_rows() -> Node:
    """(month, day, currency) as texts, by their number."""
    values: list[Node] = [
        alias(function("strftime", column("month"), text("%Y-%m")), "ledger_month"),
        alias(function("strftime", column("day"), text("%Y-%m-%d")), "ledger_day"),
        column("currency"),
    ]
    return select(values, table("dates"), order=[column("date")])


@printed
def place_rows(dimensions: int) -> Node:
    """(place, report values, path), by place."""
    names = ["place", *(f"d{place}" for place in range(dimensions)), PATH]
    return select(columns(names), table("places"), distinct=True, order=[column("place")])


@printed
def ledger_rows(narrow: tuple[bool, ...]) -> Node:
    """(number of the date, place, costs) in order.

    Texts would be made anew for every row, and integers of 128 bits reach Python eight times slower than those of 64:
    costs that are `narrow` fit the latter.
    """
    amounts = [
        cast(column(f"c{place}"), "BIGINT") if is_narrow else column(f"c{place}")
        for place, is_narrow in enumerate(narrow)
    ]
    return select(
        [column("date"), column("place"), *amounts],
        table("ledger"),
        joins=[join(table("dates"), using=[*KEYS[:2], "currency"])],
        order=[number(1), number(2)],
    )


@printed
def money_of_bill(program: Program, field_columns: tuple[str, ...], cost_place: int) -> Node:
    """(step 0, report dimension by place, value, currency, amount) of a program without steps."""
    path = alias(text(PATH_MARK), PATH)
    slotted = subquery(select([exp.Star(), path], subquery(_slotted(program, field_columns), "slotted")), "profiles")
    values = [
        alias(scalar(call("present", Column(name))), f"d{place}") for place, (_, name) in enumerate(program.report)
    ]
    reported = subquery(select([column("tuple"), *values], layered(slotted, program.result_layers)), "reported")
    amounts = select(
        [column("tuple"), column("currency"), alias(summed(column(f"c{cost_place}")), "amount")],
        table("raw"),
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
def money_by_step(program: Program, cost_place: int) -> Node:
    """(step, report dimension by place, value, currency, amount) that each step adds; step 0 is the bill itself."""
    amounts = _amounts(cost_place)
    born = select(
        [alias(column("made"), "step"), *_report_columns(program), column("currency"), column("amount")], amounts
    )
    gone = select(
        [
            alias(column("taken"), "step"),
            *_report_columns(program),
            column("currency"),
            alias(exp.Neg(this=column("amount")), "amount"),
        ],
        _amounts(cost_place),
        where=exp.Not(this=is_null(column("taken"))),
    )
    reported = join(subquery(_reported(program), "reported"), using=["profile"])
    for query in (born, gone):
        query.set("joins", [reported.copy()])
    return create_table("moves", union_all([born, gone]))


def _amounts(cost_place: int) -> Node:
    """Cost of each profile by currency."""
    query = select(
        [column("profile"), column("currency"), alias(summed(column(f"c{cost_place}")), "amount")],
        table("items"),
        group=[number(1), number(2)],
    )
    return subquery(query, "amounts")


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
def imbalances(costs: int) -> Node:
    """(step, month, day, currency) where what a step took and what it made differ in any cost column."""
    sums = [f"c{place}" for place in range(costs)]
    lives = subquery(select([column("profile"), column("made"), column("taken")], table("profiles")), "lives")
    made = select(
        [alias(column("made"), "step"), *columns(KEYS[:2]), column("currency"), *columns(sums)],
        table("items"),
        joins=[join(lives, using=["profile"])],
        where=binary(exp.GT, column("made"), number(0)),
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
        where=exp.Not(this=is_null(column("taken"))),
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
def bill_totals(costs: int) -> Node:
    """(month, day, currency, sum of each cost column) of the raw cells."""
    return _totals("raw", costs, only_alive=False)


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
