"""From files to raw cells: one row per billing month, day, last day of the charge period, currency and distinct field
values.

Invariant: `raw` holds every charge of the bill exactly once, and `tuples` every combination of field values once. Of
the amounts of a cell, columns c0, c1 and so on, the costs come first and then the quantities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from costops.engine.ir import RawField
from costops.engine.sql.decimals import MONEY, is_number, picos
from costops.engine.sql.reader import counted, names_of, reader
from costops.engine.sql.scalar import is_date, scalar
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
    is_present,
    join,
    negated,
    number,
    over,
    paren,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.bill import BillPart, PhysicalFile
from costops.model.expression import Column, Expression, Literal, call

KEYS = ("month", "day", "until", "currency")
NO_FIELD = "nothing"
"""A constant column that stands in where a program needs no field at all."""

_ALWAYS_KNOWN = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingCurrency")


def field_expression(part: BillPart, field: RawField) -> Expression:
    """A raw field of a part as text; null where the part does not have it."""
    if field.kind == "tag":
        return part.tag_columns.get(field.name, Literal(None))
    if field.name in part.columns:
        return part.columns[field.name]
    if field.name not in _ALWAYS_KNOWN:
        return Literal(None)
    known: dict[str, Expression | None] = {
        "ChargePeriodStart": part.start,
        "ChargePeriodEnd": part.end,
        "BillingPeriodStart": part.billing_month,
        "BillingCurrency": part.currency,
    }
    value = known[field.name]
    if value is None or field.name == "BillingCurrency":
        return value or Literal(None)
    return call("text", value)


@dataclass(frozen=True, slots=True)
class PartTables:
    """Names of the tables that reading one part makes."""

    combinations: str
    tags: str
    tag_values: str
    keys: str
    cells: str


def tables_of(number_of_part: int) -> PartTables:
    names = ("combinations", "tags", "tag_values", "keys", "part")
    return PartTables(*(f"{name}_{number_of_part}" for name in names))


PartFields = Sequence[tuple[RawField, str]]
"""Fields that programs need, each with the name of its column."""


def _row_fields(part: BillPart, fields: PartFields) -> list[Node]:
    """What tells the combinations of a part apart, missing as the empty text: its fields, and the tags as one text."""
    names = names_of(part.files[0])
    plain, by_tags = _split_fields(part, fields)
    values = [(scalar(field_expression(part, field), names), name) for field, name in plain]
    if by_tags:
        assert part.tags is not None
        values.append((scalar(part.tags, names), "tags"))
    return [alias(function("coalesce", value, text("")), name) for value, name in values]


def _split_fields(part: BillPart, fields: PartFields) -> tuple[PartFields, PartFields]:
    """Fields that are columns of a part, and those that are keys within its tags."""
    by_tags = [(field, name) for field, name in fields if part.tags is not None and field.kind == "tag"]
    return [each for each in fields if each not in by_tags], by_tags


def part_combinations(part: BillPart, fields: PartFields, into: str) -> Node:
    """Every distinct combination of what a part's fields are read from: the first of two passes over its files."""
    return create_table(into, select(_row_fields(part, fields), reader(part.files), distinct=True))


def distinct_tags(combinations: str, into: str) -> Node:
    """Every distinct text of a part's tags."""
    query = select(
        [column("tags")], table(combinations), distinct=True, where=binary(exp.NEQ, column("tags"), text(""))
    )
    return create_table(into, query)


def broken_tags(tags: str) -> Node:
    """One text that is no JSON object, if there is one."""
    kind = function("json_type", column("tags"))
    is_object = case(function("json_valid", column("tags")), equal(kind, text("OBJECT")), exp.false())
    query = select([column("tags")], table(tags), where=exp.Not(this=exp.Paren(this=is_object)), order=[column("tags")])
    return query.limit(1)


def tag_values(tags: str, keys: Sequence[tuple[str, str]], into: str) -> Node:
    """Each distinct text's values of the keys that rules need."""
    values = [
        alias(
            scalar(call("first_present", call("present", call("json_key", Column("tags"), Literal(key))), Literal(""))),
            name,
        )
        for key, name in keys
    ]
    return create_table(into, select([column("tags"), *values], table(tags)))


