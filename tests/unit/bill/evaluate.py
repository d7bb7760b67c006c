"""What the operations of an expression mean, on one row: a small stand-in for the engine.

Only the operations that descriptions of bills and metrics use; anything else is an error.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from costops.model.expression import Call, Column, Expression, Literal


def evaluate(expression: Expression, row: Mapping[str, Any]) -> Any:
    """The value of `expression` where columns have the values of `row`."""
    match expression:
        case Column(name):
            return row[name]
        case Literal(value):
            return value
        case Call("case", arguments):
            return _case(arguments, row)
        case Call(operation, arguments):
            return OPERATIONS[operation](*(evaluate(each, row) for each in arguments))
    raise TypeError(f"not an expression: {expression!r}")


def _case(arguments: tuple[Expression, ...], row: Mapping[str, Any]) -> Any:
    for condition, value in zip(arguments[:-1:2], arguments[1::2], strict=True):
        if evaluate(condition, row):
            return evaluate(value, row)
    return evaluate(arguments[-1], row)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return _timestamp(value).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dict):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return str(value)


def _timestamp(value: Any) -> Any:
    if value is None:
        return None
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _decimal(value: Any) -> Decimal | None:
    if value is None:
        return None
    return Decimal(str(value)).quantize(Decimal("1e-12"), ROUND_HALF_EVEN)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *conditions: all(conditions),
    "not": lambda condition: not condition,
    "is_missing": lambda value: value is None,
    "in": lambda value, *others: value is not None and value in others,
    "ends_with": lambda value, end: value is not None and value.endswith(end),
    "first_present": lambda *values: next((value for value in values if value is not None), None),
    "present": lambda value: value or None,
    "text": _text,
    "timestamp": _timestamp,
    "decimal": _decimal,
    "add": lambda *numbers: sum((number or Decimal(0) for number in numbers), Decimal(0)),
    "subtract": lambda left, right: (left or Decimal(0)) - (right or Decimal(0)),
}
