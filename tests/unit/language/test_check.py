"""Names and references between the entries of a rule set."""

# ruff: noqa: E501  one line for each row of a table

from __future__ import annotations

from textwrap import dedent

import pytest

from costops.language.check import check
from costops.model.cycles import dimension_order
from costops.model.rules import RuleSet

BASE = """
labels:
  - {id: team, from: Tags.team}
  - {id: env, from: Tags.env}
  - {id: old, from: Tags.old, enabled: false}
dimensions:
  - {id: cost_centre, rules: [{from: team}]}
  - {id: roll_up, stage: result, rules: [{from: cost_centre}]}
  - {id: empty, rules: []}
  - {id: off, rules: [], enabled: false}
metrics:
  - {id: queries, source: warehouse, query: q, labels: {t: team, e: env}}
  - {id: off_metric, source: warehouse, query: q, labels: {t: team}, enabled: false}
"""


def allocation(**fields: str) -> str:
    given = {"id": "a", "source": "{}", "method": "even", "to": "{dimension: team}"} | fields
    return "{" + ", ".join(f"{name}: {value}" for name, value in given.items()) + "}"


def with_allocations(*allocations: str) -> str:
    return BASE + "allocations:\n" + "".join(f"  - {each}\n" for each in allocations)


def test_a_right_rule_set_has_no_problems(problems) -> None:
    text = with_allocations(
        allocation(id="first", source="{where: {ServiceName: x, Tags.a: null, label.env: y, x_custom: z}}"),
        allocation(
            id="second",
            source="{where: {allocated_by: first}}",
            to="{dimension: [team, env]}",
            partition_by="SubAccountId",
        ),
        allocation(id="third", to="{dimension: SubAccountName}", into="empty"),
        allocation(id="fourth", method="metric", basis="{metric: queries, where: {env: x}}", partition_by="env"),
    )
    assert problems(text, report=("team", "roll_up", "ServiceName", "Tags.a", "label.env")) == []


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        # unknown names
        ({"to": "{dimension: tema}"}, "CO301 unknown dimension or column `tema`"),
        ({"into": "tema"}, "CO301 unknown dimension or column `tema`"),
        ({"partition_by": "[tema]"}, "CO301 unknown dimension or column `tema`"),
        ({"source": "{where: {servicename: x}}"}, "CO301 unknown dimension or column `servicename`"),
        ({"source": "{where: {not: {any: [{Tag.a: x}]}}}"}, "CO301 unknown dimension or column `Tag.a`"),
        ({"basis": "{where: {label.tema: x}}"}, "CO302 unknown label `tema`"),
        ({"source": "{where: {Tags: x}}"}, "CO315 `Tags` needs the key of a tag"),
        ({"source": "{where: {BilledCost: x}}"}, "CO317 `BilledCost` is a cost column"),
        # disabled entries
        ({"partition_by": "off"}, "CO303 the dimension `off` is disabled"),
        ({"partition_by": "old"}, "CO303 the label `old` is disabled"),
        ({"partition_by": "label.old"}, "CO303 the label `old` is disabled"),
        # the result stage
        ({"source": "{where: {roll_up: x}}"}, "CO306 `roll_up` is computed after the last allocation and cannot be used in a rule"),
        ({"partition_by": "roll_up"}, "CO306 `roll_up` is computed after the last allocation and cannot be used in a rule"),
        ({"into": "roll_up"}, "CO306 `roll_up` is computed after the last allocation and cannot be used in a rule"),
        # into
        ({"into": "ServiceName"}, "CO307 `ServiceName` is a column of the bill, which is never overwritten"),
        ({"into": "Tags.team"}, "CO307 `Tags.team` is a tag of the bill, which is never overwritten"),
        ({"to": "{dimension: ServiceName}"}, "CO307 `ServiceName` is a column of the bill, which is never overwritten"),
        ({"into": "label.team"}, "CO307 `label.team` always keeps the value of the label"),
        # allocated_by
        ({"source": "{where: {allocated_by: nobody}}"}, "CO308 unknown allocation `nobody`"),
        ({"source": "{where: {allocated_by: a}}"}, "CO309 the allocation `a` does not come before this one, so that nothing is allocated by it yet"),
        ({"basis": "{where: {allocated_by: {not: [later]}}}"}, "CO309 the allocation `later` does not come before this one, so that nothing is allocated by it yet"),
        ({"source": "{where: {allocated_by: off_rule}}"}, "CO303 the allocation `off_rule` is disabled"),
        ({"partition_by": "allocated_by"}, "CO310 `allocated_by` can be used in conditions only"),
        # metrics
        ({"method": "metric", "basis": "{metric: querys}"}, "CO311 unknown metric `querys`"),
        ({"method": "metric", "basis": "{metric: off_metric}"}, "CO312 the metric `off_metric` is disabled"),
        ({"method": "metric", "basis": "{metric: queries}", "to": "{dimension: cost_centre}"}, "CO313 the metric `queries` has no label for `cost_centre`"),
        ({"method": "metric", "basis": "{metric: queries}", "partition_by": "SubAccountId"}, "CO313 the metric `queries` has no label for `SubAccountId`"),
        ({"method": "metric", "basis": "{metric: queries, where: {RegionId: x}}"}, "CO313 the metric `queries` has no label for `RegionId`"),
    ],
)  # fmt: skip
def test_a_name_that_does_not_fit_is_one_error(problems, fields, expected) -> None:
    text = with_allocations(allocation(id="off_rule", enabled="false"), allocation(**fields), allocation(id="later"))
    assert [message for _, message in problems(text)] == [expected]


