"""What an evaluation found out about money, as warnings for people.

Invariant: every warning states its amount, in the workspace's cost column.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.engine.embedded import Evaluation, Notice
from costops.model.bill_report import SplitReading
from costops.model.diagnostic import Diagnostic, Severity
from costops.model.rules import Entry, RuleSet
from costops.money import format_picos

LISTED_ELEMENTS = 10


def bill_notices(evaluation: Evaluation, cost: str) -> list[Diagnostic]:
    """Warnings about the bill itself; amounts are of the cost column `cost`."""
    facts = evaluation.facts
    missing = [
        Diagnostic(
            code="CO701",
            severity=Severity.WARNING,
            message=f"{count:,} charge{'s have' if count != 1 else ' has'} no {column}; it counts as 0 there",
        )
        for column, count in facts.missing_costs
    ]
    return missing + [_split_notice(each, cost) for each in facts.splits]


def _split_notice(split: SplitReading, cost: str) -> Diagnostic:
    amount = f"{split.currency} {format_picos(split.amounts.get(cost, 0))} ({cost})"
    charges = f"{split.rows:,} charge{'s' if split.rows != 1 else ''} of {split.source} with {amount}"
    return Diagnostic(
        code="CO702",
        severity=Severity.WARNING,
        message=f"{charges} {'are' if split.rows != 1 else 'is'} left out: the parts that the provider has split this "
        "cost into are there and count",
        hint="`costops bill` shows what was left out",
    )


def rule_notices(rules: RuleSet, cost: str, notices: Sequence[Notice]) -> list[Diagnostic]:
    """Warnings about what single allocations did, each at its field; amounts are of the cost column `cost`."""
    entries = {each.id: each for each in rules.allocations}
    return [_rule_notice(each, entries[each.rule], cost) for each in notices]


def _rule_notice(notice: Notice, rule: Entry, cost: str) -> Diagnostic:
    amount = f"{notice.currency} {format_picos(notice.amount)} of {format_picos(notice.whole)} ({cost})"
    buckets = f"{notice.buckets:,} bucket{'s' if notice.buckets != 1 else ''}"
    names = ", ".join(notice.elements[:LISTED_ELEMENTS])
    if len(notice.elements) > LISTED_ELEMENTS:
        names += f" and {len(notice.elements) - LISTED_ELEMENTS:,} more"
    path, message, hint = {
        "CO801": (
            "basis",
            f"allocation {notice.rule} leaves {amount} where it was: {buckets} without a basis",
            "widen basis.where or basis.granularity, or choose on_empty",
        ),
        "CO802": (
            "partition_by",
            f"allocation {notice.rule} has {amount} in a missing partition, a bucket of its own",
            "allocate that cost along the partition first, or leave it out of source.where",
        ),
        "CO803": (
            "basis.granularity",
            f"allocation {notice.rule} splits {amount} of charges longer than a day by their first day alone",
            "use granularity: charge_period, which takes all the days of a charge",
        ),
        "CO804": (
            "basis.metric",
            f"allocation {notice.rule} gives cost to what only its metric knows: {names}",
            "rename or drop such values in the label of that dimension, if they should not get cost",
        ),
    }[notice.code]
    return Diagnostic(code=notice.code, severity=Severity.WARNING, message=message, span=rule.place(path), hint=hint)
