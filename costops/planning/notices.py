"""What an evaluation found out about money, as warnings for people.

Invariant: a rule has at most one warning of a code; amounts are of the workspace's cost column, currency by currency.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from costops.engine.embedded import Evaluation, Notice
from costops.model.bill_report import SplitReading
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.rules import Allocation, RuleSet
from costops.money import format_picos
from costops.planning.absent_notices import absence_notices, expected_in_vain
from costops.planning.listing import LISTED, amounts_of, listed, parts_of
from costops.planning.metric_notices import metric_notices
from costops.planning.unreported import unreported_notices


def evaluation_notices(rules: RuleSet, evaluation: Evaluation, *, report: Sequence[str], cost: str) -> list[Diagnostic]:
    """Every warning of the last evaluated rule set, `rules`, and of the bill."""
    outcome, absences = evaluation.outcomes[-1], evaluation.facts.absences
    in_vain = expected_in_vain(rules, absences, outcome.written)
    idle = {each.rule for each in outcome.notices if each.code == "CO805"}
    return [
        *bill_notices(evaluation, cost),
        *rule_notices(rules, cost, outcome.notices, in_vain.hints("source.where", idle)),
        *absence_notices(rules, in_vain, absences, cost, without_source=idle),
        *unreported_notices(rules, report, outcome.taken, cost),
    ]


def bill_notices(evaluation: Evaluation, cost: str) -> list[Diagnostic]:
    """Warnings about the bill and the metrics themselves; amounts are of the cost column `cost`."""
    facts = evaluation.facts
    missing = [
        Diagnostic(
            code="CO701",
            severity=Severity.WARNING,
            message=f"{count:,} charge{'s have' if count != 1 else ' has'} no {column}; it counts as 0 there",
        )
        for column, count in facts.missing_costs
    ]
    splits = [_split_notice(each, cost) for each in facts.splits]
    return missing + splits + metric_notices(evaluation.metrics)


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


def rule_notices(
    rules: RuleSet, cost: str, notices: Sequence[Notice], causes: Mapping[str, str] = MappingProxyType({})
) -> list[Diagnostic]:
    """Warnings about what single allocations did, each at its field; amounts are of the cost column `cost`.

    `causes` has for a rule that takes nothing what its condition asks for in vain.
    """
    entries = {each.id: each for each in rules.allocations}
    gathered: dict[tuple[str, str], list[Notice]] = {}
    for each in notices:
        gathered.setdefault((each.rule, each.code), []).append(each)
    return [
        _WORDS[code](_Told(entries[rule], tuple(found), cost, entries, causes.get(rule)))
        for (rule, code), found in gathered.items()
    ]


@dataclass(frozen=True, slots=True)
class _Told:
    """The notices of one rule and code."""

    rule: Allocation
    notices: tuple[Notice, ...]
    cost: str
    entries: Mapping[str, Allocation]
    cause: str | None

    @property
    def amount(self) -> str:
        """`USD 5 of 31 (EffectiveCost)`, currencies joined."""
        return parts_of([(each.currency, each.amount, each.whole) for each in self.notices], self.cost)

    @property
    def days(self) -> str:
        """`on 3 days from 2025-04-02 to 2025-04-09`, over all currencies."""
        days = max(each.days for each in self.notices)
        first, last = min(each.first_day for each in self.notices), max(each.last_day for each in self.notices)
        return f"on {first}" if days == 1 and first == last else f"on {days:,} days from {first} to {last}"

    @property
    def buckets(self) -> str:
        """`12 buckets`."""
        return _counted(max(each.buckets for each in self.notices), "bucket")

    def warning(
        self, path: str, message: str, hint: str | None, related: tuple[tuple[Span, str], ...] = ()
    ) -> Diagnostic:
        return Diagnostic(
            code=self.notices[0].code,
            severity=Severity.WARNING,
            message=f"allocation {self.rule.id} {message}",
            span=self.rule.place(path),
            hint=hint,
            related=related,
        )


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _empty(told: _Told) -> Diagnostic:
    message = f"leaves {told.amount} where it was: {told.buckets} without a basis, {told.days}"
    return told.warning("basis", message, "widen basis.where or basis.granularity, or choose on_empty")


def _partless(told: _Told) -> Diagnostic:
    message = f"has {told.amount} in a missing partition, a bucket of its own"
    hint = "allocate that cost along the partition first, or leave it out of source.where"
    return told.warning("partition_by", message, hint)


def _long(told: _Told) -> Diagnostic:
    message = f"splits {told.amount} of charges longer than a day by their first day alone"
    hint = "use granularity: charge_period, which takes all the days of a charge"
    return told.warning("basis.granularity", message, hint)


def _unbilled(told: _Told) -> Diagnostic:
    message = f"gives cost to what only its metric knows: {listed(told.notices[0].elements)}"
    hint = "rename or drop such values in the label of that dimension, if they should not get cost"
    return told.warning("basis.metric", message, hint)


def _idle(told: _Told) -> Diagnostic:
    rule = told.rule
    days = " on the days on which it applies" if rule.effective_from or rule.effective_until else ""
    message = f"takes nothing: no cost matches its source.where{days}"
    matched = [each for each in told.notices if each.currency]
    others = list(dict.fromkeys(each.other for each in matched if each.other))
    amount = amounts_of([(each.currency, each.amount) for each in matched], told.cost)
    if told.cause is not None:
        hint = told.cause
    elif others:
        hint = f"before the first allocation it matched {amount}, to which {listed(others)} came first"
    elif matched and rule.allocated == "only":
        message = "takes nothing: no earlier rule has allocated what its source.where matches"
        hint = f"it matches {amount}; leave `allocated: only` out to take it"
    else:
        hint = f"correct source.where{' or effective' if days else ''}, or remove the rule"
    return told.warning("source.where", message, hint, _places(told, others))


def _shadowed(told: _Told) -> Diagnostic:
    wholes = {each.currency: each.whole for each in told.notices}
    lost = {currency: sum(each.amount for each in told.notices if each.currency == currency) for currency in wholes}
    others = list(dict.fromkeys(each.other for each in told.notices))
    along = listed(told.rule.into)
    by_rule = [
        f"{other} {amounts_of([(each.currency, each.amount) for each in told.notices if each.other == other])}"
        for other in others
    ]
    amount = parts_of([(currency, lost[currency], wholes[currency]) for currency in wholes], told.cost)
    takers = listed(by_rule) if len(others) > 1 else others[0]
    what = f"does not take {amount}"
    if all(lost[currency] == wholes[currency] for currency in wholes):
        what = f"takes nothing of the {amounts_of(sorted(wholes.items()), told.cost)}"
    message = f"{what} that its source.where matches: allocated along {along} before, by {takers}"
    hint = "the first rule along a dimension wins: move this rule up, narrow source.where, or use source.allocated"
    return told.warning("source.where", message, hint, _places(told, others))


def _filled(told: _Told) -> Diagnostic:
    how = "evenly" if told.rule.on_empty == "even" else "like an earlier bucket"
    message = f"splits {told.amount} {how}: {told.buckets} without a basis, {told.days}"
    return told.warning("on_empty", message, "look why there is no basis, or widen basis.where or basis.granularity")


def _crowded(told: _Told) -> Diagnostic:
    elements = max(each.count for each in told.notices)
    amount = amounts_of([(each.currency, each.amount) for each in told.notices], told.cost)
    message = f"splits {amount} evenly over as many as {elements:,} elements that it found"
    return told.warning("method", message, "name the elements in to.values, or narrow them by to.where or basis.where")


def _multiplied(told: _Told) -> Diagnostic:
    made, rows = told.notices[0].count, told.notices[0].buckets
    message = f"makes {made:,} ledger rows of {rows:,}, {made // rows:,} of each"
    hint = "use fewer elements, or a cutoff, if the ledger grows too large"
    return told.warning("to.dimension", message, hint)


def _places(told: _Told, others: Sequence[str]) -> tuple[tuple[Span, str], ...]:
    return tuple((told.entries[each].span, f"{each} is here") for each in others[:LISTED])


_WORDS: dict[str, Callable[[_Told], Diagnostic]] = {
    "CO801": _empty,
    "CO802": _partless,
    "CO803": _long,
    "CO804": _unbilled,
    "CO805": _idle,
    "CO806": _shadowed,
    "CO807": _filled,
    "CO812": _crowded,
    "CO814": _multiplied,
}
