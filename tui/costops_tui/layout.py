"""Text laid out for a width: wrapped sentences, cut names, columns.

Invariant: a text that is cut shows it, and a number is never cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from costops.render.table import shown_width

CUT = "…"


def wrapped(text: str, width: int, *, indent: str = "", first: str | None = None) -> list[str]:
    """Words in lines of at most `width` cells, each after `indent`, the first one after `first` if that is given.

    A word that is longer is cut into pieces.
    """
    lines: list[str] = []
    line, room = (indent if first is None else first), max(width - cell_count(indent), 8)
    is_empty = True
    for word in _pieces(text, room):
        if not is_empty and cell_count(f"{line} {word}") > width:
            lines.append(line)
            line, is_empty = indent, True
        line += word if is_empty else f" {word}"
        is_empty = False
    return [*lines, line]


def _pieces(text: str, room: int) -> Iterator[str]:
    for word in text.split(" "):
        rest = word
        while cell_count(rest) > room:
            piece = _fitting(rest, room)
            yield piece
            rest = rest[len(piece) :]
        yield rest


def _fitting(text: str, width: int) -> str:
    """The longest beginning of a text that fits."""
    used = 0
    for index, character in enumerate(text):
        used += cell_count(character)
        if used > width:
            return text[:index]
    return text


def cut(text: str, width: int) -> str:
    """A name in at most `width` cells."""
    return text if cell_count(text) <= width else _fitting(text, max(width - 1, 0)) + CUT


def columns(
    rows: Sequence[Sequence[str]], *, right: Sequence[bool], width: int, name: int = 0, at_least: int = 12
) -> list[str]:
    """Rows as aligned lines of at most `width` cells; what does not fit is cut from the column `name` alone."""
    if not rows:
        return []
    widths = [max(cell_count(row[place]) for row in rows) for place in range(len(right))]
    over = sum(widths) + 2 * (len(widths) - 1) - width
    if over > 0:
        widths[name] = max(min(at_least, widths[name]), widths[name] - over)
    lines = []
    for row in rows:
        cells = list(row)
        cells[name] = cut(cells[name], widths[name])
        lines.append("  ".join(map(_padded, cells, widths, right)).rstrip())
    return lines


def _padded(text: str, width: int, right: bool) -> str:
    filler = " " * (width - cell_count(text))
    return filler + text if right else text + filler


def cell_count(text: str) -> int:
    """Cells that a terminal needs for a safe text; quick where it is plain, which almost all of a long table is."""
    return len(text) if text.isascii() else shown_width(text)
