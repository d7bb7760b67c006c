"""The oracle: a small, slow, exact evaluator of rules in plain Python.

Invariant: it follows the written meaning of evaluation step by step, with fractions and lists of rows, and shares no
code with the engine; only the language's data (RuleSet) is common to both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from reference_rows import PICOS, UNITS, Row, amount, clipped, earlier, instant, interval, read_row
from reference_shares import (
    Bucket,
    Element,
    EmptyBucketError,
    NegativeWeightError,
    RuleFailedError,
    SeveralUnitsError,
    Weighing,
    Weights,
    shares,
)
from reference_values import Tables, Text, cleaned, holds, put_together, transformed

from costops.model.conditions import tests_in
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Label,
    Meaning,
    Method,
    Metric,
    RuleSet,
    Source,
    Transform,
)

__all__ = [
    "COSTS",
    "EmptyBucketError",
    "NegativeWeightError",
    "Result",
    "Rounding",
    "RuleFailedError",
    "SeveralUnitsError",
    "amount",
    "evaluate",
]

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
"""Cost columns of FOCUS; a bill has those that at least one of its rows names."""

Key = tuple[str, str, str, tuple[Text, ...], tuple[str, ...]]
"""(billing month, day, currency, report values, path)."""
Result = dict[Key, dict[str, Fraction]]
Rounding = Callable[[Fraction], int]


def field_value(row: Row, name: str) -> Text:
    """A tag or a column of the bill."""
    value = row.tags.get(name.removeprefix("Tags.")) if name.startswith("Tags.") else row.columns.get(name)
    return value or None


def label_value(label: Label, row: Row, tables: Tables) -> Text:
    """The first source that is present after its own transforms and the label's."""
    own = (transformed(field_value(row, each.field), each.transform, tables) for each in label.sources)
    values = (cleaned(label, value, tables) for value in own)
    return next((value for value in values if value is not None), None)


