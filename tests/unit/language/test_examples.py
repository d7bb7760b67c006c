"""The contract's own example of a rule file, in one piece."""

from __future__ import annotations

EXAMPLE = """
labels:
  - id: env
    from: [Tags.env, Tags.environment, Tags.environnment, Tags.k8s_label_env]        # first present wins
    transform: [trim, lower]
    drop: [n/a, none, tbd]
    rename:
      production: [prod, prd, live, {starts_with: prod-}]
      staging: [stg, stage, preprod]
      development: [dev, develop]
  - id: team
    from: [Tags.team, Tags.owner, {field: SubAccountName, transform: [{split: {delimiter: "-", index: 0}}]}]
    transform: [trim, lower]

dimensions:
  - id: env
    rules:
      - {from: env}
      - {value: production, where: {ServiceName: [Datadog Pro, PagerDuty]}}
    default: null                 # null = unallocated
  - {id: business_unit, stage: result, rules: [{from: team, transform: [LOOKUP]}]}

metrics:
  - {id: db_query_time, source: warehouse, query: db_query_seconds, labels: {team: team, environment: env}}

allocations:
  - id: support-by-env
    source: {where: {ServiceName: AWS Support}}
    method: proportional
    to: {dimension: env}
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}, cost: EffectiveCost}
  - id: support-by-team           # the same cost along another dimension, separately in each env
    source: {where: {ServiceName: AWS Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}}
    partition_by: [env]
  - id: datadog-by-agreement
    source: {where: {ServiceName: Datadog Pro, team: null}}
    method: percent
    to: {dimension: team, percent: {checkout: 60, search: 30, platform: 10}}
  - id: database-by-query-time
    source: {where: {ServiceName: Amazon Relational Database Service, team: null}}
    method: metric
    to: {dimension: team}
    basis: {metric: db_query_time}
"""


def test_the_example_of_the_contract_has_no_problems(problems) -> None:
    text = EXAMPLE.replace("LOOKUP", "upper")
    report = ("env", "team", "ServiceName", "business_unit")
    assert problems(text, report=report, sources=frozenset({"warehouse"})) == []
    assert problems(text, report=report, known=frozenset({"ServiceName", "SubAccountName"})) == []


def test_the_example_with_its_lookup_lacks_nothing_but_the_table(problems) -> None:
    text = EXAMPLE.replace("LOOKUP", "{lookup: teams.csv}")
    assert [message for _, message in problems(text)] == ["CO320 the lookup table teams.csv does not exist"]
