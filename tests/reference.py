"""The oracle: a small, slow, exact evaluator of rules in plain Python.

Invariant: it follows the written meaning of evaluation step by step, with fractions and lists of rows, and shares no
code with the engine; only the language's data (RuleSet) is common to both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from reference_values import Tables, Text, cleaned, holds, transformed

from costops.model.rules import Allocation, Dimension, Label, Method, Metric, RuleSet, Source, Transform

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
"""Cost columns of FOCUS; a bill has those that at least one of its rows names."""

Element = tuple[Text, ...]
Key = tuple[str, str, str, tuple[Text, ...], tuple[str, ...]]
"""(billing month, day, currency, report values, path)."""
Result = dict[Key, dict[str, Fraction]]
Rounding = Callable[[Fraction], int]

PICOS = 10**12


class EmptyBucketError(Exception):
    """A rule asked to fail on an empty bucket."""


@dataclass(slots=True)
class Row:
    """One charge row; `running` holds the values that allocations may change."""

    columns: Mapping[str, Text]
    tags: Mapping[str, Text]
    month: str
    day: str
    last_day: str
    currency: str
    costs: dict[str, Fraction]
    labels: dict[str, Text] = field(default_factory=dict)
    running: dict[str, Text] = field(default_factory=dict)
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one basis row or metric record says: where it counts, for which element, how much."""

    day: str
    currency: str
    partition: Element
    element: Element
    weight: Fraction


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
        self, rules: RuleSet, metrics: Sequence[Mapping[str, object]], cost: str, rounding: Rounding | None
    ) -> None:
        self.rules = rules
        self.rounding = rounding
        self.records = metrics
        self.cost = cost
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

    def value(self, row: Row, name: str, inside: str | None = None) -> Text | tuple[str, ...]:
        """The running value of a name; dimensions are computed when first asked for."""
        meaning = self.rules.resolve(name, inside=inside)
        if meaning.kind == "allocated_by":
            return row.path
        if meaning.kind == "dimension":
            if meaning.name not in row.running:
                row.running[meaning.name] = self.dimension_value(self.dimensions[meaning.name], row)
            return row.running[meaning.name]
        if meaning.kind == "label":
            fixed = name.startswith("label.") or name == inside
            return row.labels.get(meaning.name) if fixed else row.running[meaning.name]
        return field_value(row, name)

    def text(self, row: Row, name: str) -> Text:
        value = self.value(row, name)
        assert not isinstance(value, tuple), name
        return value

    def dimension_value(self, dimension: Dimension, row: Row) -> Text:
        """The first rule that yields a value, else the default."""
        inside = dimension.id

        def source_value(source: Source, transform: tuple[Transform, ...]) -> Text:
            value = self.value(row, source.field, inside)
            assert not isinstance(value, tuple), source.field
            return transformed(value, (*source.transform, *transform), self.tables)

        for rule in dimension.rules:
            if not holds(rule.where, lambda name: self.value(row, name, inside)):
                continue
            values = [rule.value or None, *(source_value(each, rule.transform) for each in rule.sources)]
            found = next((value for value in values if value is not None), None)
            if found is not None:
                return found
        return dimension.default or None

    # Allocations

    def is_source(self, rule: Allocation, row: Row) -> bool:
        """Whether a rule takes a row: its condition, and who allocated the row before."""
        allocated = any(self.into[earlier] & set(rule.into) for earlier in row.path)
        if (rule.allocated == "exclude" and allocated) or (rule.allocated == "only" and not allocated):
            return False
        return holds(rule.source, lambda name: self.value(row, name))

    def allocate(self, rule: Allocation, rows: list[Row]) -> list[Row]:
        """The ledger after one rule."""
        taken = [self.is_source(rule, row) for row in rows]
        rest = [row for row, is_taken in zip(rows, taken, strict=True) if not is_taken]
        basis = self.metric_basis(rule) if rule.method is Method.METRIC else self.cost_basis(rule, rest)
        known: dict[tuple[object, ...], dict[Element, Fraction]] = {}
        result = []
        for row, is_taken in zip(rows, taken, strict=True):
            if not is_taken:
                result.append(row)
                continue
            currency = row.currency if rule.method is Method.PROPORTIONAL else None
            partition = tuple(self.text(row, name) for name in rule.partition_by)
            bucket = (*interval(rule.granularity, row), currency, partition)
            if bucket not in known:
                known[bucket] = shares(rule, basis, *bucket)
            result.extend(self.split(rule, row, known[bucket]) if known[bucket] else [row])
        return result

    def split(self, rule: Allocation, row: Row, parts: Mapping[Element, Fraction]) -> list[Row]:
        """One row per element: destinations overwritten, the rule in the path, every cost column split alike."""
        return [
            replace(
                row,
                running={**row.running, **dict(zip(rule.into, element, strict=True))},
                path=(*row.path, rule.id),
                costs={column: self.rounded(cost * part) for column, cost in row.costs.items()},
            )
            for element, part in parts.items()
        ]

    def rounded(self, amount: Fraction) -> Fraction:
        return amount if self.rounding is None else Fraction(self.rounding(amount * PICOS), PICOS)

    def cost_basis(self, rule: Allocation, rest: list[Row]) -> list[Weighing]:
        """The running ledger without the rule's source, narrowed by `basis.where`."""
        column = rule.basis_cost or self.cost
        return [
            Weighing(
                row.day,
                row.currency,
                tuple(self.text(row, name) for name in rule.partition_by),
                tuple(self.text(row, name) for name in rule.to),
                row.costs.get(column, Fraction(0)),
            )
            for row in rest
            if holds(rule.basis, lambda name, row=row: self.value(row, name))  # type: ignore[misc]
        ]

    def metric_basis(self, rule: Allocation) -> list[Weighing]:
        """The metric's records by the dimensions that its labels name, narrowed by `basis.where`."""
        assert rule.basis_metric is not None
        metric = self.metrics[rule.basis_metric]
        weighings = []
        for record in daily(metric, self.records):
            mapped = self.mapped(metric, record)
            if holds(rule.basis, lambda name, mapped=mapped: mapped[name]):  # type: ignore[misc]
                partition = tuple(mapped[name] for name in rule.partition_by)
                element = tuple(mapped[name] for name in rule.to)
                weighings.append(Weighing(str(record["date"]), "", partition, element, Fraction(str(record["value"]))))
        return weighings

    def mapped(self, metric: Metric, record: Mapping[str, object]) -> dict[str, Text]:
        """A record's values by our dimensions, cleaned as the label of the dimension's name cleans them."""
        labels = record["labels"]
        assert isinstance(labels, Mapping)
        values = {}
        for theirs, ours in metric.labels:
            value = labels.get(theirs) or None
            values[ours] = cleaned(self.labels[ours], value, self.tables) if ours in self.labels else value
        return values


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


