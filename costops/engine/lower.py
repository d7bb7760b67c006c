"""Rule sets become programs: names get their meaning, conditions are cut into what is fixed and what moves.

Invariant: whatever no allocation can change is computed once per distinct value before the first step, as one truth
value for each largest fixed part of a condition; a step then looks at slots only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import gcd
from typing import TypedDict

from costops.engine.conditions import condition_expression, path_test, test_expression
from costops.engine.ir import (
    TRUTH,
    UNITS,
    Fields,
    Layer,
    MetricBasis,
    MetricUse,
    Program,
    RawField,
    Step,
    Watched,
    mark_of,
)
from costops.engine.watching import Columns, watched
from costops.model.conditions import All, AnyOf, Condition, Not, Test, all_of, make_test, tests_in
from costops.model.cycles import dimension_order, names_read
from costops.model.expectations import expectations, keys_read
from costops.model.expression import Column, Expression, Literal, call, columns_in
from costops.model.rules import Allocation, Dimension, DimensionRule, Label, Meaning, Method, RuleSet, Source, Transform
from costops.money import WHOLE_PICOS

MISSING = Literal(None)
ALLOCATED = "Allocated"
"""How the columns begin that say along what a provider has split a charge."""


def lower(rules: RuleSet, *, report: Sequence[str], cost: str, fields: Fields, watch: bool = False) -> Program:
    """The program of a checked rule set; raw fields that it needs are added to `fields`.

    With `watch` it knows what the rules expect of the bill, for warnings.
    """
    return _Lowering(rules, tuple(report), cost, fields).program(watch=watch)


def transformed(value: Expression, transforms: Iterable[Transform], tables: Mapping[str, str]) -> Expression:
    """Text after transforms; empty text is missing. `tables` has the engine's name of each lookup table by its id."""
    for transform in transforms:
        arguments: tuple[Expression, ...] = tuple(Literal(each) for each in transform.arguments)
        if transform.name == "split":
            arguments = (Literal(transform.arguments[0]), Literal(int(transform.arguments[1])))
        elif transform.name == "lookup":
            arguments = (Literal(tables[transform.arguments[0]]),)
        value = call(transform.name, value, *arguments)
    return call("present", value)


def formatted(rule: DimensionRule, parts: Sequence[Expression]) -> Expression:
    """The values of a rule's `concat` put into its format; missing where one of them is."""
    pieces = [Literal(each) if isinstance(each, str) else parts[each] for each in rule.format]
    return call("concat", *pieces)


class _Layers:
    """Computed columns, each in the first layer after everything it reads; equal expressions share a column."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._depth: dict[str, int] = {}
        self._names: dict[Expression, str] = {}
        self._layers: list[list[tuple[str, Expression]]] = []

    def define(self, expression: Expression) -> Column:
        if isinstance(expression, Column):
            return expression
        if expression in self._names:
            return Column(self._names[expression])
        depth = 1 + max((self._depth.get(name, 0) for name in columns_in(expression)), default=0)
        name = f"{self._prefix}{len(self._names)}"
        self._names[expression] = name
        self._depth[name] = depth
        while len(self._layers) < depth:
            self._layers.append([])
        self._layers[depth - 1].append((name, expression))
        return Column(name)

    def layers(self) -> tuple[Layer, ...]:
        return tuple(tuple(layer) for layer in self._layers)


def _renamed(cleaned: Column, label: Label, layers: _Layers) -> Column:
    """A transformed value after the label's drops and renames."""
    cases: list[Expression] = []
    if label.drop is not None:
        cases += [condition_expression(label.drop, lambda _: cleaned), MISSING]
    for rename in label.rename:
        cases += [condition_expression(rename.where, lambda _: cleaned), Literal(rename.value)]
    return layers.define(call("case", *cases, cleaned)) if cases else cleaned


class _Watching(TypedDict, total=False):
    watched: tuple[Watched, ...]
    readers: tuple[tuple[str, ...], ...]