def part_keys(part: BillPart, fields: PartFields, tables: PartTables, salt: int) -> Node:
    """Each combination with the hash of what it is read from, its field values, and their hash."""
    plain, by_tags = _split_fields(part, fields)
    values: list[Node] = [column(name) for _, name in plain]
    joins = []
    if by_tags:
        values += [alias(function("coalesce", column(name, tables.tag_values), text("")), name) for _, name in by_tags]
        joins.append(join(table(tables.tag_values), using=["tags"], kind="LEFT"))
    key = alias(_hashed(_key_names(plain, by_tags), salt), "key")
    keyed = subquery(select([key, *values], table(tables.combinations), joins=joins), "keyed")
    named = [name for _, name in fields]
    return create_table(
        tables.keys, select([column("key"), alias(_hashed(named, salt), "tuple"), *columns(named)], keyed)
    )


def _key_names(plain: PartFields, by_tags: PartFields) -> list[str]:
    return [*(name for _, name in plain), *(["tags"] if by_tags else [])]


def _hashed(names: Sequence[str], salt: int) -> Node:
    return function("hash", number(salt), *columns(names))


def field_tuples(keys: Sequence[str], field_columns: Sequence[str]) -> Node:
    """Each distinct combination of field values of all parts, with its hash."""
    values = ["tuple", *field_columns]
    parts = union_all([select(columns(values), table(name)) for name in keys])
    return create_table("tuples", select(columns(values), subquery(parts, "parts"), distinct=True))


def equal_hashes(name: str, hashed: str) -> Node:
    """How many rows of a table share a hash with another; with none, the hash stands for the row exactly."""
    distinct = exp.Count(this=exp.Distinct(expressions=[column(hashed)]))
    return select([binary(exp.Sub, function("count", star()), distinct)], table(name))


def part_cells(part: BillPart, fields: PartFields, amounts: Sequence[str], tables: PartTables, salt: int) -> Node:
    """A part's charges summed by tuple and keys: the second pass over its files.

    `amounts` are cost columns and quantities; one that the part lacks is 0, and so is one that a charge lacks.
    """
    names = names_of(part.files[0])
    had = {**part.quantities, **part.costs}
    start, billed = scalar(part.start, names), scalar(part.billing_month, names)
    end = scalar(part.end, names) if part.end is not None else cast(exp.Null(), "TIMESTAMP")
    values: list[Node] = [
        *_row_fields(part, fields),
        alias(start, "starts"),
        alias(end, "ends"),
        alias(billed, "billed"),
        alias(scalar(part.currency, names), "currency"),
    ]
    for place, amount in enumerate(amounts):
        if amount in had:
            values.append(alias(scalar(had[amount], names), f"c{place}"))
    key = alias(_hashed(_key_names(*_split_fields(part, fields)), salt), "key")
    rows = subquery(select([key, star()], subquery(select(values, counted(part)), "charges")), "rows")
    merged = select(
        [column("key"), column("merged")], table(tables.keys), joins=[join(table("merging"), using=["tuple"])]
    )
    keys: list[Node] = [
        alias(column("merged"), "tuple"),
        alias(cast(function("date_trunc", text("month"), column("billed")), "DATE"), "month"),
        alias(cast(column("starts"), "DATE"), "day"),
        alias(_last_day(column("starts"), column("ends")), "until"),
        column("currency"),
    ]
    sums: list[Node] = [alias(function("count", star()), "rows")]
    for place, amount in enumerate(amounts):
        known = amount in had
        value = column(f"c{place}") if known else cast(number(0), MONEY)
        sums.append(alias(function("coalesce", summed(value), cast(number(0), MONEY)), f"c{place}"))
        missing = function("count_if", is_null(column(f"c{place}"))) if known else number(0)
        sums.append(alias(missing, f"n{place}"))
    grouped = select(
        [*keys, *sums],
        rows,
        joins=[join(subquery(merged, "merged_keys"), using=["key"], kind="LEFT")],
        group=[number(place + 1) for place in range(len(keys))],
    )
    return create_table(tables.cells, grouped)


def _last_day(starts: Node, ends: Node) -> Node:
    """The last day a charge touches; a charge of up to a day, or without an end, has its day."""
    day = cast(starts.copy(), "DATE")
    length = binary(exp.Sub, ends.copy(), starts.copy())
    is_long = binary(exp.GT, length, exp.Interval(this=text("1"), unit=exp.Var(this="DAY")))
    moment = exp.Interval(this=text("1"), unit=exp.Var(this="MICROSECOND"))
    return case(is_long, cast(paren(binary(exp.Sub, ends, moment)), "DATE"), day)


