"""The canonical form, its digest, and the way back."""

from __future__ import annotations

import json
from dataclasses import replace
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.errors import StateError
from costops.language.bound import Bound
from costops.language.canonical import canonical, canonical_json, revisions, rules_digest, rules_from_revisions
from costops.language.nodes import node_from_json
from costops.language.problems import Problems
from costops.language.unbind import condition_value
from costops.language.where import read_condition
from costops.model.conditions import Condition, all_of, any_of, make_test, negation
from costops.model.diagnostic import Span
from costops.model.rules import RuleSet
from costops.model.version import RuleRevision

EVERYTHING_WRITTEN = """
labels:
  - id: env
    name: Environment
    description: "Line one\\nline two"
    owner: finops
    hidden: true
    from: [Tags.env, {field: Tags.environment, transform: [trim, lower]}]
    transform:
      [trim, lower, upper, title, normalize, {split: {delimiter: "-", index: -1}}, {replace: {from: a, to: ""}},
       {lookup: a/b.csv}]
    drop: [n/a, none, {matches: "x+"}, {starts_with: [a, b], ends_with: c, ignore_case: true}]
    rename:
      staging: [stg, stage]
      production: [prod, {starts_with: prod-}, {is: [LIVE, PRD], ignore_case: true}]
      b: {like: "b%"}
      a: a
  - {id: team, from: Tags.team, enabled: false}
dimensions:
  - id: unit
    stage: result
    default: other
    rules:
      - {value: shared, where: {allocated_by: null, team: [x, null]}}
      - {from: [env, {field: team, transform: upper}], transform: lower, where: {not: {any: [{a: b}, {c: d}]}}}
  - {id: empty, rules: []}
metrics:
  - {id: queries, source: warehouse, query: q, labels: {z: env, a: empty}, aggregate: last}
  - {id: plain, source: warehouse, query: q}
allocations:
  - id: by-percent
    source: {where: {ServiceName: Datadog Pro, env: null}, allocated: include}
    method: percent
    to: {dimension: env, percent: {staging: 33.333333333333, production: 66.666666666667}}
  - id: two-dimensions
    source: {allocated: only}
    method: percent
    to: {dimension: [env, unit], percent: [{env: b, unit: x, percent: 99}, {env: a, unit: y, percent: 1.0}]}
    into: [empty, other]
  - id: even
    source: {}
    method: even
    to: {dimension: [env, unit], values: [[b, x], [a, y]]}
  - id: even-basis
    source: {}
    method: even
    to: {dimension: env, values: [b, a]}
    enabled: false
  - id: proportional
    source: {where: {RegionId: {starts_with: eu-, not: eu-1}}}
    method: proportional
    to: {dimension: env}
    into: empty
    basis: {where: {ChargePeriodStart: {from: 2025-01-01, before: 2025-02-01}}, cost: ListCost, granularity: daily}
    partition_by: [SubAccountId, RegionId]
    on_empty: error
  - id: by-metric
    source: {where: {any: [{a: b, c: d}, {all: [{e: f}, {e: {not: g}}]}]}}
    method: metric
    to: {dimension: env}
    basis: {metric: queries, where: {empty: {present: true}}}
    on_empty: even
"""


def written(bind, text: str = EVERYTHING_WRITTEN) -> RuleSet:
    rules, found = bind(text)
    assert found == ()
    return rules


def test_binding_the_canonical_form_gives_an_equal_rule_set(bind) -> None:
    rules = written(bind)
    stored = revisions(rules)
    again = rules_from_revisions(stored)
    assert again == rules
    assert revisions(again) == stored
    assert rules_digest(again) == rules_digest(rules)