def shares(
    rule: Allocation, basis: list[Weighing], first: str, last: str, currency: str | None, partition: Element
) -> dict[Element, Fraction]:
    """Each element's fraction of a bucket; empty where the cost stays where it is."""
    inside = [
        each
        for each in basis
        if first <= each.day <= last and each.partition == partition and currency in (None, each.currency)
    ]
    occurring = sorted({each.element for each in inside if None not in each.element}, key=repr)
    elements: Sequence[Element] = rule.values or occurring
    weights: dict[Element, Fraction]
    if rule.method is Method.PERCENT:
        weights = {element: Fraction(percent) for element, percent in rule.percent}
    elif rule.method is Method.EVEN:
        weights = {element: Fraction(1) for element in elements}
    else:
        sums = {element: sum((e.weight for e in inside if e.element == element), Fraction(0)) for element in elements}
        weights = {element: max(Fraction(0), weight) for element, weight in sums.items()}
    if sum(weights.values()) <= 0:
        if rule.on_empty == "error":
            raise EmptyBucketError(f"{rule.id}: empty bucket {first}..{last} {currency} {partition}")
        weights = {element: Fraction(1) for element in elements} if rule.on_empty == "even" else {}
    total = sum(weights.values())
    return {element: weight / total for element, weight in weights.items() if weight > 0}


