"""The oracle's names, elements and columns on vectors worked out by hand: who receives, under which name, of what."""

from __future__ import annotations

from fractions import Fraction

from reference_examples import TEAM, by_report, rules_with, service, support_rule
from workbench import charge

from costops.model.conditions import EVERYTHING, all_of, make_test
from costops.model.rules import Allocation, Dimension, DimensionRule, Label, Method, RuleSet, Source, Transform

PERCENT = 10**12


def percent_rule(identity: str, **fields: object) -> Allocation:
    """Support by percentages; `parts` are percentages by team."""
    parts = fields.pop("parts")
    assert isinstance(parts, dict)
    percent = tuple(((team,), number * PERCENT) for team, number in sorted(parts.items()))
    return support_rule(id=identity, **{"method": Method.PERCENT, "percent": percent, "basis": EVERYTHING, **fields})


# Elements


def test_elements_are_narrowed_by_a_condition_on_the_basis() -> None:
    """Three users of two environments share support evenly in each environment, as Datadog documents it."""
    amounts = {("production", "A"): 300, ("production", "B"): 100, ("production", "D"): 100, ("staging", "A"): 50}
    bill = [charge("EC2", str(cost), env=env, team=team) for (env, team), cost in amounts.items()]
    support = [charge("Support", "600", env="production"), charge("Support", "200", env="staging")]
    rule = support_rule(
        method=Method.EVEN, element_where=make_test("team", "is", ["A", "B", "C"]), partition_by=("env",)
    )
    found = by_report(rules_with(rule), [*bill, *support, charge("Support", "200")])
    assert found == {("A",): 350 + 300 + 200, ("B",): 100 + 300, ("D",): 100, (None,): 200}


def test_an_excluded_element_receives_nothing_and_weighs_nothing() -> None:
    bill = [charge("EC2", "1", team="A"), charge("EC2", "3", team="B"), charge("EC2", "96", team="C")]
    rule = support_rule(excluded=(("C",),))
    assert by_report(rules_with(rule), [*bill, charge("Support", "8")]) == {("A",): 3, ("B",): 9, ("C",): 96}
    assert by_report(rules_with(rule), [bill[2], charge("Support", "8")]) == {("C",): 96, (None,): 8}
    several = support_rule(to=("team", "env"), into=("team", "env"), excluded=(("A", "x"),))
    pairs = [charge("EC2", "1", team="A", env="x"), charge("EC2", "1", team="A", env="y"), charge("Support", "8")]
    assert by_report(rules_with(several), pairs, report=("team", "env")) == {("A", "x"): 1, ("A", "y"): 9}


def test_what_percentages_leave_goes_to_an_element_or_stays_for_later_rules() -> None:
    bill = [charge("Support", "10")]
    assert by_report(rules_with(percent_rule("one", parts={"A": 60}, remainder=("B",))), bill) == {("A",): 6, ("B",): 4}
    left = percent_rule("one", parts={"A": 60, "B": 15}, remainder=())
    assert by_report(rules_with(left), bill) == {("A",): 6, ("B",): Fraction("1.5"), (None,): Fraction("2.5")}
    later = percent_rule("two", parts={"C": 100})
    found = by_report(rules_with(left, later), bill, report=("team", "path"))
    assert found == {("A", None): 6, ("B", None): Fraction("1.5"), ("C", None): Fraction("2.5")}
    whole = percent_rule("one", parts={"A": 100}, remainder=("B",))
    assert by_report(rules_with(whole), bill) == {("A",): 10}


def test_what_stays_is_not_in_the_path_of_the_rule() -> None:
    left = percent_rule("one", parts={"A": 60}, remainder=())
    by_rule = Dimension(
        id="by", result_stage=True, rules=(DimensionRule(value="rule", where=make_test("allocated_by", "is", ["one"])),)
    )
    found = by_report(rules_with(left, dimensions=(by_rule,)), [charge("Support", "10")], report=("team", "by"))
    assert found == {("A", "rule"): 6, (None, None): 4}


# Names


def test_direct_is_the_value_before_the_first_allocation() -> None:
    first = percent_rule("one", source=service("S3"), parts={"B": 100})
    bill = [charge("S3", "10", team="A"), charge("S3", "20", team="C"), charge("EC2", "1", team="A")]
    second = support_rule(
        source=make_test("direct.team", "is", ["A"]), allocated="only", basis=EVERYTHING, partition_by=("direct.team",)
    )
    assert by_report(rules_with(first, second), bill) == {("B",): 20, ("A",): 11}
    assert by_report(rules_with(first), bill, report=("direct.team", "team")) == {
        ("A", "B"): 10,
        ("C", "B"): 20,
        ("A", "A"): 1,
    }
    owner = Dimension(id="owner")
    back = support_rule(to=("direct.team",), into=("owner",), basis=service("S3"))
    found = by_report(rules_with(first, back, dimensions=(owner,)), [*bill, charge("Support", "30")], report=("owner",))
    assert found == {("A",): 10, ("C",): 20, (None,): 31}