def test_revisions_keep_text_and_place_in_the_order_of_evaluation(bind) -> None:
    stored = revisions(written(bind))
    assert [(each.kind, each.id) for each in stored][:4] == [
        ("label", "env"),
        ("label", "team"),
        ("dimension", "unit"),
        ("dimension", "empty"),
    ]
    assert (stored[1].text, stored[1].file, stored[1].line) == (
        "  - {id: team, from: Tags.team, enabled: false}",
        "rules/a.yaml",
        18,
    )
    assert rules_from_revisions(stored).labels[1].span.line == 18


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("{ServiceName: AWS Support, env: null}", {"ServiceName": "AWS Support", "env": None}),
        ("{a: {is: x}}", {"a": "x"}),
        ("{a: {in: [y, x]}}", {"a": ["x", "y"]}),
        ("{a: {not_in: [x]}}", {"a": {"not": "x"}}),
        ("{a: {not: [x, null]}}", {"a": {"not": [None, "x"]}}),
        ("{a: {present: false}}", {"a": {"present": False}}),
        ("{a: {is: x, ignore_case: true}}", {"a": {"is": "x", "ignore_case": True}}),
        ("{a: {starts_with: x, not: [y, z]}}", {"a": {"starts_with": "x", "not": ["y", "z"]}}),
        ("{a: [x, {starts_with: y}]}", {"a": ["x", {"starts_with": "y"}]}),
        ("{any: [{a: x}, {a: {starts_with: y}}]}", {"a": ["x", {"starts_with": "y"}]}),
        ("{any: [{a: x}, {a: y}]}", {"any": [{"a": "x"}, {"a": "y"}]}),
        ("{any: [{a: x}, {b: y}]}", {"any": [{"a": "x"}, {"b": "y"}]}),
        ("{all: [{a: x}, {b: y}]}", {"a": "x", "b": "y"}),
        (
            "{all: [{a: {contains: x}}, {a: {contains: y}}]}",
            {"a": {"contains": "x"}, "all": [{"a": {"contains": "y"}}]},
        ),
        ("{all: [{not: {a: x}}, {not: {b: y}}]}", {"not": {"a": "x"}, "all": [{"not": {"b": "y"}}]}),
        ("{not: {not: {a: x}}}", {"a": "x"}),
    ],
)
def test_a_condition_is_written_in_its_shortest_form(bind, where, expected) -> None:
    rules = written(bind, f"allocations: [{{id: a, method: even, to: {{dimension: t}}, source: {{where: {where}}}}}]")
    assert condition_value(rules.allocations[0].source) == expected


def test_the_canonical_form_leaves_defaults_out(bind) -> None:
    rules = written(
        bind,
        """
        labels: [{id: a, from: Tags.a, enabled: true, hidden: false, transform: [], drop: [], rename: {}}]
        dimensions: [{id: a, rules: [{from: a, where: {}}], default: null}]
        metrics: [{id: m, source: s, query: q, labels: {}, aggregate: sum}]
        allocations:
          - id: r
            source: {where: {}, allocated: exclude}
            method: proportional
            to: {dimension: [a]}
            into: a
            basis: {where: {}, granularity: charge_period, negative: clip}
            partition_by: []
            on_empty: unallocated
        """,
    )
    assert [canonical(kind, entry) for kind, entry in rules.entries()] == [
        {"id": "a", "from": ["Tags.a"]},
        {"id": "a", "rules": [{"from": ["a"]}]},
        {"id": "m", "source": "s", "query": "q"},
        {"id": "r", "source": {}, "method": "proportional", "to": {"dimension": "a"}},
    ]


def test_canonical_json_is_compact_sorted_and_not_escaped(bind) -> None:
    rules = written(bind, "dimensions: [{id: a, rules: [{value: Ümläut 東京}], name: b}]")
    assert canonical_json("dimension", rules.dimensions[0]) == '{"id":"a","name":"b","rules":[{"value":"Ümläut 東京"}]}'


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("{a: 60, b: 40}", "{b: 40.0, a: 60}"),
        ("{a: 60, b: 40}", "[{t: b, percent: 40}, {t: a, percent: 60}]"),
    ],
)
def test_percentages_written_differently_have_one_canonical_form(bind, one, other) -> None:
    text = "allocations: [{{id: a, source: {{}}, method: percent, to: {{dimension: t, percent: {percent}}}}}]"
    assert rules_digest(written(bind, text.format(percent=one))) == rules_digest(
        written(bind, text.format(percent=other))
    )


def test_the_digest_sees_the_order_of_allocations_and_not_that_of_the_rest(bind) -> None:
    rules = written(bind)
    turned = replace(
        rules,
        labels=rules.labels[::-1],
        dimensions=rules.dimensions[::-1],
        metrics=rules.metrics[::-1],
    )
    assert rules_digest(turned) == rules_digest(rules)
    assert rules_digest(replace(rules, allocations=rules.allocations[::-1])) != rules_digest(rules)


def test_the_digest_sees_disabled_entries_and_not_comments_or_layout(bind) -> None:
    plain = written(bind, "labels: [{id: a, from: Tags.a}]")
    assert rules_digest(written(bind, "# why\nlabels:\n  - from: [Tags.a]\n    id: a\n")) == rules_digest(plain)
    assert rules_digest(written(bind, "labels: [{id: a, from: Tags.a, enabled: false}]")) != rules_digest(plain)


