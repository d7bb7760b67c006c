"""Finer records become days as the metric's `aggregate` says, engine against oracle."""

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
