"""Guard checks: what the entries of `checks` in costops.yaml find in a plan.

Invariant: every comparison is exact, in whole numbers, and what is equal to a limit passes. No clock decides: an
override counts by the bill's newest billing month.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from costops.errors import CheckError
from costops.model.net_money import net_deltas
from costops.model.plan import CheckResult, Plan
from costops.model.rules import RuleSet
from costops.model.settings import Check
from costops.money import SAME_PICOS, WHOLE_PICOS, format_picos
from costops.render.numbers import amount, percent

MOST_NAMED = 5
"""How many elements or entries a message names."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a check found, in words; `wrong` is what is beyond the limit."""

    wrong: tuple[str, ...]
    right: tuple[str, ...]
    rule: str
    """What may be, behind either."""


def check_results(checks: Sequence[Check], plan: Plan, rules: RuleSet) -> tuple[CheckResult, ...]:
    """One result for each check, in order."""
    return tuple(_result(check, plan, rules) for check in checks)


def refuse_failed(plan: Plan) -> None:
    """Raises CheckError where a check forbids to apply the plan."""
    failed = plan.failed_checks
    if failed:
        count = f"{len(failed)} check{'' if len(failed) == 1 else 's'}"
        raise CheckError(
            f"{count} failed: {'; '.join(each.check for each in failed)}; nothing was written",
            hint="Change the rules, or give the check an `override` with `reason` and `until` in costops.yaml.",
        )


def _result(check: Check, plan: Plan, rules: RuleSet) -> CheckResult:
    found = _FINDERS[check.kind](check, plan, rules)
    status, note = "passed", ""
    override = check.override
    if found.wrong:
        status = "failed"
        if override is not None and f"{plan.bill.last_month}-01" <= override.until:
            status = "overridden"
        elif override is not None:
            note = f"; its override ended on {override.until}, before {plan.bill.last_month}"
    return CheckResult(
        check=_words(check),
        severity=check.severity,
        status=status,
        message=f"{_listed(found.wrong or found.right)}{found.rule}{note}",
        line=check.line,
        reason=override.reason if override is not None else None,
        until=override.until if override is not None else None,
    )


def _words(check: Check) -> str:
    of = f" of {check.of}" if check.of else ""
    if check.kind == "protect":
        tolerated = f" by_percent {format_picos(check.limit)}" if check.limit else ""
        return f"protect: {', '.join(check.elements)}{of}{tolerated}"
    if check.kind == "require_owner":
        return f"require_owner: {', '.join(check.kinds)}"
    return f"{check.kind}: {_limit(check)}{of}"


def _limit(check: Check) -> str:
    return format_picos(check.limit) if check.currency is None else f"{format_picos(check.limit)} {check.currency}"


def _listed(parts: Sequence[str]) -> str:
    more = f" and {len(parts) - MOST_NAMED:,} more" if len(parts) > MOST_NAMED else ""
    return ", ".join(parts[:MOST_NAMED]) + more


def _money(picos: int, currency: str) -> str:
    return f"{currency} {amount(picos, currency)}"


def _is_beyond(part: int, whole: int, limit: int) -> bool:
    """Whether a part is more than so many units of 1e-12 percent of a whole; anything is more than a share of 0."""
    if whole < 0:
        part, whole = -part, -whole
    return part != 0 if whole == 0 else part * WHOLE_PICOS > limit * whole


def _sorted_out(figures: Iterable[tuple[str, bool]], nothing: str, rule: str) -> _Found:
    told = list(figures)
    right = tuple(text for text, is_wrong in told if not is_wrong)
    return _Found(tuple(text for text, is_wrong in told if is_wrong), right or (nothing,), rule)


def _moved_percent(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    totals = {each.currency: abs(each.after) for each in plan.totals if each.cost == plan.cost}
    figures = (
        (
            f"{_money(each.amount, each.currency)} ({percent(each.amount, totals.get(each.currency, 0))})",
            _is_beyond(each.amount, totals.get(each.currency, 0), check.limit),
        )
        for each in plan.moved
        if each.dimension == check.of
    )
    return _sorted_out(figures, "nothing", f" moves by {check.of}; at most {_limit(check)} % of a currency may")


def _moved(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    figures = (
        (_money(each.amount, each.currency), each.amount > check.limit)
        for each in plan.moved
        if (each.dimension, each.currency) == (check.of, check.currency)
    )
    return _sorted_out(figures, "nothing", f" moves by {check.of}; at most {_limit(check)} may")


def _unallocated_percent(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    figures = (
        (
            f"{_money(each.after, each.currency)} ({percent(each.after, each.after_total)})",
            _is_beyond(each.after, each.after_total, check.limit),
        )
        for each in plan.unallocated
        if each.dimension == check.of
    )
    rule = f" is unallocated by {check.of}; at most {_limit(check)} % of a currency may be"
    return _sorted_out(figures, "nothing", rule)


def _unallocated(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    figures = (
        (_money(each.after, each.currency), each.after > check.limit)
        for each in plan.unallocated
        if (each.dimension, each.currency) == (check.of, check.currency)
    )
    return _sorted_out(figures, "nothing", f" is unallocated by {check.of}; at most {_limit(check)} may be")


def _protected(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    after = {(each.value, each.currency): each.amount for each in plan.result if each.dimension == check.of}
    wrong = []
    for (dimension, value, currency), delta in net_deltas(plan).items():
        if dimension != check.of or value not in check.elements or abs(delta) < SAME_PICOS:
            continue
        before = after.get((value, currency), 0) - delta
        if _is_beyond(abs(delta), abs(before), check.limit):
            share = percent(delta, abs(before), signed=True) if before else "new"
            wrong.append(f"{value} changes by {currency} {amount(delta, currency, signed=True)} ({share})")
    limit = f"; at most {format_picos(check.limit)} % of its cost may" if check.limit else "; nothing may"
    return _Found(tuple(sorted(wrong)), ("no protected element changes",), limit)


def _owners(check: Check, plan: Plan, rules: RuleSet) -> _Found:
    lacking = tuple(
        f"{kind} {entry.id} ({entry.span.file}:{entry.span.line})"
        for kind, entry in rules.entries()
        if kind in check.kinds and entry.enabled and not entry.owner
    )
    if not lacking:
        return _Found((), ("every enabled entry has an owner",), "")
    return _Found(lacking, (), " has no owner" if len(lacking) == 1 else " have no owner")


_FINDERS: dict[str, Callable[[Check, Plan, RuleSet], _Found]] = {
    "max_moved_percent": _moved_percent,
    "max_moved": _moved,
    "max_unallocated_percent": _unallocated_percent,
    "max_unallocated": _unallocated,
    "protect": _protected,
    "require_owner": _owners,
}
