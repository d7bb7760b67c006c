"""What goes wrong in cost allocation elsewhere, one named test each, with its vector: money and time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from workbench import PICOS, Case, assert_close, by, charge, planned, run, totals, usage, write

from costops.errors import EngineError
from costops.money import round_from_top

CENT = 10**10
YEN = 10**12

LABELS = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
allocations:
"""


def support(fields: str = "", *, method: str = "proportional", basis: str = "") -> str:
    """The rule file whose one allocation splits Support over teams in proportion to EC2, with further fields."""
    return f"""{LABELS}
  - id: support
    source: {{where: {{ServiceName: Support}}}}
    method: {method}
    to: {{dimension: team}}
    basis: {{where: {{ServiceName: EC2}}{basis}}}
{fields}
"""


def percent(*parts: tuple[str, int]) -> str:
    """The rule file whose one allocation gives each team its percentage of Support."""
    numbers = ", ".join(f"{team}: {number}" for team, number in parts)
    return f"""{LABELS}
  - id: support
    source: {{where: {{ServiceName: Support}}}}
    method: percent
    to: {{dimension: team, percent: {{{numbers}}}}}
"""


EVEN_OVER_THREE = f"""{LABELS}
  - id: support
    source: {{where: {{ServiceName: Support}}}}
    method: even
    to: {{dimension: team, values: [A, B, C]}}
"""


def teams(rules: str, bill: list[dict[str, object]], folder: Path) -> dict[str | None, Fraction]:
    """What became of Support by team; the ledger is compared with the oracle on the way."""
    ledger = run(Case(rules, bill, report=("team", "ServiceName")), folder)
    sums = totals(ledger, "team", "ServiceName")
    return {key[0]: value for key, value in sums.items() if key[1] == "Support"}


# Zero, negative, remainder


@pytest.mark.parametrize(
    "basis",
    [
        [],
        [charge("EC2", "0", team="A"), charge("EC2", "0", team="B")],
        [charge("EC2", "100", team="A"), charge("EC2", "-100", team="A")],
        [charge("EC2", "-1", team="A")],
    ],
    ids=["no target", "all zero", "cancelled by credits", "negative"],
)
def test_t1_a_zero_denominator_leaves_the_cost_where_it_was(basis: list[dict[str, object]], tmp_path: Path) -> None:
    assert_close(teams(support(), [*basis, charge("Support", "30")], tmp_path), {None: "30"})
    _, diagnostics = planned(tmp_path)
    assert any("30" in each.message and not each.is_error for each in diagnostics)


def test_t1_a_zero_denominator_with_even_is_shared_by_those_that_occur(tmp_path: Path) -> None:
    bill = [charge("EC2", "0", team="A"), charge("EC2", "-3", team="B"), charge("Support", "30")]
    assert_close(teams(support("    on_empty: even"), bill, tmp_path), {"A": "15", "B": "15"})


def test_t1_a_zero_denominator_with_error_stops_and_names_the_rule(tmp_path: Path) -> None:
    write(Case(support("    on_empty: error"), [charge("Support", "30")], report=("team",)), tmp_path)
    with pytest.raises(EngineError, match="support"):
        planned(tmp_path)


@pytest.mark.parametrize("credit", ["-50", "-100", "-100.01"])
def test_t2_a_negative_weight_is_clipped_and_never_explodes(credit: str, tmp_path: Path) -> None:
    bill = [charge("EC2", "100", team="A"), charge("EC2", credit, team="B"), charge("Support", "30")]
    assert_close(teams(support(), bill, tmp_path), {"A": "30"})


def test_t2_clip_works_on_the_sum_of_an_element_not_on_its_rows(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "100", team="A"), charge("EC2", "-40", team="A"), charge("EC2", "40", team="B")),
        charge("Support", "10"),
    ]
    assert_close(teams(support(), bill, tmp_path), {"A": "6", "B": "4"})


def test_t3_a_negative_source_is_split_like_a_positive_one(tmp_path: Path) -> None:
    credit = teams(percent(("A", 40), ("B", 60)), [charge("Support", "-50")], tmp_path / "credit")
    assert_close(credit, {"A": -20, "B": -30})
    plus = teams(EVEN_OVER_THREE, [charge("Support", "100")], tmp_path / "plus")
    minus = teams(EVEN_OVER_THREE, [charge("Support", "-100")], tmp_path / "minus")
    assert sum(minus.values()) == -100
    assert {team: -value for team, value in minus.items()} == plus


def test_t3_cents_of_a_negative_amount_mirror_those_of_a_positive_one() -> None:
    third = -100 * PICOS // 3 + 1
    assert round_from_top([("A", third), ("B", third), ("C", third)], CENT, -10000) == [-3334, -3333, -3333]


