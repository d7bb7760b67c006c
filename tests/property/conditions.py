"""Random conditions: every operator, nested with any, all and not.

Invariant: only regular expressions and texts on which Python and RE2 agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from property.pools import POOLS, Draw, weighted

TIMES = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart")
SELDOM = [name for name in POOLS if name.startswith(("Tags.", "label.", "direct."))]
ANYTHING = [*POOLS, *SELDOM, *TIMES, *TIMES]
"""Fields that a condition may name, those more than once of which there are few of a kind."""

PATTERNS = [".*-1", "[a-z]+", "prod.*", "(eu|us)-[0-9]", "[A-Z]{2}.*", "a|b"]
LIKES = ["prod%", "%-_", "_", "%e%", "E_2"]


@st.composite
def operators(draw: Draw, values: Sequence[str]) -> dict[str, object]:
    """A mapping of one or two operators on texts."""
    simple = st.sampled_from(["is", "not", "in", "not_in", "contains", "starts_with", "ends_with", "like", "matches"])
    chosen: dict[str, object] = {}
    for name in draw(st.lists(simple, min_size=1, max_size=2, unique=True)):
        one = {
            "like": st.sampled_from(LIKES),
            "matches": st.sampled_from(PATTERNS),
            "contains": st.sampled_from(values).map(lambda text: text[:1]),
            "starts_with": st.sampled_from(values).map(lambda text: text[:2]),
            "ends_with": st.sampled_from(values).map(lambda text: text[-2:]),
        }.get(name, st.sampled_from(values))
        listed = st.lists(one, min_size=1, max_size=2, unique=True)
        chosen[name] = draw(listed if name in ("in", "not_in") else st.one_of(one, listed))
    if draw(st.integers(0, 3)) == 3:
        chosen["ignore_case"] = True
    return chosen


def tests_of_a_field(values: Sequence[str]) -> st.SearchStrategy[Any]:
    """What may stand behind a field's name in a condition."""
    return st.one_of(
        st.sampled_from(values),
        st.none(),
        st.lists(st.sampled_from([*values, None]), min_size=1, max_size=3, unique=True),
        operators(values),
        st.booleans().map(lambda present: {"present": present}),
    )


moments = st.sampled_from(["2025-04", "2025-04-01", "2025-04-02", "2025-05-01", "2025-04-01T05:00:00Z", "2025"])
time_tests = st.dictionaries(
    st.sampled_from(["before", "after", "from", "until"]),
    weighted((3, moments), (1, st.lists(moments, min_size=1, max_size=2, unique=True))),
    min_size=1,
    max_size=2,
)


def path_tests(ids: Sequence[str]) -> st.SearchStrategy[Any]:
    """What may stand behind `allocated_by`."""
    several = st.lists(st.sampled_from(ids), min_size=1, max_size=2, unique=True)
    return weighted(
        (3, st.sampled_from(ids)),
        (2, several),
        (1, st.none()),
        (1, several.map(lambda names: {"not_in": names})),
        (1, st.booleans().map(lambda present: {"present": present})),
    )


def conditions(fields: Sequence[str], rule_ids: Sequence[str] = ()) -> st.SearchStrategy[Any]:
    """A `where` on the given fields, and on `allocated_by` where rule ids are given."""

    def one(field: str) -> st.SearchStrategy[Any]:
        tests = time_tests if field in TIMES else tests_of_a_field(POOLS[field])
        return tests.map(lambda test: {field: test})

    leaves = st.sampled_from(fields).flatmap(one)
    if rule_ids:
        leaves = weighted((6, leaves), (1, path_tests(rule_ids).map(lambda test: {"allocated_by": test})))
    both = st.builds(lambda first, second: {**first, **second}, leaves, leaves)
    flat = weighted((2, leaves), (1, both))
    nested = st.one_of(
        st.lists(flat, min_size=1, max_size=2).map(lambda parts: {"any": parts}),
        st.lists(flat, min_size=1, max_size=2).map(lambda parts: {"all": parts}),
        flat.map(lambda part: {"not": part}),
        st.builds(lambda first, second: {**first, "not": {"any": [second]}}, leaves, flat),
    )
    return weighted((2, flat), (1, nested))
