"""Fields of allocations beyond the plain ones: what they become, what is wrong with them, and their canonical form."""

from __future__ import annotations

import json

import pytest

from costops.language.canonical import canonical_json, revisions, rules_from_revisions
from costops.model.conditions import All
from costops.model.conditions import Test as Condition_
from costops.model.rules import Cutoff

PICOS = 10**12
TOGETHER = """
metrics:
  - {id: calls, source: w, query: c, labels: {owner: team}}
  - {id: hours, source: w, query: h, labels: {owner: team}}
labels:
  - {id: team, from: Tags.team}
  - {id: env, from: Tags.env}
allocations:
"""


def rule(fields: str, *, method: str = "proportional", to: str = "dimension: team") -> str:
    """One allocation on lines of its own, its further fields the last ones."""
    return f"{TOGETHER}  - id: a\n    source: {{}}\n    method: {method}\n    to: {{{to}}}\n    {fields}\n"


def shown(found):
    return [(each.code, each.is_error, each.message) for each in found]


def test_a_rule_of_every_further_field_is_bound(bind) -> None:
    rules, found = bind(
        rule(
            """basis:
      from: direct
      include_source: true
      quantity: PricingQuantity
      negative: error
    on_empty: previous
    cutoff: {percent: 97.5, as: small}
    effective: {from: 2026-01-15, until: 2026-02-01}
    renamed_from: [b, c]""",
            to="dimension: team, where: {env: prod}, exclude: [x, b]",
        )
    )
    (made,) = rules.allocations
    assert found == ()
    assert (made.basis_from, made.include_source, made.basis_quantity) == ("direct", True, "PricingQuantity")
    assert (made.negative, made.on_empty) == ("error", "previous")
    assert made.cutoff == Cutoff(97_500_000_000_000, ("small",))
    assert (made.effective_from, made.effective_until) == ("2026-01-15", "2026-02-01")
    assert made.element_where == Condition_("env", "is", ("prod",))
    assert made.excluded == (("b",), ("x",))
    assert made.renamed_from == ("b", "c")


def test_what_is_not_written_has_the_contracts_defaults(bind) -> None:
    rules, _ = bind(rule(""))
    (made,) = rules.allocations
    assert (made.basis_from, made.include_source, made.basis_quantity, made.basis_metrics) == (
        "running",
        False,
        None,
        (),
    )
    assert (made.cutoff, made.effective_from, made.effective_until, made.remainder) == (None, None, None, None)
    assert (made.element_where, made.excluded, made.renamed_from) == (All(()), (), ())


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("calls", (("calls", PICOS),)),
        ("[calls]", (("calls", PICOS),)),
        ("{metric: calls, weight: 3}", (("calls", PICOS),)),
        ("[hours, calls]", (("calls", PICOS), ("hours", PICOS))),
        (
            "[{metric: hours, weight: 0.7}, {metric: calls, weight: 0.3}]",
            (("calls", 3 * PICOS // 10), ("hours", 7 * PICOS // 10)),
        ),
    ],
)
def test_metrics_are_an_id_a_list_or_have_weights(bind, written, expected) -> None:
    rules, found = bind(rule(f"basis: {{metric: {written}}}", method="metric"))
    assert found == ()
    assert rules.allocations[0].basis_metrics == expected


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("[]", "`basis.metric` is empty"),
        ("[calls, calls]", "`calls` stands in `basis.metric` twice"),
        ("[{weight: 1}]", "text is wanted here, this is a mapping"),
        ("[{metric: calls, weight: 0}, hours]", 'a weight is wanted here, this is "0"'),
        ("[{metric: calls, weight: -1}, hours]", 'a weight is wanted here, this is "-1"'),
        ("[{metric: calls, weight: 0.00001}, hours]", 'a weight is wanted here, this is "0.00001"'),
        ("[{metric: calls, weight: 1, unit: h}, hours]", "unknown field `unit`"),
    ],
)
def test_a_mistake_in_metrics_is_one_error(bind, written, message) -> None:
    _, found = bind(rule(f"basis: {{metric: {written}}}", method="metric"))
    assert [each.message for each in found if each.is_error] == [message]


