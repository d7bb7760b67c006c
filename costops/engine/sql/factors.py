"""From distinct rows of each factor to classes that no program tells apart, and from combinations of classes to tuples.

Invariant: every row of a factor is in exactly one class, and every combination of classes in exactly one tuple; one row
stands for each class, and one combination for each tuple, with the values in every program of all the others.

Tables, where `<factor>` is tags, others or moments: `<factor>_values` has each distinct row by the hash of its fields,
with what programs make of it; `<factor>_map` (row, class, part, standing, part_standing) puts it into its class, for
which the row `standing` stands. A class of moments has its own dates; its `part` is what programs tell moments apart by
beside those.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from costops.engine.factors import FACTORS, MOMENTS, Distinctions, Factor
from costops.engine.sql.scalar import layered
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    cast,
    column,
    columns,
    create_table,
    equal,
    function,
    insert,
    join,
    number,
    over,
    select,
    star,
    subquery,
    table,
    text,
    truth,
    union_all,
)

DATES = ("month", "day", "until", "currency")
"""What a row of moments says of a cell, beside its fields."""

COMBINATION = ("tags", "others", "part")
"""Classes that occur together, of moments their part."""
FLAGS = ("occurs", "scanned")
"""Of a combination: whether a charge has it, and whether a charge that was read now has."""


def factor_columns(factor: str, fields: Sequence[str]) -> tuple[str, ...]:
    """The columns of a factor's rows."""
    return (*(DATES if factor == MOMENTS else ()), *fields)


def hashed(names: Sequence[str], salt: int) -> Node:
    """A number for the values of some columns; whether each has its own, `equal_hashes` says."""
    return function("hash", number(salt), *columns(names))


def equal_hashes(name: str, hashes: str) -> Node:
    """How many rows of a table share a hash with another; with none, the hash stands for the row exactly."""
    distinct = exp.Count(this=exp.Distinct(expressions=[column(hashes)]))
    return select([binary(exp.Sub, function("count", star()), distinct)], table(name))


def values(name: str, factor: Factor, sources: Sequence[str]) -> Node:
    """Each distinct row of a factor in some tables, with what programs make of it; missing fields are null here."""
    names = factor_columns(name, [field for _, field in factor.fields])
    found = union_all([select(columns(("row", *names)), table(each)) for each in sources])
    fields = [alias(function("nullif", column(field), text("")), field) for _, field in factor.fields]
    dates = columns(factor_columns(name, ()))
    distinct = select([column("row"), *dates, *fields], subquery(found, "found"), distinct=True)
    computed = layered(subquery(distinct, "fields"), factor.layers)
    wanted = dict.fromkeys((*names, *factor.outputs, *factor.watched))
    kept = [alias(_settled(each, factor.truths), each) for each in wanted]
    return create_table(f"{name}_values", select([column("row"), *kept], computed))


def _settled(name: str, truths: Sequence[str]) -> Node:
    return function("coalesce", column(name), exp.false()) if name in truths else column(name)


def found_kept(name: str, *, is_first: bool) -> Node:
    """Add to `<factor>_found` the rows that charges of kept units have; `is_first` makes it."""
    query = select(columns(("unit", "row")), table(f"{name}_kept"), where=column("occurs"), distinct=True)
    return create_table(f"{name}_found", query) if is_first else insert(f"{name}_found", query)


def row_maps(name: str, told_apart: Sequence[str]) -> Node:
    """For each row of a factor its class, numbered from 0, and the row that stands for it."""
    keys = factor_columns(name, told_apart)
    of_part = _least("row", told_apart if name == MOMENTS else keys)
    values = [column("row"), alias(_least("row", keys), "standing"), alias(of_part, "part_standing")]
    stood = subquery(select(values, table(f"{name}_values")), "stood")
    ranks = [alias(_rank("standing"), "class"), alias(_rank("part_standing"), "part")]
    return create_table(f"{name}_map", select([*columns(("row", "standing", "part_standing")), *ranks], stood))


def _least(name: str, keys: Sequence[str]) -> Node:
    return over(function("min", column(name)), partition=columns(keys))


def _rank(name: str) -> Node:
    rank = binary(exp.Sub, over(function("dense_rank"), order=[column(name)]), number(1))
    return cast(rank, "INTEGER")


def distinct_counts(name: str, fields: Sequence[str]) -> Node:
    """About how many values each of some fields of a factor has; the same for the same values."""
    # Exact counts of a dozen fields take longer than everything else that is done with few rows.
    return select([function("approx_count_distinct", column(each)) for each in fields], table(f"{name}_values"))


def number_of_classes(name: str, told_apart: Sequence[str]) -> Node:
    """How many classes a factor's rows would have."""
    keys = columns(factor_columns(name, told_apart)) or [number(1)]
    distinct = select(keys, table(f"{name}_values"), distinct=True)
    return select([function("count", star())], subquery(distinct, "told_apart"))


def mixed_classes(name: str) -> Node:
    """(unit) of kept units of which a class, or a part, has rows that programs tell apart now."""
    found = []
    for kept, now in (("class", "class"), ("part", "part")):
        pairs = select(
            [column("unit"), alias(column(kept, "kept"), "was"), alias(column(now, "map"), "is")],
            table(f"{name}_kept", "kept"),
            joins=[join(table(f"{name}_map", "map"), on=equal(column("row", "kept"), column("row", "map")))],
            distinct=True,
        )
        found.append(
            select(
                [column("unit")],
                subquery(pairs, "pairs"),
                group=[column("unit"), column("was")],
                having=binary(exp.GT, function("count", star()), number(1)),
            )
        )
    return _distinct_units(union_all(found if name == MOMENTS else found[:1]))


