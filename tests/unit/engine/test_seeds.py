"""The examples of the Datadog documents as rule files, with figures worked out apart, and the messy bill's."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from unit.engine.vectors import exact, of
from workbench import Case, assert_close, by, charge, evaluated, shared_data, totals, usage, write, write_rules

from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: env, from: [Tags.env]}
  - {id: user, from: [Tags.user]}
  - {id: team, from: [Tags.team]}
metrics:
  - {id: pg_time, source: warehouse, query: query_time, labels: {user: user, env: env}}
allocations:
"""

SMALL_BILL = [
    charge("EC2", "300", env="production", user="A"),
    charge("EC2", "100", env="production", user="B"),
    charge("EC2", "100", env="production", user="C"),
    charge("EC2", "50", env="staging", user="A"),
    charge("EC2", "150", env="staging", user="B"),
    charge("Support", "600", env="production"),
    charge("Support", "200", env="staging"),
    charge("Support", "200"),
    charge("PostgreSQL", "400", env="production"),
    charge("PostgreSQL", "100", env="staging"),
]
QUERY_TIME = [
    usage("query_time", "10", user="A", env="production"),
    usage("query_time", "30", user="B", env="production"),
    usage("query_time", "10", user="A", env="staging"),
    usage("query_time", "10", user="C", env="staging"),
]


def datadog(rules: str, folder: Path, dimension: str = "user", service: str = "Support") -> dict[str | None, Fraction]:
    """What one service's cost becomes along a dimension of the small bill."""
    case = Case(LABELS + rules, SMALL_BILL, QUERY_TIME, report=("env", "user", "team", "ServiceName"))
    return of(exact(case, folder), service, dimension)


def test_datadog_even_over_three_teams(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: team, values: [teamA, teamB, teamC]}
"""
    third = Fraction(1000, 3)
    assert_close(datadog(rules, tmp_path, "team"), {"teamA": third, "teamB": third, "teamC": third})


def test_datadog_even_narrowed_by_a_filter_and_partitioned_by_env(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: user, where: {user: [A, B, C]}}
    basis: {where: {ServiceName: EC2}}
    partition_by: [env]
"""
    assert_close(datadog(rules, tmp_path), {"A": "300", "B": "300", "C": "200", None: "200"})
    narrower = rules.replace("[A, B, C]", "[A, C]")
    assert_close(datadog(narrower, tmp_path / "narrower"), {"A": "500", "C": "300", None: "200"})


def test_datadog_custom_percentages(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {teamA: 60, teamB: 30, teamC: 10}}
"""
    assert_close(datadog(rules, tmp_path, "team"), {"teamA": "600", "teamB": "300", "teamC": "100"})


def test_datadog_proportional_by_spend_on_ec2(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: user, values: [A, B, C]}
    basis: {where: {ServiceName: EC2}, granularity: monthly}
"""
    figures = {"A": Fraction(500), "B": Fraction(2500, 7), "C": Fraction(1000, 7)}
    assert_close(datadog(rules, tmp_path), figures)


def test_datadog_proportional_by_spend_partitioned_by_env(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: user, values: [A, B, C]}
    basis: {where: {ServiceName: EC2}, granularity: monthly}
    partition_by: [env]
"""
    assert_close(datadog(rules, tmp_path), {"A": "410", "B": "270", "C": "120", None: "200"})


def test_datadog_dynamic_by_metric(tmp_path: Path) -> None:
    rules = """
  - id: database
    source: {where: {ServiceName: PostgreSQL}}
    method: metric
    to: {dimension: user}
    basis: {metric: pg_time}
"""
    figures = {"A": Fraction(500, 3), "B": Fraction(250), "C": Fraction(250, 3)}
    assert_close(datadog(rules, tmp_path, service="PostgreSQL"), figures)


def test_datadog_dynamic_by_metric_partitioned_by_env(tmp_path: Path) -> None:
    rules = """
  - id: database
    source: {where: {ServiceName: PostgreSQL}}
    method: metric
    to: {dimension: user}
    basis: {metric: pg_time}
    partition_by: [env]
"""
    assert_close(datadog(rules, tmp_path, service="PostgreSQL"), {"A": "150", "B": "300", "C": "50"})


def test_datadog_filter_over_the_entire_rule(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support, env: production}}
    method: proportional
    to: {dimension: user}
    basis: {where: {ServiceName: EC2, env: production}}
"""
    assert_close(datadog(rules, tmp_path), {"A": "360", "B": "120", "C": "120", None: "400"})


