"""Which steps the difference between two rule sets touches, told as the difference grows.

Invariant: a step is told whenever a profile that differs may belong to its source or its basis while it lives in one of
the two rule sets alone; where a condition cannot be decided here, it counts as held.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from costops.engine.ir import TRUTH, Step
from costops.model.expression import Call, Column, Expression, Literal, call


@dataclass(frozen=True, slots=True)
class Differing:
    """A profile that differs, with its lives in times: twice the numbers of the new steps."""

    profile: int
    values: Mapping[str, str | None]
    """By slot; and its path."""
    was: tuple[int | None, int | None]
    """Made and taken in the rule set before; None: not (yet)."""
    now: tuple[int | None, int | None]
    parts: Sequence[int]
    """Numbers of the conditions that may hold for it, as far as its fixed values say."""


class Touches:
    """Steps that are touched, of those that may stay as they were."""

    def __init__(self, steps: Sequence[Step], changed: Collection[int], silent: Collection[int]) -> None:
        self._conditions = dict(conditions_of([step for step in steps if step.number not in changed]))
        self._silent = frozenset(silent)
        self._touching: dict[int, set[int]] = {}
        self._touched: dict[int, list[int]] = {}

    def add(self, differing: Sequence[Differing]) -> None:
        """Profiles that differ since the last step; one that is known already has other lives now."""
        for each in differing:
            for step in self._touched.pop(each.profile, ()):
                self._touching[step].discard(each.profile)
            steps = list(dict.fromkeys(step_of(part) for part in each.parts if self._is_touched(part, each)))
            self._touched[each.profile] = steps
            for step in steps:
                self._touching.setdefault(step, set()).add(each.profile)

    def first_behind(self, step: int) -> int | None:
        """The first touched step behind one."""
        return min((each for each, profiles in self._touching.items() if each > step and profiles), default=None)

    def _is_touched(self, part: int, each: Differing) -> bool:
        if part not in self._conditions:
            return False
        step = step_of(part)
        # What a rule that takes nothing tells depends on who took it instead.
        from_bill = each.now[0] == 0 and step in self._silent
        if not from_bill and _lives(each.was, 2 * step) == _lives(each.now, 2 * step):
            return False
        return holds(self._conditions[part], each.values) is not False


def _lives(life: tuple[int | None, int | None], time: int) -> bool:
    made, taken = life
    return made is not None and made < time and (taken is None or taken >= time)


def conditions_of(steps: Sequence[Step]) -> Iterator[tuple[int, Expression]]:
    """What profiles of the steps' sources and bases have in common, over slots and the path; each with a number."""
    for step in steps:
        # What an earlier rule has allocated of the source is told too, so that the source counts without regard to it.
        yield 2 * step.number, step.matched
        from_costs = step.needs_basis and not step.metrics
        if from_costs and (step.basis_from != "direct" or step.include_source):
            yield 2 * step.number + 1, step.basis


def step_of(part: int) -> int:
    """The number of the step of a condition."""
    return part // 2


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


def holds(condition: Expression, values: Mapping[str, str | None]) -> bool | None:
    """Whether a condition holds for a profile's values; None where that cannot be decided here."""
    match condition:
        case Literal(bool() as value):
            return value
        case Call("and", arguments):
            return _all([holds(each, values) for each in arguments])
        case Call("or", arguments):
            return _negated(_all([_negated(holds(each, values)) for each in arguments]))
        case Call("not", (argument,)):
            return _negated(holds(argument, values))
        case Call("is_missing", (Column(name),)) if name in values:
            return values[name] is None
        case Call("in", (Column(name), *options)) if name in values:
            texts = [each.value for each in options if isinstance(each, Literal)]
            return values[name] in texts if len(texts) == len(options) else None
        case Call("contains", (Column(name), Literal(str() as text))) if name in values:
            held = values[name]
            return held is not None and text in held
    return None


def _all(parts: Sequence[bool | None]) -> bool | None:
    if False in parts:
        return False
    return None if None in parts else True


def _negated(value: bool | None) -> bool | None:
    return None if value is None else not value
