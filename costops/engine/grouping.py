"""Puts the distinct rows of each factor into classes, and their combinations into tuples.

Invariant: nothing becomes one that a program tells apart; cells are used as they were kept only where no program tells
apart what became one in them. Hashes stand for rows exactly: salts are tried until each row has its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from costops.engine.factors import FACTORS, OTHERS, TAGS, Distinctions, PartFields
from costops.engine.first_reading import FirstReading, by_factor
from costops.engine.statements import Statements

if TYPE_CHECKING:
    import duckdb

MOST_VALUES_APART = 64
"""A field with so many values at most may be told apart as it is, so that kept cells serve other rules too."""
MOST_GROWTH = 10
"""The classes of a factor may become more by one in so many for that."""

LEAST_SAVED = 20
"""Combinations become one only where that makes them fewer by one in so many: summing the cells again costs more."""

KeptRows = Callable[[str, int], None]
"""Loads `<factor>_kept` of a factor, hashed with a salt."""


class Grouping:
    """The classes and tuples of one run."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, cut: Distinctions, fields: PartFields, first: FirstReading
    ) -> None:
        self._engine = Statements(connection)
        self._fields = by_factor(fields)
        self._first = first
        self.cut = cut
        self.salts: dict[str, int] = {}
        """Of each factor that is read."""

    def make_classes(self, load_kept: KeptRows | None) -> None:
        """Put every row into its class, those of kept units too; `<factor>_found` has the rows that a charge has."""
        from costops.engine.sql import factors

        for name, fields in self._fields.items():
            salt = 0
            while not self._make_values(name, fields, salt, load_kept):
                salt += 1
            self.salts[name] = salt
            self._engine.do(factors.row_maps(name, self.cut.factors[name].outputs))

    def _make_values(self, name: str, fields: PartFields, salt: int, load_kept: KeptRows | None) -> bool:
        """Whether each row has a hash of its own with this salt."""
        from costops.engine.sql import factors

        keyed = self._first.make_rows(name, fields, salt)
        sources = list(keyed)
        if load_kept is not None:
            load_kept(name, salt)
            sources.append(f"{name}_kept")
            self._engine.do(factors.found_kept(name, is_first=not keyed))
        self._engine.do(factors.values(name, self.cut.factors[name], sources))
        hashed = [(f"{name}_values", "row"), *((each, "key") for each in keyed)]
        return not any(self._engine.rows(factors.equal_hashes(*each))[0][0] for each in hashed)

    def mixed_units(self) -> set[int]:
        """Places of kept units in which something is one that programs tell apart."""
        from costops.engine.sql import factors

        found = {unit for name in self._fields for (unit,) in self._engine.rows(factors.mixed_classes(name))}
        if found:
            return found
        self.make_combinations((), has_kept=True)
        return {unit for (unit,) in self._engine.rows(factors.mixed_tuples(self.cut.values, tuple(self._fields)))}

    def tell_more_apart(self) -> None:
        """Have fields of few values told apart as they are, where that makes few classes more."""
        from costops.engine.sql import factors

        chosen = {name: self._chosen(name) for name in (TAGS, OTHERS) if name in self._fields}
        self.cut = self.cut.apart(chosen)
        for name, columns in chosen.items():
            if columns:
                self._engine.do(factors.row_maps(name, self.cut.factors[name].outputs))

    def _chosen(self, name: str) -> list[str]:
        from costops.engine.sql import factors

        told_apart = list(self.cut.factors[name].outputs)
        fields = [column for _, column in self._fields[name] if column not in told_apart]
        if not fields:
            return []
        counts = self._engine.rows(factors.distinct_counts(name, fields))[0]
        few = sorted((count, place) for place, count in enumerate(counts) if 1 <= count <= MOST_VALUES_APART)
        before = self._engine.rows(factors.number_of_classes(name, told_apart))[0][0]
        chosen: list[str] = []
        for _, place in few:
            after = self._engine.rows(factors.number_of_classes(name, [*told_apart, fields[place]]))[0][0]
            if (after - before) * MOST_GROWTH <= before:
                told_apart.append(fields[place])
                chosen.append(fields[place])
        return chosen

    def make_combinations(self, scanned: Sequence[str], *, has_kept: bool) -> None:
        """Find which classes occur together, in the tables `scanned` of cells and in kept units, and their values."""
        from costops.engine.sql import factors

        present = tuple(self._fields)
        self._engine.do(factors.combinations(scanned, present if has_kept else None))
        outputs = {name: self.cut.factors[name].outputs for name in FACTORS if name in self._fields}
        self._engine.do(factors.joint_values(self.cut, outputs))

    def number_tuples(self) -> bool:
        """Number the tuples of what was read now; gives whether a tuple may have several combinations."""
        from costops.engine.sql import factors

        combinations, told_apart = self._engine.rows(factors.number_of_combinations(self.cut.values))[0]
        has_several = bool((combinations - told_apart) * LEAST_SAVED > combinations)
        names = self.cut.values if has_several else factors.COMBINATION
        self._engine.do(factors.tuple_numbers(names))
        return has_several
