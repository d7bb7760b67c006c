"""The ledger of the running items: its rows in order, its totals, and the digests of its places.

Invariant: a place is one combination of report values and path. The text that a place's digest is made of is the one
that `costops.model.ledger.Ledger` makes of the same rows, to the last byte, in whatever order the engine finds them.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK, Program
from costops.engine.sql.cells import KEYS
from costops.engine.sql.profiles import reported
from costops.engine.sql.shape import printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    ascending,
    binary,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    disjunction,
    function,
    is_null,
    join,
    number,
    over,
    same,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)

DATE = (*KEYS[:2], "currency")


def place_names(width: int) -> list[str]:
    """What names a place: the columns of its report values, and its path as profiles have it."""
    return [*(f"d{place}" for place in range(width)), PATH]


def _costs(costs: int) -> list[str]:
    return [f"c{place}" for place in range(costs)]


@printed
def places(program: Program, only: str | None) -> Node:
    """Living profiles with the number, from 0, of their place in the order of the ledger; those of table `only`."""
    names = place_names(len(program.report))
    rank = alias(_from_0(over(function("dense_rank"), order=columns(names))), "place")
    living: Node = select([column("profile"), *columns(names)], subquery(reported(program), "reported"))
    living.set("where", exp.Where(this=is_null(column("taken"))))
    if only is not None:
        living.set("joins", [join(table(only, "chosen"), on=_same_place("reported", "chosen", names), kind="SEMI")])
    return create_table("places", select([column("profile"), rank, *columns(names)], subquery(living, "living")))


def _same_place(left: str, right: str, names: list[str]) -> Node:
    return conjunction(*(same(column(name, left), column(name, right)) for name in names))


def _from_0(rank: Node) -> Node:
    return cast(binary(exp.Sub, rank, number(1)), "INTEGER")


@printed
def dates() -> Node:
    """The items' months, days and currencies, numbered in order, with the text that a row of each starts with."""
    found = subquery(select(columns(DATE), table("items"), distinct=True), "found")
    date = alias(_from_0(over(function("row_number"), order=columns(DATE))), "date")
    length = cast(function("strlen", column("currency")), "VARCHAR")
    start = function("concat", _day_text(), text(" "), length, text(":"), column("currency"))
    return create_table("dates", select([date, star(), alias(start, "start")], found))


def _month_text() -> Node:
    return function("strftime", column("month"), text("%Y-%m"))


def _day_text() -> Node:
    return function("strftime", column("day"), text("%Y-%m-%d"))


@printed
def ledger(costs: int) -> Node:
    """The rows of `places` without those of only 0: place, number of the date, and costs."""
    keys = columns(("place", "date"))
    sums = [summed(column(each)) for each in _costs(costs)]
    living = select([column("profile"), column("place")], table("places"))
    numbers = select([column("date"), *columns(DATE)], table("dates"))
    return create_table(
        "ledger",
        select(
            [*keys, *(alias(each, f"c{place}") for place, each in enumerate(sums))],
            table("items"),
            joins=[
                join(subquery(living, "living"), using=["profile"]),
                join(subquery(numbers, "numbers"), using=DATE),
            ],
            group=[number(1), number(2)],
            having=disjunction(*(binary(exp.NEQ, each.copy(), number(0)) for each in sums)),
        ),
    )


@printed
def place_digests(width: int, costs: int, only: str | None) -> Node:
    """The digest of each place of `ledger` in each month; with `only` those of every other place stay as they are."""
    names = place_names(width)
    row = function("concat_ws", text(" "), column("start"), *(cast(column(each), "VARCHAR") for each in _costs(costs)))
    lines = function("array_to_string", function("list_sort", function("list", row)), text("\n"))
    starts = select(columns(("date", "month", "start")), table("dates"))
    digested = select(
        [column("place"), column("month"), alias(function("sha256", lines), "digest")],
        table("ledger"),
        joins=[join(subquery(starts, "starts"), using=["date"])],
        group=[number(1), number(2)],
    )
    named = select([column("place"), *columns(names)], table("places"), distinct=True)
    fresh = select(
        columns((*names, "month", "digest")),
        subquery(digested, "digested"),
        joins=[join(subquery(named, "named"), using=["place"])],
    )
    if only is None:
        return create_table("place_digests", fresh)
    others = join(table(only, "chosen"), on=_same_place("known", "chosen", names), kind="ANTI")
    known = select(columns((*names, "month", "digest")), table("place_digests", "known"), joins=[others])
    return create_table("place_digests", union_all([known, fresh]))


@printed
def month_digests(width: int) -> Node:
    """(month, digest) of the ledger whose places are in `place_digests`, in order."""
    names = place_names(width)
    path = function("substring", column(PATH), number(len(PATH_MARK) + 1), _path_length())
    parts = [_netstring(column(name)) for name in names[:-1]]
    line = function("concat", *parts, _netstring(path), column("digest"))
    order = exp.Order(this=text("\n"), expressions=[ascending(each) for each in columns(names)])
    digest = function("sha256", function("string_agg", line, order))
    return select(
        [alias(_month_text(), "ledger_month"), digest],
        table("place_digests"),
        group=[column("month")],
        order=[column("month")],
    )


def _path_length() -> Node:
    marks = binary(exp.Sub, function("length", column(PATH)), number(2 * len(PATH_MARK)))
    return function("greatest", marks, number(0))


def _netstring(value: Node) -> Node:
    length = cast(function("strlen", value.copy()), "VARCHAR")
    # A chain of || is missing where the value is; concat would pass over it.
    written: Node = length
    for part in (text(":"), value, text(",")):
        written = exp.DPipe(this=written, expression=part)
    return function("coalesce", written, text("-"))


@printed
def totals(costs: int) -> Node:
    """(billing month, currency, sum of each cost column) of what is alive."""
    living = select([column("profile")], table("profiles"), where=is_null(column("taken")))
    return select(
        [alias(_month_text(), "of_month"), column("currency"), *(summed(column(each)) for each in _costs(costs))],
        table("items"),
        joins=[join(subquery(living, "living"), using=["profile"])],
        group=[number(1), number(2)],
        order=[number(1), number(2)],
    )


@printed
def fits_64_bits(costs: int) -> Node:
    """Whether each cost column of the ledger has only amounts of 64 bits."""
    largest = [function("max", function("abs", column(each))) for each in _costs(costs)]
    fits = [binary(exp.LT, each, number(1 << 63)) for each in largest]
    return select([function("coalesce", each, exp.true()) for each in fits], table("ledger"))


@printed
def date_rows() -> Node:
    """(month, day, currency) as texts, by their number."""
    values: list[Node] = [alias(_month_text(), "ledger_month"), alias(_day_text(), "ledger_day"), column("currency")]
    return select(values, table("dates"), order=[column("date")])


@printed
def place_rows(width: int) -> Node:
    """(report values, path), by number of the place."""
    names = place_names(width)
    found = select([column("place"), *columns(names)], table("places"), distinct=True)
    return select(columns(names), subquery(found, "found"), order=[column("place")])


@printed
def ledger_rows(narrow: tuple[bool, ...]) -> Node:
    """(number of the date, number of the place, costs) in order.

    Texts would be made anew for every row, and integers of 128 bits reach Python eight times slower than those of 64:
    costs that are `narrow` fit the latter.
    """
    amounts = [
        cast(column(f"c{place}"), "BIGINT") if is_narrow else column(f"c{place}")
        for place, is_narrow in enumerate(narrow)
    ]
    return select([column("date"), column("place"), *amounts], table("ledger"), order=[number(1), number(2)])
