"""Columns of text, padded by what a terminal shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def shown_width(text: str) -> int:
    """Cells a terminal needs for a text."""
    wide = sum(1 for each in text if unicodedata.east_asian_width(each) in "WF")
    return len(text) + wide - sum(1 for each in text if unicodedata.combining(each))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Text filled with spaces to a width, behind it or, `right`, before it."""
    filler = " " * max(0, width - shown_width(text))
    return filler + text if right else text + filler


def table_lines(rows: Sequence[Sequence[str]], *, right: Sequence[bool], gap: int = 2) -> list[str]:
    """Rows as lines with aligned columns; `right` says which columns hold numbers."""
    widths = [max(shown_width(row[place]) for row in rows) for place in range(len(right))] if rows else []
    lines = []
    for row in rows:
        cells = [pad(cell, widths[place], right=right[place]) for place, cell in enumerate(row)]
        lines.append((" " * gap).join(cells).rstrip())
    return lines
