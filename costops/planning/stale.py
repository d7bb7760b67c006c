"""How a saved plan differs from the plan that the workspace gives now: every reason, and the money.

Invariant: all reasons at once, and each from the plans' own contents, so that a reason named is a reason found.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TypeVar

from costops.model.bill import SourceFile
from costops.model.drift import Drift, FileDrift
from costops.model.orders import moved_ids
from costops.model.plan import Change, FieldChange, Plan, Total
from costops.model.record import MonthEvent
from costops.model.rules import Lookup
from costops.model.version import Base, RuleRevision, Version
from costops.money import SAME_PICOS
from costops.planning.fields import field_changes
from costops.planning.money import Money, money_lines
from costops.planning.months import MISSING
from costops.planning.tables import row_changes


def drift_between(saved: Plan, now: Plan, versions: Sequence[Version], events: Sequence[MonthEvent] = ()) -> Drift:
    """Everything in which `now` differs from `saved`; `versions` and `events` are the state's, the newest first."""
    entries = entry_changes(saved.rules, now.rules)
    shared = tuple(each for each in saved.dimensions if each in now.dimensions)
    comparable = shared if saved.cost == now.cost else ()
    return Drift(
        bases=(saved.base, now.base) if saved.base != now.base else None,
        versions=_since(saved.base, now.base, versions),
        events=_since(saved.base, now.base, events),
        frozen=_frozen(saved, now),
        applied_as=next((each.number for each in versions if each.draft.plan_digest == saved.plan_digest), None),
        rules=tuple(each for each in entries if each.kind != "lookup"),
        lookups=tuple(each for each in entries if each.kind == "lookup"),
        metric_files=file_drifts(saved.metric_files, now.metric_files),
        bill_files=file_drifts(saved.bill_files, now.bill_files),
        bill_rows=(saved.bill.rows, now.bill.rows),
        bill_totals=_bill_totals(saved, now),
        settings=field_changes(json.loads(saved.settings), json.loads(now.settings)),
        engines=(saved.engine, now.engine) if saved.engine != now.engine else None,
        costs=(saved.cost, now.cost),
        dimensions=shared,
        money=money_lines(_money(saved), _money(now), comparable, at_least=SAME_PICOS),
    )


def file_drifts(saved: Sequence[SourceFile], now: Sequence[SourceFile]) -> tuple[FileDrift, ...]:
    """Files that came, changed or went, by source and name."""
    before = {(each.source, each.name): each.sha256 for each in saved}
    after = {(each.source, each.name): each.sha256 for each in now}
    drifts = []
    for key in sorted({**before, **after}):
        if before.get(key) != after.get(key):
            action = "add" if key not in before else "remove" if key not in after else "change"
            drifts.append(FileDrift(action, *key))
    return tuple(drifts)


Entry = TypeVar("Entry", Version, MonthEvent)


def _frozen(saved: Plan, now: Plan) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    months = [tuple(each.month for each in plan.frozen if each.reason != MISSING) for plan in (saved, now)]
    return (months[0], months[1]) if months[0] != months[1] else None


def _since(saved: Base, now: Base, entries: Sequence[Entry]) -> tuple[Entry, ...]:
    # Of another state's versions, or of a state that starts again, none came after the plan.
    if saved.lineage is not None and saved.lineage != now.lineage:
        return ()
    return tuple(each for each in entries if each.serial > saved.serial)


def entry_changes(saved: Sequence[RuleRevision], now: Sequence[RuleRevision]) -> tuple[Change, ...]:
    """Entries removed, changed, moved and added since, in the order of evaluation."""
    before = {(each.kind, each.id): each for each in saved}
    after = {(each.kind, each.id): each for each in now}
    orders = [[each.id for each in entries if each.kind == "allocation"] for entries in (saved, now)]
    kept = set(orders[0]) & set(orders[1])
    moved = moved_ids(*([each for each in order if each in kept] for order in orders))
    changes = [_change("remove", each) for key, each in before.items() if key not in after]
    for key, entry in after.items():
        old = before.get(key)
        if old is None:
            changes.append(_change("add", entry))
        elif old.canonical != entry.canonical:
            changes.append(_change("change", entry, old))
        if key[0] == "allocation" and entry.id in moved:
            changes.append(_change("move", entry))
    return tuple(changes)


def _change(action: str, entry: RuleRevision, old: RuleRevision | None = None) -> Change:
    fields: tuple[FieldChange, ...] = ()
    if old is not None and entry.kind == "lookup":
        fields = row_changes(_table(old), _table(entry))
    elif old is not None:
        fields = field_changes(json.loads(old.canonical), json.loads(entry.canonical))
    return Change(action=action, kind=entry.kind, id=entry.id, file=entry.file, line=entry.line, fields=fields)


def _table(revision: RuleRevision) -> Lookup:
    return Lookup(id=revision.id, rows=tuple(json.loads(revision.canonical)["rows"].items()))


def _bill_totals(saved: Plan, now: Plan) -> tuple[Total, ...]:
    """All cost of the bill and of carried months, where it differs; evaluation conserves it, so before is after."""
    before = {(each.currency, each.cost): each.before for each in saved.totals}
    after = {(each.currency, each.cost): each.before for each in now.totals}
    keys = dict.fromkeys((*before, *after))
    totals = (Total(*key, before.get(key, 0), after.get(key, 0)) for key in keys)
    return tuple(each for each in totals if each.before != each.after)


def _money(plan: Plan) -> Money:
    return {(each.dimension, each.value, each.currency): each.amount for each in plan.result}
