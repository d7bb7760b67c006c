"""What stands apart from a plan's changes in Markdown: checks, the bill's and the usage numbers' difference, frozen and
restated months, warnings.

Invariant: everything that was written by others is inline code.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from costops.model.diagnostic import Diagnostic
from costops.model.plan import BillDrift, CheckResult, FrozenMonth, MoneyLine, Plan, RestatedMonth, Total
from costops.render.fitting import Item, Part, Rest
from costops.render.markdown_safe import LONGEST_TEXT, code, code_cell, unit, unit_cell
from costops.render.markdown_tables import money_table, table
from costops.render.markdown_words import amounts
from costops.render.moves import as_deltas, largest_moves, moved_by
from costops.render.numbers import amount, counted, percent
from costops.render.plan_apart import FROZEN_WORDS, check_counts, check_word, drift_by_size, has_bill_difference

ROW, TABLE, WARNING = 0, 1, 2
"""Priorities: warnings are left out before whole tables, and those before rows."""

SHOWN_DRIFT = 10
SHOWN_WARNINGS = 10
LONGEST_REASON = 200


def check_parts(plan: Plan) -> list[Part]:
    """Every check, the failed ones first."""
    if not plan.checks:
        return []
    order = ("failed", "warning", "overridden", "passed")
    checks = sorted(plan.checks, key=lambda each: order.index(check_word(each)))
    items = [Item("line", ROW, partial(_check, each)) for each in checks]
    return [
        f"### Checks: {check_counts(plan.checks)}\n\n",
        *items,
        Rest(items, lambda left_out: f"- {counted(len(left_out), 'more check')}\n"),
        "\n",
    ]


def _check(check: CheckResult) -> str:
    word = check_word(check)
    note = f", until {check.until}: {code(check.reason or '', LONGEST_REASON)}" if word == "overridden" else ""
    shown = word if word == "passed" else f"**{word}**"
    return f"- {shown} {code(check.check)} (`costops.yaml:{check.line}`): {code(check.message, LONGEST_TEXT)}{note}\n"


def difference_parts(plan: Plan) -> list[Part]:
    """What the bill, months that are not frozen any more, and the usage numbers changed, which no rule caused."""
    parts: list[Part] = []
    if has_bill_difference(plan):
        totals = [each for each in plan.bill_totals if each.cost == plan.cost and each.before != each.after]
        items = [Item("line", ROW, partial(_total, each)) for each in totals]
        parts += ["### The bill changed, which no rule caused\n\n", *items, _more_lines(items), "\n" if items else ""]
        parts += [*_drift(plan), *_money(plan.bill_money, plan)]
    if plan.restated_money:
        parts += ["### Months that were frozen are written anew\n\n", *_money(plan.restated_money, plan)]
    if plan.metric_money:
        parts += ["### The usage numbers changed, which no rule caused\n\n", *_money(plan.metric_money, plan)]
    return parts


def _more_lines(items: Sequence[Item]) -> Rest:
    return Rest(items, lambda left_out: f"- {counted(len(left_out), 'more line')}\n")


def _total(total: Total) -> str:
    change = amount(total.after - total.before, total.currency, signed=True)
    before, after = amount(total.before, total.currency), amount(total.after, total.currency)
    return f"- {code(total.cost)} {unit(total.currency)} {before} → {after} ({change})\n"


def _drift(plan: Plan) -> list[Part]:
    ordered = drift_by_size(plan)
    if not ordered:
        return []
    head = table(["provider", "month", "cost", "currency", "before", "after", "change", "%"], (), 4)
    items = [Item("row", ROW, partial(_drift_row, each)) for each in ordered[:SHOWN_DRIFT]]
    hidden = len(ordered) - len(items)

    def rest(left_out: Sequence[Item]) -> str:
        return f"| _{len(left_out) + hidden:,} more_ | | | | | | | |\n"

    return [head, *items, Rest(items, rest, always=hidden > 0), "\n"]


def _drift_row(drift: BillDrift) -> str:
    change = drift.after - drift.before
    row = [
        code_cell(drift.provider) if drift.provider is not None else "_none_",
        drift.month,
        code_cell(drift.cost),
        unit_cell(drift.currency),
        amount(drift.before, drift.currency),
        amount(drift.after, drift.currency),
        amount(change, drift.currency, signed=True),
        percent(change, abs(drift.before), signed=True) if drift.before else "new",
    ]
    return f"| {' | '.join(row)} |\n"


def _money(lines: Sequence[MoneyLine], plan: Plan) -> list[Part]:
    if not lines:
        return []
    return [Item("table", TABLE, lambda: money_table(lines, plan.dimensions) + "\n")]


def month_parts(plan: Plan) -> list[Part]:
    """Frozen months with what is held back, then the statement of restated ones."""
    parts: list[Part] = []
    if plan.frozen:
        groups = [
            (reason, [each for each in plan.frozen if each.reason == reason and not each.held_back])
            for reason in FROZEN_WORDS
        ]
        items = [Item("line", ROW, partial(_carried, reason, months)) for reason, months in groups if months]
        items += [Item("line", ROW, partial(_held_back, each)) for each in plan.frozen if each.held_back]
        parts += [f"### Frozen: {counted(len(plan.frozen), 'month')}\n\n", *items, _more_lines(items), "\n"]
    if plan.restated:
        parts.append(f"### Restated: {counted(len(plan.restated), 'closed month')}\n\n")
        parts += [f"Reason: {code(plan.reason, LONGEST_REASON)}\n\n"] if plan.reason is not None else []
        items = [_restated(month, plan) for month in plan.restated]
        parts += [*items, Rest(items, lambda left_out: f"_{counted(len(left_out), 'more month')}_\n\n")]
    return parts


def _carried(reason: str, months: Sequence[FrozenMonth]) -> str:
    first, last = months[0].month, months[-1].month
    shown = first if len(months) == 1 else f"{counted(len(months), 'month')} from {first} to {last}"
    return f"- {shown} ({FROZEN_WORDS[reason]}): carried over unchanged\n"


def _held_back(month: FrozenMonth) -> str:
    moved = amounts(largest_moves(moved_by(as_deltas(month.held_back))))
    return (
        f"- {month.month} ({FROZEN_WORDS[month.reason]}): the rules would move {moved} there; carried over unchanged\n"
    )


def _restated(month: RestatedMonth, plan: Plan) -> Item:
    """The month's totals, whole, and the table of its elements."""
    inner = [Item("table", TABLE, lambda: money_table(month.money, plan.dimensions) + "\n")] if month.money else []
    left_out = "_The table of its elements was left out for space._\n\n" if inner else ""
    return Item("line", ROW, partial(_restated_totals, month), inner=inner, instead=left_out)


def _restated_totals(month: RestatedMonth) -> str:
    differing = [_total(each) for each in month.totals if each.before != each.after]
    return f"**{month.month}**\n\n{''.join(differing) or 'No total differs.'}\n\n"


def warning_parts(plan: Plan) -> list[Part]:
    """The first warnings that no comment silences, and how many there are."""
    heard = [each for each in plan.diagnostics if each.ignored is None]
    silenced = len(plan.diagnostics) - len(heard)
    if not heard:
        return []
    note = f", {silenced:,} ignored" if silenced else ""
    items = [Item("warning", WARNING, partial(_warning, each)) for each in heard[:SHOWN_WARNINGS]]
    hidden = len(heard) - len(items)

    def rest(left_out: Sequence[Item]) -> str:
        return f"- {counted(len(left_out) + hidden, 'more warning')}\n"

    return [f"### {counted(len(heard), 'warning')}{note}\n\n", *items, Rest(items, rest, always=hidden > 0), "\n"]


def _warning(diagnostic: Diagnostic) -> str:
    span = diagnostic.span
    place = f" ({code(f'{span.file}:{span.line}', 160)})" if span is not None else ""
    return f"- {code(diagnostic.code)} {code(diagnostic.message, LONGEST_TEXT)}{place}\n"
