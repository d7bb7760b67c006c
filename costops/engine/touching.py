"""Which steps the difference between two rule sets touches, told as the difference grows.

Invariant: a step is told whenever a profile that differs may belong to its source or its basis while it lives in one of
the two rule sets alone; where a condition cannot be decided here, it counts as held.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from costops.engine.ir import TRUTH, Step
from costops.model.expression import Call, Column, Expression, Literal, call, columns_in

Possible = Mapping[str, frozenset[str | bool | None]]
"""By slot, mark or PATH what it may be; what is not named may be anything."""

SOURCE, BASIS = 0, 1


def part_of(step: int, kind: int) -> int:
    """The number of a part of a step that reads profiles: of its SOURCE or its BASIS."""
    return 2 * step + kind


def step_of(part: int) -> int:
    """The number of the step of a part."""
    return part // 2


def reads_basis(step: Step) -> bool:
    """Whether a step is weighed by the running ledger."""
    return step.needs_basis and not step.metrics and step.basis_from != "direct"


def parts_of(steps: Iterable[Step]) -> Iterator[tuple[int, Expression]]:
    """The parts of steps with their conditions over slots, marks and the path."""
    for step in steps:
        yield part_of(step.number, SOURCE), step.source
        if reads_basis(step):
            yield part_of(step.number, BASIS), step.basis


def bounds_of(steps: Sequence[Step]) -> Iterator[tuple[int, Expression]]:
    """What fixed truth values alone say of the parts of steps.

    A source counts with all that it would match if earlier steps had allocated nothing, or something, of it.
    """
    matching = {part_of(step.number, SOURCE): step.matched for step in steps}
    for part, condition in parts_of(steps):
        yield part, bound(matching.get(part, condition))


@dataclass(frozen=True, slots=True)
class Differing:
    """A profile that differs, with its lives in times: twice the numbers of the new steps."""

    profile: int
    values: Mapping[str, str | bool | None]
    """Of its slots, its marks and its path."""
    was: tuple[int | None, int | None]
    """Made and taken in the rule set before; None: not (yet)."""
    now: tuple[int | None, int | None]
    parts: Sequence[int]
    """Parts that may hold for it, as far as its fixed values say."""


class Touches:
    """Steps that are touched through some of their parts, of those that wait to be looked at."""

    def __init__(self, conditions: Iterable[tuple[int, Expression]]) -> None:
        self._conditions = {part: (each, tuple(columns_in(each))) for part, each in conditions}
        self._known: dict[tuple[object, ...], bool] = {}
        """Whether a part may hold, by its number and the values that its condition reads."""
        self._touching: dict[int, set[int]] = {}
        self._touched: dict[int, list[int]] = {}

    def forget(self, steps: Iterable[int]) -> None:
        """Steps that nobody asks for any more."""
        for step in steps:
            for kind in (SOURCE, BASIS):
                self._conditions.pop(part_of(step, kind), None)

    def add(self, differing: Iterable[Differing]) -> None:
        """Profiles that differ; one that is known already has other lives now."""
        for each in differing:
            for step in self._touched.pop(each.profile, ()):
                self._touching[step].discard(each.profile)
            steps = list(dict.fromkeys(step_of(part) for part in each.parts if self._is_touched(part, each)))
            if steps:
                self._touched[each.profile] = steps
            for step in steps:
                self._touching.setdefault(step, set()).add(each.profile)

    def __contains__(self, step: int) -> bool:
        return bool(self._touching.get(step))

    def _is_touched(self, part: int, each: Differing) -> bool:
        found = self._conditions.get(part)
        if found is None:
            return False
        time = 2 * step_of(part)
        if _lives(each.was, time) == _lives(each.now, time):
            return False
        condition, names = found
        key = (part, *(each.values.get(name) for name in names))
        known = self._known.get(key)
        if known is None:
            possible = {name: frozenset((each.values[name],)) for name in names if name in each.values}
            known = self._known[key] = holds(condition, possible) is not False
        return known


def _lives(life: tuple[int | None, int | None], time: int) -> bool:
    made, taken = life
    return made is not None and made < time and (taken is None or taken >= time)


def bound(condition: Expression, *, upper: bool = True) -> Expression:
    """What fixed truth values alone say of a condition: it holds at most where this does, or at least."""
    match condition:
        case Literal(bool()):
            return condition
        case Column(name) if name.startswith(TRUTH):
            return condition
        case Call("and" | "or" as operation, arguments):
            return call(operation, *(bound(each, upper=upper) for each in arguments))
        case Call("not", (argument,)):
            return call("not", bound(argument, upper=not upper))
    return Literal(upper)


def holds(condition: Expression, values: Possible) -> bool | None:
    """Whether a condition holds for what values may be; None where that cannot be decided here."""
    match condition:
        case Literal(bool() as value):
            return value
        case Call("and", arguments):
            return _all(holds(each, values) for each in arguments)
        case Call("or", arguments):
            return _negated(_all(_negated(holds(each, values)) for each in arguments))
        case Call("not", (argument,)):
            return _negated(holds(argument, values))
        case Column(name) if name in values:
            return _every(value is True for value in values[name])
        case Call("is_missing", (Column(name),)) if name in values:
            return _every(value is None for value in values[name])
        case Call("in", (Column(name), *options)) if name in values:
            texts = [each.value for each in options if isinstance(each, Literal)]
            return _every(value in texts for value in values[name]) if len(texts) == len(options) else None
        case Call("contains", (Column(name), Literal(str() as text))) if name in values:
            return _every(isinstance(value, str) and text in value for value in values[name])
    return None


def _every(known: Iterable[bool]) -> bool | None:
    """What all agree on."""
    found = set(known)
    return found.pop() if len(found) == 1 else None


def _all(parts: Iterable[bool | None]) -> bool | None:
    result: bool | None = True
    for part in parts:
        if part is False:
            return False
        if part is None:
            result = None
    return result


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value
