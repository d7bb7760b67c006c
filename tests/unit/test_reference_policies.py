"""The oracle's policies on vectors worked out by hand: what weighs, in which days, and what happens to the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction

import pytest
import reference
from reference_examples import by_report, rules_with, service, support_rule
from workbench import charge, usage

from costops.model.conditions import EVERYTHING, all_of, make_test
from costops.model.rules import Allocation, Cutoff, Method, Metric

PERCENT = 10**12
ONE = 10**12


def ec2(day: str = "2025-04-10", /, **teams: str) -> list[dict[str, object]]:
    """A charge of EC2 for each team."""
    return [charge("EC2", cost, team=team, day=day) for team, cost in teams.items()]


def percent_rule(a: int, b: int) -> Allocation:
    """S3 over the teams A and B by percentages."""
    percent = ((("A",), a * PERCENT), (("B",), b * PERCENT))
    return support_rule(id="first", source=service("S3"), method=Method.PERCENT, percent=percent)


def support_of(bill: list[dict[str, object]], **fields: object) -> dict[str | None, Fraction]:
    """What each team gets of the support in a bill."""
    bare = [each for each in bill if each["ServiceName"] != "Support"]
    with_support = by_report(rules_with(support_rule(**fields)), bill)
    without = by_report(rules_with(), bare)
    both = {*with_support, *without}
    got = {key[0]: with_support.get(key, Fraction(0)) - without.get(key, Fraction(0)) for key in both}
    return {team: amount for team, amount in got.items() if amount}


# Negative weights


def test_a_negative_weight_is_clipped_or_no_element_or_an_error() -> None:
    bill = [*ec2(A="100", B="-50"), charge("Support", "30")]
    assert support_of(bill, negative="clip") == {"A": 30}
    assert support_of(bill, negative="exclude") == {"A": 30}
    with pytest.raises(reference.NegativeWeightError, match="support"):
        support_of(bill, negative="error")


def test_an_even_split_instead_does_not_reach_an_element_that_was_excluded() -> None:
    bill = [*ec2(A="0", B="-50"), charge("Support", "30")]
    assert support_of(bill, negative="clip", on_empty="even") == {"A": 15, "B": 15}
    assert support_of(bill, negative="exclude", on_empty="even") == {"A": 30}
    given: Mapping[str, object] = {"values": (("A",), ("B",), ("C",)), "on_empty": "even"}
    assert support_of(bill, negative="clip", **given) == {"A": 10, "B": 10, "C": 10}
    assert support_of(bill, negative="exclude", **given) == {"A": 15, "C": 15}


def test_a_weight_is_a_sum_and_of_an_element() -> None:
    bill = [*ec2(A="-1"), *ec2(A="3"), charge("EC2", "-9"), *ec2(C="-9"), charge("Support", "30")]
    assert support_of(bill, negative="error", values=(("A",), ("B",))) == {"A": 30}
    assert support_of(bill, negative="error", excluded=(("C",),)) == {"A": 30}


# Quantities


def quantity(team: str | None, number: str | None, unit: str | None = "GB", **more: object) -> dict[str, object]:
    tags = {} if team is None else {"team": team}
    return charge("EC2", "1", **tags, ConsumedQuantity=number, ConsumedUnit=unit, **more)


def test_quantities_weigh_whatever_their_currency() -> None:
    bill = [quantity("A", "3"), quantity("B", "1", BillingCurrency="EUR"), quantity("C", None), charge("Support", "8")]
    assert support_of(bill, basis_quantity="ConsumedQuantity") == {"A": 6, "B": 2}
    assert support_of(bill, basis_quantity="PricingQuantity") == {None: 8}


def test_quantities_of_one_bucket_have_one_unit() -> None:
    def refused(*rows: dict[str, object]) -> bool:
        bill = [*rows, charge("Support", "8")]
        try:
            support_of(bill, basis_quantity="ConsumedQuantity")
        except reference.SeveralUnitsError:
            return True
        return False

    assert refused(quantity("A", "3"), quantity("A", "1", "Hours"))
    assert refused(quantity("A", "3"), quantity("B", "1", None))
    assert not refused(quantity("A", "3", None), quantity("B", "1", None))
    assert not refused(quantity("A", "3"), quantity("B", "0", "Hours"), quantity("C", None, None))
    assert not refused(quantity("A", "3"), quantity("B", "1", "Hours", day="2025-04-11"))


def test_quantities_are_split_like_costs() -> None:
    first = support_rule(
        id="first",
        source=service("S3"),
        method=Method.PERCENT,
        percent=((("A",), 25 * PERCENT), (("B",), 75 * PERCENT)),
    )
    second = support_rule(basis=service("S3"), basis_quantity="ConsumedQuantity")
    bill = [charge("S3", "1", ConsumedQuantity="10"), charge("Support", "100")]
    assert by_report(rules_with(first, second), bill) == {("A",): 25 + Fraction(1, 4), ("B",): 75 + Fraction(3, 4)}


# Several metrics

METRICS = tuple(
    Metric(id=name, source="warehouse", query=name, labels=(("team", "team"),)) for name in ("hours", "calls")
)


def by_metrics(
    records: list[dict[str, object]], weights: Mapping[str, int], cost: str = "8", **fields: object
) -> dict[tuple[str | None, ...], Fraction]:
    rule = support_rule(
        **{"method": Method.METRIC, "basis": EVERYTHING, "basis_metrics": tuple(sorted(weights.items())), **fields}
    )
    return by_report(rules_with(rule, metrics=METRICS), [charge("Support", cost)], records)


def test_each_metric_is_divided_by_its_total_and_weighted() -> None:
    records = [
        *(usage("hours", "1", team="A"), usage("hours", "3", team="B")),
        *(usage("calls", "10", team="A"), usage("calls", "30", team="C")),
    ]
    assert by_metrics(records, {"hours": ONE, "calls": ONE}) == {("A",): 2, ("B",): 3, ("C",): 3}
    assert by_metrics(records, {"hours": 3 * ONE, "calls": ONE}) == {
        ("A",): 2,
        ("B",): Fraction("4.5"),
        ("C",): Fraction("1.5"),
    }
    assert by_metrics(records, {"hours": ONE}) == {("A",): 2, ("B",): 6}


def test_an_empty_metric_falls_out_and_only_all_of_them_make_a_bucket_empty() -> None:
    weights = {"hours": ONE, "calls": ONE}
    records = [usage("hours", "1", team="A"), usage("hours", "3", team="B"), usage("calls", "0", team="C")]
    assert by_metrics(records, weights) == {("A",): 2, ("B",): 6}
    zero = [usage("hours", "0", team="A"), usage("calls", "-1", team="B")]
    assert by_metrics(zero, weights) == {(None,): 8}
    assert by_metrics(zero, weights, on_empty="even") == {("A",): 4, ("B",): 4}
    assert by_metrics(zero, weights, on_empty="even", negative="exclude") == {("A",): 8}


def test_negative_weights_are_judged_for_each_metric() -> None:
    weights = {"hours": ONE, "calls": ONE}
    records = [
        *(usage("hours", "-1", team="A"), usage("hours", "2", team="B")),
        *(usage("calls", "5", team="A"), usage("calls", "5", team="B")),
    ]
    assert by_metrics(records, weights) == {("A",): 2, ("B",): 6}
    assert by_metrics(records, weights, negative="exclude") == {("A",): 2, ("B",): 6}
    with pytest.raises(reference.NegativeWeightError):
        by_metrics(records, weights, negative="error")


# Cutoff

BIG_AND_SMALL = {"A": "50", "B": "30", "C": "15", "D": "5"}


@pytest.mark.parametrize(
    ("percent", "element", "parts"),
    [
        (80, "rest", {"A": 50, "B": 30, "rest": 20}),
        (81, "rest", {"A": 50, "B": 30, "C": 15, "rest": 5}),
        (80, "A", {"A": 70, "B": 30}),
        (80, "D", {"A": 50, "B": 30, "D": 20}),
        (80, None, {"A": Fraction("62.5"), "B": Fraction("37.5")}),
        (1, None, {"A": 100}),
        (99, "rest", {"A": 50, "B": 30, "C": 15, "D": 5}),
    ],
)
def test_an_element_counts_while_those_before_it_have_less_than_the_percentage(
    percent: int, element: str | None, parts: dict[str, Fraction]
) -> None:
    cutoff = Cutoff(percent * PERCENT, None if element is None else (element,))
    assert support_of([*ec2(**BIG_AND_SMALL), charge("Support", "100")], cutoff=cutoff) == parts


def test_a_cutoff_among_equals_follows_their_names() -> None:
    bill = [*ec2(C="30", A="40", B="30"), charge("Support", "100")]
    assert support_of(bill, cutoff=Cutoff(70 * PERCENT, ("rest",))) == {"A": 40, "B": 30, "rest": 30}
    equal = [*ec2(B="1", C="1", A="1"), charge("Support", "100")]
    assert support_of(equal, cutoff=Cutoff(10 * PERCENT)) == {"A": 100}


def test_a_cutoff_comes_after_negative_weights_and_never_on_an_even_split_instead() -> None:
    cutoff = Cutoff(80 * PERCENT, ("rest",))
    assert support_of([*ec2(A="80", B="20", C="-60"), charge("Support", "10")], cutoff=cutoff) == {"A": 8, "rest": 2}
    flat = [*ec2(A="0", B="0"), charge("Support", "10")]
    assert support_of(flat, cutoff=cutoff, on_empty="even") == {"A": 5, "B": 5}


# Effective


def test_a_rule_for_half_a_month_takes_and_weighs_that_half() -> None:
    bill = [
        *(*ec2(A="100"), *ec2("2025-04-20", A="10", B="30")),
        *(charge("Support", "40", day="2025-04-14"), charge("Support", "40", day="2025-04-15")),
    ]
    assert support_of(bill, granularity="monthly", effective_from="2025-04-15") == {None: 40, "A": 10, "B": 30}
    assert support_of(bill, granularity="monthly", effective_until="2025-04-14") == {None: 40, "A": 40}
    both = support_of(bill, granularity="monthly", effective_from="2025-04-15", effective_until="2025-04-15")
    assert both == {None: 80}


def test_a_month_long_fee_belongs_to_the_day_on_which_it_starts() -> None:
    fee = charge("Support", "40", day="2025-04-01", until="2025-05-01")
    bill = [fee, *ec2(A="10"), *ec2("2025-04-20", B="30")]
    assert support_of(bill, effective_from="2025-04-15") == {None: 40}
    assert support_of(bill, effective_until="2025-04-15") == {"A": 40}


def test_rows_outside_the_effective_days_are_in_the_basis() -> None:
    rule: Mapping[str, object] = {"basis": service("Support"), "on_empty": "previous"}
    bill = [charge("Support", "5", team="A", day="2025-04-01"), charge("Support", "7", day="2025-04-02")]
    assert by_report(rules_with(support_rule(**rule)), bill) == {("A",): 5, (None,): 7}
    assert by_report(rules_with(support_rule(**rule, effective_from="2025-04-02")), bill) == {("A",): 12}


# Previous


def test_previous_takes_the_nearest_day_before_that_is_not_empty() -> None:
    bill = [
        *ec2("2025-04-06", A="9"),
        *ec2("2025-04-07", A="1", B="3"),
        *(*ec2("2025-04-08", A="-1", B="0"), charge("EC2", "9", day="2025-04-09")),
        *(*ec2("2025-04-11", A="1"), charge("Support", "8")),
    ]
    assert support_of(bill) == {None: 8}
    assert support_of(bill, on_empty="previous") == {"A": 2, "B": 6}


def test_previous_looks_31_days_back_in_the_same_currency_and_partition() -> None:
    support = charge("Support", "8", env="prod")
    near = [
        charge("EC2", "1", team="A", env="prod", day="2025-03-10"),
        charge("EC2", "1", team="B", env="dev", day="2025-04-09"),
        charge("EC2", "1", team="C", env="prod", day="2025-04-09", BillingCurrency="EUR"),
    ]
    policy: Mapping[str, object] = {"on_empty": "previous", "partition_by": ("env",)}
    assert support_of([support, *near], **policy) == {"A": 8}
    far = {**near[0], "ChargePeriodStart": "2025-03-09T00:00:00Z", "ChargePeriodEnd": "2025-03-10T00:00:00Z"}
    assert support_of([support, far, *near[1:]], **policy) == {None: 8}


def test_previous_of_a_month_is_the_month_before() -> None:
    fee = charge("Support", "8", day="2025-03-01", until="2025-04-01")
    february = [*ec2("2025-02-28", A="1"), *ec2("2025-02-01", B="3")]
    bill = [fee, *february, *ec2("2025-01-31", C="9"), *ec2("2025-04-01", C="9")]
    assert support_of(bill, on_empty="previous") == {"A": 2, "B": 6}
    assert support_of([fee, *ec2("2025-01-31", C="9")], on_empty="previous") == {None: 8}
    one_day = [charge("Support", "8", day="2025-03-20"), *february, *ec2("2025-01-31", C="9")]
    for granularity in ("monthly", "billing_period"):
        assert support_of(one_day, on_empty="previous", granularity=granularity) == {"A": 2, "B": 6}
    assert support_of(one_day, on_empty="previous", granularity="daily") == {"A": 8}


def test_previous_of_other_periods_is_as_many_days_right_before() -> None:
    fee = charge("Support", "8", day="2025-04-10", until="2025-04-13")
    assert support_of([fee, *ec2("2025-04-09", A="1"), *ec2("2025-04-07", B="3")], on_empty="previous") == {
        "A": 2,
        "B": 6,
    }
    assert support_of([fee, *ec2("2025-04-06", A="1")], on_empty="previous") == {None: 8}


def test_previous_of_a_rule_for_half_a_month_is_the_whole_month_before() -> None:
    bill = [charge("Support", "8", day="2025-04-20"), *ec2("2025-04-10", C="9"), *ec2("2025-03-02", A="1", B="3")]
    policy: Mapping[str, object] = {"on_empty": "previous", "granularity": "monthly"}
    assert support_of(bill, **policy, effective_from="2025-04-15") == {"A": 2, "B": 6}
    assert support_of(bill, **policy) == {"C": 8}


def test_a_previous_bucket_is_weighed_by_the_same_rule() -> None:
    bill = [*ec2("2025-04-09", A="90", B="10", C="-5"), charge("Support", "8")]
    assert support_of(bill, on_empty="previous", cutoff=Cutoff(90 * PERCENT)) == {"A": 8}
    with pytest.raises(reference.NegativeWeightError):
        support_of(bill, on_empty="previous", negative="error")
    even = [*ec2("2025-04-09", A="90", B="10"), charge("Support", "8")]
    assert support_of(even, on_empty="previous", method=Method.EVEN) == {"A": 4, "B": 4}


# Where the basis is


def test_the_direct_basis_is_the_bill_before_the_first_allocation() -> None:
    first = support_rule(
        id="first",
        source=service("S3"),
        method=Method.PERCENT,
        percent=((("A",), 50 * PERCENT), (("B",), 50 * PERCENT)),
    )
    bill = [*ec2(A="100", B="300"), charge("S3", "100"), charge("Support", "50")]
    running = support_rule(basis=service("EC2", "S3"))
    assert by_report(rules_with(first, running), bill) == {("A",): 165, ("B",): 385}
    direct = support_rule(basis=service("EC2", "S3"), basis_from="direct")
    assert by_report(rules_with(first, direct), bill) == {("A",): 162 + Fraction(1, 2), ("B",): 387 + Fraction(1, 2)}


def test_the_direct_basis_leaves_out_what_the_source_condition_matches_even_where_it_is_not_taken() -> None:
    bill = [
        *ec2(A="10", B="20"),
        *(charge("Support", "30", team="A"), charge("Support", "60", team="B", day="2025-04-11")),
    ]
    rule: Mapping[str, object] = {
        "basis": EVERYTHING,
        "granularity": "monthly",
        "basis_from": "direct",
        "effective_until": "2025-04-10",
    }
    assert by_report(rules_with(support_rule(**rule)), bill) == {("A",): 20, ("B",): 100}
    included = support_rule(**{**rule, "effective_until": None}, include_source=True)
    assert by_report(rules_with(included), bill) == {("A",): 40, ("B",): 80}
    running = support_rule(**{**rule, "basis_from": "running", "granularity": "daily"})
    assert by_report(rules_with(running), bill) == {("A",): 20, ("B",): 100}


def test_a_direct_basis_has_the_first_values_of_conditions_partitions_and_elements() -> None:
    first = support_rule(id="first", source=service("EC2"), method=Method.PERCENT, percent=((("C",), 100 * PERCENT),))
    second = support_rule(basis=all_of([service("EC2"), make_test("team", "is", ["A", "B"])]), basis_from="direct")
    bill = [*ec2(A="1", B="3"), charge("Support", "8")]
    assert by_report(rules_with(first, second), bill) == {("A",): 2, ("B",): 6, ("C",): 4}
    third = support_rule(basis=make_test("allocated_by", "is", ["first"]), basis_from="direct")
    assert by_report(rules_with(first, third), bill) == {("C",): 4, (None,): 8}


def test_a_rule_may_keep_its_source_in_the_basis() -> None:
    bill = [*ec2(A="40", B="60"), charge("Support", "60", team="A")]
    rule: Mapping[str, object] = {"basis": EVERYTHING}
    assert by_report(rules_with(support_rule(**rule)), bill) == {("A",): 40 + 24, ("B",): 60 + 36}
    found = by_report(rules_with(support_rule(**rule, include_source=True)), bill)
    assert found == {("A",): 40 + Fraction("37.5"), ("B",): 60 + Fraction("22.5")}


def test_notes_count_what_decided() -> None:
    notes: Counter[str] = Counter()
    bill = [*ec2("2025-04-09", A="1"), charge("Support", "8")]
    by_report(rules_with(support_rule(on_empty="previous")), bill, notes=notes)
    assert notes == {"empty: previous days": 1}
