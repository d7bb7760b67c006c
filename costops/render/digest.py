"""A digest as a person reads it in a terminal.

Invariant: in each month the shown elements add up to the shown total, in each line the shown month before plus the
shown change is the shown month, nothing is hidden without a count, and a number is never cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from costops.model.digest import CurrencyDigest, Digest, DigestLine, MonthCost
from costops.money import quantum_picos, round_from_top
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import counted, in_quanta, percent
from costops.render.safe import safe_text
from costops.render.table import pad, shown_width, table_lines

NO_COST = "-"
SHARE = "unallocated %"
SHOWN_ELEMENTS = 20
NAME_CELLS = 24
"""What the first column may always take; it gets more to tell names apart, and where the months leave room."""
SENTENCE_NAME_CELLS = 40
GAP = 2


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of a currency's table, safe for a terminal; one text for each month."""

    name: str
    amounts: tuple[str, ...]
    changes: tuple[str, ...]
    """Empty where the version lacks the month before."""
    percents: tuple[str, ...]
    """`-2.5 %`, `new`, `gone`, or empty where there is no change to state."""


@dataclass(frozen=True, slots=True)
class ShownCurrency:
    """The table of one currency, rounded from the top."""

    elements: tuple[ShownLine, ...]
    rest: ShownLine | None
    """Counts and sums the elements that are not shown one by one."""
    unallocated: ShownLine
    total: ShownLine
    shares: tuple[str, ...]
    """The unallocated cost in percent of each month's total."""
    rise: ShownLine | None
    fall: ShownLine | None

    @property
    def lines(self) -> tuple[ShownLine, ...]:
        """Every line of the table from the top."""
        return (*self.elements, *([self.rest] if self.rest else []), self.unallocated, self.total)


@dataclass(frozen=True, slots=True)
class _Rounded:
    """A line in quanta of its currency: each month, and the month before it."""

    name: str
    costs: tuple[MonthCost, ...]
    after: tuple[int, ...]
    before: tuple[int, ...]


def shown_currency(block: CurrencyDigest, *, most: int | None = None) -> ShownCurrency:
    """The table of a currency; with `most` the elements after so many are one line."""
    rounded = _rounded(block)
    lines = [_shown(each, block.currency) for each in rounded]
    shown = {line.value: texts for line, texts in zip(block.lines, lines, strict=False)}
    count = len(block.elements)
    cut = count if most is None or count <= most + 1 else most
    return ShownCurrency(
        elements=tuple(lines[:cut]),
        rest=_rest(rounded[cut:count], block.currency) if cut < count else None,
        unallocated=lines[count],
        total=_total(block, rounded),
        shares=tuple(
            percent(part.amount_picos, whole.amount_picos)
            for part, whole in zip(block.unallocated.costs, block.totals, strict=True)
        ),
        rise=shown[block.rise.value] if block.rise is not None else None,
        fall=shown[block.fall.value] if block.fall is not None else None,
    )


def _rounded(block: CurrencyDigest) -> list[_Rounded]:
    """Every line of the block, each month rounded from the top."""
    after: list[list[int]] = []
    before: list[list[int]] = []
    amounts: list[int] = []
    for month in range(len(block.totals)):
        previous = [line.costs[month].before_picos or 0 for line in block.lines]
        # The month before is mostly the column to the left, which is rounded already.
        before.append(after[-1] if previous == amounts else _from_top(block, previous))
        amounts = [line.costs[month].amount_picos for line in block.lines]
        after.append(_from_top(block, amounts))
    sides = zip(zip(*after, strict=True), zip(*before, strict=True), strict=True)
    return [_Rounded(_name(line), line.costs, *side) for line, side in zip(block.lines, sides, strict=True)]


def _from_top(block: CurrencyDigest, amounts: Sequence[int]) -> list[int]:
    quantum = quantum_picos(block.currency)
    parts = [(line.value or "", each) for line, each in zip(block.lines, amounts, strict=True)]
    quanta = iter(round_from_top([part for part in parts if part[1]], quantum))
    return [next(quanta) if each else 0 for each in amounts]


def _name(line: DigestLine) -> str:
    return UNALLOCATED if line.value is None else safe_text(line.value)


