"""The walk from an old rule set to a new one, one change at a time, in the contract's order: renames first.

Invariant: the last rule set of a walk is the new one itself, and every change appears exactly once; a rule set that
has an error is no stop on the way, its change is joined with the next. A rename is a change of its own, and what only
follows it is none. A step costs the copy of a tuple, whatever the rules are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from costops.model.orders import moved_ids
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


class Fit(Protocol):
    """Whether rule sets have errors, each an edit away from the one before."""

    def after(self, rules: RuleSet, kind: str, identity: str, entry: Entry | None) -> bool:
        """Whether `rules` has no error, which differs in that entry, or its place, alone; None: it is gone."""


def walk(
    old: RuleSet, new: RuleSet, fit: Callable[[RuleSet], Fit] | None = None, renaming: Renaming | None = None
) -> tuple[Stop, ...]:
    """The stops after `renaming.start`, the last one being `new`; none where nothing differs.

    `fit` is begun with the rule set after the renames; without it every rule set is taken for one without errors.
    `renaming` is that of `old` on the way to `new`, by default as `new` declares it.
    """
    renaming = renaming_of(old, new) if renaming is None else renaming
    stops = _renames(renaming)
    steps = _steps(renaming.rules, new)
    fitting = fit(renaming.rules) if fit is not None and len(steps) > 1 else None
    waiting: list[Edit] = []
    for place, (edit, rules) in enumerate(steps):
        waiting.append(edit)
        is_last = place == len(steps) - 1
        if is_last or fitting is None or fitting.after(rules, edit.kind, edit.id, edit.after):
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


def _steps(old: RuleSet, new: RuleSet) -> list[tuple[Edit, RuleSet]]:
    steps: list[tuple[Edit, RuleSet]] = []
    current = old

    def take(edit: Edit, name: str, entries: Sequence[Entry]) -> None:
        nonlocal current
        changed: dict[str, Any] = {name: entries}
        current = replace(current, **changed)
        steps.append((edit, current))

    for names in (TABLES, DEFINITIONS):
        for name in names:
            known = {each.id for each in getattr(old, name)}
            for entry in getattr(new, name):
                if entry.id not in known:
                    take(Edit("add", KINDS[name], None, entry), name, (*getattr(current, name), entry))
        for name in names:
            after = {each.id: each for each in getattr(new, name)}
            # What is added comes behind, so that the others are where they were.
            for place, entry in enumerate(getattr(old, name)):
                edited = after.get(entry.id, entry)
                if edited != entry:
                    take(
                        Edit("change", KINDS[name], entry, edited),
                        name,
                        _swapped(getattr(current, name), place, edited),
                    )
    for edit, allocations in _allocation_steps(old.allocations, new.allocations):
        take(edit, "allocations", allocations)
    for name in (*DEFINITIONS, *TABLES):
        kept = {each.id for each in getattr(new, name)}
        gone = 0
        for place, entry in enumerate(getattr(old, name)):
            if entry.id not in kept:
                take(Edit("remove", KINDS[name], entry, None), name, _without(getattr(current, name), place - gone))
                gone += 1
    return steps


def _swapped(entries: tuple[EntryType, ...], place: int, edited: EntryType) -> tuple[EntryType, ...]:
    return (*entries[:place], edited, *entries[place + 1 :])


def _without(entries: tuple[EntryType, ...], place: int) -> tuple[EntryType, ...]:
    return (*entries[:place], *entries[place + 1 :])


def _with(entries: tuple[EntryType, ...], place: int, entry: EntryType) -> tuple[EntryType, ...]:
    return (*entries[:place], entry, *entries[place:])


def _allocation_steps(
    old: tuple[Allocation, ...], new: tuple[Allocation, ...]
) -> Iterator[tuple[Edit, tuple[Allocation, ...]]]:
    """Each edit with the allocations after it."""
    current = old
    before = {each.id: each for each in old}
    after = {each.id: each for each in new}
    edited = {each.id for each in old if each.id in after and after[each.id] != each}
    disabled = {each for each in edited if before[each].enabled and not after[each].enabled}
    enabled = {each for each in edited if after[each].enabled and not before[each].enabled}
    only_edited = edited - disabled - enabled
    place = 0
    for entry in old:
        if entry.id not in after:
            current = _without(current, place)
            yield Edit("remove", "allocation", entry, None), current
            continue
        if entry.id in disabled:
            current = _swapped(current, place, after[entry.id])
            yield Edit("change", "allocation", entry, after[entry.id]), current
        place += 1
    left = [each for each in old if each.id in after]
    for place, entry in enumerate(left):
        if entry.id in only_edited:
            current = _swapped(current, place, after[entry.id])
            yield Edit("change", "allocation", entry, after[entry.id]), current
    for held, moved in _moves(current, [each.id for each in new if each.id in before]):
        current = moved
        yield Edit("move", "allocation", before[held.id], held), current
    # Whatever comes before an entry in the new order is there by now, so that its place is that in the end.
    for place, entry in enumerate(new):
        if entry.id in enabled:
            current = _swapped(current, place, entry)
            yield Edit("change", "allocation", before[entry.id], entry), current
        elif entry.id not in before:
            current = _with(current, place, entry)
            yield Edit("add", "allocation", None, entry), current


def _moves(
    current: tuple[Allocation, ...], wanted: Sequence[str]
) -> Iterator[tuple[Allocation, tuple[Allocation, ...]]]:
    """Each allocation that moves, and all after that; it goes right behind the one that it follows in the end."""
    ids = [each.id for each in current]
    moved = moved_ids(ids, wanted)
    for place, identity in enumerate(wanted):
        if identity in moved:
            was = ids.index(identity)
            held = current[was]
            del ids[was]
            current = _without(current, was)
            is_now = ids.index(wanted[place - 1]) + 1 if place else 0
            ids.insert(is_now, identity)
            current = _with(current, is_now, held)
            yield held, current