@pytest.mark.parametrize(
    ("written", "remainder"),
    [("unallocated", ()), ("rest", ("rest",)), ("[unallocated]", ("unallocated",))],
)
def test_the_remainder_is_an_element_or_stays(bind, written, remainder) -> None:
    rules, found = bind(rule("", method="percent", to=f"dimension: team, percent: {{a: 60}}, remainder: {written}"))
    assert found == ()
    assert rules.allocations[0].remainder == remainder
    assert rules.allocations[0].percent == ((("a",), 60 * PICOS),)


@pytest.mark.parametrize(
    ("to", "problem"),
    [
        ("percent: {a: 60}", ("CO501", "the percentages add up to 60, they must add up to exactly 100")),
        (
            "percent: {a: 60, b: 41}, remainder: c",
            ("CO501", "the percentages add up to 101, they must add up to exactly 100"),
        ),
        ("percent: {a: 60}, remainder: a", ("CO507", "the element `a` has a percentage and takes the remainder too")),
        ("percent: {a: 100}, where: {team: a}", ("CO219", "an allocation has `to.where` or `to.percent`, not both")),
        ("percent: {a: 100}, exclude: [a]", ("CO219", "an allocation has `to.exclude` or `to.percent`, not both")),
    ],
)
def test_a_mistake_beside_percentages_is_one_error(bind, to, problem) -> None:
    _, found = bind(rule("", method="percent", to=f"dimension: team, {to}"))
    assert [(each.code, each.message) for each in found] == [problem]


def test_percentages_of_100_may_have_a_remainder_that_gets_nothing(bind) -> None:
    _, found = bind(rule("", method="percent", to="dimension: team, percent: {a: 100}, remainder: b"))
    assert found == ()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ("cutoff: {percent: 0}", ("CO511", "the percentage of a cutoff is above 0 and below 100")),
        ("cutoff: {percent: 100}", ("CO511", "the percentage of a cutoff is above 0 and below 100")),
        ("cutoff: {as: x}", ("CO202", "`percent` is missing")),
        (
            "cutoff: {percent: 5, as: [x, y]}",
            ("CO506", "an element needs 1 value, one for each of [team], and this has 2"),
        ),
        ("effective: {from: 2026-02-30}", ("CO510", '"2026-02-30" is no day')),
        ("effective: {until: 2026-2-3}", ("CO510", '"2026-2-3" is no day')),
        (
            "effective: {from: 2026-02-02, until: 2026-02-01}",
            ("CO512", "the rule ends on 2026-02-01, before it begins"),
        ),
        ("basis: {quantity: Hours}", ("CO205", "`basis.quantity` cannot be `Hours`")),
        (
            "basis: {quantity: PricingQuantity, cost: ListCost}",
            ("CO219", "an allocation has `basis.quantity` or `basis.cost`, not both"),
        ),
        ("renamed_from: []", ("CO209", "`renamed_from` is empty")),
        ("renamed_from: [b, b]", ("CO217", "`b` stands in `renamed_from` twice")),
        ("renamed_from: a b", ("CO207", '"a b" cannot be an id')),
    ],
)
def test_a_mistake_in_a_further_field_is_one_error(bind, fields, problem) -> None:
    _, found = bind(rule(fields))
    assert [(each.code, each.message) for each in found] == [problem]


@pytest.mark.parametrize("field", ["to.where", "to.exclude"])
def test_elements_are_given_or_looked_for(bind, field) -> None:
    written = {"to.where": "where: {team: a}", "to.exclude": "exclude: [a]"}[field]
    _, found = bind(rule("", to=f"dimension: team, values: [a, b], {written}"))
    assert shown(found) == [("CO219", True, f"an allocation has `{field}` or `to.values`, not both")]


