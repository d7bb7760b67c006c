"""From the cells of units, read now or kept, to `tuples` and `raw`.

Invariant: a tuple is one combination of field values, with the same number in every unit; `raw` has every charge of the
bill once, and one row for a tuple, billing month, day, last day and currency.

Tables of a unit that was read now: `unit_<unit>` (number, moments, amounts in picos) and `sums_<unit>` (number, month,
currency, amounts). For all units: `unit_tuples` (unit, number and the fields of what stands for the tuple),
`unit_moments` (unit, moments, dates).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from costops.engine.factors import MOMENTS, OTHERS, TAGS
from costops.engine.sql.cells import KEYS
from costops.engine.sql.decimals import picos
from costops.engine.sql.factors import COMBINATION
from costops.engine.sql.faults import no_date
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
    create_view,
    disjunction,
    equal,
    function,
    is_null,
    join,
    number,
    over,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    truth,
    union_all,
)

HUGE = "HUGEINT"
RAW = "raw"
TUPLES = "tuples"
SUMS = "sums"


NUMBERS = "tuple_of"
"""The table (unit, number, tuple) that says which tuple a unit's own number is."""
NO_FIELD = "nothing"
"""A column of tuples where no program needs any field."""


def _positions(count: int) -> list[Node]:
    return [number(place + 1) for place in range(count)]


def dated_classes() -> Node:
    """`moments_classes`: the dates of each class of moments, and its part."""
    return create_table(
        "moments_classes",
        select(
            [alias(column("class"), "moments"), column("part"), *columns(KEYS)],
            table("moments_map"),
            joins=[join(table("moments_values"), using=["row"])],
            where=equal(column("row"), column("standing")),
        ),
    )


def faults_of_cells(cells: str) -> Node:
    """Charges that the first reading has not seen, without a start that a bill can have, and without a currency."""
    unseen = disjunction(*(is_null(column(name)) for name in (TAGS, OTHERS, MOMENTS)))
    undated = conjunction(exp.Not(this=is_null(column(MOMENTS))), disjunction(no_date("day"), no_date("month")))
    without = conjunction(exp.Not(this=is_null(column(MOMENTS))), is_null(column("currency")))
    return select(
        [_count_where(each) for each in (unseen, undated, without)],
        table(cells),
        joins=[join(table("moments_classes"), using=[MOMENTS], kind="LEFT")],
    )


def _count_where(test: Node) -> Node:
    return function("coalesce", summed(case(test, column("rows"), number(0))), number(0))


def unit_cells(cells: str, amounts: int, into: str, *, has_several: bool) -> Node:
    """A unit's cells by the number of their tuple and by moments, amounts in picos.

    `has_several` says whether a tuple may have several combinations of classes.
    """
    parts = subquery(select(columns((MOMENTS, "part")), table("moments_classes")), "parts")
    numbers = subquery(select(columns((*COMBINATION, "number")), table("tuple_numbers")), "numbers")
    keys = ("number", MOMENTS)
    values = columns(f"c{place}" for place in range(amounts))
    if has_several:
        values = [alias(summed(each), f"c{place}") for place, each in enumerate(values)]
    numbered = select(
        [*columns(keys), *values],
        table(cells),
        joins=[join(parts, using=[MOMENTS]), join(numbers, using=COMBINATION)],
        group=_positions(len(keys)) if has_several else (),
    )
    exact = [alias(picos(column(f"c{place}")), f"c{place}") for place in range(amounts)]
    return create_table(into, select([*columns(keys), *exact], subquery(numbered, "numbered")))


def unit_sums(unit: str, amounts: int, into: str) -> Node:
    """A unit's amounts by tuple, billing month and currency."""
    keys = ("number", "month", "currency")
    sums = [alias(cast(summed(column(f"c{place}")), HUGE), f"c{place}") for place in range(amounts)]
    months = subquery(select(columns((MOMENTS, "month", "currency")), table("moments_classes")), "months")
    joins = [join(months, using=[MOMENTS])]
    return create_table(into, select([*columns(keys), *sums], table(unit), joins=joins, group=_positions(len(keys))))


def charges_by_month(cells: str, amounts: int) -> Node:
    """(month, currency, charges, and how many of them have each amount) of a unit, in order."""
    counts = [summed(column(name)) for name in ("rows", *(f"n{place}" for place in range(amounts)))]
    months = subquery(select(columns((MOMENTS, "month", "currency")), table("moments_classes")), "months")
    joins = [join(months, using=[MOMENTS])]
    return select([*_month(), *counts], table(cells), joins=joins, group=_positions(2), order=_positions(2))


