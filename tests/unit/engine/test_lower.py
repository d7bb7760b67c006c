"""Rule sets as programs: what is computed once, what a step still looks at, and in which order cells stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from costops.engine.ir import PATH, PATH_MARK, Fields, Program, RawField, mark_of
from costops.engine.lower import lower
from costops.model.conditions import EVERYTHING, Condition, all_of, any_of, make_test, negation
from costops.model.expression import Call, Column, Expression, Literal, columns_in
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Label,
    Lookup,
    Method,
    Metric,
    Rename,
    RuleSet,
    Source,
    Transform,
)

TEAM = Label(id="team", sources=(Source("Tags.team"),), transform=(Transform("trim"), Transform("lower")))
ENV = Label(id="env", sources=(Source("Tags.env"), Source("Tags.environment")))


def is_(field: str, *values: str | None) -> Condition:
    return make_test(field, "is", values)


def rule(
    id: str, source: Condition = EVERYTHING, *, into: str = "team", basis: Condition = EVERYTHING, **fields: object
) -> Allocation:
    """A proportional allocation."""
    common: dict[str, object] = {"method": Method.PROPORTIONAL, "to": (into,), "into": (into,), **fields}
    return Allocation(id=id, source=source, basis=basis, **common)  # type: ignore[arg-type]


def program(
    *allocations: Allocation,
    report: tuple[str, ...] = ("team",),
    labels: tuple[Label, ...] = (TEAM, ENV),
    dimensions: tuple[Dimension, ...] = (),
    metrics: tuple[Metric, ...] = (),
    fields: Fields | None = None,
) -> Program:
    rules = RuleSet(labels=labels, dimensions=dimensions, metrics=metrics, allocations=allocations)
    return lower(rules, report=report, cost="EffectiveCost", fields=fields or Fields())


def computed(program: Program) -> dict[str, Expression]:
    return {name: expression for layer in program.layers for name, expression in layer}


def spelled(program: Program, expression: Expression, names: dict[str, str]) -> str:
    """An expression with its slots and computed columns written out, raw fields by name."""
    columns, slots = computed(program), dict(program.slots)

    def text(part: Expression) -> str:
        match part:
            case Column(name) if name in slots:
                return text(Column(slots[name]))
            case Column(name) if name in columns:
                return text(columns[name])
            case Column(name):
                return names.get(name, name)
            case Literal(value):
                return repr(value)
            case Call(operation, arguments):
                return f"{operation}({', '.join(text(each) for each in arguments)})"
        raise AssertionError(part)

    return text(expression)


def field_names(fields: Fields) -> dict[str, str]:
    return {name: f"{field.kind}:{field.name}" for field, name in fields.items()}


def slots_read(expression: Expression) -> list[str]:
    return [name for name in dict.fromkeys(columns_in(expression)) if name != PATH]


def operations_in(expression: Expression) -> Iterator[str]:
    if isinstance(expression, Call):
        yield expression.operation
        for argument in expression.arguments:
            yield from operations_in(argument)


# Fixed and running


def test_a_fixed_condition_is_one_slot_whatever_its_size() -> None:
    where = all_of([is_("ServiceName", "EC2", "RDS"), any_of([is_("RegionId", "eu"), negation(is_("env", None))])])
    made = program(rule("a", where))
    source = made.steps[0].source
    assert isinstance(source, Column)
    assert source.name in dict(made.slots)


def test_a_running_condition_is_tested_at_each_step() -> None:
    made = program(rule("a", is_("team", None)))
    team = dict(made.report)["team"]
    assert made.steps[0].source == Call("or", (Call("is_missing", (Column(team),)),))


def test_the_fixed_parts_of_an_and_are_one_slot_and_the_running_parts_are_not() -> None:
    where = all_of([is_("ServiceName", "EC2"), is_("RegionId", "eu"), is_("team", None)])
    made = program(rule("a", where))
    source = made.steps[0].source
    assert isinstance(source, Call)
    assert source.operation == "and"
    assert len(source.arguments) == 2
    assert isinstance(source.arguments[0], Column)
    assert len(slots_read(source)) == 2


def test_the_fixed_parts_of_an_or_are_one_slot() -> None:
    where = any_of([is_("ServiceName", "EC2"), is_("RegionId", "eu"), is_("team", None)])
    fields = Fields()
    made = program(rule("a", where), fields=fields)
    source = made.steps[0].source
    assert isinstance(source, Call)
    assert source.operation == "or"
    assert len(slots_read(source)) == 2
    assert spelled(made, source.arguments[0], field_names(fields)) == (
        "and(or(or(in(column:RegionId, 'eu')), or(in(column:ServiceName, 'EC2'))))"
    )


def test_a_negation_of_a_mixed_condition_keeps_its_fixed_part_in_a_slot() -> None:
    made = program(rule("a", negation(all_of([is_("ServiceName", "EC2"), is_("team", "x")]))))
    source = made.steps[0].source
    assert isinstance(source, Call)
    assert source.operation == "not"
    assert len(slots_read(source)) == 2


def test_a_label_by_its_prefix_is_fixed_even_where_an_allocation_writes_it() -> None:
    made = program(rule("a", is_("label.team", None)), rule("b", is_("team", None)))
    assert isinstance(made.steps[0].source, Column)
    assert isinstance(made.steps[1].source, Call)


def test_a_tag_is_fixed_even_where_an_allocation_writes_the_label_of_its_name() -> None:
    assert isinstance(program(rule("a", is_("Tags.team", None))).steps[0].source, Column)


def test_what_only_a_disabled_rule_writes_is_fixed() -> None:
    made = program(rule("a", is_("env", None)), rule("b", into="env", enabled=False))
    assert isinstance(made.steps[0].source, Column)
    assert [step.rule for step in made.steps] == ["a"]


def test_what_a_later_rule_writes_is_running_from_the_start() -> None:
    made = program(rule("a", is_("env", None)), rule("b", into="env"))
    assert isinstance(made.steps[0].source, Call)


def test_equal_conditions_share_a_slot_however_they_are_written() -> None:
    one = all_of([is_("ServiceName", "EC2"), is_("RegionId", "eu")])
    two = all_of([is_("RegionId", "eu"), all_of([is_("ServiceName", "EC2")])])
    made = program(rule("a", one), rule("b", two, allocated="include"))
    assert made.steps[0].source == made.steps[1].source


def test_equal_expressions_share_a_column() -> None:
    other = Label(id="owner", sources=(Source("Tags.team"),), transform=TEAM.transform)
    made = program(labels=(TEAM, other), report=("team", "owner"))
    report = dict(made.report)
    assert report["team"] == report["owner"]
    every = list(computed(made).values())
    assert len(every) == len(set(every))


def test_a_lookup_names_its_table_by_place_and_tables_of_equal_content_are_one() -> None:
    def looking_up(id: str, *tables: str) -> Label:
        return replace(TEAM, id=id, transform=tuple(Transform("lookup", (each,)) for each in tables))

    one, two = (("k", "it's"),), (("k", "other"),)
    tables = (Lookup(id="a.csv", rows=one), Lookup(id="b.csv", rows=two), Lookup(id="c.csv", rows=one))
    labels = (looking_up("first", "a.csv", "b.csv"), looking_up("second", "c.csv", "b.csv"))
    fields = Fields()
    made = lower(
        RuleSet(labels=labels, lookups=tables), report=("first", "second"), cost="EffectiveCost", fields=fields
    )
    assert fields.lookups() == ((one, "lookup_0"), (two, "lookup_1"))
    assert dict(made.report)["first"] == dict(made.report)["second"]
    assert "it's" not in repr(made)
    edited = RuleSet(labels=labels, lookups=(replace(tables[0], rows=two), *tables[1:]))
    other = lower(edited, report=("first", "second"), cost="EffectiveCost", fields=fields)
    assert fields.lookups() == ((one, "lookup_0"), (two, "lookup_1"))
    assert dict(other.report)["first"] != dict(other.report)["second"]


def test_no_condition_and_no_basis_condition_hold_everywhere() -> None:
    step = program(rule("a")).steps[0]
    assert step.source == Literal(True)
    assert step.basis == Literal(True)


# The path


def test_a_rule_leaves_what_earlier_rules_gave_the_same_dimension() -> None:
    made = program(rule("a"), rule("b", into="env"), rule("c"))
    is_written = Column(mark_of(made.steps[2].into[0]))
    assert made.steps[0].source == Literal(True)
    assert made.steps[1].source == Literal(True)
    assert made.steps[2].source == Call("and", (Literal(True), Call("not", (Call("or", (is_written,)),))))


def test_include_takes_everything_and_only_takes_what_earlier_rules_gave() -> None:
    made = program(rule("a"), rule("b", allocated="include"), rule("c", allocated="only"))
    assert made.steps[1].source == Literal(True)
    is_written = Column(mark_of(made.steps[2].into[0]))
    assert made.steps[2].source == Call("and", (Literal(True), Call("or", (is_written,))))


def test_only_takes_nothing_where_no_rule_came_before() -> None:
    source = program(rule("a", allocated="only")).steps[0].source
    assert source == Call("and", (Literal(True), Call("or", ())))


def test_allocated_by_looks_at_the_path_and_never_becomes_a_slot() -> None:
    where = all_of([is_("allocated_by", "a", None), is_("ServiceName", "EC2")])
    source = program(rule("a"), rule("b", where, into="env")).steps[1].source
    assert isinstance(source, Call)
    tested = source.arguments[1]
    assert tested == Call(
        "or",
        (
            Call("in", (Column(PATH), Literal(PATH_MARK))),
            Call("contains", (Column(PATH), Literal(f"{PATH_MARK}a{PATH_MARK}"))),
        ),
    )


# Slots and their order


def test_slots_stand_in_the_order_in_which_the_report_then_the_rules_first_name_them() -> None:
    fields = Fields()
    made = program(
        rule("a", is_("ServiceName", "EC2"), partition_by=("RegionId",)),
        rule("b", is_("SubAccountId", "1"), allocated="include", basis=is_("ServiceName", "EC2")),
        report=("ChargeCategory", "team"),
        fields=fields,
    )
    names = field_names(fields)
    assert [spelled(made, Column(column), names) for _, column in made.slots] == [
        "column:ChargeCategory",
        "first_present(present(lower(trim(tag:team))))",
        "and(or(in(column:ServiceName, 'EC2')))",
        "column:RegionId",
        "and(or(in(column:SubAccountId, '1')))",
    ]


def test_a_rule_appended_at_the_end_leaves_the_earlier_slots_as_they_are() -> None:
    rules = (rule("a", is_("ServiceName", "EC2")), rule("b", is_("RegionId", None), partition_by=("env",)))
    extra = rule("z", is_("SubAccountId", "7"), basis=is_("ServiceCategory", "Compute"))
    fields, more = Fields(), Fields()
    before, after = program(*rules, fields=fields), program(*rules, extra, fields=more)
    assert [slot for slot, _ in after.slots[: len(before.slots)]] == [slot for slot, _ in before.slots]
    meanings = [
        [spelled(each, Column(column), field_names(known)) for _, column in each.slots]
        for each, known in ((before, fields), (after, more))
    ]
    assert meanings[1][: len(before.slots)] == meanings[0]
    assert after.steps[: len(before.steps)] == before.steps


def test_a_dimension_that_is_written_has_one_slot_however_often_it_is_named() -> None:
    made = program(rule("a", is_("team", None), partition_by=("team",), basis=is_("team", "x")))
    team = dict(made.report)["team"]
    step = made.steps[0]
    assert (step.destinations, step.into, step.partition) == ((team,), (team,), (team,))
    assert slots_read(step.basis) == [team]


def test_two_dimensions_that_start_alike_are_two_slots_where_one_is_written() -> None:
    other = Label(id="owner", sources=TEAM.sources, transform=TEAM.transform)
    made = program(rule("a"), labels=(TEAM, other), report=("team", "owner"))
    report = dict(made.report)
    assert report["team"] != report["owner"]
    assert dict(made.slots)[report["team"]] == dict(made.slots)[report["owner"]]


def test_programs_share_the_raw_fields_they_need() -> None:
    fields = Fields()
    program(rule("a", is_("ServiceName", "EC2")), fields=fields)
    program(rule("a", is_("ServiceName", "RDS"), partition_by=("Tags.env",)), fields=fields)
    needed = [field for field, _ in fields.items()]
    assert needed.count(RawField("column", "ServiceName")) == 1
    assert set(needed) == {
        RawField("tag", "team"),
        RawField("tag", "env"),
        RawField("tag", "environment"),
        RawField("column", "ServiceName"),
    }
    assert [name for _, name in fields.items()] == ["f0", "f1", "f2", "f3"]


def test_names_are_never_a_persons_text() -> None:
    odd = Label(id="odd", sources=(Source('Tags.x"; DROP'),))
    made = program(rule("a", is_('Tags.y" --', "z")), labels=(odd, TEAM), report=("odd", "team"))
    names = [*computed(made), *(slot for slot, _ in made.slots)]
    assert all(name[0] in "xst" and name[1:].isdigit() for name in names)


# Labels and dimensions


def test_a_label_takes_the_first_source_that_is_present_after_its_transforms_and_drops() -> None:
    label = Label(
        id="env",
        sources=(Source("Tags.env"), Source("SubAccountName", (Transform("split", ("-", "-1")),))),
        transform=(Transform("lower"),),
        drop=is_("value", "n/a"),
        rename=(Rename("production", is_("value", "prod", "prd")),),
    )
    fields = Fields()
    made = program(labels=(label,), report=("env",), fields=fields)
    tag, account = "present(lower(tag:env))", "present(lower(split(column:SubAccountName, '-', -1)))"
    cleaned = [
        f"case(or(in({each}, 'n/a')), None, or(in({each}, 'prd', 'prod')), 'production', {each})"
        for each in (tag, account)
    ]
    assert (
        spelled(made, Column(dict(made.report)["env"]), field_names(fields)) == f"first_present({', '.join(cleaned)})"
    )


def test_inside_a_dimension_its_own_name_is_the_label() -> None:
    env = Dimension(
        id="env", rules=(DimensionRule(sources=(Source("env"),), where=is_("env", "x")), DimensionRule(value="other"))
    )
    fields = Fields()
    made = program(dimensions=(env,), report=("env",), fields=fields)
    label = "first_present(present(tag:env), present(tag:environment))"
    assert spelled(made, Column(dict(made.report)["env"]), field_names(fields)) == (
        f"first_present(case(or(in({label}, 'x')), first_present(present({label})), None), 'other', None)"
    )


def test_a_disabled_label_is_no_value() -> None:
    off = Label(id="off", sources=(Source("Tags.off"),), enabled=False)
    fields = Fields()
    made = program(labels=(off, TEAM), report=("off",), fields=fields)
    assert spelled(made, Column(dict(made.report)["off"]), field_names(fields)) == "column:off"


def test_a_result_dimension_is_computed_from_slots_after_the_steps() -> None:
    unit = Dimension(
        id="unit", result_stage=True, rules=(DimensionRule(sources=(Source("team", (Transform("upper"),)),)),)
    )
    made = program(rule("a"), dimensions=(unit,), report=("team", "unit"))
    report = dict(made.report)
    results = {name: expression for layer in made.result_layers for name, expression in layer}
    read = {name for expression in results.values() for name in columns_in(expression)} - set(results)
    assert read == {report["team"]}
    assert report["unit"] in results
    assert made.steps[0].group == ()


def test_a_result_dimension_may_refine_the_column_of_its_name() -> None:
    region = Dimension(id="RegionId", result_stage=True, rules=(DimensionRule(sources=(Source("RegionId"),)),))
    fields = Fields()
    program(dimensions=(region,), report=("RegionId",), fields=fields)
    assert RawField("column", "RegionId") in [field for field, _ in fields.items()]


def test_a_result_dimension_that_nobody_reports_costs_no_column() -> None:
    unit = Dimension(id="unit", result_stage=True, rules=(DimensionRule(sources=(Source("ServiceName"),)),))
    made = program(rule("a"), dimensions=(unit,))
    assert made.result_layers == ()
    assert made == program(rule("a"))


# Steps


def test_a_step_keeps_together_the_rows_that_stay_one_ledger_row() -> None:
    made = program(rule("a"), rule("b", into="env"), report=("team", "env", "ServiceName"))
    report = dict(made.report)
    assert made.steps[0].group == (report["env"], report["ServiceName"])
    assert made.steps[1].group == (report["team"], report["ServiceName"])


def test_given_elements_need_no_basis() -> None:
    percent = rule("a", method=Method.PERCENT, percent=((("x",), 60 * 10**12), (("y",), 40 * 10**12)))
    even = rule("b", method=Method.EVEN, values=(("x",), ("y",)), allocated="include")
    steps = program(percent, even).steps
    assert [step.given for step in steps] == [percent.percent, ((("x",), 1), (("y",), 1))]
    assert [(step.destinations, step.basis, step.needs_basis) for step in steps] == [((), Literal(True), False)] * 2
    assert [step.by_currency for step in steps] == [False, False]


def test_weights_that_are_costs_keep_currencies_apart() -> None:
    assert program(rule("a")).steps[0].by_currency


def test_a_rule_weighs_by_its_own_cost_or_by_the_workspaces() -> None:
    steps = program(rule("a"), rule("b", basis_cost="ListCost")).steps
    assert [step.basis_amount for step in steps] == ["EffectiveCost", "ListCost"]


def test_a_metrics_values_are_cleaned_like_the_label_of_their_dimension() -> None:
    metric = Metric(id="m", source="w", query="q", labels=(("owner", "team"), ("stage", "env")))
    metered: dict[str, Any] = {"method": Method.METRIC, "basis_metrics": (("m", 10**12),), "partition_by": ("env",)}
    use = rule("a", basis=is_("env", "p"), **metered)
    made = program(use, labels=(TEAM,), metrics=(metric,))
    step = made.steps[0]
    (basis,) = step.metrics
    columns = dict(basis.use.columns)
    cleaned = {name: expression for layer in basis.use.layers for name, expression in layer}
    raw = dict(basis.use.labels)

    def written(name: str) -> str:
        def text(part: Expression) -> str:
            match part:
                case Column(column):
                    return text(cleaned[column]) if column in cleaned else column
                case Call(operation, arguments):
                    return f"{operation}({', '.join(map(text, arguments))})"
            return repr(part)

        return text(Column(name))

    assert written(columns["team"]) == f"present(present(lower(trim({raw['owner']}))))"
    assert written(columns["env"]) == f"present({raw['stage']})"
    assert basis.destinations == (columns["team"],)
    assert basis.partition == (columns["env"],)
    assert list(columns_in(basis.condition)) == [columns["env"]]


# Tests


@pytest.mark.parametrize(
    ("operator", "values", "operations"),
    [
        ("is", [None], ["or", "is_missing"]),
        ("is", ["x"], ["or", "in"]),
        ("not", ["x"], ["not", "or", "in"]),
        ("present", ["true"], ["or", "not", "is_missing"]),
        ("present", ["false"], ["or", "is_missing"]),
        ("contains", ["x"], ["or", "contains"]),
        ("before", ["2025"], ["or", "less", "prefix"]),
        ("until", ["2025"], ["or", "less_or_equal", "prefix"]),
        ("after", ["2025"], ["or", "and", "not", "is_missing", "not", "less_or_equal", "prefix"]),
        ("from", ["2025"], ["or", "and", "not", "is_missing", "not", "less", "prefix"]),
        ("matches", ["x"], ["or", "matches"]),
    ],
)
def test_each_operator_is_an_expression(operator: str, values: list[str | None], operations: list[str]) -> None:
    step = program(rule("a", make_test("team", operator, values))).steps[0]
    assert list(operations_in(step.source)) == operations


def test_ignoring_case_folds_both_sides() -> None:
    team = dict(program(rule("a")).report)["team"]
    folded = Call("lower", (Column(team),))
    source = program(rule("a", make_test("team", "starts_with", ["X"], ignore_case=True))).steps[0].source
    assert source == Call("or", (Call("starts_with", (folded, Call("lower", (Literal("X"),)))),))
    matched = program(rule("a", make_test("team", "matches", ["X"], ignore_case=True))).steps[0].source
    assert matched == Call("or", (Call("matches_ignoring_case", (Column(team), Literal("X"))),))
