"""Runs those steps of a program that must run, wave by wave, and those that their difference touches.

Invariant: when a step's wave begins, everything that may feed it is as it will be in the end; so a step that nothing
has touched by then stays as it was.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from costops.engine.ir import PATH, Program, Step
from costops.engine.stepping import Stepper, do
from costops.engine.touching import Differing, Touches, bounds_of, parts_of
from costops.engine.waves import Batch, Waves
from costops.model.expression import Expression

if TYPE_CHECKING:
    import duckdb

Tell = Callable[[str, int], None]
"""Hears what is being done and how many rules are done."""

_Parts = tuple[tuple[int, Expression], ...]
"""What fixed values alone say of parts of steps."""

_NAMED = 3
"""How many rules of a batch are named while it runs."""


class Running:
    """A connection's profiles, on which the waves of one program after the other run."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        # sqlglot costs 110 ms to import.
        from costops.engine.sql import moving, steps

        self._moves = moving
        self._steps = steps
        self._connection = connection
        self._known: tuple[_Parts, Mapping[int, int], tuple[Step, ...], Waves] | None = None
        """What made `candidates`, their reach, and the steps of which the waves are known."""

    def forget(self) -> None:
        """Fixed values are others now."""
        self._known = None

    def run(self, program: Program, stepper: Stepper, must: set[int], tell: Tell) -> set[int]:
        """Run those steps that must run, and those that they touch; gives their numbers."""
        count = len(program.steps)
        stepper.begin()
        waves = self.waves(program)
        touches = Touches(parts_of(step for step in program.steps if step.number not in must))
        some_may_stay = len(must) < count
        if some_may_stay:
            touches.add(self._differing(program, None))
        ran: set[int] = set()
        for wave in waves:
            touched = [step.number for step in wave if step.number not in must and step.number in touches]
            now = [step for step in wave if step.number in must or step.number in touched]
            if touched:
                do(self._connection, self._steps.revoke(), touched)
            for batch in waves.batches(now):
                tell(_words(batch, len(ran), count), len(ran))
                stepper.run(batch)
                ran.update(step.number for step in batch.steps)
            touches.forget(step.number for step in wave)
            if now and some_may_stay:
                touches.add(self._differing(program, [step.number for step in now]))
        return ran

    def waves(self, program: Program) -> Waves:
        """The program's waves, from which parts of steps may hold for each tuple."""
        parts = tuple(bounds_of(program.steps))
        if self._known is not None and self._known[0] == parts:
            _, reach, known, waves = self._known
            if known == program.steps:
                return waves
        else:
            do(self._connection, self._moves.candidates(parts))
            reach = _reach(self._connection.execute(self._moves.reach()).fetchall())
        waves = Waves(program.steps, reach)
        self._known = parts, reach, program.steps, waves
        return waves

    def _differing(self, program: Program, steps: Sequence[int] | None) -> Iterator[Differing]:
        """Profiles that differ, all of them or those that some steps have made or taken, now or before."""
        names = (*program.values, *program.marks, PATH)
        query = self._moves.differing_profiles(names, steps is not None)
        rows = self._connection.execute(query, [steps] if steps is not None else []).fetchall()
        for profile, old_made, old_taken, made, taken, parts, *own in rows:
            yield Differing(
                profile,
                dict(zip(names, own, strict=True)),
                was=(old_made, old_taken),
                now=(None if made is None else 2 * made, None if taken is None else 2 * taken),
                parts=parts,
            )


def _reach(classes: Sequence[tuple[Sequence[int]]]) -> dict[int, int]:
    """For each part one bit for each class of field values that it may hold for."""
    reach: dict[int, int] = defaultdict(int)
    for place, (parts,) in enumerate(classes):
        for part in parts:
            reach[part] |= 1 << place
    return reach


def _words(batch: Batch, done: int, count: int) -> str:
    """What is being evaluated, of `count` rules."""
    rules = [step.rule for step in batch.steps]
    if len(rules) == 1:
        return f"evaluating rule {done + 1} of {count} ({rules[0]})"
    more = f", {len(rules) - _NAMED} more" if len(rules) > _NAMED else ""
    return f"evaluating rules {done + 1} to {done + len(rules)} of {count} ({', '.join(rules[:_NAMED])}{more})"
