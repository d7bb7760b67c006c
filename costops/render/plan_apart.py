"""What stands apart from the rules' changes in a plan's text: the bill's and the usage numbers' difference before them,
and behind them the months that are frozen or restated and the checks.

Invariant: nothing is hidden without a count.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.plan import BillDrift, CheckResult, FrozenMonth, Plan, RestatedMonth, Total
from costops.render.money_table import money_block
from costops.render.moves import as_deltas, largest_moves, money_words, moved_by
from costops.render.numbers import amount, percent
from costops.render.safe import safe_text
from costops.render.table import table_lines

SHOWN_DRIFT = 10
"""Lines of provider, month and cost column."""

FROZEN_WORDS = {"missing": "not in the bill", "closed": "closed", "older": "older than restate_months"}


def differences(plan: Plan, everything: bool) -> list[str]:
    """What no rule caused since the stored version: the bill, months that were frozen, then the usage numbers."""
    bill, metrics = _bill_difference(plan, everything), _metric_difference(plan, everything)
    return [*bill, *_unfrozen(plan, everything), *metrics]


def after_changes(plan: Plan, everything: bool) -> list[str]:
    """Frozen months, restated ones and checks, each part with an empty line behind it."""
    lines = []
    for part in (_frozen(plan, everything), _restated(plan, everything), _checks(plan.checks)):
        lines += [*part, ""] if part else []
    return lines


def has_bill_difference(plan: Plan) -> bool:
    """Whether the bill itself, or what the old rules make of it, differs from the stored version."""
    return bool(plan.bill_money or plan.bill_drift) or any(each.before != each.after for each in plan.bill_totals)


def _bill_difference(plan: Plan, everything: bool) -> list[str]:
    if not has_bill_difference(plan):
        return []
    lines = [f"  The bill changed since {safe_text(plan.base_label)}, which no rule caused:"]
    lines += [_total_line(each) for each in plan.bill_totals if each.cost == plan.cost and each.before != each.after]
    lines += _drift_lines(plan, everything)
    return [*lines, *money_block(plan.bill_money, plan.dimensions, everything), ""]


def _unfrozen(plan: Plan, everything: bool) -> list[str]:
    if not plan.restated_money:
        return []
    head = f"  Months that were frozen are written anew; the rules of {safe_text(plan.base_label)} make of them:"
    return [head, *money_block(plan.restated_money, plan.dimensions, everything), ""]


def _metric_difference(plan: Plan, everything: bool) -> list[str]:
    if not plan.metric_money:
        return []
    head = f"  The usage numbers changed since {safe_text(plan.base_label)}, which no rule caused:"
    moves = f"      moves {money_words(largest_moves(moved_by(as_deltas(plan.metric_money))))}"
    return [head, moves, *money_block(plan.metric_money, plan.dimensions, everything), ""]


def _total_line(total: Total, name: str = "total") -> str:
    change = amount(total.after - total.before, total.currency, signed=True)
    before, after = amount(total.before, total.currency), amount(total.after, total.currency)
    return f"      {name} {safe_text(total.currency)} {before} -> {after} ({change})"


def drift_by_size(plan: Plan) -> list[BillDrift]:
    """Lines of the workspace's cost first, the largest difference first."""
    return sorted(
        plan.bill_drift,
        key=lambda each: (
            each.cost != plan.cost,
            -abs(each.after - each.before),
            each.month,
            each.provider or "",
            each.cost,
            each.currency,
        ),
    )


def _drift_lines(plan: Plan, everything: bool) -> list[str]:
    ordered = drift_by_size(plan)
    visible = ordered if everything else ordered[:SHOWN_DRIFT]
    if not visible:
        return []
    rows = [["", "", "", "", "before", "after", "change", ""]]
    rows += [
        [
            safe_text(each.provider) if each.provider is not None else "(no provider)",
            each.month,
            safe_text(each.cost),
            safe_text(each.currency),
            amount(each.before, each.currency),
            amount(each.after, each.currency),
            amount(each.after - each.before, each.currency, signed=True),
            percent(each.after - each.before, abs(each.before), signed=True) if each.before else "new",
        ]
        for each in visible
    ]
    hidden = len(ordered) - len(visible)
    if hidden:
        rows.append([f"... {hidden:,} more (--all)", *[""] * 7])
    return [f"      {line}".rstrip() for line in table_lines(rows, right=[False] * 4 + [True] * 4)]


def _frozen(plan: Plan, everything: bool) -> list[str]:
    """Months that are carried over though the bill has them; those that it lacks are in the summary."""
    lines = []
    for reason in ("older", "closed"):
        months = [each for each in plan.frozen if each.reason == reason]
        quiet = ", ".join(each.month for each in months if not each.held_back)
        if quiet:
            lines.append(f"  Frozen: {quiet} ({FROZEN_WORDS[reason]}): carried over unchanged.")
        for each in months:
            if each.held_back:
                lines += [f"  {frozen_sentence(each)}"]
                lines += money_block(each.held_back, plan.dimensions, True) if everything else []
    for each in plan.frozen:
        if each.reason == "missing" and each.held_back:
            lines.append(f"  {frozen_sentence(each)}")
    return lines


def frozen_sentence(month: FrozenMonth) -> str:
    """A month in which something is held back, in one sentence; its text is safe for a terminal."""
    held_back = money_words(largest_moves(moved_by(as_deltas(month.held_back))))
    return (
        f"Frozen: {month.month} ({FROZEN_WORDS[month.reason]}): the rules would move {held_back} there; "
        "carried over unchanged."
    )


def _restated(plan: Plan, everything: bool) -> list[str]:
    lines: list[str] = []
    for each in plan.restated:
        because = f", because: {safe_text(plan.reason)}" if plan.reason is not None else ""
        lines.append(f"  Restated: {each.month}, which is closed, is written anew{because}")
        lines += _restated_lines(plan, each, everything)
    return lines


def _restated_lines(plan: Plan, month: RestatedMonth, everything: bool) -> list[str]:
    differing = [each for each in month.totals if each.before != each.after]
    lines = [_total_line(each, safe_text(each.cost)) for each in differing]
    if not differing:
        lines.append("      no total differs")
    if not month.money:
        lines.append("      no element's cost differs")
    return [*lines, *money_block(month.money, plan.dimensions, everything)]


def check_counts(checks: Sequence[CheckResult]) -> str:
    """`1 failed, 1 warning, 1 overridden, 2 passed`."""
    words = [check_word(each) for each in checks]
    ordered = ("failed", "warning", "overridden", "passed")
    return ", ".join(f"{words.count(word)} {word}" for word in ordered if word in words)


def check_word(check: CheckResult) -> str:
    """How a check came out, in one word."""
    return "warning" if check.status == "failed" and check.severity == "warn" else check.status


def _checks(checks: Sequence[CheckResult]) -> list[str]:
    if not checks:
        return []
    lines = [f"  Checks: {check_counts(checks)}"]
    for each in checks:
        word = check_word(each)
        place = f"costops.yaml:{each.line}"
        lines.append(f"      {word:<10}  {safe_text(each.check)}  ({place})")
        if word != "passed":
            lines.append(f"                  {safe_text(each.message)}")
        if word == "overridden":
            lines.append(f"                  overridden until {each.until}: {safe_text(each.reason or '')}")
    return lines
