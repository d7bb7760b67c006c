"""The text of a lookup table, CSV of two columns, to rows with every problem in it.

Invariant: keys and values are exactly what stands between commas, line breaks and quotes; a table with an error in it
is never looked up in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from costops.language.limits import MAXIMUM_BYTES
from costops.language.nodes import Places
from costops.language.problems import Problems
from costops.model.diagnostic import Diagnostic, Span

MAXIMUM_ROWS = 100_000
SHOWN_PROBLEMS = 20
"""How many problems of one table are told one by one; the rest is counted."""

# Possessive, so that a quote that is not closed is not taken for a shorter text that is.
_CELL = re.compile(r'"([^"]*+(?:""[^"]*+)*+)"|([^",\r\n]*+)')
_CELL_END = re.compile(r",|\r\n|\r|\n|\Z")
_LINE_END = re.compile(r"\r\n|\r|\n|\Z")
_SHAPE_HINT = "the first row names the columns, such as `team,business_unit`; every other row is a key and its value"


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of a table: its cells as (text, start), and where the line ends."""

    cells: tuple[tuple[str, int], ...]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class ReadTable:
    """One table after reading: its text for excerpts, and its rows sorted by key, those without a value left out."""

    text: str
    rows: tuple[tuple[str, str], ...]
    places: Mapping[str, Span]
    """`rows.` and a key to where its row starts."""
    diagnostics: tuple[Diagnostic, ...]


def read_table(file: str, data: bytes) -> ReadTable:
    """The content of a CSV file as a table; `file` is its name in messages."""
    problems = Problems()
    top = Span(file, 1, 1, 1, 2)
    if len(data) > MAXIMUM_BYTES:
        hint = "leave out what is never looked up, or split it into two tables for two sources"
        problems.error("CO103", top, f"the table is larger than {MAXIMUM_BYTES:,} bytes", hint=hint)
        return ReadTable("", (), {}, problems.found())
    try:
        text = data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        place = Places(file, before + "?").span(len(before), len(before) + 1)
        problems.error("CO102", place, "the table is not UTF-8 from here on", hint="save it as CSV UTF-8")
        return ReadTable(data.decode("utf-8", "replace"), (), {}, problems.found())
    found = _TableReader(Places(file, text), problems).read()
    rows = tuple(sorted((key, value) for key, (value, _) in found.items()))
    places = {f"rows.{key}": place for key, (_, place) in found.items()}
    return ReadTable(text, rows, MappingProxyType(places), problems.found())


class _TableReader:
    """Reads one table; `problems` gets what is wrong with it, the first ones one by one."""

    def __init__(self, places: Places, problems: Problems) -> None:
        self._places = places
        self._text = places.text
        self._problems = problems
        self._hidden = 0
        self._first_hidden = (0, 0)

    def read(self) -> dict[str, tuple[str, Span]]:
        """Key to its value and its place, those without a value left out."""
        bad = self._text.find("\0")
        if bad >= 0:
            self._error("CO104", bad, bad + 1, "the table holds U+0000, which cannot be stored")
            return {}
        rows = self._rows()
        header = next(rows, None)
        if header is None and not self._problems.errors:
            self._error("CO116", 0, 0, "the table is empty", _SHAPE_HINT)
        if header is None:
            return {}
        if len(header.cells) != 2:
            self._wrong_header(header)
            return {}
        found = self._read_rows(rows, header)
        if self._hidden:
            more = f"{self._hidden:,} more problem{'s are' if self._hidden != 1 else ' is'}"
            self._problems.error("CO116", self._places.span(*self._first_hidden), f"{more} in this table from here on")
        return found

    def _wrong_header(self, header: _Row) -> None:
        count = len(header.cells)
        hint = _SHAPE_HINT
        if count > 2:
            hint = "a table has a key and one value; make a table for each further value"
        elif any(mark in self._text[header.start : header.end] for mark in ";\t"):
            hint = "separate the columns by commas"
        message = f"a lookup table has two columns, and this one has {count}"
        self._error("CO116", header.start, header.end, message, hint)

    def _read_rows(self, rows: Iterator[_Row], header: _Row) -> dict[str, tuple[str, Span]]:
        firsts: dict[str, Span] = {}
        found: dict[str, tuple[str, Span]] = {}
        for row in rows:
            if len(row.cells) != 2:
                hint = "put quotes around a text with a comma in it" if len(row.cells) > 2 else "write key,value"
                count = f"{len(row.cells)} column{'s' if len(row.cells) != 1 else ''}"
                self._error("CO116", row.start, row.end, f"this row has {count}, and the table has two", hint)
                continue
            (key, start), (value, after) = row.cells
            place = self._places.span(start, after - 1)
            if not key:
                hint = "remove the row: a missing text is never looked up"
                self._error("CO209", row.start, row.end, "the key is empty", hint)
            elif key in firsts:
                related = ((firsts[key], "the first one is here"),)
                message = f"the key `{key}` stands in this table twice"
                self._error("CO117", start, after - 1, message, "keep one of the two rows", related)
            else:
                firsts[key] = place
                if value:
                    found[key] = value, place
            if len(firsts) > MAXIMUM_ROWS:
                message = f"the table has more than {MAXIMUM_ROWS:,} rows"
                self._error("CO118", row.start, row.end, message, "leave out what is never looked up")
                break
        (key, _), (value, _) = header.cells
        if not self._problems.errors and (key in firsts or any(value == each for each, _ in found.values())):
            message = "the first row names the columns and is not looked up, but it looks like data"
            top = self._places.span(header.start, header.end)
            self._problems.warn("CO119", top, message, hint="put a row such as `key,value` before it")
        return found

    def _rows(self) -> Iterator[_Row]:
        """Every row that can be read, empty lines left out."""
        position = 0
        while position < len(self._text):
            row = self._row(position)
            if row is None:
                return
            following = _LINE_END.match(self._text, row.end)
            assert following is not None
            position = following.end()
            if row.cells and row.start < row.end:
                yield row

    def _row(self, start: int) -> _Row | None:
        """The row that starts here, without cells after a problem that spoils it; None where nothing can follow."""
        cells: list[tuple[str, int]] = []
        position = start
        while True:
            cell = _CELL.match(self._text, position)
            assert cell is not None
            end = _CELL_END.match(self._text, cell.end())
            if end is None:
                return self._spoiled(start, position, cell)
            quoted, plain = cell.groups()
            cells.append((plain if quoted is None else quoted.replace('""', '"'), position))
            position = end.end()
            if end.group() != ",":
                return _Row(tuple(cells), start, end.start())

    def _spoiled(self, start: int, position: int, cell: re.Match[str]) -> _Row | None:
        at = cell.end()
        if cell.group(1) is None and at == position:
            self._error("CO116", position, position + 1, "the quotes that start here are not closed")
            return None
        if cell.group(1) is None:
            hint = 'put quotes around the whole text and write each quote in it twice: "12"" disk"'
            self._error("CO116", at, at + 1, "a quote stands in a text without quotes", hint)
        else:
            hint = "write a quote inside quotes twice, and nothing between quotes and comma"
            self._error("CO116", at, at + 1, "text stands after the closing quotes", hint)
        line_end = _LINE_END.search(self._text, at)
        assert line_end is not None
        return _Row((), start, line_end.start())

    def _error(
        self,
        code: str,
        start: int,
        end: int,
        message: str,
        hint: str | None = None,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        if self._problems.errors < SHOWN_PROBLEMS:
            self._problems.error(code, self._places.span(start, end), message, hint=hint, related=related)
            return
        self._first_hidden = self._first_hidden if self._hidden else (start, end)
        self._hidden += 1