def test_errors_stand_at_the_name(problems) -> None:
    text = """\
        labels: [{id: team, from: Tags.team}]
        allocations:
          - id: a
            source: {where: {ServiceName: x, any: [{RegionId: y}, {tema: z}]}}
            method: even
            to: {dimension: [team]}
            partition_by: [SubAccountId, tema]
    """
    assert [place for place, _ in problems(text)] == ["4:60", "7:34"]


def test_a_disabled_entry_is_not_checked(problems) -> None:
    assert problems(with_allocations(allocation(to="{dimension: tema}", enabled="false"))) == []


def test_with_the_bills_columns_every_unknown_name_is_an_error(problems) -> None:
    text = with_allocations(allocation(partition_by="[x_custom, x_other, RegionId, something]"))
    assert problems(text) == []
    assert [message for _, message in problems(text, known=frozenset({"x_custom"}))] == [
        "CO301 unknown dimension or column `x_other`",
        "CO301 unknown dimension or column `something`",
    ]


def test_a_name_near_a_column_of_the_bill_gets_it_as_a_hint() -> None:
    (found,) = check(RuleSet(), report=("x_custm",), known_columns=frozenset({"x_custom"}))
    assert found.hint == "did you mean `x_custom`?"


def test_an_unknown_dimension_gets_the_near_miss_as_a_hint(bind) -> None:
    rules, _ = bind(with_allocations(allocation(to="{dimension: tema}")))
    assert [each.hint for each in check(rules, report=(), known_columns=None)] == ["did you mean `team`?"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tema", "CO301 unknown dimension or column `tema`"),
        ("off", "CO303 the dimension `off` is disabled"),
        ("allocated_by", "CO310 `allocated_by` can be used in conditions only"),
        ("BillingCurrency", "CO310 `BillingCurrency` is always reported and cannot be named here"),
        ("EffectiveCost", "CO317 `EffectiveCost` is a cost column"),
    ],
)
def test_names_to_report_must_be_dimensions(problems, name, expected) -> None:
    assert problems(BASE, report=("team", name)) == [("", expected)]


@pytest.mark.parametrize("source", ["env", "label.env", "cost_centre", "allocated_by"])
def test_a_label_reads_columns_and_tags_only(problems, source) -> None:
    text = BASE.replace("dimensions:", f"  - {{id: third, from: [Tags.x, {source}]}}\ndimensions:")
    assert [message.split(" ")[0] for _, message in problems(text)] == ["CO305"]


def test_in_a_label_the_name_of_a_column_means_the_column(problems) -> None:
    assert problems("labels: [{id: ServiceName, from: ServiceName, transform: lower}]") == []


@pytest.mark.parametrize(
    ("dimensions", "expected"),
    [
        ("[{id: a, rules: [{from: b}]}, {id: b, rules: [{from: a}]}]", "CO304 dimension cycle: a -> b -> a"),
        ("[{id: c, rules: [{value: x, where: {a: y}}]}, {id: a, rules: [{from: b}]}, {id: b, rules: [{from: [x_1, c]}]}]", "CO304 dimension cycle: c -> a -> b -> c"),
        ("[{id: a, rules: [{from: a}]}]", "CO304 dimension cycle: a -> a"),
    ],
)  # fmt: skip
def test_a_cycle_prints_its_path(problems, dimensions, expected) -> None:
    assert [message for _, message in problems(f"dimensions: {dimensions}")] == [expected]


