"""The plan document: the same facts as the text, for machines; amounts are decimal text.

Invariant: it has all that shows the plan again and all that its digests are made of; `document_digest` covers every
other key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from costops.model.bill import SourceFile
from costops.model.plan import Change, CheckResult, Coverage, MoneyLine, Moved, Plan, Total
from costops.money import format_picos
from costops.render.diagnostics import diagnostic_value
from costops.render.json_layout import laid_out

FORMAT_VERSION = "1.0"
DOCUMENT_DIGEST = "document_digest"


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as JSON values, keys in the order of the contract."""
    document = {
        "format_version": FORMAT_VERSION,
        "base": {"version": plan.base.version, "serial": plan.base.serial, "lineage": plan.base.lineage},
        "base_label": plan.base_label,
        "target_label": plan.target_label,
        "engine": plan.engine,
        "rules_digest": plan.rules_digest,
        "bill": {
            "digest": plan.bill.digest,
            "rows": plan.bill.rows,
            "from": plan.bill.first_month or None,
            "until": plan.bill.last_month or None,
            "files": _files(plan.bill_files),
        },
        "metrics_digest": plan.metrics_digest,
        "metric_files": _files(plan.metric_files),
        "settings": json.loads(plan.settings),
        "rule_changes": plan.rule_changes,
        "bill_changes": plan.bill_changes,
        "metric_changes": plan.metric_changes,
        "cost": plan.cost,
        "report": list(plan.dimensions),
        "changes": [_change(each) for each in plan.changes],
        "bill_money": money_values(plan.bill_money),
        "bill_totals": total_values(plan.bill_totals),
        "bill_drift": [
            {
                "provider": each.provider,
                "billing_month": each.month,
                "cost": each.cost,
                "BillingCurrency": each.currency,
                "before": format_picos(each.before),
                "after": format_picos(each.after),
            }
            for each in plan.bill_drift
        ],
        "restated_money": money_values(plan.restated_money),
        "metric_money": money_values(plan.metric_money),
        "totals": total_values(plan.totals),
        "moved": _moved(plan.moved),
        "unallocated": coverage_values(plan.unallocated),
        "result": [
            {
                "dimension": each.dimension,
                "value": each.value,
                "BillingCurrency": each.currency,
                "amount": format_picos(each.amount),
            }
            for each in plan.result
        ],
        "frozen": [
            {"billing_month": each.month, "reason": each.reason, "held_back": money_values(each.held_back)}
            for each in plan.frozen
        ],
        "restated": [
            {"billing_month": each.month, "totals": total_values(each.totals), "money": money_values(each.money)}
            for each in plan.restated
        ],
        "reason": plan.reason,
        "compared_with": plan.compared_with,
        "checks": [_check(each) for each in plan.checks],
        "diagnostics": [diagnostic_value(each) for each in plan.diagnostics],
        "rules": [
            {"kind": each.kind, "id": each.id, "file": each.file, "line": each.line, "rule": json.loads(each.canonical)}
            for each in plan.rules
        ],
        "writes": plan.writes,
        "result_digest": plan.result_digest,
        "plan_digest": plan.plan_digest,
    }
    return {**document, DOCUMENT_DIGEST: document_digest(document)}


def document_digest(document: Mapping[str, Any]) -> str:
    """sha256 over a document's other keys, however they are laid out: tells a file that was changed by hand."""
    content = {key: value for key, value in document.items() if key != DOCUMENT_DIGEST}
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def plan_json(plan: Plan) -> str:
    """The plan document as text, ending in a newline."""
    return laid_out(plan_document(plan))


def entry_values(change: Change) -> dict[str, Any]:
    """A change without its money."""
    return {
        "action": change.action,
        "kind": change.kind,
        "id": change.id,
        "previous_id": change.previous_id,
        "file": change.file,
        "line": change.line,
        "fields": [{"path": each.path, "before": each.before, "after": each.after} for each in change.fields],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        **entry_values(change),
        "joined_with": change.joined_with,
        "moved": _moved(change.moved),
        "money": money_values(change.money),
        "causes": [
            {
                "cause": each.cause,
                "rule": each.rule,
                "money": [
                    {
                        "dimension": delta.dimension,
                        "value": delta.value,
                        "BillingCurrency": delta.currency,
                        "delta": format_picos(delta.amount),
                    }
                    for delta in each.money
                ],
            }
            for each in change.causes
        ],
    }


def _check(check: CheckResult) -> dict[str, Any]:
    return {
        "check": check.check,
        "severity": check.severity,
        "status": check.status,
        "message": check.message,
        "line": check.line,
        "reason": check.reason,
        "until": check.until,
    }


def _files(files: Sequence[SourceFile]) -> list[dict[str, Any]]:
    return [{"source": each.source, "name": each.name, "sha256": each.sha256} for each in files]


def _moved(moved: Sequence[Moved]) -> list[dict[str, Any]]:
    return [
        {"dimension": each.dimension, "BillingCurrency": each.currency, "amount": format_picos(each.amount)}
        for each in moved
    ]


def coverage_values(covered: Sequence[Coverage]) -> list[dict[str, Any]]:
    """Cost without a value, and all cost, per dimension and currency."""
    return [
        {
            "dimension": each.dimension,
            "BillingCurrency": each.currency,
            "before": format_picos(each.before),
            "before_total": format_picos(each.before_total),
            "after": format_picos(each.after),
            "after_total": format_picos(each.after_total),
        }
        for each in covered
    ]


def total_values(totals: Sequence[Total]) -> list[dict[str, Any]]:
    """Totals with their difference."""
    return [
        {
            "BillingCurrency": each.currency,
            "cost": each.cost,
            "before": format_picos(each.before),
            "after": format_picos(each.after),
            "difference": format_picos(each.after - each.before),
        }
        for each in totals
    ]


def money_values(lines: Sequence[MoneyLine]) -> list[dict[str, Any]]:
    """Elements before and after, with the delta."""
    return [
        {
            "dimension": line.dimension,
            "value": line.value,
            "BillingCurrency": line.currency,
            "before": format_picos(line.before),
            "after": format_picos(line.after),
            "delta": format_picos(line.delta),
        }
        for line in lines
    ]
