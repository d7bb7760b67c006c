"""Buckets without a basis over four months, engine against oracle: with so many gaps earlier days and periods count."""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from workbench import Case, assert_same, charge, evaluated, expected, load, write

FIRST = date(2025, 1, 1)
DAYS = 120
GRANULARITIES = ("charge_period", "daily", "monthly", "billing_period")
EFFECTIVE = ({}, {"from": "2025-02-10"}, {"until": "2025-03-05"}, {"from": "2025-02-01", "until": "2025-03-31"})


def rule(number: int, numbers: random.Random) -> dict[str, object]:
    """A rule with a service of its own as its source."""
    basis: dict[str, object] = {
        "where": {"ServiceName": "EC2"},
        "granularity": GRANULARITIES[number % len(GRANULARITIES)],
        "negative": numbers.choice(["clip", "exclude"]),
        "from": numbers.choice(["running", "direct"]),
    }
    if numbers.random() < 0.3:
        basis["quantity"] = "ConsumedQuantity"
    fields: dict[str, object] = {
        "id": f"rule-{number}",
        "source": {"where": {"ServiceName": f"Fee {number}"}},
        "method": "proportional",
        "to": {"dimension": "team"},
        "basis": basis,
        "on_empty": "previous",
        "partition_by": numbers.choice([[], ["env"]]),
        "effective": numbers.choice(EFFECTIVE),
    }
    if numbers.random() < 0.3:
        fields["cutoff"] = {"percent": 60, "as": "rest"}
    return fields


def fee(number: int, numbers: random.Random) -> dict[str, object]:
    """A charge of a day, of a whole month, or of some days."""
    start = FIRST + timedelta(days=numbers.randrange(DAYS))
    length = numbers.choice([1, 1, 1, 3, 10, 28, 31])
    end = start + timedelta(days=length)
    if length == 31:
        start = start.replace(day=1)
        end = (start + timedelta(days=31)).replace(day=1)
    return charge(f"Fee {number}", f"{numbers.randrange(-50, 900)}", day=str(start), until=str(end), **tags(numbers))


def tags(numbers: random.Random) -> dict[str, object]:
    env = numbers.choice(["prod", "dev", None])
    return {"BillingCurrency": numbers.choice(["USD", "USD", "EUR"]), **({"env": env} if env else {})}


@pytest.mark.parametrize("turn", range(6))
def test_the_shares_of_earlier_days_and_periods(turn: int, tmp_path: Path) -> None:
    numbers = random.Random(turn)
    bill = [
        charge(
            "EC2",
            f"{numbers.randrange(-30, 100)}",
            day=str(FIRST + timedelta(days=numbers.randrange(DAYS))),
            team=numbers.choice("ABCD"),
            ConsumedQuantity=f"{numbers.randrange(-3, 10)}",
            ConsumedUnit="Hours",
            **tags(numbers),
        )
        for _ in range([8, 15, 30][turn % 3])
    ]
    bill += [fee(numbers.randrange(8), numbers) for _ in range(120)]
    rules = {
        "labels": [{"id": name, "from": [f"Tags.{name}"]} for name in ("env", "team")],
        "allocations": [rule(number, numbers) for number in range(8)],
    }
    case = Case(rules, bill, report=("team", "ServiceName"))
    folder = write(case, tmp_path)
    notes: Counter[str] = Counter()
    exact = expected(case, load(folder), notes=notes)
    assert_same(evaluated(folder), exact)
    assert min(notes[f"empty: {each}"] for each in ("previous days", "previous period", "nothing previous")) > 0
