"""What rules expect of the bill: the fields they read, the values they ask for, and the elements they name.

Invariant: every expectation has the place of what was written; disabled entries expect nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from costops.model.conditions import Condition, Test, tests_in
from costops.model.cycles import names_read
from costops.model.diagnostic import Span
from costops.model.rules import Allocation, Dimension, Entry, Label, Meaning, Method, RuleSet


class Role(StrEnum):
    """How an entry uses a field."""

    READS = "reads"
    """It reads the field, whatever its values."""
    ASKS = "asks"
    """A condition, or a list of elements to leave out, has a value of the field."""
    SERVES = "serves"
    """The element gets cost, whether the bill has it or not."""
    NAMES = "names"
    """The value may be new: what a dimension or label says itself, and what takes a remainder or what is cut off."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry's use of one field."""

    kind: str
    """label, dimension or allocation."""
    entry: Entry
    path: str
    """Where in the entry: `source.where`, `to.values`, `rules[0].where`."""
    role: Role
    name: str
    """The field as written."""
    meaning: Meaning
    value: str | None = None
    """None where no value is expected."""
    ignore_case: bool = False

    @property
    def span(self) -> Span:
        """Where it is written."""
        for path in (f"{self.path}.{self.name}", f"{self.path}.{self.value}"):
            if path in self.entry.places:
                return self.entry.places[path]
        return self.entry.place(self.path)


def expectations(rules: RuleSet) -> tuple[Expectation, ...]:
    """Everything that the enabled entries of a checked rule set expect, by entry in the order of evaluation."""
    found: list[Expectation] = []
    for label in rules.labels:
        if label.enabled:
            found += _of_label(label)
    for dimension in rules.dimensions:
        if dimension.enabled:
            found += _of_dimension(rules, dimension)
    for allocation in rules.allocations:
        if allocation.enabled:
            found += _of_allocation(rules, allocation)
    return tuple(found)


def keys_read(found: tuple[Expectation, ...]) -> dict[tuple[str, str], tuple[str, ...]]:
    """For each (kind, id) of an entry the keys of the tags it reads, sorted."""
    keys: dict[tuple[str, str], set[str]] = {}
    for each in found:
        if each.meaning.kind == "tag":
            keys.setdefault((each.kind, each.entry.id), set()).add(each.meaning.name)
    return {entry: tuple(sorted(names)) for entry, names in keys.items()}


def _of_label(label: Label) -> Iterator[Expectation]:
    own = Meaning("label", label.id)
    for index, source in enumerate(label.sources):
        is_tag = source.field.startswith("Tags.")
        meaning = Meaning("tag" if is_tag else "column", source.field.removeprefix("Tags."))
        yield Expectation("label", label, f"from[{index}]", Role.READS, source.field, meaning)
    for rename in label.rename:
        yield Expectation("label", label, "rename", Role.NAMES, label.id, own, rename.value)


def _of_dimension(rules: RuleSet, dimension: Dimension) -> Iterator[Expectation]:
    own = Meaning("dimension", dimension.id)
    for name, path, in_condition in names_read(dimension):
        meaning = rules.resolve(name, inside=dimension.id)
        if not in_condition or meaning.kind == "tag":
            yield Expectation("dimension", dimension, path, Role.READS, name, meaning)
    for index, rule in enumerate(dimension.rules):
        yield from _of_condition("dimension", dimension, f"rules[{index}].where", rule.where, rules, dimension.id)
        if rule.value is not None and not dimension.result_stage:
            path = f"rules[{index}].value"
            yield Expectation("dimension", dimension, path, Role.NAMES, dimension.id, own, rule.value)
    if dimension.default is not None and not dimension.result_stage:
        yield Expectation("dimension", dimension, "default", Role.NAMES, dimension.id, own, dimension.default)


def _of_allocation(rules: RuleSet, rule: Allocation) -> Iterator[Expectation]:
    conditions = [("source.where", rule.source)]
    if rule.method is not Method.METRIC:
        # A metric knows values of its own, which its records are asked for.
        conditions += [("basis.where", rule.basis), ("to.where", rule.element_where)]
    for path, condition in conditions:
        yield from _of_condition("allocation", rule, path, condition, rules, None)
    for path, names in (("to.dimension", rule.to), ("partition_by", rule.partition_by)):
        for index, name in enumerate(names):
            yield Expectation("allocation", rule, f"{path}[{index}]", Role.READS, name, rules.resolve(name))
    yield from _of_elements(rules, rule)


def _of_elements(rules: RuleSet, rule: Allocation) -> Iterator[Expectation]:
    named = [
        *(("to.values", Role.SERVES, element) for element in rule.values),
        *(("to.percent", Role.SERVES, element) for element, _ in rule.percent),
        *(("to.exclude", Role.ASKS, element) for element in rule.excluded),
    ]
    if rule.remainder:
        named.append(("to.remainder", Role.NAMES, rule.remainder))
    if rule.cutoff is not None and rule.cutoff.element is not None:
        named.append(("cutoff.as", Role.NAMES, rule.cutoff.element))
    for path, role, element in named:
        for name, value in zip(rule.to, element, strict=True):
            yield Expectation("allocation", rule, path, role, name, rules.resolve(name), value)


def _of_condition(
    kind: str, entry: Entry, path: str, condition: Condition, rules: RuleSet, inside: str | None
) -> Iterator[Expectation]:
    for test in tests_in(condition):
        meaning = rules.resolve(test.field, inside=inside)
        if meaning.kind == "tag":
            yield Expectation(kind, entry, path, Role.READS, test.field, meaning)
        for value in _exact_values(test):
            yield Expectation(kind, entry, path, Role.ASKS, test.field, meaning, value, test.ignore_case)


def _exact_values(test: Test) -> tuple[str, ...]:
    """The texts a test compares with as a whole; other operators, ids of allocations and missing are no values."""
    if test.operator not in ("is", "not") or test.field == "allocated_by":
        return ()
    return tuple(value for value in test.values if value is not None)
