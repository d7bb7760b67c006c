"""Which allocations can run together, and which must wait for what an earlier one does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from costops.engine.ir import Fields, Program, Step
from costops.engine.lower import lower
from costops.engine.touching import BASIS, SOURCE, part_of
from costops.engine.waves import Batch, Waves
from costops.model.conditions import EVERYTHING, Condition, all_of, make_test
from costops.model.rules import Allocation, Cutoff, Label, Method, RuleSet, Source

LABELS = (Label(id="team", sources=(Source("Tags.team"),)), Label(id="env", sources=(Source("Tags.env"),)))
FIRST, SECOND = 0b01, 0b10


def is_(field: str, *values: str | None) -> Condition:
    return make_test(field, "is", values)


def even(id: str, source: Condition, *elements: str, into: str = "team", **fields: object) -> Allocation:
    """An allocation to named elements."""
    given = tuple((each,) for each in elements)
    return Allocation(id=id, source=source, method=Method.EVEN, to=(into,), into=(into,), values=given, **fields)  # type: ignore[arg-type]


def by_cost(id: str, source: Condition, basis: Condition = EVERYTHING, **fields: object) -> Allocation:
    """An allocation by the running cost of what it finds."""
    common: dict[str, object] = {"method": Method.PROPORTIONAL, "to": ("team",), "into": ("team",), **fields}
    return Allocation(id=id, source=source, basis=basis, **common)  # type: ignore[arg-type]


LAST = "last"
"""A rule behind all others that writes env, so that env is a running value everywhere."""


def program(*allocations: Allocation) -> Program:
    last = even(LAST, is_("env", "nowhere"), "p", into="env")
    rules = RuleSet(labels=LABELS, allocations=(*allocations, last))
    return lower(rules, report=("team", "env"), cost="EffectiveCost", fields=Fields())


def waves(steps: Sequence[Step], reach: Mapping[int, int] | None = None) -> Waves:
    """Waves where every part may hold for the same field values, but for those in `reach`."""
    parts = {part_of(step.number, kind): FIRST for step in steps for kind in (SOURCE, BASIS)}
    return Waves(steps, {**parts, **(reach or {})})


def rules_by_wave(found: Waves) -> list[list[str]]:
    named = [[step.rule for step in wave if step.rule != LAST] for wave in found]
    return [wave for wave in named if wave]


A = even("a", all_of((is_("team", "x"), is_("env", "prod"))), "p", "q")
"""Takes what team x has in production."""

CASES = {
    "other values of a running field": (even("b", is_("team", "y"), "p"), [["a", "b"]]),
    "the same values": (even("b", is_("team", "x"), "p"), [["a"], ["b"]]),
    "the values that a gives": (even("b", is_("team", "q"), "r", allocated="include"), [["a"], ["b"]]),
    "values that a gives, along the same dimension": (even("b", is_("team", "q"), "r"), [["a", "b"]]),
    "what a leaves as it was": (even("b", is_("env", "dev"), "p"), [["a", "b"]]),
    "along another dimension": (even("b", is_("team", "q"), "r", into="env"), [["a"], ["b"]]),
    "a basis that a changes": (by_cost("b", is_("team", "y")), [["a"], ["b"]]),
    "a basis before the first allocation": (by_cost("b", is_("team", "y"), basis_from="direct"), [["a", "b"]]),
    "a basis that a does not reach": (by_cost("b", is_("team", "y"), is_("env", "dev")), [["a", "b"]]),
    "a basis in a part that a does not reach": (
        by_cost("b", all_of((is_("team", "y"), is_("env", "dev"))), partition_by=("env",)), [["a", "b"]]
    ),
    "a basis in the part of a": (
        by_cost("b", all_of((is_("team", "y"), is_("env", "prod"))), partition_by=("env",)), [["a"], ["b"]]
    ),
}  # fmt: skip


@pytest.mark.parametrize(("behind", "expected"), CASES.values(), ids=CASES)
def test_a_rule_waits_for_an_earlier_one_that_may_feed_it(behind: Allocation, expected: list[list[str]]) -> None:
    assert rules_by_wave(waves(program(A, behind).steps)) == expected


def test_rules_that_share_no_field_values_run_together() -> None:
    steps = program(A, by_cost("b", is_("team", "x"))).steps
    apart = {part_of(2, SOURCE): SECOND, part_of(2, BASIS): SECOND}
    assert rules_by_wave(waves(steps, apart)) == [["a", "b"]]
    assert rules_by_wave(waves(steps, {**apart, part_of(2, BASIS): FIRST | SECOND})) == [["a"], ["b"]]


def test_a_rule_runs_as_early_as_it_can() -> None:
    steps = program(A, by_cost("b", is_("team", "y")), even("c", is_("team", "z"), "p")).steps
    assert rules_by_wave(waves(steps)) == [["a", "c"], ["b"]]


def batches(*allocations: Allocation) -> list[list[str]]:
    return [[step.rule for step in batch.steps] for batch in _batches(*allocations)]


def _batches(*allocations: Allocation) -> list[Batch]:
    found = waves(program(*allocations).steps)
    return [batch for wave in found for batch in found.batches(wave) if batch.steps[0].rule != LAST]


def test_rules_that_differ_in_conditions_and_elements_are_one_batch() -> None:
    others = [even("b", is_("team", "y"), "r"), even("c", is_("team", "z"), "s", "t", "u")]
    assert batches(A, *others) == [["a", "b", "c"]]


BY_COST = by_cost("a", is_("team", "x"), basis_from="direct")


@pytest.mark.parametrize(
    ("first", "other"),
    [
        (A, even("b", is_("team", "y"), "p", effective_from="2026-01-01")),
        (A, by_cost("b", is_("team", "y"), basis_from="direct")),
        (BY_COST, by_cost("b", is_("team", "y"), basis_from="direct", partition_by=("env",))),
        (BY_COST, by_cost("b", is_("team", "y"), basis_from="direct", granularity="monthly")),
    ],
    ids=["its own days", "weights", "a partition", "a granularity"],
)
def test_rules_of_another_shape_are_another_batch(first: Allocation, other: Allocation) -> None:
    assert batches(first, other) == [["a"], ["b"]]


@pytest.mark.parametrize(
    "fields", [{"on_empty": "previous"}, {"cutoff": Cutoff(90 * 10**10, ("rest",))}], ids=["looks back", "folds"]
)
def test_rules_whose_buckets_need_more_than_weights_run_alone(fields: dict[str, object]) -> None:
    both = [by_cost(name, is_("team", name), basis_from="direct", **fields) for name in ("x", "y")]
    assert batches(*both) == [["x"], ["y"]]


def bases(*allocations: Allocation) -> list[tuple[tuple[int, ...], ...]]:
    return [batch.bases for batch in _batches(*allocations)]


def test_steps_share_a_basis_that_nothing_changes_between_them() -> None:
    dev = is_("env", "dev")
    both = [by_cost(name, all_of((is_("team", name), is_("env", "prod"))), dev) for name in ("x", "y")]
    assert bases(*both) == [((1, 2),)]
    other = by_cost("y", both[1].source, is_("env", "test"))
    assert bases(both[0], other) == [((1,), (2,))]


def test_a_step_that_takes_from_the_basis_shares_it_with_nobody() -> None:
    sources = [all_of((is_("team", name), is_("env", env))) for name, env in (("x", "prod"), ("y", "dev"))]
    both = [by_cost(name, each, partition_by=("env",)) for name, each in zip(("x", "y"), sources, strict=True)]
    assert bases(*both) == [((1,), (2,))]
