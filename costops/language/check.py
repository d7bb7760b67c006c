"""Whether the entries of a rule set fit each other: names, references, cycles.

Invariant: a rule set without errors here can be lowered by the engine without another look at names. Disabled
entries are not checked, because they do not exist for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from types import MappingProxyType

from costops.language.costs import check_basis_cost, check_cost_names
from costops.language.names import Names
from costops.language.nearness import did_you_mean
from costops.language.problems import Problems
from costops.model.bill import COST_COLUMNS
from costops.model.conditions import Condition, tests_in
from costops.model.cycles import dimension_cycles, names_read
from costops.model.diagnostic import Diagnostic, Span
from costops.model.rules import (
    NOWHERE,
    Allocation,
    Dimension,
    Entry,
    Label,
    Meaning,
    Metric,
    RuleSet,
    tables_named,
)

_NESTED = re.compile(r"(?:(?:any|all)\[[0-9]+\]\.|not\.)+")


def check(
    rules: RuleSet,
    *,
    report: Sequence[str],
    known_columns: frozenset[str] | None,
    report_places: Mapping[str, Span] = MappingProxyType({}),
    metric_sources: frozenset[str] | None = None,
    broken: frozenset[tuple[str, str]] = frozenset(),
    complete: bool = True,
    cost_columns: tuple[str, ...] = COST_COLUMNS,
) -> list[Diagnostic]:
    """Every problem between the entries of a rule set, and of the names in `report`, by place.

    `known_columns` are the bill's columns; None: not known, so that an unknown name is a problem only where it looks
    like a slip. `report_places` has the place of `report[0]` and so on, and of what else costops.yaml says;
    `metric_sources` the names of costops.yaml, and `cost_columns` those of FOCUS and the ones it adds.
    `broken` names entries that lack something because of errors, and `complete` is False where entries are missing for
    that reason; what could be their fault alone is not reported.
    """
    problems = Problems()
    checker = Checker(rules, Names(rules, known_columns, problems, complete, cost_columns), metric_sources, broken)
    check_cost_names(rules, report_places, problems)
    checker.check_report(report, report_places)
    checker.check_cycles()
    for _, entry in rules.entries():
        checker.check_entry(entry)
    return list(problems.found())


class Checker:
    """Checks one entry at a time against all the others; making one costs nothing for each of them."""

    def __init__(
        self,
        rules: RuleSet,
        names: Names,
        metric_sources: frozenset[str] | None = None,
        broken: frozenset[tuple[str, str]] = frozenset(),
    ) -> None:
        self.rules = rules
        self.names = names
        self.problems = names.problems
        self.metric_sources = metric_sources
        self.broken = broken
        self.nested: dict[tuple[int, str], dict[str, str]] = {}
        self.fine: set[tuple[str, str]] = set()
        """(how it is used, name) of what had no problem, so that a name in thousands of rules is looked at once."""

    @cached_property
    def positions(self) -> dict[str, int]:
        """Places of the allocations."""
        return {each.id: position for position, each in enumerate(self.rules.allocations)}

    @cached_property
    def tables(self) -> frozenset[str]:
        """Ids of the lookup tables."""
        return frozenset(each.id for each in self.rules.lookups)

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The metrics by id."""
        return {each.id: each for each in self.rules.metrics}

    def check_entry(self, entry: Entry) -> None:
        """An entry against all others, unless it is disabled; cycles apart."""
        if not entry.enabled:
            return
        match entry:
            case Label():
                self.check_label(entry)
            case Dimension():
                self.check_dimension(entry)
            case Metric():
                self.check_metric(entry)
            case Allocation():
                self.check_allocation(entry)

    def check_report(self, report: Sequence[str], places: Mapping[str, Span]) -> None:
        for index, name in enumerate(report):
            span = places.get(f"report[{index}]") or places.get("report") or NOWHERE
            meaning = self.names.check(name, span)
            if name == "BillingCurrency":
                self.problems.error("CO310", span, "`BillingCurrency` is always reported and cannot be named here")
            elif meaning is not None:
                self._not_a_path(meaning, span)

    def check_label(self, label: Label) -> None:
        self._check_tables("label", label)
        for index, source in enumerate(label.sources):
            self.names.column_or_tag(source.field, label.place(f"from[{index}]"))

    def check_dimension(self, dimension: Dimension) -> None:
        self._check_tables("dimension", dimension)
        for name, path, in_condition in names_read(dimension):
            span = self._place(dimension, path, name) if in_condition else dimension.place(path)
            meaning = self.names.check(name, span, inside=dimension.id)
            if meaning is None:
                continue
            if meaning.kind == "allocated_by" and not (in_condition and dimension.result_stage):
                message = "`allocated_by` is known only after the allocations"
                hint = "use it in a condition of a dimension with `stage: result`, or of an allocation"
                self.problems.error("CO310", span, message, hint=hint)
            if not dimension.result_stage:
                self._not_a_result(meaning, span)
                self._not_direct(meaning, span)
        if dimension.result_stage:
            for index, rule in enumerate(dimension.rules):
                self._check_allocated_by(dimension, f"rules[{index}].where", rule.where, before=None)

    def check_cycles(self) -> None:
        for cycle in dimension_cycles(self.rules):
            first, second = self.names.dimension(cycle[0]), cycle[1]
            span = next(
                (
                    self._place(first, path, name) if in_condition else first.place(path)
                    for name, path, in_condition in names_read(first)
                    if self.rules.resolve(name, inside=first.id) == Meaning("dimension", second)
                ),
                first.span,
            )
            related = tuple((self.names.dimension(name).span, f"`{name}` is here") for name in cycle[1:-1])
            message = f"dimension cycle: {' -> '.join(cycle)}"
            self.problems.error(
                "CO304", span, message, hint="let one of them read a label or a column", related=related
            )

    def check_metric(self, metric: Metric) -> None:
        for label, name in metric.labels:
            meaning = self._check_dimension_name(metric, f"labels.{label}", name)
            if meaning is not None:
                self._not_direct(meaning, metric.place(f"labels.{label}"))
        known = self.metric_sources
        if known is not None and ("metric", metric.id) not in self.broken and metric.source not in known:
            hint = did_you_mean(metric.source, known, "name it under `metric_sources` in costops.yaml")
            message = f"unknown metric source `{metric.source}`"
            self.problems.error("CO318", metric.place("source"), message, hint=hint)

    def check_allocation(self, allocation: Allocation) -> None:
        self._check_condition(allocation, "source.where", allocation.source)
        self._check_condition(allocation, "basis.where", allocation.basis)
        self._check_condition(allocation, "to.where", allocation.element_where)
        for path, names in (("to.dimension", allocation.to), ("partition_by", allocation.partition_by)):
            for index, name in enumerate(names):
                look = partial(self._check_dimension_name, allocation, f"{path}[{index}]", name)
                self._look_once("dimension", name, look)
        for index, name in enumerate(allocation.into):
            self._look_once("into", name, partial(self._check_into, allocation, index, name))
        check_basis_cost(allocation, self.names.cost_columns, self.problems)
        for identity, _ in allocation.basis_metrics:
            several = len(allocation.basis_metrics) > 1
            self._check_basis_metric(allocation, identity, f"basis.metric.{identity}" if several else "basis.metric")

    def _check_tables(self, kind: str, entry: Entry) -> None:
        for name in tables_named(entry):
            if name not in self.tables and (kind, entry.id) not in self.broken:
                self.problems.error("CO320", entry.span, f"the lookup table {name} does not exist")

    def _check_condition(self, allocation: Allocation, path: str, condition: Condition) -> None:
        for test in tests_in(condition):
            look = partial(self._check_tested_name, allocation, path, test.field)
            self._look_once("condition", test.field, look)
        self._check_allocated_by(allocation, path, condition, before=allocation)

    def _look_once(self, use: str, name: str, look: Callable[[], object]) -> None:
        if (use, name) not in self.fine:
            before = self.problems.errors
            look()
            if self.problems.errors == before:
                self.fine.add((use, name))

    def _check_tested_name(self, allocation: Allocation, path: str, name: str) -> None:
        span = self._place(allocation, path, name)
        meaning = self.names.check(name, span)
        if meaning is not None:
            self._not_a_result(meaning, span)

    def _check_allocated_by(self, entry: Entry, path: str, condition: Condition, *, before: Allocation | None) -> None:
        for test in tests_in(condition):
            if test.field != "allocated_by":
                continue
            limit = len(self.rules.allocations) if before is None else self.positions[before.id]
            if test.operator not in ("is", "not", "present") or test.ignore_case:
                what = "ignore_case" if test.ignore_case else test.operator
                message = f"`{what}` cannot be used with `allocated_by`, which holds whole ids of allocations"
                hint = "write an id, a list of ids, `null`, `not`, `not_in` or `present`"
                self.problems.error("CO319", self._place(entry, path, test.field), message, hint=hint)
                continue
            for identity in test.values:
                if identity is not None and test.operator != "present":
                    self._check_earlier(identity, limit, self._place(entry, path, test.field))

    def _check_earlier(self, identity: str, limit: int, span: Span) -> None:
        position = self.positions.get(identity)
        if position is None:
            if self.names.complete:
                hint = did_you_mean(identity, self.names.words("allocation"))
                self.problems.error("CO308", span, f"unknown allocation `{identity}`", hint=hint)
            return
        other = self.rules.allocations[position]
        related = ((other.span, f"`{identity}` is here"),)
        if not other.enabled:
            message = f"the allocation `{identity}` is disabled"
            self.problems.error("CO303", span, message, hint="enable it, or remove it here", related=related)
        elif position >= limit:
            message = (
                f"the allocation `{identity}` does not come before this one, so that nothing is allocated by it yet"
            )
            hint = "allocations run by path of the file, then place in the file"
            self.problems.error("CO309", span, message, hint=hint, related=related)

    def _check_dimension_name(self, entry: Entry, path: str, name: str) -> Meaning | None:
        span = entry.place(path)
        meaning = self.names.check(name, span)
        if meaning is not None:
            self._not_a_path(meaning, span)
            self._not_a_result(meaning, span)
        return meaning

    def _check_into(self, allocation: Allocation, index: int, name: str) -> None:
        written = "into" if "into" in allocation.places else "to.dimension"
        span = allocation.place(f"{written}[{index}]")
        meaning = self.names.check(name, span)
        if meaning is None or meaning.kind in ("dimension", "allocated_by"):
            if meaning is not None and meaning.kind == "dimension":
                self._not_a_result(meaning, span)
            return
        if name.startswith(("label.", "direct.")):
            what = "of the label" if meaning.kind == "label" else "from before the first allocation"
            message = f"`{name}` always keeps the value {what}"
            self.problems.error("CO307", span, message, hint=f"write `into: {meaning.name}`")
        elif meaning.kind != "label":
            message = f"`{name}` is a {meaning.kind} of the bill, which is never overwritten"
            hint = "declare a dimension with `rules: []` and name it in `into`"
            self.problems.error("CO307", span, message, hint=hint)

    def _check_basis_metric(self, allocation: Allocation, identity: str, written: str) -> None:
        metric = self.metrics.get(identity)
        if metric is None:
            if self.names.complete:
                hint = did_you_mean(identity, self.names.words("metric"))
                place = allocation.place(written)
                self.problems.error("CO311", place, f"unknown metric `{identity}`", hint=hint)
            return
        related = ((metric.span, "the metric is here"),)
        if not metric.enabled:
            message = f"the metric `{identity}` is disabled"
            self.problems.error("CO312", allocation.place(written), message, hint="enable it", related=related)
            return
        if ("metric", identity) in self.broken:
            return
        labelled = {self.rules.resolve(name) for _, name in metric.labels}
        for path, name in _names_of_records(allocation):
            if self.rules.resolve(name) not in labelled:
                place = self._place(allocation, path, name) if path.endswith(".where") else allocation.place(path)
                message = f"the metric `{identity}` has no label for `{name}`"
                hint = f"map one of its labels to `{name}` under `labels`"
                self.problems.error("CO313", place, message, hint=hint, related=related)

    def _place(self, entry: Entry, path: str, name: str) -> Span:
        """Where a condition names a field: directly, else at the first place inside `any`, `all` or `not`."""
        direct = entry.places.get(f"{path}.{name}")
        if direct is not None:
            return direct
        nested = self.nested.get((id(entry), path))
        if nested is None:
            nested = self.nested[id(entry), path] = {}
            for place in entry.places:
                inside = _NESTED.match(place, len(path) + 1) if place.startswith(f"{path}.") else None
                if inside is not None:
                    nested.setdefault(place[inside.end() :], place)
        return entry.place(nested.get(name, path))

    def _not_a_result(self, meaning: Meaning, span: Span) -> None:
        if meaning.kind == "dimension" and self.names.dimension(meaning.name).result_stage:
            related = ((self.names.dimension(meaning.name).span, "the dimension is here"),)
            message = f"`{meaning.name}` is computed after the last allocation and cannot be used in a rule"
            self.problems.error("CO306", span, message, hint="use what it is made from", related=related)

    def _not_direct(self, meaning: Meaning, span: Span) -> None:
        if meaning.kind == "direct":
            message = (
                f"`direct.{meaning.name}` can be used in allocations, in dimensions of the result stage and in reports"
            )
            self.problems.error("CO310", span, message, hint=f"write {meaning.name}, which has that value here")

    def _not_a_path(self, meaning: Meaning, span: Span) -> None:
        if meaning.kind == "allocated_by":
            message = "`allocated_by` can be used in conditions only"
            self.problems.error("CO310", span, message)


def _names_of_records(allocation: Allocation) -> list[tuple[str, str]]:
    """(path, name) of every dimension that metric records must have."""
    return [
        *((f"to.dimension[{index}]", name) for index, name in enumerate(allocation.to)),
        *((f"partition_by[{index}]", name) for index, name in enumerate(allocation.partition_by)),
        *(("basis.where", test.field) for test in tests_in(allocation.basis)),
        *(("to.where", test.field) for test in tests_in(allocation.element_where)),
    ]
