"""Money in and money out of every step are compared on every run; a difference names the rule and stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import duckdb
import pytest
from workbench import Case, charge, load, write

from costops.engine.embedded import _connection
from costops.engine.evaluate import Evaluator, Outcome
from costops.engine.ir import Fields
from costops.engine.load import load_bill
from costops.engine.lower import lower
from costops.errors import ConservationError, ExitCode
from costops.workspace import open_workspace

RULES = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
allocations:
  - id: support-by-team
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
  - id: support-by-env
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: env, values: [production, staging, test]}
  - id: tax
    source: {where: {ServiceName: Tax}}
    method: percent
    to: {dimension: team, percent: {a: 60, b: 40}}
"""
BILL = [
    charge("EC2", "100", team="a", env="production"),
    charge("EC2", "200.07", team="b"),
    charge("Support", "31", day="2025-04-10"),
    charge("Support", "7", day="2025-04-11"),
    charge("Tax", "-10.01", BillingCurrency="EUR"),
]
CASE = Case(RULES, BILL, report=("team", "env"))


class Tampering:
    """A connection that runs a statement of its own right after the nth one that begins with some words."""

    def __init__(self, inner: duckdb.DuckDBPyConnection, after: str, nth: int, statement: str) -> None:
        self._inner = inner
        self._after = after
        self._left = nth
        self._statement = statement

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> object:
        result = self._inner.execute(statement, parameters)
        if not statement.startswith(self._after):
            return result
        self._left -= 1
        if self._left:
            return result
        rows = result.fetchall()
        self._inner.execute(self._statement)
        return self._inner.execute(f"SELECT {rows[0][0]}")


Loaded = tuple[duckdb.DuckDBPyConnection, Callable[[object], Outcome]]


@contextmanager
def loaded(folder: Path, *cases: Case) -> Iterator[Loaded]:
    """A connection with the bill read in, and what evaluates the rules of cases on it, one after the other."""
    fields = Fields()
    evaluated = []
    for case in cases:
        write(case, folder)
        rules = load(folder)
        evaluated.append((rules, lower(rules, report=CASE.report, cost=CASE.cost, fields=fields)))
    with open_workspace(folder, environment={}) as workspace, _connection(1) as connection:
        bill = workspace.bill
        load_bill(connection, bill, fields, [program for _, program in evaluated])

        def evaluate(connection: object) -> Outcome:
            evaluator = Evaluator(
                cast("duckdb.DuckDBPyConnection", connection),
                costs=bill.cost_columns,
                field_columns=[name for _, name in fields.items()],
                metric_tables={},
            )
            *_, last = [evaluator.evaluate(rules, program, want_ledger=True) for rules, program in evaluated]
            return last

        yield connection, evaluate


def refusal(folder: Path, after: str, nth: int, statement: str, *cases: Case) -> str:
    """What a run says whose items are tampered with."""
    with loaded(folder, *(cases or (CASE,))) as (connection, evaluate):
        with pytest.raises(ConservationError) as caught:
            evaluate(Tampering(connection, after, nth, statement))
        assert caught.value.exit_code is ExitCode.FAILED
        return caught.value.message


LAST_ITEM = "WHERE rowid = (SELECT max(rowid) FROM own_items)"
MADE = 'INSERT INTO "own_items"'


def test_a_run_that_nobody_touches_passes_and_keeps_every_sum(tmp_path: Path) -> None:
    with loaded(tmp_path, CASE) as (connection, evaluate):
        ledger = evaluate(Tampering(connection, "nothing", 1, "")).ledger
    assert ledger is not None
    sums: dict[tuple[str, str], int] = {}
    for day, currency, amount in zip(ledger.days, ledger.currencies, ledger.amounts[0], strict=True):
        sums[day, currency] = sums.get((day, currency), 0) + amount
    assert sums == {
        ("2025-04-10", "USD"): 331_070_000_000_000,
        ("2025-04-11", "USD"): 7_000_000_000_000,
        ("2025-04-10", "EUR"): -10_010_000_000_000,
    }


