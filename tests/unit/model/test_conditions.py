"""Conditions in their normal form: equal meanings, however written, are equal."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference_values import holds

from costops.model.conditions import (
    EVERYTHING,
    All,
    AnyOf,
    Condition,
    Not,
    all_of,
    any_of,
    make_test,
    negation,
)
from costops.model.conditions import Test as Atom
from costops.model.conditions import tests_in as atoms_in

A = make_test("a", "is", ["1"])
B = make_test("b", "is", ["1"])
C = make_test("c", "is", [None])
EXAMPLES = settings(max_examples=200, derandomize=True, database=None, deadline=None)


def test_values_are_unique_and_sorted_with_missing_first() -> None:
    assert make_test("a", "is", ["b", None, "a", "b", "", None]) == Atom("a", "is", (None, "", "a", "b"))


@pytest.mark.parametrize(("written", "plain"), [("in", "is"), ("not_in", "not"), ("is", "is"), ("like", "like")])
def test_in_and_not_in_are_is_and_not(written: str, plain: str) -> None:
    assert make_test("a", written, ["x"]).operator == plain


def test_case_is_part_of_a_test() -> None:
    assert make_test("a", "is", ["x"], ignore_case=True) != make_test("a", "is", ["x"])
    assert all_of([make_test("a", "is", ["x"], ignore_case=True), make_test("a", "is", ["x"])]) != A


def test_and_flattens_orders_and_drops_repetition() -> None:
    assert all_of([B, all_of([C, A]), B]) == All((A, B, C))
    assert all_of([A, B]) == all_of([B, A])


def test_or_flattens_orders_and_drops_repetition() -> None:
    assert any_of([B, any_of([C, A]), B]) == AnyOf((A, B, C))
    assert any_of([A, B]) == any_of([B, A])


def test_and_in_or_stays_apart() -> None:
    assert any_of([all_of([A, B]), C]) == any_of([C, all_of([B, A])])
    assert any_of([all_of([A, B]), C]) != all_of([any_of([A, B]), C])


def test_one_part_is_the_part() -> None:
    assert all_of([A]) == A
    assert any_of([A, A]) == A
    assert all_of([any_of([A, B])]) == any_of([A, B])


def test_no_part_is_everything_for_and_and_nothing_for_or() -> None:
    assert all_of([]) == EVERYTHING
    assert any_of([]) == AnyOf(())
    assert all_of([EVERYTHING, A]) == A
    assert any_of([any_of([]), A]) == A


def test_two_negations_vanish() -> None:
    assert negation(A) == Not(A)
    assert negation(negation(A)) == A
    assert negation(negation(all_of([A, B]))) == all_of([A, B])


def test_the_tests_of_a_tree_are_all_found() -> None:
    tree = all_of([negation(any_of([A, C])), B])
    assert sorted(each.field for each in atoms_in(tree)) == ["a", "b", "c"]
    assert list(atoms_in(EVERYTHING)) == []


atoms = st.builds(
    make_test,
    st.sampled_from("abc"),
    st.sampled_from(["is", "not", "in", "not_in"]),
    st.lists(st.sampled_from(["x", "y", None]), min_size=1, max_size=2),
)
trees = st.recursive(
    atoms.map(lambda test: ("test", [test])),
    lambda inner: st.tuples(st.sampled_from(["all", "any", "not"]), st.lists(inner, min_size=1, max_size=3)),
    max_leaves=8,
)
MAKERS: dict[str, Callable[[list[Condition]], Condition]] = {"all": all_of, "any": any_of}


def normal(tree: tuple[str, list[object]], *, backwards: bool = False, twice: bool = False) -> Condition:
    """A tree made by the functions under test, its parts in their order, backwards, or every part twice."""
    kind, parts = tree
    if kind == "test":
        assert isinstance(parts[0], Atom)
        return parts[0]
    made = [normal(part, backwards=backwards, twice=twice) for part in parts]  # type: ignore[arg-type]
    if kind == "not":
        return negation(made[0])
    ordered = made[::-1] if backwards else made
    return MAKERS[kind](ordered * 2 if twice else ordered)


def literal(tree: tuple[str, list[object]], row: dict[str, str | None]) -> bool:
    """What a tree says of a row, as written."""
    kind, parts = tree
    if kind == "test":
        test = parts[0]
        assert isinstance(test, Atom)
        return (row[test.field] in test.values) == (test.operator == "is")
    inner = [literal(part, row) for part in parts]  # type: ignore[arg-type]
    return {"all": all(inner), "any": any(inner), "not": not inner[0]}[kind]


@EXAMPLES
@given(trees)
def test_order_and_repetition_do_not_matter(tree: tuple[str, list[object]]) -> None:
    assert normal(tree) == normal(tree, backwards=True) == normal(tree, twice=True)


@EXAMPLES
@given(trees, st.fixed_dictionaries({name: st.sampled_from(["x", "y", None]) for name in "abc"}))
def test_the_normal_form_means_what_was_written(tree: tuple[str, list[object]], row: dict[str, str | None]) -> None:
    assert holds(normal(tree), row.__getitem__) == literal(tree, row)


def parts_of(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case All(parts) | AnyOf(parts):
            return parts
        case Not(part):
            return (part,)
    return ()


@EXAMPLES
@given(trees)
def test_a_normal_form_has_no_nested_and_no_nested_or_and_no_double_not(tree: tuple[str, list[object]]) -> None:
    waiting = [normal(tree)]
    while waiting:
        condition = waiting.pop()
        assert not any(type(part) is type(condition) for part in parts_of(condition))
        assert isinstance(condition, Atom | Not) or len(parts_of(condition)) != 1
        waiting.extend(parts_of(condition))


def test_making_a_normal_form_again_changes_nothing() -> None:
    tree = all_of([any_of([A, negation(B)]), C, make_test("z", "like", ["q%"])])
    assert isinstance(tree, All)
    assert all_of(tree.parts) == tree