def all_cells(parts: Sequence[str], amounts: int) -> Node:
    """The cells of all parts as one relation, `cells`, without copying them."""
    names = ["tuple", *KEYS, "rows", *(f"{kind}{place}" for place in range(amounts) for kind in "cn")]
    return create_view("cells", union_all([select(columns(names), table(part)) for part in parts]))


def raw_cells(amounts: int) -> Node:
    """Cells with amounts in picos."""
    in_picos = [alias(picos(column(f"c{place}")), f"c{place}") for place in range(amounts)]
    return create_table("raw", select([column("tuple"), *columns(KEYS), *in_picos], table("cells")))


def bill_facts(costs: int) -> Node:
    """Rows, rows that the first pass did not see, charges without a start or a currency, missing costs per column."""
    return select(
        [
            function("coalesce", summed(column("rows")), number(0)),
            function("coalesce", summed(case(is_null(column("tuple")), column("rows"), number(0))), number(0)),
            function(
                "coalesce",
                summed(case(disjunction(no_date("day"), no_date("month")), column("rows"), number(0))),
                number(0),
            ),
            function("coalesce", summed(case(is_null(column("currency")), column("rows"), number(0))), number(0)),
            *(function("coalesce", summed(column(f"n{place}")), number(0)) for place in range(costs)),
        ],
        table("cells"),
    )


def no_date(name: str) -> Node:
    """Whether a day is missing, or none that a bill can have; a typing error makes the year 20255 of 2025-5."""
    first, last = cast(text("1900-01-01"), "DATE"), cast(text("9999-12-31"), "DATE")
    day = column(name)
    return disjunction(is_null(day), binary(exp.LT, day.copy(), first), binary(exp.GT, day.copy(), last))


def first_incomplete(part: BillPart, file: PhysicalFile, field: str) -> Node:
    """(row number) of the first charge of a file without a `start` that a bill can have, or without a `currency`."""
    names = names_of(file)
    value = scalar(part.currency, names)
    lacking = is_null(column("value"))
    if field == "start":
        value = cast(scalar(part.start, names), "DATE")
        lacking = no_date("value")
    return _first_row(file, value, lacking)


def first_with_tags(part: BillPart, file: PhysicalFile, tags: str) -> Node:
    """(row number) of the first charge of a file with exactly these tags."""
    assert part.tags is not None
    return _first_row(file, scalar(part.tags, names_of(file)), equal(column("value"), text(tags)))


def _first_row(file: PhysicalFile, value: Node, where: Node) -> Node:
    inner = select([alias(over(function("row_number")), "row"), alias(value, "value")], reader([file]))
    return select([column("row")], subquery(inner, "t"), where=where, order=[column("row")]).limit(1)


def every_value(file: PhysicalFile) -> Node:
    """Reads every value of a file; gives nothing of use."""
    # A count alone is answered from the table of contents of Parquet.
    values = [function("max", function("hash", column(f"c{place}"))) for place in range(len(file.columns))]
    return select(values, reader([file]))


def first_unreadable(file: PhysicalFile, name: str, kind: str) -> Node:
    """(row number, text) of the first value of a column that is no `kind`: DECIMAL, TIMESTAMPTZ or JSON."""
    place = [each for each, _ in file.columns].index(name)
    value = cast(column(f"c{place}"), "VARCHAR")
    target = {"DECIMAL": MONEY, "JSON": "VARCHAR"}.get(kind, kind)
    parsed = exp.TryCast(this=function("trim", column("value")), to=exp.DataType.build(target, dialect="duckdb"))
    bad = is_null(parsed)
    if kind == "JSON":
        is_object = equal(function("json_type", column("value")), text("OBJECT"))
        bad = negated(case(function("json_valid", column("value")), is_object, exp.false()))
    elif kind == "DECIMAL":
        bad = disjunction(bad, negated(is_number(column("value"))))
    elif kind == "TIMESTAMPTZ":
        bad = disjunction(bad, negated(is_date(column("value"))))
    inner = select([alias(over(function("row_number")), "row"), alias(value, "value")], reader([file]))
    present = exp.Not(this=exp.In(this=column("value"), expressions=[text(""), text("NULL")]))
    return select(
        [column("row"), column("value")],
        subquery(inner, "t"),
        where=conjunction(is_present(column("value")), present, bad),
        order=[column("row")],
    ).limit(1)