def _shown(line: _Rounded, currency: str) -> ShownLine:
    amounts, changes, percents = [], [], []
    for cost, after, before in zip(line.costs, line.after, line.before, strict=True):
        nothing = not cost.amount_picos and not cost.before_picos
        known = cost.before_picos is not None
        amounts.append(in_quanta(after, currency) if cost.amount_picos else NO_COST)
        change = NO_COST if nothing else in_quanta(after - before, currency, signed=True)
        changes.append(change if known else "")
        percents.append(_percent(cost))
    return ShownLine(line.name, tuple(amounts), tuple(changes), tuple(percents))


def _percent(cost: MonthCost) -> str:
    if cost.change_picos is None or cost.before_picos is None:
        return ""
    if cost.trend is not None:
        return cost.trend.value
    return percent(cost.change_picos, abs(cost.before_picos), signed=True)


def _sum_line(name: str, lines: Sequence[_Rounded], currency: str, percents: Sequence[str]) -> ShownLine:
    """Shown amounts of several lines added up, so that a table adds up too."""
    after = [sum(column) for column in zip(*(line.after for line in lines), strict=True)]
    before = [sum(column) for column in zip(*(line.before for line in lines), strict=True)]
    changes = [
        in_quanta(this - previous, currency, signed=True) if cost.before_picos is not None else ""
        for this, previous, cost in zip(after, before, lines[0].costs, strict=True)
    ]
    return ShownLine(name, tuple(in_quanta(each, currency) for each in after), tuple(changes), tuple(percents))


def _rest(lines: Sequence[_Rounded], currency: str) -> ShownLine:
    return _sum_line(f"... {len(lines):,} more (--all)", lines, currency, [""] * len(lines[0].costs))


def _total(block: CurrencyDigest, lines: Sequence[_Rounded]) -> ShownLine:
    name = f"total {safe_text(block.currency)}"
    return _sum_line(name, lines, block.currency, [_percent(cost) for cost in block.totals])


def digest_text(digest: Digest, *, width: int = 100, everything: bool = False) -> str:
    """The whole digest with as many of its newest months as fit; `everything` shows every element."""
    period = f", {digest.period}" if digest.period is not None else ""
    title = [
        f"costops digest   {safe_text(digest.version_label)}",
        f"{safe_text(digest.cost)} by {safe_text(digest.by)}{period}",
    ]
    lines = _packed(title, width, between="     ", indent=17)
    if not digest.currencies:
        return "\n".join([*lines, "", _nothing(digest), *_notes(digest)]) + "\n"
    most = None if everything else SHOWN_ELEMENTS
    tables = [shown_currency(block, most=most) for block in digest.currencies]
    shape = _shape(digest, tables, width)
    for block, table in zip(digest.currencies, tables, strict=True):
        lines += ["", *_packed(_sentences(digest, block, table), width), "", *_table(digest, table, shape)]
    hidden = digest.months[: shape.first]
    notes = [_hidden(hidden, width)] if hidden else []
    notes += _notes(digest)
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def _nothing(digest: Digest) -> str:
    if digest.period is None:
        return f"Version {digest.version} has no cost."
    return f"Version {digest.version} has no {safe_text(digest.cost)} in {digest.period}."


def _sentences(digest: Digest, block: CurrencyDigest, table: ShownCurrency) -> list[str]:
    """The main thing: the newest month's total and change, what is unallocated, and what rose and fell most."""
    cost, month = block.totals[-1], digest.months[-1]
    currency = _shortened(safe_text(block.currency), NAME_CELLS)
    head = f"{currency} {table.total.amounts[-1]} in {month}"
    if cost.before_picos is None:
        found = [f"{head}; version {digest.version} has no month before to compare with."]
    elif cost.change_picos == 0:
        found = [f"{head}, the same as in the month before."]
    else:
        found = [f"{head}: {table.total.changes[-1]} ({table.total.percents[-1]}) against the month before."]
    unallocated = table.unallocated.amounts[-1]
    share = "" if table.shares[-1] == NO_COST else f" ({table.shares[-1]})"
    found.append("Nothing is unallocated." if unallocated == NO_COST else f"Unallocated {unallocated}{share}.")
    for what, sign, line in (("rise", "+", table.rise), ("fall", "-", table.fall)):
        # A change of less than a cent can be shown as none, or as one the other way.
        if line is not None and line.changes[-1].startswith(sign):
            name = _shortened(line.name, SENTENCE_NAME_CELLS)
            found.append(f"Largest {what}: {name} {line.changes[-1]} ({line.percents[-1]}).")
    return found