class Evaluation:
    """One evaluation of a rule set over rows."""

    def __init__(
        self,
        rules: RuleSet,
        metrics: Sequence[Mapping[str, object]],
        cost: str,
        rounding: Rounding | None,
        notes: Counter[str],
    ) -> None:
        self.rules = rules
        self.rounding = rounding
        self.records = metrics
        self.cost = cost
        self.notes = notes
        self.tables = {each.id: dict(each.rows) for each in rules.lookups}
        self.labels = {each.id: each for each in rules.labels if each.enabled}
        self.dimensions = {each.id: each for each in rules.dimensions if each.enabled}
        self.metrics = {each.id: each for each in rules.metrics if each.enabled}
        self.allocations = [each for each in rules.allocations if each.enabled]
        self.into = {each.id: set(each.into) for each in self.allocations}

    def start(self, row: Row) -> None:
        """Computes what allocations find: labels, then dimensions but for those of the result stage."""
        row.labels = {name: label_value(label, row, self.tables) for name, label in self.labels.items()}
        row.running = {name: value for name, value in row.labels.items() if name not in self.dimensions}
        for name, dimension in self.dimensions.items():
            if not dimension.result_stage:
                self.value(row, name)
        row.direct = dict(row.running)

    def value(self, row: Row, name: str, inside: str | None = None) -> Text | tuple[str, ...]:
        """The running value of a name; dimensions are computed when first asked for."""
        meaning = self.rules.resolve(name, inside=inside)
        if meaning.kind == "allocated_by":
            return row.path
        if meaning.kind == "direct":
            return row.direct[meaning.name]
        if meaning.kind == "dimension":
            if meaning.name not in row.running:
                row.running[meaning.name] = self.dimension_value(self.dimensions[meaning.name], row)
            return row.running[meaning.name]
        if meaning.kind == "label":
            fixed = name.startswith("label.") or name == inside
            return row.labels.get(meaning.name) if fixed else row.running[meaning.name]
        return field_value(row, name)

    def text(self, row: Row, name: str, inside: str | None = None) -> Text:
        value = self.value(row, name, inside)
        assert not isinstance(value, tuple), name
        return value

    def texts(self, row: Row, names: Sequence[str]) -> Element:
        return tuple(self.text(row, name) for name in names)

    def dimension_value(self, dimension: Dimension, row: Row) -> Text:
        """The first rule that yields a value, else the default."""
        inside = dimension.id
        for rule in dimension.rules:
            if holds(rule.where, lambda name: self.value(row, name, inside)):
                found = self.rule_value(rule, row, inside)
                if found is not None:
                    return found
        return dimension.default or None

    def rule_value(self, rule: DimensionRule, row: Row, inside: str) -> Text:
        """What one rule of a dimension says."""

        def read(source: Source, transform: tuple[Transform, ...] = ()) -> Text:
            return transformed(self.text(row, source.field, inside), (*source.transform, *transform), self.tables)

        if rule.concat:
            joined = put_together(rule.format, [read(each) for each in rule.concat])
            self.notes["concat missing" if joined is None else "concat"] += 1
            return transformed(joined, rule.transform, self.tables)
        values = [rule.value or None, *(read(each, rule.transform) for each in rule.sources)]
        return next((value for value in values if value is not None), None)

    # Allocations

    def is_source(self, rule: Allocation, row: Row) -> bool:
        """Whether a rule takes a row: its condition, who allocated the row before, its days, the provider's splits."""
        allocated = any(self.into[earlier_rule] & set(rule.into) for earlier_rule in row.path)
        if (rule.allocated == "exclude" and allocated) or (rule.allocated == "only" and not allocated):
            return False
        if not holds(rule.source, lambda name: self.value(row, name)):
            return False
        if clipped((row.day, row.day), (rule.effective_from, rule.effective_until)) != (row.day, row.day):
            self.notes["outside effective"] += 1
            return False
        if self.is_split_by_provider(rule, row):
            self.notes["split by the provider"] += 1
            return False
        return True

    def is_split_by_provider(self, rule: Allocation, row: Row) -> bool:
        """Whether the provider has split a row along what the rule splits along, and the rule does not name it."""
        if row.columns.get("AllocatedMethodId") is None:
            return False
        if any(test.field.startswith("Allocated") for test in tests_in(rule.source)):
            return False
        return any(self.is_providers(name) for name in rule.to)

    def is_providers(self, name: str, inside: str | None = None) -> bool:
        """Whether a name is, or is made from, what a provider's split has said."""
        meaning = self.rules.resolve(name, inside=inside)
        if meaning.kind == "direct":
            return self.is_providers(meaning.name)
        if meaning.kind == "label":
            return any(each.field.startswith("Allocated") for each in self.labels[meaning.name].sources)
        if meaning.kind == "dimension":
            names = (name for rule in self.dimensions[meaning.name].rules for name in names_in(rule))
            return any(self.is_providers(each, meaning.name) for each in names)
        return name.startswith("Allocated")

    def allocate(self, rule: Allocation, rows: list[Row], originals: list[Row]) -> list[Row]:
        """The ledger after one rule."""
        taken = [self.is_source(rule, row) for row in rows]
        if rule.method is Method.METRIC:
            basis = self.metric_basis(rule)
        elif rule.basis_from == "direct":
            basis = self.row_basis(rule, [row for row in originals if self.is_in_direct_basis(rule, row)])
        else:
            kept = [row for row, is_taken in zip(rows, taken, strict=True) if rule.include_source or not is_taken]
            basis = self.row_basis(rule, kept)
        known: dict[Bucket, Weights] = {}
        result = []
        for row, is_taken in zip(rows, taken, strict=True):
            if not is_taken:
                result.append(row)
                continue
            bucket = self.bucket(rule, row)
            if bucket not in known:
                known[bucket] = shares(rule, basis, bucket, self.notes)
            result.extend(self.split(rule, row, known[bucket]))
        return result

    def bucket(self, rule: Allocation, row: Row) -> Bucket:
        """What a source row is split together with."""
        days = clipped(interval(rule.granularity, row), (rule.effective_from, rule.effective_until))
        by_currency = rule.method is Method.PROPORTIONAL and rule.basis_quantity is None
        if days != interval(rule.granularity, row):
            self.notes["bucket clipped by effective"] += 1
        return Bucket(
            days=days,
            earlier=tuple(earlier(rule.granularity, row)),
            currency=row.currency if by_currency else None,
            partition=self.texts(row, rule.partition_by),
        )

    def split(self, rule: Allocation, row: Row, parts: Weights) -> list[Row]:
        """One row per element: destinations overwritten, the rule in the path, every amount split alike.

        What the parts leave stays where it was.
        """
        made = [
            replace(
                self.part(row, part),
                running={**row.running, **dict(zip(rule.into, element, strict=True))},
                path=(*row.path, rule.id),
            )
            for element, part in parts.items()
        ]
        rest = 1 - sum(parts.values(), Fraction(0))
        return [*made, self.part(row, rest)] if rest else made

    def part(self, row: Row, part: Fraction) -> Row:
        """A fraction of a row."""
        if part == 1:
            return row
        return replace(
            row,
            costs={name: self.rounded(cost * part) for name, cost in row.costs.items()},
            quantities={name: self.rounded(quantity * part) for name, quantity in row.quantities.items()},
        )

    def rounded(self, number: Fraction) -> Fraction:
        return number if self.rounding is None else Fraction(self.rounding(number * PICOS), PICOS)

    def is_in_direct_basis(self, rule: Allocation, row: Row) -> bool:
        """Whether a row before the first allocation is in a rule's basis, but for its conditions."""
        return rule.include_source or not holds(rule.source, lambda name: self.value(row, name))

    def row_basis(self, rule: Allocation, rows: Sequence[Row]) -> list[Weighing]:
        """What rows say, narrowed by `basis.where` and `to.where`."""
        return [
            Weighing(
                day=row.day,
                currency=row.currency,
                partition=self.texts(row, rule.partition_by),
                element=self.texts(row, rule.to),
                weight=self.weight(rule, row),
                unit=row.columns.get(UNITS[rule.basis_quantity]) if rule.basis_quantity else None,
            )
            for row in rows
            if self.counts(rule, lambda name, row=row: self.value(row, name))  # type: ignore[misc]
        ]

    def counts(self, rule: Allocation, value_of: Callable[[str], Text | tuple[str, ...]]) -> bool:
        """Whether a row or record is let in by `basis.where` and `to.where`."""
        if not holds(rule.basis, value_of):
            return False
        if not holds(rule.element_where, value_of):
            self.notes["kept out by to.where"] += 1
            return False
        return True

    def weight(self, rule: Allocation, row: Row) -> Fraction:
        if rule.basis_quantity is not None:
            return row.quantities[rule.basis_quantity]
        return row.costs.get(rule.basis_cost or self.cost, Fraction(0))

    def metric_basis(self, rule: Allocation) -> list[Weighing]:
        """What the metrics' records say by the dimensions that their labels name."""
        weighings = []
        for metric in (self.metrics[name] for name, _ in rule.basis_metrics):
            for record in daily(metric, self.records):
                mapped = self.mapped(metric, record)

                def value_of(name: str, mapped: Mapping[Meaning, Text] = mapped) -> Text:
                    return mapped[self.rules.resolve(name)]

                if self.counts(rule, value_of):
                    weighings.append(
                        Weighing(
                            day=str(record["date"]),
                            currency="",
                            partition=tuple(value_of(name) for name in rule.partition_by),
                            element=tuple(value_of(name) for name in rule.to),
                            weight=Fraction(str(record["value"])),
                            metric=metric.id,
                        )
                    )
        return weighings

    def mapped(self, metric: Metric, record: Mapping[str, object]) -> dict[Meaning, Text]:
        """A record's values by what they mean here, cleaned as the label of the dimension's name cleans them."""
        labels = record["labels"]
        assert isinstance(labels, Mapping)
        values = {}
        for theirs, ours in metric.labels:
            value = labels.get(theirs) or None
            cleaner = self.labels.get(ours)
            values[self.rules.resolve(ours)] = cleaned(cleaner, value, self.tables) if cleaner else value
        return values


