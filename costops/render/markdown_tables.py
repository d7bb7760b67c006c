"""Tables of elements in Markdown, each with a remainder row that makes its columns add up.

Invariant: shown rows and the remainder row of a currency add up to its total, in the smallest amounts that are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from costops.model.plan import MoneyLine
from costops.money import quantum_picos, round_from_top, round_half_even
from costops.render.markdown_safe import code, code_cell, unit_cell
from costops.render.money_table import rounded_changes
from costops.render.numbers import in_quanta, percent

SHOWN_ELEMENTS = 10
UNALLOCATED = "_unallocated_"
"""No element is called so: names are inline code."""


@dataclass(frozen=True, slots=True)
class Row:
    """One element, or several together, in quanta of one currency."""

    name: str
    """Safe for a cell."""
    before: int
    change: int
    share: str


def element(value: str | None, longest: int = 80) -> str:
    """An element's name in a paragraph."""
    return "unallocated" if value is None else code(value, longest)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], names: int) -> str:
    """A table whose first `names` columns are names and whose others are numbers."""
    marks = [":--"] * names + ["--:"] * (len(heads) - names)
    return "".join(f"| {' | '.join(row)} |\n" for row in (heads, marks, *rows))


def net_rows(lines: Sequence[MoneyLine]) -> tuple[list[Row], Row]:
    """Rows of all elements of one currency, the largest change first, and their total; rounded from the top."""
    quantum = quantum_picos(lines[0].currency)
    befores = round_from_top([(line.value or "", line.before) for line in lines], quantum)
    before = dict(zip(lines, befores, strict=True))
    rows = _rows(lines, before)
    return rows, Row("**total**", sum(befores), sum(row.change for row in rows), "")


def remainder(rows: Sequence[Row]) -> Row:
    """Rows that are not shown, as one."""
    before, change = sum(row.before for row in rows), sum(row.change for row in rows)
    return Row(f"_{len(rows):,} more_", before, change, _share(change, before))


def cells(row: Row, currency: str) -> list[str]:
    """Name, before, after, change and share."""
    return [
        row.name,
        in_quanta(row.before, currency),
        in_quanta(row.before + row.change, currency),
        in_quanta(row.change, currency, signed=True),
        row.share,
    ]


def money_table(lines: Sequence[MoneyLine], dimensions: Sequence[str], shown: int = SHOWN_ELEMENTS) -> str:
    """Elements by dimension and currency, the largest change first; what is not shown is one row of each."""
    groups: dict[tuple[str, str], list[MoneyLine]] = {}
    for line in lines:
        groups.setdefault((line.dimension, line.currency), []).append(line)
    several = len({currency for _, currency in groups}) > 1
    written: list[list[str]] = []
    for dimension, currency in [key for each in dimensions for key in sorted(groups) if key[0] == each]:
        some = groups[dimension, currency]
        quantum = quantum_picos(currency)
        rows = _rows(some, {line: round_half_even(line.before, quantum) for line in some})
        visible = [row for row in rows[:shown] if row.change]
        hidden = rows[len(visible) :]
        label = f"{code_cell(dimension)} {unit_cell(currency)}" if several else code_cell(dimension)
        written += [[label, *cells(row, currency)] for row in visible]
        written += [[label, *cells(remainder(hidden), currency)]] if hidden else []
    return table(["", "", "before", "after", "change", "%"], written, 2)


def _rows(lines: Sequence[MoneyLine], before: Mapping[MoneyLine, int]) -> list[Row]:
    changes = rounded_changes(lines)
    # What rounds to no change stands behind all that shows one.
    ordered = sorted(
        lines, key=lambda line: (not changes[line], -abs(line.delta), line.value is not None, line.value or "")
    )
    return [
        Row(
            UNALLOCATED if line.value is None else code_cell(line.value),
            before[line],
            changes[line],
            _share(line.delta, line.before),
        )
        for line in ordered
    ]


def _share(change: int, before: int) -> str:
    if not before:
        return "new" if change else "-"
    return percent(change, abs(before), signed=True)
