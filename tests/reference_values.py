"""The oracle's half about single values: transforms, conditions and what a label makes of a text.

Invariant: like reference.py it follows the written meaning of the language and shares no code with the engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from costops.model.conditions import All, AnyOf, Condition, Not, Test
from costops.model.rules import Label, Transform

Text = str | None

Tables = Mapping[str, Mapping[str, str]]
"""Key to value of each lookup table, by its id."""

NO_TABLES: Tables = {}

WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""The characters with the property White_Space."""


def lower(text: str) -> str:
    """Each character by its simple lower case."""
    return "".join("i" if each == "\u0130" else each.lower() if len(each.lower()) == 1 else each for each in text)


def upper(text: str) -> str:
    """Each character by its simple upper case."""
    return "".join(map(simple_upper, text))


def simple_upper(character: str) -> str:
    """One character for one: where the full upper case has several, the title case if it has one, else itself."""
    if character == "ß":
        return "ẞ"
    return next((each for each in (character.upper(), character.title()) if len(each) == 1), character)


def title(text: str) -> str:
    """Runs of letters and digits: the first upper, the rest lower."""
    out = ""
    for index, each in enumerate(text):
        inside = index > 0 and text[index - 1].isalnum()
        out += each if not each.isalnum() else lower(each) if inside else upper(each)
    return out


def normalize(text: str) -> str:
    """Lower case, runs of other characters than letters and digits as one `-`, none at the ends."""
    kept = "".join(each if each.isalnum() else " " for each in lower(text.strip(WHITE_SPACE)))
    return "-".join(kept.split())


def split(text: str, delimiter: str, index: int) -> Text:
    """The part at `index`, from the end where negative."""
    parts = text.split(delimiter)
    return parts[index] if -len(parts) <= index < len(parts) else None


def transformed(text: Text, transforms: Iterable[Transform], tables: Tables = NO_TABLES) -> Text:
    """`text` after `transforms` in order; empty is missing, and so is what a table does not have."""
    for each in transforms:
        if text is None:
            return None
        match each.name:
            case "trim":
                text = text.strip(WHITE_SPACE)
            case "lower":
                text = lower(text)
            case "upper":
                text = upper(text)
            case "title":
                text = title(text)
            case "normalize":
                text = normalize(text)
            case "split":
                text = split(text, each.arguments[0], int(each.arguments[1]))
            case "replace":
                text = text.replace(each.arguments[0], each.arguments[1])
            case "lookup":
                text = tables[each.arguments[0]].get(text)
            case _:
                raise AssertionError(f"unknown transform {each.name}")
    return text or None


def put_together(pieces: Iterable[str | int], parts: Sequence[Text]) -> Text:
    """The texts of a format with the parts in their places; None where a part is missing."""
    texts = [each for each in parts if each is not None]
    if len(texts) < len(parts):
        return None
    return "".join(piece if isinstance(piece, str) else texts[piece] for piece in pieces)


# Conditions


ValueOf = Callable[[str], Text | tuple[str, ...]]
"""The value of a name; the path of rules for `allocated_by`."""


def holds(condition: Condition, value_of: ValueOf) -> bool:
    """Whether a condition holds for the values at hand."""
    match condition:
        case All():
            return all(holds(part, value_of) for part in condition.parts)
        case AnyOf():
            return any(holds(part, value_of) for part in condition.parts)
        case Not():
            return not holds(condition.part, value_of)
        case Test():
            value = value_of(condition.field)
            return path_passes(condition, value) if isinstance(value, tuple) else passes(condition, value)


def path_passes(test: Test, path: tuple[str, ...]) -> bool:
    """A test on `allocated_by`: it is about the rules anywhere in the path; no rule is a missing value."""
    if test.operator == "not":
        return not path_passes(replace(test, operator="is"), path)
    return any(passes(test, each) for each in path or (None,))


def passes(test: Test, value: Text) -> bool:
    """One operator on one value; several operands mean any of them."""
    if test.operator == "present":
        return (value is not None) == (test.values == ("true",))
    if test.operator == "not":
        return not passes(replace(test, operator="is"), value)
    if value is None:
        return test.operator == "is" and None in test.values
    return any(compares(test, value, operand) for operand in test.values if operand is not None)


def compares(test: Test, value: str, operand: str) -> bool:
    """One operator on one present value and one operand."""
    if test.operator == "matches":
        return re.fullmatch(operand, value, re.IGNORECASE if test.ignore_case else 0) is not None
    if test.ignore_case:
        value, operand = lower(value), lower(operand)
    start = value[: len(operand)]
    match test.operator:
        case "is":
            return value == operand
        case "contains":
            return operand in value
        case "starts_with":
            return value.startswith(operand)
        case "ends_with":
            return value.endswith(operand)
        case "like":
            return re.fullmatch(re.escape(operand).replace("%", ".*").replace("_", "."), value, re.DOTALL) is not None
        case "before":
            return start < operand
        case "after":
            return start > operand
        case "from":
            return start >= operand
        case "until":
            return start <= operand
    raise AssertionError(f"unknown operator {test.operator}")


def cleaned(label: Label, text: Text, tables: Tables = NO_TABLES) -> Text:
    """A value after a label's transforms, drop and rename; None where it counts as missing."""
    value = transformed(text, label.transform, tables)
    if value is None or (label.drop is not None and holds(label.drop, lambda _: value)):
        return None
    for rename in label.rename:
        if holds(rename.where, lambda _: value):
            return rename.value or None
    return value
