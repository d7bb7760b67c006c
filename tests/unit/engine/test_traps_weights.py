"""Traps of weights and remainders, each with its vector: T01 to T05 and T29."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from unit.engine.vectors import LABELS, cents, exact, of, refused
from workbench import PICOS, Case, assert_close, by, charge, planned, write

from costops.errors import EngineError
from costops.money import round_from_top

REPORT = ("env", "team", "ServiceName")


def proportional(rule_id: str, service: str, fields: str = "", *, basis: str = "") -> str:
    """An allocation of a service over teams in proportion to EC2, separately in each env."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {{ServiceName: EC2}}{basis}}}
    partition_by: [env]
{fields}
"""


def given(rule_id: str, service: str, fields: str) -> str:
    """An allocation of a service whose method and elements are in `fields`."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
{fields}
"""


def rules(*allocations: str) -> str:
    return f"{LABELS}\nallocations:{''.join(allocations)}"


EVEN_OVER_THREE = """
    method: even
    to: {dimension: team, values: [A, B, C]}
"""

# T01: a base that adds up to nothing.

BASES = [
    *(charge("EC2", "0", env="all zero", team="A"), charge("EC2", "0", env="all zero", team="B")),
    *(charge("EC2", "100", env="cancelled", team="A"), charge("EC2", "-100", env="cancelled", team="A")),
    *(charge("EC2", "0", env="cancelled", team="B"), charge("EC2", "-1", env="negative", team="A")),
]
ENVS = ("no target", "all zero", "cancelled", "negative")
EARLIER = [
    each
    for env in ENVS
    for each in (
        charge("EC2", "1", env=env, team="A", day="2025-04-07"),
        charge("EC2", "2", env=env, team="B", day="2025-04-07"),
    )
]


def test_t01_a_zero_denominator_is_decided_by_on_empty_and_the_cost_is_never_lost(tmp_path: Path) -> None:
    services = ("Stays", "Evenly", "Previous")
    sources = [charge(service, "30", env=env) for service in services for env in ENVS]
    text = rules(
        proportional("stays", "Stays"),
        proportional("evenly", "Evenly", "    on_empty: even"),
        proportional("as-before", "Previous", "    on_empty: previous"),
    )
    ledger = exact(Case(text, [*BASES, *EARLIER, *sources], report=REPORT), tmp_path)
    assert_close(of(ledger, "Stays", "env", "team"), {(env, None): 30 for env in ENVS})
    assert_close(
        of(ledger, "Evenly", "env", "team"),
        {
            ("no target", None): 30,
            ("all zero", "A"): 15,
            ("all zero", "B"): 15,
            ("cancelled", "A"): 15,
            ("cancelled", "B"): 15,
            ("negative", "A"): 30,
        },
    )
    before = {(env, team): amount for env in ENVS for team, amount in (("A", 10), ("B", 20))}
    assert_close(of(ledger, "Previous", "env", "team"), before)
    warnings = [each for each in planned(tmp_path)[1] if each.code == "CO801"]
    assert [("120" in each.message, each.is_error) for each in warnings if "stays" in each.message] == [(True, False)]
    assert [("30" in each.message, each.is_error) for each in warnings if "evenly" in each.message] == [(True, False)]
    assert not any("as-before" in each.message for each in warnings)


def test_t01_a_zero_denominator_with_error_stops_and_names_the_rule(tmp_path: Path) -> None:
    text = rules(proportional("support", "Support", "    on_empty: error"))
    write(Case(text, [charge("EC2", "0", team="A"), charge("Support", "30")], report=REPORT), tmp_path)
    with pytest.raises(EngineError, match="support"):
        planned(tmp_path)


# T02: a base of which a part is negative.


def test_t02_negative_weights_are_clipped_or_excluded_and_never_explode(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "100", env="credit", team="A"), charge("EC2", "-50", env="credit", team="B")),
        *(charge("EC2", "100", env="near zero", team="A"), charge("EC2", "-100.01", env="near zero", team="B")),
        *(charge("EC2", "-5", env="nothing left", team="A"), charge("EC2", "0", env="nothing left", team="B")),
        # The sum of an element counts, not its rows.
        *(charge("EC2", "100", env="sums", team="A"), charge("EC2", "-40", env="sums", team="A")),
        charge("EC2", "40", env="sums", team="B"),
        *(charge("Clip", "30", env=env) for env in ("credit", "near zero", "nothing left", "sums")),
        *(charge("Exclude", "30", env=env) for env in ("credit", "near zero", "nothing left", "sums")),
    ]
    text = rules(
        proportional("clip", "Clip", "    on_empty: even", basis=", negative: clip"),
        proportional("exclude", "Exclude", "    on_empty: even", basis=", negative: exclude"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    both = {("credit", "A"): 30, ("near zero", "A"): 30, ("sums", "A"): 18, ("sums", "B"): 12}
    clipped = {("nothing left", "A"): 15, ("nothing left", "B"): 15}
    assert_close(of(ledger, "Clip", "env", "team"), {**both, **clipped})
    assert_close(of(ledger, "Exclude", "env", "team"), {**both, ("nothing left", "B"): 30})


def test_t02_negative_weights_with_error_stop_and_name_rule_element_and_day(tmp_path: Path) -> None:
    bill = [charge("EC2", "100", team="A"), charge("EC2", "-50", team="Blue"), charge("Support", "30")]
    text = rules(proportional("support", "Support", basis=", negative: error"))
    write(Case(text, bill, report=REPORT), tmp_path)
    with pytest.raises(EngineError) as caught:
        planned(tmp_path)
    assert [word for word in ("support", "Blue", "2025-04-10") if word not in caught.value.message] == []


# T03 and T04: negative sources and remainders.


def test_t03_a_negative_source_is_split_like_a_positive_one(tmp_path: Path) -> None:
    text = rules(
        given("credit", "Credit", "    method: percent\n    to: {dimension: team, percent: {A: 40, B: 60}}\n"),
        given("minus", "Minus", EVEN_OVER_THREE),
        given("plus", "Plus", EVEN_OVER_THREE),
    )
    bill = [charge("Credit", "-50"), charge("Minus", "-100.00"), charge("Plus", "100.00")]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert of(ledger, "Credit", "team") == {"A": -20, "B": -30}
    minus, plus = of(ledger, "Minus", "team"), of(ledger, "Plus", "team")
    assert sum(minus.values()) == -100
    assert {team: -value for team, value in minus.items()} == plus
    assert cents(minus) == {"A": -3334, "B": -3333, "C": -3333}


def test_t04_the_remainder_goes_by_largest_remainder_and_nothing_is_left(tmp_path: Path) -> None:
    text = rules(
        given("thirds", "Thirds", EVEN_OVER_THREE),
        given("odoo", "Odoo", "    method: percent\n    to: {dimension: team, percent: {A: 98, B: 2}}\n"),
        given("dust", "Dust", EVEN_OVER_THREE),
        given("picos", "Picos", EVEN_OVER_THREE),
        given("first", "Chain", EVEN_OVER_THREE),
        given("second", "Chain", EVEN_OVER_THREE.replace("team", "env").replace("A, B, C", "x, y, z")),
    )
    bill = [
        *(charge("Thirds", "100.00"), charge("Odoo", "182.25"), charge("Dust", "0.02")),
        *(charge("Picos", "0.000000000002"), charge("Chain", "100.00")),
    ]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    thirds = of(ledger, "Thirds", "team")
    assert sum(thirds.values()) == 100
    assert all(abs(value - Fraction(100, 3)) <= Fraction(3, PICOS) for value in thirds.values())
    assert cents(thirds) == {"A": 3334, "B": 3333, "C": 3333}
    odoo = of(ledger, "Odoo", "team")
    assert odoo == {"A": Fraction("178.605"), "B": Fraction("3.645")}
    assert cents(odoo) == {"A": 17861, "B": 364}
    dust = of(ledger, "Dust", "team")
    assert sum(dust.values()) == Fraction("0.02")
    assert cents(dust) == {"A": 1, "B": 1, "C": 0}
    assert sum(of(ledger, "Picos", "team").values()) == Fraction(2, PICOS)
    # Nothing is rounded between two rules: a chain's parts are as near to the fraction as a single rule's.
    chain = of(ledger, "Chain", "team", "env")
    assert sum(chain.values()) == 100
    assert all(abs(value - Fraction(100, 9)) <= Fraction(6, PICOS) for value in chain.values())
    assert sorted(cents(chain).values()) == [1111] * 8 + [1112]


def test_t04_ties_of_cents_go_to_the_larger_amount_and_then_to_the_name() -> None:
    third = 100 * PICOS // 3
    assert round_from_top([("C", third), ("A", third), ("B", third)], 10**10, 10000) == [3333, 3334, 3333]
    assert round_from_top([("A", 178_605 * 10**9), ("B", 3_645 * 10**9)], 10**10) == [17861, 364]


# T05: percentages.


@pytest.mark.parametrize(
    ("percent", "message"),
    [
        ("{A: 33, B: 33, C: 33}", "99"),
        ("{A: 60, B: 40.000000000001}", "100.000000000001"),
        ("{A: 60, B: 50}, remainder: C", "110"),
    ],
)
def test_t05_percentages_that_do_not_add_up_are_refused_with_their_sum(
    percent: str, message: str, tmp_path: Path
) -> None:
    text = rules(given("split", "Support", f"    method: percent\n    to: {{dimension: team, percent: {percent}}}\n"))
    ((code, found),) = refused(Case(text, [charge("Support", "1")], report=REPORT), tmp_path)
    assert code == "CO501"
    assert message in found


def test_t05_percentages_are_exact_and_a_remainder_goes_where_the_rule_says(tmp_path: Path) -> None:
    assert 33.4 + 33.3 + 33.3 != 100
    to = "    method: percent\n    to: {dimension: team, percent: "
    text = rules(
        given("exact", "Exact", f"{to}{{A: 33.4, B: 33.3, C: 33.3}}}}\n"),
        given("small", "Small", f"{to}{{A: 0.1, B: 0.2, C: 99.7}}}}\n"),
        given("to-c", "Element", f"{to}{{A: 33, B: 33}}, remainder: C}}\n"),
        given("left", "Left", f"{to}{{A: 33, B: 33, C: 33}}, remainder: unallocated}}\n"),
        given("named", "Named", f"{to}{{A: 60}}, remainder: [unallocated]}}\n"),
        given("taken", "Taken", f"{to}{{A: 60}}, remainder: unallocated}}\n"),
        given("later", "Taken", f"{to}{{B: 100}}}}\n"),
    )
    services = ("Exact", "Small", "Element", "Left", "Named", "Taken")
    bill = [charge(service, "1000") for service in services]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert of(ledger, "Exact", "team") == {"A": 334, "B": 333, "C": 333}
    assert of(ledger, "Small", "team") == {"A": 1, "B": 2, "C": 997}
    assert_close(of(ledger, "Element", "team"), {"A": 330, "B": 330, "C": 340})
    assert_close(of(ledger, "Left", "team"), {"A": 330, "B": 330, "C": 330, None: 10})
    assert_close(of(ledger, "Named", "team"), {"A": 600, "unallocated": 400})
    # What stays is not allocated: a later rule may take it, and its path has that rule alone.
    assert_close(of(ledger, "Taken", "team", "path"), {("A", "taken"): 600, ("B", "later"): 400})


# T29: very many elements.


def test_t29_even_over_10_000_elements_loses_no_dust(tmp_path: Path) -> None:
    text = rules(
        """
  - id: support
    source: {where: {ServiceName: Support}}
    method: even
    to: {dimension: team}
    basis: {where: {ServiceName: EC2}}
