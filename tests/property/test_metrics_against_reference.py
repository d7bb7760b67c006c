"""Metrics, engine against oracle: finer records become days, and several metrics weigh together."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from workbench import Case, assert_same, charge, evaluated, expected, load, usage, write

RULES = """
labels:
  - {{id: team, from: [Tags.team], transform: [trim, lower], drop: [none], rename: {{a: [alpha]}}}}
metrics:
  - {{id: load, source: warehouse, query: load, aggregate: {aggregate}, labels: {{squad: team}}}}
allocations:
  - id: support
    source: {{where: {{ServiceName: Support}}}}
    method: metric
    to: {{dimension: team}}
    basis: {{metric: load}}
"""


@pytest.mark.parametrize("aggregate", ["sum", "avg", "max", "last"])
@pytest.mark.parametrize("turn", range(2))
def test_records_of_a_day_are_aggregated_per_label_set_before_they_are_summed(
    aggregate: str, turn: int, tmp_path: Path
) -> None:
    numbers = random.Random(turn)
    minutes = numbers.sample(range(1440), 120)
    records = [
        usage(
            "load",
            f"{numbers.randrange(-20, 400) / 10}",
            day=f"2025-04-1{numbers.randrange(3)}T{minute // 60:02d}:{minute % 60:02d}:00Z",
            squad=numbers.choice(["A", "alpha", " b", "none", None, "c"]),
            host=numbers.choice(["h1", "h2", None]),
        )
        for minute in minutes
    ]
    bill = [charge("Support", "12.5", day=f"2025-04-1{day}") for day in range(4)]
    case = Case(RULES.format(aggregate=aggregate), bill, records, report=("team",))
    folder = write(case, tmp_path)
    assert_same(evaluated(folder), expected(case, load(folder)))


SEVERAL = """
labels: [{{id: team, from: [Tags.team]}}]
metrics:
  - {{id: hours, source: warehouse, query: hours, labels: {{team: team}}}}
  - {{id: calls, source: warehouse, query: calls, labels: {{team: team}}}}
allocations:
  - id: support
    source: {{where: {{ServiceName: Support}}}}
    method: metric
    to: {{dimension: team}}
    basis: {{metric: [{{metric: hours, weight: {weight}}}, calls]}}
    cutoff: {{percent: {percent}, as: rest}}
"""


@pytest.mark.parametrize(("weight", "percent"), [("1", "1"), ("2", "40"), ("3", "50"), ("0.5", "66.6666")])
def test_elements_of_equal_weight_in_several_metrics_are_cut_off_by_name(
    weight: str, percent: str, tmp_path: Path
) -> None:
    numbers = random.Random(f"{weight} {percent}")
    days = [f"2025-{month:02d}-{day:02d}" for month in range(1, 13) for day in range(1, 29)]
    records = [
        usage(metric, str(numbers.randrange(7)), day=day, team=team)
        for day in days
        for metric in ("hours", "calls")
        for team in "ABCD"
    ]
    bill = [charge("Support", "12.5", day=day) for day in days]
    case = Case(SEVERAL.format(weight=weight, percent=percent), bill, records, report=("team",))
    folder = write(case, tmp_path)
    assert_same(evaluated(folder), expected(case, load(folder)))
