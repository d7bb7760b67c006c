"""Runs a program on raw cells, step by step, and reads off what people and the state need.

Invariant: after every run the money that each step took equals the money it made, and the final ledger equals the bill,
per billing month, day, currency and cost column, to the last digit; otherwise ConservationError names the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from costops.engine.ir import PATH_MARK, MetricUse, Program, Step
from costops.errors import ConservationError, EngineError
from costops.model.ledger import Ledger
from costops.money import format_picos

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")

Money = dict[tuple[str, str | None, str], int]
"""(report dimension, value, currency) to picos."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something about money that a person should know of a rule."""

    rule: str
    code: str
    currency: str
    amount: int
    """Picos of the workspace's cost column."""
    whole: int
    """Picos of all the cost that the rule's source holds."""
    buckets: int = 0
    elements: tuple[str, ...] = ()
    """Names the notice is about, in order."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What evaluating one rule set gave."""

    money: tuple[Money, ...]
    """Cost by element after 0, 1, ... allocations of the rule set."""
    notices: tuple[Notice, ...]
    ledger: Ledger | None = field(repr=False, default=None)


def _nobody(_words: str, _rules_done: int) -> None:
    pass


def run(
    connection: duckdb.DuckDBPyConnection,
    program: Program,
    *,
    costs: Sequence[str],
    field_columns: Sequence[str],
    metric_tables: Mapping[MetricUse, str],
    want_ledger: bool,
    lenient: bool = False,
    tell: Callable[[str, int], None] = _nobody,
) -> Outcome:
    """Evaluate one program; `costs` are the bill's cost columns, of which `program.cost` is shown.

    A `lenient` run leaves cost where it was where a step cannot run or says to fail. `tell` hears what is being done
    and how many rules are done.
    """
    evaluation = _Run(connection, program, tuple(costs), tuple(field_columns), metric_tables, lenient, tell)
    return evaluation.outcome(want_ledger=want_ledger)


