"""The examples of the CloudZero and Costory documents as rule files, with figures worked out apart."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from unit.engine.vectors import exact, of
from workbench import Case, assert_close, by, charge, totals, usage, write, write_rules

from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: environment, from: [Tags.environment]}
"""
DIMENSIONS = """
dimensions:
  - {id: single_tenant_product, rules: [{from: Tags.product}]}
  - {id: rds_split_costs, name: RDS Split Costs, hidden: true, rules: []}
  - {id: product_total, stage: result, rules: [{from: [single_tenant_product, rds_split_costs]}]}
"""
RDS_EVEN = """
allocations:
  - id: rds-even                        # AllocationMethod: Even; elements are found by Real Cost
    source: {where: {SubAccountId: "123456789012", ServiceName: Amazon Relational Database Service}}
    method: even
    to: {dimension: single_tenant_product, where: {single_tenant_product: [Product A, Product B, Product C]}}
    into: rds_split_costs
    basis: {where: {ChargeCategory: {not: Tax}, CommitmentDiscountStatus: {not: Unused}}}
"""
RDS_MONTHLY_DISCOUNTED = """
allocations:
  - id: rds-monthly-discounted          # Method: Proportional, Granularity: UsageMonthly, CostType: DiscountedCost
    source: {where: {SubAccountId: "123456789012", ServiceName: Amazon Relational Database Service}}
    method: proportional
    to: {dimension: single_tenant_product}
    into: rds_split_costs
    basis: {cost: ContractedCost, granularity: monthly}
"""
RDS_FOR_EACH_ENV = """
allocations:
  - id: rds-for-each-env                # ForEachElementOf read as a partition
    source: {where: {SubAccountId: "061190967865", ServiceName: Amazon Relational Database Service, environment: [dev, prod]}}
    method: proportional
    to: {dimension: single_tenant_product, where: {single_tenant_product: [Product A, Product B, Product C]}}
    into: rds_split_costs
    partition_by: [environment]
"""  # noqa: E501 - the lines are those of the document


def cloudzero(allocations: str, bill: list[dict[str, object]], folder: Path) -> dict[str | None, Fraction]:
    """What the shared database becomes along `rds_split_costs`."""
    report = ("single_tenant_product", "rds_split_costs", "product_total")
    ledger = exact(Case(LABELS + DIMENSIONS + allocations, bill, report=report), folder)
    sums = totals(ledger, *report)
    for product, part, total in sums:
        assert total == (product or part)
    return {part: value for (product, part, _), value in sums.items() if product is None}


def product(name: str, cost: str, *, day: str = "2025-04-10", **columns: object) -> dict[str, object]:
    return charge("Amazon EC2", cost, day=day, SubAccountId="123456789012", product=name, **columns)


def database(cost: str, account: str = "123456789012", **columns: object) -> dict[str, object]:
    return charge("Amazon Relational Database Service", cost, day="2025-04-10", SubAccountId=account, **columns)


def test_cloudzero_even_over_the_products_that_real_cost_knows(tmp_path: Path) -> None:
    bill = [
        product("Product A", "1", ChargeCategory="Usage", CommitmentDiscountStatus=None),
        product("Product B", "9", ChargeCategory="Usage", CommitmentDiscountStatus="Used"),
        product("Product B", "9", ChargeCategory="Tax"),
        product("Product C", "9", ChargeCategory="Tax"),
        product("Product C", "9", ChargeCategory="Usage", CommitmentDiscountStatus="Unused"),
        product("Product D", "9", ChargeCategory="Usage"),
        database("100"),
        database("7", "061190967865"),
    ]
    assert_close(cloudzero(RDS_EVEN, bill, tmp_path), {"Product A": "50", "Product B": "50", None: "7"})


def test_cloudzero_proportional_products_at_300_300_600_share_100_as_25_25_50(tmp_path: Path) -> None:
    bill = [
        product("Product A", "1", ContractedCost="300"),
        product("Product B", "1", ContractedCost="100"),
        product("Product B", "1", ContractedCost="200", day="2025-04-29"),
        product("Product C", "1", ContractedCost="600"),
        product("Product C", "1", ContractedCost="600", day="2025-05-01"),
        database("100", ContractedCost="1"),
    ]
    figures = {"Product A": "25", "Product B": "25", "Product C": "50"}
    assert_close(cloudzero(RDS_MONTHLY_DISCOUNTED, bill, tmp_path), figures)


PRODUCTS_BY_ENVIRONMENT = [
    product("Product A", "10", environment="dev"),
    product("Product A", "90", environment="prod"),
    product("Product B", "40", environment="dev"),
    product("Product B", "10", environment="prod"),
    product("Product C", "50", environment="dev"),
    product("Product D", "1000", environment="dev"),
    database("30", "061190967865", environment="dev"),
    database("70", "061190967865", environment="prod"),
    database("8", "061190967865", environment="test"),
]


