"""From files to raw cells: one row per billing month, day, last day of the charge period, currency and distinct field
values.

Invariant: `raw` holds every charge of the bill exactly once, and `tuples` every combination of field values once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from costops.engine.ir import RawField
from costops.engine.probe import as_pattern
from costops.engine.sql.decimals import MONEY, is_number, picos
from costops.engine.sql.scalar import Names, is_date, scalar
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
    identifier,
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


def reader(files: Sequence[PhysicalFile], name: str = "r") -> Node:
    """The rows of files with equal columns, columns named c0, c1, ... so that names differing in case stay apart."""
    paths = exp.Array(expressions=[text(as_pattern(Path(each.path))) for each in files])
    first = files[0]
    if first.kind == "parquet":
        source = function("read_parquet", paths, _option("hive_partitioning", exp.false()))
    else:
        kinds = [
            exp.PropertyEQ(this=identifier(f"c{i}"), expression=text("VARCHAR")) for i in range(len(first.columns))
        ]
        source = function(
            "read_csv",
            paths,
            _option("auto_detect", exp.false()),
            _option("header", exp.true()),
            _option("delim", text(",")),
            _option("quote", text('"')),
            _option("escape", text('"')),
            _option("hive_partitioning", exp.false()),
            _option("columns", exp.Struct(expressions=kinds)),
        )
    aliases = [identifier(f"c{i}") for i in range(len(first.columns))]
    node = exp.Table(this=source)
    node.set("alias", exp.TableAlias(this=identifier(name), columns=aliases))
    return node


def _option(name: str, value: Node) -> Node:
    return exp.EQ(this=exp.Column(this=exp.Identifier(this=name, quoted=False)), expression=value)


def names_of(file: PhysicalFile) -> Names:
    """How expressions over a file's own columns are printed."""
    return Names(
        columns={name: f"c{place}" for place, (name, _) in enumerate(file.columns)},
        types=dict(file.columns),
    )


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

    tags: str
    tag_values: str
    cells: str


def tables_of(number_of_part: int) -> PartTables:
    return PartTables(f"tags_{number_of_part}", f"tag_values_{number_of_part}", f"part_{number_of_part}")


def distinct_tags(part: BillPart, into: str) -> Node:
    """Every distinct text of a part's tags."""
    assert part.tags is not None
    value = alias(scalar(part.tags, names_of(part.files[0])), "tags")
    inner = select([value], reader(part.files), distinct=True)
    return create_table(into, select([column("tags")], subquery(inner, "t"), where=is_present(column("tags"))))


def broken_tags(tags: str) -> Node:
    """One text that is no JSON object, if there is one."""
    kind = function("json_type", column("tags"))
    is_object = case(function("json_valid", column("tags")), equal(kind, text("OBJECT")), exp.false())
    query = select([column("tags")], table(tags), where=exp.Not(this=exp.Paren(this=is_object)), order=[column("tags")])
    return query.limit(1)


def tag_values(tags: str, keys: Sequence[tuple[str, str]], into: str) -> Node:
    """Each distinct text's values of the keys that rules need, and a number for each distinct combination of values."""
    values = [
        alias(
            scalar(call("first_present", call("present", call("json_key", Column("tags"), Literal(key))), Literal(""))),
            name,
        )
        for key, name in keys
    ]
    parsed = subquery(select([column("tags"), *values], table(tags)), "parsed")
    code = over(function("dense_rank"), order=columns(name for _, name in keys))
    return create_table(into, select([star(), alias(code, "code")], parsed))