class _Run:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        program: Program,
        costs: tuple[str, ...],
        field_columns: tuple[str, ...],
        metric_tables: Mapping[MetricUse, str],
        lenient: bool,
        tell: Callable[[str, int], None],
    ) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import notices, profiles, shape, shares, steps

        self._queries = profiles
        self._steps = steps
        self._shares = shares
        self._facts = notices
        self._shape_of = shape.shape_of
        self._connection = connection
        self._program = program
        self._costs = costs
        self._shown = costs.index(program.cost)
        self._field_columns = field_columns
        self._metric_tables = metric_tables
        self._lenient = lenient
        self._tell = tell
        self._slots = profiles.slot_names(program)
        self._notices: list[Notice] = []
        self._profiles = 0

    def outcome(self, *, want_ledger: bool) -> Outcome:
        self._do(self._queries.classes(self._program, self._field_columns))
        self._profiles = self._do(self._queries.first_profiles(self._program))
        self._do(self._queries.first_items(len(self._costs)))
        count = len(self._program.steps)
        for place, step in enumerate(self._program.steps):
            self._tell(f"evaluating rule {place + 1} of {count} ({step.rule})", place)
            self._evaluate(step)
        self._tell("adding up", count)
        self._check_conservation()
        money = self._money()
        return Outcome(money, tuple(self._notices), self._ledger() if want_ledger else None)

    def _do(self, statement: str, *parameters: object) -> int:
        """Run a statement that makes or changes rows; gives their number."""
        return int(self._connection.execute(statement, list(parameters)).fetchall()[0][0])

    def _rows(self, statement: str) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(statement).fetchall()

    def _evaluate(self, step: Step) -> None:
        steps, shares, costs = self._steps, self._shares, len(self._costs)
        if self._lenient and not self._can_run(step):
            return
        if not self._do(steps.source(step.source, step.partition, step.group, self._slots)):
            return
        shape = self._shape_of(step)
        self._do(steps.mark_taken(), step.number)
        self._do(steps.taken(shape, costs))
        self._do(shares.buckets(shape))
        if step.metric is not None:
            records = self._metric_tables[step.metric]
            self._do(shares.basis_of_metric(shape, step.basis, step.destinations, step.metric_partition, records))
        elif step.needs_basis:
            weighing = self._costs.index(step.basis_cost)
            self._do(shares.basis_of_costs(shape, step.basis, step.destinations, step.partition, weighing))
        self._do(shares.given_elements(shape, step.given) if step.given else shares.found_elements(shape))
        self._do(shares.weights(shape))
        self._do(shares.shares(shape))
        left_over = self._do(steps.left_over(shape))
        self._notice(step, left_over)
        if self._do(steps.split(shape, costs)):
            self._do(steps.made_profiles(shape, step.into, self._slots), self._profiles, f"{step.rule}{PATH_MARK}")
            self._profiles += self._do(steps.insert_made_profiles(self._slots), step.number)
            self._do(steps.insert_made_items(costs))
        if left_over:
            self._do(steps.stayed_profiles(), self._profiles)
            self._profiles += self._do(steps.insert_left_profiles(self._slots), step.number)
            self._do(steps.insert_left_items(costs))

    def _can_run(self, step: Step) -> bool:
        return step.basis_cost in self._costs and (step.metric is None or step.metric in self._metric_tables)

    def _notice(self, step: Step, left_over: int) -> None:
        shape = self._shape_of(step)
        whole = {}
        for currency, amount, partless, long in self._rows(self._facts.taken_money(shape, self._shown)):
            whole[currency] = int(amount)
            if step.partition and abs(partless) * 20 > abs(amount):
                self._notices.append(Notice(step.rule, "CO802", currency, int(partless), int(amount)))
            if step.needs_basis and step.granularity == "daily" and long:
                self._notices.append(Notice(step.rule, "CO803", currency, int(long), int(amount)))
        if step.billed:
            found = self._rows(self._facts.unbilled_elements(step.billed))
            if found:
                names = tuple(", ".join(element) for element in found)
                self._notices.append(Notice(step.rule, "CO804", "", 0, 0, elements=names))
        for currency, amount, buckets in self._rows(self._facts.left_money(self._shown)) if left_over else []:
            if step.on_empty == "error" and not self._lenient:
                raise EngineError(
                    f"allocation {step.rule}: {buckets} of its buckets have no basis, with {currency} "
                    f"{format_picos(int(amount))} to split, and its on_empty is error",
                    hint="widen the basis or the granularity, or choose another on_empty",
                )
            self._notices.append(Notice(step.rule, "CO801", currency, int(amount), whole[currency], int(buckets)))

    def _check_conservation(self) -> None:
        for step, month, day, currency in self._rows(self._queries.imbalances(len(self._costs))):
            rule = self._program.steps[step - 1].rule
            raise ConservationError(
                f"allocation {rule} changed the sum of cost on {day} (billing month {month:%Y-%m}, {currency}); "
                "nothing was written",
                hint="this is a defect of costops: please report it with the rule",
            )
        for month, day, currency in self._rows(self._queries.difference_from_bill(len(self._costs))):
            raise ConservationError(
                f"the allocated cost of {day} (billing month {month:%Y-%m}, {currency}) differs from the bill's; "
                "nothing was written",
                hint="this is a defect of costops: please report it",
            )

    def _money(self) -> tuple[Money, ...]:
        self._do(self._queries.money_by_step(self._program, self._shown))
        deltas: list[Money] = [{} for _ in range(len(self._program.steps) + 1)]
        for place, (dimension, _) in enumerate(self._program.report):
            for step, value, currency, amount in self._rows(self._queries.money_of_dimension(place)):
                deltas[step][dimension, value, currency] = int(amount)
        money = [deltas[0]]
        for delta in deltas[1:]:
            after = dict(money[-1])
            for key, amount in delta.items():
                after[key] = after.get(key, 0) + amount
                if not after[key]:
                    del after[key]
            money.append(after)
        return tuple(money)

    def _ledger(self) -> Ledger:
        queries, costs, width = self._queries, len(self._costs), len(self._program.report)
        self._do(queries.places(self._program))
        self._do(queries.ledger(costs))
        self._do(queries.dates())
        months, days, currencies = _transposed(self._rows(queries.date_rows()), 3)
        _, *values, paths = _transposed(self._rows(queries.place_rows(width)), 2 + width)
        paths = tuple(path.removeprefix(PATH_MARK).removesuffix(PATH_MARK) for path in paths)
        narrow = self._rows(queries.fits_64_bits(costs))[0]
        dates, places, *amounts = _transposed(self._rows(queries.ledger_rows(narrow)), 2 + costs)

        return Ledger(
            dimensions=tuple(name for name, _ in self._program.report),
            cost_columns=self._costs,
            months=_spread(months, dates),
            days=_spread(days, dates),
            currencies=_spread(currencies, dates),
            values=tuple(_spread(column, places) for column in values),
            paths=_spread(paths, places),
            amounts=tuple(amounts),
        )


def _transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """Rows as columns; so many empty ones where there is no row."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _spread(column: Sequence[T], numbers: Sequence[int]) -> tuple[T, ...]:
    """The value of each number in a column; equal values are one object."""
    return tuple(map(column.__getitem__, numbers))
