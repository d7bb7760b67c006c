"""Entries that are switched off: every kind of reference to them is an error, and none is one among themselves."""

from __future__ import annotations

import pytest

BASE = """
labels:
  - {id: on, from: Tags.on}
  - {id: off_label, from: Tags.off, enabled: false}
dimensions:
  - {id: off_dimension, rules: [], enabled: false}
metrics:
  - {id: calls, source: w, query: c, labels: {o: on}}
  - {id: off_metric, source: w, query: c, labels: {o: on}, enabled: false}
"""
OFF_RULE = "  - {id: off_rule, source: {}, method: even, to: {dimension: on}, enabled: false}\n"
COLUMNS = (None, frozenset({"ServiceName", "x_own"}))


def allocation(*, source: str = "{}", method: str = "proportional", to: str = "dimension: on", more: str = "") -> str:
    rule = f"  - {{id: a, source: {source}, method: {method}, to: {{{to}}}{f', {more}' if more else ''}}}\n"
    return f"{BASE}allocations:\n{OFF_RULE}{rule}"


def dimension(rule: str, more: str = "") -> str:
    return BASE.replace("dimensions:", f"dimensions:\n  - {{id: made, rules: [{rule}]{more}}}") + (
        f"allocations:\n{OFF_RULE}"
    )


def metric(labels: str) -> str:
    return BASE.replace("metrics:", f"metrics:\n  - {{id: m, source: w, query: c, labels: {labels}}}")


NAMES = [
    ("off_label", "CO303 the label `off_label` is disabled"),
    ("label.off_label", "CO303 the label `off_label` is disabled"),
    ("off_dimension", "CO303 the dimension `off_dimension` is disabled"),
]
DIRECT = [("direct.off_label", NAMES[0][1]), ("direct.off_dimension", NAMES[2][1])]
PLACES = {
    "source.where": lambda name: allocation(source=f"{{where: {{{name}: x}}}}"),
    "source.where nested": lambda name: allocation(source=f"{{where: {{any: [{{not: {{{name}: x}}}}, {{on: y}}]}}}}"),
    "basis.where": lambda name: allocation(more=f"basis: {{where: {{{name}: null}}}}"),
    "to.where": lambda name: allocation(to=f"dimension: on, where: {{{name}: x}}"),
    "to.dimension": lambda name: allocation(to=f"dimension: {name}", more="into: on"),
    "to.dimension of several": lambda name: allocation(to=f"dimension: [on, {name}]", more="into: [on, made]").replace(
        "dimensions:", "dimensions:\n  - {id: made, rules: []}"
    ),
    "partition_by": lambda name: allocation(more=f"partition_by: [on, {name}]"),
    "from": lambda name: dimension(f"{{from: [on, {name}]}}"),
    "concat": lambda name: dimension(f"{{concat: [on, {{field: {name}, transform: [trim]}}]}}"),
    "where of a dimension": lambda name: dimension(f"{{value: x, where: {{{name}: y}}}}"),
    "from in the result stage": lambda name: dimension(f"{{from: {name}}}", ", stage: result"),
}
PLAIN = {
    "into": lambda name: allocation(more=f"into: {name}"),
    "labels of a metric": lambda name: metric(f"{{a: {name}}}"),
}
DIRECT_PLACES = [each for each in PLACES if each not in ("from", "concat", "where of a dimension")]


@pytest.mark.parametrize("columns", COLUMNS, ids=["columns unknown", "columns known"])
@pytest.mark.parametrize(("name", "expected"), NAMES)
@pytest.mark.parametrize("place", [*PLACES, *PLAIN])
def test_a_name_of_something_disabled_is_an_error(problems, place, name, expected, columns) -> None:
    text = {**PLACES, **PLAIN}[place](name)
    assert [each for _, each in problems(text, known=columns)] == [expected]


@pytest.mark.parametrize(("name", "expected"), DIRECT)
@pytest.mark.parametrize("place", DIRECT_PLACES)
def test_the_value_of_something_disabled_before_the_first_allocation_is_an_error(
    problems, place, name, expected
) -> None:
    assert [each for _, each in problems(PLACES[place](name))] == [expected]


@pytest.mark.parametrize(("name", "expected"), [*NAMES, *DIRECT])
def test_a_disabled_name_in_the_report_is_an_error(problems, name, expected) -> None:
    assert [each for _, each in problems(BASE, report=("on", name))] == [expected]


@pytest.mark.parametrize("written", ["off_metric", "[calls, off_metric]", "[{metric: off_metric, weight: 2}, calls]"])
def test_a_disabled_metric_is_an_error(problems, written) -> None:
    text = allocation(method="metric", more=f"basis: {{metric: {written}}}")
    assert [each for _, each in problems(text)] == ["CO312 the metric `off_metric` is disabled"]


@pytest.mark.parametrize(
    "text",
    [
        allocation(source="{where: {allocated_by: off_rule}}"),
        allocation(source="{where: {allocated_by: {not: off_rule}}}"),
        allocation(source="{where: {any: [{allocated_by: [off_rule, null]}, {on: x}]}}"),
        allocation(more="basis: {where: {allocated_by: off_rule}}"),
        allocation(to="dimension: on, where: {allocated_by: off_rule}"),
        dimension("{value: x, where: {allocated_by: off_rule}}", ", stage: result"),
    ],
)
def test_a_disabled_allocation_in_a_path_is_an_error(problems, text) -> None:
    assert [each for _, each in problems(text)] == ["CO303 the allocation `off_rule` is disabled"]


def test_disabled_entries_may_use_each_other(problems) -> None:
    text = allocation(
        source="{where: {allocated_by: off_rule, off_label: x}}",
        method="metric",
        to="dimension: off_dimension",
        more="basis: {metric: off_metric}, enabled: false",
    )
    assert problems(text) == []


def test_a_column_of_the_same_name_stands_in_for_a_disabled_dimension(problems) -> None:
    text = allocation(more="partition_by: ServiceName").replace("off_dimension", "ServiceName")
    assert problems(text) == []
