"""The examples of the CloudZero and Costory documents as rule files; test_seeds.py says what is left out and why."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from workbench import Case, assert_close, by, charge, run, totals, usage

CLOUDZERO = """
labels:
  - {id: environment, from: [Tags.environment]}
dimensions:
  - {id: single_tenant_product, rules: [{from: Tags.product}]}
  - {id: rds_split_costs, name: RDS Split Costs, hidden: true, rules: []}
  - {id: product_total, stage: result, rules: [{from: [single_tenant_product, rds_split_costs]}]}
allocations:
"""


def cloudzero(rules: str, bill: list[dict[str, object]], folder: Path) -> dict[str | None, Fraction]:
    """What the shared database becomes along `rds_split_costs`."""
    case = Case(CLOUDZERO + rules, bill, report=("single_tenant_product", "rds_split_costs", "product_total"))
    sums = totals(run(case, folder), "single_tenant_product", "rds_split_costs", "product_total")
    for product, part, total in sums:
        assert total == (product or part)
    return {part: value for (product, part, _), value in sums.items() if product is None}


def product(name: str, cost: str, *, day: str = "2025-04-10", **columns: object) -> dict[str, object]:
    return charge("Amazon EC2", cost, day=day, SubAccountId="123456789012", product=name, **columns)


def database(cost: str, account: str = "123456789012", **columns: object) -> dict[str, object]:
    return charge("Amazon Relational Database Service", cost, day="2025-04-10", SubAccountId=account, **columns)


def test_cloudzero_even_over_the_products_that_real_cost_knows(tmp_path: Path) -> None:
    rules = """
  - id: rds-even
    source: {where: {SubAccountId: "123456789012", ServiceName: Amazon Relational Database Service}}
    method: even
    to: {dimension: single_tenant_product}
    into: rds_split_costs
    basis:
      where:
        ChargeCategory: {not: Tax}
        CommitmentDiscountStatus: {not: Unused}
        single_tenant_product: [Product A, Product B, Product C]
"""
    bill = [
        product("Product A", "1", ChargeCategory="Usage", CommitmentDiscountStatus=None),
        product("Product B", "9", ChargeCategory="Usage"),
        product("Product B", "9", ChargeCategory="Tax"),
        product("Product C", "9", ChargeCategory="Tax"),
        product("Product C", "9", ChargeCategory="Usage", CommitmentDiscountStatus="Unused"),
        product("Product D", "9", ChargeCategory="Usage"),
        database("100"),
        database("7", "061190967865"),
    ]
    assert_close(cloudzero(rules, bill, tmp_path), {"Product A": "50", "Product B": "50", None: "7"})


def test_cloudzero_proportional_products_at_300_300_600_share_100_as_25_25_50(tmp_path: Path) -> None:
    rules = """
  - id: rds-monthly-discounted
    source: {where: {SubAccountId: "123456789012", ServiceName: Amazon Relational Database Service}}
    method: proportional
    to: {dimension: single_tenant_product}
    into: rds_split_costs
    basis: {cost: ContractedCost, granularity: monthly}
"""
    bill = [
        product("Product A", "1", ContractedCost="300"),
        product("Product B", "1", ContractedCost="100"),
        product("Product B", "1", ContractedCost="200", day="2025-04-29"),
        product("Product C", "1", ContractedCost="600"),
        product("Product C", "1", ContractedCost="600", day="2025-05-01"),
        database("100", ContractedCost="1"),
    ]
    assert_close(cloudzero(rules, bill, tmp_path), {"Product A": "25", "Product B": "25", "Product C": "50"})


PRODUCTS_BY_ENVIRONMENT = [
    product("Product A", "10", environment="dev"),
    product("Product A", "90", environment="prod"),
    product("Product B", "40", environment="dev"),
    product("Product B", "10", environment="prod"),
    product("Product C", "50", environment="dev"),
    database("30", "061190967865", environment="dev"),
    database("70", "061190967865", environment="prod"),
]


def test_cloudzero_for_each_element_of_read_as_a_partition(tmp_path: Path) -> None:
    rules = """
  - id: rds-for-each-env
    source:
      where: {SubAccountId: "061190967865", ServiceName: Amazon Relational Database Service, environment: [dev, prod]}
    method: proportional
    to: {dimension: single_tenant_product}
    into: rds_split_costs
    basis: {where: {single_tenant_product: [Product A, Product B, Product C]}}
    partition_by: [environment]
