"""Evaluates rule sets on raw cells, one after the other, and reads off what people and the state need.

Invariant: after every evaluation the money that each step took equals the money it made, and the final ledger equals
the bill, per billing month, day, currency and cost column, to the last digit; otherwise ConservationError says where.
A rule set that follows another gets what it would get alone; only what differs is evaluated again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from costops.engine.evaluations import EvaluationNote, Found, KeptEvaluations
from costops.engine.ir import MetricUse, Program, Step
from costops.engine.ledgers import LedgerFacts, ledger_facts, make_place_digests, read_ledger
from costops.engine.money_steps import Money, MoneySteps, money_steps
from costops.engine.moving import can_move, changed_steps, slots_before, timeline
from costops.engine.noticing import Notice, Noticing, with_shadows
from costops.engine.running import Running, Tell
from costops.engine.stepping import Stepper, do
from costops.engine.touching import step_of
from costops.errors import ConservationError
from costops.model.ledger import Ledger
from costops.model.rules import Meaning, RuleSet

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Outcome:
    """What evaluating one rule set gave."""

    money: MoneySteps
    """Cost by element after those allocations of the rule set that were asked for."""
    notices: tuple[Notice, ...]
    """What is worth a warning, where it was asked for."""
    ledger: Ledger | None = field(repr=False, default=None)
    """Its rows, where they were asked for."""
    written: tuple[tuple[Meaning, str], ...] = ()
    """Values that the running ledger has, of those that the rules expect; with the notices."""
    taken: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    """Picos that each rule took, by currency; with the notices."""
    ledger_facts: LedgerFacts | None = None
    """Digest and totals of the ledger, where it was asked for."""
    steps_run: int = 0
    """How many of its allocations had to be evaluated."""
    month_money: Mapping[int, Mapping[str, Money]] = field(default_factory=dict)
    """Cost by element of each billing month that was asked for, after each count of allocations that was."""

    def money_after(self, count: int) -> Money:
        """Cost by element after `count` enabled allocations, which the request names, or after all."""
        return self.money.money_after(count)

    def moved_between(self, first: int, last: int) -> Money:
        """What is more after `last` allocations than after `first`, elements of 0 left out."""
        return self.money.moved_between(first, last)


@dataclass(frozen=True, slots=True)
class Held:
    """The rule set that the running ledger is of."""

    rules: RuleSet
    program: Program
    found: Mapping[str, Found]
    """By rule; of those that ran while notices were wanted."""
    excused: frozenset[str] = frozenset()
    """Rules that gave less than they say."""
    unshadowed: frozenset[str] = frozenset()
    """Rules in `found` of which it is not known what earlier ones have allocated of what they match."""
    totals: Mapping[tuple[str, str, str], int] | None = None
    """(billing month, currency, cost column) to picos, where `place_digests` are of this rule set but for the places in
    `changed_places`."""


def _nobody(_words: str, _rules_done: int) -> None:
    pass


class Evaluator:
    """A connection's running ledger, evaluated for one rule set after the other.

    `costs` are the bill's cost columns, of which a program's own is shown; `quantities` the columns behind them that
    are split too, but not shown; `field_columns` the columns of `tuples`. Cost of the billing months `frozen` is
    evaluated, for other months may weigh by it, but it is in no money by element, unless it is asked for by month.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        *,
        costs: Sequence[str],
        quantities: Sequence[str] = (),
        field_columns: Sequence[str],
        metric_tables: Mapping[MetricUse, str],
        frozen: Sequence[str] = (),
        full: bool = False,
    ) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import moving, profiles, steps

        self._queries = profiles
        self._moves = moving
        self._steps = steps
        self._connection = connection
        self._costs = tuple(costs)
        self._amounts = (*costs, *quantities)
        self._field_columns = tuple(field_columns)
        self._metric_tables = metric_tables
        self._frozen = tuple(frozen)
        self._full = full
        self._held: Held | None = None
        self._last_profile = 0
        self._narrow = False
        self._running = Running(connection)

    def evaluate(
        self,
        rules: RuleSet,
        program: Program,
        *,
        want_ledger: bool | Callable[[LedgerFacts], bool] = False,
        want_notices: bool = False,
        keep_notices: bool = False,
        after: Sequence[int] = (),
        months: Sequence[str] = (),
        months_after: Sequence[int] = (),
        lenient: bool = False,
        tell: Tell = _nobody,
    ) -> Outcome:
        """Evaluate one rule set, of which `program` is the program.

        Money is given after each count of steps in `after`, and after all of them; after each in `months_after` that
        of `months` is given by month. A `lenient` evaluation leaves cost where it was where a step cannot run or says
        to fail. `tell` hears what is being done and how many rules are done. With `keep_notices` a later rule set can
        have notices without evaluating what is the same.
        """
        if not program.steps and not want_ledger and not want_notices and not (months and months_after):
            self._do(self._queries.money_of_bill(program, self._field_columns, self._shown(program), self._frozen))
            return Outcome(self._money(program, after), (), month_money={count: {} for count in months_after})
        listens = want_notices or keep_notices
        noticing = Noticing(program, self._shown(program), self._rows) if listens else None
        stepper = self._stepper(program, noticing, lenient)
        held = self._held
        if held is not None and self.can_follow(rules, program):
            ran = self._move(held, rules, program, stepper, noticing, tell)
        else:
            ran = self._run_all(rules, program, stepper, noticing, tell)
        self._do(self._queries.money_by_step(program, self._frozen))
        money = self._money(program, after)
        month_money = {count: self._month_money(program, tuple(months), count) for count in months_after}
        if want_ledger:
            tell("making the ledger's digest", len(program.steps))
        facts, ledger = self._ledger(program, want_ledger) if want_ledger else (None, None)
        if noticing is None or not want_notices:
            return Outcome(money, (), ledger, ledger_facts=facts, steps_run=ran, month_money=month_money)
        found = self._all_found(program, noticing)
        notices = tuple(each for step in program.steps for each in found[step.rule].notices)
        taken = {rule: each.taken for rule, each in found.items() if each.taken is not None}
        return Outcome(money, notices, ledger, noticing.written(), taken, facts, ran, month_money)

    def _shown(self, program: Program) -> int:
        return self._costs.index(program.cost)

    def _do(self, statement: str, *parameters: object) -> int:
        return do(self._connection, statement, *parameters)

    def _rows(self, statement: str, *parameters: object) -> list[tuple]:  # type: ignore[type-arg]
        return self._connection.execute(statement, list(parameters)).fetchall()

    def _stepper(self, program: Program, noticing: Noticing | None, lenient: bool) -> Stepper:
        return Stepper(
            self._connection,
            program,
            self._amounts,
            self._shown(program),
            self._metric_tables,
            self._last_profile,
            narrow=self._narrow,
            lenient=lenient,
            noticing=noticing,
        )

    # What is kept from run to run.

    def can_follow(self, rules: RuleSet, program: Program) -> bool:
        """Whether a rule set can be evaluated by what differs from the one before."""
        held = self._held
        return not self._full and held is not None and can_move(held.rules, rules, held.program, program)

    def take_kept(self, kept: KeptEvaluations, rules: RuleSet, program: Program) -> bool:
        """Go on from a kept evaluation of a rule set; whether there is one."""
        note = kept.load(rules, (*program.values, *program.marks), len(self._amounts))
        if note is None:
            return False
        self._do(self._queries.fixed(program, self._field_columns))
        self._running.forget()
        self._last_profile, self._narrow = note.last_profile, note.narrow
        self._held = Held(rules, program, note.found, frozenset(), note.unshadowed, note.totals)
        self._do(self._moves.no_changed_places(len(program.report)))
        return True

    def keep(self, kept: KeptEvaluations, *, anew: bool) -> None:
        """Keep the evaluation as it is, if it can serve others and, unless `anew`, is not kept."""
        held = self._held
        if held is None or held.excused or any(step.rule not in held.found for step in held.program.steps):
            return
        if not anew and kept.has(held.rules):
            return
        if held.totals is None:
            self._ledger(held.program, False)
            held = self._held
            assert held is not None and held.totals is not None
        note = EvaluationNote(self._last_profile, self._narrow, held.found, held.totals or {}, held.unshadowed)
        kept.keep(held.rules, (*held.program.values, *held.program.marks), note)

    # A first rule set, or one with other definitions.

    def _run_all(
        self, rules: RuleSet, program: Program, stepper: Stepper, noticing: Noticing | None, tell: Tell
    ) -> int:
        self._held = None
        self._do(self._queries.fixed(program, self._field_columns))
        self._running.forget()
        stepper.last_profile = self._do(self._queries.first_profiles(program.values, program.marks))
        self._do(self._queries.first_items(len(self._amounts)))
        self._connection.execute(self._queries.all_items(None))
        stepper.narrow = self._narrow = bool(self._rows(self._steps.are_narrow(len(self._amounts)))[0][0])
        ran = self._running.run(program, stepper, {step.number for step in program.steps}, tell)
        tell("adding up", len(ran))
        self._last_profile = stepper.last_profile
        self._check_steps(program, None)
        self._check_bill()
        self._do(self._queries.first_sums(self._shown(program)))
        found = _found(noticing, program.steps, {})
        self._held = Held(rules, program, found, frozenset(stepper.excused), frozenset(found))
        return len(ran)

    # A rule set with the definitions of the one before.

    def _move(
        self, held: Held, rules: RuleSet, program: Program, stepper: Stepper, noticing: Noticing | None, tell: Tell
    ) -> int:
        again = {
            step.number
            for step in program.steps
            if step.rule in held.excused or (noticing is not None and step.rule not in held.found)
        }
        if held.program is program and not again:
            return 0
        self._held = None
        must = again | self._carry(held, rules, program, again)
        before = self._last_profile
        ran = self._running.run(program, stepper, must, tell)
        tell("adding up", len(ran))
        self._last_profile = stepper.last_profile
        self._check_steps(program, sorted(ran))
        self._check_difference()
        if held.totals is not None:
            self._do(self._moves.more_changed_places(program))
        rerun = {step.rule for step in program.steps if step.number in ran}
        near = {step_of(part) for (part,) in self._rows(self._moves.parts_that_differ())} if noticing else set()
        self._do(self._moves.drop_gone())
        self._do(self._queries.more_sums(self._shown(program)), before)
        kept = {rule: each for rule, each in held.found.items() if rule not in rerun}
        found = _found(noticing, program.steps, kept)
        excused = {step.rule for step in program.steps if step.rule in held.excused} - rerun
        unshadowed = held.unshadowed | rerun | {step.rule for step in program.steps if step.number in near}
        self._held = Held(
            rules, program, found, frozenset(excused | stepper.excused), unshadowed & frozenset(found), held.totals
        )
        return len(ran)

    def _all_found(self, program: Program, noticing: Noticing) -> Mapping[str, Found]:
        """What was found of every rule, with what earlier ones have allocated of what it matches."""
        held = self._held
        assert held is not None
        taken = {rule: each.taken for rule, each in held.found.items() if each.taken is not None}
        if held.unshadowed:
            self._running.waves(program)
        shadows = noticing.shadows([step for step in program.steps if step.rule in held.unshadowed], taken)
        told = {
            rule: replace(held.found[rule], notices=with_shadows(held.found[rule].notices, each))
            for rule, each in shadows.items()
        }
        self._held = replace(held, found={**held.found, **told}, unshadowed=frozenset())
        return self._held.found

    def _carry(self, held: Held, rules: RuleSet, program: Program, again: set[int]) -> set[int]:
        """Make the profiles before those of the new program; gives the steps that cannot stay as they were."""
        moves, old = self._moves, held.program
        line = timeline(old.steps, program.steps)
        must = changed_steps(held.rules, rules, old, program, line.stayed)
        self._do(moves.times(), list(line.times), list(line.times.values()))
        if (old.layers, old.slots, old.running) == (program.layers, program.slots, program.running):
            self._do(moves.carried_alike((*program.values, *program.marks)))
        else:
            self._do(self._queries.fixed(program, self._field_columns))
            self._running.forget()
            self._do(moves.carried(program.values, program.marks, slots_before(old, program), old.values))
            # A source in another order gives its residues to other rows.
            disordered = self._rows(moves.disordered(program, old.values))
            must |= {time // 2 for (time,) in disordered if time % 2 == 0}
        self._do(moves.moved_profiles((*program.values, *program.marks)), sorted(must | again))
        return must

    # Checks.

    def _check_steps(self, program: Program, only: Sequence[int] | None) -> None:
        """Raise ConservationError where a step, of some or of all, took what it did not make."""
        statement = self._queries.imbalances(len(self._amounts), only is not None)
        for step, month, day, currency in self._rows(statement, *([list(only)] if only is not None else [])):
            rule = program.steps[step - 1].rule
            raise _not_conserved(f"allocation {rule} changed the sum of cost on {_when(month, day, currency)}")

    def _check_bill(self) -> None:
        for month, day, currency in self._rows(self._queries.difference_from_bill(len(self._amounts))):
            raise _not_conserved(f"the allocated cost of {_when(month, day, currency)} differs from the bill's")

    def _check_difference(self) -> None:
        """Raise ConservationError where what only one of two rule sets has does not add up to the same."""
        self._do(self._moves.differing())
        for month, day, currency in self._rows(self._moves.difference(len(self._amounts))):
            raise _not_conserved(f"the allocated cost of {_when(month, day, currency)} differs from what it was")

    # Results.

    def _money(self, program: Program, after: Sequence[int]) -> MoneySteps:
        moved = (
            (step, (dimension, value, currency), int(amount))
            for place, (dimension, _) in enumerate(program.report)
            for step, value, currency, amount in self._rows(self._queries.money_of_dimension(place))
        )
        return money_steps(moved, len(program.steps), after)

    def _month_money(self, program: Program, months: tuple[str, ...], after: int) -> dict[str, Money]:
        money: dict[str, Money] = {month: {} for month in months}
        for place, (dimension, _) in enumerate(program.report if months else ()):
            rows = self._rows(self._queries.money_of_months(program, place, months), after)
            for month, value, currency, amount in rows:
                money[month][dimension, value, currency] = int(amount)
        return money

    def _ledger(
        self, program: Program, want_rows: bool | Callable[[LedgerFacts], bool]
    ) -> tuple[LedgerFacts, Ledger | None]:
        held = self._held
        assert held is not None
        renewed = "changed_places" if held.totals is not None else None
        make_place_digests(self._connection, program, self._costs, renewed)
        facts = ledger_facts(self._connection, program, self._costs)
        if held.totals is not None:
            # Only some places were looked at, and no step changes a total.
            facts = replace(facts, totals=held.totals)
        self._held = replace(held, totals=facts.totals)
        self._do(self._moves.no_changed_places(len(program.report)))
        if not (want_rows(facts) if callable(want_rows) else want_rows):
            return facts, None
        return facts, read_ledger(self._connection, program, self._costs, is_made=renewed is None)


def _found(noticing: Noticing | None, steps: Sequence[Step], kept: Mapping[str, Found]) -> dict[str, Found]:
    """What was found of all steps, of which those in `kept` did not run, but for what `shadows` tells."""
    if noticing is None:
        return {step.rule: kept[step.rule] for step in steps if step.rule in kept}
    return {
        step.rule: kept.get(step.rule, Found(noticing.notices_of(step.rule), noticing.taken_by_rule.get(step.rule)))
        for step in steps
    }


def _when(month: Any, day: object, currency: str) -> str:
    return f"{day} (billing month {month:%Y-%m}, {currency})"


def _not_conserved(what: str) -> ConservationError:
    return ConservationError(
        f"{what}; nothing was written", hint="this is a defect of costops: please report it with the rule"
    )
