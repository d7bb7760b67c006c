"""Traps of days and months, each with its vector: T06 to T08 and T25 to T27."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from unit.engine.vectors import LABELS, exact, of
from workbench import Case, assert_close, charge, planned, write, write_rules

from costops.errors import EngineError
from costops.model.plan import Plan
from costops.workspace import open_workspace

REPORT = ("team", "ServiceName")


def by_ec2(rule_id: str, service: str, granularity: str, fields: str = "") -> str:
    """An allocation of a service over teams in proportion to EC2, with a granularity."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {{ServiceName: EC2}}, granularity: {granularity}}}
{fields}
"""


def rules(*allocations: str) -> str:
    return f"{LABELS}\nallocations:{''.join(allocations)}"


# T06: days without targets.


def test_t06_a_day_without_targets_is_decided_by_on_empty_or_has_the_months_ratio(tmp_path: Path) -> None:
    services = ("Stays", "Evenly", "Previous", "Monthly")
    bill = [
        *(charge("EC2", "1", team="A"), charge("EC2", "0", team="B", day="2025-04-11")),
        *(charge(service, "8") for service in services),
        *(charge(service, "4", day="2025-04-11") for service in services),
        # Thirty-two days after the last basis the shares of before are too old.
        charge("Previous", "2", day="2025-05-11"),
        charge("Previous", "1", day="2025-05-12"),
    ]
    text = rules(
        by_ec2("stays", "Stays", "daily"),
        by_ec2("evenly", "Evenly", "daily", "    on_empty: even"),
        by_ec2("as-before", "Previous", "daily", "    on_empty: previous"),
        by_ec2("monthly", "Monthly", "monthly"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(of(ledger, "Stays", "team"), {"A": 8, None: 4})
    assert_close(of(ledger, "Evenly", "team"), {"A": 8, "B": 4})
    assert_close(
        of(ledger, "Previous", "day", "team"),
        {
            ("2025-04-10", "A"): 8,
            ("2025-04-11", "A"): 4,
            ("2025-05-11", "A"): 2,
            ("2025-05-12", None): 1,
        },
    )
    assert_close(of(ledger, "Monthly", "team"), {"A": 12})


def test_t06_a_day_without_targets_with_error_stops(tmp_path: Path) -> None:
    bill = [charge("EC2", "1", team="A"), charge("Support", "4", day="2025-04-11")]
    text = rules(by_ec2("support", "Support", "daily", "    on_empty: error"))
    write(Case(text, bill, report=REPORT), tmp_path)
    with pytest.raises(EngineError, match="support"):
        planned(tmp_path)


# T07 and T08: which days make the ratio.

TURNING = [
    *(charge("EC2", "10", team="A"), charge("EC2", "90", team="B")),
    *(charge("EC2", "90", team="A", day="2025-04-11"), charge("EC2", "10", team="B", day="2025-04-11")),
]


def shared(service: str) -> list[dict[str, object]]:
    """10 on the first day and 90 on the second."""
    return [charge(service, "10"), charge(service, "90", day="2025-04-11")]


def test_t07_daily_and_monthly_ratios_are_other_money(tmp_path: Path) -> None:
    text = rules(by_ec2("daily", "Daily", "daily"), by_ec2("monthly", "Monthly", "monthly"))
    bill = [*TURNING, *shared("Daily"), *shared("Monthly")]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(of(ledger, "Daily", "team"), {"A": 82, "B": 18})
    assert_close(of(ledger, "Monthly", "team"), {"A": 50, "B": 50})


def test_t07_a_plan_names_the_granularity_and_the_money_that_it_moves(tmp_path: Path) -> None:
    case = Case(rules(by_ec2("support", "Support", "daily")), [*TURNING, *shared("Support")], report=REPORT)
    write(case, tmp_path)
    with open_workspace(tmp_path) as workspace:
        workspace.apply(workspace.plan())
    write_rules(tmp_path, rules(by_ec2("support", "Support", "monthly")))
    with open_workspace(tmp_path) as workspace:
        plan: Plan = workspace.plan()
    (change,) = plan.changes
    (field,) = change.fields
    assert (field.path, field.before, field.after) == ("basis.granularity", "daily", "monthly")
    deltas = {line.value: Fraction(line.delta, 10**12) for line in change.money if line.dimension == "team"}
    assert_close(deltas, {"A": -32, "B": 32})


def test_t08_a_ratio_is_cost_by_cost_and_never_a_mean_of_ratios(tmp_path: Path) -> None:
    hours = [
        charge(
            service,
            cost,
            team=team,
            ChargePeriodStart=f"2025-04-10T{hour:02}:00:00Z",
            ChargePeriodEnd=f"2025-04-10T{hour:02}:59:59Z",
        )
        for hour in range(24)
        for service, cost, team in (("Lambda", "1", "A"), ("Hourly", "1", None))
    ]
    bill = [*TURNING, *shared("Daily"), *hours, charge("Lambda", "72", team="B")]
    text = rules(
        by_ec2("daily", "Daily", "daily"),
        by_ec2("hourly", "Hourly", "charge_period").replace("ServiceName: EC2", "ServiceName: Lambda"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    daily = of(ledger, "Daily", "team")
    # The mean of A's ratios 0.1 and 0.9 is 0.5; what A pays of the whole is 0.82.
    assert daily["A"] / sum(daily.values()) == Fraction("0.82")
    # Hourly charges share the ratio of their day, 24 : 72; 23 hours of A alone would give A 23.25 of 24.
    assert_close(of(ledger, "Hourly", "team"), {"A": 6, "B": 18})


# T25: corrections of older days.


def test_t25_a_correction_has_its_own_days_ratios_and_stays_in_the_month_that_bills_it(tmp_path: Path) -> None:
    correction = {"day": "2025-04-10", "BillingPeriodStart": "2025-05-01T00:00:00Z", "ChargeClass": "Correction"}
    bill = [
        charge("EC2", "1", team="A"),
        charge("EC2", "1", team="B", day="2025-05-10"),
        *(charge("Day", "100"), charge("Day", "-10", **correction)),
        *(charge("Month", "100"), charge("Month", "-10", **correction)),
        *(charge("Apart", "100"), charge("Apart", "-10", **correction)),
    ]
    text = rules(
        by_ec2("by-day", "Day", "charge_period"),
        by_ec2("by-billing", "Month", "billing_period"),
        by_ec2("apart", "Apart", "daily").replace("Apart}", "Apart, ChargeClass: null}"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    april, may = ("2025-04", "2025-04-10"), ("2025-05", "2025-04-10")
    assert_close(of(ledger, "Day", "month", "day", "team"), {(*april, "A"): 100, (*may, "A"): -10})
    assert_close(of(ledger, "Month", "month", "day", "team"), {(*april, "A"): 100, (*may, "B"): -10})
    assert_close(of(ledger, "Apart", "month", "day", "team"), {(*april, "A"): 100, (*may, None): -10})


# T26: time zones and edges.


def test_t26_a_charge_counts_on_its_utc_start_day_and_ends_are_exclusive(tmp_path: Path) -> None:
    bill = [
        # 01:30 in a zone two hours ahead is the evening of the tenth; it ends after midnight.
        charge("Support", "8", ChargePeriodStart="2025-04-11T01:30:00+02:00", ChargePeriodEnd="2025-04-11T00:30:00Z"),
        # A month's fee stays whole on its first day, with the ratio of its month.
        charge("Support", "30", day="2025-04-01", until="2025-05-01"),
        charge("EC2", "1", team="A"),
        charge("EC2", "1", team="B", day="2025-04-11"),
        charge("EC2", "7", team="C", day="2025-05-01"),
    ]
    ledger = exact(Case(rules(by_ec2("support", "Support", "charge_period")), bill, report=REPORT), tmp_path)
    assert_close(
        of(ledger, "Support", "day", "team"),
        {
            ("2025-04-10", "A"): 8,
            ("2025-04-01", "A"): 15,
            ("2025-04-01", "B"): 15,
        },
    )


def test_t26_daily_on_a_charge_longer_than_a_day_warns_with_the_amount(tmp_path: Path) -> None:
    bill = [
        charge("Support", "31.25", day="2025-04-01", until="2025-05-01"),
        charge("EC2", "1", team="A", day="2025-04-01"),
    ]
    write(Case(rules(by_ec2("support", "Support", "daily")), bill, report=REPORT), tmp_path)
    ledger, diagnostics = planned(tmp_path)
    assert_close(of(ledger, "Support", "team"), {"A": "31.25"})
    assert [("31.25" in each.message, each.is_error) for each in diagnostics if each.code == "CO803"] == [(True, False)]


# T27: rules that begin and end.


def test_t27_a_rule_from_the_15th_has_its_own_days_and_the_ratios_of_those_days(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "90", team="A", day="2025-04-10"),
        *(charge("EC2", "10", team="A", day="2025-04-20"), charge("EC2", "30", team="B", day="2025-04-20")),
        *(charge("Agreed", "10", day=f"2025-04-{day}") for day in (13, 14, 15, 16)),
        *(charge("Month", "40", day=day) for day in ("2025-04-10", "2025-04-14", "2025-04-15", "2025-04-20")),
        charge("Fee", "40", day="2025-04-20", until="2025-05-20"),
        charge("Open", "5", day="2025-04-14"),
        charge("Open", "7", day="2025-04-15"),
    ]

    def percent(rule_id: str, service: str, team: str, effective: str) -> str:
        return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: percent
    to: {{dimension: team, percent: {{{team}: 100}}}}
    effective: {effective}
"""

    text = rules(
        percent("agreed-until", "Agreed", "A", "{until: 2025-04-14}"),
        percent("agreed-from", "Agreed", "B", "{from: 2025-04-15}"),
        by_ec2("month", "Month", "monthly", "    effective: {from: 2025-04-15}"),
        by_ec2("fee", "Fee", "charge_period", "    effective: {from: 2025-04-15, until: 2025-04-20}"),
        percent("open", "Open", "A", "{from: 2025-04-15, until: 2025-04-15}"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    days = {("2025-04-13", "A"): 10, ("2025-04-14", "A"): 10, ("2025-04-15", "B"): 10, ("2025-04-16", "B"): 10}
    assert_close(of(ledger, "Agreed", "day", "team"), days)
    # A's 90 of the tenth are before the rule: 10 to 30, and not 100 to 30.
    assert_close(of(ledger, "Month", "team"), {None: 80, "A": 20, "B": 60})
    assert_close(of(ledger, "Month", "day"), {f"2025-04-{day}": 40 for day in (10, 14, 15, 20)})
    assert_close(of(ledger, "Fee", "team"), {"A": 10, "B": 30})
    assert_close(of(ledger, "Open", "team"), {None: 5, "A": 7})