class _Lowering:
    def __init__(self, rules: RuleSet, report: tuple[str, ...], cost: str, fields: Fields) -> None:
        self._rules = rules
        self._report = report
        self._cost = cost
        self._fields = fields
        self._layers = _Layers("x")
        self._results = _Layers("y")
        self._tables = {each.id: fields.lookup(each.rows) for each in rules.used_lookups()}
        self._labels: dict[str, Expression] = {}
        self._dimensions: dict[str, Expression] = {}
        self._result_columns: dict[str, Expression] = {}
        self._read: dict[Meaning, list[str]] = {}
        """Columns with what a label or dimension reads, before its own words."""
        self._slots: dict[tuple[str, str], str] = {}
        self._slot_columns: dict[str, str] = {}
        self._allocations = tuple(each for each in rules.allocations if each.enabled)
        self._writers: dict[str, list[int]] = {}
        """Places of the allocations so far, by the dimensions that they overwrite."""
        self._running = frozenset(name for each in self._allocations for name in each.into)

    def program(self, *, watch: bool) -> Program:
        for label in self._rules.labels:
            if label.enabled:
                self._labels[label.id] = self._label(label)
        ordered = dimension_order(self._rules)
        for dimension in ordered:
            if not dimension.result_stage:
                self._dimensions[dimension.id] = self._dimension(dimension)
        results = {each.id: each for each in ordered if each.result_stage}
        reported = [name for name in self._report if name not in results]
        report_slots = {name: self._slot(name) for name in reported}
        needed = [results[name] for name in self._report if name in results]
        for dimension in results.values():
            if needed:
                self._result_columns[dimension.id] = self._result_dimension(dimension)
        steps = tuple(self._step(number, each) for number, each in enumerate(self._allocations, start=1))
        columns = {**report_slots}
        for dimension in needed:
            columns[dimension.id] = self._results.define(call("present", self._result_columns[dimension.id])).name
        return Program(
            layers=self._layers.layers(),
            slots=tuple((slot, column) for slot, column in self._slot_columns.items()),
            steps=steps,
            result_layers=self._results.layers(),
            report=tuple((name, columns[name]) for name in self._report),
            cost=self._cost,
            running=tuple((slot, name) for (kind, name), slot in self._slots.items() if kind == "running"),
            **(self._watching() if watch else _Watching()),
        )

    # Values before the first allocation.

    def _raw(self, kind: str, name: str) -> Column:
        return Column(self._fields.column(RawField(kind, name)))

    def _fixed(self, name: str, inside: str | None = None) -> Expression:
        """The value of a name before the first allocation."""
        meaning = self._rules.resolve(name, inside=inside)
        if meaning.kind in ("column", "tag"):
            return self._raw(meaning.kind, meaning.name)
        if meaning.kind == "direct":
            return self._fixed(meaning.name)
        known = self._labels if meaning.kind == "label" else self._dimensions
        return known.get(meaning.name, MISSING)

    def _transformed(self, value: Expression, transforms: Iterable[Transform]) -> Expression:
        return transformed(value, transforms, self._tables)

    def _label(self, label: Label) -> Expression:
        values = []
        for source in label.sources:
            is_tag = source.field.startswith("Tags.")
            field = self._raw("tag" if is_tag else "column", source.field.removeprefix("Tags."))
            cleaned = self._layers.define(self._transformed(field, (*source.transform, *label.transform)))
            self._read.setdefault(Meaning("label", label.id), []).append(cleaned.name)
            values.append(_renamed(cleaned, label, self._layers))
        return self._layers.define(call("first_present", *values))

    def _sources(self, sources: Sequence[Source], transforms: Sequence[Transform], inside: str) -> Expression:
        values = [
            self._transformed(self._fixed(each.field, inside), (*each.transform, *transforms)) for each in sources
        ]
        defined = [self._layers.define(value) for value in values]
        self._read.setdefault(Meaning("dimension", inside), []).extend(each.name for each in defined)
        return call("first_present", *defined)

    def _dimension(self, dimension: Dimension) -> Expression:
        values: list[Expression] = []
        for rule in dimension.rules:
            value: Expression = Literal(rule.value)
            if rule.sources:
                value = self._sources(rule.sources, rule.transform, dimension.id)
            if rule.concat:
                parts = [
                    self._layers.define(self._transformed(self._fixed(each.field, dimension.id), each.transform))
                    for each in rule.concat
                ]
                joined = self._layers.define(self._transformed(formatted(rule, parts), rule.transform))
                self._read.setdefault(Meaning("dimension", dimension.id), []).append(joined.name)
                value = joined
            where = self._fixed_condition(rule.where, dimension.id)
            values.append(value if where is None else call("case", where, value, MISSING))
        return self._layers.define(call("first_present", *values, Literal(dimension.default)))

    def _fixed_condition(self, condition: Condition, inside: str | None) -> Expression | None:
        """A condition over values before the first allocation; None where it always holds."""
        match condition:
            case Test():
                return test_expression(self._fixed(condition.field, inside), condition)
            case All(()):
                return None
            case All(parts):
                return call("and", *(self._always(self._fixed_condition(part, inside)) for part in parts))
            case AnyOf(parts):
                return call("or", *(self._always(self._fixed_condition(part, inside)) for part in parts))
            case Not(part):
                return call("not", self._always(self._fixed_condition(part, inside)))

    @staticmethod
    def _always(expression: Expression | None) -> Expression:
        return Literal(True) if expression is None else expression

    # What the rules expect of the bill.

    def _watching(self) -> _Watching:
        found = expectations(self._rules)
        columns = Columns(self._known_column, lambda meaning: tuple(self._read.get(meaning, ())), self._running_slot)
        read = [[key for key in keys if self._fields.known(RawField("tag", key))] for keys in keys_read(found).values()]
        readers = tuple(sorted({tuple(keys) for keys in read if keys}))
        return {"watched": watched(found, columns), "readers": readers}

    def _known_column(self, meaning: Meaning) -> str | None:
        """The column with a field's value before the first allocation, where the program has one."""
        if meaning.kind in ("column", "tag"):
            return self._fields.known(RawField(meaning.kind, meaning.name))
        if meaning.kind == "direct":
            return self._known_column(self._rules.resolve(meaning.name))
        known = self._labels if meaning.kind == "label" else self._dimensions
        value = known.get(meaning.name)
        return value.name if isinstance(value, Column) else None

    def _running_slot(self, meaning: Meaning) -> str | None:
        return self._slots.get(("running", meaning.name)) if meaning.kind in ("label", "dimension") else None

    # Slots: what a profile carries through the steps.

    def _add_slot(self, key: tuple[str, str], column: str) -> str:
        if key not in self._slots:
            slot = f"{TRUTH if key[0] == 'truth' else 's'}{len(self._slots)}"
            self._slots[key] = slot
            self._slot_columns[slot] = column
        return self._slots[key]

    def _slot(self, name: str) -> str:
        """The slot that holds the running value of a name, or its fixed value where no allocation writes it."""
        running = name in self._running
        value = self._layers.define(self._fixed(name))
        return self._add_slot(("running", name) if running else ("fixed", value.name), value.name)

    def _is_fixed(self, condition: Condition) -> bool:
        return all(test.field != "allocated_by" and test.field not in self._running for test in tests_in(condition))

    def _truth(self, condition: Condition, inside: str | None) -> Expression:
        """A slot with the truth of a fixed condition."""
        lowered = self._layers.define(call("and", self._always(self._fixed_condition(condition, inside))))
        return Column(self._add_slot(("truth", lowered.name), lowered.name))

    def _condition(self, condition: Condition, inside: str | None = None) -> Expression:
        """A condition over slots and the path, its fixed parts each one slot."""
        if condition == All(()):
            return Literal(True)
        if self._is_fixed(condition):
            return self._truth(condition, inside)
        match condition:
            case Test() if condition.field == "allocated_by":
                return path_test(condition)
            case Test():
                return test_expression(Column(self._slot(condition.field)), condition)
            case All(parts) | AnyOf(parts):
                fixed = tuple(part for part in parts if self._is_fixed(part))
                rest = tuple(part for part in parts if not self._is_fixed(part))
                together = type(condition)(fixed) if len(fixed) != 1 else fixed[0]
                lowered = [self._truth(together, inside)] if fixed else []
                lowered += [self._condition(part, inside) for part in rest]
                return call("and" if isinstance(condition, All) else "or", *lowered)
            case Not(part):
                return call("not", self._condition(part, inside))

    # Result-stage dimensions: from slots.

    def _result_value(self, name: str, inside: str) -> Expression:
        if name != inside and name in self._result_columns:
            return self._result_columns[name]
        if name == inside:
            value = self._layers.define(self._fixed(name, inside))
            return Column(self._add_slot(("fixed", value.name), value.name))
        return Column(self._slot(name))

    def _result_condition(self, condition: Condition, inside: str) -> Expression:
        if any(test.field in self._result_columns for test in tests_in(condition)):
            match condition:
                case Test():
                    return test_expression(self._result_value(condition.field, inside), condition)
                case All(parts):
                    return call("and", *(self._result_condition(part, inside) for part in parts))
                case AnyOf(parts):
                    return call("or", *(self._result_condition(part, inside) for part in parts))
                case Not(part):
                    return call("not", self._result_condition(part, inside))
        return self._condition(condition, inside)

    def _result_dimension(self, dimension: Dimension) -> Expression:
        values: list[Expression] = []
        for rule in dimension.rules:
            value: Expression = Literal(rule.value)
            if rule.sources:
                each_value = [
                    self._transformed(self._result_value(each.field, dimension.id), (*each.transform, *rule.transform))
                    for each in rule.sources
                ]
                value = call("first_present", *(self._results.define(each) for each in each_value))
            if rule.concat:
                parts = [
                    self._results.define(
                        self._transformed(self._result_value(each.field, dimension.id), each.transform)
                    )
                    for each in rule.concat
                ]
                value = self._results.define(self._transformed(formatted(rule, parts), rule.transform))
            if rule.where != All(()):
                value = call("case", self._result_condition(rule.where, dimension.id), value, MISSING)
            values.append(value)
        return self._results.define(call("first_present", *values, Literal(dimension.default)))

    # Steps.

    def _step(self, number: int, rule: Allocation) -> Step:
        source = matched = self._condition(self._taken_condition(rule))
        writers = {place for name in rule.into for place in self._writers.get(name, ())}
        earlier = [self._allocations[place].id for place in sorted(writers)]
        for name in rule.into:
            self._writers.setdefault(name, []).append(number - 1)
        allocated = [Column(mark_of(self._slot(name))) for name in rule.into] if earlier else []
        if rule.allocated == "exclude" and allocated:
            source = call("and", source, call("not", call("or", *allocated)))
        elif rule.allocated == "only":
            source = call("and", source, call("or", *allocated))
        evenly = tuple((element, 1) for element in rule.values)
        given = rule.percent if rule.method is Method.PERCENT else evenly
        rest = WHOLE_PICOS - sum(share for _, share in rule.percent) if rule.remainder is not None else 0
        if rest and rule.remainder:
            given, rest = (*given, (rule.remainder, rest)), 0
        metrics = self._metrics(rule) if rule.method is Method.METRIC else ()
        partition = tuple(self._slot(name) for name in rule.partition_by)
        into = tuple(self._slot(name) for name in rule.into)
        from_costs = not metrics and (rule.method is Method.PROPORTIONAL or not given)
        direct = from_costs and rule.basis_from == "direct" and not rule.include_source
        unit = UNITS.get(rule.basis_quantity or "")
        report = tuple(dict.fromkeys(self._slots_of_report()))
        return Step(
            number=number,
            rule=rule.id,
            source=source,
            matched=matched,
            rivals=tuple(earlier) if rule.allocated == "exclude" else (),
            method=rule.method,
            destinations=tuple(self._slot(name) for name in rule.to) if from_costs else (),
            into=into,
            given=given,
            stays=rest,
            excluded=rule.excluded,
            partition=partition,
            basis=self._condition(_basis_condition(rule)) if from_costs else Literal(True),
            basis_amount=rule.basis_quantity or rule.basis_cost or self._cost,
            basis_from=rule.basis_from,
            include_source=rule.include_source,
            direct_source=self._condition(rule.source) if direct else Literal(False),
            unit=self._slot(unit) if unit is not None else None,
            granularity=rule.granularity,
            negative=rule.negative,
            on_empty=rule.on_empty,
            cutoff=rule.cutoff,
            effective=(rule.effective_from, rule.effective_until),
            metrics=metrics,
            billed=tuple(self._slot(name) for name in rule.to) if metrics and not given else (),
            group=tuple(slot for slot in report if slot not in into),
        )

    def _slots_of_report(self) -> Iterable[str]:
        for name in self._report:
            if name not in self._result_columns:
                yield self._slot(name)

    def _taken_condition(self, rule: Allocation) -> Condition:
        """The source's condition; what a provider has split already is split along its dimension only if named."""
        names = (test.field for test in tests_in(rule.source))
        if any(name.startswith(ALLOCATED) for name in names) or not any(self._is_providers(name) for name in rule.to):
            return rule.source
        return all_of((rule.source, make_test("AllocatedMethodId", "is", [None])))

    def _is_providers(self, name: str, inside: str | None = None) -> bool:
        """Whether a name is, or is made from, what the provider has split a charge along."""
        meaning = self._rules.resolve(name, inside=inside)
        if meaning.kind == "direct":
            return self._is_providers(meaning.name)
        if meaning.kind == "label":
            label = next((each for each in self._rules.labels if each.id == meaning.name and each.enabled), None)
            return label is not None and any(each.field.startswith(ALLOCATED) for each in label.sources)
        if meaning.kind == "dimension":
            dimension = next(each for each in self._rules.dimensions if each.id == meaning.name)
            return any(self._is_providers(read, meaning.name) for read, _, _ in names_read(dimension))
        return meaning.kind == "column" and name.startswith(ALLOCATED)

    def _metrics(self, rule: Allocation) -> tuple[MetricBasis, ...]:
        divisor = gcd(*(weight for _, weight in rule.basis_metrics))
        bases = []
        for identity, weight in rule.basis_metrics:
            use = self._metric(identity)
            known = {self._rules.resolve(name): column for name, column in use.columns}
            names = (*rule.to, *rule.partition_by, *(test.field for test in tests_in(_basis_condition(rule))))
            columns = {name: known[self._rules.resolve(name)] for name in names}
            bases.append(
                MetricBasis(
                    use,
                    _metric_condition(rule, columns),
                    tuple(columns[name] for name in rule.to),
                    tuple(columns[name] for name in rule.partition_by),
                    weight // divisor,
                )
            )
        return tuple(bases)

    def _metric(self, identity: str) -> MetricUse:
        metric = next(each for each in self._rules.metrics if each.id == identity)
        layers = _Layers("z")
        labels = tuple((label, f"m{place}") for place, (label, _) in enumerate(metric.labels))
        columns = []
        for (_, raw), (_, dimension) in zip(labels, metric.labels, strict=True):
            clean = next((each for each in self._rules.labels if each.id == dimension and each.enabled), None)
            value: Column = Column(raw)
            if clean is not None:
                value = _renamed(layers.define(self._transformed(value, clean.transform)), clean, layers)
            columns.append((dimension, layers.define(call("present", value)).name))
        return MetricUse(
            metric.id, metric.source, metric.query, metric.aggregate, labels, layers.layers(), tuple(columns)
        )


def _metric_condition(rule: Allocation, columns: Mapping[str, str]) -> Expression:
    return condition_expression(_basis_condition(rule), lambda name: Column(columns[name]))


def _basis_condition(rule: Allocation) -> Condition:
    return all_of((rule.basis, rule.element_where))
