"""Expressions as SQL: one place that says what each operation means to the engine.

Invariant: tests are false, never unknown, for missing values wherever a NOT could see them; texts are never empty.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce

from sqlglot import exp

from costops.engine.sql.decimals import exact_decimal
from costops.engine.sql.lookups import looked_up
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    conjunction,
    disjunction,
    function,
    is_null,
    negated,
    null,
    number,
    select,
    subquery,
    text,
    truth,
)
from costops.model.expression import Call, Column, Expression, Literal

WHITE_SPACE = "".join(
    chr(code)
    for code in (
        *range(0x09, 0x0E),
        0x20,
        0x85,
        0xA0,
        0x1680,
        *range(0x2000, 0x200B),
        0x2028,
        0x2029,
        0x202F,
        0x205F,
        0x3000,
    )
)
"""Unicode's White_Space characters: what `trim` takes off."""

_WORDS = r"[\pL\pN]+|[^\pL\pN]+"
_DATE = r"\s*\d{4}-\d{1,2}-\d{1,2}(\D.*)?"
_BETWEEN_WORDS = r"[^\pL\pN]+"


@dataclass(frozen=True)
class Names:
    """What the columns of a relation are called and which types they have."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """Name in the expression to name in the relation; names not given are the same in both."""
    types: Mapping[str, str] = field(default_factory=dict)
    """Name in the expression to type; names not given are VARCHAR."""

    def type_of(self, expression: Expression) -> str:
        """The type of what an expression reads, as far as reading depends on it."""
        match expression:
            case Column(name):
                return self.types.get(name, "VARCHAR")
            case Call("first_present" | "present", arguments):
                return self.type_of(arguments[0])
            case Call("case", arguments):
                return self.type_of(arguments[1])
            case Call("timestamp", _):
                return "TIMESTAMP"
            case Call("decimal" | "add" | "subtract", _):
                return "DECIMAL(38,12)"
        return "VARCHAR"


def scalar(expression: Expression, names: Names | None = None) -> Node:
    """The expression as a syntax tree."""
    names = names or Names()
    match expression:
        case Column(name):
            return column(names.columns.get(name, name))
        case Literal(bool() as value):
            return truth(value)
        case Literal(int() as value):
            return number(value)
        case Literal(str() as value):
            return text(value)
        case Literal():
            return null()
        case Call(operation, arguments):
            if operation in ("text", "timestamp", "decimal"):
                return _READERS[operation](scalar(arguments[0], names), names.type_of(arguments[0]))
            return _PRINTERS[operation](*(scalar(argument, names) for argument in arguments))
    raise TypeError(f"not an expression: {expression!r}")


def _as_text(value: Node, kind: str) -> Node:
    if kind.startswith("TIMESTAMP"):
        return function("strftime", cast(value, "TIMESTAMP"), text("%Y-%m-%dT%H:%M:%SZ"))
    if kind.startswith(("MAP", "STRUCT")):
        return cast(function("to_json", value), "VARCHAR")
    return value if kind == "VARCHAR" else cast(value, "VARCHAR")


def _as_timestamp(value: Node, kind: str) -> Node:
    if kind in ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"):
        return cast(value, "TIMESTAMP")
    # A text's offset is ignored by a cast to TIMESTAMP; by way of the zoned type, in a session in UTC, it counts.
    moment = cast(cast(value, "TIMESTAMPTZ"), "TIMESTAMP")
    if kind != "VARCHAR":
        return moment
    no_date = cast(function("concat", text("no date: "), value.copy()), "TIMESTAMP")
    return case(is_null(value.copy()), null("TIMESTAMP"), is_date(value.copy()), moment, no_date)


def is_date(value: Node) -> Node:
    """Whether a text begins like a date; DuckDB also takes `epoch` and `infinity` for dates."""
    return function("regexp_full_match", value, text(_DATE))


_READERS: dict[str, Callable[[Node, str], Node]] = {
    "text": _as_text,
    "timestamp": _as_timestamp,
    "decimal": exact_decimal,
}


def _title(value: Node) -> Node:
    word = exp.Identifier(this="word", quoted=False)
    capital = function("upper", function("left", exp.Column(this=word.copy()), number(1)))
    rest = function("lower", function("substr", exp.Column(this=word.copy()), number(2)))
    each = exp.Lambda(this=exp.DPipe(this=capital, expression=rest), expressions=[word], colon=True)
    words = function("regexp_extract_all", value, text(_WORDS))
    return function("array_to_string", function("list_transform", words, each), text(""))


def _normalized(value: Node) -> Node:
    dashed = function("regexp_replace", function("lower", value), text(_BETWEEN_WORDS), text("-"), text("g"))
    return function("trim", dashed, text("-"))


def _split(value: Node, delimiter: Node, index: Node) -> Node:
    parts = function("string_split", value, delimiter)
    if isinstance(index, exp.Neg):
        return function("list_extract", parts, index)
    return function("list_extract", parts, number(int(index.this) + 1))


def _json_key(value: Node, key: Node) -> Node:
    pointer = "/" + str(key.this).replace("~", "~0").replace("/", "~1")
    return function("json_extract_string", value, text(pointer))


def _sum(*parts: Node) -> Node:
    zero = cast(number(0), "DECIMAL(38,12)")
    result = function("coalesce", parts[0], zero)
    for part in parts[1:]:
        result = binary(exp.Add, result, function("coalesce", part, zero.copy()))
    return result


def _difference(left: Node, right: Node) -> Node:
    zero = cast(number(0), "DECIMAL(38,12)")
    return binary(exp.Sub, function("coalesce", left, zero), function("coalesce", right, zero.copy()))


_PRINTERS: dict[str, Callable[..., Node]] = {
    "and": conjunction,
    "or": disjunction,
    "not": negated,
    "equals": lambda left, right: binary(exp.EQ, left, right),
    "is_missing": is_null,
    "in": lambda value, *others: exp.In(this=value, expressions=list(others)),
    "contains": lambda value, part: function("contains", value, part),
    "starts_with": lambda value, part: function("starts_with", value, part),
    "ends_with": lambda value, part: function("ends_with", value, part),
    "like": lambda value, pattern: binary(exp.Like, value, pattern),
    "matches": lambda value, pattern: function("regexp_full_match", value, pattern, text("s")),
    "matches_ignoring_case": lambda value, pattern: function("regexp_full_match", value, pattern, text("is")),
    "less": lambda left, right: binary(exp.LT, left, right),
    "less_or_equal": lambda left, right: binary(exp.LTE, left, right),
    "prefix": lambda value, length: function("left", value, length),
    "case": case,
    "first_present": lambda *values: function("coalesce", *values),
    "present": lambda value: function("nullif", value, text("")),
    "trim": lambda value: function("trim", value, text(WHITE_SPACE)),
    "lower": lambda value: function("lower", value),
    "upper": lambda value: function("upper", value),
    "title": _title,
    "normalize": _normalized,
    "split": _split,
    "replace": lambda value, old, new: function("replace", value, old, new),
    "concat": lambda *parts: reduce(lambda left, right: binary(exp.DPipe, left, right), parts),
    "lookup": looked_up,
    "add": _sum,
    "subtract": _difference,
    "json_key": _json_key,
    "map_key": lambda value, key: function("map_extract_value", value, key),
}


def layered(source: Node, layers: tuple[tuple[tuple[str, Expression], ...], ...], names: Names | None = None) -> Node:
    """A relation with the columns of each layer added, one query around the other."""
    relation = source
    for depth, layer in enumerate(layers):
        added = [alias(scalar(expression, names), name) for name, expression in layer]
        relation = subquery(select([exp.Star(), *added], relation), f"layer_{depth}")
    return relation
