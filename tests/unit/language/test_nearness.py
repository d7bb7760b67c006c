"""What a person probably meant."""

from __future__ import annotations

import pytest

from costops.language.nearness import near_miss


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
