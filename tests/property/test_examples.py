"""What the fixed examples try: every field and choice of the language, every kind of name, every policy where it bites.

Invariant: the examples here are those of the properties in CI, so that no property can silently stop testing something.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import reference
from property.rule_files import NET_COST, cases
from property.turns import EXAMPLES_OF_A_TURN, EXAMPLES_OF_CI, turn_of
from workbench import Case, expected, is_steady, load, write

from costops.language.fields import RULE_FILE, TRANSFORMS, Field, ValueType
from costops.model import conditions
from costops.model.bill import COST_COLUMNS
from costops.model.conditions import OPERATORS, Condition, make_test
from costops.model.rules import RuleSet

DRAWN_AT_LEAST = 4
BITES_AT_LEAST = 2
"""Examples of a hundred."""

POLICIES = (
    "bucket clipped by effective",
    "concat",
    "concat missing",
    "cut off: folded",
    "cut off: left out",
    "element excluded",
    "empty: even",
    "empty: nothing previous",
    "empty: previous days",
    "empty: previous period",
    "empty: unallocated",
    "kept out by to.where",
    "negative: clip",
    "negative: exclude",
    "outside effective",
    "quantity",
    "remainder left",
    "remainder to an element",
    "several metrics",
    "several metrics, one fell out",
    "split by the provider",
)
FAILURES = (reference.EmptyBucketError, reference.NegativeWeightError, reference.SeveralUnitsError)
NAMES = ("column", "tag", "label", "dimension", "direct")
"""The kinds of names that conditions, elements and partitions may have."""


@dataclass(frozen=True)
class Example:
    """One example, bound."""

    case: Case
    rules: RuleSet


def examples(strict: bool) -> list[Example]:
    """The examples of CI."""
    found: list[Case] = []

    def keep(case: Case) -> None:
        found.append(case)

    for turn in range(EXAMPLES_OF_CI // EXAMPLES_OF_A_TURN):
        turn_of(turn, cases(strict=strict))(keep)
    bound = []
    for case in found:
        with tempfile.TemporaryDirectory(prefix="costops-") as folder:
            bound.append(Example(case, load(write(case, Path(folder)))))
    return bound


@pytest.fixture(scope="module")
def drawn() -> list[Example]:
    return examples(strict=False)


def fields_in(fields: Sequence[Field], written: Mapping[str, Any], before: str = "") -> Iterator[str]:
    """The fields of an entry as it is written, with their choices."""
    for field in fields:
        if field.name not in written:
            continue
        path, value = f"{before}{field.name}", written[field.name]
        yield path
        if field.choices or field.type is ValueType.BOOLEAN:
            yield f"{path}={value}"
        for inner in value if isinstance(value, list) else [value]:
            if field.fields and isinstance(inner, Mapping):
                yield from fields_in(field.fields, inner, f"{path}.")


def every_field(fields: Sequence[Field], before: str = "") -> Iterator[str]:
    """All that `fields_in` may find."""
    for field in fields:
        path = f"{before}{field.name}"
        yield path
        yield from (f"{path}={choice.value}" for choice in field.choices)
        yield from every_field(field.fields, f"{path}.")


def rare(counted: Counter[str], wanted: Sequence[str], least: int) -> dict[str, int]:
    return {each: counted[each] for each in wanted if counted[each] < least}


# One process draws the examples once for all of these tests.
pytestmark = pytest.mark.xdist_group("examples")


@pytest.mark.parametrize("section", RULE_FILE, ids=lambda section: section.name)
def test_every_field_and_every_choice_is_drawn(section: Field, drawn: list[Example]) -> None:
    counted: Counter[str] = Counter()
    for example in drawn:
        assert isinstance(example.case.rules, Mapping)
        entries = example.case.rules[section.name]
        assert isinstance(entries, list)
        counted.update({found for entry in entries for found in fields_in(section.fields, entry)})
    wanted = [*every_field(section.fields), "enabled=False", "hidden=True"]
    if section.name == "allocations":
        wanted += ["basis.include_source=True", "basis.include_source=False"]
        wanted.remove("basis.negative=error")
        wanted.remove("on_empty=error")
    assert rare(counted, wanted, DRAWN_AT_LEAST) == {}


def test_every_transform_is_drawn(drawn: list[Example]) -> None:
    counted: Counter[str] = Counter()
    for example in drawn:
        chains = [each.transform for label in example.rules.labels for each in (label, *label.sources)]
        for rule in (rule for dimension in example.rules.dimensions for rule in dimension.rules):
            chains += [rule.transform, *(each.transform for each in (*rule.sources, *rule.concat))]
        counted.update({each.name for chain in chains for each in chain})
    assert rare(counted, [each.name for each in TRANSFORMS], DRAWN_AT_LEAST) == {}


def wheres(rules: RuleSet) -> Iterator[tuple[str, Condition]]:
    """(place, condition) of all allocations and of what dimensions are made by."""
    for each in rules.allocations:
        yield from (("source.where", each.source), ("basis.where", each.basis), ("to.where", each.element_where))
    for rule in (rule for each in rules.dimensions for rule in each.rules):
        yield "rules.where", rule.where


def test_conditions_have_every_operator_and_every_kind_of_name(drawn: list[Example]) -> None:
    counted: Counter[str] = Counter()
    for example in drawn:
        found = [(place, test) for place, condition in wheres(example.rules) for test in conditions.tests_in(condition)]
        counted.update({test.operator for _, test in found})
        counted.update({f"{place}: {example.rules.resolve(test.field).kind}" for place, test in found})
        counted.update({"ignore_case" for _, test in found if test.ignore_case})
        counted.update({"label." for _, test in found if test.field.startswith("label.")})
        counted.update({"moments" for _, test in found if test.field.endswith(("Start", "End"))})
    operators = sorted({make_test("x", each, ["true"]).operator for each in OPERATORS})
    places = [f"{place}: {kind}" for place in ("source.where", "basis.where", "to.where") for kind in NAMES]
    places += ["source.where: allocated_by", "basis.where: allocated_by", *(f"rules.where: {kind}" for kind in NAMES)]
    assert rare(counted, [*operators, "ignore_case", "label.", "moments"], DRAWN_AT_LEAST) == {}
    assert rare(counted, places, BITES_AT_LEAST) == {}


def test_elements_and_partitions_have_every_kind_of_name_and_cost_columns_all_weigh(drawn: list[Example]) -> None:
    counted: Counter[str] = Counter()
    for example in drawn:
        for rule in example.rules.allocations:
            counted.update({f"to: {example.rules.resolve(name).kind}" for name in rule.to})
            counted.update({f"partition: {example.rules.resolve(name).kind}" for name in rule.partition_by})
            counted.update({f"cost: {rule.basis_cost}", f"quantity: {rule.basis_quantity}"})
            counted.update({f"elements: {len(rule.to)}", f"metrics: {len(rule.basis_metrics)}"})
    wanted = [f"{place}: {kind}" for place in ("to", "partition") for kind in NAMES]
    wanted += [f"cost: {name}" for name in (*COST_COLUMNS[:3], NET_COST)]
    wanted += ["quantity: ConsumedQuantity", "quantity: PricingQuantity", "elements: 2", "metrics: 2", "metrics: 3"]
    assert rare(counted, wanted, BITES_AT_LEAST) == {}


def test_every_policy_decides_something(drawn: list[Example]) -> None:
    counted: Counter[str] = Counter()
    for example in drawn:
        notes: Counter[str] = Counter()
        expected(example.case, example.rules, notes=notes)
        counted.update(notes.keys())
    assert rare(counted, POLICIES, BITES_AT_LEAST) == {}
    assert sorted(set(counted) - set(POLICIES)) == []


def test_most_examples_hang_on_no_dust(drawn: list[Example]) -> None:
    assert sum(is_steady(example.case, example.rules) for example in drawn) >= 90


def test_rules_fail_for_every_reason() -> None:
    counted: Counter[type[Exception]] = Counter()
    for example in examples(strict=True):
        try:
            expected(example.case, example.rules)
        except reference.RuleFailedError as error:
            counted[type(error)] += 1
    assert {each: counted[each] for each in FAILURES if counted[each] < BITES_AT_LEAST} == {}
