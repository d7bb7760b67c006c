"""From a plan to the version it becomes."""

from __future__ import annotations

from costops.model.plan import Plan
from costops.model.version import VersionDraft
from costops.planning.money import largest_moves


def summary_of(plan: Plan) -> str:
    """`1 to add, 1 to change, 0 to remove, 0 to move, 0 to rename`."""
    counts = ((plan.count(action), action) for action in ("add", "change", "remove", "move", "rename"))
    return ", ".join(f"{count} to {action}" for count, action in counts)


def draft_of(plan: Plan, *, applied_at: str, actor: str, commit: str | None, dirty: bool | None) -> VersionDraft:
    """The version that applying `plan` writes."""
    assert plan.ledger is not None
    return VersionDraft(
        applied_at=applied_at,
        actor=actor,
        commit=commit,
        dirty=dirty,
        cause="apply",
        rules=plan.rules,
        rules_digest=plan.rules_digest,
        settings=plan.settings,
        metrics_digest=plan.metrics_digest,
        bill=plan.bill,
        engine=plan.engine,
        cost=plan.cost,
        dimensions=plan.dimensions,
        cost_columns=plan.ledger.cost_columns,
        plan_digest=plan.plan_digest,
        result_digest=plan.result_digest,
        moved=largest_moves(plan.moved),
        summary=summary_of(plan),
    )
