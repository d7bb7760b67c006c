"""Reads a bill as it is described into `tuples`, `raw` and `sums`, taking what it can from cells that are kept.

`tuples` (tuple, f0, f1, ...) has a row for each class of field values that some program tells apart, with the values of
one of them; `raw` (tuple, month, day, until, currency, c0, ...) has the bill's amounts in picos; `sums` (tuple, month,
currency, c0, ...) has the same by billing month.

Invariant: a problem with a file is told with the file's name and, where a value is at fault, its row and column.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from costops.engine.absences import cost_of_cases, find_absences, name_of_absences, noted, of_note
from costops.engine.ir import Fields, Program
from costops.engine.kept import KeptBill, UnitFacts, keep_bill, keep_note, kept_note
from costops.engine.loading import Gathered, Loading
from costops.engine.providers import provider_totals
from costops.engine.units import units_of
from costops.model.absences import NOTHING_ABSENT, Absences
from costops.model.bill import BillDescription
from costops.model.bill_report import SplitReading
from costops.model.record import ProviderTotal
from costops.model.sums import totals_of_months

if TYPE_CHECKING:
    import duckdb

MOST_KEYS = 2_000
"""How many keys of tags are kept for finding the one that was meant."""


@dataclass(frozen=True, slots=True)
class BillFacts:
    """What reading a bill showed."""

    rows: int
    first_month: str
    """`YYYY-MM`; empty for a bill without rows."""
    last_month: str
    months: tuple[str, ...]
    """Billing months that the bill has, in order."""
    totals: Mapping[tuple[str, str], int]
    """(currency, cost column) to picos."""
    cost_columns: tuple[str, ...]
    missing_costs: tuple[tuple[str, int], ...]
    """(cost column, charges without a value there), only where there are some."""
    splits: tuple[SplitReading, ...] = ()
    """Charges that are left out because the parts that their provider has split them into are there."""
    month_totals: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """(billing month, currency, cost column) to picos."""
    providers: tuple[ProviderTotal, ...] = ()
    """As in Record."""
    absences: Absences = NOTHING_ABSENT
    """What it lacks of what a watching program expects."""
    cells: str = ""
    """Names what is in `tuples`, `raw` and `sums`: equal texts mean equal tables, but for what the fields of tuples are
    called. It stays the same for other rules where what was kept serves them too."""


def _nobody(_words: str) -> None:
    pass


def _nobody_counts(_what: str, _used: int, _wanted: int) -> None:
    pass


def load_bill(
    connection: duckdb.DuckDBPyConnection,
    bill: BillDescription | KeptBill,
    fields: Fields,
    programs: Sequence[Program],
    *,
    quantities: Sequence[str] = (),
    cells: Path | None = None,
    fresh: bool = False,
    tell: Callable[[str], None] = _nobody,
    kept: Callable[[str, int, int], None] = _nobody_counts,
) -> BillFacts:
    """Load the bill for these programs; raises BillError for what cannot be read, NotKeptError for a KeptBill.

    What is not kept is read in two passes over its files. The first finds the distinct rows of each factor, and those
    that no program can tell apart become one class; the second sums the charges by their classes. The amounts are the
    bill's cost columns and then `quantities`. With a folder for `cells` what was read is kept there, and what is kept
    there is used, unless all must be read `fresh`. `tell` hears what is being read, and `kept` how
    many pieces of the bill were not.
    """
    units = () if isinstance(bill, KeptBill) else units_of(bill)
    digests = bill.units if isinstance(bill, KeptBill) else tuple(unit.digest for unit in units)
    folder = bill.folder if isinstance(bill, KeptBill) else cells
    watching = next((program for program in reversed(programs) if program.watched), None)
    costs = bill.cost_columns
    amounts = (*costs, *quantities)
    loading = Loading(connection, units, digests, fields, programs, tuple(quantities), folder, fresh=fresh, tell=tell)
    if folder is not None and not fresh:
        tell("reading what was kept of the bill")
    known = _Absences(connection, watching, fields, folder, amounts, fresh=fresh)
    gathered = loading.gather(known.must_look)
    if folder is not None and not fresh:
        kept("cells", loading.kept_units(), len(digests))
    absences = known.find(gathered)
    if absences.tags_missing:
        absences = replace(absences, tag_keys=tuple(sorted(loading.tag_keys())[:MOST_KEYS]))
    gathered.assembling.assemble(amounts)
    if loading.cases.cases:
        found = cost_of_cases(connection, loading.cases, costs.index(programs[-1].cost))
        absences = replace(absences, other_cases=found)
    providers = provider_totals(connection, fields, costs)
    loading.forget()
    if isinstance(bill, BillDescription) and cells is not None and all(digests):
        keep_bill(cells, bill, digests)
    facts = _facts([loading.facts[place] for place in range(len(digests))], costs)
    return replace(facts, absences=absences, providers=providers, cells=gathered.assembling.digest(amounts))


class _Absences:
    """What the bill lacks of what a program watches, remembered in the folder of kept cells."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        watching: Program | None,
        fields: Fields,
        folder: Path | None,
        amounts: Sequence[str],
        *,
        fresh: bool,
    ) -> None:
        self._connection = connection
        self._watching = watching
        self._fields = fields
        self._folder = folder
        self._amounts = amounts
        self._fresh = fresh

    def must_look(self, gathered: Gathered) -> bool:
        """Whether the bill's values are needed."""
        return self._watching is not None and self._kept(gathered) is None

    def find(self, gathered: Gathered) -> Absences:
        """The absences, kept for the next time."""
        if self._watching is None:
            return NOTHING_ABSENT
        found = self._kept(gathered)
        if found is None:
            found = find_absences(self._connection, self._watching, gathered.cut.places)
            if self._folder is not None:
                keep_note(self._folder, self._name(gathered), noted(found))
        return found

    def _kept(self, gathered: Gathered) -> Absences | None:
        if self._folder is None or self._fresh:
            return None
        note = kept_note(self._folder, self._name(gathered))
        return of_note(note) if note is not None else None

    def _name(self, gathered: Gathered) -> str:
        assert self._watching is not None
        cut = gathered.cut
        columns = cut.described({name: rows for rows, name in self._fields.lookups()})
        return name_of_absences(gathered.assembling.digest(self._amounts), self._watching, cut.places, columns)


def _facts(units: Sequence[UnitFacts], costs: Sequence[str]) -> BillFacts:
    """What the units showed, taken together."""
    months = sorted({month for unit in units for month, *_ in unit.sums})
    by_month: dict[tuple[str, str, str], int] = {}
    missing = dict.fromkeys(costs, 0)
    for unit in units:
        for month, currency, charges, amounts, having in unit.sums:
            by_month.update({(month, currency, cost): by_month.get((month, currency, cost), 0) for cost in costs})
            for name, amount, count in zip(unit.amounts, amounts, having, strict=True):
                if name in missing:
                    by_month[month, currency, name] += amount
                    missing[name] += charges - count
    return BillFacts(
        rows=sum(charges for unit in units for _, _, charges, *_ in unit.sums),
        first_month=months[0] if months else "",
        last_month=months[-1] if months else "",
        months=tuple(months),
        totals=totals_of_months(by_month, months),
        month_totals=by_month,
        cost_columns=tuple(costs),
        missing_costs=tuple((cost, count) for cost, count in missing.items() if count),
        splits=tuple(
            replace(each, amounts={cost: each.amounts.get(cost, 0) for cost in costs})
            for unit in units
            for each in unit.splits
        ),
    )
