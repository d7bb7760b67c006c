"""The walk from an old rule set to a new one, one change at a time, in the contract's order: renames first.

Invariant: the last rule set of a walk is the new one itself, and every change appears exactly once; a rule set that
would not bind is no stop on the way, its change is joined with the next. A rename is a change of its own, and what only
follows it is none.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from costops.model.rules import Allocation, Entry, RuleSet
from costops.planning.references import Renamed, Renaming, renaming_of

EntryType = TypeVar("EntryType", bound=Entry)

TABLES = ("lookups",)
"""What is data beside the rules: its differences come before those of the rules, its removals after them."""
DEFINITIONS = ("labels", "dimensions", "metrics")
KINDS = {"lookups": "lookup", "labels": "label", "dimensions": "dimension", "metrics": "metric"}


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one entry."""

    action: str
    """add, change, remove, move or rename."""
    kind: str
    before: Entry | None
    after: Entry | None

    @property
    def id(self) -> str:
        entry = self.after or self.before
        assert entry is not None
        return entry.id


@dataclass(frozen=True, slots=True)
class Stop:
    """A rule set on the way, with the edits since the stop before."""

    edits: tuple[Edit, ...]
    rules: RuleSet


def walk(
    old: RuleSet, new: RuleSet, binds: Callable[[RuleSet], bool], renaming: Renaming | None = None
) -> tuple[Stop, ...]:
    """The stops after `renaming.start`, the last one being `new`; none where nothing differs.

    `renaming` is that of `old` on the way to `new`, by default as `new` declares it.
    """
    renaming = renaming_of(old, new) if renaming is None else renaming
    stops = _renames(renaming)
    waiting: list[Edit] = []
    steps = list(_steps(renaming.rules, new))
    for place, (edit, rules) in enumerate(steps):
        waiting.append(edit)
        if place == len(steps) - 1 or binds(rules):
            stops.append(Stop(tuple(waiting), rules))
            waiting = []
    return (*stops[:-1], replace(stops[-1], rules=new)) if stops else ()


def _renames(renaming: Renaming) -> list[Stop]:
    """A stop for each rename; those that change what names mean are one, because they may need each other."""
    stops = [Stop((_rename(each),), renaming.start) for each in renaming.harmless]
    if renaming.others:
        stops.append(Stop(tuple(_rename(each) for each in renaming.others), renaming.rules))
    return stops


def _rename(renamed: Renamed) -> Edit:
    return Edit("rename", renamed.kind, renamed.before, renamed.after)


def _steps(old: RuleSet, new: RuleSet) -> Sequence[tuple[Edit, RuleSet]]:
    steps: list[tuple[Edit, RuleSet]] = []
    current = old

    def take(edit: Edit, rules: RuleSet) -> None:
        nonlocal current
        current = rules
        steps.append((edit, rules))

    for names in (TABLES, DEFINITIONS):
        for name in names:
            known = {each.id for each in getattr(old, name)}
            for entry in getattr(new, name):
                if entry.id not in known:
                    take(Edit("add", KINDS[name], None, entry), _with(current, name, (*getattr(current, name), entry)))
        for name in names:
            after = {each.id: each for each in getattr(new, name)}
            for entry in getattr(old, name):
                if entry.id in after and after[entry.id] != entry:
                    edited = after[entry.id]
                    take(
                        Edit("change", KINDS[name], entry, edited),
                        _with(current, name, _swapped(getattr(current, name), edited)),
                    )
    for edit, rules in _allocation_steps(current, old.allocations, new.allocations):
        take(edit, rules)
    for name in (*DEFINITIONS, *TABLES):
        kept = {each.id for each in getattr(new, name)}
        for entry in getattr(old, name):
            if entry.id not in kept:
                rest = tuple(each for each in getattr(current, name) if each.id != entry.id)
                take(Edit("remove", KINDS[name], entry, None), _with(current, name, rest))
    return steps


def _with(rules: RuleSet, name: str, entries: Any) -> RuleSet:
    changed: dict[str, Any] = {name: tuple(entries)}
    return replace(rules, **changed)


def _swapped(entries: Sequence[EntryType], edited: EntryType) -> tuple[EntryType, ...]:
    return tuple(edited if each.id == edited.id else each for each in entries)


def _allocation_steps(
    rules: RuleSet, old: Sequence[Allocation], new: Sequence[Allocation]
) -> Sequence[tuple[Edit, RuleSet]]:
    steps: list[tuple[Edit, RuleSet]] = []
    current = list(old)
    before = {each.id: each for each in old}
    after = {each.id: each for each in new}

    def take(edit: Edit, allocations: Sequence[Allocation]) -> None:
        nonlocal current
        current = list(allocations)
        steps.append((edit, _with(rules, "allocations", current)))

    edited = {each.id for each in old if each.id in after and after[each.id] != each}
    disabled = {each for each in edited if before[each].enabled and not after[each].enabled}
    enabled = {each for each in edited if after[each].enabled and not before[each].enabled}
    for entry in old:
        if entry.id not in after:
            rest = [each for each in current if each.id != entry.id]
            take(Edit("remove", "allocation", entry, None), rest)
        elif entry.id in disabled:
            take(Edit("change", "allocation", entry, after[entry.id]), _swapped(current, after[entry.id]))
    for entry in old:
        if entry.id in edited - disabled - enabled:
            take(Edit("change", "allocation", entry, after[entry.id]), _swapped(current, after[entry.id]))
    moved = moved_ids([each.id for each in old if each.id in after], [each.id for each in new if each.id in before])
    settled = {each.id for each in new if each.id in before} - moved
    for entry in new:
        if entry.id in moved:
            held = next(each for each in current if each.id == entry.id)
            rest = [each for each in current if each.id != entry.id]
            settled.add(entry.id)
            take(Edit("move", "allocation", before[entry.id], held), _placed(rest, held, new, settled))
    for entry in new:
        if entry.id in enabled:
            take(Edit("change", "allocation", before[entry.id], entry), _swapped(current, entry))
        elif entry.id not in before:
            settled.add(entry.id)
            take(Edit("add", "allocation", None, entry), _placed(current, entry, new, settled))
    return steps


def _placed(
    current: Sequence[Allocation], entry: Allocation, new: Sequence[Allocation], settled: set[str]
) -> list[Allocation]:
    """`entry` put right behind the nearest settled rule that comes before it in the new order."""
    behind: str | None = None
    for each in new:
        if each.id == entry.id:
            break
        if each.id in settled:
            behind = each.id
    place = 0 if behind is None else 1 + next(i for i, each in enumerate(current) if each.id == behind)
    return [*current[:place], entry, *current[place:]]


def moved_ids(old: Sequence[str], new: Sequence[str]) -> set[str]:
    """The smallest set of ids whose removal leaves both orders equal; of several such sets always the same one."""
    place = {each: number for number, each in enumerate(new)}
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int | None] = []
    for index, each in enumerate(old):
        length = bisect_left(tails, place[each])
        previous.append(ends[length - 1] if length else None)
        if length == len(tails):
            tails.append(place[each])
            ends.append(index)
        else:
            tails[length] = place[each]
            ends[length] = index
    kept: set[str] = set()
    cursor: int | None = ends[-1] if ends else None
    while cursor is not None:
        kept.add(old[cursor])
        cursor = previous[cursor]
    return set(old) - kept
