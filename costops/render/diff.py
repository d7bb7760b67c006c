"""Two versions against each other for people: changes of rules, elements whose cost differs, who lost to whom.

Invariant: nothing is hidden without a count; what the bill changed is said beside what rules did, never as if they had
done it.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.plan import Change
from costops.model.version_diff import DiffSide, VersionDiff
from costops.money import format_picos
from costops.render.flows import flow_lines
from costops.render.money_table import money_block
from costops.render.numbers import amount, counted, percent
from costops.render.plan_text import SYMBOLS, field_lines
from costops.render.safe import safe_text
from costops.render.table import pad, shown_width

DONE = {"add": "added", "change": "changed", "remove": "removed", "move": "moved", "rename": "renamed"}


def diff_text(diff: VersionDiff, *, width: int = 100, everything: bool = False) -> str:
    """The whole difference; `everything` shows every element and flow."""
    title = f"costops diff   {safe_text(diff.before.label)} -> {safe_text(diff.after.label)}     {safe_text(diff.cost)}"
    lines = [title, "", *_entry_lines(diff.changes, width), *_data_lines(diff), *_dimension_lines(diff)]
    if diff.money:
        lines += ["  cost by element", *money_block(diff.money, diff.dimensions, everything), ""]
    if diff.flows:
        lines += ["  who lost to whom", *flow_lines(diff.flows, width=width, everything=everything), ""]
    return "\n".join([*lines, *_summary(diff, width)]) + "\n"


def _entry_lines(changes: Sequence[Change], width: int) -> list[str]:
    lines = []
    for change in changes:
        head = f"  {SYMBOLS[change.action]} {change.kind} {safe_text(change.id)}"
        place = safe_text(f"{change.file}:{change.line}")
        lines.append(pad(head, width - shown_width(place) - 1) + " " + place)
        lines += [*field_lines(change.fields), ""]
    return lines


def _data_lines(diff: VersionDiff) -> list[str]:
    lines = []
    if diff.bill_changes:
        lines.append(f"  the bill differs: {_bill(diff.before)} -> {_bill(diff.after)}")
    if diff.metric_changes:
        lines.append("  the usage numbers differ")
    if lines and diff.money and diff.changes:
        lines.append("  What follows is what the rules and this changed together.")
    return [*lines, ""] if lines else []


def _bill(side: DiffSide) -> str:
    months = f"{side.months[0]}..{side.months[-1]}" if len(side.months) > 1 else "".join(side.months)
    return f"{months or 'no months'}, {counted(side.version.draft.bill.rows, 'row')}"


def _dimension_lines(diff: VersionDiff) -> list[str]:
    first = diff.before.version.number
    lines = [
        f"  {safe_text(after)} is called {safe_text(before)} in version {first}"
        for before, after in diff.renamed_dimensions
    ]
    for side in (diff.before, diff.after):
        if side.own_dimensions:
            names = ", ".join(map(safe_text, side.own_dimensions))
            lines.append(f"  only version {side.version.number} is by {names}, which is not compared")
    return [*lines, ""] if lines else []


def _summary(diff: VersionDiff, width: int) -> list[str]:
    counts = [(sum(1 for each in diff.changes if each.action == action), word) for action, word in DONE.items()]
    lines = [f"Rules: {', '.join(f'{count} {word}' for count, word in counts)}."]
    if not diff.money:
        what = ", ".join(map(safe_text, diff.dimensions))
        lines.append(f"No element of {what} has another cost." if what else "The versions share no report dimension.")
    for total in diff.totals:
        if total.cost != diff.cost:
            continue
        before, after = amount(total.before, total.currency), amount(total.after, total.currency)
        difference = format_picos(total.after - total.before)
        line = f"Total {safe_text(total.currency)} {before} -> {after} (difference {difference})."
        shares = [
            f"by {safe_text(each.dimension)} {percent(each.before, each.before_total)} -> "
            f"{percent(each.after, each.after_total)}"
            for each in diff.unallocated
            if each.currency == total.currency
        ]
        unallocated = f"  Unallocated {', '.join(shares)}." if shares else ""
        lines += [line + unallocated] if len(line) + len(unallocated) <= width else [line, unallocated]
    return lines
