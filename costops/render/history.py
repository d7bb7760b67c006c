"""Versions as text and JSON: the history, with the closings of months in their place, and one version."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from costops.model.record import MonthEvent
from costops.model.sums import LedgerSums
from costops.model.version import Version
from costops.money import format_picos
from costops.render.closing import event_document
from costops.render.numbers import amount, counted, percent
from costops.render.safe import json_text, safe_text
from costops.render.table import table_lines


def history_text(versions: Sequence[Version], events: Sequence[MonthEvent] = ()) -> str:
    """One line a version or a closing of months, the newest first, and under it the reason where there is one."""
    head = ["version", "when (UTC)", "by", "commit", "cause", "moved", "changes"]
    entries: list[Version | MonthEvent] = [*versions, *events]
    entries.sort(key=lambda each: each.serial, reverse=True)
    rows, reasons = [head], list[str | None]([None])
    for _, group in groupby(entries, key=_kind_of_entry):
        together = list(group)
        first = together[0]
        if isinstance(first, Version):
            rows.append(_version_row(first))
            reasons.append(first.draft.reason)
        else:
            of_command = [each for each in together if isinstance(each, MonthEvent)]
            rows.append(_event_row(of_command))
            reasons.append(of_command[0].reason)
    lines: list[str] = []
    for line, reason in zip(table_lines(rows, right=[True] + [False] * 6), reasons, strict=True):
        lines.append(line)
        if reason is not None:
            lines.append(f"{' ' * len(head[0])}  reason: {safe_text(reason)}")
    return "\n".join(lines) + "\n"


def _kind_of_entry(entry: Version | MonthEvent) -> tuple[object, ...]:
    """Equal for months that one command closed or opened, unlike for all else."""
    if isinstance(entry, Version):
        return (entry.serial,)
    return (entry.status, entry.reason, entry.actor, entry.at)


def _version_row(version: Version) -> list[str]:
    draft = version.draft
    moved = ", ".join(f"{safe_text(currency)} {amount(picos, currency)}" for currency, picos in draft.moved)
    restated = f"; restates {', '.join(draft.restated)}" if draft.restated else ""
    return [
        str(version.number),
        _moment(draft.applied_at),
        safe_text(draft.actor),
        _commit(version),
        safe_text(draft.cause),
        moved or "nothing",
        _without_zeros(draft.summary) + restated,
    ]


def _event_row(events: Sequence[MonthEvent]) -> list[str]:
    first = events[0]
    done = "closes" if first.status == "closed" else "reopens"
    months = ", ".join(_ranges(sorted(each.month for each in events)))
    cause = "close" if first.status == "closed" else "reopen"
    return ["", _moment(first.at), safe_text(first.actor), "", cause, "", f"{done} {safe_text(months)}"]


def _ranges(months: Sequence[str]) -> Iterator[str]:
    """Months in order as `2025-07..2025-09`, with those between that follow one another."""
    place = 0
    while place < len(months):
        end = place
        while end + 1 < len(months) and _number(months[end + 1]) == _number(months[end]) + 1:
            end += 1
        yield months[place] if end == place else f"{months[place]}..{months[end]}"
        place = end + 1


def _number(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:])


def _without_zeros(summary: str) -> str:
    """`1 to add, 0 to change` as `1 to add`; what `costops show` has in full."""
    parts = [each for each in summary.split(", ") if not re.fullmatch(r"0 to [a-z]+", each)]
    return safe_text(", ".join(parts)) or "no rule changes"


def history_json(versions: Sequence[Version], events: Sequence[MonthEvent] = ()) -> str:
    """The same facts for machines; versions and events by their serials are one history."""
    document = {
        "format_version": "1.0",
        "versions": [_version_document(each) for each in versions],
        "events": [event_document(each) for each in events],
    }
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
        ["applied", f"{_moment(draft.applied_at)} UTC by {safe_text(draft.actor)}"],
        ["commit", _commit(version)],
        ["cause", safe_text(draft.cause)],
        *([["reason", safe_text(draft.reason)]] if draft.reason is not None else []),
        *([["restated", ", ".join(_ranges(draft.restated))]] if draft.restated else []),
        *([["carried", ", ".join(_ranges(draft.carried))]] if draft.carried else []),
        ["changes", safe_text(draft.summary)],
        ["bill", f"{months}, {counted(draft.bill.rows, 'row')}, digest {draft.bill.digest[:12]}"],
        ["rules", f"digest {draft.rules_digest[:12]}"],
        ["plan", f"digest {draft.plan_digest[:12]}"],
        ["result", f"digest {draft.result_digest[:12]}"],
        ["engine", draft.engine],
    ]
    lines = table_lines(facts, right=[False, False])
    place = totals.cost_columns.index(draft.cost)
    for values, currency, amounts in totals.rows:
        del values
        shares = []
        for each in coverage:
            missing = sum(sums[place] for found, money, sums in each.rows if money == currency and found[0] is None)
            shares.append(f"by {each.by[0]} {percent(missing, amounts[place])}")
        costs = ", ".join(
            f"{cost} {amount(picos, currency)}" for cost, picos in zip(totals.cost_columns, amounts, strict=True)
        )
        lines += ["", f"{safe_text(currency)}  {costs}", f"     unallocated {draft.cost} {', '.join(shares)}"]
    shown = [each for each in draft.rules if everything or not each.hidden]
    rules = [[each.kind, safe_text(each.id), safe_text(f"{each.file}:{each.line}")] for each in shown]
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


def _moment(at: str) -> str:
    return f"{at[:10]} {at[11:16]}"


def _commit(version: Version) -> str:
    if version.draft.commit is None:
        return "-"
    return version.draft.commit[:7] + (" with local changes" if version.draft.dirty else "")


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
        "reason": draft.reason,
        "restated": list(draft.restated),
        "carried": list(draft.carried),
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
