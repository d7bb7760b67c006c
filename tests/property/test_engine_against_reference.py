"""The engine and the oracle over random bills, usage and rules."""

from __future__ import annotations

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import reference
from hypothesis import given, seed
from hypothesis import strategies as st
from property.rule_files import cases, cases_of_values
from workbench import (
    Case,
    Charge,
    amounts,
    assert_same,
    day_sums,
    evaluated,
    expected,
    is_steady,
    load,
    planned,
    write,
    write_rules,
)

UNRELATED = {
    "id": "unrelated",
    "source": {"where": {"x_Note": "no charge says this"}},
    "method": "percent",
    "to": {"dimension": "owner", "percent": {"nobody": 100}},
}


THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
TURNS = int(os.environ.get("COSTOPS_EXAMPLES") or (2000 if THOROUGH else 100)) // 10 or 1
FIRST_SEED = int(os.environ.get("COSTOPS_THOROUGH_SEED") or 0)


def in_turns(*strategies: st.SearchStrategy[Any]) -> Callable[[Callable[..., None]], Callable[[int], None]]:
    """A test of a property, a few examples a turn, each turn from a seed of its own."""

    def decorate(holds: Callable[..., None]) -> Callable[[int], None]:
        @pytest.mark.parametrize("turn", range(FIRST_SEED, FIRST_SEED + TURNS), ids="seed {}".format)
        def test(turn: int) -> None:
            seed(turn)(given(*strategies)(holds))()

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return decorate


@contextmanager
def written(case: Case, bill_parts: Sequence[Sequence[Charge]] | None = None) -> Iterator[Path]:
    """A workspace folder that lives as long as its block."""
    with tempfile.TemporaryDirectory(prefix="costops-") as folder:
        yield write(case, Path(folder), bill_parts=bill_parts)


def raw_sums(case: Case) -> dict[tuple[str, str, str, str], Fraction]:
    """Sums of the bill's rows as read per (billing month, day, currency, cost column), those of 0 left out."""
    sums: dict[tuple[str, str, str, str], Fraction] = defaultdict(Fraction)
    for row in case.bill:
        day = str(row["ChargePeriodStart"])[:10]
        month = str(row["BillingPeriodStart"] or row["ChargePeriodStart"])[:7]
        for column in reference.COSTS:
            if column in row:
                sums[month, day, str(row["BillingCurrency"]), column] += reference.amount(row[column])
    return {key: value for key, value in sums.items() if value}


@in_turns(cases())
def test_the_ledger_is_the_oracles_and_no_money_is_lost(case: Case) -> None:
    with written(case) as folder:
        ledger, rules = evaluated(folder), load(folder)
    assert day_sums(amounts(ledger)) == raw_sums(case)
    if is_steady(case, rules):
        assert_same(ledger, expected(case, rules))


@in_turns(cases_of_values())
def test_labels_dimensions_and_conditions_are_the_oracles(case: Case) -> None:
    with written(case) as folder:
        assert_same(evaluated(folder), expected(case, load(folder)))


@in_turns(cases(), st.data())
def test_the_same_bytes_in_a_plan_and_alone_with_two_threads_and_shuffled(case: Case, data: st.DataObject) -> None:
    with written(case) as folder:
        once, _ = planned(folder, threads=1)
    rows = data.draw(st.permutations(case.bill))
    first, second = sorted(data.draw(st.tuples(st.integers(0, len(rows)), st.integers(0, len(rows)))))
    parts = [part for part in (rows[:first], rows[first:second], rows[second:]) if part]
    with written(case, parts) as folder:
        shuffled = evaluated(folder, threads=2)
    assert once == shuffled
    assert once.digest == shuffled.digest


@in_turns(cases())
def test_an_unrelated_rule_at_the_end_changes_no_byte_and_elsewhere_no_amount(case: Case) -> None:
    assert isinstance(case.rules, Mapping)
    allocations = case.rules["allocations"]
    assert isinstance(allocations, list)
    with written(case) as folder:
        plain = evaluated(folder)
        write_rules(folder, {**case.rules, "allocations": [*allocations, UNRELATED]})
        appended = evaluated(folder)
        write_rules(folder, {**case.rules, "allocations": [UNRELATED, *allocations]})
        inserted, rules = evaluated(folder), load(folder)
    assert appended == plain
    assert appended.digest == plain.digest
    if is_steady(case, rules):
        assert_same(inserted, amounts(plain))
    else:
        assert day_sums(amounts(inserted)) == day_sums(amounts(plain))
