"""Conditions as expressions over the values at hand.

Invariant: a missing value satisfies what the language says and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable

from costops.engine.ir import PATH, PATH_MARK
from costops.model.conditions import All, AnyOf, Condition, Not, Test
from costops.model.expression import Column, Expression, Literal, call


def test_expression(value: Expression, test: Test) -> Expression:
    """Whether `test` holds for a text value; missing satisfies what the language says and nothing else."""
    operator, ignore_case = test.operator, test.ignore_case
    if operator == "present":
        missing = call("is_missing", value)
        return call("or", *(missing if each == "false" else call("not", missing) for each in test.values))
    if operator == "not":
        return call("not", test_expression(value, Test(test.field, "is", test.values, ignore_case)))
    texts = [each for each in test.values if each is not None]
    if operator == "is":
        options: list[Expression] = [call("is_missing", value)] if None in test.values else []
        if texts:
            options.append(call("in", _folded(value, ignore_case), *(_folded(Literal(t), ignore_case) for t in texts)))
        return call("or", *options)
    return call("or", *(_compared(value, operator, text, ignore_case) for text in texts))


def _folded(value: Expression, ignore_case: bool) -> Expression:
    return call("lower", value) if ignore_case else value


def _compared(value: Expression, operator: str, text: str, ignore_case: bool) -> Expression:
    if operator == "matches":
        return call("matches_ignoring_case" if ignore_case else "matches", value, Literal(text))
    left, right = _folded(value, ignore_case), _folded(Literal(text), ignore_case)
    if operator in ("contains", "starts_with", "ends_with", "like"):
        return call(operator, left, right)
    start = call("prefix", left, Literal(len(text)))
    present = call("not", call("is_missing", value))
    match operator:
        case "before":
            return call("less", start, right)
        case "until":
            return call("less_or_equal", start, right)
        case "after":
            return call("and", present, call("not", call("less_or_equal", start, right)))
        case "from":
            return call("and", present, call("not", call("less", start, right)))
    raise ValueError(f"unknown operator {operator}")


def condition_expression(condition: Condition, value_of: Callable[[str], Expression]) -> Expression:
    """Whether a condition holds; `value_of` has the value of a field."""
    match condition:
        case Test():
            return test_expression(value_of(condition.field), condition)
        case All(parts):
            return call("and", Literal(True), *(condition_expression(part, value_of) for part in parts))
        case AnyOf(parts):
            return call("or", *(condition_expression(part, value_of) for part in parts))
        case Not(part):
            return call("not", condition_expression(part, value_of))


def path_test(test: Test) -> Expression:
    """Whether a rule is anywhere in the path; missing means that no rule is."""
    nothing = call("in", Column(PATH), Literal(PATH_MARK))
    if test.operator == "present":
        return call("or", *(nothing if each == "false" else call("not", nothing) for each in test.values))
    options = [
        nothing if each is None else call("contains", Column(PATH), Literal(f"{PATH_MARK}{each}{PATH_MARK}"))
        for each in test.values
    ]
    found = call("or", *options)
    return call("not", found) if test.operator == "not" else found