def test_t4_parts_add_up_to_the_last_digit(tmp_path: Path) -> None:
    thirds = teams(EVEN_OVER_THREE, [charge("Support", "100.00")], tmp_path / "thirds")
    assert sum(thirds.values()) == 100
    assert all(abs(value - Fraction(100, 3)) <= Fraction(3, PICOS) for value in thirds.values())
    dust = teams(EVEN_OVER_THREE, [charge("Support", "0.000000000002")], tmp_path / "dust")
    assert sum(dust.values()) == Fraction(2, PICOS)
    exact = teams(percent(("A", 98), ("B", 2)), [charge("Support", "182.25")], tmp_path / "exact")
    assert exact == {"A": Fraction("178.605"), "B": Fraction("3.645")}
    assert round_from_top([(str(team), int(value * PICOS)) for team, value in exact.items()], CENT) == [17861, 364]


def test_t4_cents_go_by_largest_remainder_with_ties_to_the_larger_and_then_the_name() -> None:
    third = 100 * PICOS // 3
    assert round_from_top([("C", third), ("A", third), ("B", third)], CENT, 10000) == [3333, 3334, 3333]
    assert round_from_top([("A", 178_605 * 10**9), ("B", 3_645 * 10**9)], CENT) == [17861, 364]
    dust = 2 * CENT // 3
    assert round_from_top([("A", dust), ("B", dust), ("C", dust)], CENT, 2) == [1, 1, 0]


# Days, partitions, gaps


def test_t6_a_day_without_targets_keeps_its_cost_unless_the_ratio_is_monthly(tmp_path: Path) -> None:
    bill = [charge("EC2", "1", team="A"), charge("Support", "8"), charge("Support", "4", day="2025-04-11")]
    assert_close(teams(support(basis=", granularity: daily"), bill, tmp_path / "daily"), {"A": "8", None: "4"})
    assert_close(teams(support(basis=", granularity: monthly"), bill, tmp_path / "monthly"), {"A": "12"})


def test_t7_daily_and_monthly_ratios_are_other_money(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "10", team="A"), charge("EC2", "90", team="B"), charge("Support", "10")),
        *(charge("EC2", "90", team="A", day="2025-04-11"), charge("EC2", "10", team="B", day="2025-04-11")),
        charge("Support", "90", day="2025-04-11"),
    ]
    assert_close(teams(support(basis=", granularity: daily"), bill, tmp_path / "daily"), {"A": "82", "B": "18"})
    assert_close(teams(support(basis=", granularity: monthly"), bill, tmp_path / "monthly"), {"A": "50", "B": "50"})


def test_t9_a_partition_without_targets_does_not_leak_into_another(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A", env="prod"), charge("EC2", "3", team="B", env="prod")),
        *(charge("Support", "8", env="prod"), charge("Support", "50", env="staging")),
    ]
    rules = support("    partition_by: [env]")
    ledger = run(Case(rules, bill, report=("env", "team", "ServiceName")), tmp_path)
    sums = totals(ledger, "env", "team", "ServiceName")
    support_only = {key[:2]: value for key, value in sums.items() if key[2] == "Support"}
    assert_close(
        support_only,
        {
            ("prod", "A"): 2,
            ("prod", "B"): 6,
            ("staging", None): 50,
        },
    )


def test_t10_a_partition_the_metric_lacks_stays_and_a_team_only_the_metric_knows_is_listed(tmp_path: Path) -> None:
    rules = f"""{LABELS}
  - id: by-hours
    source: {{where: {{ServiceName: Support}}}}
    method: metric
    to: {{dimension: team}}
    basis: {{metric: hours}}
    partition_by: [env]
metrics:
  - {{id: hours, source: warehouse, query: hours, labels: {{team: team, env: env}}}}
"""
    bill = [charge("EC2", "1", team="A"), charge("Support", "10", env="prod"), charge("Support", "4", env="staging")]
    records = [
        *(usage("hours", "3", team="A", env="prod"), usage("hours", "1", team="ghost", env="prod")),
        usage("hours", "1", team="A", env="staging", day="2025-04-11"),
    ]
    ledger = run(Case(rules, bill, records, report=("team", "ServiceName")), tmp_path)
    sums = totals(ledger, "team", "ServiceName")
    support_only = {key[0]: value for key, value in sums.items() if key[1] == "Support"}
    assert_close(
        support_only,
        {
            "A": Fraction("7.5"),
            "ghost": Fraction("2.5"),
            None: 4,
        },
    )
    _, diagnostics = planned(tmp_path)
    assert any("ghost" in each.message for each in diagnostics)


def test_t11_rows_without_the_partition_tag_are_a_bucket_of_their_own(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A", env="true"), charge("EC2", "1", team="B"), charge("EC2", "1", team="C", env="")),
        charge("EC2", "1", team="D", env=None),
        *(charge("Support", "5", env="true"), charge("Support", "6"), charge("Support", "3", env="")),
    ]
    figures = {"A": "5", "B": "3", "C": "3", "D": "3"}
    assert_close(teams(support("    partition_by: [env]"), bill, tmp_path), figures)