def amounts_by_month(sums: str, amounts: int) -> Node:
    """(month, currency, each amount) of a unit, in order."""
    totals = [summed(column(f"c{place}")) for place in range(amounts)]
    return select([*_month(), *totals], table(sums), group=_positions(2), order=_positions(2))


def _month() -> list[Node]:
    return [function("strftime", column("month"), text("%Y-%m")), column("currency")]


def unit_combinations(cells: str, into: str) -> Node:
    """What must be known of a unit's tuples: its own combinations, and those that stand for its tuples."""
    own = select(
        columns(COMBINATION),
        table(cells),
        joins=[join(subquery(select(columns((MOMENTS, "part")), table("moments_classes")), "parts"), using=[MOMENTS])],
        distinct=True,
    )
    marked = select(
        [*columns(COMBINATION), column("number"), column("stands"), alias(_is_there(), "occurs")],
        table("tuple_numbers"),
        joins=[join(subquery(_with_mark(own), "own"), using=COMBINATION, kind="LEFT")],
    )
    of_unit = over(function("bool_or", column("occurs")), partition=[column("number")])
    found = subquery(select([star(), alias(of_unit, "of_unit")], subquery(marked, "marked")), "found")
    needed = conjunction(column("of_unit"), disjunction(column("occurs"), column("stands")))
    return create_table(into, select(columns((*COMBINATION, "number", "stands", "occurs")), found, where=needed))


def _with_mark(query: exp.Select) -> Node:
    return select([star(), alias(number(1), "mark")], subquery(query, "marked"))


def _is_there() -> Node:
    return exp.Not(this=is_null(column("mark")))


def unit_rows(factor: str, unit: int, cells: str, combinations: str, names: Sequence[str]) -> Node:
    """A unit's rows of a factor with their classes, and the rows that stand for the classes that it needs."""
    found = select(
        [column("row"), alias(number(1), "mark")], table(f"{factor}_found"), where=equal(column("unit"), number(unit))
    )
    if factor == MOMENTS:
        classes = select([alias(column(MOMENTS), "class")], table(cells), distinct=True)
        parts = select([column("part")], table(combinations), distinct=True)
        is_needed = disjunction(
            conjunction(column("stands"), exp.In(this=column("class"), query=exp.Subquery(this=classes))),
            conjunction(column("part_stands"), exp.In(this=column("part"), query=exp.Subquery(this=parts))),
        )
    else:
        classes = select([alias(column(factor), "class")], table(combinations), distinct=True)
        is_needed = conjunction(column("stands"), exp.In(this=column("class"), query=exp.Subquery(this=classes)))
    rows = select(
        [
            *columns(("class", "part", *names)),
            alias(_is_there(), "occurs"),
            alias(equal(column("row"), column("standing")), "stands"),
            alias(equal(column("row"), column("part_standing")), "part_stands"),
        ],
        table(f"{factor}_map"),
        joins=[
            join(table(f"{factor}_values"), using=["row"]),
            join(subquery(found, "found"), using=["row"], kind="LEFT"),
        ],
    )
    return select([star()], subquery(rows, "marked"), where=disjunction(column("occurs"), is_needed))


def standing_combinations(source: str, unit: int | None) -> Node:
    """(number, tags, others, part) of what stands for tuples; `unit` where a table has several."""
    is_of = equal(column("unit"), number(unit)) if unit is not None else truth(True)
    return select(columns(("number", *COMBINATION)), table(source), where=conjunction(column("stands"), is_of))


def standing_now(factor: str, fields: Sequence[str]) -> Node:
    """(key, fields) of the row that stands for each class of what was read now; of moments, for each part."""
    by_part = factor == MOMENTS
    return select(
        [alias(column("part" if by_part else "class"), "key"), *columns(fields)],
        table(f"{factor}_map"),
        joins=[join(table(f"{factor}_values"), using=["row"])],
        where=equal(column("row"), column("part_standing" if by_part else "standing")),
    )


def standing_kept(factor: str, unit: int, fields: Sequence[str]) -> Node:
    """The same of a kept unit."""
    by_part = factor == MOMENTS
    return select(
        [alias(column("part" if by_part else "class"), "key"), *columns(fields)],
        table(f"{factor}_kept"),
        where=conjunction(equal(column("unit"), number(unit)), column("part_stands" if by_part else "stands")),
    )


def moments_now(unit: int) -> Node:
    """(unit, moments, dates) of a unit that was read now."""
    cells = select(columns((MOMENTS,)), table(f"unit_{unit}"), distinct=True)
    return select(
        [alias(number(unit), "unit"), *columns((MOMENTS, *KEYS))],
        table("moments_classes"),
        joins=[join(subquery(cells, "own"), using=[MOMENTS])],
    )


