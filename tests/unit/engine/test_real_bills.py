"""Real bills: a Cost and Usage Report of two months, and the published FOCUS 1.0 sample.

The figures of the report are worked out here from its raw rows with fractions; a DOUBLE is the shortest decimal that
reads back to it.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
import reference
from workbench import TOLERANCE, Case, planned, shared_data, totals, write

CUR_RULES = """
labels:
  - {id: env, from: [Tags.environment], transform: [trim, lower]}
allocations:
  - id: untagged-by-env
    source: {where: {env: null}}
    method: proportional
    to: {dimension: env}
    basis: {granularity: daily}
"""
CUR_TOTALS = {"2018-10": Fraction("4064.4831315379"), "2018-11": Fraction("3505.3269681268")}

Day = tuple[str, str]
"""(billing month, day)."""


def raw_report(folder: Path) -> dict[tuple[Day, str | None], Fraction]:
    """Unblended cost as read of each (billing month, day) and cleaned environment tag."""
    import duckdb  # 30 ms, only here

    rows = duckdb.execute(f"""
        SELECT strftime(bill_billing_period_start_date, '%Y-%m'), strftime(line_item_usage_start_date, '%Y-%m-%d'),
               resource_tags_user_environment, line_item_unblended_cost, count(*)
        FROM read_parquet('{folder}/*.parquet', union_by_name = true) GROUP BY ALL
    """).fetchall()
    read = cache(reference.amount)
    sums: dict[tuple[Day, str | None], Fraction] = defaultdict(Fraction)
    for month, day, tag, cost, count in rows:
        env = (tag or "").strip().lower() or None
        sums[(month, day), env] += count * read(repr(cost))
    return sums


def expected_by_env(raw: dict[tuple[Day, str | None], Fraction]) -> dict[tuple[Day, str | None], Fraction]:
    """The report after untagged cost went to the environments in the ratio of the same day's tagged cost."""
    tagged: dict[str, dict[str, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
    for ((_, day), env), cost in raw.items():
        if env is not None:
            tagged[day][env] += cost
    result: dict[tuple[Day, str | None], Fraction] = defaultdict(Fraction)
    for ((month, day), env), cost in raw.items():
        weights = {name: max(weight, Fraction(0)) for name, weight in tagged[day].items()}
        total = sum(weights.values(), Fraction(0))
        if env is not None or not total:
            result[(month, day), env] += cost
            continue
        for name, weight in weights.items():
            result[(month, day), name] += cost * weight / total
    return result


def test_untagged_cost_of_a_real_report_follows_the_days_tagged_cost(tmp_path: Path) -> None:
    folder = shared_data("aws-cur1-parquet")
    case = Case(CUR_RULES, [], report=("env",), cost="BilledCost", bill_path=str(folder / "*.parquet"))
    ledger, _ = planned(write(case, tmp_path))
    raw = raw_report(folder)
    exact = expected_by_env(raw)

    found = totals(ledger, "month", "day", "env", column="BilledCost")
    assert {key for key, value in exact.items() if abs(value) > TOLERANCE} <= {
        ((str(month), str(day)), env) for month, day, env in found
    }
    for (month, day, env), value in found.items():
        assert abs(value - exact[(str(month), str(day)), env]) <= TOLERANCE, (month, day, env)

    for month, total in CUR_TOTALS.items():
        before = sum(value for ((billing, _), _), value in raw.items() if billing == month)
        after = sum(value for (billing, _, _), value in found.items() if billing == month)
        assert after == before
        assert round(after, 10) == total
    assert {env for _, _, env in found} == {"production", "development", "test"}


LABELS = """
labels:
  - {id: env, from: [Tags.environment, Tags.env], transform: [trim, lower]}
  - {id: account, from: [SubAccountName], transform: [normalize]}
"""
FOCUS_RULES = {
    "none": "",
    "even": """
allocations:
  - {id: untagged, source: {where: {env: null}}, method: even, to: {dimension: env, values: [prod, dev, test]}}
""",
    "percent": """
allocations:
  - id: untagged
    source: {where: {env: null}}
    method: percent
    to: {dimension: env, percent: {prod: 33.33, dev: 33.33, test: 33.34}}
""",
    "proportional by zero costs": """
allocations:
  - {id: untagged, source: {where: {env: null}}, method: proportional, to: {dimension: env}, on_empty: even}
""",
    "chained": """
allocations:
  - id: untagged
    source: {where: {env: null}}
    method: proportional
    to: {dimension: env}
    basis: {cost: BilledCost, granularity: billing_period}
  - id: everything-by-account
    source: {where: {ServiceName: [Elastic Load Balancing, AmazonCloudWatch, Azure Kubernetes Service]}}
    method: proportional
    to: {dimension: account}
    basis: {cost: BilledCost, granularity: monthly}
    partition_by: [env]
  - id: again
    source: {where: {allocated_by: everything-by-account}, allocated: only}
    method: even
    to: {dimension: [account, env]}
    into: [account, env]
    basis: {where: {ServiceName: Amazon Elastic Compute Cloud}}
""",
}


@pytest.mark.parametrize("name", FOCUS_RULES)
def test_the_focus_sample_keeps_its_costs_under_any_rules(name: str, tmp_path: Path) -> None:
    bill_path = str(shared_data("focus-1.0") / "*.csv.gz")
    case = Case(LABELS + FOCUS_RULES[name], [], report=("env", "account", "ServiceName"), bill_path=bill_path)
    ledger, _ = planned(write(case, tmp_path))
    assert totals(ledger, column="BilledCost") == {(): Fraction("20.52022672899")}
    assert totals(ledger, column="EffectiveCost") == {(): Fraction("14.97651418586")}
    assert any(ledger.paths) is (name != "none")
