"""Which steps of a new rule set must run, where the one before is evaluated already.

Invariant: a step that does not run has the same definition, keeps its place among those that stay, and neither its
source nor its basis has a profile that differs; so it takes and makes what it took and made before, to the last digit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from costops.engine.ir import Program, Step
from costops.model.orders import moved_ids
from costops.model.rules import Allocation, RuleSet


@dataclass(frozen=True, slots=True)
class Timeline:
    """Two orders of steps as one."""

    times: Mapping[int, int]
    """For each step before its time: twice the number of the new step that it is, or an odd number between two."""
    stayed: Mapping[int, int]
    """New steps that have a step before, in the same order, by number."""


def timeline(old: Sequence[Step], new: Sequence[Step]) -> Timeline:
    """Steps of equal rules are one, but for the fewest that must be moved to make the orders equal."""
    numbers = {step.rule: step.number for step in new}
    common = [step.rule for step in old if step.rule in numbers]
    here = set(common)
    moved = moved_ids(common, [step.rule for step in new if step.rule in here])
    times = {0: 0}
    stayed = {}
    behind = 0
    for step in old:
        if step.rule in here and step.rule not in moved:
            behind = numbers[step.rule]
            stayed[behind] = step.number
            times[step.number] = 2 * behind
        else:
            times[step.number] = 2 * behind + 1
    return Timeline(times, stayed)


def can_move(old_rules: RuleSet, new_rules: RuleSet, old: Program, new: Program) -> bool:
    """Whether fixed values mean the same in both, so that steps can be told apart by their own definitions."""
    return (
        _enabled(old_rules.labels) == _enabled(new_rules.labels)
        and _enabled(old_rules.dimensions) == _enabled(new_rules.dimensions)
        and old_rules.used_lookups() == new_rules.used_lookups()
        and {name for _, name in old.running} <= {name for _, name in new.running}
    )


def _enabled(entries: Sequence[object]) -> list[object]:
    return [each for each in entries if each.enabled]  # type: ignore[attr-defined]


def changed_steps(
    old_rules: RuleSet, new_rules: RuleSet, old: Program, new: Program, stayed: Mapping[int, int]
) -> set[int]:
    """Numbers of new steps without an equal one before them."""
    before, after = (_by_id(rules.allocations) for rules in (old_rules, new_rules))
    changed = set()
    for step in new.steps:
        was = old.steps[stayed[step.number] - 1] if step.number in stayed else None
        if was is None or before[step.rule] != after[step.rule] or was.metrics != step.metrics:
            changed.add(step.number)
    return changed


def _by_id(allocations: Sequence[Allocation]) -> dict[str, Allocation]:
    # What people read of a rule moves no money.
    return {
        each.id: replace(each, name=None, description=None, owner=None, hidden=False, renamed_from=())
        for each in allocations
    }


def slots_before(old: Program, new: Program) -> tuple[tuple[str, str], ...]:
    """(slot of the new program, slot of the old one) of running values of equal names."""
    before = {name: slot for slot, name in old.running}
    return tuple((slot, before[name]) for slot, name in new.running if name in before)