def test_datadog_only_some_partitions(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support, env: [staging, test]}}
    method: proportional
    to: {dimension: user}
    basis: {where: {ServiceName: EC2}}
    partition_by: [env]
"""
    assert_close(datadog(rules, tmp_path), {"A": "50", "B": "150", None: "800"})


def test_datadog_several_destination_tags(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support, env: null}}
    method: even
    to: {dimension: [team, env], values: [[teamA, production], [teamB, staging]]}
"""
    case = Case(LABELS + rules, SMALL_BILL, QUERY_TIME, report=("env", "team", "ServiceName"))
    sums = totals(exact(case, tmp_path), "team", "env", "ServiceName")
    support_only = {key[:2]: value for key, value in sums.items() if key[2] == "Support" and key[0]}
    assert_close(support_only, {("teamA", "production"): 100, ("teamB", "staging"): 100})
    assert (None, None, "Support") not in sums


def test_datadog_percentages_over_several_destination_tags(tmp_path: Path) -> None:
    rules = """
  - id: support
    source: {where: {ServiceName: Support, env: null}}
    method: percent
    to:
      dimension: [team, env]
      percent:
        - {team: teamA, env: production, percent: 60}
        - {team: teamB, env: staging, percent: 40}
"""
    case = Case(LABELS + rules, SMALL_BILL, QUERY_TIME, report=("env", "team", "ServiceName"))
    sums = totals(exact(case, tmp_path), "team", "env", "ServiceName")
    support_only = {key[:2]: value for key, value in sums.items() if key[2] == "Support" and key[0]}
    assert_close(support_only, {("teamA", "production"): 120, ("teamB", "staging"): 80})


def test_datadog_a_disabled_rule_is_passed_over_and_the_order_of_the_file_holds(tmp_path: Path) -> None:
    rules = """
  - id: "off"
    enabled: false
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {x: 100}}
  - id: one
    source: {where: {ServiceName: Support, env: null}}
    method: percent
    to: {dimension: team, percent: {y: 100}}
  - id: two
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {z: 100}}
"""
    assert_close(datadog(rules, tmp_path, "team"), {"y": "200", "z": "800"})


def test_datadog_allocated_by_rule_takes_what_another_rule_gave(tmp_path: Path) -> None:
    rules = """
  - id: one
    source: {where: {ServiceName: Support, env: null}}
    method: percent
    to: {dimension: team, percent: {y: 100}}
  - id: two
    source: {where: {allocated_by: one}, allocated: include}
    method: percent
    to: {dimension: user, percent: {A: 50, B: 50}}
"""
    assert_close(datadog(rules, tmp_path), {"A": "100", "B": "100", None: "800"})


def test_datadog_deletes_in_the_current_and_prior_month_only(tmp_path: Path) -> None:
    rule = """
  - id: shared
    source: {where: {ServiceName: Support}}
    method: percent
    to: {dimension: team, percent: {y: 100}}
"""
    bill = [charge("Support", "100", day=f"2025-{month}-10") for month in ("04", "05", "06")]
    write(Case(LABELS + rule, bill, QUERY_TIME, report=("team",)), tmp_path)
    settings = json.loads((tmp_path / "costops.yaml").read_text(encoding="utf-8"))
    (tmp_path / "costops.yaml").write_text(json.dumps({**settings, "restate_months": 2}), encoding="utf-8")
    with open_workspace(tmp_path, environment={}) as workspace:
        workspace.apply(workspace.plan())
    write_rules(tmp_path, LABELS.replace("allocations:", ""))
    with open_workspace(tmp_path, environment={}) as workspace:
        workspace.apply(workspace.plan())
        ledger = workspace.ledger()
    assert list(zip(ledger.months, ledger.values[0], strict=True)) == [
        ("2025-04", "y"),
        ("2025-05", None),
        ("2025-06", None),
    ]


