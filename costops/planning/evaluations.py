"""Which rule sets must be evaluated for a walk: one whose allocations begin another's is read off that one's steps.

Invariant: every rule set of a walk gets one amount per element, used both as the end of one change and the start of
the next, so that changes add up exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costops.model.rules import Entry, RuleSet


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a rule set's money is: in which evaluation, after how many of its allocations."""

    evaluation: int
    after: int


def plan_evaluations(rule_sets: Sequence[RuleSet]) -> tuple[tuple[RuleSet, ...], tuple[Reading, ...]]:
    """The rule sets to evaluate, the last of `rule_sets` last among them, and for each given one its reading."""
    # The last one's ledger is wanted, so it is evaluated itself even where another begins with it.
    chosen = [rule_sets[-1]]
    for rules in sorted(rule_sets, key=lambda each: -len(_enabled(each.allocations))):
        if not any(_begins(rules, other) for other in chosen):
            chosen.append(rules)
    chosen.reverse()
    readings = []
    for rules in rule_sets:
        place = next(place for place in reversed(range(len(chosen))) if _begins(rules, chosen[place]))
        readings.append(Reading(place, len(_enabled(rules.allocations))))
    return tuple(chosen), tuple(readings)


def _enabled(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    return tuple(each for each in entries if each.enabled)


def _begins(rules: RuleSet, other: RuleSet) -> bool:
    """Whether `rules` gives what `other` gives after its first allocations."""
    first, second = _enabled(rules.allocations), _enabled(other.allocations)
    return (
        _enabled(rules.labels) == _enabled(other.labels)
        and _enabled(rules.dimensions) == _enabled(other.dimensions)
        and rules.used_lookups() == other.used_lookups()
        and first == second[: len(first)]
        and _used_metrics(rules) == tuple(each for each in _used_metrics(other) if each.id in _metric_ids(rules))
    )


def _metric_ids(rules: RuleSet) -> set[str]:
    return {metric for each in rules.allocations if each.enabled for metric, _ in each.basis_metrics}


def _used_metrics(rules: RuleSet) -> tuple[Entry, ...]:
    return tuple(each for each in rules.metrics if each.id in _metric_ids(rules))
