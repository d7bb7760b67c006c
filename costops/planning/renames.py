"""Which entries of one rule set a later one has under other ids, and what names mean there.

Invariant: an id that the later rule set declares to be an earlier one is the same entry, and every name goes on meaning
what it meant; a rename that would change the meaning of a name is found here, and never taken for harmless.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from costops.model.rules import Entry, Label, Meaning, RuleSet

SECTIONS = {"labels": "label", "dimensions": "dimension", "metrics": "metric", "allocations": "allocation"}
NAMED = ("label", "dimension")
"""The kinds whose ids are names in conditions, fields and reports."""

Renames = Mapping[tuple[str, str], str]
"""(kind, id in the older rule set) to its id in the newer one; entries that keep their id are not in it."""

EntryType = TypeVar("EntryType", bound=Entry)


def declared_renames(old: RuleSet, new: RuleSet) -> dict[tuple[str, str], str]:
    """Renames between two rule sets, as the newer one declares them.

    An id that an entry had before is a rename only where the older rule set has that id, the newer one does not have
    it for another entry, and the older entry does not have the same history already: a declaration stays in the file.
    """
    found: dict[tuple[str, str], str] = {}
    for section, kind in SECTIONS.items():
        before: tuple[Entry, ...] = getattr(old, section)
        after: tuple[Entry, ...] = getattr(new, section)
        if any(each.renamed_from for each in after):
            found.update({(kind, first): then for first, then in _renames_of_kind(before, after).items()})
    return found


def _renames_of_kind(old: Sequence[Entry], new: Sequence[Entry]) -> dict[str, str]:
    known = {each.id: each for each in old}
    found: dict[str, str] = {}
    for entry in new:
        applied = known[entry.id].renamed_from if entry.id in known else ()
        previous = (each for each in entry.renamed_from if each in known and each not in (entry.id, *applied))
        first = next(previous, None)
        if first is not None:
            found.setdefault(first, entry.id)
    return settled(found, known, {each.id for each in new})


def settled(renames: Mapping[str, str], old: Iterable[str], new: Iterable[str]) -> dict[str, str]:
    """Renames of one kind without those whose new id is another entry's, or whose old id still is an entry's."""
    kept, old_ids, new_ids = dict(renames), set(old), set(new)
    while True:
        gone, come = set(kept), set(kept.values())
        taken = [
            first
            for first, then in kept.items()
            if (then in old_ids and then not in gone) or (first in new_ids and first not in come)
        ]
        if not taken:
            return kept
        for each in taken:
            del kept[each]


class Names:
    """Names of a rule set under the new ids; `lost` collects the new names that would mean something else."""

    def __init__(self, old: RuleSet, renames: Renames, more_labels: Sequence[Label] = ()) -> None:
        self._old = old
        self._renames = renames
        labels = _under_new_ids("label", old.labels, renames)
        dimensions = _under_new_ids("dimension", old.dimensions, renames)
        self._new = replace(old, labels=(*labels, *more_labels), dimensions=dimensions)
        self.lost: set[str] = set()

    def id(self, kind: str, old_id: str) -> str:
        """The new id of an entry."""
        return self._renames.get((kind, old_id), old_id)

    def name(self, name: str, *, inside: str | None = None, enabled: bool = True) -> str:
        """A name that means what `name` means; `inside` is the dimension whose own rules have it, by its old id.

        Names of an entry that is not `enabled` may mean disabled entries, too.
        """
        meaning = self._old.resolve(name, inside=inside)
        if meaning.kind == "direct":
            return self._direct(meaning.name)
        if meaning.kind == "column" and not enabled:
            disabled = next((self._renames[kind, name] for kind in NAMED[::-1] if (kind, name) in self._renames), None)
            if disabled is not None:
                return disabled
        wanted = Meaning(meaning.kind, self.id(meaning.kind, meaning.name))
        if name.startswith(("Tags.", "label.")) or meaning.kind == "allocated_by":
            return f"label.{wanted.name}" if meaning.kind == "label" else name
        around = None if inside is None else self.id("dimension", inside)
        if self._new.resolve(wanted.name, inside=around) == wanted:
            return wanted.name
        if meaning.kind == "label":
            return f"label.{wanted.name}"
        self.lost.add(wanted.name)
        return wanted.name

    def _direct(self, name: str) -> str:
        meaning = self._old.resolve(name)
        wanted = Meaning(meaning.kind, self.id(meaning.kind, meaning.name))
        if self._new.resolve(wanted.name) != wanted:
            self.lost.add(wanted.name)
        return f"direct.{wanted.name}"


def _under_new_ids(kind: str, entries: Sequence[EntryType], renames: Renames) -> tuple[EntryType, ...]:
    return tuple(replace(each, id=renames[kind, each.id]) if (kind, each.id) in renames else each for each in entries)
