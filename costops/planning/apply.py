"""From a plan to the version it becomes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from costops.model.plan import Plan
from costops.model.version import Binding, VersionDraft
from costops.planning.money import largest_moves


def summary_of(plan: Plan) -> str:
    """`1 to add, 1 to change, 0 to remove, 0 to move, 0 to rename`."""
    counts = ((plan.count(action), action) for action in ("add", "change", "remove", "move", "rename"))
    return ", ".join(f"{count} to {action}" for count, action in counts)


def draft_of(plan: Plan, *, applied_at: str, actor: str, commit: str | None, dirty: bool | None) -> VersionDraft:
    """The version that applying `plan` writes."""
    assert plan.ledger is not None
    bound: dict[str, Any] = {each.name: getattr(plan, each.name) for each in fields(Binding)}
    return VersionDraft(
        **bound,
        applied_at=applied_at,
        actor=actor,
        commit=commit,
        dirty=dirty,
        cause="apply",
        cost_columns=plan.ledger.cost_columns,
        moved=largest_moves(plan.moved),
        summary=summary_of(plan),
    )