def test_two_cycles_are_two_errors(problems) -> None:
    text = """
        dimensions:
          - {id: a, rules: [{from: b}]}
          - {id: b, rules: [{from: a}]}
          - {id: c, rules: [{from: [a, d]}]}
          - {id: d, rules: [{from: c}]}
    """
    assert [message for _, message in problems(text)] == [
        "CO304 dimension cycle: a -> b -> a",
        "CO304 dimension cycle: c -> d -> c",
    ]


def test_a_cycle_through_a_disabled_dimension_is_none(problems) -> None:
    text = "dimensions: [{id: a, rules: [{from: b}]}, {id: b, rules: [{from: a}], enabled: false}]"
    assert [message for _, message in problems(text)] == ["CO303 the dimension `b` is disabled"]


def test_a_very_long_chain_of_dimensions_is_no_cycle(bind) -> None:
    chain = "".join(f"  - {{id: d{i}, rules: [{{from: d{i + 1}}}]}}\n" for i in range(1100))
    rules, _ = bind(f"dimensions:\n{chain}  - {{id: d1100, rules: []}}\n")
    assert check(rules, report=(), known_columns=None) == []


def test_a_dimension_refines_the_label_or_the_column_of_its_name(problems) -> None:
    text = """
        labels: [{id: env, from: Tags.env}]
        dimensions:
          - {id: env, rules: [{from: [env, label.env]}]}
          - {id: RegionName, rules: [{from: RegionName}]}
    """
    assert problems(text) == []


def test_only_the_result_stage_may_use_the_result_stage_and_allocated_by(problems) -> None:
    text = """
        dimensions:
          - {id: last, stage: result, rules: [{from: [b, c], where: {allocated_by: [one, two]}}]}
          - {id: b, stage: result, rules: [{value: x, where: {allocated_by: one}}]}
          - {id: c, rules: [{from: b}, {value: x, where: {allocated_by: one}}, {from: allocated_by}]}
        allocations:
          - {id: one, source: {}, method: even, to: {dimension: c}}
    """
    assert problems(text) == [
        ("3:62", "CO308 unknown allocation `two`"),
        ("5:28", "CO306 `b` is computed after the last allocation and cannot be used in a rule"),
        ("5:51", "CO310 `allocated_by` is known only after the allocations"),
        ("5:79", "CO310 `allocated_by` is known only after the allocations"),
    ]


def test_a_metric_source_must_be_one_of_costops_yaml(problems) -> None:
    assert problems(BASE, sources=frozenset({"warehouse"})) == []
    assert [message for _, message in problems(BASE, sources=frozenset({"warehous"}))] == [
        "CO318 unknown metric source `warehouse`"
    ]


def test_what_could_be_the_fault_of_a_missing_entry_is_not_reported(problems) -> None:
    text = with_allocations(
        allocation(to="{dimension: tema}", source="{where: {allocated_by: nobody}}"),
        allocation(id="b", method="metric", basis="{metric: querys}"),
    )
    assert len(problems(text)) == 3
    assert problems(text.replace("  - {id: team,", "  - {id: te am,")) == [("3:10", 'CO207 "te am" cannot be an id')]


def test_dimensions_are_ordered_by_what_they_read_then_by_place(bind) -> None:
    rules, _ = bind(
        dedent("""
        labels: [{id: c, from: Tags.c}]
        dimensions:
          - {id: a, rules: [{from: d}]}
          - {id: b, rules: [{value: x, where: {not: {a: y}}}]}
          - {id: off, rules: [], enabled: false}
          - {id: c, rules: [{from: c}]}
          - {id: d, rules: []}
        """)
    )
    assert [each.id for each in dimension_order(rules)] == ["c", "d", "a", "b"]


def test_an_order_of_a_cycle_does_not_exist(bind) -> None:
    rules, _ = bind("dimensions: [{id: a, rules: [{from: b}]}, {id: b, rules: [{from: a}]}]")
    with pytest.raises(ValueError, match="a -> b -> a"):
        dimension_order(rules)