def test_a_digest_is_the_same_everywhere(bind) -> None:
    rules = written(bind, "labels: [{id: a, from: Tags.a}]")
    assert rules_digest(RuleSet()) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert rules_digest(rules) == rules_digest(rules_from_revisions(revisions(rules)))


@pytest.mark.parametrize("text", ['{"id":"a","from":["b"],"colour":"red"}', '{"from":["b"]}', "{", '{"id":1.5}', "[]"])
def test_a_stored_entry_that_is_not_understood_is_an_error_of_the_state(text: str) -> None:
    stored = RuleRevision(kind="label", id="a", canonical=text, text="", file="rules/a.yaml", line=1)
    with pytest.raises(StateError, match="the state's label `a` cannot be read"):
        rules_from_revisions([stored])


TEXTS = st.sampled_from(["a", "b", "C", "null", "1", "true", "ü 東"])
FIELDS = st.sampled_from(["a", "b", "Tags.x"])


def one_test() -> st.SearchStrategy[Condition]:
    plain = st.builds(
        make_test,
        FIELDS,
        st.sampled_from(["is", "not"]),
        st.lists(st.one_of(st.none(), TEXTS), min_size=1, max_size=3),
    )
    cased = st.builds(
        make_test,
        FIELDS,
        st.sampled_from(["is", "not", "contains", "starts_with", "ends_with", "like", "matches"]),
        st.lists(TEXTS, min_size=1, max_size=3),
        ignore_case=st.booleans(),
    )
    ordered = st.builds(
        make_test,
        FIELDS,
        st.sampled_from(["before", "after", "from", "until"]),
        st.lists(TEXTS, min_size=1, max_size=2),
    )
    present = st.builds(make_test, FIELDS, st.just("present"), st.sampled_from([["true"], ["false"]]))
    return st.one_of(plain, cased, ordered, present)


CONDITIONS = st.recursive(
    one_test(),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(all_of),
        st.lists(inner, min_size=1, max_size=4).map(any_of),
        inner.map(negation),
    ),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(CONDITIONS)
def test_every_condition_reads_back_to_itself(condition: Condition) -> None:
    value = json.loads(json.dumps(condition_value(condition)))
    problems = Problems()
    again = read_condition(node_from_json(value, Span("a.yaml", 1, 1, 1, 1)), Bound(problems), "where")
    assert (again, problems.errors) == (condition, 0)


def test_the_worked_examples_bind_without_problems(problems) -> None:
    text = dedent("""
        labels:
          - {id: label_env, from: [Tags.k8s_label_env, Tags.env], rename: {staging: stg}}
          - {id: env, from: Tags.env}
        dimensions:
          - {id: single_tenant_product, rules: [{from: Tags.product}]}
          - {id: rds_split_costs, name: RDS Split Costs, hidden: true, rules: []}
          - {id: product_total, stage: result, rules: [{from: [single_tenant_product, rds_split_costs]}]}
          - id: env
            rules:
              - {from: label.env}
              - {value: production, where: {Tags.k8s_namespace: {ends_with: [-prod, -production]}}}
              - {value: production, where: {ServiceName: [MongoDB Atlas, PagerDuty]}}
            default: null
        metrics:
          - {id: datadog_hosts, source: warehouse, query: hosts, labels: {env: env}}
        allocations:
          - id: rds-monthly-discounted
            source: {where: {SubAccountId: "123456789012", ServiceName: Amazon Relational Database Service}}
            method: proportional
            to: {dimension: single_tenant_product}
            into: rds_split_costs
            basis:
              cost: ContractedCost
              granularity: monthly
              where: {ChargeCategory: {not: Tax}, CommitmentDiscountStatus: {not: Unused}}
          - id: snowflake-prod-staging
            source: {where: {ServiceName: Snowflake, env: null}}
            method: percent
            to: {dimension: env, percent: {production: 80, staging: 20}}
          - id: datadog-by-hosts
            source: {where: {ServiceName: Datadog Pro, env: null}}
            method: metric
            to: {dimension: env}
            basis: {metric: datadog_hosts}
          - id: network-by-env
            source: {where: {ServiceCategory: Networking, env: null}}
            method: proportional
            to: {dimension: env}
            basis: {where: {ServiceCategory: [Compute, Databases]}}
          - {id: even, source: {}, method: even, to: {dimension: env, values: [teamA, teamB, teamC]}}
          - id: several
            source: {where: {env: [a, b]}}
            method: even
            to: {dimension: [env, single_tenant_product], values: [[teamA, production]]}
        """)
    assert problems(text, report=("env", "product_total")) == []
