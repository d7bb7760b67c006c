"""Runs a program on raw cells, step by step, and reads off what people and the state need.

Invariant: after every run the money that each step took equals the money it made, and the final ledger equals the bill,
per billing month, day, currency and cost column, to the last digit; otherwise ConservationError names the rule.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from costops.engine.ir import PATH_MARK, UNITS, MetricUse, Program, Step
from costops.engine.noticing import Notice, Noticing
from costops.errors import ConservationError, EngineError
from costops.model.ledger import Ledger
from costops.model.rules import Meaning
from costops.money import format_picos

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.shape import Shape

T = TypeVar("T")

Money = dict[tuple[str, str | None, str], int]
"""(report dimension, value, currency) to picos."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What evaluating one rule set gave."""

    money: tuple[Money, ...]
    """Cost by element after 0, 1, ... allocations of the rule set."""
    notices: tuple[Notice, ...]
    """What is worth a warning, where it was asked for."""
    ledger: Ledger | None = field(repr=False, default=None)
    written: tuple[tuple[Meaning, str], ...] = ()
    """Values that the running ledger has, of those that the rules expect; with the notices."""
    taken: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Picos that each rule took, by currency; with the notices."""


def _nobody(_words: str, _rules_done: int) -> None:
    pass


def run(
    connection: duckdb.DuckDBPyConnection,
    program: Program,
    *,
    costs: Sequence[str],
    quantities: Sequence[str] = (),
    field_columns: Sequence[str],
    metric_tables: Mapping[MetricUse, str],
    want_ledger: bool,
    want_notices: bool = False,
    lenient: bool = False,
    tell: Callable[[str, int], None] = _nobody,
) -> Outcome:
    """Evaluate one program; `costs` are the bill's cost columns, of which `program.cost` is shown.

    `quantities` are the columns behind them that are split too, but not shown. A `lenient` run leaves cost where it was
    where a step cannot run or says to fail. `tell` hears what is being done and how many rules are done.
    """
    columns = (tuple(costs), tuple(quantities), tuple(field_columns))
    evaluation = _Run(connection, program, *columns, metric_tables, lenient, tell)
    return evaluation.outcome(want_ledger=want_ledger, want_notices=want_notices)


class _Run:
    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        program: Program,
        costs: tuple[str, ...],
        quantities: tuple[str, ...],
        field_columns: tuple[str, ...],
        metric_tables: Mapping[MetricUse, str],
        lenient: bool,
        tell: Callable[[str, int], None],
    ) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import basis, earlier, notices, profiles, shape, shares, steps

        self._basis = basis
        self._earlier = earlier
        self._queries = profiles
        self._steps = steps
        self._shares = shares
        self._facts = notices
        self._shape_of = shape.shape_of
        self._connection = connection
        self._program = program
        self._costs = costs
        self._amounts = (*costs, *quantities)
        self._shown = costs.index(program.cost)
        self._field_columns = field_columns
        self._metric_tables = metric_tables
        self._lenient = lenient
        self._tell = tell
        self._slots = profiles.slot_names(program)
        self._noticing: Noticing | None = None
        self._profiles = 0

    def outcome(self, *, want_ledger: bool, want_notices: bool) -> Outcome:
        if want_notices:
            self._noticing = Noticing(self._program, self._shown, self._rows)
        if not self._program.steps and not want_ledger and self._noticing is None:
            self._do(self._queries.money_of_bill(self._program, self._field_columns, self._shown))
            return Outcome(self._money(), ())
        self._do(self._queries.classes(self._program, self._field_columns))
        self._profiles = self._do(self._queries.first_profiles(self._program))
        self._do(self._queries.first_items(len(self._amounts)))
        count = len(self._program.steps)
        for place, step in enumerate(self._program.steps):
            self._tell(f"evaluating rule {place + 1} of {count} ({step.rule})", place)
            self._evaluate(step)
        self._tell("adding up", count)
        self._check_conservation()
        self._do(self._queries.money_by_step(self._program, self._shown))
        money = self._money()
        ledger = self._ledger() if want_ledger else None
        if self._noticing is None:
            return Outcome(money, (), ledger)
        noticing = self._noticing
        return Outcome(money, tuple(noticing.notices), ledger, noticing.written(), noticing.taken_by_rule)

    def _do(self, statement: str, *parameters: object) -> int:
        """Run a statement that makes or changes rows; gives their number."""
        return int(self._connection.execute(statement, list(parameters)).fetchall()[0][0])

    def _rows(self, statement: str) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(statement).fetchall()

    def _evaluate(self, step: Step) -> None:
        steps, shares, amounts = self._steps, self._shares, len(self._amounts)
        if self._lenient and not self._can_run(step):
            return
        noticing = self._noticing
        if not self._do(steps.source(step.source, step.partition, step.group, self._slots)):
            if noticing is not None:
                noticing.nothing_matched(step)
            return
        shape = self._shape_of(step)
        self._do(steps.mark_taken(), step.number)
        taken = self._do(steps.taken(shape, amounts))
        if noticing is not None:
            if taken:
                noticing.taken(step, shape)
            else:
                noticing.nothing_matched(step)
        if step.effective != (None, None) and self._do(steps.outside(shape, amounts)):
            self._stay(step, "outside")
        self._do(shares.buckets(shape))
        bases = self._find_basis(step, shape)
        if step.given:
            self._do(shares.given_elements(shape, step.given, step.stays))
        else:
            self._do(shares.found_elements(shape, bases))
        self._weigh(step, shape, bases, "buckets", "weights")
        self._check_weights(step, shape, "weights", "buckets")
        self._do(shares.shares(shape, "weights", "shares"))
        if shape.looks_back:
            self._look_back(step, shape, bases)
        left_over = self._do(steps.left_over(shape))
        if left_over and step.on_empty == "error" and not self._lenient:
            self._check_left_over(step)
        if noticing is not None:
            noticing.weighed(step, shape, left_over)
        if self._do(steps.split(shape, amounts)):
            self._do(steps.made_profiles(shape, step.into, self._slots), self._profiles, f"{step.rule}{PATH_MARK}")
            self._profiles += self._do(steps.insert_made_profiles(self._slots), step.number)
            made = self._do(steps.insert_made_items(amounts))
            if noticing is not None:
                noticing.split(step, made, taken - left_over)
            if step.stays and self._do(steps.remained(amounts)):
                self._stay(step, "remained")
        if left_over:
            self._stay(step, "left_over")

    def _can_run(self, step: Step) -> bool:
        return step.basis_amount in self._amounts and all(each.use in self._metric_tables for each in step.metrics)

    def _stay(self, step: Step, rows: str) -> None:
        """Rows of source profiles live on as they were."""
        self._do(self._steps.stayed_profiles(rows), self._profiles)
        self._profiles += self._do(self._steps.insert_stayed_profiles(self._slots), step.number)
        self._do(self._steps.insert_stayed_items(len(self._amounts), rows))

    def _find_basis(self, step: Step, shape: Shape) -> tuple[str, ...]:
        """Make the tables of what weighs: one, one for each metric, or none; gives their names."""
        basis = self._basis
        if step.metrics:
            names = tuple(f"basis_{place}" for place in range(len(step.metrics)))
            for each, name in zip(step.metrics, names, strict=True):
                records = self._metric_tables[each.use]
                part = basis.MetricPart(each.condition, each.destinations, each.partition, step.excluded, records)
                self._do(basis.basis_of_metric(shape, part, name))
            return names
        if not step.needs_basis:
            return ()
        state = str(step.number) if step.include_source and step.basis_from == "running" else step.basis_from
        amount = self._amounts.index(step.basis_amount)
        costs = basis.CostBasis(
            step.basis, step.destinations, step.partition, step.excluded, amount, step.unit, state, step.direct_source
        )
        self._do(basis.basis_of_costs(shape, costs))
        return ("basis",)

    def _weigh(self, step: Step, shape: Shape, bases: Sequence[str], source: str, into: str) -> None:
        """Make `into`: the weights of the buckets in `source`."""
        shares = self._shares
        if len(bases) < 2:
            self._do(shares.weights(shape, bases[0] if bases else "", source, into))
            return
        parts = []
        for basis, each in zip(bases, step.metrics, strict=True):
            self._do(shares.weights(shape, basis, source, f"{into}_of_{basis}"))
            parts.append((f"{into}_of_{basis}", each.weight))
        self._do(shares.together(shape, tuple(parts), into))

    def _look_back(self, step: Step, shape: Shape, bases: Sequence[str]) -> None:
        """Give empty buckets the shares of the nearest earlier one."""
        earlier = self._earlier
        if self._do(earlier.earlier_buckets(shape)):
            self._weigh(step, shape, bases, "earlier", "earlier_weights")
            self._do(self._shares.shares(shape, "earlier_weights", "earlier_shares"))
            self._do(earlier.nearest_buckets())
            self._check_weights(step, shape, "earlier_weights", "looked_at")
            self._do(earlier.insert_earlier_shares())

    def _check_weights(self, step: Step, shape: Shape, weights: str, source: str) -> None:
        """Raise EngineError for weights in the buckets of `source` that must not be; a lenient run empties them."""
        if step.negative == "error":
            tables = [f"{weights}_of_basis_{place}" for place in range(len(step.metrics))]
            for each in tables if len(tables) > 1 else [weights]:
                found = self._rows(self._shares.negative_weights(shape, each, source))
                if found and self._lenient:
                    self._do(self._shares.without_buckets(weights, each))
                elif found:
                    raise _negative(step, found)
        if step.unit is not None:
            found = self._rows(self._basis.mixed_units(shape, source))
            if found and self._lenient:
                self._do(self._basis.without_mixed_units(shape, source, weights))
            elif found:
                raise _mixed(step, found)

    def _check_left_over(self, step: Step) -> None:
        """Raise EngineError for empty buckets where the rule says so."""
        for currency, amount, buckets, *_ in self._rows(self._facts.emptied_money(self._shown))[1:]:
            raise EngineError(
                f"allocation {step.rule}: {buckets} of its buckets have no basis, with {currency} "
                f"{format_picos(int(amount))} to split, and its on_empty is error",
                hint="widen the basis or the granularity, or choose another on_empty",
            )

    def _check_conservation(self) -> None:
        for step, month, day, currency in self._rows(self._queries.imbalances(len(self._amounts))):
            rule = self._program.steps[step - 1].rule
            raise ConservationError(
                f"allocation {rule} changed the sum of cost on {day} (billing month {month:%Y-%m}, {currency}); "
                "nothing was written",
                hint="this is a defect of costops: please report it with the rule",
            )
        for month, day, currency in self._rows(self._queries.difference_from_bill(len(self._amounts))):
            raise ConservationError(
                f"the allocated cost of {day} (billing month {month:%Y-%m}, {currency}) differs from the bill's; "
                "nothing was written",
                hint="this is a defect of costops: please report it",
            )

    def _money(self) -> tuple[Money, ...]:
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


def _negative(step: Step, found: Sequence[tuple[Any, ...]]) -> EngineError:
    first, last, *element = found[0]
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    return EngineError(
        f"allocation {step.rule}: {', '.join(element)} has a negative weight in its basis {_days(first, last)}{more}, "
        "and its basis.negative is error",
        hint="leave such cost out of basis.where, widen the granularity, or choose clip or exclude",
    )


def _mixed(step: Step, found: Sequence[tuple[Any, ...]]) -> EngineError:
    first, last, units = found[0]
    named = ", ".join(unit or "(no unit)" for unit in units)
    return EngineError(
        f"allocation {step.rule} weighs by {step.basis_amount}, and its basis {_days(first, last)} has more than one "
        f"unit: {named}",
        hint=f"narrow basis.where to one unit, such as {UNITS[step.basis_amount]}: {units[-1] or 'Hours'}",
    )


def _days(first: object, last: object) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"


def _transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[tuple[Any, ...]]:
    """Rows as columns; so many empty ones where there is no row."""
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _spread(column: Sequence[T], numbers: Sequence[int]) -> tuple[T, ...]:
    """The value of each number in a column; equal values are one object."""
    return tuple(map(column.__getitem__, numbers))
