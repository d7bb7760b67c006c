"""Which rule sets must be evaluated for a walk: one whose allocations begin another's is read off that one's steps.

Invariant: every rule set of a walk gets one amount per element, used both as the end of one change and the start of
the next, so that changes add up exactly. Those that are evaluated keep the order of the walk, in which they differ
little from one to the next.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TypeVar

from costops.engine.embedded import Outcome
from costops.engine.money_steps import Money, difference
from costops.model.rules import Allocation, Entry, RuleSet

EntryType = TypeVar("EntryType", bound=Entry)


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a rule set's money is: in which evaluation, after how many of its allocations."""

    evaluation: int
    after: int


@dataclass(frozen=True, slots=True)
class WalkedMoney:
    """Money along a walk."""

    start: Money
    moves: tuple[Money, ...]
    """What is more at each stop than at the one before."""
    end: Money


def walked_money(outcomes: Sequence[Outcome], readings: Sequence[Reading]) -> WalkedMoney:
    """The money of a walk whose rule sets, its start among them, are read as `plan_evaluations` says."""

    def read(reading: Reading) -> Money:
        return outcomes[reading.evaluation].money_after(reading.after)

    return WalkedMoney(
        start=read(readings[0]),
        moves=tuple(
            outcomes[last.evaluation].moved_between(first.after, last.after)
            if first.evaluation == last.evaluation
            else difference(read(first), read(last))
            for first, last in pairwise(readings)
        ),
        end=read(readings[-1]),
    )


def plan_evaluations(rule_sets: Sequence[RuleSet]) -> tuple[tuple[RuleSet, ...], tuple[Reading, ...]]:
    """The rule sets to evaluate, in the order given but the last one last, and for each given one its reading."""
    numbers = _Numbers()
    # The last one has most of the entries: what it has is looked at once, and found there by all others.
    forms = [numbers.form(each) for each in reversed(rule_sets)][::-1]
    wholes = _wholes(forms)
    # The last one's ledger is wanted, so it is evaluated itself even where another begins with it.
    chosen = sorted({*wholes, len(forms) - 1})
    evaluation = {place: number for number, place in enumerate(chosen)}
    readings = tuple(Reading(evaluation[place], len(steps)) for place, (_, steps) in zip(wholes, forms, strict=True))
    return tuple(rule_sets[place] for place in chosen), readings


_Form = tuple[int, tuple[int, ...]]
"""A rule set's money in numbers: its definitions, and its enabled allocations with the metrics that they use."""


def _wholes(forms: Sequence[_Form]) -> list[int]:
    """For each form the place of one that begins with it and that no other does; the last one where that may be."""
    last = len(forms) - 1
    first_places = {forms[last]: last}
    for place, form in enumerate(forms):
        first_places.setdefault(form, place)
    # Sorted, a form comes right before those that begin with it.
    wholes: dict[_Form, int] = {}
    following: _Form | None = None
    for form in sorted(first_places, reverse=True):
        begins = following is not None and _begins(form, following)
        wholes[form] = wholes[following] if following is not None and begins else first_places[form]
        following = form
    return [last if _begins(form, forms[last]) else wholes[form] for form in forms]


def _begins(form: _Form, other: _Form) -> bool:
    """Whether a form's money is what another gives after its first allocations."""
    return form[0] == other[0] and form[1] == other[1][: len(form[1])]


class _Numbers:
    """Numbers for what is equal, 0 for what is disabled.

    The rule sets of a walk share their entries, and what the entries are in: each object is looked at once.
    """

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        self._entries: dict[int, int] = {}
        self._definitions: dict[tuple[int, ...], int] = {}
        self._steps: dict[int, dict[int, int]] = {}

    def form(self, rules: RuleSet) -> _Form:
        """The form of a rule set that lives as long as the numbers do."""
        objects = tuple(map(id, (rules.lookups, rules.labels, rules.dimensions)))
        if objects not in self._definitions:
            parts = (rules.used_lookups() if rules.lookups else (), rules.labels, rules.dimensions)
            self._definitions[objects] = self._number(tuple(self._enabled(each) for each in parts))
        # What a step means depends on the metrics, too.
        steps = self._steps.setdefault(id(rules.metrics), {})
        return self._definitions[objects], _listed(rules.allocations, steps, partial(self._step, rules))

    def _step(self, rules: RuleSet, allocation: Allocation) -> int:
        names = {name for name, _ in allocation.basis_metrics}
        used = self._enabled([each for each in rules.metrics if each.id in names]) if names else ()
        return self._number((self._number(allocation), used))

    def _enabled(self, entries: Sequence[Entry]) -> tuple[int, ...]:
        return _listed(entries, self._entries, self._number)

    def _number(self, thing: Hashable) -> int:
        return self._numbers.setdefault(thing, len(self._numbers) + 1)


def _listed(
    entries: Sequence[EntryType], numbers: dict[int, int], number: Callable[[EntryType], int]
) -> tuple[int, ...]:
    """The numbers of those entries that are enabled; `numbers` has them by object, and those that it lacks are made."""
    try:
        return tuple(filter(None, map(numbers.__getitem__, map(id, entries))))
    except KeyError:
        numbers.update({id(each): number(each) if each.enabled else 0 for each in entries if id(each) not in numbers})
        return _listed(entries, numbers, number)