"""
    found = cloudzero(rules, PRODUCTS_BY_ENVIRONMENT, tmp_path)
    assert_close(found, {"Product A": "66", "Product B": "19", "Product C": "15"})


def test_cloudzero_for_each_element_of_read_as_two_destination_dimensions(tmp_path: Path) -> None:
    rules = """
  - id: rds-for-each-env
    source:
      where: {SubAccountId: "061190967865", ServiceName: Amazon Relational Database Service, environment: [dev, prod]}
    method: proportional
    to: {dimension: [single_tenant_product, environment]}
    into: [rds_split_costs, environment]
    basis: {where: {single_tenant_product: [Product A, Product B, Product C]}}
"""
    found = cloudzero(rules, PRODUCTS_BY_ENVIRONMENT, tmp_path)
    assert_close(found, {"Product A": "50", "Product B": "25", "Product C": "25"})


def test_cloudzero_sources_coalesced_transformed_grouped_and_defaulted(tmp_path: Path) -> None:
    rules = """
labels:
  - {id: owner, from: [Tags.owner, Tags.squad], transform: [trim, lower, {split: {delimiter: "@", index: 0}}]}
dimensions:
  - id: group
    hidden: true
    rules:
      - {value: tagged, where: {any: [{Tags.owner: {present: true}}, {Tags.squad: {present: true}}]}}
      - {value: by service, where: {ServiceName: [Support]}}
    default: rest
"""
    bill = [
        charge("EC2", "1", owner=" Ann@example.com"),
        charge("EC2", "2", squad="Web"),
        charge("Support", "4"),
        charge("EC2", "8"),
    ]
    sums = totals(run(Case(rules, bill, report=("owner", "group")), tmp_path), "owner", "group")
    assert sums == {("ann", "tagged"): 1, ("web", "tagged"): 2, (None, "by service"): 4, (None, "rest"): 8}


def test_cloudzero_streams_over_a_pool_of_services_are_one_bucket(tmp_path: Path) -> None:
    rules = """
labels:
  - {id: team, from: [Tags.team]}
metrics:
  - {id: requests, source: warehouse, query: requests, labels: {team: team}}
allocations:
  - id: pool
    source: {where: {ServiceName: [Kafka, Redis]}}
    method: metric
    to: {dimension: team}
    basis: {metric: requests}
"""
    bill = [charge("Kafka", "30"), charge("Redis", "10"), charge("Kafka", "5", day="2025-04-11")]
    records = [usage("requests", "3", team="a"), usage("requests", "1", team="b")]
    ledger = run(Case(rules, bill, records, report=("team",)), tmp_path)
    assert_close(by(ledger, "team"), {"a": "30", "b": "10", None: "5"})


# Costory


def test_costory_leftover_cost_along_env(tmp_path: Path) -> None:
    rules = """
labels:
  - id: env
    from: [Tags.k8s_label_env, Tags.env, Tags.environment, Tags.environnment]
    rename: {staging: [stg], development: [dev], production: [prod]}
dimensions:
  - id: env
    rules:
      - {from: label.env}
      - {value: production, where: {Tags.k8s_namespace: {ends_with: [-prod, -production]}}}
      - {value: production, where: {ServiceName: [MongoDB Atlas, PagerDuty]}}
    default: null
metrics:
  - {id: datadog_hosts, source: warehouse, query: datadog_hosts, labels: {env: env}}
allocations:
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
"""
    bill = [
        charge("EKS", "40", ServiceCategory="Compute", k8s_label_env="prod", env="dev"),
        charge("EC2", "30", ServiceCategory="Compute", environment="stg"),
        charge("EC2", "10", ServiceCategory="Compute", environnment="dev"),
        charge("EC2", "10", ServiceCategory="Compute", k8s_namespace="shop-prod"),
        charge("MongoDB Atlas", "10", ServiceCategory="Databases"),
        charge("VPC", "50", ServiceCategory="Networking"),
        charge("VPC", "3", ServiceCategory="Networking", env="dev"),
        charge("Snowflake", "100", ServiceCategory="Analytics"),
        charge("Snowflake", "1", ServiceCategory="Analytics", env="stg"),
        charge("Datadog Pro", "60", ServiceCategory="Management"),
        charge("Marketplace", "7", ServiceCategory="Other"),
    ]
    hosts = [usage("datadog_hosts", "2", env="prod"), usage("datadog_hosts", "1", env="development")]
    ledger = run(Case(rules, bill, hosts, report=("env",)), tmp_path)
    # Of its own, of Snowflake, of Datadog, of the network's 50 in the ratio 60 : 30 : 10.
    figures: dict[str | None, str | Fraction] = {
        "production": Fraction(60 + 80 + 40 + 30),
        "staging": Fraction(31 + 20 + 0 + 15),
        "development": Fraction(13 + 0 + 20 + 5),
        None: Fraction(7),
    }
    assert_close(by(ledger, "env"), figures)