def test_cloudzero_for_each_element_of_read_as_a_partition(tmp_path: Path) -> None:
    found = cloudzero(RDS_FOR_EACH_ENV, PRODUCTS_BY_ENVIRONMENT, tmp_path)
    assert_close(found, {"Product A": "66", "Product B": "19", "Product C": "15", None: "8"})


def test_cloudzero_for_each_element_of_read_as_two_destination_dimensions(tmp_path: Path) -> None:
    nested = (
        RDS_FOR_EACH_ENV.replace(
            "{dimension: single_tenant_product", "{dimension: [single_tenant_product, environment]"
        )
        .replace("into: rds_split_costs", "into: [rds_split_costs, environment]")
        .replace("    partition_by: [environment]\n", "")
    )
    found = cloudzero(nested, PRODUCTS_BY_ENVIRONMENT, tmp_path)
    assert_close(found, {"Product A": "50", "Product B": "25", "Product C": "25", None: "8"})


def test_cloudzero_a_hidden_dimension_has_the_same_money(tmp_path: Path) -> None:
    bill = [product("Product A", "3"), product("Product B", "1"), database("100")]
    text = DIMENSIONS + RDS_EVEN
    write(Case(text, bill, report=("rds_split_costs",)), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        workspace.apply(workspace.plan())
    write_rules(tmp_path, text.replace(" hidden: true,", ""))
    with open_workspace(tmp_path, environment={}) as workspace:
        shown = workspace.plan()
    (change,) = shown.changes
    assert (change.id, [field.path for field in change.fields]) == ("rds_split_costs", ["hidden"])
    assert change.money == ()
    assert shown.ledger is not None
    assert_close(by(shown.ledger, "rds_split_costs"), {"Product A": 50, "Product B": 50, None: 4})


def test_cloudzero_sources_coalesced_transformed_grouped_and_defaulted(tmp_path: Path) -> None:
    rules = """
labels:
  - {id: owner, from: [Tags.owner, Tags.squad], transform: [trim, lower, {split: {delimiter: "@", index: 0}}]}
dimensions:
  - id: group
    rules:
      - {value: tagged, where: {any: [{Tags.owner: {present: true}}, {Tags.squad: {present: true}}]}}
      - {value: by service, where: {ServiceName: [Support]}}
    default: rest
  - id: place
    rules:
      - {concat: [owner, ServiceName], format: "{0} / {1}"}
      - {value: nobody's}
  - id: kind
    rules:
      - {value: compute, where: {ServiceName: {contains: [EC, Lambda]}}}
      - {from: ServiceName, where: {ServiceName: {starts_with: Sup}}}
"""
    bill = [
        charge("EC2", "1", owner=" Ann@example.com"),
        charge("EC2", "2", squad="Web"),
        charge("Support", "4"),
        charge("S3", "8"),
    ]
    report = ("owner", "group", "place", "kind")
    assert totals(exact(Case(rules, bill, report=report), tmp_path), *report) == {
        ("ann", "tagged", "ann / EC2", "compute"): 1,
        ("web", "tagged", "web / EC2", "compute"): 2,
        (None, "by service", "nobody's", "Support"): 4,
        (None, "rest", "nobody's", None): 8,
    }


def over_products(rule_id: str, service: str, fields: str) -> str:
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: proportional
    to: {{dimension: product}}
{fields}
"""


def compute(
    name: str, billed: str, effective: str, at_list: str, contracted: str, amortized: str, **columns: object
) -> dict[str, object]:
    costs = {"BilledCost": billed, "EffectiveCost": effective, "ListCost": at_list, "ContractedCost": contracted}
    return {**charge("EC2", effective, product=name, **columns), **costs, "x_AmortizedCost": amortized}


def test_cloudzero_each_cost_type_weighs_by_its_own_column(tmp_path: Path) -> None:
    bill = [
        compute("A", "10", "5", "90", "0", "1", ChargeCategory="Usage", CommitmentDiscountStatus="Used"),
        compute("B", "30", "15", "10", "40", "3", ChargeCategory="Usage", CommitmentDiscountStatus=None),
        compute("A", "0", "15", "0", "0", "0", ChargeCategory="Tax"),
        compute("B", "0", "5", "0", "0", "0", ChargeCategory="Purchase", CommitmentDiscountStatus="Unused"),
    ]
    figures = {
        "BilledCost": {"A": 25, "B": 75},
        "EffectiveCost": {"A": 50, "B": 50},
        "ListCost": {"A": 90, "B": 10},
        "ContractedCost": {"B": 100},
        "AmortizedCost": {"A": 25, "B": 75},
    }
    rules = "labels:\n  - {id: product, from: [Tags.product]}\nallocations:\n"
    for cost in figures:
        rules += over_products(f"by-{cost}", cost, f"    basis: {{where: {{ServiceName: EC2}}, cost: {cost}}}")
    real = "{ServiceName: EC2, ChargeCategory: {not: Tax}, CommitmentDiscountStatus: {not: Unused}}"
    rules += over_products("by-real-cost", "RealCost", f"    basis: {{where: {real}}}")
    bill += [charge(service, "100") for service in (*figures, "RealCost")]
    case = Case(rules, bill, report=("product", "ServiceName"), costs={"AmortizedCost": "x_AmortizedCost"})
    ledger = exact(case, tmp_path)
    for service, figure in {**figures, "RealCost": {"A": 25, "B": 75}}.items():
        assert_close(of(ledger, service, "product"), figure)
    assert sum(by(ledger, "product", column="AmortizedCost").values()) == 4


def test_cloudzero_usage_amount_weighs_by_quantity(tmp_path: Path) -> None:
    rules = "labels:\n  - {id: product, from: [Tags.product]}\nallocations:\n" + over_products(
        "by-usage", "Support", "    basis: {where: {ServiceName: EC2}, quantity: ConsumedQuantity}"
    )
    bill = [
        charge("EC2", "99", product="A", ConsumedQuantity="30", ConsumedUnit="Hours"),
        charge("EC2", "1", product="B", ConsumedQuantity="10", ConsumedUnit="Hours"),
        charge("Support", "100"),
    ]
    ledger = exact(Case(rules, bill, report=("product", "ServiceName")), tmp_path)
    assert_close(of(ledger, "Support", "product"), {"A": 75, "B": 25})


def test_cloudzero_element_cutoff_folds_the_tail(tmp_path: Path) -> None:
    rules = "labels:\n  - {id: product, from: [Tags.product]}\nallocations:\n" + over_products(
        "by-cost", "Support", "    basis: {where: {ServiceName: EC2}}\n    cutoff: {percent: 90, as: All Others}"
    )
    bill = [charge("EC2", cost, product=name) for name, cost in (("A", "60"), ("B", "35"), ("C", "3"), ("D", "2"))]
    ledger = exact(Case(rules, [*bill, charge("Support", "200")], report=("product", "ServiceName")), tmp_path)
    assert_close(of(ledger, "Support", "product"), {"A": 120, "B": 70, "All Others": 10})


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
    ledger = exact(Case(rules, bill, records, report=("team", "ServiceName")), tmp_path)
    assert_close(of(ledger, "Kafka", "team"), {"a": "22.5", "b": "7.5", None: "5"})
    assert_close(of(ledger, "Redis", "team"), {"a": "7.5", "b": "2.5"})


# Costory

COSTORY = """
labels:
  - id: env
    from: [Tags.k8s_label_env, Tags.env, Tags.environment, Tags.environnment]
    rename: {staging: [stg], development: [dev], production: [prod]}
metrics:
  - {id: datadog_hosts, source: warehouse, query: datadog_hosts, labels: {env: env}}
dimensions:
  - id: env
    rules:
      - {from: label.env}
      - {value: production, where: {Tags.k8s_namespace: {ends_with: [-prod, -production]}}}
      - {value: production, where: {ServiceName: [MongoDB Atlas, PagerDuty]}}        # marketplace that only production needs
    default: null
allocations:
  - {id: snowflake-prod-staging, source: {where: {ServiceName: Snowflake, env: null}}, method: percent, to: {dimension: env, percent: {production: 80, staging: 20}}}
  - {id: datadog-by-hosts, source: {where: {ServiceName: Datadog Pro, env: null}}, method: metric, to: {dimension: env}, basis: {metric: datadog_hosts}}
  - {id: network-by-env, source: {where: {ServiceCategory: Networking, env: null}}, method: proportional, to: {dimension: env}, basis: {where: {ServiceCategory: [Compute, Databases]}}}
"""  # noqa: E501 - the lines are those of the document


def test_costory_leftover_cost_along_env(tmp_path: Path) -> None:
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
    ledger = exact(Case(COSTORY, bill, hosts, report=("env",)), tmp_path)
    # Of its own, of Snowflake, of Datadog, of the network's 50 in the ratio 60 : 30 : 10.
    figures: dict[str | None, str | Fraction] = {
        "production": Fraction(60 + 80 + 40 + 30),
        "staging": Fraction(31 + 20 + 0 + 15),
        "development": Fraction(13 + 0 + 20 + 5),
        None: Fraction(7),
    }
    assert_close(by(ledger, "env"), figures)
