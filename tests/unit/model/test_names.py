"""What names mean in a rule set, and where fields are."""

from __future__ import annotations

from dataclasses import replace

from costops.model.diagnostic import Diagnostic, Severity, Span, in_order
from costops.model.expression import OPERATIONS, Call, Column, call
from costops.model.rules import Dimension, Label, Meaning, Metric, RuleSet, Source

TEAM = Label(id="team", sources=(Source("Tags.team"),))
ENV_LABEL = Label(id="env", sources=(Source("Tags.env"),))
ENV = Dimension(id="env")
RULES = RuleSet(labels=(TEAM, ENV_LABEL), dimensions=(ENV, Dimension(id="off", enabled=False)))


def test_a_dimension_hides_the_label_of_its_name_and_a_label_the_column() -> None:
    assert RULES.resolve("env") == Meaning("dimension", "env")
    assert RULES.resolve("team") == Meaning("label", "team")
    assert RULES.resolve("ServiceName") == Meaning("column", "ServiceName")


def test_inside_a_dimension_its_own_name_is_the_label() -> None:
    assert RULES.resolve("env", inside="env") == Meaning("label", "env")
    assert RULES.resolve("env", inside="other") == Meaning("dimension", "env")


def test_a_rule_set_that_was_asked_is_equal_to_one_that_was_not_and_its_copy_finds_its_own_names() -> None:
    asked = replace(RULES)
    assert asked.resolve("env") == Meaning("dimension", "env")
    fresh = replace(RULES)
    assert (asked, hash(asked), repr(asked)) == (fresh, hash(fresh), repr(fresh))
    assert replace(asked, dimensions=()).resolve("env") == Meaning("label", "env")
    assert replace(asked, labels=()).resolve("team") == Meaning("column", "team")


def test_a_prefix_says_what_is_meant() -> None:
    assert RULES.resolve("label.env") == Meaning("label", "env")
    assert RULES.resolve("Tags.env") == Meaning("tag", "env")
    assert RULES.resolve("Tags.aws:createdBy") == Meaning("tag", "aws:createdBy")
    assert RULES.resolve("Tags.label.x") == Meaning("tag", "label.x")
    assert RULES.resolve("allocated_by").kind == "allocated_by"


def test_what_is_disabled_does_not_exist() -> None:
    assert RULES.resolve("off") == Meaning("column", "off")
    hidden = RuleSet(labels=(Label(id="x", enabled=False, sources=(Source("A"),)),))
    assert hidden.resolve("x") == Meaning("column", "x")


def test_entries_come_in_the_order_of_evaluation() -> None:
    rules = RuleSet(labels=(TEAM,), dimensions=(ENV,), metrics=(Metric(id="m", source="s", query="q"),))
    assert [(kind, entry.id) for kind, entry in rules.entries()] == [
        ("label", "team"),
        ("dimension", "env"),
        ("metric", "m"),
    ]


def test_where_something_was_written_is_no_part_of_what_it_means() -> None:
    place = Span("rules/a.yaml", 4, 5, 4, 9)
    moved = Label(id="team", sources=(Source("Tags.team"),), span=place, places={"from": place}, text="- id: team")
    assert moved == TEAM
    assert Label(id="team", sources=(Source("Tags.team"),), owner="mara") != TEAM


def test_a_field_without_a_place_has_that_of_the_field_around_it() -> None:
    entry, source, item = (Span("a", line, 1, line, 2) for line in (1, 2, 3))
    label = Label(id="x", sources=(), span=entry, places={"basis": source, "from[1]": item})
    assert label.place("from[1]") == item
    assert label.place("from[1].field") == item
    assert label.place("from[0]") == entry
    assert label.place("basis.where.ServiceName[3]") == source
    assert label.place("") == entry


def problem(line: int | None, code: str = "CO301", message: str = "m") -> Diagnostic:
    span = None if line is None else Span("a.yaml", line, 1, line, 2)
    return Diagnostic(code=code, severity=Severity.ERROR, message=message, span=span)


def test_diagnostics_are_ordered_by_place_and_equal_ones_are_told_once() -> None:
    first, second, nowhere = problem(2), problem(10, "CO101"), problem(None)
    assert in_order([nowhere, second, first, second, nowhere]) == (first, second, nowhere)
    assert in_order([problem(2, "CO302"), problem(2, "CO301", "b"), problem(2, "CO301", "a")]) == (
        problem(2, "CO301", "a"),
        problem(2, "CO301", "b"),
        problem(2, "CO302"),
    )


def test_an_operation_that_does_not_exist_cannot_be_called() -> None:
    assert call("lower", Column("a")) == Call("lower", (Column("a"),))
    assert "lower" in OPERATIONS
    try:
        call("eval", Column("a"))
    except ValueError as error:
        assert "eval" in str(error)
    else:
        raise AssertionError("an unknown operation was taken")
