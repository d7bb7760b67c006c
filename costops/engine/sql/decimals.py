"""Numbers of a bill as DECIMAL(38,12), rounded half-even once, as the contract says.

Casting a DOUBLE to a decimal takes its binary value, and casting text rounds halves away from zero; both lose the
promise, so text with more than twelve places, and every DOUBLE by way of its shortest text, is cut and rounded
digit by digit.
"""

from __future__ import annotations

from collections.abc import Callable

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
    is_null,
    null,
    number,
    text,
)

MONEY = "DECIMAL(38,12)"
_FINE = "DECIMAL(38,20)"
_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_NUMBER = r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*"


def exact_decimal(value: Node, kind: str) -> Node:
    """A value of an engine type as DECIMAL(38,12); fails at run time for what is no finite number."""
    if kind.startswith("DECIMAL"):
        scale = int(kind.rstrip(")").rpartition(",")[2])
        return cast(value, MONEY) if scale <= 12 else _from_text(cast(value, "VARCHAR"))
    if kind in _WHOLE:
        return cast(value, MONEY)
    if kind != "VARCHAR":
        return _from_text(cast(value, "VARCHAR"))
    # DuckDB also takes `1_000` for a number.
    refused = cast(function("concat", text("no number: "), value.copy()), MONEY)
    return case(is_null(value.copy()), null(MONEY), is_number(value.copy()), _from_text(value.copy()), refused)


def is_number(value: Node) -> Node:
    """Whether a text is a decimal number."""
    return function("regexp_full_match", value, text(_NUMBER))


def _let(name: str, value: Node, body: Callable[[Node], Node]) -> Node:
    """`body` of a value that is computed once: DuckDB has no local names but the arguments of lambdas."""
    argument = exp.Identifier(this=name, quoted=False)
    named = exp.Lambda(this=body(exp.Column(this=argument.copy())), expressions=[argument], colon=True)
    return function("list_extract", function("list_transform", exp.Array(expressions=[value]), named), number(1))


def _from_text(value: Node) -> Node:
    """Text as a decimal: by way of twenty places, digit by digit where those cannot tell a half from its neighbours."""
    fine = exp.TryCast(this=function("trim", value.copy()), to=exp.DataType.build(_FINE, dialect=DIALECT))
    away_from_zero = cast(fine.copy(), MONEY)
    beyond = function("abs", binary(exp.Sub, fine, cast(away_from_zero.copy(), _FINE)))
    is_off_the_half = binary(exp.NEQ, beyond, cast(text("0.0000000000005"), _FINE))
    # A long mantissa with a positive exponent can pass the range of the cast without an error.
    grows = function("regexp_matches", value.copy(), text("[eE][^-]"))
    is_plain = conjunction(exp.Not(this=grows), is_off_the_half)
    return case(is_plain, away_from_zero, is_number(value.copy()), _rounded(value.copy()), cast(value.copy(), MONEY))


def _rounded(value: Node) -> Node:
    """A number's text, exponent and all, cut after twelve places and rounded half-even by what is beyond."""
    return _from_digits(value, _cut_and_rounded, MONEY)


