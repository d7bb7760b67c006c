"""The walk from one rule set to another: every change once, in the contract's order, each on top of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.model.conditions import make_test
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
    tables_named,
)
from costops.planning.walk import Fit, Stop, walk

EXAMPLES = settings(max_examples=200, derandomize=True, database=None, deadline=None)


def label(id: str, tag: str = "") -> Label:
    return Label(id=id, sources=(Source(f"Tags.{tag or id}"),))


def dimension(id: str, value: str = "x") -> Dimension:
    return Dimension(id=id, rules=(DimensionRule(value=value),))


def metric(id: str, query: str = "q") -> Metric:
    return Metric(id=id, source="w", query=query)


def allocation(id: str, service: str = "EC2", *, enabled: bool = True) -> Allocation:
    source = make_test("ServiceName", "is", [service])
    return Allocation(id=id, source=source, method=Method.EVEN, to=("team",), into=("team",), enabled=enabled)


def rules(
    *allocations: Allocation | str,
    labels: tuple[Label, ...] = (),
    dimensions: tuple[Dimension, ...] = (),
    metrics: tuple[Metric, ...] = (),
) -> RuleSet:
    made = tuple(allocation(each) if isinstance(each, str) else each for each in allocations)
    return RuleSet(labels=labels, dimensions=dimensions, metrics=metrics, allocations=made)


class Told:
    """Whether rule sets have errors, as a function says; it is told every edit in turn, which is looked at here."""

    def __init__(self, rules: RuleSet, binds: Callable[[RuleSet], bool]) -> None:
        self._rules = rules
        self._binds = binds

    def after(self, rules: RuleSet, kind: str, identity: str, entry: Entry | None) -> bool:
        def others(found: RuleSet) -> list[tuple[str, Entry]]:
            return [(each, it) for each, it in found.entries() if (each, it.id) != (kind, identity)]

        assert others(rules) == others(self._rules), "something else has changed"
        assert [it for each, it in rules.entries() if (each, it.id) == (kind, identity)] == ([entry] if entry else [])
        self._rules = rules
        return self._binds(rules)


def told_to(binds: Callable[[RuleSet], bool]) -> Callable[[RuleSet], Fit]:
    return lambda rules: Told(rules, binds)


def told(stops: tuple[Stop, ...]) -> list[str]:
    return [f"{edit.action} {edit.kind} {edit.id}" for stop in stops for edit in stop.edits]


def order(found: RuleSet) -> str:
    return "".join(each.id if each.enabled else each.id.upper() for each in found.allocations)


def orders(old: RuleSet, new: RuleSet) -> list[str]:
    return [order(stop.rules) for stop in walk(old, new)]


def test_equal_rule_sets_are_no_walk() -> None:
    one = rules("a", "b", labels=(label("team"),))
    moved_file = replace(one.allocations[0], span=Span("rules/z.yaml", 9, 1, 9, 2), text="other text")
    assert walk(one, one) == ()
    assert walk(one, replace(one, allocations=(moved_file, one.allocations[1]))) == ()


def test_everything_of_a_first_plan_is_added_in_the_order_of_evaluation() -> None:
    new = rules("a", "b", labels=(label("l"),), dimensions=(dimension("d"),), metrics=(metric("m"),))
    stops = walk(RuleSet(), new)
    assert told(stops) == ["add label l", "add dimension d", "add metric m", "add allocation a", "add allocation b"]
    assert [order(stop.rules) for stop in stops] == ["", "", "", "a", "ab"]
    assert [len(stop.rules.labels) for stop in stops] == [1] * 5


def test_the_walk_goes_in_the_contracts_order() -> None:
    old = rules(
        "gone", "edited", "left", "right", "off",
        labels=(label("l1"), label("l2")), dimensions=(dimension("d1"),), metrics=(metric("m1"), metric("m2")),
    )  # fmt: skip
    new = rules(
        allocation("edited", "RDS"), "right", "left", "new", allocation("off", enabled=False),
        labels=(label("l2", "other"), label("l3")),
        dimensions=(dimension("d1", "y"), dimension("d2")), metrics=(metric("m2", "q2"),),
    )  # fmt: skip
    found = told(walk(old, new))
    moved = next(each for each in found if each.startswith("move"))
    assert moved in ("move allocation left", "move allocation right")
    assert found == [
        "add label l3",
        "add dimension d2",
        "change label l2",
        "change dimension d1",
        "change metric m2",
        "remove allocation gone",
        "change allocation off",
        "change allocation edited",
        moved,
        "add allocation new",
        "remove label l1",
        "remove metric m1",
    ]


def test_removals_come_in_the_old_order_and_additions_in_the_new_one() -> None:
    assert orders(rules("a", "b", "c"), rules("z", "b", "y")) == ["bc", "b", "zb", "zby"]


def test_an_edit_keeps_its_place() -> None:
    stops = walk(rules("a", "b", "c"), rules("a", allocation("b", "RDS"), "c"))
    assert told(stops) == ["change allocation b"]
    assert order(stops[0].rules) == "abc"
    before, after = stops[0].edits[0].before, stops[0].edits[0].after
    assert isinstance(before, Allocation)
    assert isinstance(after, Allocation)
    assert (before.source.values, after.source.values) == (("EC2",), ("RDS",))  # type: ignore[union-attr]


def test_an_added_rule_stands_where_it_stands_in_the_end() -> None:
    assert orders(rules("a", "b"), rules("x", "a", "y", "b", "z")) == ["xab", "xayb", "xaybz"]


def test_disabling_comes_first_and_enabling_last() -> None:
    old = rules("a", allocation("b", enabled=False), "c")
    new = rules(allocation("a", enabled=False), allocation("b"), allocation("c", "RDS"))
    stops = walk(old, new)
    assert told(stops) == ["change allocation a", "change allocation c", "change allocation b"]
    assert [order(stop.rules) for stop in stops] == ["ABc", "ABc", "Abc"]


def test_a_rule_that_moves_is_one_change_and_the_ones_it_passes_are_none() -> None:
    stops = walk(rules("a", "b", "c", "d"), rules("d", "a", "b", "c"))
    assert told(stops) == ["move allocation d"]
    assert stops[0].rules == rules("d", "a", "b", "c")


def test_several_moves_are_taken_one_by_one() -> None:
    old, new = rules("a", "b", "c", "d", "e", "f"), rules("f", "b", "c", "d", "e", "a")
    stops = walk(old, new)
    assert sorted(told(stops)) == ["move allocation a", "move allocation f"]
    assert [order(stop.rules) for stop in stops] == ["fabcde", "fbcdea"]


def test_a_rule_that_is_edited_and_moved_is_two_changes() -> None:
    stops = walk(rules("a", "b", "c", "d"), rules(allocation("d", "RDS"), "a", "b", "c"))
    assert told(stops) == ["change allocation d", "move allocation d"]
    move = stops[1].edits[0]
    assert isinstance(move.after, Allocation)
    assert move.after == allocation("d", "RDS")
    assert [order(stop.rules) for stop in stops] == ["abcd", "dabc"]


def test_a_rule_that_is_enabled_and_moved_moves_before_it_is_enabled() -> None:
    old = rules("a", "b", "c", allocation("d", enabled=False))
    assert orders(old, rules("d", "a", "b", "c")) == ["Dabc", "dabc"]


def test_another_order_of_labels_is_no_change() -> None:
    one, two = label("a"), label("b")
    assert walk(rules(labels=(one, two)), rules(labels=(two, one))) == ()


def test_a_text_only_edit_is_a_change() -> None:
    named = replace(allocation("a"), description="splits support")
    assert told(walk(rules("a"), rules(named))) == ["change allocation a"]


def test_what_does_not_bind_is_joined_with_the_next() -> None:
    old = rules("a", labels=(label("team"),))
    new = rules("b", labels=(label("squad"),))

    def binds(found: RuleSet) -> bool:
        return not any(each.id == "a" for each in found.allocations) or not any(
            each.id == "squad" for each in found.labels
        )

    stops = walk(old, new, told_to(binds))
    assert [[f"{edit.action} {edit.id}" for edit in stop.edits] for stop in stops] == [
        ["add squad", "remove a"],
        ["add b"],
        ["remove team"],
    ]


def test_where_nothing_on_the_way_binds_the_walk_is_one_stop() -> None:
    old, new = rules("a", "b"), rules("c", "d")
    stops = walk(old, new, told_to(lambda found: False))
    assert len(stops) == 1
    assert stops[0].rules == new
    assert told(stops) == ["remove allocation a", "remove allocation b", "add allocation c", "add allocation d"]


ids = st.permutations(list("abcdef")).flatmap(lambda each: st.integers(0, 6).map(lambda size: list(each[:size])))
variants = st.fixed_dictionaries({id: st.tuples(st.sampled_from(["EC2", "RDS"]), st.booleans()) for id in "abcdef"})


@st.composite
def rule_sets(draw: st.DrawFn) -> RuleSet:
    forms = draw(variants)
    chosen = [allocation(id, forms[id][0], enabled=forms[id][1]) for id in draw(ids)]
    names = [label(id, forms[id][0]) for id in draw(ids)[:3]]
    tables = [table(id, forms[id][0]) for id in draw(ids)[:2]]
    return replace(rules(*chosen, labels=tuple(names)), lookups=tuple(tables))


def applied(edits: tuple[object, ...], before: RuleSet) -> dict[tuple[str, str], object]:
    """What entries there are after some edits of those before, whatever their order."""
    entries: dict[tuple[str, str], object] = {(kind, entry.id): entry for kind, entry in before.entries()}
    for edit in edits:
        key = (edit.kind, edit.id)  # type: ignore[attr-defined]
        if edit.action == "remove":  # type: ignore[attr-defined]
            del entries[key]
        else:
            assert (key in entries) is (edit.action != "add")  # type: ignore[attr-defined]
            entries[key] = edit.after  # type: ignore[attr-defined]
    return entries


@EXAMPLES
@given(rule_sets(), rule_sets())
def test_each_stop_is_the_one_before_with_its_edits_and_the_last_is_the_new_rule_set(
    old: RuleSet, new: RuleSet
) -> None:
    stops = walk(old, new)
    current = old
    for stop in stops:
        assert len(stop.edits) == 1
        assert applied(stop.edits, current) == {(kind, entry.id): entry for kind, entry in stop.rules.entries()}
        current = stop.rules
    if stops:
        assert stops[-1].rules == new
    assert {(kind, entry.id): entry for kind, entry in current.entries()} == {
        (kind, entry.id): entry for kind, entry in new.entries()
    }
    found = told(stops)
    assert len(found) == len(set(found))


@EXAMPLES
@given(rule_sets(), rule_sets())
def test_the_allocations_arrive_at_the_new_order_by_their_own_steps(old: RuleSet, new: RuleSet) -> None:
    # A label that goes comes after every allocation, so the stop before it has the allocations' own end.
    leaving = label("zz-leaving")
    stops = walk(replace(old, labels=(*old.labels, leaving)), replace(new, lookups=old.lookups))
    assert told(stops)[-1] == "remove label zz-leaving"
    before = stops[-2].rules if len(stops) > 1 else old
    assert before.allocations == new.allocations


@EXAMPLES
@given(rule_sets(), rule_sets(), st.integers(0, 2**20))
def test_whatever_binds_no_change_is_lost(old: RuleSet, new: RuleSet, which: int) -> None:
    asked: list[bool] = []

    def binds(found: RuleSet) -> bool:
        asked.append(bool(which >> len(asked) & 1))
        return asked[-1]

    stops = walk(old, new, told_to(binds))
    assert told(stops) == told(walk(old, new))
    assert len(stops) == (sum(asked) + 1 if stops else 0)


@pytest.mark.parametrize("kind", ["labels", "dimensions", "metrics"])
def test_definitions_are_added_before_and_removed_after_the_allocations_that_need_them(kind: str) -> None:
    makers: dict[str, Callable[[str], object]] = {"labels": label, "dimensions": dimension, "metrics": metric}
    without, with_it = rules("a"), replace(rules("a", "b"), **{kind: (makers[kind]("x"),)})  # type: ignore[arg-type]
    assert told(walk(without, with_it)) == [f"add {kind[:-1]} x", "add allocation b"]
    assert told(walk(with_it, without)) == ["remove allocation b", f"remove {kind[:-1]} x"]


# Lookup tables


def table(id: str, value: str = "x") -> Lookup:
    return Lookup(id=id, rows=(("k", value),))


def looking_up(id: str, *tables: str) -> Label:
    transforms = tuple(Transform("lookup", (each,)) for each in tables)
    return Label(id=id, sources=(Source(f"Tags.{id}"),), transform=transforms)


def binds(found: RuleSet) -> bool:
    known = {each.id for each in found.lookups}
    return all(name in known for each in found.labels for name in tables_named(each))


def test_tables_are_added_and_edited_before_everything_and_removed_after_it() -> None:
    old = rules("a", labels=(looking_up("l", "edited", "gone"), label("m")))
    new = rules("b", labels=(looking_up("l", "edited", "new"), label("n")))
    stops = walk(
        replace(old, lookups=(table("edited"), table("gone"))),
        replace(new, lookups=(table("edited", "y"), table("new"))),
        told_to(binds),
    )
    assert [[f"{edit.action} {edit.kind} {edit.id}" for edit in stop.edits] for stop in stops] == [
        ["add lookup new"],
        ["change lookup edited"],
        ["add label n"],
        ["change label l"],
        ["remove allocation a"],
        ["add allocation b"],
        ["remove label m"],
        ["remove lookup gone"],
    ]
    assert stops[1].rules.labels == old.labels
    assert [each.id for each in stops[-2].rules.lookups] == ["edited", "gone", "new"]


def test_a_table_written_otherwise_is_no_change() -> None:
    one = replace(rules("a"), lookups=(table("t"),))
    other = replace(one, lookups=(replace(table("t"), text="k,x\n", span=Span("rules/t.csv", 1, 1, 1, 2)),))
    assert walk(one, other) == ()


def test_a_table_and_the_entry_that_needs_it_are_two_stops() -> None:
    old, new = rules(labels=(label("l"),)), rules(labels=(looking_up("l", "t"),))
    assert not binds(new)
    there = replace(new, lookups=(table("t"),))
    assert len(walk(old, there, told_to(binds))) == 2
    assert told(walk(old, there, told_to(binds))) == ["add lookup t", "change label l"]
    assert told(walk(there, old, told_to(binds))) == ["change label l", "remove lookup t"]
