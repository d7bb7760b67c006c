"""A rule set under the ids of a later one: its renamed entries, and every reference to them.

Invariant: what is called harmless here means exactly what the old rule set means, so that it gives the same money; a
rename that changes a meaning stands apart, and its money is worked out like that of any other change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from costops.model.conditions import (
    All,
    AnyOf,
    Condition,
    Not,
    Test,
    all_of,
    any_of,
    make_test,
    negation,
)
from costops.model.ledger import PATH_SEPARATOR
from costops.model.rules import Allocation, Dimension, DimensionRule, Entry, Label, Metric, RuleSet, Source
from costops.planning.renames import NAMED, SECTIONS, Names, Renames, declared_renames, settled


@dataclass(frozen=True, slots=True)
class Renamed:
    """One renamed entry before and after; only its id differs, and the names that follow other renames."""

    kind: str
    before: Entry
    after: Entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Renaming:
    """An old rule set on the way to a new one, once the renames are done."""

    old: RuleSet
    renames: Renames
    """Those that everything else of the old version is brought under: reports, ledgers, paths."""
    start: RuleSet
    """The old rule set under those ids; it means what it meant."""
    rules: RuleSet
    """After all renames; equal to `start` where none of them changes what a name means."""
    harmless: tuple[Renamed, ...]
    others: tuple[Renamed, ...]
    """Renames that change what a name means, such as that of a column that rules use."""

    def name(self, name: str) -> str:
        """A name of the old version's report under the new ids."""
        return Names(self.old, self.renames).name(name)

    def id_of(self, kind: str, identity: str) -> str:
        """The id of an entry of the old version under the new ids."""
        return self.renames.get((kind, identity), identity)

    def settings(self, settings: str) -> str:
        """Settings.canonical() of the old version with its report under the new ids."""
        known = json.loads(settings)
        known["report"] = [self.name(each) for each in known["report"]]
        return json.dumps(known, ensure_ascii=False, sort_keys=True)

    def path(self, path: str) -> str:
        """A path of allocations under the new ids; those that the old rules do not have keep theirs."""
        parts = path.split(PATH_SEPARATOR)
        return PATH_SEPARATOR.join(self.renames.get(("allocation", each), each) for each in parts)


def renaming_of(old: RuleSet, new: RuleSet, report: Sequence[str] = (), declared: Renames | None = None) -> Renaming:
    """What of `old` is renamed in `new`, and what its references become.

    `report` are names that are used beside the rules; `declared` are the renames where `new` alone does not tell them.
    """
    declared = declared_renames(old, new) if declared is None else declared
    if not declared:
        return Renaming(old=old, renames={}, start=old, rules=old, harmless=(), others=())
    renames: Renames = declared
    while True:
        start, copies, lost = _followed(old, new, renames, report)
        if not lost:
            break
        renames = _without(renames, lost, old, new)
    rules, copied, _ = _followed(old, new, declared, ())
    rules = replace(rules, labels=rules.labels[: len(rules.labels) - len(copied)])
    cleaned_otherwise = {*copies, *copies.values()}
    pairs = _pairs(old, rules, declared)
    moving = [
        each
        for each in pairs
        if (each.kind, each.before.id) not in renames or (each.kind in NAMED and each.after.id in cleaned_otherwise)
    ]
    return Renaming(
        old=old,
        renames=renames,
        start=start,
        rules=rules,
        harmless=tuple(each for each in pairs if each not in moving),
        others=tuple(moving),
    )


def _without(renames: Renames, lost: set[str], old: RuleSet, new: RuleSet) -> dict[tuple[str, str], str]:
    """Renames without those to a lost name, and without what then has no free id."""
    kept: dict[tuple[str, str], str] = {}
    for section, kind in SECTIONS.items():
        of_kind = {
            first: then
            for (each, first), then in renames.items()
            if each == kind and not (kind in NAMED and then in lost)
        }
        before, after = ([each.id for each in getattr(rules, section)] for rules in (old, new))
        kept.update({(kind, first): then for first, then in settled(of_kind, before, after).items()})
    return kept if len(kept) < len(renames) else {}


def _pairs(old: RuleSet, rules: RuleSet, renames: Renames) -> tuple[Renamed, ...]:
    return tuple(
        Renamed(kind, before, after)
        for section, kind in SECTIONS.items()
        for before, after in zip(getattr(old, section), getattr(rules, section), strict=True)
        if (kind, before.id) in renames
    )


