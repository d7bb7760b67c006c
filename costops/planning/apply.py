"""From a plan to the version it becomes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from costops.model.plan import Change, MoneyLine, Plan
from costops.model.record import BILL, METRICS, RESTATE, Record, RecordedChange, RecordedMoney
from costops.model.version import Binding, VersionDraft
from costops.planning.money import largest_moves
from costops.planning.months import MISSING


def summary_of(plan: Plan) -> str:
    """`1 to add, 1 to change, 0 to remove, 0 to move, 0 to rename`."""
    counts = ((plan.count(action), action) for action in ("add", "change", "remove", "move", "rename"))
    return ", ".join(f"{count} to {action}" for count, action in counts)


def cause_of(plan: Plan) -> str:
    """What a version that is made from `plan` is made for, as VersionDraft has it."""
    if plan.restated:
        return "restate"
    return "refresh" if plan.base.version is not None and not plan.changes else "apply"


def draft_of(
    plan: Plan,
    *,
    applied_at: str,
    actor: str,
    commit: str | None,
    dirty: bool | None,
    cause: str | None = None,
    reason: str | None = None,
) -> VersionDraft:
    """The version that applying `plan` writes; `cause` and `reason` are the plan's own unless they are given."""
    assert plan.ledger is not None
    bound: dict[str, Any] = {each.name: getattr(plan, each.name) for each in fields(Binding)}
    return VersionDraft(
        **bound,
        applied_at=applied_at,
        actor=actor,
        commit=commit,
        dirty=dirty,
        cause=cause if cause is not None else cause_of(plan),
        reason=reason if reason is not None else plan.reason,
        restated=tuple(each.month for each in plan.restated),
        carried=tuple(each.month for each in plan.frozen if each.reason != MISSING),
        cost_columns=plan.ledger.cost_columns,
        moved=largest_moves(plan.moved),
        summary=summary_of(plan),
    )


def record_of(plan: Plan) -> Record:
    """What the version keeps of the plan: every cause of its money, and the bill by provider."""
    apart = ((BILL, plan.bill_money), (RESTATE, plan.restated_money), (METRICS, plan.metric_money))
    changes = [RecordedChange(action=action, money=_deltas(action, lines)) for action, lines in apart if lines]
    return Record((*changes, *(_recorded(each) for each in plan.changes)), plan.providers, plan.metric_series)


def _deltas(cause: str, lines: Sequence[MoneyLine]) -> tuple[RecordedMoney, ...]:
    return tuple(
        RecordedMoney(cause, None, each.dimension, each.value, each.currency, each.delta)
        for each in lines
        if each.delta
    )


def _recorded(change: Change) -> RecordedChange:
    money = [
        RecordedMoney(cause.cause, cause.rule, each.dimension, each.value, each.currency, each.amount)
        for cause in change.causes
        for each in cause.money
    ]
    return RecordedChange(
        action=change.action,
        kind=change.kind,
        id=change.id,
        previous_id=change.previous_id,
        file=change.file,
        line=change.line,
        # What settings move goes through no rule.
        money=tuple(money) if change.causes else _deltas("rule", change.money),
    )
