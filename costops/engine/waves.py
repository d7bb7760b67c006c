"""Which steps can run together: those that cannot feed one another are a wave, and those of one shape in it a batch.

Invariant: a step is in a later wave than every earlier step that may take or make something that it reads; where that
cannot be decided here, the earlier one may. What steps of one wave take is disjoint.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from costops.engine.ir import Step, mark_of
from costops.engine.touching import BASIS, SOURCE, Possible, holds, part_of, reads_basis
from costops.model.expression import Call, Column, Expression, Literal

_ANY = Literal(True)


@dataclass(frozen=True, slots=True)
class Batch:
    """Steps that run as one set of queries."""

    steps: tuple[Step, ...]
    """In order; alike but for their numbers, conditions and elements."""
    bases: tuple[tuple[int, ...], ...]
    """Numbers of those that find the same basis in the running ledger."""


@dataclass(frozen=True, slots=True)
class _Effect:
    """What a step takes or makes, as far as it is known before it runs."""

    reach: int
    values: Possible


@dataclass(frozen=True, slots=True)
class _Read:
    """What a step looks at."""

    reach: int
    condition: Expression
    limits: Possible


class Waves:
    """The waves of a program's steps.

    `reach` says for each part of `engine.touching` which classes of field values it may hold for, one bit for each.
    """

    def __init__(self, steps: Sequence[Step], reach: Mapping[int, int]) -> None:
        self._steps = steps
        self._effects = [_effects(step, reach[part_of(step.number, SOURCE)]) for step in steps]
        self._bases = {
            step.number: _Read(reach[part_of(step.number, BASIS)], step.basis, {})
            for step in steps
            if reads_basis(step)
        }
        self._waves = self._found(reach)

    def __iter__(self) -> Iterator[Sequence[Step]]:
        return iter(self._waves)

    def batches(self, steps: Iterable[Step]) -> list[Batch]:
        """Steps of one wave by what they have in common, in the order of the first of each."""
        alike: dict[Step, list[Step]] = {}
        for step in steps:
            alike.setdefault(_common(step), []).append(step)
        return [Batch(tuple(each), self._same_bases(each)) for each in alike.values()]

    def _found(self, reach: Mapping[int, int]) -> list[list[Step]]:
        waves: list[list[Step]] = []
        for step in self._steps:
            reads = [_Read(reach[part_of(step.number, SOURCE)], step.source, {})]
            if step.number in self._bases:
                limits = _known(step.source)
                in_parts = {slot: limits[slot] for slot in step.partition if slot in limits}
                reads.append(replace(self._bases[step.number], limits=in_parts))
            wave = len(waves)
            while wave and not self._feed(waves[wave - 1], reads):
                wave -= 1
            if wave == len(waves):
                waves.append([])
            waves[wave].append(step)
        return waves

    def _feed(self, earlier: Iterable[Step], reads: Sequence[_Read]) -> bool:
        """Whether one of some earlier steps may take or make something that is read."""
        for step in earlier:
            effects = self._effects[step.number - 1]
            for read in reads:
                # Most steps share no class of field values.
                if effects[0].reach & read.reach and any(_meet(effect, read) for effect in effects):
                    return True
        return False

    def _same_bases(self, steps: Sequence[Step]) -> tuple[tuple[int, ...], ...]:
        groups: dict[tuple[object, ...], list[list[int]]] = {}
        for step in steps:
            whole = step.effective == (None, None) and not step.include_source
            key = (step.basis, step.excluded, step.basis_from, step.direct_source, None if whole else step.number)
            known = groups.setdefault(key, [])
            if known and not self._moves_between(known[-1][-1], step):
                known[-1].append(step.number)
            else:
                known.append([step.number])
        return tuple(sorted(tuple(each) for known in groups.values() for each in known))

    def _moves_between(self, first: int, step: Step) -> bool:
        """Whether a step behind one, up to another, may change the basis of that other."""
        read = self._bases.get(step.number)
        return read is not None and self._feed(self._steps[first : step.number], [read])


def _common(step: Step) -> Step:
    """What steps of a batch have in common; steps that cannot share one keep their number."""
    folds = step.cutoff is not None and step.cutoff.element is not None
    alone = folds or step.on_empty == "previous" or len(step.metrics) > 1
    return replace(
        step,
        number=step.number if alone else 0,
        rule="",
        source=_ANY,
        matched=_ANY,
        rivals=(),
        given=step.given[:1] and (((), 1),),
        stays=0,
        excluded=(),
        basis=_ANY,
        basis_from="",
        include_source=False,
        direct_source=_ANY,
        metrics=(),
    )


def _effects(step: Step, reach: int) -> tuple[_Effect, _Effect]:
    """What a step takes, with what stays as it was, and what its elements get."""
    taken = _known(step.source)
    made = {name: values for name, values in taken.items() if name not in step.into}
    given = [element for element, _ in step.given]
    if given:
        if step.cutoff is not None and step.cutoff.element is not None:
            given.append(step.cutoff.element)
        made |= {slot: frozenset(element[place] for element in given) for place, slot in enumerate(step.into)}
    made |= {mark_of(slot): frozenset({True}) for slot in step.into}
    return _Effect(reach, taken), _Effect(reach, made)


def _meet(effect: _Effect, read: _Read) -> bool:
    for name, values in read.limits.items():
        if name in effect.values and not values & effect.values[name]:
            return False
    return holds(read.condition, effect.values) is not False


def _known(condition: Expression) -> dict[str, frozenset[str | bool | None]]:
    """Which values names can have where a condition holds, for names of which it says so."""
    match condition:
        case Call("and", arguments):
            found: dict[str, frozenset[str | bool | None]] = {}
            for each in arguments:
                for name, values in _known(each).items():
                    found[name] = found[name] & values if name in found else values
            return found
        case Call("or", arguments) if arguments:
            every = [_known(each) for each in arguments]
            names = set.intersection(*(set(each) for each in every))
            return {name: frozenset().union(*(each[name] for each in every)) for name in names}
        case Call("not", (Call("or", arguments),)) if _are_columns(arguments):
            return {each.name: frozenset({False}) for each in arguments if isinstance(each, Column)}
        case Call("is_missing", (Column(name),)):
            return {name: frozenset({None})}
        case Call("in", (Column(name), *options)):
            texts = [each.value for each in options if isinstance(each, Literal) and isinstance(each.value, str)]
            return {name: frozenset(texts)} if len(texts) == len(options) else {}
        case Column(name):
            return {name: frozenset({True})}
    return {}


def _are_columns(arguments: Collection[Expression]) -> bool:
    return all(isinstance(each, Column) for each in arguments)