def part_cells(
    part: BillPart, fields: Sequence[tuple[RawField, str]], costs: Sequence[str], tables: PartTables
) -> Node:
    """A part's charges grouped by keys and field values; missing is the empty text, so that joins need no null test."""
    names = names_of(part.files[0])
    start, billed = scalar(part.start, names), scalar(part.billing_month, names)
    end = scalar(part.end, names) if part.end is not None else cast(exp.Null(), "TIMESTAMP")
    by_tags = [(field, name) for field, name in fields if part.tags is not None and field.kind == "tag"]
    plain = [(field, name) for field, name in fields if (field, name) not in by_tags]
    values: list[Node] = [
        alias(start, "starts"),
        alias(end, "ends"),
        alias(billed, "billed"),
        alias(scalar(part.currency, names), "currency"),
    ]
    for field, name in plain:
        value = scalar(field_expression(part, field), names)
        values.append(alias(function("coalesce", value, text("")), name))
    if by_tags:
        assert part.tags is not None
        values.append(alias(scalar(part.tags, names), "tags"))
    for place, cost in enumerate(costs):
        if cost in part.costs:
            values.append(alias(scalar(part.costs[cost], names), f"c{place}"))
    rows = subquery(select(values, reader(part.files)), "charges")
    joins = [join(table(tables.tag_values), using=["tags"], kind="LEFT")] if by_tags else []
    keys: list[Node] = [
        alias(cast(function("date_trunc", text("month"), column("billed")), "DATE"), "month"),
        alias(cast(column("starts"), "DATE"), "day"),
        alias(_last_day(column("starts"), column("ends")), "until"),
        column("currency"),
        *columns(name for _, name in plain),
    ]
    if by_tags:
        keys.append(alias(function("coalesce", column("code"), number(0)), "code"))
    sums: list[Node] = [alias(function("count", star()), "rows")]
    for place, cost in enumerate(costs):
        known = cost in part.costs
        value = column(f"c{place}") if known else cast(number(0), MONEY)
        sums.append(alias(function("coalesce", summed(value), cast(number(0), MONEY)), f"c{place}"))
        missing = function("count_if", is_null(column(f"c{place}"))) if known else number(0)
        sums.append(alias(missing, f"n{place}"))
    group = [number(place + 1) for place in range(len(keys))]
    grouped = select([*keys, *sums], rows, joins=joins, group=group)
    if not by_tags:
        return create_table(tables.cells, grouped)
    tag_columns = [name for _, name in by_tags]
    codes = subquery(
        select([column("code"), *columns(tag_columns)], table(tables.tag_values), distinct=True), "codes"
    )  # fmt: skip
    texts = [alias(function("coalesce", column(name, "codes"), text("")), name) for name in tag_columns]
    return create_table(
        tables.cells,
        select(
            [exp.Column(this=exp.Star(), table=identifier("grouped")), *texts],
            subquery(grouped, "grouped"),
            joins=[join(codes, using=["code"], kind="LEFT")],
        ),
    )


def _last_day(starts: Node, ends: Node) -> Node:
    """The last day a charge touches; a charge of up to a day, or without an end, has its day."""
    day = cast(starts.copy(), "DATE")
    length = binary(exp.Sub, ends.copy(), starts.copy())
    is_long = binary(exp.GT, length, exp.Interval(this=text("1"), unit=exp.Var(this="DAY")))
    moment = exp.Interval(this=text("1"), unit=exp.Var(this="MICROSECOND"))
    return case(is_long, cast(paren(binary(exp.Sub, ends, moment)), "DATE"), day)


def all_cells(parts: Sequence[str], field_columns: Sequence[str], costs: int) -> Node:
    """The cells of all parts as one relation, `cells`, without copying them."""
    names = [*KEYS, *field_columns, "rows", *(f"{kind}{place}" for place in range(costs) for kind in "cn")]
    return create_view("cells", union_all([select(columns(names), table(part)) for part in parts]))


def _tuple(field_columns: Sequence[str], salt: int) -> Node:
    return alias(function("hash", number(salt), *columns(field_columns)), "tuple")


def field_tuples(field_columns: Sequence[str], salt: int) -> Node:
    """Each distinct combination of field values, missing as the empty text, with its hash."""
    values = [_tuple(field_columns, salt), *columns(field_columns)]
    return create_table("tuples", select(values, table("cells"), distinct=True))


def equal_hashes() -> Node:
    """How many combinations share a hash with another; with none, the hash stands for the combination exactly."""
    distinct = exp.Count(this=exp.Distinct(expressions=[column("tuple")]))
    return select([binary(exp.Sub, function("count", star()), distinct)], table("tuples"))


def raw_cells(field_columns: Sequence[str], costs: int, salt: int) -> Node:
    """Cells with the hash of their field values in place of the values, and costs in picos."""
    amounts = [alias(picos(column(f"c{place}")), f"c{place}") for place in range(costs)]
    values = [_tuple(field_columns, salt), *columns(KEYS), *amounts]
    return create_table("raw", select(values, table("cells")))


def bill_facts(costs: int) -> Node:
    """Rows, charges without a start, and missing costs per column."""
    return select(
        [
            function("coalesce", summed(column("rows")), number(0)),
            function(
                "coalesce",
                summed(case(disjunction(_no_date("day"), _no_date("month")), column("rows"), number(0))),
                number(0),
            ),
            function("coalesce", summed(case(is_null(column("currency")), column("rows"), number(0))), number(0)),
            *(function("coalesce", summed(column(f"n{place}")), number(0)) for place in range(costs)),
        ],
        table("cells"),
    )


def _no_date(name: str) -> Node:
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
        lacking = _no_date("value")
    return _first_row(file, value, lacking)


def first_with_tags(part: BillPart, file: PhysicalFile, tags: str) -> Node:
    """(row number) of the first charge of a file with exactly these tags."""
    assert part.tags is not None
    return _first_row(file, scalar(part.tags, names_of(file)), equal(column("value"), text(tags)))


def _first_row(file: PhysicalFile, value: Node, where: Node) -> Node:
    inner = select([alias(over(function("row_number")), "row"), alias(value, "value")], reader([file]))
    return select([column("row")], subquery(inner, "t"), where=where, order=[column("row")]).limit(1)


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
