"""Columns of text, padded by what a terminal shows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def shown_width(text: str) -> int:
    """Cells a terminal needs for a text."""
    if text.isascii():
        return len(text)
    wide = sum(1 for each in text if unicodedata.east_asian_width(each) in "WF")
    return len(text) + wide - sum(1 for each in text if unicodedata.combining(each))


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Text filled with spaces to a width, behind it or, `right`, before it."""
    filler = " " * max(0, width - shown_width(text))
    return filler + text if right else text + filler


def table_lines(rows: Sequence[Sequence[str]], *, right: Sequence[bool], gap: int = 2) -> list[str]:
    """Rows as lines with aligned columns; `right` says which columns hold numbers."""
    if not rows:
        return []
    shown = [[shown_width(cell) for cell in row] for row in rows]
    widths = [max(some) for some in zip(*shown, strict=True)]
    lines = []
    for row, cells in zip(rows, shown, strict=True):
        padded = [
            " " * (width - needed) + cell if to_right else cell + " " * (width - needed)
            for cell, needed, width, to_right in zip(row, cells, widths, right, strict=True)
        ]
        lines.append((" " * gap).join(padded).rstrip())
    return lines
