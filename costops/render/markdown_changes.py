"""A plan's changes in Markdown: a line for each, and a fold with its fields, its money and what it goes through.

Invariant: the HTML is static; names, values and places are inline code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costops.model.plan import Change, Json, Plan
from costops.money import quantum_picos, round_half_even
from costops.render.fitting import Item, Part, Rest
from costops.render.markdown_safe import LONGEST_TEXT, code
from costops.render.markdown_tables import money_table
from costops.render.markdown_words import amounts
from costops.render.moves import largest_moves
from costops.render.numbers import counted
from costops.render.plan_text import cause_words, causes_by_size, value_text

SHOWN_FIELDS = 20
SHOWN_CAUSES = 10
CHANGE, MONEY, CAUSES = 3, 4, 5
"""Priorities: causes are left out first, then the money of small changes, then small changes."""
LARGE_CHANGES = 10
"""Changes whose money is as important as they are."""

_FOLD = "<details>\n<summary>{}</summary>\n\n"
_END = "</details>\n\n"


def changes_parts(plan: Plan) -> list[Part]:
    """Every change in the order of the walk, then what is left out."""
    if not plan.changes:
        return []
    sizes = [_size(largest_moves(change.moved)) for change in plan.changes]
    large = sorted(sizes, reverse=True)[:LARGE_CHANGES][-1]
    items = [
        _item(change, plan.dimensions, size, CHANGE if size >= large else MONEY)
        for change, size in zip(plan.changes, sizes, strict=True)
    ]
    changes = dict(zip(items, plan.changes, strict=True))

    def rest(left_out: Sequence[Item]) -> str:
        moved = money_of(changes[item] for item in left_out)
        return f"_{counted(len(left_out), 'more change')}, which by themselves move {moved}._\n\n"

    return ["### Changes\n\n", *items, Rest(items, rest)]


def money_of(changes: Iterable[Change]) -> str:
    """What changes move, each by itself, added up by currency."""
    sums: dict[str, int] = {}
    for change in changes:
        for currency, picos in largest_moves(change.moved).items():
            sums[currency] = sums.get(currency, 0) + picos
    return amounts(sums)


def _item(change: Change, dimensions: Sequence[str], size: int, importance: int) -> Item:
    causes = causes_by_size(change)
    largest = largest_moves(change.moved)
    inner = []
    if change.money:
        inner.append(Item("table", importance, lambda: money_table(change.money, dimensions) + "\n", size=size))
    if causes:
        inner.append(Item("list of causes", CAUSES, lambda: _causes(change), size=size))
    inside = [
        *(["fields"] if change.fields else []),
        *(["money"] if change.money else []),
        *(["causes"] if causes else []),
    ]
    fold = _FOLD.format(", ".join(inside).capitalize()) if inside else ""
    return Item(
        "change",
        CHANGE,
        lambda: _head(change, largest) + fold + _fields(change),
        inner=inner,
        instead="_Left out for space._\n\n" if inner else "",
        close=_END if fold else "",
        size=size,
    )


def _size(largest: Mapping[str, int]) -> int:
    return max((round_half_even(picos, quantum_picos(currency)) for currency, picos in largest.items()), default=0)


def _head(change: Change, largest: Mapping[str, int]) -> str:
    was = f" from {code(change.previous_id)}" if change.previous_id is not None else ""
    effect = f"moves {amounts(largest)}"
    if change.joined_with is not None:
        effect = f"its money is in {code(change.joined_with)}, without which it does not bind"
    place = code(f"{change.file}:{change.line}", 160)
    return f"**{change.action}** {change.kind} {code(change.id)}{was}: {effect} ({place})\n\n"


def _fields(change: Change) -> str:
    lines = [
        f"- {code(each.path)}: {_value(value_text(each.before), each.before)} → "
        f"{_value(value_text(each.after), each.after)}\n"
        for each in change.fields[:SHOWN_FIELDS]
    ]
    hidden = len(change.fields) - SHOWN_FIELDS
    more = [f"- {counted(hidden, 'more field')}\n"] if hidden > 0 else []
    return "".join([*lines, *more, "\n"]) if lines else ""


def _value(text: str, value: Json) -> str:
    return text if value is None else code(text, LONGEST_TEXT)


def _causes(change: Change) -> str:
    told = causes_by_size(change)
    lines = [f"- {amounts(largest)} {cause_words(change, cause, code)}\n" for cause, largest in told[:SHOWN_CAUSES]]
    hidden = len(told) - SHOWN_CAUSES
    more = [f"- {counted(hidden, 'more cause')}\n"] if hidden > 0 else []
    return "".join([*lines, *more, "\n"])
