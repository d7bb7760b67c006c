"""A digest as a document for machines.

Invariant: every amount is exact decimal text, and every element has a row for every month.
"""

from __future__ import annotations

from typing import Any

from costops.model.digest import CurrencyDigest, Digest, MonthCost
from costops.money import format_picos, round_half_even
from costops.render.safe import json_text


def digest_json(digest: Digest) -> str:
    """The document; a missing value is null."""
    return json_text(
        {
            "format_version": "1.0",
            "version": digest.version,
            "applied_at": digest.applied_at,
            "commit": digest.commit,
            "dirty": digest.dirty,
            "cost": digest.cost,
            "by": digest.by,
            "period": {"from": digest.period.first, "until": digest.period.last} if digest.period else None,
            "months": list(digest.months),
            "totals": [each for block in digest.currencies for each in _total_documents(digest, block)],
            "rows": [
                {"value": line.value, "billing_month": month, "BillingCurrency": block.currency, **_document(cost)}
                for block in digest.currencies
                for line in block.lines
                for month, cost in zip(digest.months, line.costs, strict=True)
            ],
        }
    )


def _total_documents(digest: Digest, block: CurrencyDigest) -> list[dict[str, Any]]:
    return [
        {
            "billing_month": month,
            "BillingCurrency": block.currency,
            **_document(total),
            "unallocated": format_picos(missing.amount_picos),
            "unallocated_percent": _exact_percent(missing.amount_picos, total.amount_picos),
        }
        for month, total, missing in zip(digest.months, block.totals, block.unallocated.costs, strict=True)
    ]


def _document(cost: MonthCost) -> dict[str, Any]:
    before, change = cost.before_picos, cost.change_picos
    return {
        "cost": format_picos(cost.amount_picos),
        "before": None if before is None else format_picos(before),
        "change": None if change is None else format_picos(change),
        "change_percent": None if change is None or before is None else _exact_percent(change, abs(before)),
        "trend": None if cost.trend is None else cost.trend.value,
    }


def _exact_percent(part: int, whole: int) -> str | None:
    """A share in percent with up to four places; None where there is no whole."""
    if whole == 0:
        return None
    return format_picos(round_half_even(part * 10**6 * (1 if whole > 0 else -1), abs(whole)) * 10**8)