@pytest.mark.parametrize(
    ("method", "field", "unused"),
    [
        ("even", "cutoff: {percent: 95}", "cutoff"),
        ("even", "basis: {quantity: ConsumedQuantity}", "basis.quantity"),
        ("metric", "basis: {metric: calls, from: direct}", "basis.from"),
        ("metric", "basis: {metric: calls, include_source: true}", "basis.include_source"),
    ],
)
def test_a_further_field_that_the_method_does_not_use_changes_nothing(bind, method, field, unused) -> None:
    rules, found = bind(rule(field, method=method))
    plain, _ = bind(rule("basis: {metric: calls}" if method == "metric" else "", method=method))
    assert [(each.code, each.is_error) for each in found] == [("CO218", False)]
    assert f"`{unused}`" in found[0].message
    assert rules == plain


def test_the_remainder_belongs_to_percentages(bind) -> None:
    rules, found = bind(rule("", to="dimension: team, remainder: x"))
    assert [each.message for each in found] == ["the method `proportional` does not use `to.remainder`"]
    assert rules.allocations[0].remainder is None


@pytest.mark.parametrize(
    ("to", "fields", "method"),
    [
        ("dimension: team, where: {env: prod}, exclude: [x]", "cutoff: {percent: 90, as: y}", "proportional"),
        ("dimension: [team, env], exclude: [[x, y]]", "cutoff: {percent: 90, as: [y, z]}", "proportional"),
        ("dimension: team", "basis: {metric: [calls, {metric: hours, weight: 2}], negative: exclude}", "metric"),
        ("dimension: team, percent: {a: 10}, remainder: unallocated", "effective: {from: 2026-01-01}", "percent"),
        ("dimension: team, percent: {a: 10}, remainder: [unallocated]", "effective: {until: 2026-01-01}", "percent"),
        (
            "dimension: [team, env], percent: [{team: a, env: b, percent: 1}], remainder: [c, d]",
            "renamed_from: old",
            "percent",
        ),
        ("dimension: direct.team", "into: team\n    partition_by: [direct.env]\n    on_empty: previous", "even"),
        ("dimension: team", "basis: {from: direct, include_source: true, quantity: ConsumedQuantity}", "proportional"),
    ],
)
def test_the_canonical_form_says_everything_and_is_read_back(bind, to, fields, method) -> None:
    rules, found = bind(rule(fields, to=to, method=method))
    assert found == ()
    assert rules_from_revisions(revisions(rules)) == rules
    plain, _ = bind(rule("", method=method))
    assert json.loads(canonical_json("allocation", rules.allocations[0])) != json.loads(
        canonical_json("allocation", plain.allocations[0])
    )


def test_the_words_of_the_canonical_form(bind) -> None:
    rules, _ = bind(rule("cutoff: {percent: 90, as: y}", to="dimension: team, exclude: [x]"))
    assert json.loads(canonical_json("allocation", rules.allocations[0])) == {
        "id": "a",
        "source": {},
        "method": "proportional",
        "to": {"dimension": "team", "exclude": ["x"]},
        "cutoff": {"percent": "90", "as": "y"},
    }


# Values joined


