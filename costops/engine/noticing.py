"""What a person should know of the money of a rule, found while the rule is evaluated.

Invariant: nothing here changes a table that an evaluation works on. What a rule takes and what is told as allocated by
earlier rules add up to what its source matches on the days on which it applies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costops.engine.ir import PATH_MARK, Program, Step
from costops.model.rules import Meaning, Method

if TYPE_CHECKING:
    from costops.engine.sql.shape import Shape

MISSING_PARTS = 20
"""One part in so many of a source may lack a partition value."""
MOST_EVEN_ELEMENTS = 100
MOST_ROWS_OF_ONE = 50


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about money that a person should know of a rule."""

    rule: str
    code: str
    currency: str = ""
    amount: int = 0
    """Picos of the workspace's cost column."""
    whole: int = 0
    """Picos of all the cost that the rule takes, or that its source matches."""
    buckets: int = 0
    days: int = 0
    first_day: str = ""
    last_day: str = ""
    elements: tuple[str, ...] = ()
    """Names the notice is about, in order."""
    other: str = ""
    """The earlier rule it is about."""
    count: int = 0
    """Elements of a bucket, or ledger rows made of one."""


class Noticing:
    """Gathers the notices of one run; the run calls it in the order of its own statements."""

    def __init__(self, program: Program, shown: int, rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import notices

        self._program = program
        self._shown = shown
        self._rows = rows
        self._queries = notices
        self._whole: dict[str, int] = {}
        self.notices_by_rule: dict[str, list[Notice]] = {}
        self.taken_by_rule: dict[str, dict[str, int]] = {}
        """Picos by rule and currency."""

    def _add(self, notice: Notice) -> None:
        self.notices_by_rule.setdefault(notice.rule, []).append(notice)

    def nothing_matched(self, step: Step) -> None:
        """The step takes nothing, because of its source or because no cost is on its days."""
        if self._shadowed(step, {}):
            return
        found = self._rows(self._queries.unchanged_money(step.matched, step.effective, self._shown))
        for taken, currency, amount in found:
            other = self._program.steps[taken - 1].rule if taken is not None else ""
            self._add(Notice(step.rule, "CO805", currency, int(amount), other=other))
        if not found:
            self._add(Notice(step.rule, "CO805"))

    def taken(self, step: Step, shape: Shape) -> None:
        """The step's rows are in `taken`, and what it leaves alone is not made anew yet."""
        self._whole = {}
        for currency, amount, partless, long in self._rows(self._queries.taken_money(shape, self._shown)):
            whole = self._whole[currency] = int(amount)
            if step.partition and abs(partless) * MISSING_PARTS > abs(amount):
                self._add(Notice(step.rule, "CO802", currency, int(partless), whole))
            if step.needs_basis and step.granularity == "daily" and long:
                self._add(Notice(step.rule, "CO803", currency, int(long), whole))
        self.taken_by_rule[step.rule] = self._whole
        self._shadowed(step, self._whole)

    def weighed(self, step: Step, shape: Shape, left_over: int) -> None:
        """The shares of the step's buckets are known."""
        if step.billed:
            found = self._rows(self._queries.unbilled_elements(step.billed))
            if found:
                names = tuple(", ".join(element) for element in found)
                self._add(Notice(step.rule, "CO804", elements=names))
        if left_over:
            self._on_days(step, "CO801", self._queries.emptied_money(self._shown))
        if step.needs_basis and (shape.even_if_empty or shape.looks_back):
            self._on_days(step, "CO807", self._queries.filled_money(shape, self._shown))
        if step.method is Method.EVEN and not step.given:
            elements = int(self._rows(self._queries.widest_bucket())[0][0])
            if elements > MOST_EVEN_ELEMENTS:
                for currency, amount in sorted(self._whole.items()):
                    self._add(Notice(step.rule, "CO812", currency, amount, amount, count=elements))

    def split(self, step: Step, made: int, split: int) -> None:
        """Of `split` rows the step has made so many."""
        if made > MOST_ROWS_OF_ONE * split > 0:
            self._add(Notice(step.rule, "CO814", buckets=split, count=made))

    def written(self) -> tuple[tuple[Meaning, str], ...]:
        """Values that watched fields have anywhere in the running ledger, of those that rules expect in them."""
        found = []
        for each in self._program.watched:
            wanted = tuple(sorted({value.lower() for value in (*each.values_as_they_are, *each.values_in_any_case)}))
            if each.slot is not None and wanted:
                rows = self._rows(self._queries.values_of_slot(each.slot, wanted))
                found += [(each.meaning, value) for (value,) in rows]
        return tuple(found)

    def _on_days(self, step: Step, code: str, statement: str) -> None:
        rows = self._rows(statement)
        if not rows:
            return
        # The row of all currencies has none, and comes first.
        (_, _, buckets, days, first, last), *by_currency = rows
        for currency, amount, *_ in by_currency:
            self._add(
                Notice(
                    step.rule,
                    code,
                    currency,
                    int(amount),
                    self._whole[currency],
                    buckets=int(buckets),
                    days=int(days),
                    first_day=str(first),
                    last_day=str(last),
                )
            )

    def _shadowed(self, step: Step, taken: dict[str, int]) -> bool:
        """Tell what earlier rules have allocated of what the step's source matches; whether there is any."""
        if not step.rivals:
            return False
        amounts: dict[tuple[str, str], int] = {}
        for path, currency, amount in self._rows(
            self._queries.untaken_money(step.matched, step.effective, self._shown)
        ):
            rule = next((each for each in path.split(PATH_MARK) if each in step.rivals), None)
            if rule is not None:
                amounts[rule, currency] = amounts.get((rule, currency), 0) + int(amount)
        matched = dict(taken)
        for (_, currency), amount in amounts.items():
            matched[currency] = matched.get(currency, 0) + amount
        for (rule, currency), amount in sorted(amounts.items(), key=lambda each: (step.rivals.index(each[0][0]), each)):
            self._add(Notice(step.rule, "CO806", currency, amount, matched[currency], other=rule))
        return bool(amounts)
