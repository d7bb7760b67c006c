"""What is left out where not everything fits: the least important first, whole, and counted."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from costops.render.fitting import Item, Part, Rest, fitted


def left_out(items: Sequence[Item]) -> str:
    return f"[{len(items)} more]"


def parts_of(sizes: Sequence[tuple[int, int, int]]) -> list[Part]:
    """Items of (priority, length, size of what is inside)."""
    items = [
        Item(
            "x",
            priority,
            lambda length=length: "a" * length,  # type: ignore[misc]
            inner=[Item("y", priority + 1, lambda inside=inside: "b" * inside)],  # type: ignore[misc]
            instead="-",
            close=">",
            size=length,
        )
        for priority, length, inside in sizes
    ]
    return ["head\n", *items, Rest(items, left_out), "\nfoot"]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 30), st.integers(1, 30)), max_size=12),
    st.integers(min_value=30, max_value=400),
)
def test_it_is_never_longer_and_nothing_is_cut(sizes: list[tuple[int, int, int]], longest: int) -> None:
    text = fitted(parts_of(sizes), longest)
    assert len(text) <= longest
    assert text.startswith("head\n")
    assert text.endswith("\nfoot")
    shown = text.count(">")
    hidden = int(text.split("[")[1].split(" ")[0]) if "[" in text else 0
    assert shown + hidden == len(sizes)


def test_what_fits_whole_has_no_room_kept_for_what_would_be_said_otherwise() -> None:
    items = [Item("x", 0, lambda: "aaaa"), Item("x", 0, lambda: "bbbb")]
    parts: list[Part] = [*items, Rest(items, lambda some: f"{len(some)} are left out for space")]
    assert fitted(parts, 8) == "aaaabbbb"


def test_nothing_is_kept_that_is_less_important_than_what_is_left_out() -> None:
    items = [Item("x", 0, lambda: "a" * 50), Item("x", 1, lambda: "b")]
    assert fitted([*items, Rest(items, left_out)], 40) == "[2 more]"