def test_t26_a_charge_over_midnight_counts_on_its_utc_start_day_and_ends_are_exclusive(tmp_path: Path) -> None:
    bill = [
        charge("Support", "8", ChargePeriodStart="2025-04-11T01:30:00+02:00", ChargePeriodEnd="2025-04-11T00:30:00Z"),
        charge("Support", "30", day="2025-04-01", until="2025-05-01"),
        charge("EC2", "1", team="A"),
        charge("EC2", "1", team="B", day="2025-04-11"),
        charge("EC2", "7", team="C", day="2025-05-01"),
    ]
    ledger = run(Case(support(), bill, report=("team", "ServiceName")), tmp_path)
    sums = totals(ledger, "day", "team", "ServiceName")
    support_only = {key[:2]: value for key, value in sums.items() if key[2] == "Support"}
    assert_close(
        support_only,
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
    assert_close(teams(support(basis=", granularity: daily"), bill, tmp_path), {"A": "31.25"})
    _, diagnostics = planned(tmp_path)
    assert any("31.25" in each.message and not each.is_error for each in diagnostics)


# Currencies and cost columns


def test_t20_currencies_are_never_added(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A"), charge("EC2", "3", team="B"), charge("Support", "8")),
        *(charge("EC2", "100", team="A", BillingCurrency="EUR"), charge("Support", "6", BillingCurrency="EUR")),
        charge("Support", "5", BillingCurrency="JPY"),
    ]
    ledger = run(Case(support(), bill, report=("team", "ServiceName")), tmp_path)
    sums = totals(ledger, "currency", "team", "ServiceName")
    support_only = {key[:2]: value for key, value in sums.items() if key[2] == "Support"}
    assert_close(
        support_only,
        {
            ("USD", "A"): 2,
            ("USD", "B"): 6,
            ("EUR", "A"): 6,
            ("JPY", None): 5,
        },
    )


def test_t20_a_currency_without_cents_is_rounded_to_its_own_unit() -> None:
    third = 100 * PICOS // 3
    assert round_from_top([("A", third), ("B", third), ("C", third)], YEN, 100) == [34, 33, 33]


def test_t21_every_cost_column_is_split_by_the_same_ratios(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1", team="A", BilledCost="90"),
        charge("EC2", "3", team="B", BilledCost="10"),
        charge("Support", "8", BilledCost="0.4", ListCost="-12"),
    ]
    ledger = run(Case(support(), bill, report=("team", "ServiceName")), tmp_path)
    split = {
        column: {key[0]: value for key, value in totals(ledger, "team", "path", column=column).items() if key[1]}
        for column in ("BilledCost", "EffectiveCost", "ListCost")
    }
    assert_close(split["BilledCost"], {"A": "0.1", "B": "0.3"})
    assert_close(split["EffectiveCost"], {"A": 2, "B": 6})
    assert_close(split["ListCost"], {"A": -3, "B": -9})
    case = Case(support(basis=", cost: BilledCost"), bill, report=("team", "ServiceName"))
    billed = totals(run(case, tmp_path), "team", "path")
    assert_close({key[0]: value for key, value in billed.items() if key[1]}, {"A": "7.2", "B": "0.8"})


def test_t22_tax_credit_and_fee_rows_weigh_only_where_the_rule_lets_them(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "10", team="A", ChargeCategory="Usage"),
        charge("EC2", "10", team="B", ChargeCategory="Usage"),
        charge("EC2", "20", team="A", ChargeCategory="Tax"),
        charge("EC2", "-5", team="B", ChargeCategory="Credit"),
        charge("Support", "70", ChargeCategory="Purchase"),
        charge("Support", "-7", ChargeCategory="Credit"),
    ]
    everything = teams(support(), bill, tmp_path / "everything")
    assert_close(everything, {"A": Fraction(63 * 30, 35), "B": Fraction(63 * 5, 35)})
    usage_only = support().replace("{ServiceName: EC2}", "{ServiceName: EC2, ChargeCategory: Usage}")
    assert_close(teams(usage_only, bill, tmp_path / "usage"), {"A": "31.5", "B": "31.5"})
    no_credits = usage_only.replace("{ServiceName: Support}", "{ServiceName: Support, ChargeCategory: {not: Credit}}")
    assert_close(teams(no_credits, bill, tmp_path / "no credits"), {"A": "35", "B": "35", None: "-7"})


def test_totals_of_every_team_are_shown_with_what_is_unallocated(tmp_path: Path) -> None:
    bill = [charge("EC2", "1", team="A"), charge("S3", "2"), charge("Support", "4", day="2025-05-02")]
    assert by(run(Case(support(), bill, report=("team",)), tmp_path), "team") == {"A": 1, None: 6}
