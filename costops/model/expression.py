"""Scalar expressions over named columns, as data: how a bill's format, a label or a condition computes a value.

The engine prints them as SQL; nothing else interprets them. Text is text, missing is null.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the relation at hand, by its exact name."""

    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant: text, integer, truth value or null."""

    value: str | int | bool | None


@dataclass(frozen=True, slots=True)
class Call:
    """An operation of `OPERATIONS` on expressions."""

    operation: str
    arguments: tuple[Expression, ...]


Expression = Column | Literal | Call

OPERATIONS: dict[str, str] = {
    "and": "all arguments hold",
    "or": "any argument holds",
    "not": "the argument does not hold; null becomes true",
    "equals": "two texts are equal; false where one is missing",
    "is_missing": "the argument is null",
    "in": "the first argument is one of the others; false where it is missing",
    "contains": "(text, part)",
    "starts_with": "(text, part)",
    "ends_with": "(text, part)",
    "like": "(text, pattern): `%` any text, `_` any character, no escape, the whole string",
    "matches": "(text, pattern): RE2, the whole string",
    "matches_ignoring_case": "(text, pattern): RE2, the whole string, any case",
    "less": "(text, text) by code point",
    "less_or_equal": "(text, text) by code point",
    "prefix": "(text, length): the first characters",
    "case": "(condition, value, condition, value, ..., otherwise)",
    "first_present": "the first argument that is not null",
    "present": "null for empty text, else the text",
    "trim": "without white space at both ends",
    "lower": "each character by its simple lower case",
    "upper": "each character by its simple upper case",
    "title": "runs of letters and digits: the first upper, the rest lower",
    "normalize": "lower case, runs of other characters than letters and digits as one `-`, none at the ends",
    "split": "(text, delimiter, index): the part at the index from 0, negative from the end; none is null",
    "replace": "(text, from, to)",
    "concat": "texts one after another; null where one of them is",
    "lookup": "(text, name of a table): the value of the table's row with that key; null where there is none",
    "text": "any value as text; timestamps as ISO 8601 in UTC with Z, maps and structs as JSON objects",
    "timestamp": "text or a date as a timestamp in UTC; fails where it is none",
    "decimal": "a number or text as DECIMAL(38,12), rounded half-even; fails where it is none",
    "add": "numbers added, null as 0",
    "subtract": "(number, number), null as 0",
    "json_key": "(JSON object as text, key): the value as text",
    "map_key": "(map, key)",
}
"""Every operation the engine knows; where a text is null so is the result, which counts as false in a test."""


def call(operation: str, *arguments: Expression) -> Call:
    """A Call of a known operation."""
    if operation not in OPERATIONS:
        raise ValueError(f"unknown operation {operation}")
    return Call(operation, arguments)


def columns_in(expression: Expression) -> Iterable[str]:
    """Names of the columns an expression reads."""
    match expression:
        case Column(name):
            yield name
        case Call(_, arguments):
            for argument in arguments:
                yield from columns_in(argument)