def standing_tuples(
    unit: int, rows: Mapping[str, Node], fields: Mapping[str, Sequence[tuple[str, str]]], combinations: Node
) -> Node:
    """(unit, number, fields) of what stands for the tuples in `combinations`.

    `rows` has for each factor (key, fields) of what stands; `fields` (column there, column of tuples).
    """
    joins, values = [], [alias(number(unit), "unit"), column("number", "standing")]
    for factor, named in fields.items():
        if not named:
            continue
        place = "part" if factor == MOMENTS else factor
        on = equal(column(place, "standing"), column("key", f"of_{factor}"))
        joins.append(join(subquery(rows[factor], f"of_{factor}"), on=on))
        values += [alias(function("coalesce", column(mine, f"of_{factor}"), text("")), name) for mine, name in named]
    if len(values) == 2:
        values.append(alias(text(""), NO_FIELD))
    return select(values, subquery(combinations, "standing"), joins=joins)


def tuples_of_units(queries: Sequence[Node]) -> Node:
    """`unit_tuples` of all units."""
    return create_table("unit_tuples", union_all(list(queries)))


def tuples(names: Sequence[str]) -> Node:
    """Every tuple that some unit has, numbered from 0 in the order of its values."""
    place = binary(exp.Sub, over(function("row_number"), order=columns(names)), number(1))
    distinct = subquery(select(columns(names), table("unit_tuples"), distinct=True), "found")
    return create_table(TUPLES, select([alias(cast(place, "INTEGER"), "tuple"), *columns(names)], distinct))


def tuple_of(names: Sequence[str]) -> Node:
    """Which tuple each unit's own number is."""
    values = columns(("unit", "number", "tuple"))
    return create_table(NUMBERS, select(values, table("unit_tuples"), joins=[join(table(TUPLES), using=names)]))


def unit_moments(queries: Sequence[Node]) -> Node:
    """`unit_moments` of all units."""
    return create_table("unit_moments", union_all(list(queries)))


def overlapping_moments() -> Node:
    """How many times a unit has dates that another has too."""
    dates = exp.Tuple(expressions=columns(KEYS))
    return select(
        [binary(exp.Sub, function("count", star()), exp.Count(this=exp.Distinct(expressions=[dates])))],
        table("unit_moments"),
    )


def raw_of_unit(unit: int, cells: Node, places: Sequence[int | None]) -> Node:
    """A unit's part of `raw`; `places` has for each amount its place in the unit, None where the unit lacks it."""
    numbers = select(columns(("number", "tuple")), table(NUMBERS), where=equal(column("unit"), number(unit)))
    dates = select(columns((MOMENTS, *KEYS)), table("unit_moments"), where=equal(column("unit"), number(unit)))
    return select(
        [column("tuple"), *columns(KEYS), *_amounts(places)],
        cells,
        joins=[join(subquery(numbers, "numbers"), using=["number"]), join(subquery(dates, "dates"), using=[MOMENTS])],
    )


def _amounts(places: Sequence[int | None]) -> list[Node]:
    return [
        alias(cast(column(f"c{place}") if place is not None else number(0), HUGE), f"c{now}")
        for now, place in enumerate(places)
    ]


def raw(queries: Sequence[Node], amounts: int, *, together: bool, is_view: bool) -> Node:
    """`raw` of all units; `together` where several may have rows of the same tuple and dates."""
    query = union_all(list(queries))
    if together:
        keys = ("tuple", *KEYS)
        sums = [alias(cast(summed(column(f"c{place}")), HUGE), f"c{place}") for place in range(amounts)]
        query = select([*columns(keys), *sums], subquery(query, "every"), group=_positions(len(keys)))
    return create_view(RAW, query) if is_view else create_table(RAW, query)


def sums_of_unit(unit: int, sums: Node, places: Sequence[int | None]) -> Node:
    """A unit's part of `sums`."""
    numbers = select(columns(("number", "tuple")), table(NUMBERS), where=equal(column("unit"), number(unit)))
    return select(
        [*columns(("tuple", "month", "currency")), *_amounts(places)],
        sums,
        joins=[join(subquery(numbers, "numbers"), using=["number"])],
    )


def all_sums(queries: Sequence[Node], amounts: int, *, is_view: bool) -> Node:
    """`sums`: the amounts of each tuple by billing month and currency."""
    keys = ("tuple", "month", "currency")
    sums = [alias(cast(summed(column(f"c{place}")), HUGE), f"c{place}") for place in range(amounts)]
    query = select([*columns(keys), *sums], subquery(union_all(list(queries)), "every"), group=_positions(len(keys)))
    return create_view(SUMS, query) if is_view else create_table(SUMS, query)