def _distinct_units(query: Node) -> Node:
    return select([column("unit")], subquery(query, "mixed"), distinct=True, order=[column("unit")])


def combinations(scanned: Sequence[str], kept: Sequence[str] | None) -> Node:
    """Every combination of today's classes: those of cells in the tables `scanned`, and those of units that are kept.

    `kept` has the factors that are read today; None where no unit is kept.
    """
    found: list[Node] = []
    for name in scanned:
        parts = select([alias(column("class"), "moments"), column("part")], table("moments_map"), distinct=True)
        found.append(
            select(
                [*columns(COMBINATION), alias(truth(True), "occurs"), alias(truth(True), "scanned")],
                table(name),
                joins=[join(subquery(parts, "parts"), using=["moments"])],
                distinct=True,
            )
        )
    if kept is not None:
        values = [*columns((*COMBINATION, "occurs")), alias(truth(False), "scanned")]
        found.append(select(values, subquery(_kept_today(kept), "today")))
    flags = [alias(function("bool_or", column(each)), each) for each in FLAGS]
    query = select([*columns(COMBINATION), *flags], subquery(union_all(found), "found"), group=columns(COMBINATION))
    return create_table("combinations", query)


def _kept_today(present: Sequence[str]) -> Node:
    """Combinations of kept units in today's classes: (unit, number, occurs, tags, others, part)."""
    joins = []
    values: list[Node] = [column(name, "c") for name in ("unit", "number", "occurs")]
    for factor in FACTORS:
        name = "part" if factor == MOMENTS else factor
        if factor not in present:
            values.append(alias(cast(number(0), "INTEGER"), name))
            continue
        kept = "part" if factor == MOMENTS else "class"
        today = select(
            [column("unit"), alias(column(kept, "kept"), "was"), alias(column(kept, "map"), "is")],
            table(f"{factor}_kept", "kept"),
            joins=[join(table(f"{factor}_map", "map"), on=equal(column("row", "kept"), column("row", "map")))],
            distinct=True,
        )
        on = exp.And(
            this=equal(column("unit", "c"), column("unit", f"of_{factor}")),
            expression=equal(column(name, "c"), column("was", f"of_{factor}")),
        )
        joins.append(join(subquery(today, f"of_{factor}"), on=on))
        values.append(alias(column("is", f"of_{factor}"), name))
    return select(values, table("kept_combinations", "c"), joins=joins)


def joint_values(cut: Distinctions, told_apart: Mapping[str, Sequence[str]]) -> Node:
    """Each combination with everything by which programs tell tuples apart, and with watched columns."""
    joins, values = [], columns((*COMBINATION, *FLAGS), "c")
    for factor, names in told_apart.items():
        key = "part" if factor == MOMENTS else factor
        if not names:
            continue
        mapped = "part" if factor == MOMENTS else "class"
        classes = select(
            [alias(column(mapped, "m"), key), *columns(names, "v")],
            table(f"{factor}_map", "m"),
            joins=[join(table(f"{factor}_values", "v"), on=equal(column("row", "v"), column("standing", "m")))],
            distinct=True,
        )
        joins.append(join(subquery(classes, f"of_{factor}"), on=equal(column(key, "c"), column(key, f"of_{factor}"))))
        values += columns(names, f"of_{factor}")
    met = subquery(select(values, table("combinations", "c"), joins=joins), "met")
    own = dict.fromkeys((*cut.values, *cut.watched))
    kept = [alias(_settled(each, cut.truths), each) for each in own]
    return create_table("joint_values", select([*columns((*COMBINATION, *FLAGS)), *kept], layered(met, cut.joint)))


def mixed_tuples(told_apart: Sequence[str], present: Sequence[str]) -> Node:
    """(unit) of kept units of which a tuple has combinations that programs tell apart now."""
    pairs = select(
        [column("unit"), alias(column("number"), "was"), *columns(told_apart)],
        subquery(_kept_today(present), "today"),
        joins=[join(table("joint_values"), using=COMBINATION)],
        distinct=True,
    )
    mixed = select(
        [column("unit")],
        subquery(pairs, "pairs"),
        group=[column("unit"), column("was")],
        having=binary(exp.GT, function("count", star()), number(1)),
    )
    return _distinct_units(mixed)


def number_of_combinations(told_apart: Sequence[str]) -> Node:
    """How many combinations were read now, and how many of them programs tell apart."""
    distinct = select(columns(told_apart) or [number(1)], table("joint_values"), where=column("scanned"), distinct=True)
    tuples = select([function("count", star())], subquery(distinct, "told_apart"))
    return select(
        [function("count", star()), exp.Subquery(this=tuples)], table("joint_values"), where=column("scanned")
    )


def tuple_numbers(told_apart: Sequence[str]) -> Node:
    """For each combination that was read now the number of its tuple, from 0, and whether it stands for the tuple."""
    place = over(function("row_number"), order=columns(COMBINATION))
    values = [*columns(dict.fromkeys((*COMBINATION, *told_apart))), alias(place, "place")]
    placed = subquery(select(values, table("joint_values"), where=column("scanned")), "placed")
    first = select([star(), alias(_least("place", told_apart), "first")], placed)
    stands = alias(equal(column("place"), column("first")), "stands")
    return create_table(
        "tuple_numbers",
        select([*columns(COMBINATION), alias(_rank("first"), "number"), stands], subquery(first, "firsts")),
    )
