"""The table of elements before and after, for a terminal.

Invariant: nothing is hidden without a count, and the changes shown for one dimension and currency add up as the exact
ones do.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.plan import MoneyLine
from costops.money import quantum_picos, round_from_top, round_half_even
from costops.render.numbers import in_quanta, percent
from costops.render.safe import safe_text
from costops.render.table import table_lines

UNALLOCATED = "(unallocated)"
SHOWN_ELEMENTS = 5


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
    groups: dict[tuple[str, str], list[MoneyLine]] = {}
    for line in lines:
        groups.setdefault((line.dimension, line.currency), []).append(line)
    currencies = sorted({currency for _, currency in groups})
    changed = {dimension for dimension, _ in groups}
    rows: list[list[str]] = []
    unchanged = []
    for dimension in dimensions:
        if dimension not in changed:
            unchanged.append(dimension)
        for currency in currencies:
            label = safe_text(f"{dimension} {currency}") if len(currencies) > 1 else safe_text(dimension)
            rows += _element_rows(label, groups.get((dimension, currency), ()), everything, more)
    shown = []
    if rows:
        head = ["", "", *heads, "change", ""]
        shown = table_lines([head, *rows], right=[False, False, True, True, True, True])
    if unchanged and lines:
        shown.append(f"{safe_text(', '.join(unchanged))}  (no change)")
    return [f"      {line}".rstrip() for line in shown]


def _rounded_side(lines: Sequence[MoneyLine]) -> dict[MoneyLine, int]:
    """Deltas of one sign in quanta that add up to their rounded sum, which is what moves."""
    if len(lines) < 2:
        return {line: round_half_even(line.delta, quantum_picos(line.currency)) for line in lines}
    quanta = round_from_top([(line.value or "", line.delta) for line in lines], quantum_picos(lines[0].currency))
    return dict(zip(lines, quanta, strict=True))


def rounded_changes(lines: Sequence[MoneyLine]) -> dict[MoneyLine, int]:
    """Deltas of one currency in quanta; what is gained and what is lost add up to their rounded sums."""
    return {
        **_rounded_side([line for line in lines if line.delta > 0]),
        **_rounded_side([line for line in lines if line.delta <= 0]),
    }


def _element_rows(label: str, lines: Sequence[MoneyLine], everything: bool, more: str) -> list[list[str]]:
    if not lines:
        return []
    currency = lines[0].currency
    quantum = quantum_picos(currency)
    changes = rounded_changes(lines)
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
