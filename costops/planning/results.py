"""The ledger that a plan would write: its digest and totals, and its rows for those who need them.

Invariant: a frozen billing month is carried over from the state row by row; its digest stands in for its rows wherever
those are not asked for, and nothing that was evaluated of it is in the result.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops.model.ledger import Ledger, digest_of_months
from costops.model.sums import totals_of_months
from costops.money import SAME_PICOS
from costops.planning.ledgers import differ, joined, laid_out, of_months, with_costs, without_months
from costops.planning.stored import RenamedVersion, Stored

if TYPE_CHECKING:
    from costops.engine.evaluate import Outcome
    from costops.engine.ledgers import LedgerFacts
    from costops.engine.load import BillFacts

MOST_ROWS = 10**9
"""No ledger has so many rows."""

Totals = Mapping[tuple[str, str], int]
"""(currency, cost column) to picos."""


@dataclass(frozen=True, slots=True)
class Result:
    """What apply would write."""

    digest: str
    totals: Totals
    writes: bool
    """Whether it is another ledger than the state's."""
    ledger: Ledger | None
    """Where it was asked for and would be written."""


@dataclass(frozen=True, slots=True)
class _Carried:
    """Billing months that are taken from the state."""

    months: tuple[str, ...]
    cost_columns: tuple[str, ...]
    """Of the whole result: the bill's, and what only these months have cost in."""
    digests: Mapping[str, str]
    rows: Ledger | None
    """As the result has them, where they had to be read."""


class ResultInMaking:
    """Decides while the engine is at work whether the rows are needed, and says afterwards what the result is."""

    def __init__(
        self,
        stored: Stored | None,
        before: RenamedVersion | None,
        *,
        dimensions: tuple[str, ...],
        cost_columns: tuple[str, ...],
        changes: bool,
        with_ledger: bool,
        frozen: Callable[[BillFacts], Collection[str]],
    ) -> None:
        """`before` is `stored` under the new rules' names; `changes` whether the plan has any, or opens a month.

        `frozen` gives the billing months of `stored` that stay as they are.
        """
        self._stored = stored
        self._before = before
        self._dimensions = dimensions
        self._bill_costs = cost_columns
        self._changes = changes
        self._with_ledger = with_ledger
        self._frozen = frozen
        self._known: _Carried | None = None

    def needs_rows(self, ledger: LedgerFacts, bill: BillFacts) -> bool:
        """Whether the engine must give its rows away."""
        carried = self._carried(bill)
        if carried.cost_columns != self._bill_costs:
            return True
        if self._stored is None or self._changes:
            return self._with_ledger
        if self._digest(ledger, carried) == self._stored.version.draft.result_digest:
            return False
        # A digest that differs though nothing was changed may do so by dust alone.
        return self._with_ledger or not self._differs_by_more_than_dust(self._totals(ledger, carried))

    def result(self, outcome: Outcome, bill: BillFacts) -> Result:
        """The result of an evaluation that was asked by `needs_rows`."""
        facts, carried = outcome.ledger_facts, self._carried(bill)
        assert facts is not None
        widened = carried.cost_columns != self._bill_costs
        rows = outcome.ledger
        if widened:
            assert rows is not None
            rows = with_costs(rows, carried.cost_columns)
            digests = {**rows.month_digests, **carried.digests}
            digest = digest_of_months(self._dimensions, carried.cost_columns, dict(sorted(digests.items())))
        else:
            digest = self._digest(facts, carried)
        totals = self._totals(facts, carried)
        if self._stored is None or self._changes:
            return Result(digest, totals, True, self._whole(rows, carried))
        draft = self._stored.version.draft
        if digest != draft.result_digest and self._differs(facts, rows, carried):
            return Result(digest, totals, True, self._whole(rows, carried))
        stored_totals = self._stored.totals(self._stored.months())
        return Result(draft.result_digest, stored_totals, False, None)

    def _differs_by_more_than_dust(self, totals: Totals) -> bool:
        """Whether totals alone say that some row differs, however much dust there is in all rows."""
        assert self._stored is not None
        stored = self._stored.totals(self._stored.months())
        return any(
            abs(totals.get(key, 0) - stored.get(key, 0)) >= SAME_PICOS * MOST_ROWS for key in {**totals, **stored}
        )

    def _digest(self, ledger: LedgerFacts, carried: _Carried) -> str:
        digests = {**ledger.month_digests, **carried.digests}  # a frozen month is as the state has it
        return digest_of_months(self._dimensions, self._bill_costs, dict(sorted(digests.items())))

    def _totals(self, ledger: LedgerFacts, carried: _Carried) -> Totals:
        months = {month for month, _, _ in ledger.totals} - set(carried.months)
        totals = totals_of_months(ledger.totals, months)
        if self._before is not None and carried.months:
            for key, amount in self._before.totals(carried.months).items():
                if key[1] in carried.cost_columns:
                    totals[key] = totals.get(key, 0) + amount
        return totals

    def _carried(self, bill: BillFacts) -> _Carried:
        if self._known is None:
            self._known = self._find_carried(bill)
        return self._known

    def _find_carried(self, bill: BillFacts) -> _Carried:
        before = self._before
        months = tuple(self._frozen(bill)) if before is not None else ()
        if before is None or not months:
            return _Carried((), self._bill_costs, {}, None)
        digests = before.month_digests()
        if digests is not None and before.layout == (self._dimensions, self._bill_costs):
            return _Carried(months, self._bill_costs, {month: digests[month] for month in months}, None)
        rows = laid_out(before.ledger(months), self._dimensions, self._bill_costs)
        return _Carried(months, rows.cost_columns, rows.month_digests, rows)

    def _whole(self, rows: Ledger | None, carried: _Carried) -> Ledger | None:
        if not self._with_ledger:
            return None
        assert rows is not None
        if self._before is None or not carried.months:
            return rows
        rows = without_months(rows, carried.months)
        return joined(rows, carried.rows if carried.rows is not None else self._before.ledger(carried.months))

    def _differs(self, facts: LedgerFacts, rows: Ledger | None, carried: _Carried) -> bool:
        """Whether more than dust is otherwise in a month that is not carried over."""
        assert self._stored is not None
        if self._differs_by_more_than_dust(self._totals(facts, carried)):
            return True
        assert rows is not None
        old = self._stored.month_digests()
        months = [month for month in self._stored.months() if month not in carried.months]
        if old is not None:
            # Months of equal digests have equal rows.
            same = {month for month, digest in facts.month_digests.items() if old.get(month) == digest}
            months = [month for month in months if month not in same]
            rows = of_months(rows, [month for month in facts.month_digests if month not in same])
        rows = without_months(rows, carried.months)
        return differ(self._stored.ledger(months), rows, SAME_PICOS)
