"""How far a part may be from the exact fraction: 3e-12 in buckets up to a million, 1e-9 up to a billion."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest
from workbench import PICOS, Case, amounts, charge, day_sums, evaluated, expected, load, write

RULES = """
labels:
  - {id: team, from: [Tags.team]}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {granularity: monthly}
"""


def odd_amount(numbers: random.Random, largest: int) -> str:
    """An amount up to `largest` with twelve decimal places."""
    picos = numbers.randrange(1, largest * PICOS)
    return f"{picos // PICOS}.{picos % PICOS:012d}"


@pytest.mark.parametrize(
    ("bucket", "tolerance"), [(10**6, Fraction(3, PICOS)), (10**9, Fraction(1, 10**9))], ids=["a million", "a billion"]
)
@pytest.mark.parametrize("turn", range(3))
def test_every_part_is_near_the_exact_fraction_and_every_day_adds_up(
    bucket: int, tolerance: Fraction, turn: int, tmp_path: Path
) -> None:
    numbers = random.Random(turn)
    count = 60
    bill = [charge("EC2", odd_amount(numbers, bucket // 40), team=f"team {number}") for number in range(37)]
    for number in range(count):
        sign = "-" if number % 5 == 4 else ""
        day = f"2025-04-{numbers.randrange(1, 31):02d}"
        bill.append(charge("Support", sign + odd_amount(numbers, bucket // count), day=day))
    case = Case(RULES, bill, report=("team", "ServiceName"))
    folder = write(case, tmp_path)
    exact, found = expected(case, load(folder)), amounts(evaluated(folder))
    assert set(found) == set(exact)
    worst = max(abs(costs[name] - found[key][name]) for key, costs in exact.items() for name in costs)
    assert worst <= tolerance, float(worst)
    assert day_sums(found) == day_sums(exact)
