"""What all rule changes of a plan do together, by element.

Invariant: `after` is the plan's result, and the lines of one dimension and currency that are here are all of its
elements, so that they add up to its total on both sides.
"""

from __future__ import annotations

from costops.model.plan import MoneyLine, Plan
from costops.money import SAME_PICOS

Key = tuple[str, str | None, str]
"""(dimension, value, currency)"""


def net_deltas(plan: Plan) -> dict[Key, int]:
    """Picos that the rules give an element or take from it, all changes together; none of 0.

    A change of the settings is no rule's, and no part of what `moved` has.
    """
    deltas: dict[Key, int] = {}
    for change in plan.changes:
        if change.kind != "settings":
            for line in change.money:
                key = (line.dimension, line.value, line.currency)
                deltas[key] = deltas.get(key, 0) + line.after - line.before
    return {key: delta for key, delta in deltas.items() if delta}


def net_lines(plan: Plan, dimension: str, currency: str) -> list[MoneyLine]:
    """Every element of a dimension before and after all rule changes, unchanged ones too; none that is 0 twice."""
    after = {
        each.value: each.amount for each in plan.result if (each.dimension, each.currency) == (dimension, currency)
    }
    deltas = {key[1]: delta for key, delta in net_deltas(plan).items() if (key[0], key[2]) == (dimension, currency)}
    return [
        MoneyLine(dimension, value, currency, after.get(value, 0) - deltas.get(value, 0), after.get(value, 0))
        for value in {**after, **deltas}
    ]


def moving_dimensions(plan: Plan) -> list[tuple[str, str]]:
    """(dimension, currency) in which an element's cost changes by 1e-9 or more, in the order of the report."""
    moving = {(key[0], key[2]) for key, delta in net_deltas(plan).items() if abs(delta) >= SAME_PICOS}
    return [pair for dimension in plan.dimensions for pair in sorted(moving) if pair[0] == dimension]
