"""The engine and the oracle over random bills, usage and rules."""

from __future__ import annotations

import re
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
import reference
from hypothesis import strategies as st
from property.rule_files import cases, cases_of_values
from property.turns import in_turns
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
    outcome,
    planned,
    write,
    write_rules,
)

from costops.errors import EngineError
from costops.model.ledger import Ledger
from costops.model.rules import RuleSet

UNRELATED = {
    "id": "unrelated",
    "source": {"where": {"x_Note": "no charge says this"}},
    "method": "percent",
    "to": {"dimension": "owner", "percent": {"nobody": 100}},
}


@contextmanager
def written(case: Case, bill_parts: Sequence[Sequence[Charge]] | None = None) -> Iterator[Path]:
    """A workspace folder that lives as long as its block."""
    with tempfile.TemporaryDirectory(prefix="costops-") as folder:
        yield write(case, Path(folder), bill_parts=bill_parts)


def raw_sums(case: Case) -> dict[tuple[str, str, str, str], Fraction]:
    """Sums of the bill's rows as read per (billing month, day, currency, cost column), those of 0 left out."""
    sums: dict[tuple[str, str, str, str], Fraction] = defaultdict(Fraction)
    columns = reference.cost_columns(case.bill, case.costs)
    for row in case.bill:
        day = str(row["ChargePeriodStart"])[:10]
        month = str(row["BillingPeriodStart"] or row["ChargePeriodStart"])[:7]
        for name, column in columns.items():
            sums[month, day, str(row["BillingCurrency"]), name] += reference.amount(row.get(column))
    return {key: value for key, value in sums.items() if value}


def assert_right(case: Case, rules: RuleSet, ledger: Ledger) -> bool:
    """No money is lost, and the amounts are the oracle's; gives whether they hang on no dust."""
    assert day_sums(amounts(ledger)) == raw_sums(case)
    if not is_steady(case, rules):
        return False
    assert_same(ledger, expected(case, rules))
    return True


@in_turns(cases())
def test_the_ledger_is_the_oracles_and_no_money_is_lost(case: Case) -> None:
    with written(case) as folder:
        assert_right(case, load(folder), evaluated(folder))


@in_turns(cases(strict=True))
def test_a_rule_fails_where_the_oracle_says_so_and_nowhere_else(case: Case) -> None:
    with written(case) as folder:
        rules = load(folder)
        if not is_steady(case, rules):
            return
        exact = outcome(case, rules)
        if isinstance(exact, reference.RuleFailedError):
            with pytest.raises(EngineError, match=rf"^allocation {re.escape(exact.rule)}\b"):
                evaluated(folder)
        else:
            assert_same(evaluated(folder), exact)


@in_turns(cases_of_values())
def test_labels_dimensions_and_conditions_are_the_oracles(case: Case) -> None:
    with written(case) as folder:
        assert_same(evaluated(folder), expected(case, load(folder)))


def with_unrelated(case: Case, place: int) -> Mapping[str, object]:
    """The rule file of a case with one more rule, which takes nothing."""
    assert isinstance(case.rules, Mapping)
    allocations = allocations_of(case)
    return {**case.rules, "allocations": [*allocations[:place], UNRELATED, *allocations[place:]]}


def allocations_of(case: Case) -> list[object]:
    assert isinstance(case.rules, Mapping)
    allocations = case.rules["allocations"]
    assert isinstance(allocations, list)
    return allocations


@in_turns(cases(), st.data(), one_in=2)
def test_the_same_bytes_in_a_plan_and_alone_shuffled_with_two_threads_and_an_unrelated_rule_at_the_end(
    case: Case, data: st.DataObject
) -> None:
    with written(case) as folder:
        # A plan evaluates several rule sets and takes three times as long.
        is_plan = data.draw(st.integers(0, 3)) == 0
        once = planned(folder, threads=1)[0] if is_plan else evaluated(folder, threads=1)
        steady = assert_right(case, load(folder), once)
    rows = data.draw(st.permutations(case.bill))
    first, second = sorted(data.draw(st.tuples(st.integers(0, len(rows)), st.integers(0, len(rows)))))
    parts = [part for part in (rows[:first], rows[first:second], rows[second:]) if part]
    end = len(allocations_of(case))
    place = data.draw(st.sampled_from([end, end, None, *range(end)]))
    with written(case, parts) as folder:
        if place is not None:
            write_rules(folder, with_unrelated(case, place))
        again = evaluated(folder, threads=2)
    if place in (None, end):
        assert again == once
        assert again.digest == once.digest
    elif steady:
        # Elsewhere it may name a column earlier, and so change which row has a residue, but no amount.
        assert_same(again, amounts(once))
    else:
        assert day_sums(amounts(again)) == day_sums(amounts(once))
