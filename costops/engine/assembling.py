"""Puts the tables of units together, read now or kept, to those that programs run on.

Invariant: equal digests mean equal tables, except for what the columns of tuples are called.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops.engine.factors import FACTORS, MOMENTS, PartFields, factor_of
from costops.engine.ir import RawField
from costops.engine.kept import Entry
from costops.engine.statements import Statements

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.syntax import Node


@dataclass(frozen=True, slots=True)
class Piece:
    """The tables of one unit."""

    place: int
    content: str
    """As in Entry."""
    fields: frozenset[RawField]
    amounts: tuple[str, ...]
    entry: Entry | None
    """None for a unit that was read now."""


class Assembling:
    """Makes `tuples`, `raw` and `sums` of pieces; `fields` are those that programs need."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, pieces: Sequence[Piece], fields: PartFields) -> None:
        self._engine = Statements(connection)
        self._pieces = list(pieces)
        self._needed = frozenset(name for _, name in fields)
        self._loaded: set[str] = set()
        self._names = dict(fields)
        # A tuple keeps its number for rules that need less of it, so fields that all units have stay with it.
        common = frozenset.intersection(*(each.fields for each in pieces))
        others = sorted(common - self._names.keys(), key=_field_key)
        self._names.update({field: f"e{place}" for place, field in enumerate(others)})

    def replace(self, pieces: Sequence[Piece]) -> None:
        """The same pieces, with what reading them showed."""
        self._pieces = list(pieces)

    def digest(self, amounts: Sequence[str]) -> str:
        """Names what is in the tables, whose amounts are these."""
        fields = [[each.kind, each.name] for each in sorted(self._names, key=_field_key)]
        text = json.dumps([[each.content for each in self._pieces], fields, list(amounts)], ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    def load_kept(self, name: str, salt: int) -> None:
        """Load the rows of a factor of the kept units, hashed with a salt by the fields that programs need."""
        from costops.engine.sql import kept

        units = []
        for piece in self._pieces:
            if piece.entry is not None:
                named = self._columns_in(piece.entry, name)
                needed = [each for each in named if each[1] in self._needed]
                others = [each for each in named if each[1] not in self._needed]
                units.append((piece.place, piece.entry.file(name), needed, others))
        self._loaded.add(name)
        self._engine.do(kept.kept_rows(name, salt, units))

    def _columns_in(self, entry: Entry, factor: str) -> list[tuple[str, str]]:
        """(column in the file, column of tuples), in the order of the latter's fields."""
        places = {field: f"k{place}" for place, field in enumerate(entry.fields[factor])}
        return [(places[field], name) for field, name in self._names.items() if factor_of(field) == factor]

    def load_kept_combinations(self) -> None:
        """Load which classes occur together in the kept units."""
        from costops.engine.sql import kept

        units = [(each.place, each.entry.file("combinations")) for each in self._pieces if each.entry is not None]
        self._engine.do(kept.kept_combinations(units))

    def assemble(self, amounts: Sequence[str]) -> None:
        """Make the tables of what was read now, in classes, and of what is kept, its combinations loaded."""
        from costops.engine.sql import assembly

        if any(each.entry is not None for each in self._pieces):
            read = {factor_of(field) for field in self._names} | {MOMENTS}
            for name in FACTORS:
                if name in read - self._loaded:
                    self.load_kept(name, 0)
        names = self._make_tuples()
        self._engine.do(assembly.tuple_of(names))
        overlapping = bool(self._engine.rows(assembly.overlapping_moments())[0][0])
        raw, sums = [], []
        for piece in self._pieces:
            places = [piece.amounts.index(each) if each in piece.amounts else None for each in amounts]
            raw.append(assembly.raw_of_unit(piece.place, _relation(piece, "cells", "unit"), places))
            sums.append(assembly.sums_of_unit(piece.place, _relation(piece, "sums", "sums"), places))
        all_kept = all(each.entry is not None for each in self._pieces)
        is_view = all_kept and not overlapping
        self._engine.do(assembly.raw(raw, len(amounts), together=overlapping, is_view=is_view))
        self._engine.do(assembly.all_sums(sums, len(amounts), is_view=all_kept))

    def _make_tuples(self) -> list[str]:
        """Make `tuples`, and the dates of all units; gives the columns of fields."""
        from costops.engine.sql import assembly, kept

        fields: dict[str, list[tuple[RawField, str]]] = {name: [] for name in FACTORS}
        for field, name in sorted(self._names.items(), key=lambda each: _field_key(each[0])):
            fields[factor_of(field)].append((field, name))
        named = {factor: [(name, name) for _, name in mine] for factor, mine in fields.items()}
        standing, moments = [], []
        for piece in self._pieces:
            if piece.entry is None:
                rows = {
                    name: assembly.standing_now(name, [each for each, _ in named[name]])
                    for name in FACTORS
                    if named[name]
                }
                combinations = assembly.standing_combinations(f"combinations_{piece.place}", None)
                moments.append(assembly.moments_now(piece.place))
            else:
                rows = {
                    name: assembly.standing_kept(name, piece.place, [each for each, _ in named[name]])
                    for name in FACTORS
                    if named[name]
                }
                combinations = assembly.standing_combinations("kept_combinations", piece.place)
                moments.append(kept.kept_moments(piece.place))
            standing.append(assembly.standing_tuples(piece.place, rows, named, combinations))
        self._engine.do(assembly.tuples_of_units(standing))
        self._engine.do(assembly.unit_moments(moments))
        names = [name for mine in named.values() for name, _ in mine] or [assembly.NO_FIELD]
        self._engine.do(assembly.tuples(names))
        return names


def _relation(piece: Piece, kept_name: str, name: str) -> Node:
    from costops.engine.sql import kept
    from costops.engine.sql.syntax import table

    return table(f"{name}_{piece.place}") if piece.entry is None else kept.file(piece.entry.file(kept_name))


def _field_key(field: RawField) -> tuple[str, str]:
    return field.kind, field.name
