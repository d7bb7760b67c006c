"""Two stored versions against each other: rules walked as in a plan, money read off the state, nothing evaluated.

Invariant: what was renamed between them, over any number of versions, is one thing; a rename alone shows no money.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costops.model.plan import MoneyLine, Total
from costops.model.rules import RuleSet
from costops.model.version import Version
from costops.model.version_diff import DiffSide, Flow, VersionDiff
from costops.money import SAME_PICOS
from costops.planning.changes import entry_changes, settings_changes
from costops.planning.flows import flows_between
from costops.planning.lineage import outline, renames_along, without_collisions
from costops.planning.money import coverage, money_lines, totals_by_cost
from costops.planning.references import renaming_of
from costops.planning.renames import Renames
from costops.planning.stored import RenamedVersion, StoredVersion
from costops.planning.walk import walk

if TYPE_CHECKING:
    from costops.state.reader import StateReader


def make_diff(reader: StateReader, before: int, after: int) -> VersionDiff:
    """What differs from version `before` to version `after`; raises StateError where there is no such version."""
    first, second = StoredVersion(reader, before), StoredVersion(reader, after)
    old, new = first.version.draft, second.version.draft
    renaming = renaming_of(first.rules, second.rules, old.dimensions, _renames(reader, first.version, second.version))
    then = RenamedVersion(first, renaming)
    dimensions = tuple(each for each in new.dimensions if each in then.dimensions)
    old_names = {renaming.name(each): each for each in old.dimensions}
    cost = _common_cost(old.cost_columns, new.cost_columns, new.cost)
    months = (then.months(), second.months())
    money = (then.money(dimensions, cost, months[0]), second.money(dimensions, cost, months[1]))
    totals = totals_by_cost(then.totals(months[0]), second.totals(months[1]), new.cost_columns)
    lines = _differing(money_lines(*money, dimensions), totals, cost)
    differing = {(line.dimension, line.currency) for line in lines}
    flows = _flows(then, second, dimensions, cost, (renaming.start, second.rules)) if differing else ()
    return VersionDiff(
        before=DiffSide(
            version=first.version,
            label=first.version.label,
            months=months[0],
            own_dimensions=tuple(old for name, old in old_names.items() if name not in dimensions),
        ),
        after=DiffSide(
            version=second.version,
            label=second.version.label,
            months=months[1],
            own_dimensions=tuple(each for each in new.dimensions if each not in dimensions),
        ),
        cost=cost,
        dimensions=dimensions,
        renamed_dimensions=tuple((old_names[each], each) for each in dimensions if old_names[each] != each),
        changes=(
            *settings_changes(then.settings, new.settings, (), ()),
            *entry_changes(walk(first.rules, second.rules, renaming=renaming)),
        ),
        totals=totals,
        money=lines,
        flows=tuple(each for each in flows if (each.dimension, each.currency) in differing),
        unallocated=coverage(*money, dimensions),
    )


def _flows(
    first: RenamedVersion, second: StoredVersion, dimensions: Sequence[str], cost: str, rules: Sequence[RuleSet]
) -> tuple[Flow, ...]:
    """Flows of every dimension, from the days that the versions do not share."""
    old, new = first.version, second.version
    # Where names have changed places, a day that both share is another one under the later names.
    shares = first.dimensions == old.draft.dimensions
    bills_own = [each for each in dimensions if all(every.resolve(each).kind in ("column", "tag") for every in rules)]
    return flows_between(
        first.rows_unlike(new.number if shares else None, dimensions, cost),
        second.rows_unlike(old.number if shares else None, dimensions, cost),
        dimensions,
        bills_own,
    )


def _renames(reader: StateReader, first: Version, second: Version) -> Renames:
    """Over all versions between the two, in the direction asked for."""
    back = first.number > second.number
    low, high = sorted((first.number, second.number))
    between = [reader.version(number) for number in range(low + 1, high)]
    outlines = [outline(each) for each in (first, *(reversed(between) if back else between), second)]
    *_, renames = renames_along(outlines, back=back)
    return without_collisions(renames, outlines[0])


def _common_cost(old: Sequence[str], new: Sequence[str], preferred: str) -> str:
    """The newer version's cost column, or the first that both have where the older one lacks it."""
    return next((each for each in (preferred, *new) if each in old and each in new), preferred)


def _differing(lines: Sequence[MoneyLine], totals: Sequence[Total], cost: str) -> tuple[MoneyLine, ...]:
    """Lines without the dimensions and currencies that differ by dust alone, and whose totals are the same."""
    whole = {each.currency for each in totals if each.cost == cost and each.before != each.after}
    kept = {(line.dimension, line.currency) for line in lines if abs(line.delta) >= SAME_PICOS}
    return tuple(line for line in lines if line.currency in whole or (line.dimension, line.currency) in kept)
