"""Gathers the units of a bill, each from its kept cells or from its files, until all serve the programs.

Invariant: kept cells serve only where they have every field and amount that is needed and have made nothing one that a
program tells apart; the others are read anew.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from costops.engine.absences import CaseColumns, other_cases
from costops.engine.assembling import Assembling, Piece
from costops.engine.factors import FACTORS, Distinctions, PartFields, distinctions
from costops.engine.first_reading import FirstReading, by_factor
from costops.engine.grouping import Grouping
from costops.engine.ir import Fields, Program
from costops.engine.kept import Entry, NotKeptError, UnitFacts, Unwritten, entries_of, keep
from costops.engine.providers import provider
from costops.engine.scanning import Scanning
from costops.engine.statements import Statements
from costops.engine.units import Unit

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Gathered:
    """Every unit's tables are there."""

    cut: Distinctions
    assembling: Assembling


class Loading:
    """One loading of a bill, whose units have these digests; without `units` only what is kept can be loaded."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        units: Sequence[Unit],
        digests: Sequence[str],
        fields: Fields,
        programs: Sequence[Program],
        quantities: tuple[str, ...],
        folder: Path | None,
        *,
        fresh: bool,
        tell: Callable[[str], None],
    ) -> None:
        self._connection = connection
        self._units = {unit.place: unit for unit in units}
        self._digests = digests
        self._provider = provider(fields)
        self._fields = fields
        self._programs = programs
        self._quantities = quantities
        self._folder = folder
        self._tell = tell
        self._readers = [keys for program in programs for keys in program.readers]
        self._candidates: dict[int, Iterator[Entry]] = {}
        if folder is not None and not fresh:
            self._candidates = {place: entries_of(folder, each) for place, each in enumerate(digests) if each}
        self._entries: dict[int, Entry] = {}
        """Kept cells that are used, by the place of their unit."""
        self._first = FirstReading(connection)
        self._named: PartFields = fields.items()
        self._grouping: Grouping | None = None
        self.facts: dict[int, UnitFacts] = {}
        """By the place of the unit."""
        self.cases = CaseColumns(fields, ())

    def gather(self, watched: Callable[[Gathered], bool]) -> Gathered:
        """Have every unit's tables, and where `watched` says so what the bill has of every column."""
        self._take_kept(range(len(self._digests)))
        # Parts whose tags are one text come first: which keys there are, only their texts say.
        self._read_first(lambda unit: unit.part.tags is not None)
        self.cases = CaseColumns(self._fields, other_cases(self._readers, self.tag_keys()))
        self._named = (*self._fields.items(), *self.cases.added)
        self._take_kept([place for place, each in self._entries.items() if not self._serves(each)])
        self._read_first(lambda _: True)
        others = (*self.cases.only_other(), self._provider)
        cut = distinctions(self._fields, self._programs, self.cases.added, others)
        wanted = cut.told_apart({name: rows for rows, name in self._fields.lookups()})
        assembling = self._group(cut, wanted, watched)
        if self._first.units:
            assembling.replace(self._pieces(self._scan(_made_for(cut, self._fields), wanted)))
        elif self._grouping is not None and watched(Gathered(cut, assembling)):
            self._grouping.make_combinations((), has_kept=True)
        for entry in self._entries.values():
            entry.used()
        return Gathered(cut, assembling)

    # What is kept.

    def _serves(self, entry: Entry) -> bool:
        fields = [field for field, _ in self._named]
        return entry.serves(fields, self._quantities, needs_tag_keys=bool(self._readers))

    def _take_kept(self, places: Iterable[int]) -> None:
        """Use the next kept cells of each unit that have what is needed, or none."""
        for place in places:
            self._entries.pop(place, None)
            self.facts.pop(place, None)
            found = next(filter(self._serves, self._candidates.get(place, iter(()))), None)
            if found is not None:
                self._entries[place] = found
                self.facts[place] = found.facts
            elif place not in self._units:
                raise NotKeptError(
                    "the cells of this bill are not kept for these rules", hint="plan again on today's bill"
                )

    def kept_units(self) -> int:
        """How many units are not read, because their kept cells serve."""
        return len(self._entries)

    def tag_keys(self) -> set[str]:
        """Every key in the tags of the bill, as far as something reads tags."""
        if not self._readers:
            return set()
        found = {key for unit in self._units.values() for key in unit.part.tag_columns}
        for facts in self.facts.values():
            found.update(facts.tag_keys or ())
        for keys in self._first.tag_keys.values():
            found.update(keys)
        return found

    # What is read.

    def _read_first(self, is_wanted: Callable[[Unit], bool]) -> None:
        """Read the rows of units that have no kept cells, and have not been read."""
        for place, unit in self._units.items():
            if place not in self._entries and unit not in self._first.units and is_wanted(unit):
                self._tell(f"reading {unit.name}, first pass")
                self._first.read(unit, self._named)
        if self._first.units:
            self._tell("grouping what was read")

    def _group(self, cut: Distinctions, wanted: frozenset[str], watched: Callable[[Gathered], bool]) -> Assembling:
        """Have classes of all rows, with none of the kept cells left that cannot serve."""
        while True:
            assembling = Assembling(self._connection, self._pieces(""), self._named)
            if self._entries:
                assembling.load_kept_combinations()
            to_check = any(not wanted <= each.told_apart for each in self._entries.values())
            if not (to_check or self._first.units or watched(Gathered(cut, assembling))):
                return assembling
            self._grouping = Grouping(self._connection, cut, self._named, self._first)
            self._grouping.make_classes(assembling.load_kept if self._entries else None)
            mixed = self._grouping.mixed_units() if to_check else set()
            if not mixed:
                return assembling
            self._take_kept(sorted(mixed))
            self._read_first(lambda _: True)

    def _scan(self, made_for: str, told_apart: frozenset[str]) -> str:
        """Read the cells of what is not kept, and keep them; gives a digest of how they were grouped."""
        assert self._grouping is not None
        units = self._first.units
        self._grouping.tell_more_apart()
        scanning = Scanning(self._connection, self._grouping, self._named, self._quantities)
        for unit in units:
            self._tell(f"reading {unit.name}, second pass")
            scanning.read(unit)
        self._tell("grouping what was read")
        scanning.check(units)
        self._grouping.make_combinations([scanning.cells(unit) for unit in units], has_kept=bool(self._entries))
        has_several = self._grouping.number_tuples()
        others = [*(unit.digest for unit in units), *(each.content for each in self._entries.values())]
        content = scanning.content(made_for, others)
        for unit in units:
            self.facts[unit.place] = facts = scanning.sum_up(
                unit, self._first.tag_keys.get(unit.place), has_several=has_several
            )
            if self._folder is not None and unit.digest:
                self._tell("keeping what was read")
                fields = {name: [field for field, _ in mine] for name, mine in by_factor(self._named).items()}
                entry = Unwritten(unit.digest, told_apart, _content(unit.digest, content), fields, facts)
                keep(self._folder, entry, partial(scanning.write, unit))
        return content

    def _pieces(self, content: str) -> list[Piece]:
        named = frozenset(field for field, _ in self._named)
        pieces = []
        for place, digest in enumerate(self._digests):
            entry = self._entries.get(place)
            if entry is not None:
                fields = frozenset(field for mine in entry.fields.values() for field in mine)
                pieces.append(Piece(place, entry.content, fields, entry.facts.amounts, entry))
            else:
                amounts = self.facts[place].amounts if place in self.facts else ()
                pieces.append(Piece(place, _content(digest, content), named, amounts, None))
        return pieces

    def forget(self) -> None:
        """Drop every table that was only needed to load the bill."""
        engine = Statements(self._connection)
        parts = sorted({unit.part_place for unit in self._first.units})
        for name in FACTORS:
            engine.drop(*(f"{name}_{each}" for each in ("kept", "found", "values", "map")))
            engine.drop(*(f"{name}_keyed_{place}" for place in parts))
        for place in range(len(self._digests)):
            engine.drop(*(f"{name}_raw_{place}" for name in FACTORS))
            engine.drop(*(f"{name}_{place}" for name in ("cells", "unit", "sums", "combinations", "split_keys")))
        names = ("moments_classes", "combinations", "joint_values", "tuple_numbers", "kept_combinations", "unit_tuples")
        engine.drop(*names)


def _content(unit: str, grouped: str) -> str:
    """The digest of a unit's tables, grouped so; of files whose content nobody knows it is unlike any other."""
    text = f"{unit} {grouped}" if unit else secrets.token_hex()
    return hashlib.sha256(text.encode()).hexdigest()


def _made_for(cut: Distinctions, fields: Fields) -> str:
    """The digest of what programs tell apart, in the order and by the names that number it."""
    text = repr([(name, each) for name, each in cut.factors.items()] + [cut.joint, cut.values, fields.lookups()])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