@dataclass(frozen=True, slots=True)
class _Shape:
    """What fits: the first shown month's place, and the cells of the column of names."""

    first: int
    name_cells: int
    compares: bool
    """Whether there is a change to state for the newest month."""


def _shape(digest: Digest, tables: Sequence[ShownCurrency], width: int) -> _Shape:
    """The same for all currencies, so that their columns stand below each other."""
    lines = [line for table in tables for line in table.lines]
    names = max(shown_width(each) for each in [safe_text(digest.by), SHARE, *(line.name for line in lines)])
    compares = any(line.changes[-1] for line in lines)
    changes = _cells([line.changes[-1] for line in lines] + ["change"]) + _cells([line.percents[-1] for line in lines])
    least = min(names, _distinct_cells(tables, width))
    room = width - least - (changes if compares else 0)
    first = len(digest.months) - 1
    room -= _month_cells(tables, first)
    while first and _month_cells(tables, first - 1) <= room:
        first -= 1
        room -= _month_cells(tables, first)
    return _Shape(first, min(names, least + max(0, room)), compares)


def _distinct_cells(tables: Sequence[ShownCurrency], width: int) -> int:
    """The fewest cells, up to half the width, in which the first elements of each currency are told apart."""
    for cells in range(NAME_CELLS, width // 2 + 1):
        names = [[_shortened(line.name, cells) for line in table.elements[:SHOWN_ELEMENTS]] for table in tables]
        if all(len(set(each)) == len(each) for each in names):
            return cells
    return NAME_CELLS


def _month_cells(tables: Sequence[ShownCurrency], place: int) -> int:
    lines = [line.amounts[place] for table in tables for line in table.lines]
    return _cells(["2025-09", *lines])


def _cells(texts: Sequence[str]) -> int:
    return GAP + max(map(shown_width, texts))


def _table(digest: Digest, table: ShownCurrency, shape: _Shape) -> list[str]:
    rows = [[safe_text(digest.by), *digest.months[shape.first :], *(["change", ""] if shape.compares else [])]]
    for line in table.lines:
        rows.append([line.name, *line.amounts[shape.first :]])
        if shape.compares:
            rows[-1] += [line.changes[-1], line.percents[-1]]
    rows.append([SHARE, *table.shares[shape.first :], *(["", ""] if shape.compares else [])])
    named = [[pad(_shortened(row[0], shape.name_cells), shape.name_cells), *row[1:]] for row in rows]
    return table_lines(named, right=[False] + [True] * (len(rows[0]) - 1), gap=GAP)


def _hidden(months: Sequence[str], width: int) -> str:
    named = months[0] if len(months) == 1 else f"{months[0]} to {months[-1]}"
    return f"{counted(len(months), 'earlier month')} do not fit in {width} columns: {named} (--period)."


def _notes(digest: Digest) -> list[str]:
    notes = []
    if digest.absent:
        notes.append(f"Version {digest.version} has no cost in {', '.join(map(str, digest.absent))}.")
    if digest.others:
        notes.append(f"Version {digest.version} also has {', '.join(map(str, digest.others))} (--period).")
    return notes


def _packed(pieces: Sequence[str], width: int, *, between: str = " ", indent: int = 0) -> list[str]:
    """Pieces side by side; one that does not fit starts a new, indented line."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if shown_width(lines[-1] + between + piece) <= width:
            lines[-1] += between + piece
        else:
            lines.append(" " * indent + piece)
    return lines


def _shortened(text: str, cells: int) -> str:
    """A text of at most so many cells; its middle goes, because names often differ at their ends."""
    if shown_width(text) <= cells:
        return text
    head, tail, left = "", "", cells - 1
    for place in range(len(text)):
        each = text[place // 2] if place % 2 == 0 else text[-1 - place // 2]
        left -= shown_width(each)
        if left < 0:
            break
        head, tail = (head + each, tail) if place % 2 == 0 else (head, each + tail)
    return f"{head}…{tail}"
