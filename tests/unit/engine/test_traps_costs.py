"""Traps of currencies, cost columns and kinds of charges, each with its vector: T20 to T23."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from unit.engine.vectors import LABELS, allocated, cents, exact, of
from workbench import PICOS, Case, assert_close, by, charge, planned, totals

from costops.money import quantum_picos
from costops.workspace import open_workspace

REPORT = ("team", "ServiceName")


def by_ec2(rule_id: str, service: str, *, where: str = "", source: str = "", basis: str = "") -> str:
    """An allocation of a service over teams in proportion to EC2, with further conditions and fields."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}{source}}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {{ServiceName: EC2{where}}}{basis}}}
"""


def rules(*allocations: str) -> str:
    return f"{LABELS}\nallocations:{''.join(allocations)}"


# T20: currencies.


def test_t20_currencies_are_never_added_and_each_has_its_own_basis(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A"), charge("EC2", "3", team="B"), charge("Support", "8")),
        *(charge("EC2", "100", team="A", BillingCurrency="EUR"), charge("Support", "6", BillingCurrency="EUR")),
        charge("Support", "5", BillingCurrency="JPY"),
        *(charge("Even", "100", BillingCurrency=currency) for currency in ("USD", "JPY")),
    ]
    even = """
  - id: even
    source: {where: {ServiceName: Even}}
    method: even
    to: {dimension: team, values: [A, B, C]}
"""
    ledger = exact(Case(rules(by_ec2("support", "Support"), even), bill, report=REPORT), tmp_path)
    assert_close(
        of(ledger, "Support", "currency", "team"),
        {("USD", "A"): 2, ("USD", "B"): 6, ("EUR", "A"): 6, ("JPY", None): 5},
    )
    evenly = of(ledger, "Even", "currency", "team")
    dollars = {team: value for (currency, team), value in evenly.items() if currency == "USD"}
    yen = {team: value for (currency, team), value in evenly.items() if currency == "JPY"}
    assert dollars == yen
    # A cent is the quantum of the dollar, and a whole yen that of the yen.
    assert cents(dollars, quantum_picos("USD")) == {"A": 3334, "B": 3333, "C": 3333}
    assert cents(yen, quantum_picos("JPY")) == {"A": 34, "B": 33, "C": 33}
    with open_workspace(tmp_path, environment={}) as workspace:
        plan = workspace.plan()
    effective = {each.currency: Fraction(each.after, PICOS) for each in plan.totals if each.cost == "EffectiveCost"}
    assert effective == {"USD": 112, "EUR": 106, "JPY": 105}


# T21: several cost columns.


def test_t21_every_cost_column_is_split_by_the_same_ratios(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1", team="A", BilledCost="90"),
        charge("EC2", "3", team="B", BilledCost="10"),
        charge("Support", "8", BilledCost="0.4", ListCost="-12"),
        charge("Billed", "8", BilledCost="0.4", ListCost="-12"),
    ]
    text = rules(by_ec2("support", "Support"), by_ec2("billed", "Billed", basis=", cost: BilledCost"))
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(of(ledger, "Support", "team", column="BilledCost"), {"A": "0.1", "B": "0.3"})
    assert_close(of(ledger, "Support", "team", column="EffectiveCost"), {"A": 2, "B": 6})
    assert_close(of(ledger, "Support", "team", column="ListCost"), {"A": -3, "B": -9})
    assert_close(of(ledger, "Billed", "team", column="BilledCost"), {"A": "0.36", "B": "0.04"})
    assert_close(of(ledger, "Billed", "team", column="EffectiveCost"), {"A": "7.2", "B": "0.8"})
    assert_close(of(ledger, "Billed", "team", column="ListCost"), {"A": "-10.8", "B": "-1.2"})


# T22: taxes, credits, fees.


def test_t22_tax_credit_and_fee_rows_count_unless_a_rule_leaves_them_out(tmp_path: Path) -> None:
    services = ("Everything", "Usage", "No credits")
    bill = [
        charge("EC2", "10", team="A", ChargeCategory="Usage"),
        charge("EC2", "10", team="B", ChargeCategory="Usage"),
        charge("EC2", "20", team="A", ChargeCategory="Tax"),
        charge("EC2", "-5", team="B", ChargeCategory="Credit"),
        *(charge(service, "70", ChargeCategory="Purchase") for service in services),
        *(charge(service, "-7", ChargeCategory="Credit") for service in services),
    ]
    usage_only = ", ChargeCategory: Usage"
    text = rules(
        by_ec2("everything", "Everything"),
        by_ec2("usage", "Usage", where=usage_only),
        by_ec2("no-credits", "No credits", where=usage_only, source=", ChargeCategory: {not: Credit}"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(of(ledger, "Everything", "team"), {"A": 54, "B": 9})
    assert_close(of(ledger, "Usage", "team"), {"A": "31.5", "B": "31.5"})
    assert_close(of(ledger, "No credits", "team"), {"A": 35, "B": 35, None: -7})


# T23: commitments.


def test_t23_a_commitment_counts_once_in_each_cost_column_and_what_is_unused_has_an_owner(tmp_path: Path) -> None:
    bill = [
        # Bought for 96 of which 60 cover usage; the rest of the commitment stays unused.
        charge("Savings Plan", "0", BilledCost="96", ChargeCategory="Purchase"),
        charge("EC2", "45", BilledCost="0", team="A", CommitmentDiscountStatus="Used"),
        charge("EC2", "15", BilledCost="0", team="B", CommitmentDiscountStatus="Used"),
        charge("EC2", "36", BilledCost="0", CommitmentDiscountStatus="Unused"),
    ]
    unused = """
  - id: unused
    source: {where: {CommitmentDiscountStatus: Unused}}
    method: percent
    to: {dimension: team, percent: {finops: 100}}
"""
    purchase = """
  - id: purchase
    source: {where: {ChargeCategory: Purchase, ServiceName: Savings Plan}}
    method: proportional
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
"""
    ledger = exact(Case(rules(unused, purchase), bill, report=REPORT), tmp_path)
    assert_close(by(ledger, "team"), {"A": 45, "B": 15, "finops": 36})
    # What was billed follows the use, too: 45 : 15 : 36 of 96, and nothing of it is in the effective cost.
    assert_close(by(ledger, "team", column="BilledCost"), {"A": 45, "B": 15, "finops": 36})
    assert of(ledger, "Savings Plan", "team", column="EffectiveCost") == {}
    assert sum(allocated(ledger, "team").values()) == 36
    assert planned(tmp_path)[0] == ledger


def test_t23_one_cost_column_is_shown_and_none_is_added_to_another(tmp_path: Path) -> None:
    bill = [
        charge("Savings Plan", "0", BilledCost="96", team="A"),
        charge("EC2", "96", BilledCost="0", team="B"),
    ]
    case = Case(LABELS, bill, report=REPORT)
    ledger = exact(case, tmp_path)
    assert totals(ledger, "team") == {("B",): 96}
    assert totals(ledger, "team", column="BilledCost") == {("A",): 96}
    with open_workspace(tmp_path, environment={}) as workspace:
        shown = {each.value: Fraction(each.amount, PICOS) for each in workspace.plan().result}
    assert shown == {"B": 96, "EC2": 96}
