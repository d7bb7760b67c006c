"""What a person probably meant."""

from __future__ import annotations

import pytest

from costops.language.nearness import Words, near_miss


@pytest.mark.parametrize(
    ("word", "candidates", "expected"),
    [
        ("tema", ["env", "team"], "team"),
        ("servicename", ["ServiceName"], "ServiceName"),
        ("service_name", ["ServiceName"], "ServiceName"),
        ("enviroment", ["environment"], "environment"),
        ("starts_wth", ["ends_with", "starts_with"], "starts_with"),
        ("x_team", ["team"], None),
        ("bu", ["eu", "bx"], None),
        ("team", ["team"], None),
        ("colour", ["team"], None),
        ("abcd", ["abce", "abcf"], "abce"),
        ("abcd", ["abcf", "abce"], "abce"),
    ],
)
def test_a_near_miss_is_a_slip_of_the_fingers(word: str, candidates: list[str], expected: str | None) -> None:
    assert near_miss(word, candidates) == expected


def test_the_nearest_of_many_words_is_the_same_when_they_are_asked_again() -> None:
    words = Words(["checkout", "checkuot", "search", "Search-"])
    assert [words.near(each) for each in ("checkot", "search", "checkot", "zzz")] == [
        "checkout",
        "Search-",
        "checkout",
        None,
    ]


def test_looking_for_near_words_ends_however_many_there_are() -> None:
    words = Words(f"dimension{number}" for number in range(3_000))
    hints = [words.near(f"dimensoin{number}") for number in range(3_000)]
    assert hints[7] == "dimension7"
    assert hints[2_999] is None, "the comparisons were used up long before"
    assert words.near("dimension_2999") == "dimension2999"
