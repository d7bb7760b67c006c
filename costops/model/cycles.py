"""In which order dimensions are computed, and where they form a cycle.

Invariant: the order depends on what dimensions read and on their place alone.
"""

from __future__ import annotations

from collections.abc import Iterator

from costops.model.conditions import tests_in
from costops.model.rules import Dimension, RuleSet


def names_read(dimension: Dimension) -> Iterator[tuple[str, str, bool]]:
    """(name, path, whether a condition names it) of everything the rules of a dimension read."""
    for index, rule in enumerate(dimension.rules):
        for name, sources in (("from", rule.sources), ("concat", rule.concat)):
            for position, source in enumerate(sources):
                yield source.field, f"rules[{index}].{name}[{position}]", False
        for test in tests_in(rule.where):
            yield test.field, f"rules[{index}].where", True


def dependencies(rules: RuleSet, dimension: Dimension) -> tuple[str, ...]:
    """Ids of the dimensions that a dimension reads, each once, in the order in which its rules name them."""
    meanings = (rules.resolve(name, inside=dimension.id) for name, _, _ in names_read(dimension))
    return tuple(dict.fromkeys(each.name for each in meanings if each.kind == "dimension"))


def dimension_order(rules: RuleSet) -> tuple[Dimension, ...]:
    """Enabled dimensions, each after those it reads, ties by place; raises ValueError on a cycle."""
    waiting = [each for each in rules.dimensions if each.enabled]
    needs = {each.id: set(dependencies(rules, each)) for each in waiting}
    done: dict[str, Dimension] = {}
    while waiting:
        ready = next((each for each in waiting if needs[each.id] <= done.keys()), None)
        if ready is None:
            raise ValueError(f"dimension cycle: {' -> '.join(dimension_cycles(rules)[0])}")
        done[ready.id] = ready
        waiting.remove(ready)
    return tuple(done.values())


def dimension_cycles(rules: RuleSet) -> tuple[tuple[str, ...], ...]:
    """The cycles among enabled dimensions, each once, as ids back to its first dimension: ("a", "b", "a")."""
    enabled = [each for each in rules.dimensions if each.enabled]
    needs = {each.id: dependencies(rules, each) for each in enabled}
    place = {each.id: index for index, each in enumerate(enabled)}
    cycles: dict[tuple[str, ...], None] = {}
    finished: set[str] = set()
    for start in needs:
        path: dict[str, Iterator[str]] = {} if start in finished else {start: iter(needs[start])}
        while path:
            name = next(reversed(path))
            following = next(path[name], None)
            if following is None:
                finished.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                cycles[_from_first(names[names.index(following) :], place)] = None
            elif following not in finished:
                path[following] = iter(needs[following])
    return tuple(cycles)


def _from_first(cycle: list[str], place: dict[str, int]) -> tuple[str, ...]:
    first = min(range(len(cycle)), key=lambda index: place[cycle[index]])
    return (*cycle[first:], *cycle[:first], cycle[first])
