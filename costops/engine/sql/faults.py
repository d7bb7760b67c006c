"""Looks at files again where reading them has failed, for the first row at fault.

Invariant: nothing here changes what is read.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.sql.decimals import MONEY, is_number
from costops.engine.sql.reader import names_of, reader
from costops.engine.sql.scalar import is_date, scalar
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    conjunction,
    disjunction,
    equal,
    function,
    is_null,
    is_present,
    negated,
    over,
    select,
    subquery,
    table,
    text,
)
from costops.model.bill import BillPart, PhysicalFile


def broken_tags(tags: str) -> Node:
    """One text that is no JSON object in the column `tags` of a table, if there is one."""
    return broken_among(table(tags))


def broken_among(texts: Node) -> Node:
    """One text that is no JSON object in the column `tags` of a relation, if there is one."""
    kind = function("json_type", column("tags"))
    is_object = case(function("json_valid", column("tags")), equal(kind, text("OBJECT")), exp.false())
    broken = conjunction(is_present(column("tags")), exp.Not(this=exp.Paren(this=is_object)))
    return select([column("tags")], texts, where=broken, order=[column("tags")]).limit(1)


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
