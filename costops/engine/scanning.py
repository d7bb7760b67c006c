"""Reads what is not kept of a bill: the second reading of its units, and the tables that are kept of them.

Invariant: every charge of a unit is in one of its cells; one that the first reading has not seen is an error.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costops.engine.factors import FACTORS, PartFields
from costops.engine.faults import incomplete, refuse_changed, unreadable_part
from costops.engine.first_reading import by_factor
from costops.engine.grouping import Grouping
from costops.engine.kept import UnitFacts
from costops.engine.splits import split_readings, with_split_told
from costops.engine.statements import Statements
from costops.engine.units import Unit
from costops.errors import BillError
from costops.model.bill import BillPart
from costops.model.expression import Expression

if TYPE_CHECKING:
    import duckdb


class Scanning:
    """The second reading of some units, whose rows are in classes."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        grouping: Grouping,
        fields: PartFields,
        quantities: tuple[str, ...],
    ) -> None:
        self._engine = Statements(connection)
        self._grouping = grouping
        self._fields = by_factor(fields)
        self._quantities = quantities
        self._amounts: dict[int, Mapping[str, Expression]] = {}
        self._parts: dict[int, BillPart] = {}

    def read(self, unit: Unit) -> None:
        """Sum a unit's charges by their classes; raises BillError for what cannot be read."""
        import duckdb

        from costops.engine.sql import cells

        connection = self._engine.connection
        part = with_split_told(connection, unit.part, f"split_keys_{unit.place}")
        wanted = {name: part.quantities[name] for name in self._quantities if name in part.quantities}
        amounts = self._amounts[unit.place] = {**part.costs, **wanted}
        factors = {}
        for name, fields in self._fields.items():
            keys = cells.keys_of(part, name, fields)
            factors[name] = (keys, self._grouping.salts[name], f"{name}_keyed_{unit.part_place}")
        try:
            self._engine.do(cells.cells(part, amounts, factors, _cells(unit)))
        except duckdb.Error as error:
            raise unreadable_part(connection, part, error, self._quantities) from error
        refuse_changed(part.files)
        self._parts[unit.place] = part

    def check(self, units: Sequence[Unit]) -> None:
        """Raise BillError for charges that lack what every charge needs, or that the first reading has not seen."""
        from costops.engine.sql import assembly

        self._engine.do(assembly.dated_classes())
        found = [self._engine.rows(assembly.faults_of_cells(_cells(unit)))[0] for unit in units]
        unseen, undated, without_currency = (sum(int(each) for each in column) for column in zip(*found, strict=True))
        parts = [unit.part for unit in units]
        if unseen:
            raise BillError(
                f"{unseen} charges of the bill changed while it was read",
                hint="run it again when nothing writes the bill's files any more",
            )
        connection = self._engine.connection
        if undated:
            what = "no start of their charge period between 1900 and 9999"
            raise incomplete(connection, parts, undated, what, "start")
        if without_currency:
            raise incomplete(connection, parts, without_currency, "no currency", "currency")

    def sum_up(self, unit: Unit, tag_keys: tuple[str, ...] | None, *, has_several: bool) -> UnitFacts:
        """Make the tables that are kept of a unit; gives what it showed. `has_several` as in Grouping.number_tuples."""
        from costops.engine.sql import assembly

        amounts = tuple(self._amounts[unit.place])
        name = f"unit_{unit.place}"
        self._engine.do(assembly.unit_cells(_cells(unit), len(amounts), name, has_several=has_several))
        self._engine.do(assembly.unit_sums(f"unit_{unit.place}", len(amounts), f"sums_{unit.place}"))
        self._engine.do(assembly.unit_combinations(_cells(unit), f"combinations_{unit.place}"))
        counted = self._engine.rows(assembly.charges_by_month(_cells(unit), len(amounts)))
        added_up = self._engine.rows(assembly.amounts_by_month(f"sums_{unit.place}", len(amounts)))
        sums = tuple(
            (month, currency, int(charges), tuple(map(int, picos)), tuple(map(int, having)))
            for (month, currency, charges, *having), (_, _, *picos) in zip(counted, added_up, strict=True)
        )
        part = self._parts[unit.place]
        splits = tuple(split_readings(self._engine.connection, part, list(part.costs)))
        return UnitFacts(amounts, self._quantities, sums, splits, tag_keys)

    def write(self, unit: Unit, folder: Path) -> None:
        """Write what is kept of a unit into a folder."""
        from costops.engine.sql import assembly, factors, kept

        place, amounts = unit.place, len(self._amounts[unit.place])
        for name, fields in self._fields.items():
            columns = [column for _, column in fields]
            wanted = factors.factor_columns(name, columns)
            rows = assembly.unit_rows(name, place, _cells(unit), f"combinations_{place}", wanted)
            self._engine.do(kept.write(kept.rows(rows, name, columns), folder / f"{name}.parquet"))
        self._engine.do(kept.write(kept.combinations(f"combinations_{place}"), folder / "combinations.parquet"))
        self._engine.do(kept.write(kept.sums(f"sums_{place}", amounts), folder / "sums.parquet"))
        self._engine.do(kept.write(kept.cells(f"unit_{place}", amounts), folder / "cells.parquet"))

    def content(self, made_for: str, others: Sequence[str]) -> str:
        """A digest of how the units were grouped; `others` says what else was."""
        apart = {name: self._grouping.cut.factors[name].outputs for name in FACTORS}
        amounts = sorted({name for mine in self._amounts.values() for name in mine})
        text = json.dumps([made_for, sorted(others), apart, amounts, self._grouping.salts])
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @staticmethod
    def cells(unit: Unit) -> str:
        """The table of a unit's cells by class."""
        return _cells(unit)


def _cells(unit: Unit) -> str:
    return f"cells_{unit.place}"
