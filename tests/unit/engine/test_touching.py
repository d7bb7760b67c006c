"""What may stay as it was, and what a difference touches."""

from __future__ import annotations

import pytest

from costops.engine.ir import PATH
from costops.engine.touching import bound, holds
from costops.model.expression import Column, Expression, Literal, call

TEAM_IS_A = call("in", Column("s0"), Literal("a"), Literal("b"))
NO_TEAM = call("is_missing", Column("s0"))
IS_EC2 = Column("t1")
BY_SUPPORT = call("contains", Column(PATH), Literal(" > support > "))
UNKNOWN = call("like", Column("s0"), Literal("a%"))


@pytest.mark.parametrize(
    ("condition", "values", "expected"),
    [
        (TEAM_IS_A, {"s0": "a"}, True),
        (TEAM_IS_A, {"s0": "c"}, False),
        (TEAM_IS_A, {"s0": None}, False),
        (NO_TEAM, {"s0": None}, True),
        (call("not", NO_TEAM), {"s0": None}, False),
        (BY_SUPPORT, {PATH: " > tax > support > "}, True),
        (BY_SUPPORT, {PATH: " > "}, False),
        (IS_EC2, {"s0": "a"}, None),
        (UNKNOWN, {"s0": "b"}, None),
        (call("and", IS_EC2, TEAM_IS_A), {"s0": "c"}, False),
        (call("and", IS_EC2, TEAM_IS_A), {"s0": "a"}, None),
        (call("or", UNKNOWN, TEAM_IS_A), {"s0": "a"}, True),
        (call("or", UNKNOWN, TEAM_IS_A), {"s0": "c"}, None),
        (call("not", UNKNOWN), {"s0": "c"}, None),
        (call("and"), {}, True),
        (call("or"), {}, False),
    ],
)
def test_a_condition_is_decided_where_it_can_be(
    condition: Expression, values: dict[str, str | None], expected: bool | None
) -> None:
    possible = {name: frozenset({value}) for name, value in values.items()}
    assert holds(condition, possible) is expected


def test_fixed_truth_values_bound_a_condition_from_above_and_below() -> None:
    assert bound(call("and", IS_EC2, TEAM_IS_A)) == call("and", IS_EC2, Literal(True))
    assert bound(call("not", call("and", IS_EC2, TEAM_IS_A))) == call("not", call("and", IS_EC2, Literal(False)))
    assert bound(call("or", IS_EC2, call("not", TEAM_IS_A))) == call("or", IS_EC2, call("not", Literal(False)))