# Reading, days and money


def amount(text: object) -> Fraction:
    """An amount as read: decimal text, null as 0, more than 12 places rounded half-even once."""
    if text is None or text == "":
        return Fraction(0)
    return Fraction(round(Fraction(Decimal(str(text))) * PICOS), PICOS)


def instant(text: str) -> datetime:
    """ISO text in UTC; a time without zone is UTC."""
    value = datetime.fromisoformat(text)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def month_days(month: str) -> tuple[str, str]:
    """First and last day of a calendar month."""
    first = date.fromisoformat(f"{month}-01")
    following = (first + timedelta(days=31)).replace(day=1)
    return first.isoformat(), (following - timedelta(days=1)).isoformat()


def interval(granularity: str, row: Row) -> tuple[str, str]:
    """The days, both included, of a source row's bucket."""
    match granularity:
        case "daily":
            return row.day, row.day
        case "charge_period":
            return row.day, row.last_day
        case "monthly":
            return month_days(row.day[:7])
        case "billing_period":
            return month_days(row.month)
    raise AssertionError(f"unknown granularity {granularity}")


def read_row(charge: Mapping[str, object], costs: Sequence[str]) -> Row:
    """One charge of the bill; `Tags` is a dict, every other column text or None."""
    columns = {name: str(value) for name, value in charge.items() if name != "Tags" and value not in (None, "")}
    tags = charge.get("Tags") or {}
    assert isinstance(tags, Mapping)
    start = instant(columns["ChargePeriodStart"])
    end = instant(columns["ChargePeriodEnd"]) if "ChargePeriodEnd" in columns else start
    last = max(start, end - timedelta(microseconds=1)) if end - start > timedelta(hours=24) else start
    billing = instant(columns["BillingPeriodStart"]) if "BillingPeriodStart" in columns else start
    return Row(
        columns=columns,
        tags=tags,
        month=billing.date().isoformat()[:7],
        day=start.date().isoformat(),
        last_day=last.date().isoformat(),
        currency=columns["BillingCurrency"],
        costs={column: amount(charge.get(column)) for column in costs},
    )


def evaluate(
    rules: RuleSet,
    bill: Sequence[Mapping[str, object]],
    metrics: Sequence[Mapping[str, object]] = (),
    *,
    report: Sequence[str],
    cost: str = "EffectiveCost",
    rounding: Rounding | None = None,
) -> Result:
    """The exact ledger: (billing month, day, currency, report values, path) to the amount of each cost column.

    `bill` holds charges under FOCUS column names, `metrics` records of `date`, `metric`, `labels` (a dict) and
    `value`. With `rounding` every part of a split is rounded to 1e-12 by it: how far the result moves says how much of
    it hangs on the last digits. Raises EmptyBucketError where a rule with `on_empty: error` meets an empty bucket.
    """
    costs = [column for column in COSTS if any(column in charge for charge in bill)]
    rows = [read_row(charge, costs) for charge in bill]
    evaluation = Evaluation(rules, metrics, cost, rounding)
    for row in rows:
        evaluation.start(row)
    for rule in evaluation.allocations:
        rows = evaluation.allocate(rule, rows)
    result: Result = {}
    for row in rows:
        values = tuple(evaluation.text(row, name) for name in report)
        sums = result.setdefault(
            (row.month, row.day, row.currency, values, row.path), dict.fromkeys(costs, Fraction(0))
        )
        for column in costs:
            sums[column] += row.costs[column]
    return result
