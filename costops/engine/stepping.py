"""Runs one step of a program on the running ledger.

Invariant: a step changes `profiles` and `items` and leaves its own tables behind; it never looks at another step's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from costops.engine.ir import PATH_MARK, UNITS, MetricUse, Program, Step
from costops.engine.noticing import Noticing
from costops.errors import EngineError
from costops.money import format_picos

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.shape import Shape


def do(connection: duckdb.DuckDBPyConnection, statement: str, *parameters: object) -> int:
    """Run a statement that makes or changes rows; gives their number."""
    return int(connection.execute(statement, list(parameters)).fetchall()[0][0])


class Stepper:
    """Runs the steps of one program, in order; `last_profile` is the highest number of a profile so far.

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
        self._narrow = narrow
        self.last_profile = last_profile
        self.excused: set[str] = set()
        """Rules that gave less than they say because the stepper is lenient."""

    def _do(self, statement: str, *parameters: object) -> int:
        return do(self._connection, statement, *parameters)

    def _rows(self, statement: str) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(statement).fetchall()

    def run(self, step: Step) -> None:
        """Take the step's source and make what it makes of it."""
        steps, shares, amounts = self._steps, self._shares, len(self._amounts)
        if self._lenient and not self._can_run(step):
            self.excused.add(step.rule)
            return
        noticing = self._noticing
        if not self._do(steps.source(step.source, step.partition, step.group, self._values)):
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
        if left_over and step.on_empty == "error":
            self._check_left_over(step)
        if noticing is not None:
            noticing.weighed(step, shape, left_over)
        if self._do(steps.split(shape, amounts, self._narrow)):
            made_by = steps.made_profiles(shape, step.into, self._values, self._marks)
            self._do(made_by, self.last_profile, f"{step.rule}{PATH_MARK}")
            self.last_profile += self._do(steps.insert_made_profiles(self._columns), step.number)
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
        self._do(self._steps.stayed_profiles(rows), self.last_profile)
        self.last_profile += self._do(self._steps.insert_stayed_profiles(self._columns), step.number)
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
                    self.excused.add(step.rule)
                    self._do(self._shares.without_buckets(weights, each))
                elif found:
                    raise _negative(step, found)
        if step.unit is not None:
            found = self._rows(self._basis.mixed_units(shape, source))
            if found and self._lenient:
                self.excused.add(step.rule)
                self._do(self._basis.without_mixed_units(shape, source, weights))
            elif found:
                raise _mixed(step, found)

    def _check_left_over(self, step: Step) -> None:
        """Raise EngineError for empty buckets where the rule says so."""
        if self._lenient:
            self.excused.add(step.rule)
            return
        for currency, amount, buckets, *_ in self._rows(self._facts.emptied_money(self._shown))[1:]:
            raise EngineError(
                f"allocation {step.rule}: {buckets} of its buckets have no basis, with {currency} "
                f"{format_picos(int(amount))} to split, and its on_empty is error",
                hint="widen the basis or the granularity, or choose another on_empty",
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
