"""Numbers of a bill as DECIMAL(38,12), rounded half-even once, as the contract says.

Casting a DOUBLE to a decimal takes its binary value, and casting text rounds halves away from zero; both lose the promise, so
text with more than twelve places, and every DOUBLE by way of its shortest text, is cut and rounded digit by digit.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.sql.syntax import (
    DIALECT,
    Node,
    binary,
    case,
    cast,
    conjunction,
    disjunction,
    equal,
    function,
    number,
    text,
)

MONEY = "DECIMAL(38,12)"
_FINE = "DECIMAL(38,20)"
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*"


def exact_decimal(value: Node, kind: str) -> Node:
    """A value of an engine type as DECIMAL(38,12); fails at run time for what is no finite number."""
    if kind.startswith("DECIMAL"):
        scale = int(kind.rstrip(")").rpartition(",")[2])
        return cast(value, MONEY) if scale <= 12 else _from_text(cast(value, "VARCHAR"))
    if kind in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"):
        return cast(value, MONEY)
    return _from_text(value if kind == "VARCHAR" else cast(value, "VARCHAR"))


def has_more_places(value: Node, kind: str) -> Node:
    """Whether reading a value rounds it."""
    return binary(exp.NEQ, _places_beyond(value if kind == "VARCHAR" else cast(value, "VARCHAR")), text(""))


def _parts(value: Node) -> tuple[Node, Node]:
    """(digits before the point, digits after it) of a number's text, its exponent applied, its sign left out."""
    lowered = function("lower", function("trim", value))
    mantissa = function("ltrim", function("split_part", lowered.copy(), text("e"), number(1)), text("+-"))
    written = function("nullif", function("split_part", lowered, text("e"), number(2)), text(""))
    exponent = function("coalesce", cast(written, "INTEGER"), number(0))
    whole = function("split_part", mantissa.copy(), text("."), number(1))
    digits = function("concat", whole.copy(), function("split_part", mantissa, text("."), number(2)))
    point = binary(exp.Add, function("length", whole), exponent)
    none = number(0)
    before = function("greatest", none, exp.Neg(this=exp.Paren(this=point.copy())))
    behind = function("greatest", none.copy(), binary(exp.Sub, point.copy(), function("length", digits.copy())))
    padded = function(
        "concat", function("repeat", text("0"), before), digits, function("repeat", text("0"), behind)
    )  # fmt: skip
    place = function("greatest", number(0), point)
    return (
        function("concat", text("0"), function("left", padded.copy(), place.copy())),
        function("substr", padded, binary(exp.Add, place, number(1))),
    )


def _places_beyond(value: Node) -> Node:
    _, fraction = _parts(value)
    return function("rtrim", function("substr", fraction, number(13)), text("0"))


def _from_text(value: Node) -> Node:
    """Text as a decimal: by way of twenty places, digit by digit only where those cannot tell a half from its neighbours."""
    fine = exp.TryCast(this=function("trim", value.copy()), to=exp.DataType.build(_FINE, dialect=DIALECT))
    away_from_zero = cast(fine.copy(), MONEY)
    beyond = function("abs", binary(exp.Sub, fine, cast(away_from_zero.copy(), _FINE)))
    is_near = binary(exp.NEQ, beyond, cast(text("0.0000000000005"), _FINE))
    is_number = function("regexp_full_match", value.copy(), text(_NUMBER))
    return case(is_near, away_from_zero, is_number, _rounded(value.copy()), cast(value.copy(), MONEY))


def _rounded(value: Node) -> Node:
    whole, fraction = _parts(value)
    kept = function("rpad", function("left", fraction.copy(), number(12)), number(12), text("0"))
    beyond = function("rtrim", function("substr", fraction, number(13)), text("0"))
    is_odd = exp.In(
        this=function("right", kept.copy(), number(1)), expressions=[text(digit) for digit in "13579"]
    )  # fmt: skip
    up = disjunction(
        binary(exp.GT, beyond.copy(), text("5")), conjunction(equal(beyond, text("5")), is_odd)
    )  # fmt: skip
    cut = cast(function("concat", whole, text("."), kept), MONEY)
    smallest = cast(text("0.000000000001"), MONEY)
    magnitude = binary(exp.Add, cut, case(up, smallest, cast(number(0), MONEY)))
    negative = function("starts_with", function("trim", value), text("-"))
    return case(negative, exp.Neg(this=exp.Paren(this=magnitude)), magnitude.copy())


def picos(value: Node) -> Node:
    """A DECIMAL(38,12) as an integer of 1e-12."""
    return cast(function("replace", cast(value, "VARCHAR"), text("."), text("")), "HUGEINT")
