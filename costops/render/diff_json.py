"""The difference of two versions for machines; amounts are decimal text.

Invariant: per dimension and currency the deltas of `money`, the null value included, add up to the difference of the
total of `cost`, and what `flows` brings an element less what it takes is its delta. Further keys may be added; none
changes its meaning.
"""

from __future__ import annotations

from typing import Any

from costops.model.version_diff import BILL, DiffSide, Flow, VersionDiff
from costops.money import format_picos
from costops.render.plan_json import coverage_values, entry_values, money_values, total_values
from costops.render.safe import json_text


def diff_json(diff: VersionDiff) -> str:
    """The document as text, ending in a newline."""
    document = {
        "format_version": "1.0",
        "before": _side(diff.before),
        "after": _side(diff.after),
        "rule_changes": bool(diff.changes),
        "bill_changes": diff.bill_changes,
        "metric_changes": diff.metric_changes,
        "cost": diff.cost,
        "report": list(diff.dimensions),
        "renamed_report": [{"before": before, "after": after} for before, after in diff.renamed_dimensions],
        "changes": [entry_values(each) for each in diff.changes],
        "totals": total_values(diff.totals),
        "unallocated": coverage_values(diff.unallocated),
        "money": money_values(diff.money),
        "flows": [_flow(each) for each in diff.flows],
    }
    return json_text(document)


def _flow(flow: Flow) -> dict[str, Any]:
    return {
        "dimension": flow.dimension,
        "BillingCurrency": flow.currency,
        "from": None if flow.source is BILL else flow.source,
        "from_bill": flow.source is BILL,
        "to": None if flow.target is BILL else flow.target,
        "to_bill": flow.target is BILL,
        "amount": format_picos(flow.amount),
    }


def _side(side: DiffSide) -> dict[str, Any]:
    draft = side.version.draft
    return {
        "version": side.version.number,
        "applied_at": draft.applied_at,
        "commit": draft.commit,
        "dirty": draft.dirty,
        "rules_digest": draft.rules_digest,
        "metrics_digest": draft.metrics_digest,
        "bill": {"digest": draft.bill.digest, "rows": draft.bill.rows},
        "months": list(side.months),
        "own_report": list(side.own_dimensions),
        "result_digest": draft.result_digest,
    }