"""
    )
    bill = [charge("EC2", "1", team=f"team {number:05}") for number in range(10_000)]
    ledger = exact(Case(text, [*bill, charge("Support", "2.00")], report=REPORT), tmp_path)
    parts = of(ledger, "Support", "team")
    assert len(parts) == 10_000
    assert sum(parts.values()) == 2
    assert all(abs(value - Fraction(2, 10_000)) <= Fraction(3, PICOS) for value in parts.values())
    shown = cents(parts)
    assert [team for team, amount in shown.items() if amount] == [f"team {number:05}" for number in range(200)]
    assert set(shown.values()) == {0, 1}


def test_t29_a_cutoff_folds_the_tail_or_leaves_it_out_and_ties_go_by_name(tmp_path: Path) -> None:
    weights = (("A", "50"), ("B", "30"), ("C", "15"), ("D", "5"))
    bill = [
        *(charge("EC2", weight, env="one", team=team) for team, weight in weights),
        *(charge("EC2", "25", env="alike", team=team) for team in ("D", "B", "C", "A")),
        *(charge(service, "100", env=env) for service in ("Folded", "Left out", "Kept") for env in ("one", "alike")),
    ]
    text = rules(
        proportional("folded", "Folded", "    cutoff: {percent: 80, as: small}"),
        proportional("left-out", "Left out", "    cutoff: {percent: 80}"),
        proportional("kept", "Kept", "    cutoff: {percent: 50, as: A}"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(
        of(ledger, "Folded", "env", "team"),
        {
            ("one", "A"): 50,
            ("one", "B"): 30,
            ("one", "small"): 20,
            **{("alike", team): 25 for team in ("A", "B", "C", "D")},
        },
    )
    assert_close(
        of(ledger, "Left out", "env", "team"),
        {
            ("one", "A"): "62.5",
            ("one", "B"): "37.5",
            **{("alike", team): 25 for team in ("A", "B", "C", "D")},
        },
    )
    assert_close(of(ledger, "Kept", "env", "team"), {("one", "A"): 100, ("alike", "A"): 75, ("alike", "B"): 25})
    assert by(ledger, "env") == {"one": 400, "alike": 400}