def names_in(rule: DimensionRule) -> list[str]:
    """What decides a dimension's value: what its rule reads, and what its condition looks at."""
    sources = [each.field for each in (*rule.sources, *rule.concat)]
    return [*sources, *(test.field for test in tests_in(rule.where))]


def daily(metric: Metric, records: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    """A metric's records with those of one day and the same labels made one, as its `aggregate` says."""
    finer: dict[tuple[str, str], list[Mapping[str, object]]] = {}
    for record in records:
        if record["metric"] == metric.query:
            labels = record["labels"]
            assert isinstance(labels, Mapping)
            known = sorted((name, value) for name, value in labels.items() if value)
            day = instant(str(record["date"])).date().isoformat()
            finer.setdefault((day, repr(known)), []).append(record)
    result: list[Mapping[str, object]] = []
    for (day, _), same in finer.items():
        values = [amount(record["value"]) for record in sorted(same, key=lambda each: instant(str(each["date"])))]
        total = sum(values, Fraction(0))
        made = {"sum": total, "avg": total / len(values), "max": max(values), "last": values[-1]}[metric.aggregate]
        result.append({**same[0], "date": day, "value": made})
    return result


def cost_columns(bill: Sequence[Mapping[str, object]], more: Mapping[str, str]) -> dict[str, str]:
    """The column of each cost: FOCUS's that the bill has, then the bill's own."""
    return {**{name: name for name in COSTS if any(name in charge for charge in bill)}, **more}


def evaluate(
    rules: RuleSet,
    bill: Sequence[Mapping[str, object]],
    metrics: Sequence[Mapping[str, object]] = (),
    *,
    report: Sequence[str],
    cost: str = "EffectiveCost",
    costs: Mapping[str, str] | None = None,
    rounding: Rounding | None = None,
    notes: Counter[str] | None = None,
) -> Result:
    """The exact ledger: (billing month, day, currency, report values, path) to the amount of each cost column.

    `bill` holds charges under FOCUS column names, `metrics` records of `date`, `metric`, `labels` (a dict) and
    `value`; `costs` has the column of each further cost by its name. With `rounding` every part of a split is rounded
    to 1e-12 by it: how far the result moves says how much of it hangs on the last digits. `notes` counts which
    policies decided something. Raises RuleFailedError where a rule asks that the plan fails.
    """
    columns = cost_columns(bill, costs or {})
    rows = [read_row(charge, columns) for charge in bill]
    evaluation = Evaluation(rules, metrics, cost, rounding, Counter() if notes is None else notes)
    for row in rows:
        evaluation.start(row)
    originals = rows
    for rule in evaluation.allocations:
        rows = evaluation.allocate(rule, rows, originals)
    result: Result = {}
    for row in rows:
        values = evaluation.texts(row, report)
        sums = result.setdefault(
            (row.month, row.day, row.currency, values, row.path), dict.fromkeys(columns, Fraction(0))
        )
        for name in columns:
            sums[name] += row.costs[name]
    return result
