"""Money after so many allocations, kept as what moves between them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.engine.money_steps import Element, Money, difference, money_steps

EXAMPLES = settings(max_examples=300, derandomize=True, database=None, deadline=None)

NONE: Element = ("team", None, "USD")
A: Element = ("team", "a", "USD")
B: Element = ("team", "b", "USD")

MOVED = [(0, NONE, 100), (0, A, 5), (1, NONE, -60), (1, B, 60), (3, NONE, -40), (3, A, 40), (3, B, -60), (3, A, 60)]
"""Of four allocations the second and the last move nothing."""


def test_money_is_known_after_every_count_that_was_wanted() -> None:
    steps = money_steps(MOVED, 4, range(5))
    assert steps.counts == (0, 1, 2, 3, 4)
    assert [steps.money_after(count) for count in range(5)] == [
        {NONE: 100, A: 5},
        {NONE: 40, A: 5, B: 60},
        {NONE: 40, A: 5, B: 60},
        {A: 105},
        {A: 105},
    ]


def test_what_moves_between_two_counts_has_no_elements_of_0() -> None:
    steps = money_steps(MOVED, 4, range(5))
    assert steps.moved_between(0, 1) == {NONE: -60, B: 60}
    assert steps.moved_between(0, 3) == {NONE: -100, A: 100}
    assert steps.moved_between(3, 0) == {NONE: 100, A: -100}
    assert steps.moved_between(1, 2) == steps.moved_between(3, 4) == steps.moved_between(2, 2) == {}


def test_all_allocations_are_a_count_that_need_not_be_wanted() -> None:
    steps = money_steps(MOVED, 4)
    assert steps.counts == (4,)
    assert steps.money_after(4) == {A: 105}


def test_what_moved_between_wanted_counts_is_kept_together() -> None:
    steps = money_steps(MOVED, 4, (2, 0, 2))
    assert steps.counts == (0, 2, 4)
    assert steps.moves == ({NONE: 100, A: 5}, {NONE: -60, B: 60}, {NONE: -40, A: 100, B: -60})


@pytest.mark.parametrize("count", [-1, 1, 3, 5])
def test_a_count_that_was_not_wanted_is_refused(count: int) -> None:
    steps = money_steps(MOVED, 4, (0, 2))
    message = rf"money after {count} allocations was not asked for, only after \(0, 2, 4\)"
    with pytest.raises(ValueError, match=message):
        steps.money_after(count)
    with pytest.raises(ValueError, match=message):
        steps.moved_between(0, count)


def test_without_allocations_there_is_the_bill() -> None:
    assert money_steps([(0, A, 7)], 0).money_after(0) == {A: 7}
    assert money_steps([], 0).money_after(0) == {}


def test_money_that_was_given_out_may_be_changed_by_who_has_it() -> None:
    steps = money_steps([(0, A, 7)], 0)
    steps.money_after(0).clear()
    assert steps.money_after(0) == {A: 7}


def test_a_difference_is_what_is_more_in_the_second() -> None:
    assert difference({A: 5, B: 3}, {A: 5, B: 1, NONE: 2}) == {B: -2, NONE: 2}
    assert difference({A: 5}, {}) == {A: -5}


rows = st.lists(st.tuples(st.integers(0, 6), st.sampled_from([NONE, A, B]), st.integers(-(2**90), 2**90)), max_size=20)


@EXAMPLES
@given(rows, st.sets(st.integers(0, 6)))
def test_any_two_counts_differ_by_what_moved_between_them(
    moved: list[tuple[int, Element, int]], wanted: set[int]
) -> None:
    steps = money_steps(moved, 6, tuple(wanted))
    for count in (*wanted, 6):
        expected: Money = {}
        for number, element, picos in moved:
            if number <= count:
                expected[element] = expected.get(element, 0) + picos
        assert steps.money_after(count) == {element: picos for element, picos in expected.items() if picos}
        for other in (*wanted, 6):
            assert steps.moved_between(other, count) == difference(steps.money_after(other), steps.money_after(count))