def _followed(
    old: RuleSet, new: RuleSet, renames: Renames, report: Sequence[str]
) -> tuple[RuleSet, Mapping[str, str], set[str]]:
    """`old` under new ids, the labels copied for it (new id to the copied one's), and names whose meaning is lost.

    A metric's values pass the label that has the id of their dimension. Where only one of the two is renamed, a copy of
    the label under the dimension's new id, behind all labels, keeps the values as they were.
    """
    names = Names(old, renames)
    rules = _rules(old, new, names)
    copies, lost = _copies(old, rules, names)
    if copies:
        more = tuple(replace(each, id=wanted) for wanted, each in copies.items())
        names = Names(old, renames, more)
        rules = _rules(old, new, names)
        rules = replace(rules, labels=(*rules.labels, *more))
    for name in report:
        names.name(name)
    return rules, {wanted: each.id for wanted, each in copies.items()}, names.lost | lost


def _copies(old: RuleSet, rules: RuleSet, names: Names) -> tuple[dict[str, Label], set[str]]:
    """(new id to the label that it must be a copy of, names that no copy helps)."""
    labels = {each.id: each for each in rules.labels}
    copies: dict[str, Label] = {}
    lost: set[str] = set()
    for before, after in zip(old.metrics, rules.metrics, strict=True):
        for (_, old_name), (_, new_name) in zip(before.labels, after.labels, strict=True):
            was = next(
                (names.id("label", each.id) for each in old.labels if each.id == old_name and each.enabled), None
            )
            now = labels.get(new_name)
            if was == (now.id if now is not None and now.enabled else None):
                continue
            if was is not None and now is None and copies.get(new_name, labels[was]).id == was:
                copies[new_name] = labels[was]
            else:
                lost.add(new_name)
    return copies, lost


def _rules(old: RuleSet, new: RuleSet, names: Names) -> RuleSet:
    sections: dict[str, Any] = {}
    for section, kind in SECTIONS.items():
        declared = {each.id: each for each in getattr(new, section)}
        followed = []
        for entry in getattr(old, section):
            moved, identity = _with_references(entry, names), names.id(kind, entry.id)
            if identity != entry.id:
                other: Entry = declared[identity]
                moved = replace(moved, id=identity, renamed_from=other.renamed_from, span=other.span)
            followed.append(moved)
        sections[section] = tuple(followed)
    return replace(old, **sections)


def _with_references(entry: Entry, names: Names) -> Entry:
    match entry:
        case Dimension():
            return replace(entry, rules=tuple(_dimension_rule(each, entry, names) for each in entry.rules))
        case Metric():
            labels = tuple((label, names.name(name, enabled=entry.enabled)) for label, name in entry.labels)
            return replace(entry, labels=labels)
        case Allocation():
            return _allocation(entry, names)
        case _:
            return entry


def _dimension_rule(rule: DimensionRule, dimension: Dimension, names: Names) -> DimensionRule:
    inside, enabled = dimension.id, dimension.enabled

    def sources(written: tuple[Source, ...]) -> tuple[Source, ...]:
        return tuple(replace(each, field=names.name(each.field, inside=inside, enabled=enabled)) for each in written)

    where = _condition(rule.where, names, inside=inside, enabled=enabled)
    return replace(rule, sources=sources(rule.sources), concat=sources(rule.concat), where=where)


def _allocation(rule: Allocation, names: Names) -> Allocation:
    def listed(written: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(names.name(each, enabled=rule.enabled) for each in written)

    def condition(written: Condition) -> Condition:
        return _condition(written, names, inside=None, enabled=rule.enabled)

    return replace(
        rule,
        source=condition(rule.source),
        basis=condition(rule.basis),
        element_where=condition(rule.element_where),
        to=listed(rule.to),
        into=listed(rule.into),
        partition_by=listed(rule.partition_by),
        basis_metrics=tuple(sorted((names.id("metric", each), weight) for each, weight in rule.basis_metrics)),
    )


def _condition(condition: Condition, names: Names, *, inside: str | None, enabled: bool) -> Condition:
    """A condition under new names, in normal form again: the order of its parts depends on them."""
    match condition:
        case Test() if condition.field == "allocated_by" and condition.operator != "present":
            values = [None if each is None else names.id("allocation", each) for each in condition.values]
            return make_test(condition.field, condition.operator, values, ignore_case=condition.ignore_case)
        case Test():
            return replace(condition, field=names.name(condition.field, inside=inside, enabled=enabled))
        case All(parts):
            return all_of(_condition(each, names, inside=inside, enabled=enabled) for each in parts)
        case AnyOf(parts):
            return any_of(_condition(each, names, inside=inside, enabled=enabled) for each in parts)
        case Not(part):
            return negation(_condition(part, names, inside=inside, enabled=enabled))
