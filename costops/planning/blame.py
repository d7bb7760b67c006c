"""Which versions and rules moved the cost of an element, read off what the versions keep.

Invariant: nothing is evaluated; a dimension that was renamed is followed from version to version, and an id that was
free for a while and came back is not taken for the one it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from costops.errors import UsageError
from costops.language.nearness import did_you_mean
from costops.model.blame import Blame, BlameCost, BlamePart, BlameStep
from costops.model.rules import RuleSet
from costops.model.version import Version
from costops.planning.lineage import names_of_version, outline, renames_along
from costops.planning.renames import NAMED, Names

if TYPE_CHECKING:
    from costops.model.record import RecordedChange
    from costops.state.reader import StateReader

SHOWN_ELEMENTS = 10
"""How many elements an error lists where none is near."""


def make_blame(reader: StateReader, dimension: str, value: str | None, rules: RuleSet) -> Blame:
    """The history of an element, None being unallocated; `rules` are those of the files, which may have other names.

    Raises UsageError for a dimension that no version reports and for an element that never had cost.
    """
    versions = reader.versions() or (reader.version(),)  # which says that there is none
    names = _names(dimension, versions, rules)
    if not names:
        known = list(dict.fromkeys(name for each in versions for name in each.draft.dimensions))
        hint = f"The versions report by: {', '.join(known)}."
        raise UsageError(f"No version reports by {dimension!r}.", hint=did_you_mean(dimension, known, hint))
    reported = [each for each in versions if each.number in names]
    by_number = {each.number: each for each in reported}
    steps = tuple([_step(reader, each, by_number.get(each.number - 1), names, value) for each in reported])
    if not any(step.costs or step.parts for step in steps):
        raise _never_had_cost(reader, reported[0], names[reported[0].number], value)
    return Blame(dimension=dimension, value=value, steps=steps)


def _names(asked: str, versions: Sequence[Version], rules: RuleSet) -> dict[int, str]:
    """Number of each version that reports the dimension to the name that it has there."""
    # The newest version knows every name that the dimension ever had; one that it does not report has its own names.
    (current,) = names_of_version((asked,), versions[0], lambda: versions, rules)
    called = [current, *[asked] * (len(versions) - 1)]
    found = (pair for pair in enumerate(called) if pair[1] in versions[pair[0]].draft.dimensions)
    start = next(found, None)
    if start is None:
        return {}
    place, name = start
    names = {versions[place].number: name}
    for newer, older in pairwise(versions[place:]):
        if newer.draft.rules_digest != older.draft.rules_digest:
            before = _name_before(name, outline(newer), outline(older))
            if before is None:
                break
            name = before
        names[older.number] = name
    return {each.number: names[each.number] for each in versions if names.get(each.number) in each.draft.dimensions}


def _name_before(name: str, newer: RuleSet, older: RuleSet) -> str | None:
    """What a name of one version means in the version before; None where nothing of that meaning was there."""
    (renames,) = renames_along((newer, older), back=True)
    before = Names(newer, renames).name(name)
    is_entry = newer.resolve(name).kind in NAMED
    return before if (older.resolve(before).kind in NAMED) == is_entry else None


def _step(
    reader: StateReader, version: Version, previous: Version | None, names: dict[int, str], value: str | None
) -> BlameStep:
    cost, number = version.draft.cost, version.number
    after = reader.element_costs(number, names[number], value, cost)
    before: dict[str, int] | None = {} if number == 1 else None
    if previous is not None and cost in previous.draft.cost_columns:
        before = reader.element_costs(previous.number, names[previous.number], value, cost)
    changes = reader.changes_of_element(number, names[number], value)
    return BlameStep(
        version=version,
        dimension=names[number],
        costs=tuple(
            BlameCost(currency, None if before is None else before.get(currency, 0), after.get(currency, 0))
            for currency in sorted({*after, *(before or {})})
        ),
        parts=None if changes is None else tuple(part for each in changes for part in _parts(each)),
    )


def _parts(change: RecordedChange) -> list[BlamePart]:
    bare = replace(change, money=())
    return [BlamePart(bare, each.cause, each.rule, each.currency, each.amount) for each in change.money]


def _never_had_cost(reader: StateReader, version: Version, name: str, value: str | None) -> UsageError:
    if value is None:
        return UsageError(f"No cost was ever unallocated by {name!r}.", hint="Name an element.")
    found = [values[0] for values, _, _ in reader.sums(version.number, (name,)).rows]
    elements = sorted({each for each in found if each is not None})
    more = f" and {len(elements) - SHOWN_ELEMENTS:,} more" if len(elements) > SHOWN_ELEMENTS else ""
    listed = f"Version {version.number} has: {', '.join(elements[:SHOWN_ELEMENTS])}{more}." if elements else None
    return UsageError(
        f"{value!r} of {name!r} never had cost in any version.", hint=did_you_mean(value, elements, listed)
    )
