"""Keys that no field has: every one is an error with what was probably meant.

Invariant: nothing a person writes is ever ignored.
"""

from __future__ import annotations

from costops.language.fields import Field
from costops.language.nearness import did_you_mean
from costops.language.nodes import MappingNode, ScalarNode
from costops.language.problems import Problems


def report_unknown(key: ScalarNode, fields: tuple[Field, ...], problems: Problems) -> None:
    """Reports one unknown key, with the nearest field, the field of that name further inside, or all fields."""
    inside = [f"{field.name}.{each.name}" for field in fields for each in field.fields if each.name == key.text]
    known = ", ".join(field.name for field in fields if field.not_built is None)
    otherwise = f"did you mean `{inside[0]}`?" if inside else f"the fields here are {known}"
    hint = did_you_mean(key.text, [field.name for field in fields], otherwise)
    problems.error("CO201", key.span, f"unknown field `{key.text}`", hint=hint)


def report_unknown_keys(node: MappingNode, fields: tuple[Field, ...], problems: Problems) -> None:
    """Reports every unknown key of a mapping."""
    names = [field.name for field in fields]
    for key, _ in node.pairs:
        if key.text not in names:
            report_unknown(key, fields, problems)
