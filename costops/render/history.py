"""Versions as text and JSON: the history and one version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from costops.model.sums import LedgerSums
from costops.model.version import Version
from costops.money import format_picos
from costops.render.numbers import amount, counted, percent
from costops.render.safe import json_text, safe_text
from costops.render.table import table_lines


def history_text(versions: Sequence[Version]) -> str:
    """One line a version, the newest first."""
    head = ["version", "applied (UTC)", "by", "commit", "moved", "changes"]
    rows = [
        [
            str(each.number),
            _moment(each),
            safe_text(each.draft.actor),
            _commit(each),
            ", ".join(f"{safe_text(currency)} {amount(moved, currency)}" for currency, moved in each.draft.moved)
            or "nothing",
            safe_text(each.draft.summary),
        ]
        for each in versions
    ]
    return "\n".join(table_lines([head, *rows], right=[True, False, False, False, False, False])) + "\n"


def history_json(versions: Sequence[Version]) -> str:
    """The same facts for machines."""
    document = {"format_version": "1.0", "versions": [_version_document(each) for each in versions]}
    return json_text(document)


def version_text(
    version: Version, totals: LedgerSums, coverage: Sequence[LedgerSums], *, everything: bool = False
) -> str:
    """One version: who, when, what, its totals, what is unallocated, and its rules in order.

    `everything` also shows the hidden rules, which are counted otherwise.
    """
    draft = version.draft
    months = draft.bill.first_month if draft.bill.first_month == draft.bill.last_month else (
        f"{draft.bill.first_month}..{draft.bill.last_month}"
    )  # fmt: skip
    facts = [
        ["version", str(version.number)],
        ["applied", f"{_moment(version)} UTC by {safe_text(draft.actor)}"],
        ["commit", _commit(version)],
        ["changes", safe_text(draft.summary)],
        ["bill", f"{months}, {counted(draft.bill.rows, 'row')}, digest {draft.bill.digest[:12]}"],
        ["rules", f"digest {draft.rules_digest[:12]}"],
        ["plan", f"digest {draft.plan_digest[:12]}"],
        ["result", f"digest {draft.result_digest[:12]}"],
        ["engine", safe_text(draft.engine)],
    ]
    lines = table_lines(facts, right=[False, False])
    place = totals.cost_columns.index(draft.cost)
    for values, currency, amounts in totals.rows:
        del values
        shares = []
        for each in coverage:
            missing = sum(sums[place] for found, money, sums in each.rows if money == currency and found[0] is None)
            shares.append(f"by {safe_text(each.by[0])} {percent(missing, amounts[place])}")
        costs = ", ".join(
            f"{safe_text(cost)} {amount(picos, currency)}"
            for cost, picos in zip(totals.cost_columns, amounts, strict=True)
        )
        lines += [
            "",
            f"{safe_text(currency)}  {costs}",
            f"     unallocated {safe_text(draft.cost)} {', '.join(shares)}",
        ]
    shown = [each for each in draft.rules if everything or not each.hidden]
    rules = [[safe_text(each.kind), safe_text(each.id), safe_text(f"{each.file}:{each.line}")] for each in shown]
    hidden = [f"{len(draft.rules) - len(shown):,} hidden (--all)"] if len(shown) < len(draft.rules) else []
    return "\n".join([*lines, "", *table_lines(rules, right=[False] * 3), *hidden]) + "\n"


def version_json(version: Version, totals: LedgerSums) -> str:
    """One version for machines, with its rules in canonical form."""
    document = {
        "format_version": "1.0",
        **_version_document(version),
        "totals": [
            {"BillingCurrency": currency, **dict(zip(totals.cost_columns, map(format_picos, amounts), strict=True))}
            for _, currency, amounts in totals.rows
        ],
        "rules": [
            {"kind": each.kind, "id": each.id, "file": each.file, "line": each.line, "rule": json.loads(each.canonical)}
            for each in version.draft.rules
        ],
    }
    return json_text(document)


def _moment(version: Version) -> str:
    return f"{version.draft.applied_at[:10]} {version.draft.applied_at[11:16]}"


def _commit(version: Version) -> str:
    if version.draft.commit is None:
        return "-"
    return safe_text(version.draft.commit[:7]) + (" with local changes" if version.draft.dirty else "")


def _version_document(version: Version) -> dict[str, Any]:
    draft = version.draft
    return {
        "version": version.number,
        "serial": version.serial,
        "hash": version.hash,
        "previous_hash": version.previous_hash,
        "applied_at": draft.applied_at,
        "actor": draft.actor,
        "commit": draft.commit,
        "dirty": draft.dirty,
        "cause": draft.cause,
        "summary": draft.summary,
        "moved": [{"BillingCurrency": currency, "amount": format_picos(moved)} for currency, moved in draft.moved],
        "cost": draft.cost,
        "report": list(draft.dimensions),
        "rules_digest": draft.rules_digest,
        "metrics_digest": draft.metrics_digest,
        "bill": {
            "digest": draft.bill.digest,
            "rows": draft.bill.rows,
            "from": draft.bill.first_month or None,
            "until": draft.bill.last_month or None,
        },
        "engine": draft.engine,
        "plan_digest": draft.plan_digest,
        "result_digest": draft.result_digest,
    }
