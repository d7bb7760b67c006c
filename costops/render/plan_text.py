"""A plan as a person reads it in a terminal or a log: changes in the order of the walk, their elements by size.

Invariant: nothing is hidden without a count, and the changes shown for one dimension and currency add up as the
plan's do.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from costops.model.plan import Change, Coverage, FieldChange, Json, MoneyLine, Plan
from costops.money import format_picos, quantum_picos, round_from_top, round_half_even
from costops.render.numbers import amount, counted, in_quanta, percent
from costops.render.safe import safe_text
from costops.render.table import pad, shown_width, table_lines

SYMBOLS = {"add": "+", "change": "~", "remove": "-", "move": "^", "rename": ">"}
UNALLOCATED = "(unallocated)"
SHOWN_ELEMENTS = 5
LONGEST_ALIGNED = 40
"""Cells of a value before a change beside which the arrows of other fields still stand in one column."""
LONG_PLAN_LINES = 60


def plan_text(plan: Plan, *, width: int = 100, everything: bool = False) -> str:
    """The whole plan; `everything` shows every element of every change."""
    labels = f"{safe_text(plan.base_label)} -> {safe_text(plan.target_label)}"
    title = f"costops plan   {labels}     bill {_bill(plan)}"
    body = [*_bill_difference(plan, everything), *_changes(plan, width, everything)]
    summary = summary_lines(plan, width)
    digest = [f"Plan digest {plan.plan_digest}"] if plan.writes else []
    if not body:
        return "\n".join([title, "", _no_changes(plan), *summary[1:], *digest]) + "\n"
    lines = [title, ""]
    if len(body) > LONG_PLAN_LINES:
        lines += [*summary, ""]
    return "\n".join([*lines, *body, *summary, *digest]) + "\n"


def summary_lines(plan: Plan, width: int) -> list[str]:
    """Counts and money moved; then per currency the total and what is unallocated."""
    counts = ", ".join(f"{plan.count(action)} to {action}" for action in ("add", "change", "remove", "move", "rename"))
    lines = [f"Plan: {counts}.  {_moves_sentence(plan)}"]
    shown = [total for total in plan.totals if total.cost == plan.cost]
    for total in shown:
        shares = [_share(each) for each in plan.unallocated if each.currency == total.currency]
        before, after = amount(total.before, total.currency), amount(total.after, total.currency)
        difference = format_picos(total.after - total.before)
        line = f"Total {safe_text(total.currency)} {before} -> {after} (difference {difference})."
        unallocated = f"  Unallocated {', '.join(shares)}." if shares else ""
        fits = len(line) + len(unallocated) <= width
        lines += [line + unallocated] if fits else [line, unallocated]
    if plan.carried_months:
        months = ", ".join(plan.carried_months)
        lines.append(f"Carried over from {safe_text(plan.base_label)}, because the bill lacks them: {months}.")
    return lines


def _share(covered: Coverage) -> str:
    before, after = percent(covered.before, covered.before_total), percent(covered.after, covered.after_total)
    return f"by {safe_text(covered.dimension)} {before} -> {after}"


def _bill(plan: Plan) -> str:
    if not plan.bill.rows:
        return "without rows"
    months = plan.bill.first_month
    if plan.bill.last_month != months:
        months += f"..{plan.bill.last_month}"
    return f"{months}, {counted(plan.bill.rows, 'row')}"


def _no_changes(plan: Plan) -> str:
    if plan.base.version is None:
        return "No rules yet: all cost is unallocated. Apply would write it as version 1."
    return f"No changes. The allocations of version {plan.base.version} match the rules and the bill."


def _moves_sentence(plan: Plan) -> str:
    largest: dict[str, int] = {}
    for each in plan.moved:
        largest[each.currency] = max(largest.get(each.currency, 0), each.amount)
    if not largest:
        return "Moves nothing."
    totals = {total.currency: total.after for total in plan.totals if total.cost == plan.cost}
    parts = [
        f"{safe_text(currency)} {amount(moved, currency)} ({percent(moved, totals.get(currency, 0))})"
        for currency, moved in sorted(largest.items())
    ]
    return f"Moves {', '.join(parts)}."


def _bill_difference(plan: Plan, everything: bool) -> list[str]:
    """What the bill and the metrics changed since the stored version, with the old rules."""
    if not plan.bill_money and all(total.before == total.after for total in plan.bill_totals):
        return []
    what = "metrics" if plan.metric_changes and not plan.bill_changes else "bill"
    if plan.metric_changes and plan.bill_changes:
        what = "bill and the metrics"
    lines = [f"  The {what} changed since {safe_text(plan.base_label)}, which no rule caused:"]
    for total in plan.bill_totals:
        if total.cost == plan.cost and total.before != total.after:
            change = amount(total.after - total.before, total.currency, signed=True)
            before, after = amount(total.before, total.currency), amount(total.after, total.currency)
            lines.append(f"      total {safe_text(total.currency)} {before} -> {after} ({change})")
    lines += money_block(plan.bill_money, plan.dimensions, everything)
    return [*lines, ""]


def _changes(plan: Plan, width: int, everything: bool) -> list[str]:
    lines = []
    for change in plan.changes:
        head = f"  {SYMBOLS[change.action]} {change.kind} {safe_text(change.id)}"
        place = safe_text(f"{change.file}:{change.line}")
        lines.append(pad(head, width - shown_width(place) - 1) + " " + place)
        lines += field_lines(change.fields)
        lines += _effect(change, plan.dimensions, everything)
        lines.append("")
    return lines


def field_lines(fields: Sequence[FieldChange]) -> list[str]:
    """Fields before and after, one a line, under a change."""
    rows = [[safe_text(each.path), _value(each.before), "->", _value(each.after)] for each in fields]
    if any(shown_width(before) > LONGEST_ALIGNED for _, before, *_ in rows):
        rows = [[path, f"{before}  ->  {after}"] for path, before, _, after in rows]
    return [f"      {line}" for line in table_lines(rows, right=[False] * (len(rows[0]) if rows else 0))]


def _value(value: Json) -> str:
    if value is None:
        return "(none)"
    if isinstance(value, str):
        return safe_text(value)
    return safe_text(json.dumps(value, ensure_ascii=False))


def _effect(change: Change, dimensions: Sequence[str], everything: bool) -> list[str]:
    if change.joined_with is not None:
        return [f"      its money is in {safe_text(change.joined_with)}, without which it does not bind"]
    largest: dict[str, int] = {}
    for each in change.moved:
        largest[each.currency] = max(largest.get(each.currency, 0), each.amount)
    if not largest:
        return ["      moves nothing"]
    moved = ", ".join(f"{safe_text(currency)} {amount(picos, currency)}" for currency, picos in sorted(largest.items()))
    return [f"      moves {moved}", *money_block(change.money, dimensions, everything)]


def money_block(
    lines: Sequence[MoneyLine],
    dimensions: Sequence[str],
    everything: bool,
    *,
    heads: tuple[str, str] = ("before", "after"),
    more: str = " (--all)",
) -> list[str]:
    """Elements before and after by dimension and currency, the largest change first.

    `heads` names the two sides; `more` stands behind the count of what is not shown.
    """
    currencies = sorted({line.currency for line in lines})
    rows: list[list[str]] = []
    unchanged = []
    for dimension in dimensions:
        if all(line.dimension != dimension for line in lines):
            unchanged.append(dimension)
        for currency in currencies:
            chosen = [line for line in lines if (line.dimension, line.currency) == (dimension, currency)]
            label = safe_text(f"{dimension} {currency}") if len(currencies) > 1 else safe_text(dimension)
            rows += _element_rows(label, chosen, everything, more)
    shown = []
    if rows:
        head = ["", "", *heads, "change", ""]
        shown = table_lines([head, *rows], right=[False, False, True, True, True, True])
    if unchanged and lines:
        shown.append(f"{safe_text(', '.join(unchanged))}  (no change)")
    return [f"      {line}".rstrip() for line in shown]


def _rounded(lines: Sequence[MoneyLine]) -> dict[MoneyLine, int]:
    """Deltas of one sign in quanta that add up to their rounded sum, which is what moves."""
    if not lines:
        return {}
    quanta = round_from_top([(line.value or "", line.delta) for line in lines], quantum_picos(lines[0].currency))
    return dict(zip(lines, quanta, strict=True))


def _element_rows(label: str, lines: Sequence[MoneyLine], everything: bool, more: str) -> list[list[str]]:
    if not lines:
        return []
    currency = lines[0].currency
    quantum = quantum_picos(currency)
    changes = {
        **_rounded([line for line in lines if line.delta > 0]),
        **_rounded([line for line in lines if line.delta <= 0]),
    }
    ordered = sorted(lines, key=lambda line: (-abs(line.delta), line.value is not None, line.value or ""))
    visible = [line for line in ordered if changes[line]]
    if not everything:
        visible = visible[:SHOWN_ELEMENTS]
    rows: list[list[str]] = []
    for line in visible:
        before = round_half_even(line.before, quantum)
        rows.append(
            [
                "" if rows else label,
                UNALLOCATED if line.value is None else safe_text(line.value),
                in_quanta(before, currency),
                in_quanta(before + changes[line], currency),
                in_quanta(changes[line], currency, signed=True),
                percent(line.delta, abs(line.before), signed=True) if line.before else "new",
            ]
        )
    hidden = len(lines) - len(visible)
    if hidden:
        small = "" if not everything else f" of less than {in_quanta(1, currency)}"
        count = f"... {hidden:,} more{small}{'' if everything else more}"
        rows.append(["" if rows else label, count, "", "", "", ""])
    return rows
