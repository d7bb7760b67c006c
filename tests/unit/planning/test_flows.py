"""Who lost to whom: nothing is lost on the way, whichever ledger is the older one and however its rows are ordered."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from costops.model.version_diff import BILL, End, Flow
from costops.planning.flows import Row, flows_between
from costops.planning.matching import Matching

EXAMPLES = settings(max_examples=100, derandomize=True, database=None, deadline=None)
DIMENSIONS = ("env", "team", "ServiceName")
UNIT = 10**12

VALUES = st.sampled_from([None, "a", "b", "c", "d", "e"])
ROWS = st.lists(
    st.tuples(
        st.just("2025-04"),
        st.sampled_from(["2025-04-01", "2025-04-02"]),
        st.sampled_from(["EUR", "USD"]),
        st.tuples(VALUES, VALUES, VALUES),
        st.one_of(st.integers(-20, 20), st.integers(-(10**15), 10**15)),
    ),
    max_size=40,
)
UNWRITTEN = st.sets(st.sampled_from(DIMENSIONS))


def row(amount: int, *values: str | None, day: str = "2025-04-01") -> Row:
    return ("2025-04", day, "USD", values, amount * UNIT)


def shown(flows: Sequence[Flow]) -> list[tuple[str, End, End, Fraction]]:
    return [(each.dimension, each.source, each.target, Fraction(each.amount, UNIT)) for each in flows]


def net(flows: Sequence[Flow]) -> dict[tuple[str, str, End], int]:
    found: dict[tuple[str, str, End], int] = defaultdict(int)
    for each in flows:
        assert each.amount > 0
        assert each.source != each.target
        found[each.dimension, each.currency, each.source] -= each.amount
        found[each.dimension, each.currency, each.target] += each.amount
    return {key: amount for key, amount in found.items() if amount}


def differences(before: Sequence[Row], after: Sequence[Row]) -> dict[tuple[str, str, End], int]:
    """What each element and the bill gain, added up without any matching."""
    found: dict[tuple[str, str, End], int] = defaultdict(int)
    for sign, rows in ((-1, before), (1, after)):
        for _, _, currency, values, amount in rows:
            for dimension, value in zip(DIMENSIONS, values, strict=True):
                found[dimension, currency, value] += sign * amount
                found[dimension, currency, BILL] -= sign * amount
    return {key: amount for key, amount in found.items() if amount}


@given(ROWS, ROWS, UNWRITTEN)
@EXAMPLES
def test_inflows_less_outflows_are_the_difference_of_each_element(
    before: list[Row], after: list[Row], unwritten: set[str]
) -> None:
    assert net(flows_between(before, after, DIMENSIONS, unwritten)) == differences(before, after)


@given(ROWS, ROWS, UNWRITTEN)
@EXAMPLES
def test_the_flows_back_are_the_flows_there_turned(before: list[Row], after: list[Row], unwritten: set[str]) -> None:
    there = flows_between(before, after, DIMENSIONS, unwritten)
    back = flows_between(after, before, DIMENSIONS, unwritten)
    turned = {(each.dimension, each.currency, each.target, each.source, each.amount) for each in back}
    assert turned == {(each.dimension, each.currency, each.source, each.target, each.amount) for each in there}


@given(ROWS, ROWS, UNWRITTEN, st.integers())
@EXAMPLES
def test_the_order_of_rows_does_not_matter(before: list[Row], after: list[Row], unwritten: set[str], seed: int) -> None:
    orders = random.Random(seed)
    mixed = [orders.sample(rows, len(rows)) for rows in (before, after)]
    assert flows_between(*mixed, DIMENSIONS, unwritten) == flows_between(before, after, DIMENSIONS, unwritten)


@given(ROWS, ROWS, ROWS)
@EXAMPLES
def test_rows_of_both_ledgers_do_not_matter(before: list[Row], after: list[Row], same: list[Row]) -> None:
    assert flows_between(before + same, after + same, DIMENSIONS) == flows_between(before, after, DIMENSIONS)


@given(ROWS)
@EXAMPLES
def test_nothing_flows_between_equal_ledgers(rows: list[Row]) -> None:
    assert flows_between(rows, rows, DIMENSIONS) == ()


@given(ROWS, ROWS, UNWRITTEN)
@EXAMPLES
def test_pairs_stand_once_and_the_largest_first(before: list[Row], after: list[Row], unwritten: set[str]) -> None:
    flows = flows_between(before, after, DIMENSIONS, unwritten)
    pairs = [(each.dimension, each.currency, frozenset({each.source, each.target})) for each in flows]
    assert len(pairs) == len(set(pairs))
    sizes = [(DIMENSIONS.index(each.dimension), each.currency, -each.amount) for each in flows]
    assert sizes == sorted(sizes)


SIDES = st.integers(2, 12).flatmap(
    lambda count: st.lists(
        st.lists(st.integers(-(10**13), 10**13), min_size=count, max_size=count), min_size=1, max_size=6
    )
)


@given(SIDES, st.sampled_from([0, 1000]))
@EXAMPLES
def test_sums_over_groups_are_in_proportion(groups: list[list[int]], idle: int) -> None:
    """`idle` elements in no group make the matching work each amount out by itself."""
    exact: dict[tuple[int, int], Fraction] = defaultdict(Fraction)
    matching = Matching(len(groups[0]) + idle, sum(abs(each) for gains in groups for each in gains))
    for gains in groups:
        losers = [(element, -gain) for element, gain in enumerate(gains) if gain < 0]
        gainers = [(element, gain) for element, gain in enumerate(gains) if gain > 0]
        lost, gained = (sum(amount for _, amount in side) for side in (losers, gainers))
        if not losers or not gainers:
            continue
        largest, rest = gainers[0]
        if lost > gained:
            gainers[0] = (largest, rest + lost - gained)
        else:
            losers[0] = (losers[0][0], losers[0][1] + gained - lost)
        matching.match(losers, gainers)
        total = max(lost, gained)
        for source, owed in losers:
            for target, due in gainers:
                exact[source, target] += Fraction(owed * due, total)
    cells = matching.cells()
    for (source, target), amount in exact.items():
        if source != target:
            assert abs(cells[source].get(target, 0) - amount) <= len(groups[0])


def test_one_loser_pays_what_each_gains() -> None:
    before, after = [row(10, "a"), row(1, "b")], [row(4, "b"), row(7, "c")]
    assert shown(flows_between(before, after, ["team"])) == [("team", "a", "c", 7), ("team", "a", "b", 3)]


def test_several_pay_several_in_proportion() -> None:
    before, after = [row(30, "a"), row(10, "b")], [row(20, "c"), row(20, None)]
    assert shown(flows_between(before, after, ["team"])) == [
        ("team", "a", None, 15),
        ("team", "a", "c", 15),
        ("team", "b", None, 5),
        ("team", "b", "c", 5),
    ]


def test_cost_of_one_ledger_alone_comes_with_the_bill_in_proportion() -> None:
    before, after = [row(10, "a")], [row(30, "b"), row(10, "c")]
    assert shown(flows_between(before, after, ["team"])) == [
        ("team", BILL, "b", 22.5),
        ("team", "a", "b", 7.5),
        ("team", BILL, "c", 7.5),
        ("team", "a", "c", 2.5),
    ]


def test_cost_does_not_flow_between_days() -> None:
    before, after = [row(5, "a")], [row(5, "b", day="2025-04-02")]
    assert shown(flows_between(before, after, ["team"])) == [("team", "a", BILL, 5), ("team", BILL, "b", 5)]


def test_what_another_dimension_tells_apart_is_matched_apart() -> None:
    before = [row(5, "a", "prod"), row(7, "b", "test")]
    after = [row(5, "c", "prod"), row(7, "d", "test")]
    teams = [each for each in shown(flows_between(before, after, ["team", "env"])) if each[0] == "team"]
    assert teams == [("team", "b", "d", 7), ("team", "a", "c", 5)]


def test_cost_that_moves_along_two_dimensions_is_matched_in_both() -> None:
    flows = flows_between([row(5, "a", "prod")], [row(5, "b", "test")], ["team", "env"])
    assert shown(flows) == [("team", "a", "b", 5), ("env", "prod", "test", 5)]


def test_in_a_dimension_that_no_rule_writes_cost_comes_and_goes() -> None:
    before, after = [row(5, "a", "EC2"), row(8, "b", "S3")], [row(6, "b", "EC2"), row(6, "a", "S3")]
    assert shown(flows_between(before, after, ["team", "ServiceName"], ["ServiceName"])) == [
        ("team", "b", "a", 1),
        ("team", "b", BILL, 1),
        ("ServiceName", "S3", BILL, 2),
        ("ServiceName", BILL, "EC2", 1),
    ]