def _from_digits(value: Node, made_of: Callable[[Node, Node], Node], kind: str) -> Node:
    """A number's text as its sign times what is made of the digits before and behind its point."""

    def from_text(written: Node) -> Node:
        mantissa = function("ltrim", function("split_part", written, text("e"), number(1)), text("+-"))
        exponent = function("nullif", function("split_part", written.copy(), text("e"), number(2)), text(""))
        shift = function("coalesce", cast(exponent, "INTEGER"), number(0))
        return _let("m", mantissa, lambda m: _let("x", shift, lambda x: from_parts(m, x)))

    def from_parts(mantissa: Node, shift: Node) -> Node:
        whole = function("split_part", mantissa, text("."), number(1))
        digits = function("concat", whole.copy(), function("split_part", mantissa.copy(), text("."), number(2)))
        point = binary(exp.Add, function("length", whole), shift)
        return _let("d", digits, lambda d: _let("p", point, lambda p: from_digits(d, p)))

    def from_digits(digits: Node, point: Node) -> Node:
        before = function("greatest", number(0), exp.Neg(this=point))
        behind = function("greatest", number(0), binary(exp.Sub, point.copy(), function("length", digits)))
        zeros = text("0")
        padded = function(
            "concat", function("repeat", zeros, before), digits.copy(), function("repeat", zeros.copy(), behind)
        )
        place = function("greatest", number(0), point.copy())
        return _let("q", padded, lambda q: _let("w", place, lambda w: from_padded(q, w)))

    def from_padded(padded: Node, place: Node) -> Node:
        whole = function("concat", text("0"), function("left", padded, place))
        fraction = function("substr", padded.copy(), binary(exp.Add, place.copy(), number(1)))
        return _let("f", fraction, lambda f: made_of(whole, f))

    lowered = function("lower", function("trim", value))
    magnitude = _let("t", lowered, from_text)
    negative = function("starts_with", function("trim", value.copy()), text("-"))
    return cast(binary(exp.Mul, magnitude, case(negative, number(-1), number(1))), kind)


def rounding(value: Node, kind: str) -> Node:
    """A value that `exact_decimal` can read minus what that makes of it, in units of 1e-40."""
    zero = cast(number(0), "HUGEINT")
    places = int(kind.rstrip(")").rpartition(",")[2]) if kind.startswith("DECIMAL") else None
    if kind in _WHOLE or (places is not None and places <= 12):
        return zero
    written = cast(value, "VARCHAR")
    may_round = function("regexp_matches", written.copy(), text(r"\.\d{13}|[eE]-"))
    return case(may_round, _from_digits(written, _beyond, "HUGEINT"), zero)


def _beyond(whole: Node, fraction: Node) -> Node:
    """The digits behind the twelfth place as an integer of 1e-40, less one unit of 1e-12 where those are rounded up."""
    digits = function("left", function("substr", fraction, number(13)), number(28))
    units = cast(function("rpad", digits, number(28), text("0")), "HUGEINT")
    up = _is_rounded_up(fraction.copy())
    return binary(exp.Sub, units, case(up, cast(text("1" + "0" * 28), "HUGEINT"), cast(number(0), "HUGEINT")))


def _is_rounded_up(fraction: Node) -> Node:
    kept = function("rpad", function("left", fraction, number(12)), number(12), text("0"))
    beyond = function("rtrim", function("substr", fraction.copy(), number(13)), text("0"))
    odd = exp.In(this=function("right", kept, number(1)), expressions=[text(digit) for digit in "13579"])
    return disjunction(binary(exp.GT, beyond, text("5")), conjunction(equal(beyond.copy(), text("5")), odd))


def _cut_and_rounded(whole: Node, fraction: Node) -> Node:
    kept = function("rpad", function("left", fraction, number(12)), number(12), text("0"))
    up = _is_rounded_up(fraction.copy())
    cut = cast(function("concat", whole, text("."), kept), MONEY)
    return binary(exp.Add, cut, case(up, cast(text("0.000000000001"), MONEY), cast(number(0), MONEY)))


def picos(value: Node) -> Node:
    """A DECIMAL(38,12) as an integer of 1e-12."""
    # By way of text: a product would not fit, and a cast divides. Texts of 64 bits are made in half the time.
    narrow = binary(exp.LT, function("abs", value), number(1_000_000))
    short = cast(_without_point(cast(value.copy(), "DECIMAL(18,12)")), "BIGINT")
    return case(narrow, cast(short, "HUGEINT"), cast(_without_point(value.copy()), "HUGEINT"))


def _without_point(value: Node) -> Node:
    return function("replace", cast(value, "VARCHAR"), text("."), text(""))