@pytest.mark.parametrize(
    ("nth", "rule"), [(1, "support-by-team"), (2, "support-by-team"), (3, "tax"), (4, "support-by-env")]
)
@pytest.mark.parametrize("cost", ["c0", "c1"], ids=["BilledCost", "EffectiveCost"])
@pytest.mark.parametrize("change", ["+ 1", "- 1"], ids=["more", "less"])
def test_one_unit_of_the_last_digit_more_or_less_names_the_rule(
    tmp_path: Path, nth: int, rule: str, cost: str, change: str
) -> None:
    message = refusal(tmp_path, MADE, nth, f"UPDATE own_items SET {cost} = {cost} {change} {LAST_ITEM}")
    assert message.startswith(f"allocation {rule} changed the sum of cost on 2025-04-1")
    assert "billing month 2025-04" in message
    assert "nothing was written" in message


def test_the_message_names_the_day_and_the_currency(tmp_path: Path) -> None:
    message = refusal(tmp_path, MADE, 3, f"UPDATE own_items SET c0 = c0 + 1 {LAST_ITEM}")
    assert "on 2025-04-10 (billing month 2025-04, EUR)" in message


def test_a_row_that_is_lost_names_the_rule(tmp_path: Path) -> None:
    message = refusal(tmp_path, MADE, 4, f"DELETE FROM own_items {LAST_ITEM}")
    assert message.startswith("allocation support-by-env ")


def test_a_row_that_is_there_twice_names_the_rule(tmp_path: Path) -> None:
    message = refusal(tmp_path, MADE, 4, f"INSERT INTO own_items SELECT * FROM own_items {LAST_ITEM}")
    assert message.startswith("allocation support-by-env ")


@pytest.mark.parametrize(
    "change",
    ["day = day + 1", "month = '2025-05-01'", "currency = 'EUR'"],
    ids=["another day", "another billing month", "another currency"],
)
def test_money_that_moves_in_time_or_currency_is_not_conserved(tmp_path: Path, change: str) -> None:
    message = refusal(tmp_path, MADE, 4, f"UPDATE own_items SET {change} {LAST_ITEM}")
    assert message.startswith("allocation support-by-env ")


def test_two_cost_columns_cannot_make_up_for_each_other(tmp_path: Path) -> None:
    message = refusal(tmp_path, MADE, 4, f"UPDATE own_items SET c0 = c0 + 1, c1 = c1 - 1 {LAST_ITEM}")
    assert message.startswith("allocation support-by-env ")


def test_two_days_cannot_make_up_for_each_other(tmp_path: Path) -> None:
    one_each = "(SELECT max(rowid) FROM own_items GROUP BY day)"
    signed = f"CASE WHEN day = '2025-04-10' THEN 1 ELSE -1 END WHERE rowid IN {one_each}"
    message = refusal(tmp_path, MADE, 4, f"UPDATE own_items SET c0 = c0 + {signed}")
    assert message.startswith("allocation support-by-env ")


def test_the_first_rule_that_is_wrong_is_named_even_if_a_later_one_takes_its_rows(tmp_path: Path) -> None:
    message = refusal(tmp_path, MADE, 1, f"UPDATE own_items SET c1 = c1 + 5 {LAST_ITEM}")
    assert message.startswith("allocation support-by-team ")


def test_money_that_differs_from_the_bill_before_the_first_rule_is_told_of_the_bill(tmp_path: Path) -> None:
    message = refusal(
        tmp_path, 'CREATE OR REPLACE TEMPORARY TABLE "own_items"', 1, f"UPDATE own_items SET c0 = c0 + 1 {LAST_ITEM}"
    )
    assert message.startswith("the allocated cost of 2025-04-1")
    assert "differs from the bill's" in message


EDITED = CASE.with_rules(RULES.replace("a: 60, b: 40", "a: 50, b: 50"))
MOVED = 'CREATE OR REPLACE TEMPORARY TABLE "carried"'


def test_a_rule_set_that_follows_another_is_checked_for_what_it_evaluates(tmp_path: Path) -> None:
    change = f"UPDATE own_items SET c0 = c0 + 1 {LAST_ITEM}"
    assert refusal(tmp_path, MADE, 5, change, CASE, EDITED).startswith("allocation tax changed the sum of cost on 2025")


def test_a_rule_set_that_follows_another_is_checked_for_what_it_keeps(tmp_path: Path) -> None:
    change = "UPDATE own_items SET c1 = c1 + 1 WHERE profile IN (SELECT profile FROM profiles WHERE made = 3)"
    message = refusal(tmp_path, MOVED, 1, change, CASE, EDITED)
    assert message.startswith("the allocated cost of 2025-04-10 (billing month 2025-04, EUR) differs from what it was")
