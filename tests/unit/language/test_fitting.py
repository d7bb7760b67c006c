"""Errors of one rule set after another are those of the check of each, whatever was edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.language.check import Checker, check
from costops.language.fitting import Fitting
from costops.model.bill import COST_COLUMNS
from costops.model.conditions import EVERYTHING, Condition, all_of, make_test
from costops.model.diagnostic import Span
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Entry,
    Label,
    Lookup,
    Method,
    Metric,
    RuleSet,
    Source,
    Transform,
)

EXAMPLES = settings(max_examples=400, derandomize=True, database=None, deadline=None)
EntryType = TypeVar("EntryType", bound=Entry)
COLUMNS = frozenset({"ServiceName", "x_own"})
SECTIONS = {
    "lookup": "lookups",
    "label": "labels",
    "dimension": "dimensions",
    "metric": "metrics",
    "allocation": "allocations",
}


def has_errors(rules: RuleSet) -> bool:
    found = check(rules, report=(), known_columns=COLUMNS, cost_columns=COST_COLUMNS)
    return any(each.is_error for each in found)


def wrong_ones(rules: RuleSet) -> set[tuple[str, str]]:
    """Entries that the whole check finds an error in, cycles of several dimensions apart; each has its own file."""

    def placed(kind: str, entry: EntryType) -> EntryType:
        return replace(entry, span=Span(f"{kind} {entry.id}", 1, 1, 1, 2))

    there = RuleSet(
        lookups=rules.lookups,
        labels=tuple(placed("label", each) for each in rules.labels),
        dimensions=tuple(placed("dimension", each) for each in rules.dimensions),
        metrics=tuple(placed("metric", each) for each in rules.metrics),
        allocations=tuple(placed("allocation", each) for each in rules.allocations),
    )
    found = check(there, report=(), known_columns=COLUMNS, cost_columns=COST_COLUMNS)
    own = [each for each in found if each.is_error and each.message.count(" -> ") < 2]
    assert all(each.span is not None for each in own)
    return {(kind, id) for each in own if each.span for kind, _, id in [each.span.file.partition(" ")]}


def begin(rules: RuleSet) -> Fitting:
    return Fitting(rules, known_columns=COLUMNS, cost_columns=COST_COLUMNS)


@dataclass(frozen=True)
class Step:
    """A rule set, with the edit that made it."""

    rules: RuleSet
    kind: str
    identity: str
    entry: Entry | None


def put(rules: RuleSet, kind: str, entry: Entry, place: int = 99) -> Step:
    """An entry in the place of the one of its id, or at a place."""
    entries = list(getattr(rules, SECTIONS[kind]))
    found = next((at for at, each in enumerate(entries) if each.id == entry.id), None)
    if found is None:
        entries.insert(place, entry)
    else:
        entries[found] = entry
    return Step(replace(rules, **{SECTIONS[kind]: tuple(entries)}), kind, entry.id, entry)  # type: ignore[arg-type]


def take(rules: RuleSet, kind: str, identity: str) -> Step:
    entries = tuple(each for each in getattr(rules, SECTIONS[kind]) if each.id != identity)
    return Step(replace(rules, **{SECTIONS[kind]: entries}), kind, identity, None)  # type: ignore[arg-type]


def move(rules: RuleSet, identity: str, place: int) -> Step:
    entry = next(each for each in rules.allocations if each.id == identity)
    rest = [each for each in rules.allocations if each.id != identity]
    rest.insert(place, entry)
    return Step(replace(rules, allocations=tuple(rest)), "allocation", identity, entry)


def told(fitting: Fitting, steps: Iterable[Step]) -> list[bool]:
    """Whether each rule set has no error, which must be what the whole check says."""
    found = []
    for step in steps:
        fits = fitting.after(step.rules, step.kind, step.identity, step.entry)
        assert fits is not has_errors(step.rules), step
        assert fitting.wrong == wrong_ones(step.rules), step
        assert fitting.has_errors is not fits
        found.append(fits)
    return found


def allocation(
    id: str, *, by: str | None = None, to: str = "team", into: str | None = None, metric: str | None = None
) -> Allocation:
    source = EVERYTHING if by is None else make_test("allocated_by", "is", [by])
    metrics = () if metric is None else ((metric, 10**12),)
    return Allocation(
        id=id,
        source=source,
        method=Method.METRIC if metric else Method.EVEN,
        to=(to,),
        into=(into or to,),
        basis_metrics=metrics,
    )


TEAM = Label(id="team", sources=(Source("Tags.team"),))
FIRST, SECOND = allocation("first"), allocation("second", by="first")
RULES = RuleSet(labels=(TEAM,), allocations=(FIRST, SECOND))


def test_what_a_rule_names_can_go_and_come_back() -> None:
    gone = take(RULES, "label", "team")
    back = put(gone.rules, "label", TEAM)
    off = put(back.rules, "label", replace(TEAM, enabled=False))
    assert told(begin(RULES), [gone, back, off, put(off.rules, "label", TEAM)]) == [False, True, False, True]


def rule(**fields: object) -> Allocation:
    plain: dict[str, object] = {"id": "user", "method": Method.EVEN, "to": ("Tags.x",), "into": ("other",)}
    return Allocation(**{**plain, **fields})  # type: ignore[arg-type]


def dimension(*rules: DimensionRule, result_stage: bool = False) -> Dimension:
    return Dimension(id="user", rules=rules, result_stage=result_stage)


def has(name: str) -> Condition:
    return make_test(name, "present", ["true"])


USERS: dict[str, tuple[str, Entry]] = {
    "source": ("allocation", rule(source=has("squad"))),
    "source before": ("allocation", rule(source=has("direct.squad"))),
    "basis": ("allocation", rule(basis=has("squad"))),
    "elements": ("allocation", rule(element_where=has("squad"))),
    "destination": ("allocation", rule(to=("squad",))),
    "written": ("allocation", rule(into=("squad",))),
    "partition": ("allocation", rule(partition_by=("squad",))),
    "from": ("dimension", dimension(DimensionRule(sources=(Source("squad"),)))),
    "concat": ("dimension", dimension(DimensionRule(concat=(Source("squad"),)))),
    "where": ("dimension", dimension(DimensionRule(value="x", where=has("squad")))),
    "metric": ("metric", Metric(id="user", source="w", query="q", labels=(("s", "squad"),))),
}
OTHER = Dimension(id="other")
SQUAD = Dimension(id="squad")


@pytest.mark.parametrize(("kind", "user"), USERS.values(), ids=USERS)
def test_whatever_names_a_dimension_is_looked_at_when_that_goes_comes_or_changes(kind: str, user: Entry) -> None:
    rules = put(RuleSet(dimensions=(OTHER, SQUAD)), kind, user).rules
    gone = take(rules, "dimension", "squad")
    back = put(gone.rules, "dimension", SQUAD)
    result = put(back.rules, "dimension", replace(SQUAD, result_stage=True))
    off = put(result.rules, "dimension", replace(SQUAD, enabled=False))
    assert told(begin(rules), [gone, back, result, off]) == [False, True, False, False]


@pytest.mark.parametrize(
    ("kind", "user"),
    [
        ("allocation", rule(source=make_test("allocated_by", "is", ["named"]))),
        ("allocation", rule(basis=make_test("allocated_by", "not", ["named"]))),
        ("allocation", rule(element_where=make_test("allocated_by", "is", ["named"]))),
        (
            "dimension",
            dimension(DimensionRule(value="x", where=make_test("allocated_by", "is", ["named"])), result_stage=True),
        ),
    ],
    ids=["source", "basis", "elements", "result"],
)
def test_whatever_names_a_rule_is_looked_at_when_that_goes_comes_or_is_disabled(kind: str, user: Entry) -> None:
    named = allocation("named", to="Tags.x", into="other")
    rules = put(RuleSet(dimensions=(OTHER,), allocations=(named,)), kind, user).rules
    gone = take(rules, "allocation", "named")
    back = put(gone.rules, "allocation", named, 0)
    off = put(back.rules, "allocation", replace(named, enabled=False))
    assert told(begin(rules), [gone, back, off]) == [False, True, False]


def test_a_rule_must_come_before_those_that_name_it() -> None:
    behind = move(RULES, "first", 1)
    before = move(behind.rules, "first", 0)
    off = put(before.rules, "allocation", replace(FIRST, enabled=False))
    gone = take(off.rules, "allocation", "second")
    assert told(begin(RULES), [behind, before, off, gone]) == [False, True, False, True]
    passed = move(RULES, "second", 0)
    assert told(begin(RULES), [passed, move(passed.rules, "second", 1)]) == [False, True]


def test_a_metric_must_have_the_labels_that_its_rules_need() -> None:
    load = Metric(id="load", source="w", query="q", labels=(("t", "team"),))
    rules = replace(RULES, metrics=(load,), allocations=(allocation("first", metric="load"),))
    bare = put(rules, "metric", replace(load, labels=()))
    again = put(bare.rules, "metric", load)
    other = put(again.rules, "metric", replace(load, labels=(("t", "label.team"),)))
    # A dimension of that name makes the two mean different things.
    dimension = put(other.rules, "dimension", Dimension(id="team"))
    off = put(dimension.rules, "metric", replace(load, enabled=False))
    assert told(begin(rules), [bare, again, other, dimension, off]) == [False, True, True, False, False]


def test_a_table_that_is_named_must_be_there() -> None:
    looking_up = replace(TEAM, transform=(Transform("lookup", ("t.csv",)),))
    table = Lookup(id="t.csv", rows=(("k", "v"),))
    rules = RuleSet(lookups=(table,), labels=(looking_up,))
    gone = take(rules, "lookup", "t.csv")
    edited = put(put(gone.rules, "lookup", table).rules, "lookup", replace(table, rows=()))
    assert told(begin(rules), [gone, put(gone.rules, "lookup", table), edited]) == [False, True, True]


def test_dimensions_must_not_read_each_other_in_a_circle() -> None:
    def reading(id: str, *names: str) -> Dimension:
        return Dimension(id=id, rules=tuple(DimensionRule(sources=(Source(name),)) for name in names))

    rules = RuleSet(dimensions=(reading("a", "b"), reading("b", "c"), reading("c", "ServiceName")))
    closed = put(rules, "dimension", reading("c", "a"))
    opened = put(closed.rules, "dimension", reading("b"))
    two = put(closed.rules, "dimension", reading("d", "e"))
    more = put(two.rules, "dimension", reading("e", "d"))
    less = put(more.rules, "dimension", reading("e"))
    assert told(begin(rules), [closed, opened]) == [False, True]
    assert told(begin(rules), [closed, two, more, less, put(less.rules, "dimension", reading("b"))]) == [False] * 4 + [
        True
    ]


def test_a_rule_set_may_begin_with_errors() -> None:
    rules = RuleSet(allocations=(FIRST, SECOND))
    assert begin(rules).has_errors
    assert told(begin(rules), [put(rules, "label", TEAM)]) == [True]
    circle = Dimension(id="a", rules=(DimensionRule(sources=(Source("b"),)),))
    both = RuleSet(dimensions=(circle, Dimension(id="b", rules=(DimensionRule(sources=(Source("a"),)),))))
    assert told(begin(both), [take(both, "dimension", "b")]) == [False]


def test_only_what_an_edit_can_break_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    check_entry = Checker.check_entry

    def noted(checker: Checker, entry: Entry) -> None:
        looked.append(entry.id)
        check_entry(checker, entry)

    monkeypatch.setattr(Checker, "check_entry", noted)
    fitting = begin(RULES)
    assert looked == ["team", "first", "second"]
    added = put(RULES, "allocation", allocation("third"))
    edited = put(added.rules, "label", replace(TEAM, sources=(Source("Tags.Team"),)))
    moved = move(edited.rules, "first", 0)
    for step, names in ((added, ["third"]), (edited, ["team"]), (moved, ["first", "second"])):
        looked.clear()
        assert fitting.after(step.rules, step.kind, step.identity, step.entry)
        assert looked == names
    looked.clear()
    gone = take(moved.rules, "label", "team")
    assert not fitting.after(gone.rules, gone.kind, gone.identity, gone.entry)
    assert sorted(looked) == ["first", "second", "third"]


# Whatever is edited

IDS = ("a", "b", "c")
NAMES = st.sampled_from(
    [
        *IDS, "label.a", "label.b", "direct.a", "direct.c", "direct.label.a",
        "ServiceName", "x_own", "Tags.a", "EffectiveCost", "allocated_by", "nowhere",
    ]
)  # fmt: skip
ids = st.sampled_from(IDS)
on = st.sampled_from([True, True, True, False])
tables = st.lists(st.sampled_from(["t", "u"]), max_size=1).map(
    lambda each: tuple(Transform("lookup", (name,)) for name in each)
)


def one_of(draw: st.DrawFn, names: st.SearchStrategy[str], most: int) -> tuple[str, ...]:
    return tuple(draw(st.lists(names, max_size=most, unique=True)))


@st.composite
def conditions(draw: st.DrawFn) -> Condition:
    tests = [make_test(name, "is", ["x"]) for name in one_of(draw, NAMES, 1)]
    tests += [
        make_test("allocated_by", draw(st.sampled_from(["is", "not", "contains"])), [each])
        for each in one_of(draw, ids, 1)
    ]
    return all_of(tests)


@st.composite
def entries(draw: st.DrawFn, kind: str, id: str) -> Entry:
    match kind:
        case "lookup":
            return Lookup(id=id, rows=((draw(ids), "v"),))
        case "label":
            sources = tuple(Source(name, draw(tables)) for name in one_of(draw, NAMES, 2))
            return Label(id=id, sources=sources, enabled=draw(on))
        case "dimension":
            rules = [DimensionRule(sources=(Source(name, draw(tables)),)) for name in one_of(draw, NAMES, 2)]
            rules += [DimensionRule(value="x", where=draw(conditions()))]
            return Dimension(id=id, rules=tuple(rules), result_stage=draw(st.booleans()), enabled=draw(on))
        case "metric":
            labels = tuple((f"l{place}", name) for place, name in enumerate(one_of(draw, NAMES, 2)))
            return Metric(id=id, source="w", query=draw(ids), labels=labels, enabled=draw(on))
        case _:
            to = draw(NAMES)
            return Allocation(
                id=id,
                source=draw(conditions()),
                method=Method.METRIC,
                to=(to,),
                into=(draw(st.sampled_from([to, "a"])),),
                basis=draw(conditions()),
                partition_by=one_of(draw, NAMES, 1),
                basis_metrics=tuple((each, 10**12) for each in one_of(draw, ids, 2)),
                basis_cost=draw(st.sampled_from([None, None, None, "ListCost", "NoCost"])),
                enabled=draw(on),
            )


@st.composite
def edits(draw: st.DrawFn, rules: RuleSet) -> Step:
    kind = draw(st.sampled_from(["lookup", "label", "dimension", "dimension", "metric", "allocation", "allocation"]))
    id = draw(st.sampled_from(["t", "u"]) if kind == "lookup" else ids)
    known = {each.id for each in getattr(rules, SECTIONS[kind])}
    what = draw(st.sampled_from(["put", "put", "take", "move"])) if id in known else "put"
    if what == "take":
        return take(rules, kind, id)
    place = draw(st.integers(0, 3))
    if what == "move" and kind == "allocation":
        return move(rules, id, place)
    return put(rules, kind, draw(entries(kind, id)), place)


@EXAMPLES
@given(st.data())
def test_the_answer_is_that_of_the_whole_check(data: st.DataObject) -> None:
    rules = RuleSet()
    steps = []
    begun = data.draw(st.integers(0, 6))
    fitting = begin(rules)
    for place in range(data.draw(st.integers(1, 14))):
        step = data.draw(edits(rules))
        rules = step.rules
        if place == begun:
            fitting = begin(rules)
            assert fitting.has_errors is has_errors(rules)
            assert fitting.wrong == wrong_ones(rules)
        else:
            steps.append(step)
            told(fitting, [step])
