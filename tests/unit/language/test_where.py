"""Conditions: every form a person may write, as one normal tree."""

from __future__ import annotations

import pytest

from costops.model.conditions import EVERYTHING, All, AnyOf, Not
from costops.model.conditions import Test as Condition_

RULE = "allocations:\n  - {id: a, method: even, to: {dimension: t}, source: {where: %s}}\n"
WHERE_COLUMN = 63


def is_(field: str, *values: str | None) -> Condition_:
    return Condition_(field, "is", values)


@pytest.mark.parametrize(
    ("where", "tree"),
    [
        ("{}", EVERYTHING),
        ("{a: x}", is_("a", "x")),
        ("{a: null}", is_("a", None)),
        ("{a: ~}", is_("a", None)),
        ("{a: 'null'}", is_("a", "null")),
        ("{a: 2025-01-31}", is_("a", "2025-01-31")),
        ("{a: [y, x, y, null]}", is_("a", None, "x", "y")),
        ("{b: x, a: y}", All((is_("a", "y"), is_("b", "x")))),
        ("{a: [x, {starts_with: y}]}", AnyOf((is_("a", "x"), Condition_("a", "starts_with", ("y",))))),
        ("{a: [x, {is: y}]}", is_("a", "x", "y")),
        ("{a: {in: [x, y]}}", is_("a", "x", "y")),
        ("{a: {not_in: [x, null]}}", Condition_("a", "not", (None, "x"))),
        ("{a: {not: x}}", Condition_("a", "not", ("x",))),
        ("{a: {contains: [x, y]}}", Condition_("a", "contains", ("x", "y"))),
        ("{a: {ends_with: x}}", Condition_("a", "ends_with", ("x",))),
        ("{a: {like: x%}}", Condition_("a", "like", ("x%",))),
        ("{a: {matches: 'x[0-9]+'}}", Condition_("a", "matches", ("x[0-9]+",))),
        ("{a: {present: true}}", Condition_("a", "present", ("true",))),
        ("{a: {present: false}}", Condition_("a", "present", ("false",))),
        (
            "{a: {from: 2025-01-01, before: 2025-02-01}}",
            All((Condition_("a", "before", ("2025-02-01",)), Condition_("a", "from", ("2025-01-01",)))),
        ),
        (
            "{RegionId: {starts_with: eu-, not: eu-1}}",
            All((Condition_("RegionId", "not", ("eu-1",)), Condition_("RegionId", "starts_with", ("eu-",)))),
        ),
        ("{a: {is: X, ignore_case: true}}", Condition_("a", "is", ("X",), ignore_case=True)),
        ("{a: {is: X, ignore_case: false}}", is_("a", "X")),
        (
            "{a: {is: null, contains: x, ignore_case: true}}",
            All((Condition_("a", "contains", ("x",), True), is_("a", None))),
        ),
        ("{any: [{a: x}, {b: y}]}", AnyOf((is_("a", "x"), is_("b", "y")))),
        ("{any: [{a: x}]}", is_("a", "x")),
        ("{all: [{a: x}, {all: [{b: y}]}]}", All((is_("a", "x"), is_("b", "y")))),
        ("{not: {a: x}}", Not(is_("a", "x"))),
        ("{not: {not: {a: x}}}", is_("a", "x")),
        ("{not: {}}", Not(EVERYTHING)),
        ("{a: x, any: [{b: y}, {not: {c: z}}]}", All((is_("a", "x"), AnyOf((is_("b", "y"), Not(is_("c", "z"))))))),
    ],
)
def test_a_condition_is_one_normal_tree(bind, where, tree) -> None:
    rules, found = bind(RULE % where)
    assert found == ()
    assert rules.allocations[0].source == tree


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{a: x, b: y}", "{b: y, a: x}"),
        ("{a: [x, y]}", "{a: {in: [y, x]}}"),
        ("{a: {starts_with: [x, y]}}", "{a: {starts_with: [y, x, y]}}"),
        ("{all: [{a: x}, {b: y}]}", "{a: x, b: y}"),
        ("{a: {present: true, ignore_case: true, is: x}}", "{a: {is: x, ignore_case: true, present: true}}"),
    ],
)
def test_the_same_condition_written_differently_is_equal(bind, one, other) -> None:
    assert bind(RULE % one)[0] == bind(RULE % other)[0]


