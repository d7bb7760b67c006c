"""Scalars to Python values, strictly: text is text, a number is never read as text by guess.

Invariant: an account id such as 012345678901 cannot lose its zero, because it is refused until it is quoted.
"""

from __future__ import annotations

import re
from datetime import date

from costops.language.nodes import Kind, Node, ScalarNode, describe
from costops.language.problems import Problems
from costops.money import is_exact_in_picos, parse_picos

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
LONGEST_ID = 80

_DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_LONGEST_DECIMAL = 60
_WEIGHT = re.compile(r"[0-9]{0,4}(\.[0-9]{0,4})?")


def quoted(text: str) -> str:
    """Text as a YAML author would quote it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_text(node: Node, problems: Problems, *, may_be_empty: bool = False) -> str | None:
    """Text; None after a problem was reported. An unquoted date is text."""
    if not isinstance(node, ScalarNode):
        problems.error("CO203", node.span, f"text is wanted here, this is {describe(node)}")
        return None
    if node.kind is Kind.NULL:
        problems.error("CO211", node.span, "text is wanted here, this is null")
        return None
    if node.kind in (Kind.BOOLEAN, Kind.INTEGER, Kind.DECIMAL):
        message = f"text is wanted here, and {node.text} without quotes is {node.kind}"
        problems.error("CO204", node.span, message, hint=f"write {quoted(node.text)}")
        return None
    if not node.text and not may_be_empty:
        problems.error("CO209", node.span, "the text is empty")
        return None
    return node.text


def read_boolean(node: Node, problems: Problems) -> bool | None:
    """True or false; None after a problem was reported."""
    if isinstance(node, ScalarNode) and node.kind is Kind.BOOLEAN:
        return node.text.lower() == "true"
    shown = node.text if isinstance(node, ScalarNode) and node.kind is not Kind.NULL else None
    meant = {"yes": "true", "on": "true", "true": "true", "no": "false", "off": "false", "false": "false"}
    word = meant.get(shown.lower()) if shown is not None else None
    hint = f"write {word}{' without quotes' if _is_quoted(node) else ''}" if word else None
    if shown is None:
        message = f"true or false is wanted here, this is {describe(node)}"
    else:
        message = (
            f"true or false is wanted here, and {quoted(shown) if _is_quoted(node) else shown} is {describe(node)}"
        )
    problems.error("CO206", node.span, message, hint=hint)
    return None


def read_integer(node: Node, problems: Problems) -> int | None:
    """A whole number; None after a problem was reported."""
    if isinstance(node, ScalarNode) and node.kind is Kind.INTEGER and re.fullmatch(r"[-+]?[0-9]{1,9}", node.text):
        return int(node.text)
    problems.error("CO212", node.span, "a whole number is wanted here")
    return None


def read_id(node: Node, problems: Problems) -> str | None:
    """An id; None after a problem was reported."""
    text = read_text(node, problems)
    if text is None:
        return None
    if not ID.fullmatch(text) or len(text) > LONGEST_ID:
        problems.error(
            "CO207",
            node.span,
            f"{quoted(text)} cannot be an id",
            hint=f"use letters, digits, `.`, `_` and `-`, a letter or digit first, at most {LONGEST_ID} characters",
        )
        return None
    return text


def read_name(node: Node, problems: Problems) -> str | None:
    """The name of a dimension, label, column or tag; None after a problem was reported."""
    return read_text(node, problems)


def read_day(node: Node, problems: Problems) -> str | None:
    """A day of the calendar as `YYYY-MM-DD`; None after a problem was reported."""
    text = read_text(node, problems)
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:
        problems.error("CO510", node.span, f"{quoted(text)} is no day", hint="write YYYY-MM-DD, such as 2026-11-01")
        return None
    return text


def read_weight(node: Node, problems: Problems) -> int | None:
    """A weight above 0 in units of 1e-12, from the text as written; None after a problem was reported."""
    text = node.text if isinstance(node, ScalarNode) and node.kind is not Kind.NULL else ""
    if not _DECIMAL.fullmatch(text) or not _WEIGHT.fullmatch(text) or parse_picos(text) <= 0:
        shown = f", this is {quoted(text)}" if text else f", this is {describe(node)}"
        hint = "write a plain decimal number above 0, such as 0.7, below 10000 and with at most 4 decimal places"
        problems.error("CO212", node.span, f"a weight is wanted here{shown}", hint=hint)
        return None
    return parse_picos(text)


def read_percentage(node: Node, problems: Problems) -> int | None:
    """A percentage in units of 1e-12 percent, from the text as written; None after a problem was reported."""
    text = node.text if isinstance(node, ScalarNode) and node.kind is not Kind.NULL else ""
    if not _DECIMAL.fullmatch(text) or len(text) > _LONGEST_DECIMAL:
        hint = "write a plain decimal number, such as 33.3"
        shown = f", this is {quoted(text)}" if text else f", this is {describe(node)}"
        problems.error("CO212", node.span, f"a percentage is wanted here{shown}", hint=hint)
        return None
    if not is_exact_in_picos(text):
        problems.error("CO503", node.span, f"the percentage {text} has more than 12 decimal places")
        return None
    amount = parse_picos(text)
    if amount < 0:
        problems.error("CO502", node.span, f"the percentage {text} is negative")
        return None
    return amount


def read_amount(node: Node, problems: Problems) -> int | None:
    """An amount of 0 or more in picos, from the text as written; None after a problem was reported."""
    text = node.text if isinstance(node, ScalarNode) and node.kind is not Kind.NULL else ""
    if not _DECIMAL.fullmatch(text) or len(text) > _LONGEST_DECIMAL:
        shown = f", this is {quoted(text)}" if text else f", this is {describe(node)}"
        problems.error("CO212", node.span, f"an amount is wanted here{shown}", hint="write a plain decimal number")
        return None
    if not is_exact_in_picos(text):
        problems.error("CO608", node.span, f"the amount {text} has more than 12 decimal places")
        return None
    amount = parse_picos(text)
    if amount < 0:
        problems.error("CO608", node.span, f"the amount {text} is negative")
        return None
    return amount


def _is_quoted(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.quoted