def test_direct_of_a_dimension_is_the_dimension_not_the_label_of_its_name() -> None:
    team = Dimension(
        id="team", rules=(DimensionRule(sources=(Source("team"),)), DimensionRule(value="X", where=service("Support")))
    )
    rules = rules_with(percent_rule("one", parts={"B": 100}), dimensions=(team,))
    assert by_report(rules, [charge("Support", "1")], report=("team", "direct.team", "label.team")) == {
        ("B", "X", None): 1
    }


def test_parts_are_joined_where_none_is_missing() -> None:
    joined = Dimension(
        id="joined",
        rules=(
            DimensionRule(
                concat=(Source("team", (Transform("upper"),)), Source("Tags.stage")),
                format=("{", 1, "} of ", 0, 0),
                transform=(Transform("replace", ("of", "for")),),
            ),
            DimensionRule(concat=(Source("ServiceName"),), format=("service ", 0)),
        ),
    )
    bill = [charge("EC2", "1", team="a", stage="p"), charge("EC2", "2", team="a"), charge("S3", "4", stage="p")]
    rules = RuleSet(labels=(TEAM,), dimensions=(joined,))
    assert by_report(rules, bill, report=("joined",)) == {
        ("{p} for AA",): 1,
        ("service EC2",): 2,
        ("service S3",): 4,
    }


def test_a_joined_text_that_is_transformed_to_nothing_is_missing() -> None:
    split = Transform("split", ("-", "5"))
    joined = Dimension(
        id="joined",
        rules=(DimensionRule(concat=(Source("ServiceName"),), format=(0,), transform=(split,)),),
        default="d",
    )
    assert by_report(RuleSet(dimensions=(joined,)), [charge("EC2", "1")], report=("joined",)) == {("d",): 1}


def test_a_result_dimension_joins_what_was_with_what_is() -> None:
    move = Dimension(
        id="move",
        result_stage=True,
        rules=(DimensionRule(concat=(Source("direct.team"), Source("team")), format=(0, " to ", 1)),),
    )
    rules = rules_with(percent_rule("one", parts={"B": 100}), dimensions=(move,))
    assert by_report(rules, [charge("Support", "1", team="A")], report=("move",)) == {("A to B",): 1}


# Rows that the provider has split


def test_what_the_provider_has_split_is_not_split_again_along_its_own_dimension() -> None:
    bill = [
        charge("Support", "10", AllocatedMethodId="m", AllocatedResourceId="pod-1"),
        charge("Support", "20"),
        *(charge("EC2", "1", team="A", AllocatedResourceId="pod-1"), charge("EC2", "1", team="B")),
    ]
    pod = Dimension(id="pod", rules=(DimensionRule(sources=(Source("AllocatedResourceId"),)),))
    outer = Dimension(id="outer", rules=(DimensionRule(concat=(Source("pod"),), format=("x", 0)),))
    owner = Dimension(id="owner")
    named = Label(id="named", sources=(Source("AllocatedTags"),))

    def owners(rule: Allocation) -> dict[tuple[str | None, ...], Fraction]:
        rules = RuleSet(labels=(TEAM, named), dimensions=(pod, outer, owner), allocations=(rule,))
        return by_report(rules, [each for each in bill if each["ServiceName"] == "Support"], report=("owner",))

    def rule(to: str, **fields: object) -> Allocation:
        return percent_rule("one", to=(to,), into=("owner",), parts={"A": 100}, **fields)

    taken, kept = {("A",): 30}, {("A",): 20, (None,): 10}
    assert owners(rule("team")) == owners(rule("ServiceName")) == taken
    for name in ("AllocatedResourceId", "AllocatedTags", "pod", "outer", "named", "direct.pod"):
        assert owners(rule(name)) == kept, name
    asked = all_of([service("Support"), make_test("AllocatedMethodDetails", "is", [None])])
    assert owners(rule("pod", source=asked)) == taken
    through = all_of([service("Support"), make_test("pod", "not", ["pod-9"])])
    assert owners(rule("pod", source=through)) == kept


# Columns of cost


def test_further_cost_columns_are_split_alike_and_may_weigh() -> None:
    bill = [
        *(charge("EC2", "1", team="A", NetCharge="9"), charge("EC2", "1", team="B", NetCharge="1")),
        charge("Support", "8", NetCharge="5"),
    ]
    rule = support_rule(basis_cost="NetCost")
    costs = {"NetCost": "NetCharge", "Other": "NetCharge"}
    assert by_report(rules_with(rule), bill, costs=costs) == {("A",): Fraction("8.2"), ("B",): Fraction("1.8")}
    for column in costs:
        found = by_report(rules_with(rule), bill, costs=costs, column=column)
        assert found == {("A",): Fraction("13.5"), ("B",): Fraction("1.5")}