@pytest.mark.parametrize(
    ("where", "code", "offset", "message"),
    [
        ("x", "CO203", 0, "a condition is a mapping, this is text"),
        ("[{a: x}]", "CO203", 0, "a condition is a mapping, this is a list"),
        ("", "CO211", -7, "`source.where` has no value"),
        ("{a: []}", "CO209", 4, "the list is empty, so that nothing can match"),
        ("{a: {}}", "CO209", 4, "an operator is missing"),
        ("{a: {ignore_case: true}}", "CO209", 4, "an operator is missing"),
        ("{a: ''}", "CO209", 4, "the text is empty"),
        ("{a: {contains: ''}}", "CO209", 15, "the text is empty"),
        ("{a: {is: []}}", "CO209", 9, "the list is empty, so that nothing can match"),
        ("{a: 012345678901}", "CO204", 4, "text is wanted here, and 012345678901 without quotes is a number"),
        ("{a: [x, 7.0]}", "CO204", 8, "text is wanted here, and 7.0 without quotes is a number with decimals"),
        ("{a: {not: true}}", "CO204", 10, "text is wanted here, and true without quotes is a boolean"),
        ("{1: x}", "CO204", 1, "text is wanted here, and 1 without quotes is a number"),
        ("{a: {start_with: x}}", "CO210", 5, "unknown operator `start_with`"),
        ("{a: {contains: null}}", "CO211", 15, "`contains` cannot be null"),
        ("{a: {before: [2025-01-01, null]}}", "CO211", 26, "`before` cannot be null"),
        ("{a: {present: yes}}", "CO206", 14, "true or false is wanted here, and yes is text"),
        ("{a: {is: x, ignore_case: yes}}", "CO206", 25, "true or false is wanted here, and yes is text"),
        ("{a: {present: [true]}}", "CO206", 14, "true or false is wanted here, this is a list"),
        ("{a: {not: {is: x}}}", "CO203", 10, "`not` takes values, not operators"),
        ("{a: {is: [[x]]}}", "CO203", 10, "text is wanted here, this is a list"),
        ("{a: [[x]]}", "CO203", 5, "text is wanted here, this is a list"),
        ("{a: {matches: 'x(?=y)'}}", "CO213", 14, "RE2 has no look-around and no back-references"),
        ("{a: {matches: '(x)\\1'}}", "CO213", 14, "RE2 has no look-around and no back-references"),
        ("{any: {a: x}}", "CO203", 6, "`any` takes a list of conditions, this is a mapping"),
        ("{all: []}", "CO209", 6, "`all` is empty"),
        ("{not: [x]}", "CO203", 6, "a condition is a mapping, this is a list"),
    ],
)
def test_a_mistake_in_a_condition_has_its_place(bind, where, code, offset, message) -> None:
    _, found = bind(RULE % where)
    assert [(each.code, each.span.column, each.message) for each in found] == [(code, WHERE_COLUMN + offset, message)]


def test_an_account_id_without_quotes_is_named_as_written(bind) -> None:
    _, found = bind(RULE % "{SubAccountId: 012345678901}")
    assert found[0].hint == 'write "012345678901"'


def test_an_unknown_operator_has_a_near_miss(bind) -> None:
    _, found = bind(RULE % "{a: {start_with: x}}")
    assert found[0].hint == "did you mean `starts_with`?"


def test_ignore_case_without_effect_is_a_warning(bind) -> None:
    rules, found = bind(RULE % "{a: {present: true, ignore_case: true}}")
    assert [(each.code, each.is_error) for each in found] == [("CO214", False)]
    assert rules.allocations[0].source == Condition_("a", "present", ("true",))


def test_an_escaped_backslash_before_a_digit_is_no_back_reference(bind) -> None:
    _, found = bind(RULE % "{a: {matches: 'x\\\\1'}}")
    assert found == ()


def test_every_mistake_of_a_condition_comes_at_once(bind) -> None:
    _, found = bind(RULE % "{a: 1, b: {c: x}, any: [{d: 2}, e], not: {f: []}}")
    assert [each.code for each in found] == ["CO204", "CO210", "CO204", "CO203", "CO209"]
