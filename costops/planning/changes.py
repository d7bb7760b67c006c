"""The steps of a walk, and the edits of costops.yaml, as changes with their fields and their money.

Invariant: the money of the changes of a walk adds up to its last stop minus its start, and telling it costs what moved.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from costops.language.canonical import canonical
from costops.model.plan import Cause, Change, FieldChange, MoneyLine
from costops.model.rules import Lookup
from costops.planning.fields import field_changes
from costops.planning.money import Money, moved_lines, moved_money, without_dust
from costops.planning.tables import place_of_change, row_changes
from costops.planning.walk import Edit, Stop

SETTINGS = "settings"


def changes_of(
    stops: Sequence[Stop],
    start: Money,
    moves: Sequence[Money],
    causes: Sequence[tuple[Cause, ...]],
    dimensions: Sequence[str],
) -> tuple[Change, ...]:
    """The changes of a walk in its order; `start` is the money before it, `moves` what each stop moves, and why."""
    changes = []
    amounts = dict(start)
    for stop, moved, why in zip(stops, moves, causes, strict=True):
        lines = without_dust(moved_lines(amounts, moved, dimensions))
        for key, amount in moved.items():
            amounts[key] = amounts.get(key, 0) + amount
        *joined, last = stop.edits
        changes += [_change(edit, (), dimensions, last.id) for edit in joined]
        changes.append(replace(_change(last, lines, dimensions, None), causes=_told(why, lines)))
    return tuple(changes)


def _told(causes: Sequence[Cause], lines: Sequence[MoneyLine]) -> tuple[Cause, ...]:
    """The causes without what is dust in the lines."""
    moving = {(line.dimension, line.currency) for line in lines}
    kept = [
        replace(each, money=tuple(delta for delta in each.money if (delta.dimension, delta.currency) in moving))
        for each in causes
    ]
    return tuple(each for each in kept if each.money)


def entry_changes(stops: Sequence[Stop]) -> tuple[Change, ...]:
    """The changes of a walk in its order, without their money."""
    return tuple(_change(edit, (), (), None) for stop in stops for edit in stop.edits)


def _change(edit: Edit, lines: tuple[MoneyLine, ...], dimensions: Sequence[str], joined_with: str | None) -> Change:
    entry = edit.after or edit.before
    assert entry is not None
    span = entry.span
    fields: tuple[FieldChange, ...] = ()
    if isinstance(edit.before, Lookup) and isinstance(edit.after, Lookup):
        span, fields = place_of_change(edit.before, edit.after), row_changes(edit.before, edit.after)
    elif edit.action == "rename" and edit.before is not None:
        fields = (FieldChange("id", edit.before.id, edit.id),)
    elif edit.action == "change" and edit.before is not None and edit.after is not None:
        fields = field_changes(canonical(edit.kind, edit.before), canonical(edit.kind, edit.after))
    return Change(
        action=edit.action,
        kind=edit.kind,
        id=edit.id,
        previous_id=edit.before.id if edit.action == "rename" and edit.before is not None else None,
        file=span.file,
        line=span.line,
        fields=fields,
        money=lines,
        moved=moved_money(lines, dimensions),
        joined_with=joined_with,
    )


def settings_changes(
    before: str, after: str, money: tuple[MoneyLine, ...], dimensions: Sequence[str]
) -> tuple[Change, ...]:
    """One change, or none where both canonical settings are the same; `money` is what the settings alone move."""
    if before == after:
        return ()
    fields = field_changes(json.loads(before), json.loads(after))
    return (
        Change(
            action="change",
            kind=SETTINGS,
            id="costops.yaml",
            file="costops.yaml",
            line=1,
            fields=fields,
            money=money,
            moved=moved_money(money, dimensions),
        ),
    )
