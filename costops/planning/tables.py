"""How two states of a lookup table differ, row by row.

Invariant: every row that differs is listed or counted.
"""

from __future__ import annotations

from costops.model.diagnostic import Span
from costops.model.plan import FieldChange
from costops.model.rules import Lookup

LISTED_ROWS = 20


def row_changes(before: Lookup, after: Lookup) -> tuple[FieldChange, ...]:
    """`rows.<key>` for each row that differs, by key; of more than 20 the rest as one change with numbers of rows."""
    old, new = dict(before.rows), dict(after.rows)
    keys = sorted(key for key in {**old, **new} if old.get(key) != new.get(key))
    listed, rest = keys, keys[:0]
    if len(keys) > LISTED_ROWS + 1:
        listed, rest = keys[:LISTED_ROWS], keys[LISTED_ROWS:]
    changes = [FieldChange(f"rows.{key}", old.get(key), new.get(key)) for key in listed]
    if rest:
        counts = [sum(1 for key in rest if key in rows) for rows in (old, new)]
        words = [f"{count:,} row{'s' if count != 1 else ''}" for count in counts]
        changes.append(FieldChange(f"rows of {len(rest):,} more keys", *words))
    return tuple(changes)


def place_of_change(before: Lookup, after: Lookup) -> Span:
    """The first row of the new table that the old one does not have; the top of the table where there is none."""
    known = set(before.rows)
    places = [after.places.get(f"rows.{row[0]}", after.span) for row in after.rows if row not in known]
    return min(places, default=after.span)
