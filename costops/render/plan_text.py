"""A plan as a person reads it in a terminal or a log: changes in the order of the walk, their elements by size.

Invariant: nothing is hidden without a count, and the changes shown for one dimension and currency add up as the
plan's do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from costops.model.plan import Cause, Change, Coverage, FieldChange, Json, Plan
from costops.money import format_picos
from costops.render.money_table import money_block
from costops.render.moves import largest_moves, money_words, moved_by
from costops.render.numbers import amount, counted, percent
from costops.render.plan_apart import after_changes, differences
from costops.render.safe import safe_text
from costops.render.table import pad, shown_width, table_lines

SYMBOLS = {"add": "+", "change": "~", "remove": "-", "move": "^", "rename": ">"}
SHOWN_CAUSES = 5
LONGEST_ALIGNED = 40
"""Cells of a value before a change beside which the arrows of other fields still stand in one column."""
LONG_PLAN_LINES = 60


def plan_text(plan: Plan, *, width: int = 100, everything: bool = False) -> str:
    """The whole plan; `everything` shows every element of every change."""
    labels = f"{safe_text(plan.base_label)} -> {safe_text(plan.target_label)}"
    lines = [f"costops plan   {labels}     bill {bill_words(plan)}"]
    if plan.compared_with is not None:
        lines.append(f"{_comparison(plan)} It is for review alone and cannot be applied.")
    lines.append("")
    body = [*differences(plan, everything), *_changes(plan, width, everything)]
    behind = after_changes(plan, everything)
    summary = summary_lines(plan, width)
    digest = [f"Plan digest {plan.plan_digest}"] if plan.writes else []
    if not body:
        return "\n".join([*lines, *behind, no_changes(plan), *summary[1:], *digest]) + "\n"
    body += behind
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


def bill_words(plan: Plan) -> str:
    """The billing months and rows of the bill."""
    if not plan.bill.rows:
        return "without rows"
    months = plan.bill.first_month
    if plan.bill.last_month != months:
        months += f"..{plan.bill.last_month}"
    return f"{months}, {counted(plan.bill.rows, 'row')}"


def _comparison(plan: Plan) -> str:
    return f"Compared with the rules at {safe_text(plan.compared_with or '')}, not with the state."


def no_changes(plan: Plan) -> str:
    """What a plan without changes says instead of them."""
    if plan.compared_with is not None:
        return f"No changes. The rules give what those at {safe_text(plan.compared_with)} give."
    if plan.base.version is None:
        return "No rules yet: all cost is unallocated. Apply would write it as version 1."
    return f"No changes. The allocations of version {plan.base.version} match the rules and the bill."


def _moves_sentence(plan: Plan) -> str:
    largest = largest_moves(plan.moved)
    if not largest:
        return "Moves nothing."
    totals = {total.currency: total.after for total in plan.totals if total.cost == plan.cost}
    parts = [
        f"{safe_text(currency)} {amount(moved, currency)} ({percent(moved, totals.get(currency, 0))})"
        for currency, moved in largest.items()
    ]
    return f"Moves {', '.join(parts)}."


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
    rows = [[safe_text(each.path), value_text(each.before), "->", value_text(each.after)] for each in fields]
    if any(shown_width(before) > LONGEST_ALIGNED for _, before, *_ in rows):
        rows = [[path, f"{before}  ->  {after}"] for path, before, _, after in rows]
    return [f"      {line}" for line in table_lines(rows, right=[False] * (len(rows[0]) if rows else 0))]


def value_text(value: Json) -> str:
    """A field's value as a person would write it, safe for a terminal."""
    if value is None:
        return "(none)"
    if isinstance(value, str):
        return safe_text(value)
    return safe_text(json.dumps(value, ensure_ascii=False))


def _effect(change: Change, dimensions: Sequence[str], everything: bool) -> list[str]:
    if change.joined_with is not None:
        return [f"      its money is in {safe_text(change.joined_with)}, without which it does not bind"]
    largest = largest_moves(change.moved)
    if not largest:
        return ["      moves nothing"]
    return [
        f"      moves {money_words(largest)}",
        *money_block(change.money, dimensions, everything),
        *_cause_lines(change, everything),
    ]


def _cause_lines(change: Change, everything: bool) -> list[str]:
    told = causes_by_size(change)
    visible = told if everything else told[:SHOWN_CAUSES]
    lines = [f"      of this {money_words(largest)} {cause_words(change, cause)}" for cause, largest in visible]
    hidden = len(told) - len(visible)
    return [*lines, f"      ... {hidden:,} more causes (--all)"] if hidden else lines


def causes_by_size(change: Change) -> list[tuple[Cause, dict[str, int]]]:
    """Causes with what goes through each, the largest first; none where the changed entry itself is the only one."""
    if all(_is_its_own(change, each) for each in change.causes):
        return []
    told = [(each, largest_moves(moved_by(each.money))) for each in change.causes]
    return sorted(told, key=lambda pair: (-max(pair[1].values(), default=0), pair[0].cause, pair[0].rule or ""))


def _is_its_own(change: Change, cause: Cause) -> bool:
    own = cause.rule is None or cause.rule == change.id
    return own and (cause.cause == "rule" or (cause.cause == "order" and change.action == "move"))


def cause_words(change: Change, cause: Cause, named: Callable[[str], str] = safe_text) -> str:
    """Through what a part of a change's money goes; `named` writes the name of a rule."""
    if cause.rule is None:
        return "before the first allocation"
    rule = named(cause.rule)
    if cause.cause == "upstream":
        return f"through {rule}, which is unchanged"
    if cause.cause == "order":
        return f"through {rule}, because of its place in the order"
    return "directly" if cause.rule == change.id else f"through {rule}, which reads it"
