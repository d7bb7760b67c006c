"""Which rules moved: the smallest set, and always the same one."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.model.orders import moved_ids

EXAMPLES = settings(max_examples=300, derandomize=True, database=None, deadline=None)


def smallest(old: list[str], new: list[str]) -> int:
    """How many ids must at least be taken out so that both orders are equal, by trying."""
    for size in range(len(old) + 1):
        for gone in combinations(old, size):
            if [each for each in old if each not in gone] == [each for each in new if each not in gone]:
                return size
    raise AssertionError


def check(old: list[str], new: list[str]) -> None:
    moved = moved_ids(old, new)
    assert [each for each in old if each not in moved] == [each for each in new if each not in moved]
    assert len(moved) == smallest(old, new)


def test_every_order_of_five_rules_is_told_by_the_fewest_moves() -> None:
    for new in permutations("abcde"):
        check(list("abcde"), list(new))


@st.composite
def orders(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    old = draw(st.permutations(list("gfedcba")[: draw(st.integers(0, 7))]))
    return list(old), list(draw(st.permutations(old)))


@EXAMPLES
@given(orders())
def test_the_moved_rules_are_the_smallest_set_that_explains_the_order(both: tuple[list[str], list[str]]) -> None:
    check(*both)


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ("", "", ""),
        ("a", "a", ""),
        ("abc", "abc", ""),
        ("abcd", "dabc", "d"),
        ("abcd", "bcda", "a"),
        ("abcde", "acbde", "bc"),
        ("abcdef", "fbcdea", "af"),
        ("abc", "cba", "abc"),
    ],
)
def test_a_rule_that_passes_the_others_moved_and_they_did_not(old: str, new: str, moved: str) -> None:
    found = moved_ids(list(old), list(new))
    assert found <= set(moved)
    assert len(found) == smallest(list(old), list(new))


def test_of_several_smallest_sets_it_is_always_the_same_one() -> None:
    assert moved_ids(list("abcdef"), list("badcfe")) == {"a", "c", "e"}