def dimension(fields: str) -> str:
    return f"labels:\n  - {{id: a, from: Tags.a}}\ndimensions:\n  - id: d\n    rules:\n      - {fields}\n"


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("{concat: [a, RegionId]}", (0, " - ", 1)),
        ('{concat: [a, RegionId], format: "{1}{0}"}', (1, 0)),
        ('{concat: [a, RegionId], format: "x {1}/{0}/{1}"}', ("x ", 1, "/", 0, "/", 1)),
        ('{concat: [a], format: "{{{0}}} }}"}', ("{", 0, "} }")),
        ("{concat: a}", (0,)),
    ],
)
def test_a_format_is_texts_and_places(bind, written, parts) -> None:
    rules, found = bind(dimension(written))
    assert found == ()
    assert rules.dimensions[0].rules[0].format == parts
    assert rules_from_revisions(revisions(rules)) == rules


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ('{concat: [a, RegionId], format: "{0}"}', ("CO220", 'the format "{0}" is wrong: it does not use {1}')),
        (
            '{concat: [a], format: "{0} {1}"}',
            ("CO220", 'the format "{0} {1}" is wrong: there is no value {1}, `concat` has 1, counted from 0'),
        ),
        ('{concat: [a], format: "{0} {"}', ("CO220", 'the format "{0} {" is wrong: a `{` stands alone')),
        ('{concat: [a], format: "{0} {x}"}', ("CO220", 'the format "{0} {x}" is wrong: a `}` stands alone')),
        ("{concat: []}", ("CO209", "the list is empty, so that nothing is read")),
        ("{concat: [a], from: a}", ("CO219", "a rule has `from` or `concat`, not both")),
        ("{concat: [a], value: x}", ("CO219", "a rule has `value` or `concat`, not both")),
        ('{value: x, format: "{0}"}', ("CO218", "`format` has no effect without `concat`")),
        ("{value: x, transform: lower}", ("CO218", "`transform` has no effect without `from` or `concat`")),
    ],
)
def test_a_mistake_in_values_joined_is_one_problem(bind, written, problem) -> None:
    _, found = bind(dimension(written))
    assert [(each.code, each.message) for each in found] == [problem]


# Names before the first allocation


def test_a_value_before_the_first_allocation_is_named_in_allocations_results_and_reports(problems) -> None:
    text = rule(
        "into: team\n    partition_by: [direct.env]\n    basis: {where: {direct.team: x}}", to="dimension: direct.team"
    )
    text += "dimensions:\n  - {id: unit, stage: result, rules: [{from: direct.team}]}\n"
    assert problems(text, report=("direct.env",)) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (rule("into: direct.team"), "CO307 `direct.team` always keeps the value from before the first allocation"),
        (rule("partition_by: [direct.nothing]"), "CO301 unknown dimension or column `nothing`"),
        (rule("partition_by: [direct.RegionId]"), "CO310 `direct.RegionId`: no allocation ever changes `RegionId`"),
        (rule("partition_by: [direct.label.env]"), "CO310 `direct.label.env`: no allocation ever changes `label.env`"),
        (
            rule("partition_by: [direct.direct.env]"),
            "CO310 `direct.direct.env`: no allocation ever changes `direct.env`",
        ),
        (
            "labels:\n  - {id: a, from: direct.b}\ndimensions:\n  - {id: b, rules: []}\n",
            "CO305 `direct.b` is a value of a dimension, and a label reads columns and tags only",
        ),
        (
            "dimensions:\n  - {id: b, rules: []}\n  - {id: c, rules: [{from: direct.b}]}\n",
            "CO310 `direct.b` can be used in allocations, in dimensions of the result stage and in reports",
        ),
        (
            rule("partition_by: [direct.unit]") + "dimensions:\n  - {id: unit, stage: result, rules: []}\n",
            "CO306 `unit` is computed after the last allocation and has no value before the first",
        ),
    ],
)
def test_a_value_before_the_first_allocation_is_refused_where_it_makes_no_sense(problems, text, problem) -> None:
    assert [each for _, each in problems(text, known=frozenset({"RegionId"}))] == [problem]


def test_every_metric_of_a_list_is_checked(problems) -> None:
    text = rule("basis: {metric: [calls, ours]}\n    partition_by: [env]", method="metric")
    assert problems(text) == [
        ("13:29", "CO311 unknown metric `ours`"),
        ("14:20", "CO313 the metric `calls` has no label for `env`"),
    ]


def test_a_condition_on_elements_needs_the_metrics_labels(problems) -> None:
    text = rule("basis: {metric: calls}", method="metric", to="dimension: team, where: {env: prod}")
    assert problems(text) == [("12:35", "CO313 the metric `calls` has no label for `env`")]
