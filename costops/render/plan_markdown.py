"""A plan as a comment on a pull request: Markdown as GitHub and GitLab show it.

Invariant: it has at most as many characters as are asked for, nothing is cut in its middle, and line one says what is
left out; of text that others wrote nothing is live.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from costops.model.net_money import moving_dimensions, net_lines
from costops.model.plan import MoneyLine, Plan, Total
from costops.money import format_picos
from costops.render.fitting import Item, Part, Rest, fitted
from costops.render.markdown_apart import ROW, TABLE, check_parts, difference_parts, month_parts, warning_parts
from costops.render.markdown_changes import changes_parts, money_of
from costops.render.markdown_safe import code, code_cell, unit, unit_cell
from costops.render.markdown_tables import SHOWN_ELEMENTS, UNALLOCATED, Row, cells, element, net_rows, remainder, table
from costops.render.moves import largest_moves
from costops.render.numbers import amount, counted, percent
from costops.render.plan_text import bill_words

MOST_CHARACTERS = 65_536
"""Of a comment on GitHub."""
LEAST_CHARACTERS = 4_000
"""What can never be left out has fewer."""

NAMED_ELEMENTS = 2
LONGEST_NAME = 40
"""Characters of a name in line one."""
LONGEST_LABEL = 100
SHOWN_CURRENCIES = 2
"""In line one."""


def plan_markdown(plan: Plan, *, max_chars: int = MOST_CHARACTERS) -> str:
    """The whole comment, of at most `max_chars` characters, of which there must be LEAST_CHARACTERS."""
    moving = moving_dimensions(plan)
    parts: list[Part] = [
        *_net_table(plan, moving),
        *changes_parts(plan),
        *check_parts(plan),
        *difference_parts(plan),
        *month_parts(plan),
        *warning_parts(plan),
        *_summary(plan),
    ]
    items = [item for part in parts if isinstance(part, Item) for item in (part, *part.inner)]
    changes = dict(zip((item for item in items if item.kind == "change"), plan.changes, strict=True))

    def left_out(missing: Sequence[Item]) -> str:
        kinds = [item.kind for item in missing]
        told = [counted(kinds.count(kind), kind, _PLURALS.get(kind)) for kind in _KINDS if kind in kinds]
        moved = money_of(changes[item] for item in missing if item in changes)
        return f" · Left out for space: {', '.join(told)}; the changes among them move {moved}."

    return fitted([_headline(plan, moving), Rest(items, left_out), "\n\n", *parts], max_chars)


_KINDS = ("change", "table", "list of causes", "warning", "row", "line")
_PLURALS = {"list of causes": "lists of causes"}


def _headline(plan: Plan, moving: Sequence[tuple[str, str]]) -> str:
    said = "; ".join(_moves(plan, moving)) or _nothing(plan)
    notes = []
    if plan.compared_with is not None:
        notes.append(f"Compared with the rules at {code(plan.compared_with, LONGEST_NAME)}, not with the state.")
    elif plan.base.version is None:
        notes.append("Nothing is applied yet.")
    if plan.failed_checks:
        notes.append(f"**{counted(len(plan.failed_checks), 'check')} failed.**")
    return " · ".join([f"**{said}**", *notes])


def _nothing(plan: Plan) -> str:
    if plan.changes:
        return "Nothing moves."
    return "No changes." if not plan.writes else "No rule changes."


def _moves(plan: Plan, moving: Sequence[tuple[str, str]]) -> list[str]:
    """Per currency how much moves, along the dimension in which most does, and between whom."""
    totals = {each.currency: each.after for each in plan.totals if each.cost == plan.cost}
    moves = []
    for currency, picos in largest_moves(plan.moved).items():
        dimension = next(each.dimension for each in plan.moved if (each.currency, each.amount) == (currency, picos))
        much = f"{unit(currency)} {amount(picos, currency)} ({percent(picos, abs(totals.get(currency, 0)))})"
        between = _between(net_lines(plan, dimension, currency)) if (dimension, currency) in moving else ""
        moves.append(f"{much} moves by {code(dimension, LONGEST_NAME)}{between}")
    more = len(moves) - SHOWN_CURRENCIES
    return moves[:SHOWN_CURRENCIES] + ([f"{counted(more, 'more currency', 'more currencies')}"] if more > 0 else [])


def _between(lines: Sequence[MoneyLine]) -> str:
    ordered = sorted(lines, key=lambda line: (-abs(line.delta), line.value is not None, line.value or ""))
    losers = _named([line for line in ordered if line.delta < 0])
    gainers = _named([line for line in ordered if line.delta > 0])
    return f": from {losers} to {gainers}"


def _named(lines: Sequence[MoneyLine]) -> str:
    names = ", ".join(element(line.value, LONGEST_NAME) for line in lines[:NAMED_ELEMENTS])
    more = len(lines) - NAMED_ELEMENTS
    return f"{names} and {more:,} more" if more > 0 else names


def _net_table(plan: Plan, moving: Sequence[tuple[str, str]]) -> list[Part]:
    """The first report dimension that moves: its largest elements, all others as one row, and the total.

    Of the first currency rows may be left out, of the others whole tables.
    """
    if not moving:
        return []
    dimension = moving[0][0]
    first, *others = [currency for each, currency in moving if each == dimension]
    items = [Item("table", TABLE, partial(_whole, plan, dimension, currency)) for currency in others]

    def rest(left_out: Sequence[Item]) -> str:
        return f"_{counted(len(left_out), 'more currency moves', 'more currencies move')} by {code(dimension)}._\n\n"

    return [*_currency_table(plan, dimension, first), *items, Rest(items, rest)]


def _whole(plan: Plan, dimension: str, currency: str) -> str:
    return fitted(_currency_table(plan, dimension, currency), MOST_CHARACTERS)


def _currency_table(plan: Plan, dimension: str, currency: str) -> list[Part]:
    rows, total = net_rows(net_lines(plan, dimension, currency))
    visible = _visible(rows)
    hidden = [row for row in rows if row not in visible]
    heads = [f"{code_cell(dimension)} {unit_cell(currency)}", "before", "after", "change", "%"]
    return [table(heads, (), 1), *_row_parts(visible, hidden, currency), _line(cells(total, currency)) + "\n"]


def _visible(rows: Sequence[Row]) -> list[Row]:
    """The largest changes, and what is unallocated whatever its change."""
    return [row for place, row in enumerate(rows) if (place < SHOWN_ELEMENTS and row.change) or row.name == UNALLOCATED]


def _row_parts(visible: Sequence[Row], hidden: Sequence[Row], currency: str) -> list[Part]:
    """Rows as items, and the remainder row, which is always there where not all elements are."""
    items = [Item("row", ROW, partial(_row_line, row, currency), size=abs(row.change)) for row in visible]
    row_of = dict(zip(items, visible, strict=True))

    def rest(left_out: Sequence[Item]) -> str:
        return _line(cells(remainder([*(row_of[item] for item in left_out), *hidden]), currency))

    return [*items, Rest(items, rest, slack=40, always=bool(hidden))]


def _row_line(row: Row, currency: str) -> str:
    return _line(cells(row, currency))


def _line(row: Sequence[str]) -> str:
    return f"| {' | '.join(row)} |\n"


def _summary(plan: Plan) -> list[Part]:
    counts = ", ".join(f"{plan.count(action)} to {action}" for action in ("add", "change", "remove", "move", "rename"))
    labels = f"{code(plan.base_label, LONGEST_LABEL)} → {code(plan.target_label, LONGEST_LABEL)}"
    totals = [Item("line", ROW, partial(_total, plan, total)) for total in plan.totals if total.cost == plan.cost]

    def rest(left_out: Sequence[Item]) -> str:
        return f"- {counted(len(left_out), 'more currency', 'more currencies')}\n"

    return [
        f"---\n\n**Plan: {counts}.** {labels}; bill {bill_words(plan)}.\n\n",
        *totals,
        Rest(totals, rest),
        "\n" if totals else "",
        _how_to_apply(plan),
    ]


def _total(plan: Plan, total: Total) -> str:
    before, after = amount(total.before, total.currency), amount(total.after, total.currency)
    shares = ", ".join(
        f"by {code(each.dimension)} {percent(each.before, each.before_total)} → {percent(each.after, each.after_total)}"
        for each in plan.unallocated
        if each.currency == total.currency
    )
    difference = format_picos(total.after - total.before)
    line = f"- Total {unit(total.currency)} {before} → {after} (difference {difference})."
    return f"{line} Unallocated {shares}.\n" if shares else f"{line}\n"


def _how_to_apply(plan: Plan) -> str:
    digest = f"Plan digest `{plan.plan_digest}`"
    if plan.compared_with is not None:
        return f"{digest}. For review alone: a comparison of revisions cannot be applied.\n"
    if plan.failed_checks:
        return f"{digest}. It cannot be applied while a check fails.\n"
    if not plan.writes:
        return f"{digest}. There is nothing to apply.\n"
    return f"{digest}. To apply exactly this: `costops apply --digest {plan.plan_digest}`\n"
