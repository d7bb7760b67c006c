"""The oracle itself, on vectors worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
import reference
from reference_examples import by_report, rules_with, service, support_rule
from reference_values import holds, transformed
from workbench import charge, usage

from costops.model.conditions import Condition, all_of, any_of, make_test, negation
from costops.model.rules import (
    Dimension,
    DimensionRule,
    Label,
    Method,
    Metric,
    Rename,
    RuleSet,
    Source,
    Transform,
)


def test_products_at_300_300_600_share_100_as_25_25_50() -> None:
    bill = [charge("EC2", "300", team="A"), charge("EC2", "300", team="B"), charge("EC2", "600", team="C")]
    found = by_report(rules_with(support_rule()), [*bill, charge("Support", "100")])
    assert found == {("A",): 325, ("B",): 325, ("C",): 650}


def test_the_source_is_never_part_of_its_basis() -> None:
    rule = support_rule(source=service("Support"), basis=service("EC2", "Support"))
    bill = [charge("EC2", "40", team="A"), charge("EC2", "60", team="B"), charge("Support", "60", team="A")]
    assert by_report(rules_with(rule), bill) == {("A",): 64, ("B",): 96}


def test_daily_and_monthly_ratios_give_other_money() -> None:
    bill = [
        *(charge("EC2", "10", team="A"), charge("EC2", "90", team="B"), charge("Support", "10")),
        *(charge("EC2", "90", team="A", day="2025-04-11"), charge("EC2", "10", team="B", day="2025-04-11")),
        charge("Support", "90", day="2025-04-11"),
    ]
    daily = by_report(rules_with(support_rule(granularity="daily")), bill)
    monthly = by_report(rules_with(support_rule(granularity="monthly")), bill)
    assert daily == {("A",): 100 + 82, ("B",): 100 + 18}
    assert monthly == {("A",): 150, ("B",): 150}


def test_a_month_long_charge_takes_the_basis_of_its_days_or_of_its_first_day() -> None:
    bill = [
        charge("Support", "30", day="2025-04-01", until="2025-05-01"),
        charge("EC2", "1", team="A", day="2025-04-01"),
        charge("EC2", "2", team="B", day="2025-04-30"),
        charge("EC2", "7", team="B", day="2025-05-01"),
    ]
    assert by_report(rules_with(support_rule()), bill) == {("A",): 11, ("B",): 29}
    assert by_report(rules_with(support_rule(granularity="daily")), bill) == {("A",): 31, ("B",): 9}


def test_a_charge_over_midnight_counts_on_the_utc_day_it_starts() -> None:
    night = charge(
        "Support", "8", ChargePeriodStart="2025-04-11T01:30:00+02:00", ChargePeriodEnd="2025-04-11T00:30:00Z"
    )
    bill = [night, charge("EC2", "1", team="A"), charge("EC2", "1", team="B", day="2025-04-11")]
    assert by_report(rules_with(support_rule()), bill) == {("A",): 9, ("B",): 1}


def test_a_billing_period_bucket_holds_the_days_of_the_billing_month() -> None:
    refund = charge("Support", "-10", day="2025-03-30", BillingPeriodStart="2025-04-01T00:00:00Z")
    bill = [refund, charge("EC2", "1", team="A", day="2025-03-30"), charge("EC2", "1", team="B", day="2025-04-20")]
    assert by_report(rules_with(support_rule(granularity="billing_period")), bill) == {("A",): 1, ("B",): -9}
    assert by_report(rules_with(support_rule(granularity="monthly")), bill) == {("A",): -9, ("B",): 1}


def test_currencies_are_apart_where_weights_are_costs_and_only_there() -> None:
    bill = [charge("Support", "10", BillingCurrency="EUR"), charge("EC2", "1", team="A")]
    assert by_report(rules_with(support_rule()), bill) == {(None,): 10, ("A",): 1}
    assert by_report(rules_with(support_rule(method=Method.EVEN)), bill) == {("A",): 11}


def test_a_negative_weight_is_clipped_and_a_total_of_zero_is_empty() -> None:
    bill = [charge("EC2", "100", team="A"), charge("EC2", "-50", team="B"), charge("Support", "30")]
    assert by_report(rules_with(support_rule()), bill) == {("A",): 130, ("B",): -50}
    flat = [charge("EC2", "0", team="A"), charge("EC2", "-1", team="B"), charge("Support", "30")]
    assert by_report(rules_with(support_rule()), flat) == {(None,): 30, ("B",): -1}
    assert by_report(rules_with(support_rule(on_empty="even")), flat) == {("A",): 15, ("B",): 14}
    with pytest.raises(reference.EmptyBucketError):
        by_report(rules_with(support_rule(on_empty="error")), flat)


def test_given_values_are_elements_in_every_bucket_and_only_they() -> None:
    bill = [charge("EC2", "1", team="A"), charge("EC2", "3", team="C"), charge("Support", "8")]
    rule = support_rule(values=(("A",), ("B",)))
    assert by_report(rules_with(rule), bill) == {("A",): 9, ("C",): 3}
    even = support_rule(values=(("A",), ("B",)), method=Method.EVEN)
    assert by_report(rules_with(even), bill) == {("A",): 5, ("B",): 4, ("C",): 3}
    assert by_report(rules_with(rule), [charge("Support", "8")]) == {(None,): 8}


def test_a_partition_without_basis_keeps_its_cost_and_missing_equals_missing() -> None:
    bill = [
        *(charge("EC2", "1", team="A", env="prod"), charge("EC2", "3", team="B")),
        *(charge("Support", "10", env="prod"), charge("Support", "50", env="staging"), charge("Support", "4")),
    ]
    found = by_report(rules_with(support_rule(partition_by=("env",))), bill, report=("env", "team"))
    assert found == {("prod", "A"): 11, (None, "B"): 7, ("staging", None): 50}


def test_the_next_rule_sees_what_the_last_one_wrote() -> None:
    first = support_rule(id="first", source=service("S3"), method=Method.EVEN)
    bill = [
        charge("EC2", "100", team="A"),
        charge("EC2", "300", team="B"),
        charge("S3", "100"),
        charge("Support", "50"),
    ]
    second = support_rule(basis=service("EC2", "S3"))
    assert by_report(rules_with(first, second), bill) == {("A",): 165, ("B",): 385}


def test_cost_allocated_along_a_destination_is_taken_again_only_where_the_rule_says_so() -> None:
    first = support_rule(id="first", method=Method.PERCENT, percent=((("A",), 40 * 10**12), (("B",), 60 * 10**12)))
    moved = {"id": "second", "method": Method.PERCENT, "percent": ((("C",), 100 * 10**12),)}
    bill = [charge("Support", "10"), charge("EC2", "1", team="A")]
    assert by_report(rules_with(first, support_rule(**moved)), bill) == {("A",): 5, ("B",): 6}
    only = support_rule(**moved, source=service("Support", "EC2"), allocated="only")
    assert by_report(rules_with(first, only), bill) == {("A",): 1, ("C",): 10}
    both = support_rule(**moved, source=service("Support", "EC2"), allocated="include")
    assert by_report(rules_with(first, both), bill) == {("C",): 11}
    after_b = support_rule(**moved, allocated="only", source=all_of([make_test("team", "is", ["B"])]))
    assert by_report(rules_with(first, after_b), bill) == {("A",): 5, ("C",): 6}


def test_a_disabled_rule_does_not_exist() -> None:
    assert by_report(
        rules_with(support_rule(enabled=False)), [charge("Support", "1"), charge("EC2", "1", team="A")]
    ) == {
        (None,): 1,
        ("A",): 1,
    }


def test_an_element_of_weight_zero_gets_no_row_and_tuples_with_a_missing_part_are_none() -> None:
    rule = support_rule(to=("team", "env"), into=("team", "env"))
    bill = [
        *(
            charge("EC2", "1", team="A", env="prod"),
            charge("EC2", "9", team="B"),
            charge("EC2", "0", team="C", env="x"),
        ),
        charge("Support", "5"),
    ]
    rows = reference.evaluate(rules_with(rule), bill, report=("team", "env"))
    assert {key[3]: costs["EffectiveCost"] for key, costs in rows.items() if key[4] == ("support",)} == {
        ("A", "prod"): 5
    }


def test_every_cost_column_is_split_by_the_same_shares() -> None:
    bill = [
        charge("EC2", "1", team="A"),
        charge("EC2", "3", team="B"),
        charge("Support", "8", BilledCost="0.4", ListCost=None),
    ]
    rows = reference.evaluate(rules_with(support_rule()), bill, report=("team",))
    parts = {key[3]: costs for key, costs in rows.items() if key[4]}
    assert parts[("B",)] == {"BilledCost": Fraction(3, 10), "EffectiveCost": 6, "ListCost": 0}


def test_metric_values_pass_the_label_of_the_dimension_and_unmapped_labels_are_summed_over() -> None:
    team = Label(
        id="team",
        sources=(Source("Tags.team"),),
        transform=(Transform("lower"),),
        drop=make_test("value", "is", ["none"]),
        rename=(Rename("a", make_test("value", "starts_with", ["a-"])),),
    )
    metric = Metric(id="time", source="warehouse", query="seconds", labels=(("owner", "team"),))
    rule = support_rule(method=Method.METRIC, basis_metrics=(("time", 10**12),), basis=all_of([]))
    records = [
        *(usage("seconds", "1", owner="A-1", host="x"), usage("seconds", "2", owner="A-1", host="y")),
        *(usage("seconds", "1", owner="B"), usage("seconds", "9", owner="NONE"), usage("seconds", "9", owner=None)),
        *(usage("other", "9", owner="B"), usage("seconds", "9", owner="B", day="2025-04-11")),
    ]
    rules = RuleSet(labels=(team,), metrics=(metric,), allocations=(rule,))
    assert by_report(rules, [charge("Support", "8")], records) == {("a",): 6, ("b",): 2}


@pytest.mark.parametrize(("aggregate", "share_of_a"), [("sum", 9), ("avg", 3), ("max", 6), ("last", 2)])
def test_finer_records_of_one_day_become_one_before_they_are_summed(aggregate: str, share_of_a: int) -> None:
    metric = Metric(id="m", source="warehouse", query="load", labels=(("team", "team"),), aggregate=aggregate)
    rule = support_rule(method=Method.METRIC, basis_metrics=(("m", 10**12),), basis=all_of([]))
    records = [
        usage("load", "1", team="A", day="2025-04-10T01:00:00Z"),
        usage("load", "2", team="A", day="2025-04-10T23:00:00Z"),
        usage("load", "6", team="A", day="2025-04-10T12:00:00Z"),
        usage("load", "1", team="B"),
    ]
    rules = rules_with(rule, metrics=(metric,))
    found = by_report(rules, [charge("Support", str(share_of_a + 1))], records)
    assert found == {("A",): share_of_a, ("B",): 1}


def test_a_dimension_refines_the_label_of_its_name_and_only_the_dimension_is_overwritten() -> None:
    env = Dimension(
        id="env",
        rules=(
            DimensionRule(sources=(Source("env"),)),
            DimensionRule(value="production", where=service("Datadog")),
        ),
        default="unknown",
    )
    unit = Dimension(
        id="unit", result_stage=True, rules=(DimensionRule(sources=(Source("env", (Transform("upper"),)),)),)
    )
    rule = support_rule(method=Method.PERCENT, to=("env",), into=("env",), percent=((("dev",), 100 * 10**12),))
    bill = [charge("Datadog", "1"), charge("EC2", "2", env="dev"), charge("Support", "4", env="x"), charge("S3", "8")]
    found = by_report(rules_with(rule, dimensions=(unit, env)), bill, report=("env", "label.env", "unit"))
    assert found == {
        ("production", None, "PRODUCTION"): 1,
        ("dev", "dev", "DEV"): 2,
        ("dev", "x", "DEV"): 4,
        ("unknown", None, "UNKNOWN"): 8,
    }


def test_a_label_takes_the_first_source_that_survives_its_drops() -> None:
    label = Label(
        id="team",
        sources=(
            Source("Tags.team"),
            Source("Tags.owner"),
            Source("SubAccountName", (Transform("split", ("-", "0")),)),
        ),
        transform=(Transform("trim"), Transform("lower")),
        drop=make_test("value", "is", ["n/a", "tbd"]),
    )
    bill = [
        charge("EC2", "1", team=" N/A ", owner="Web "),
        charge("EC2", "2", team="", owner="TBD", SubAccountName="Data-prod"),
        charge("EC2", "4", owner=" "),
    ]
    assert by_report(RuleSet(labels=(label,)), bill) == {("web",): 1, ("data",): 2, (None,): 4}


def test_amounts_are_rounded_half_even_once_at_the_twelfth_place() -> None:
    assert reference.amount("0.0000000000005") == 0
    assert reference.amount("0.0000000000015") == Fraction(2, 10**12)
    assert reference.amount("-1.5e-12") == Fraction(-2, 10**12)
    assert reference.amount(None) == 0


@pytest.mark.parametrize(
    ("transform", "before", "after"),
    [
        (Transform("trim"), "\u00a0 a b\t", "a b"),
        (Transform("trim"), " \n", None),
        (Transform("lower"), "ÀİΣẞ", "àiσß"),
        (Transform("upper"), "straße ŉ", "STRAẞE ŉ"),
        (Transform("title"), "aBC d1E-fG", "Abc D1e-Fg"),
        (Transform("normalize"), " My Team__1 (EU)! ", "my-team-1-eu"),
        (Transform("normalize"), "--", None),
        (Transform("split", ("-", "0")), "a-b-c", "a"),
        (Transform("split", ("-", "-1")), "a-b-c", "c"),
        (Transform("split", ("-", "3")), "a-b-c", None),
        (Transform("split", ("-", "-4")), "a-b-c", None),
        (Transform("split", ("--", "1")), "a", None),
        (Transform("replace", ("a", "")), "banana", "bnn"),
        (Transform("lookup", ("t.csv",)), "a", "x"),
        (Transform("lookup", ("t.csv",)), "A", None),
        (Transform("lookup", ("t.csv",)), "x", None),
        (Transform("lookup", ("t.csv",)), "", None),
    ],
)
def test_each_transform(transform: Transform, before: str, after: str | None) -> None:
    assert transformed(before, [transform], {"t.csv": {"a": "x"}}) == after


@pytest.mark.parametrize(
    ("operator", "operands", "yes", "no"),
    [
        ("is", ["a", "b"], ["a", "b"], ["A", None]),
        ("is", ["a", None], ["a", None], ["b"]),
        ("not", ["a", "b"], ["c", None], ["a"]),
        ("not", [None], ["a"], [None]),
        ("not_in", ["a", None], ["b"], ["a", None]),
        ("contains", ["b", "x"], ["abc", "x"], ["ac", None]),
        ("starts_with", ["eu-"], ["eu-1"], ["EU-1", "a eu-1", None]),
        ("ends_with", ["-prod"], ["a-prod"], ["a-prod-1", None]),
        ("like", ["a%_z"], ["abz", "a\nbz"], ["az", "abzz1", None]),
        ("like", ["a.c"], ["a.c"], ["abc"]),
        ("matches", ["a[bc]"], ["ab", "ac"], ["abc", "xab", None]),
        ("present", ["true"], ["a"], [None]),
        ("present", ["false"], [None], ["a"]),
        ("before", ["2025-04"], ["2025-03-31T23:00:00Z"], ["2025-04-01T00:00:00Z", None]),
        ("after", ["2025-04-30"], ["2025-05-01T00:00:00Z"], ["2025-04-30T23:00:00Z", None]),
        ("from", ["2025-04-30"], ["2025-04-30T00:00:00Z"], ["2025-04-29T23:59:59Z", None]),
        ("until", ["2025-04-30"], ["2025-04-30T23:00:00Z"], ["2025-05-01T00:00:00Z", None]),
    ],
)
def test_each_operator(operator: str, operands: list[str | None], yes: list[str | None], no: list[str | None]) -> None:
    condition = make_test("x", operator, operands)

    def outcomes(tested: Condition, values: list[str | None]) -> list[bool]:
        return [holds(tested, {"x": value}.__getitem__) for value in values]

    assert outcomes(condition, yes) == [True] * len(yes)
    assert outcomes(condition, no) == [False] * len(no)
    assert outcomes(negation(condition), no) == [True] * len(no)


@pytest.mark.parametrize("operator", ["is", "contains", "starts_with", "ends_with", "like", "matches"])
def test_ignore_case_compares_lower_case_on_both_sides(operator: str) -> None:
    condition = make_test("x", operator, ["ÄB"], ignore_case=True)
    assert holds(condition, lambda _: "äB")
    assert not holds(make_test("x", operator, ["ÄB"]), lambda _: "äB")


def test_conditions_nest_and_allocated_by_looks_at_the_whole_path() -> None:
    path = ("first", "second")
    assert holds(make_test("allocated_by", "is", ["first"]), lambda _: path)
    assert not holds(make_test("allocated_by", "not", ["first"]), lambda _: path)
    assert holds(make_test("allocated_by", "not", ["third"]), lambda _: path)
    assert holds(make_test("allocated_by", "is", [None]), lambda _: ())
    assert not holds(make_test("allocated_by", "is", [None]), lambda _: path)
    assert holds(make_test("allocated_by", "present", ["true"]), lambda _: path)
    nested = any_of([all_of([make_test("a", "is", ["1"]), negation(make_test("b", "is", ["1"]))])])
    assert holds(nested, lambda name: {"a": "1", "b": "2"}[name])
    assert not holds(nested, lambda name: {"a": "1", "b": "1"}[name])
    assert holds(all_of([]), lambda _: None)
    assert not holds(any_of([]), lambda _: None)
