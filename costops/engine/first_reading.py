"""Reads the distinct rows of each factor from the files of units: the first of two readings of a bill.

Invariant: tags that are no JSON object are refused here, with the place of the first of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costops.engine.factors import FACTORS, MOMENTS, TAGS, PartFields, factor_of
from costops.engine.faults import broken_tags, unreadable_part
from costops.engine.statements import Statements
from costops.engine.units import Unit

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.cells import FactorKeys


def by_factor(fields: PartFields) -> dict[str, PartFields]:
    """The fields of each factor that has some, and those of the moments, which are always read."""
    found = {name: [each for each in fields if factor_of(each[0]) == name] for name in FACTORS}
    return {name: mine for name, mine in found.items() if mine or name == MOMENTS}


class FirstReading:
    """The distinct rows of units, each factor's in a table of its own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._engine = Statements(connection)
        self.units: list[Unit] = []
        self.tag_keys: dict[int, tuple[str, ...]] = {}
        """Every key in the tags of a unit, sorted, by its place; units of which no tags were read have none."""

    def read(self, unit: Unit, fields: PartFields) -> None:
        """Read a unit; raises BillError for what cannot be read."""
        import duckdb

        from costops.engine.sql import cells

        keys = {name: cells.keys_of(unit.part, name, mine) for name, mine in by_factor(fields).items()}
        try:
            if unit.part.files[0].kind == "csv" and len(keys) > 1:
                self._read_together(unit, keys)
            else:
                for name, each in keys.items():
                    self._engine.do(cells.raw_rows(each, cells.raw_name(name, unit.place)))
        except duckdb.Error as error:
            raise unreadable_part(self._engine.connection, unit.part, error) from error
        self.units.append(unit)
        if TAGS in keys:
            self._find_tag_keys(unit, keys[TAGS])

    def _read_together(self, unit: Unit, keys: Mapping[str, FactorKeys]) -> None:
        """Read all factors at once: a line of text is taken apart whole, whatever is wanted of it."""
        from costops.engine.sql import cells

        together = f"raw_{unit.place}"
        self._engine.do(cells.raw_rows_together(keys, together))
        for name, each in keys.items():
            self._engine.do(cells.raw_rows_of(together, name, each, cells.raw_name(name, unit.place)))
        self._engine.drop(together)

    def _find_tag_keys(self, unit: Unit, keys: FactorKeys) -> None:
        """Raises BillError for tags that are no JSON object."""
        from costops.engine.sql import cells

        found = set(unit.part.tag_columns)
        if unit.part.tags is not None:
            raw = cells.raw_name(TAGS, unit.place)
            there = [key for (key,) in self._engine.rows(cells.tag_keys(keys, raw))]
            if None in there:
                (tags,) = self._engine.rows(cells.broken_tags(keys, [raw]))[0]
                raise broken_tags(self._engine.connection, unit.part, tags)
            found.update(there)
        self.tag_keys[unit.place] = tuple(sorted(found))

    def make_rows(self, name: str, fields: PartFields, salt: int) -> Sequence[str]:
        """`<factor>_keyed_<part>` with the fields of its rows; gives the names.

        `<factor>_found` says which unit has which row; both are hashed with the salt.
        """
        import duckdb

        from costops.engine.sql import cells

        tables, found = [], []
        for place in sorted({unit.part_place for unit in self.units}):
            units = [unit for unit in self.units if unit.part_place == place]
            keys = cells.keys_of(units[0].part, name, fields)
            raw = {unit.place: cells.raw_name(name, unit.place) for unit in units}
            tables.append(f"{name}_keyed_{place}")
            try:
                self._engine.do(cells.keyed_rows(keys, name, fields, list(raw.values()), salt, tables[-1]))
            except duckdb.Error as error:
                raise unreadable_part(self._engine.connection, units[0].part, error) from error
            found += cells.found_rows(keys, tables[-1], raw, salt)
        if found:
            self._engine.do(cells.all_found(name, found))
        return tables
