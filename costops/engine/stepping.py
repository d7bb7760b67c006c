"""Runs steps of a program on the running ledger, those of one batch together.

Invariant: a batch changes `profiles` and `items` and leaves its own tables behind; it never looks at another batch's.
What a step finds is what is there when it begins by its number, whatever ran before it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costops.engine.ir import PATH_MARK, UNITS, MetricUse, Program, Step
from costops.engine.noticing import Noticing
from costops.engine.waves import Batch
from costops.errors import EngineError
from costops.money import format_picos

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.basis import MetricPart
    from costops.engine.sql.shape import Shape


def do(connection: duckdb.DuckDBPyConnection, statement: str, *parameters: object) -> int:
    """Run a statement that makes or changes rows; gives their number."""
    return int(connection.execute(statement, list(parameters)).fetchall()[0][0])


class Stepper:
    """Runs the batches of one program; `last_profile` is the highest number of a profile so far.

    `amounts` are the cost columns and quantities of an item, of which `amounts[shown]` is shown. A `lenient` one leaves
    cost where it was where a step cannot run or says to fail. `narrow` is what `are_narrow` says of the bill.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        program: Program,
        amounts: Sequence[str],
        shown: int,
        metric_tables: Mapping[MetricUse, str],
        last_profile: int,
        *,
        narrow: bool,
        lenient: bool,
        noticing: Noticing | None,
    ) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import basis, earlier, notices, shape, shares, steps

        self._basis = basis
        self._earlier = earlier
        self._steps = steps
        self._shares = shares
        self._facts = notices
        self._shape_of = shape.shape_of
        self._connection = connection
        self._amounts = amounts
        self._shown = shown
        self._metric_tables = metric_tables
        self._lenient = lenient
        self._noticing = noticing
        self._values = program.values
        self._columns = (*program.values, *program.marks)
        self._marks = program.marks
        self._rules = {step.number: step.rule for step in program.steps}
        self.narrow = narrow
        self.last_profile = last_profile
        self.excused: set[str] = set()
        """Rules that gave less than they say because the stepper is lenient."""

    def _do(self, statement: str, *parameters: object) -> int:
        return do(self._connection, statement, *parameters)

    def _rows(self, statement: str) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(statement).fetchall()

    def begin(self) -> None:
        """Make what batches look up: what each step adds to a path."""
        suffixes = [f"{rule}{PATH_MARK}" for rule in self._rules.values()]
        self._do(self._steps.numbered_steps(), list(self._rules), suffixes)

    def run(self, batch: Batch) -> None:
        """Take what the batch's steps take and make what they make of it."""
        steps = [step for step in batch.steps if not self._lenient or self._can_run(step)]
        self.excused |= {step.rule for step in batch.steps if step not in steps}
        if not steps:
            return
        queries, first, amounts = self._steps, steps[0], len(self._amounts)
        takes = tuple((step.number, step.source) for step in steps)
        if not self._do(queries.source(takes, first.partition, first.group, self._values)):
            return
        shape = self._shape_of(first)
        self._do(queries.mark_taken())
        self._do(queries.taken(shape, amounts))
        noticing = self._noticing
        if noticing is not None:
            noticing.taken(steps, shape)
        if first.effective != (None, None) and self._do(queries.outside(shape, amounts)):
            self._stay("outside")
        left_over = self._share(batch, steps, shape)
        if noticing is not None:
            noticing.weighed(steps, shape, left_over)
        if self._do(queries.split(shape, amounts, self.narrow)):
            self._do(queries.made_profiles(shape, first.into, self._values, self._marks), self.last_profile)
            self.last_profile += self._do(queries.insert_made_profiles(self._columns))
            self._do(queries.insert_made_items(amounts))
            if noticing is not None:
                noticing.split(left_over)
            if any(step.stays for step in steps) and self._do(queries.remained(amounts)):
                self._stay("remained")
        if left_over:
            self._stay("left_over")

    def _share(self, batch: Batch, steps: Sequence[Step], shape: Shape) -> int:
        """Make the shares of the steps' buckets; gives how many source rows are in buckets without any."""
        shares, first = self._shares, steps[0]
        self._do(shares.buckets(shape))
        bases = self._find_basis(batch, steps, shape)
        if first.given:
            given = tuple((step.number, step.given, step.stays) for step in steps)
            self._do(shares.given_elements(shape, given))
        else:
            self._do(shares.found_elements(shape, bases, tuple(step.number for step in steps)))
        self._weigh(first, shape, bases, "buckets", "weights")
        self._check_weights(first, shape, "weights", "buckets")
        self._do(shares.shares(shape, "weights", "shares"))
        if shape.looks_back:
            self._look_back(first, shape, bases)
        left_over = self._do(self._steps.left_over(shape))
        if left_over and first.on_empty == "error":
            self._check_left_over()
        return left_over

    def _can_run(self, step: Step) -> bool:
        return step.basis_amount in self._amounts and all(each.use in self._metric_tables for each in step.metrics)

    def _stay(self, rows: str) -> None:
        """Rows of source profiles live on as they were."""
        self._do(self._steps.stayed_profiles(rows), self.last_profile)
        self.last_profile += self._do(self._steps.insert_stayed_profiles(self._columns))
        self._do(self._steps.insert_stayed_items(len(self._amounts), rows))

    def _find_basis(self, batch: Batch, steps: Sequence[Step], shape: Shape) -> tuple[str, ...]:
        """Make the tables of what weighs: one, one for each metric, or none; gives their names."""
        basis, first = self._basis, steps[0]
        if first.metrics:
            names = tuple(f"basis_{place}" for place in range(len(first.metrics)))
            for place, name in enumerate(names):
                parts = tuple(self._metric_part(step, place) for step in steps)
                self._do(basis.basis_of_metric(shape, parts, name))
            return names
        if not first.needs_basis:
            return ()
        amount = self._amounts.index(first.basis_amount)
        how = basis.Weighing(first.destinations, first.partition, amount, first.unit)
        here = {step.number: step for step in steps}
        found = []
        for numbers in batch.bases:
            own = tuple(number for number in numbers if number in here)
            if own:
                step = here[own[0]]
                state = "source" if step.include_source and step.basis_from == "running" else step.basis_from
                found.append(basis.CostBasis(step.basis, step.excluded, state, step.direct_source, own))
        self._do(basis.basis_of_costs(shape, how, tuple(found)))
        return ("basis",)

    def _metric_part(self, step: Step, place: int) -> MetricPart:
        each = step.metrics[place]
        records = self._metric_tables[each.use]
        return self._basis.MetricPart(
            step.number, each.condition, each.destinations, each.partition, step.excluded, records
        )

    def _weigh(self, step: Step, shape: Shape, bases: Sequence[str], source: str, into: str) -> None:
        """Make `into`: the weights of the buckets in `source`, of steps like `step`."""
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
        """Raise EngineError for weights in the buckets of `source` that must not be; a lenient run empties them.

        The buckets are of steps like `step`.
        """
        if step.negative == "error":
            tables = [f"{weights}_of_basis_{place}" for place in range(len(step.metrics))]
            for each in tables if len(tables) > 1 else [weights]:
                found = self._rows(self._shares.negative_weights(shape, each, source))
                if found and self._lenient:
                    self.excused |= {self._rules[number] for number, *_ in found}
                    self._do(self._shares.without_buckets(weights, each))
                elif found:
                    raise _negative(self._rules[found[0][0]], _of_first(found))
        if step.unit is not None:
            found = self._rows(self._basis.mixed_units(shape, source))
            if found and self._lenient:
                self.excused |= {self._rules[number] for number, *_ in found}
                self._do(self._basis.without_mixed_units(shape, source, weights))
            elif found:
                raise _mixed(self._rules[found[0][0]], step, _of_first(found))

    def _check_left_over(self) -> None:
        """Raise EngineError for empty buckets where the rules say so."""
        found = self._rows(self._facts.emptied_money(self._shown))
        if self._lenient:
            self.excused |= {self._rules[number] for number, *_ in found}
            return
        for number, currency, amount, buckets, *_ in found:
            if currency is not None:
                raise EngineError(
                    f"allocation {self._rules[number]}: {buckets} of its buckets have no basis, with {currency} "
                    f"{format_picos(int(amount))} to split, and its on_empty is error",
                    hint="widen the basis or the granularity, or choose another on_empty",
                )


def _of_first(found: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What was found of the first step, without its number."""
    return [rest for number, *rest in found if number == found[0][0]]  # type: ignore[misc]


def _negative(rule: str, found: Sequence[tuple[Any, ...]]) -> EngineError:
    first, last, *element = found[0]
    more = f", and {len(found) - 1:,} more" if len(found) > 1 else ""
    return EngineError(
        f"allocation {rule}: {', '.join(element)} has a negative weight in its basis {_days(first, last)}{more}, "
        "and its basis.negative is error",
        hint="leave such cost out of basis.where, widen the granularity, or choose clip or exclude",
    )


def _mixed(rule: str, step: Step, found: Sequence[tuple[Any, ...]]) -> EngineError:
    first, last, units = found[0]
    named = ", ".join(unit or "(no unit)" for unit in units)
    return EngineError(
        f"allocation {rule} weighs by {step.basis_amount}, and its basis {_days(first, last)} has more than one "
        f"unit: {named}",
        hint=f"narrow basis.where to one unit, such as {UNITS[step.basis_amount]}: {units[-1] or 'Hours'}",
    )


def _days(first: object, last: object) -> str:
    return f"on {first}" if first == last else f"from {first} to {last}"
