"""Short names for the nodes of a syntax tree.

Invariant: every statement leaves this package as a tree; identifiers and texts are quoted by the printer, never by
hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp

Node = exp.Expression
DIALECT = "duckdb"


def text_of(statement: Node) -> str:
    """The statement in the engine's dialect."""
    return statement.sql(DIALECT, comments=False, copy=False)


def column(name: str, table: str | None = None) -> Node:
    return exp.Column(this=identifier(name), table=identifier(table) if table else None)


def identifier(name: str) -> exp.Identifier:
    return exp.Identifier(this=name, quoted=True)


def columns(names: Iterable[str], table: str | None = None) -> list[Node]:
    return [column(name, table) for name in names]


def number(value: int) -> Node:
    if value < 0:
        return exp.Neg(this=exp.Literal.number(-value))
    return exp.Literal.number(value)


def text(value: str) -> Node:
    return exp.Literal.string(value)


def parameter(place: int) -> Node:
    """A value given when the statement runs."""
    return exp.Parameter(this=exp.Literal.number(place))


def null(kind: str = "VARCHAR") -> Node:
    return cast(exp.Null(), kind)


def truth(value: bool) -> Node:
    return exp.Boolean(this=value)


def cast(value: Node, kind: str) -> Node:
    return exp.Cast(this=value, to=_data_type(kind).copy())


@lru_cache
def _data_type(kind: str) -> exp.DataType:
    # sqlglot parses the text each time.
    return exp.DataType.build(kind, dialect=DIALECT)


def function(name: str, *arguments: Node) -> Node:
    return exp.Anonymous(this=name, expressions=list(arguments))


def paren(value: Node) -> Node:
    # sqlglot calls AND and OR functions too.
    binds_tightly = isinstance(value, exp.Column | exp.Literal | exp.Paren | exp.Func) and not isinstance(
        value, exp.Binary
    )
    return value if binds_tightly else exp.Paren(this=value)


def conjunction(*parts: Node) -> Node:
    return _chain(exp.And, parts, default=True)


def disjunction(*parts: Node) -> Node:
    return _chain(exp.Or, parts, default=False)


def _chain(kind: type[exp.Expression], parts: Sequence[Node], *, default: bool) -> Node:
    if not parts:
        return truth(default)
    result = paren(parts[0])
    for part in parts[1:]:
        result = kind(this=result, expression=paren(part))
    return result


def negated(value: Node) -> Node:
    return exp.Not(this=function("coalesce", value, truth(False)))


def equal(left: Node, right: Node) -> Node:
    return exp.EQ(this=paren(left), expression=paren(right))


def same(left: Node, right: Node) -> Node:
    """Equal, or both missing."""
    return exp.NullSafeEQ(this=paren(left), expression=paren(right))


def binary(kind: type[exp.Expression], left: Node, right: Node) -> Node:
    return kind(this=paren(left), expression=paren(right))


def is_null(value: Node) -> Node:
    return exp.Is(this=paren(value), expression=exp.Null())


def is_present(value: Node) -> Node:
    return exp.Not(this=is_null(value))


def case(*arguments: Node) -> Node:
    """(condition, value, ..., otherwise)."""
    pairs = list(zip(arguments[:-1:2], arguments[1:-1:2], strict=True))
    return exp.Case(ifs=[exp.If(this=when, true=then) for when, then in pairs], default=arguments[-1])


def listed(values: Sequence[Node]) -> Node:
    """A list of those values that are not missing."""
    it = exp.Identifier(this="each", quoted=False)
    there = exp.Lambda(this=is_present(exp.Column(this=it.copy())), expressions=[it], colon=True)
    return function("list_filter", exp.Array(expressions=list(values)), there)


def alias(value: Node, name: str) -> Node:
    return exp.Alias(this=value, alias=identifier(name))


def table(name: str, as_name: str | None = None) -> Node:
    node = exp.Table(this=identifier(name))
    if as_name:
        node.set("alias", exp.TableAlias(this=identifier(as_name)))
    return node


def subquery(query: Node, name: str) -> Node:
    return exp.Subquery(this=query, alias=exp.TableAlias(this=identifier(name)))


def ascending(value: Node) -> Node:
    """An ordering with missing values first."""
    return exp.Ordered(this=value, nulls_first=True)


def over(value: Node, *, partition: Sequence[Node] = (), order: Sequence[Node] = (), running: bool = False) -> Node:
    """A window; `running` adds up from the first row to this one."""
    window = exp.Window(this=value, partition_by=list(partition))
    if order:
        window.set("order", exp.Order(expressions=[ascending(each) for each in order]))
    if running:
        window.set("spec", exp.WindowSpec(kind="ROWS", start="UNBOUNDED", start_side="PRECEDING", end="CURRENT ROW"))
    return window


def select(
    values: Sequence[Node],
    source: Node | None = None,
    *,
    joins: Sequence[Node] = (),
    where: Node | None = None,
    group: Sequence[Node] = (),
    having: Node | None = None,
    order: Sequence[Node] = (),
    distinct: bool = False,
) -> exp.Select:
    """A query; joins are made by `join`."""
    query = exp.Select(expressions=list(values))
    if source is not None:
        query.from_(source, copy=False)
    arguments: dict[str, Any] = {}
    if joins:
        arguments["joins"] = list(joins)
    if where is not None:
        arguments["where"] = exp.Where(this=where)
    if group:
        arguments["group"] = exp.Group(expressions=list(group))
    if having is not None:
        arguments["having"] = exp.Having(this=having)
    if order:
        arguments["order"] = exp.Order(expressions=[ascending(each) for each in order])
    if distinct:
        arguments["distinct"] = exp.Distinct()
    for name, value in arguments.items():
        query.set(name, value)
    return query


def join(source: Node, *, on: Node | None = None, using: Sequence[str] = (), kind: str = "") -> Node:
    """An inner join, or `kind`: LEFT, SEMI, ANTI, CROSS."""
    node = exp.Join(this=source)
    if kind in ("SEMI", "ANTI", "CROSS"):
        node.set("kind", kind)
    elif kind:
        node.set("side", kind)
    if on is not None:
        node.set("on", on)
    if using:
        node.set("using", [identifier(name) for name in using])
    return node


def union_all(queries: Sequence[Node]) -> Node:
    result = queries[0]
    for query in queries[1:]:
        result = exp.Union(this=result, expression=query, distinct=False)
    return result


def create_table(name: str, query: Node) -> Node:
    return exp.Create(
        this=table(name), kind="TABLE", replace=True, expression=query, properties=exp.Properties(
            expressions=[exp.TemporaryProperty()]
        ),
    )  # fmt: skip


def create_view(name: str, query: Node) -> Node:
    return exp.Create(this=table(name), kind="VIEW", replace=True, expression=query)


def insert(name: str, query: Node) -> Node:
    return exp.Insert(this=table(name), expression=query)


def summed(value: Node) -> Node:
    return exp.Sum(this=value)


def star() -> Node:
    return exp.Star()