def test_datadog_tag_pipelines_run_before_every_rule(tmp_path: Path) -> None:
    rules = """
labels:
  - {id: env, from: [Tags.env, Tags.stage], rename: {production: [prod]}}
dimensions:
  - id: tier
    rules:
      - {value: live, where: {env: production}}
      - {from: Tags.cost_center, transform: [{lookup: tiers.csv}]}
    default: rest
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: proportional, to: {dimension: tier}}
"""
    bill = [
        charge("EC2", "20", env="prod"),
        charge("EC2", "10", stage="prod"),
        charge("EC2", "15", stage="dev", cost_center="cc-1"),
        charge("EC2", "5", env="dev", cost_center="cc-2"),
        charge("Support", "100", env="dev"),
    ]
    case = Case(rules, bill, report=("tier",), tables={"tiers.csv": [("cc-1", "internal")]})
    ledger = exact(case, tmp_path)
    assert_close(by(ledger, "tier"), {"live": "90", "internal": "45", "rest": "15"})


# A case that shows why time and partition matter

MESSY_LABELS = """
labels:
  - id: env
    from: [Tags.env, Tags.environment, Tags.Env, Tags.Environment, Tags.environnment, Tags.stage]
    transform: [trim, lower]
  - {id: team, from: [Tags.team], transform: [trim, lower]}
allocations:
"""
BY_TEAM_DAILY = """
  - id: support-by-team
    source: {where: {ServiceName: {ends_with: Support}}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}, granularity: daily}
    partition_by: [env]
"""
BY_ENV_THEN_TEAM = """
  - id: support-by-env
    source: {where: {ServiceName: {ends_with: Support}}}
    method: proportional
    to: {dimension: env}
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}}
  - id: support-by-team
    source: {where: {ServiceName: {ends_with: Support}}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}}
    partition_by: [env]
"""


REPORT = ("env", "team", "ServiceName")
EC2 = "Amazon Elastic Compute Cloud"


def support_by_team(folder: Path) -> dict[tuple[str | None, ...], Fraction]:
    """What the rule by team gave in USD, by day and team."""
    found: dict[tuple[str | None, ...], Fraction] = {}
    ledger = evaluated(folder, threads=2)
    for (day, team, path, currency), value in totals(ledger, "day", "team", "path", "currency").items():
        if currency == "USD" and "support-by-team" in str(path):
            found[day, team] = found.get((day, team), Fraction(0)) + value
    return found


def test_monthly_support_split_daily_reaches_2_of_17_teams_and_by_charge_period_all_17(tmp_path: Path) -> None:
    bill_path = str(shared_data("focus-1.2-messy", "focus") / "*" / "*.parquet")
    write(Case(MESSY_LABELS.replace("allocations:", ""), [], report=REPORT, bill_path=bill_path), tmp_path)
    before = totals(evaluated(tmp_path, threads=2), "day", "env", "team", "ServiceName", "currency")
    support = {key: value for key, value in before.items() if str(key[3]).endswith("Support") and key[4] == "USD"}
    assert {key[:3] for key in support} == {(f"2025-0{month}-01", None, None) for month in (4, 5, 6)}
    assert sum(support.values()) == Fraction("1873.765325272")
    # EC2 of a team without env on the first of May: 7.6 cents, which decide a month.
    deciding = {
        team: value
        for (day, env, team, service, currency), value in before.items()
        if (day, env, service, currency) == ("2025-05-01", None, EC2, "USD") and team is not None
    }
    assert deciding == {"payments": Fraction("0.076200360502")}
    teams = {team for _, _, team, service, currency in before if service == EC2 and currency == "USD" and team}
    assert len(teams) == 17
    write_rules(tmp_path, MESSY_LABELS + BY_TEAM_DAILY)
    daily = support_by_team(tmp_path)
    assert sum(daily.values()) == Fraction("1873.765325272")
    assert {team for _, team in daily} == {"catalog", "payments"}
    assert {key: round(value, 2) for key, value in daily.items() if key[0] == "2025-05-01"} == {
        ("2025-05-01", "payments"): Fraction("633.65"),
    }
    write_rules(tmp_path, MESSY_LABELS + BY_ENV_THEN_TEAM)
    both = support_by_team(tmp_path)
    assert {team for _, team in both} == teams
    assert sum(both.values()) == pytest.approx(Fraction("1856.916015011485"), abs=1e-9)
    platform = sum(value for (_, team), value in both.items() if team == "platform")
    assert platform == pytest.approx(Fraction("670.944923691963"), abs=1e-9)
