"""What entries and report dimensions of one stored version are called in others, over all the versions between.

Invariant: an entry is followed from version to version, so that an id that was free for a while and came back is not
taken for the one it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from costops.model.rules import Allocation, Dimension, Label, Method, Metric, RuleSet
from costops.model.version import Version
from costops.planning.renames import SECTIONS, Names, Renames, declared_renames, settled
from costops.state.sums import BUILT_IN


def outline(version: Version) -> RuleSet:
    """The entries of a version with what names and renames need: ids, whether enabled, and ids they had before."""
    made: dict[str, list[Label | Dimension | Metric | Allocation]] = {section: [] for section in SECTIONS}
    sections = {kind: section for section, kind in SECTIONS.items()}
    for each in version.draft.rules:
        if each.kind in sections:
            made[sections[each.kind]].append(_bare(each.kind, json.loads(each.canonical)))
    return RuleSet(**{section: tuple(entries) for section, entries in made.items()})  # type: ignore[arg-type]


def _bare(kind: str, written: dict[str, object]) -> Label | Dimension | Metric | Allocation:
    identity, enabled = str(written["id"]), written.get("enabled", True) is True
    before = written.get("renamed_from")
    ids = tuple(str(each) for each in before) if isinstance(before, list) else ()
    match kind:
        case "label":
            return Label(id=identity, enabled=enabled, renamed_from=ids, sources=())
        case "dimension":
            return Dimension(id=identity, enabled=enabled, renamed_from=ids)
        case "metric":
            return Metric(id=identity, enabled=enabled, renamed_from=ids, source="", query="")
    return Allocation(id=identity, enabled=enabled, renamed_from=ids, method=Method.EVEN, to=(), into=())


def renames_along(rule_sets: Sequence[RuleSet], *, back: bool = False) -> Iterator[Renames]:
    """What entries of the first rule set are called in the second, the third and so on.

    Each declares what it renamed since the one before; `back`: they go back in time, from a newer one to older ones.
    """
    now = {(kind, each.id): each.id for section, kind in SECTIONS.items() for each in getattr(rule_sets[0], section)}
    for one, other in pairwise(rule_sets):
        renames = turned(declared_renames(other, one)) if back else declared_renames(one, other)
        known = {(kind, each.id) for section, kind in SECTIONS.items() for each in getattr(other, section)}
        moved = {key: renames.get((key[0], identity), identity) for key, identity in now.items()}
        now = {key: identity for key, identity in moved.items() if (key[0], identity) in known}
        yield {key: identity for key, identity in now.items() if key[1] != identity}


def turned(renames: Renames) -> Renames:
    """The same renames from the newer rule set to the older one."""
    return {(kind, after): before for (kind, before), after in renames.items()}


def without_collisions(renames: Renames, rules: RuleSet) -> Renames:
    """Renames of `rules` without those to an id that another of its entries keeps."""
    free: dict[tuple[str, str], str] = {}
    for section, kind in SECTIONS.items():
        of_kind = {before: after for (each, before), after in renames.items() if each == kind}
        kept = settled(of_kind, [each.id for each in getattr(rules, section)], ())
        free.update({(kind, before): after for before, after in kept.items()})
    return free


def names_of_version(
    asked: Sequence[str], version: Version, versions: Callable[[], Sequence[Version]], rules: RuleSet
) -> tuple[str, ...]:
    """Each asked name as the version's report has it: its own, or one that a dimension got later or had before.

    `versions` are all of the state, the newest first, and `rules` those of the files, which come after them. A name
    that leads to no dimension of the version stays as it is; later names win over earlier ones, and the nearest first.
    """
    dimensions = version.draft.dimensions
    if all(each in dimensions or each in BUILT_IN for each in asked):
        return tuple(asked)
    outlines = {each.number: outline(each) for each in versions()}
    order = sorted(outlines)
    place = order.index(version.number)
    later = [*(outlines[each] for each in order[place:]), rules]
    earlier = [outlines[each] for each in reversed(order[: place + 1])]
    known = {each: each for each in dimensions}
    for renames in (*renames_along(later), *renames_along(earlier, back=True)):
        names = Names(outlines[version.number], renames)
        for each in dimensions if renames else ():
            known.setdefault(names.name(each), each)
    return tuple(known.get(each, each) for each in asked)
