"""What a person should know of the money of a rule, found while the rule is evaluated.

Invariant: nothing here changes a table that an evaluation works on. What a rule takes and what is told as allocated by
earlier rules add up to what its source matches on the days on which it applies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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


_STAGES = ("CO805", "CO802", "CO803", "CO806", "CO804", "CO801", "CO807", "CO812", "CO814")
"""In which order what is found of one rule is told."""


_SHADOWS = ("CO805", "CO806")
"""What `shadows` tells."""


def with_shadows(notices: Iterable[Notice], shadows: Iterable[Notice]) -> tuple[Notice, ...]:
    """The notices of one rule with what `shadows` tells of it now."""
    found = [*(each for each in notices if each.code not in _SHADOWS), *shadows]
    return tuple(sorted(found, key=lambda notice: _STAGES.index(notice.code)))


class Noticing:
    """Gathers the notices of one run; the run calls it in the order of its own statements."""

    def __init__(self, program: Program, shown: int, rows: Callable[[str], list[tuple[Any, ...]]]) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import notices

        self._program = program
        self._shown = shown
        self._rows = rows
        self._queries = notices
        self._rules = {step.number: step.rule for step in program.steps}
        self._found: dict[str, list[Notice]] = {}
        self._rows_taken: dict[int, int] = {}
        self.taken_by_rule: dict[str, dict[str, int]] = {}
        """Picos by rule and currency; without rules that take nothing."""

    def notices_of(self, rule: str) -> tuple[Notice, ...]:
        """What was found of a rule."""
        return tuple(self._found.get(rule, ()))

    def _add(self, notice: Notice) -> None:
        self._found.setdefault(notice.rule, []).append(notice)

    def taken(self, steps: Sequence[Step], shape: Shape) -> None:
        """The steps' rows are in `taken`."""
        of_step = {step.number: step for step in steps}
        for number, currency, amount, partless, long, rows in self._rows(self._queries.taken_money(shape, self._shown)):
            step, whole = of_step[number], int(amount)
            self.taken_by_rule.setdefault(step.rule, {})[currency] = whole
            self._rows_taken[number] = self._rows_taken.get(number, 0) + int(rows)
            if step.partition and abs(partless) * MISSING_PARTS > abs(amount):
                self._add(Notice(step.rule, "CO802", currency, int(partless), whole))
            if step.needs_basis and step.granularity == "daily" and long:
                self._add(Notice(step.rule, "CO803", currency, int(long), whole))

    def weighed(self, steps: Sequence[Step], shape: Shape, left_over: int) -> None:
        """The shares of the steps' buckets are known."""
        first = steps[0]
        if first.billed:
            names: dict[int, list[str]] = {}
            for number, *element in self._rows(self._queries.unbilled_elements(first.billed)):
                names.setdefault(number, []).append(", ".join(element))
            for number, found in names.items():
                self._add(Notice(self._rules[number], "CO804", elements=tuple(found)))
        if left_over:
            self._on_days("CO801", self._queries.emptied_money(self._shown))
        if first.needs_basis and (shape.even_if_empty or shape.looks_back):
            self._on_days("CO807", self._queries.filled_money(shape, self._shown))
        if first.method is Method.EVEN and not first.given:
            for number, elements in self._rows(self._queries.widest_buckets()):
                if elements > MOST_EVEN_ELEMENTS:
                    rule = self._rules[number]
                    for currency, amount in sorted(self.taken_by_rule[rule].items()):
                        self._add(Notice(rule, "CO812", currency, amount, amount, count=int(elements)))

    def split(self, left_over: int) -> None:
        """The rows that the steps make of those that they took are in `own_items`."""
        unsplit = dict(self._rows(self._queries.left_over_rows())) if left_over else {}
        for number, made in self._rows(self._queries.made_rows()):
            split = self._rows_taken[number] - int(unsplit.get(number, 0))
            if made > MOST_ROWS_OF_ONE * split > 0:
                self._add(Notice(self._rules[number], "CO814", buckets=split, count=int(made)))

    def shadows(self, steps: Sequence[Step], taken_by_rule: Mapping[str, Mapping[str, int]]) -> dict[str, list[Notice]]:
        """What earlier rules have allocated of what steps match, once every step has run; by rule."""
        found: dict[str, list[Notice]] = {step.rule: [] for step in steps}
        rivaled = [step for step in steps if step.rivals]
        amounts: dict[str, dict[tuple[str, str], int]] = {}
        for number, path, currency, amount in self._matched(self._queries.untaken_money, rivaled):
            step = self._program.steps[number - 1]
            rule = next((each for each in path.split(PATH_MARK) if each in step.rivals), None)
            if rule is not None:
                of_rule = amounts.setdefault(step.rule, {})
                of_rule[rule, currency] = of_rule.get((rule, currency), 0) + int(amount)
        for step in rivaled:
            found[step.rule] += _shadowed(step, amounts.get(step.rule, {}), taken_by_rule.get(step.rule, {}))
        idle = [step for step in steps if step.rule not in taken_by_rule and not found[step.rule]]
        for number, taken, currency, amount in self._matched(self._queries.unchanged_money, idle):
            other = self._rules[taken] if taken is not None else ""
            rule = self._rules[number]
            found[rule].append(Notice(rule, "CO805", currency, int(amount), other=other))
        for step in idle:
            found[step.rule] = found[step.rule] or [Notice(step.rule, "CO805")]
        return found

    def _matched(self, query: Callable[..., str], steps: Sequence[Step]) -> Iterator[tuple[Any, ...]]:
        by_days: dict[tuple[str | None, str | None], list[Step]] = {}
        for step in steps:
            by_days.setdefault(step.effective, []).append(step)
        for days, each in by_days.items():
            yield from self._rows(query(tuple((step.number, step.matched) for step in each), days, self._shown))

    def written(self) -> tuple[tuple[Meaning, str], ...]:
        """Values that watched fields have anywhere in the running ledger, of those that rules expect in them."""
        found = []
        for each in self._program.watched:
            wanted = tuple(sorted({value.lower() for value in (*each.values_as_they_are, *each.values_in_any_case)}))
            if each.slot is not None and wanted:
                rows = self._rows(self._queries.values_of_slot(each.slot, wanted))
                found += [(each.meaning, value) for (value,) in rows]
        return tuple(found)

    def _on_days(self, code: str, statement: str) -> None:
        whole: tuple[Any, ...] = ()
        for number, currency, amount, *facts in self._rows(statement):
            if currency is None:
                # A step's row of all currencies comes before theirs.
                whole = tuple(facts)
                continue
            rule = self._rules[number]
            buckets, days, first, last = whole
            self._add(
                Notice(
                    rule,
                    code,
                    currency,
                    int(amount),
                    self.taken_by_rule[rule][currency],
                    buckets=int(buckets),
                    days=int(days),
                    first_day=str(first),
                    last_day=str(last),
                )
            )


def _shadowed(step: Step, amounts: Mapping[tuple[str, str], int], taken: Mapping[str, int]) -> list[Notice]:
    """What earlier rules have allocated, by rule and currency, of what the step's source matches."""
    matched = dict(taken)
    for (_, currency), amount in amounts.items():
        matched[currency] = matched.get(currency, 0) + amount
    ordered = sorted(amounts.items(), key=lambda each: (step.rivals.index(each[0][0]), each))
    return [
        Notice(step.rule, "CO806", currency, amount, matched[currency], other=rule)
        for (rule, currency), amount in ordered
    ]
