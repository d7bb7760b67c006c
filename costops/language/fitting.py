"""Whether rule sets have errors, one after another, where each is an edit away from the one before.

Invariant: the answer is that of `check`. After an edit only the entry itself is looked at again, and those that name
it: what an entry means to others is told by its id alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from costops.language.check import Checker
from costops.language.names import Names
from costops.language.problems import Problems
from costops.model.conditions import Condition, tests_in
from costops.model.cycles import dimension_cycles, names_read
from costops.model.rules import Allocation, Dimension, Entry, Metric, RuleSet, tables_named

_NAMED = ("label", "dimension")
_NAME = "name"
"""The kind of what labels and dimensions share: a name may mean either."""

_Key = tuple[str, str]
"""(kind, id)."""


class Fitting:
    """A rule set and its errors, to be told every edit in turn.

    Names of `report` and the places of costops.yaml are no matter here, as where `check` is told neither.
    """

    def __init__(self, rules: RuleSet, *, known_columns: frozenset[str], cost_columns: tuple[str, ...]) -> None:
        self._known_columns = known_columns
        self._cost_columns = cost_columns
        self._problems = Problems()
        self._names = self._names_of(rules)
        self._entries: dict[_Key, Entry] = {}
        self._reads: dict[_Key, tuple[_Key, ...]] = {}
        self._readers: dict[_Key, dict[_Key, None]] = {}
        self.wrong: set[_Key] = set()
        """(kind, id) of the entries that have an error of their own, cycles apart."""
        for kind, entry in rules.entries():
            self._put((kind, entry.id), entry)
        self._look_at(rules, tuple(self._entries))
        self._has_cycle = bool(dimension_cycles(rules))

    @property
    def has_errors(self) -> bool:
        """Whether the rule set has an error."""
        return self._has_cycle or bool(self.wrong)

    def after(self, rules: RuleSet, kind: str, identity: str, entry: Entry | None) -> bool:
        """Whether `rules` has no error; it differs from the rule set before in that entry, or its place, alone.

        None: the entry is gone.
        """
        named = self._names.rules
        if rules.labels is not named.labels or rules.dimensions is not named.dimensions:
            self._names = self._names_of(rules)
        key = (kind, identity)
        before = self._entries.get(key)
        self._put(key, entry)
        again = {key: None}
        if kind == "allocation" or _face(before) != _face(entry):
            again |= self._readers.get((_NAME, identity) if kind in _NAMED else key, {})
        self._look_at(rules, tuple(again))
        if kind == "dimension" and (self._has_cycle or _closes_cycle(rules, identity)):
            self._has_cycle = bool(dimension_cycles(rules))
        return not self.has_errors

    def _names_of(self, rules: RuleSet) -> Names:
        return Names(rules, self._known_columns, self._problems, cost_columns=self._cost_columns, hints=False)

    def _put(self, key: _Key, entry: Entry | None) -> None:
        """Take an entry, or none, for the one of that id, with what it names."""
        for each in self._reads.pop(key, ()):
            del self._readers[each][key]
        self._entries.pop(key, None)
        if entry is not None:
            self._entries[key] = entry
            self._reads[key] = tuple(dict.fromkeys(_named_by(entry))) if entry.enabled else ()
            for each in self._reads[key]:
                self._readers.setdefault(each, {})[key] = None

    def _look_at(self, rules: RuleSet, keys: tuple[_Key, ...]) -> None:
        checker = Checker(rules, self._names)
        for key in keys:
            self.wrong.discard(key)
            entry = self._entries.get(key)
            before = self._problems.errors
            if entry is not None:
                checker.check_entry(entry)
            if self._problems.errors > before:
                self.wrong.add(key)


def _face(entry: Entry | None) -> object:
    """All of an entry but its id that decides whether those who name it are right."""
    match entry:
        case Dimension():
            return (entry.enabled, entry.result_stage)
        case Metric():
            return (entry.enabled, entry.labels)
        case None:
            return None
        case _:
            return entry.enabled


def _named_by(entry: Entry) -> Iterator[_Key]:
    """What an entry names; a name stands for the label and for the dimension of it.

    A label names tables alone: what it reads are columns and tags, and nothing else is right there.
    """
    yield from (("lookup", each) for each in tables_named(entry))
    match entry:
        case Dimension():
            yield from (_bare(name) for name, _, _ in names_read(entry))
            for rule in entry.rules:
                yield from _rules_named(rule.where)
        case Metric():
            yield from (_bare(name) for _, name in entry.labels)
        case Allocation():
            yield from (_bare(name) for name in (*entry.to, *entry.into, *entry.partition_by))
            for condition in (entry.source, entry.basis, entry.element_where):
                yield from (_bare(test.field) for test in tests_in(condition))
                yield from _rules_named(condition)
            yield from (("metric", each) for each, _ in entry.basis_metrics)


def _rules_named(condition: Condition) -> Iterator[_Key]:
    for test in tests_in(condition):
        if test.field == "allocated_by":
            yield from (("allocation", value) for value in test.values if value is not None)


def _bare(name: str) -> _Key:
    """The id that a name may mean, whichever prefix it has."""
    return (_NAME, name.removeprefix("direct.").removeprefix("label."))


def _closes_cycle(rules: RuleSet, identity: str) -> bool:
    """Whether a dimension reads itself, itself or through others; a new cycle goes through what was edited."""
    dimensions = {each.id: each for each in rules.dimensions if each.enabled}
    reached: set[str] = set()
    waiting = [identity]
    while waiting:
        inside = waiting.pop()
        for name, _, _ in names_read(dimensions[inside]) if inside in dimensions else ():
            meaning = rules.resolve(name, inside=inside)
            if meaning.kind == "dimension" and meaning.name not in reached:
                reached.add(meaning.name)
                waiting.append(meaning.name)
    return identity in reached
