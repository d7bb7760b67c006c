"""What columns a file has, before anything else of it is read.

Invariant: names are the file's own, exactly and in its order. DuckDB's names are not: it renames a column whose name
differs from an earlier one in case only. Its i-th column is the file's i-th, and is called by the file's name here.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costops.errors import BillError
from costops.model.bill import FileShape

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Columns = tuple[tuple[str, str], ...]
"""(exact name, type of DuckDB) of each column."""

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""What may stand between the fields of a CSV file, and what a person calls it."""

LONGEST_LINE_BYTES = 2_000_000
"""DuckDB reads no longer line of CSV than this."""

_PARQUET_MARK = b"PAR1"
_ENCRYPTED_MARK = b"PARE"


def probe(paths: Sequence[Path], names: Sequence[str] | None = None) -> tuple[FileShape, ...]:
    """The shape of each CSV or Parquet file, in the order of `paths`.

    `names` are what errors call the files. Raises BillError for a file that is empty, broken or no such file.
    """
    called = [str(path) for path in paths] if names is None else names
    connection: DuckDBPyConnection | None = None
    probed = []
    try:
        for path, name in zip(paths, called, strict=True):
            if path.name.lower().endswith(".parquet"):
                connection = connection or _connection()
                shape = FileShape(_parquet_columns(connection, path, name))
            else:
                shape = _csv_shape(path, name)
            _refuse_unclear_names(shape.columns, name)
            probed.append(shape)
    finally:
        if connection is not None:
            connection.close()
    return tuple(probed)


def as_pattern(path: Path) -> str:
    """A path as DuckDB must be given it, whose readers take `*`, `?` and `[` for wildcards."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in str(path))


def _connection() -> DuckDBPyConnection:
    # About 0.1 s to import: only where there is a Parquet file.
    import duckdb

    return duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})


def _parquet_columns(connection: DuckDBPyConnection, path: Path, name: str) -> Columns:
    import duckdb

    _check_parquet_marks(path, name)
    pattern = as_pattern(path)
    try:
        described = connection.execute(
            "DESCRIBE SELECT * FROM read_parquet(?, hive_partitioning = false)", [pattern]
        ).fetchall()
        schema = connection.execute("SELECT name, num_children FROM parquet_schema(?)", [pattern]).fetchall()
    except duckdb.Error as error:
        raise _broken(name, "its table of contents is damaged") from error
    exact = _top_level_names(schema)
    if len(exact) != len(described):
        raise _broken(name, f"it names {len(exact)} columns and has {len(described)}")
    return tuple((column, row[1]) for column, row in zip(exact, described, strict=True))


def _top_level_names(schema: Sequence[tuple[str, int | None]]) -> list[str]:
    """The names directly below the root of a schema that is listed depth first."""
    names = []
    index = 1
    while index < len(schema):
        names.append(schema[index][0])
        open_nodes = 1
        while open_nodes and index < len(schema):
            open_nodes += (schema[index][1] or 0) - 1
            index += 1
    return names


def _check_parquet_marks(path: Path, name: str) -> None:
    try:
        with path.open("rb") as stream:
            first = stream.read(4)
            size_bytes = stream.seek(0, 2)
            stream.seek(max(0, size_bytes - 4))
            last = stream.read(4)
    except OSError as error:
        raise _unreadable(name, error) from error
    if not size_bytes:
        raise BillError(f"{name} is empty (0 bytes)", hint="Export it again, or take it away.")
    if _ENCRYPTED_MARK in (first, last):
        raise BillError(f"{name} is encrypted", hint="Export it without Parquet encryption.")
    if first != _PARQUET_MARK:
        raise _broken(name, "it is no Parquet file, whatever its name says")
    if last != _PARQUET_MARK or size_bytes < 12:
        raise _broken(name, "its end is missing")


def _csv_shape(path: Path, name: str) -> FileShape:
    text = _first_text(_first_bytes(path, name), name)
    header, delimiter = _split_header(text, name)
    if not any(column.strip() for column in header):
        raise BillError(f"{name} has no column names in its first line", hint="Export it with a header line.")
    return FileShape(tuple((column, "VARCHAR") for column in header), delimiter)


def _first_bytes(path: Path, name: str) -> bytes:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rb") as packed:
                return packed.read(LONGEST_LINE_BYTES)
        with path.open("rb") as stream:
            return stream.read(LONGEST_LINE_BYTES)
    # A damaged gzip file is also an OSError, so it comes first.
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(name, "it is no gzip file, or its end is missing") from error
    except OSError as error:
        raise _unreadable(name, error) from error


def _first_text(data: bytes, name: str) -> str:
    """The beginning of a CSV file as text, without a byte order mark."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or 0 in data[:2]:
        raise BillError(f"{name} is UTF-16 text, not UTF-8", hint=_convert_hint("UTF-16"))
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise not_utf8(name, data[: error.start].count(b"\n") + 1, error.start, data[error.start]) from error


def not_utf8(name: str, line: int, offset: int, byte: int) -> BillError:
    """The refusal of a CSV file with a byte that UTF-8 does not have; line from 1, offset from 0."""
    return BillError(
        f"{name} is not UTF-8 text: line {line} has the byte 0x{byte:02x} (offset {offset} of the file's text)",
        hint=_convert_hint("the encoding that it has, often WINDOWS-1252 or ISO-8859-1"),
    )


def _convert_hint(encoding: str) -> str:
    return f"Save it as CSV in UTF-8, or convert it: `iconv -f ENCODING -t UTF-8`, where ENCODING is {encoding}."


def _split_header(text: str, name: str) -> tuple[list[str], str]:
    """The column names of the first line and the delimiter that gives most of them."""
    found = {mark: header for mark in DELIMITERS if (header := _header(text, mark)) is not None}
    if not text:
        raise BillError(f"{name} is empty", hint="Export it again, or take it away.")
    if not found:
        raise _broken(name, "its first line is no line of CSV")
    most = max(len(header) for header in found.values())
    best = [mark for mark, header in found.items() if len(header) == most]
    if len(best) > 1 and most > 1:
        signs = " and ".join(DELIMITERS[mark] for mark in best)
        raise BillError(
            f"{name}: its first line has {most} columns by {signs} alike, so that the delimiter cannot be told",
            hint="Put the names that have such a sign in them in double quotes.",
        )
    return found[best[0]], best[0]


def _header(text: str, delimiter: str) -> list[str] | None:
    """The first line split; None where it is no line of CSV with this delimiter."""
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True), None)
    except csv.Error:
        return None


def _refuse_unclear_names(columns: Columns, name: str) -> None:
    seen: dict[str, int] = {}
    for number, (column, _) in enumerate(columns, start=1):
        if not column:
            raise BillError(f"{name}: column {number} has no name", hint="Give it a name, or take the column away.")
        if column in seen:
            raise BillError(
                f"{name}: columns {seen[column]} and {number} are both called {column}", hint="Rename one of them."
            )
        seen[column] = number


def _broken(name: str, reason: str) -> BillError:
    return BillError(f"{name} cannot be read: {reason}", hint="Export it again, or take it away.")


def _unreadable(name: str, error: OSError) -> BillError:
    return BillError(
        f"{name} cannot be read: {error.strerror or error}",
        hint="Give the user that runs costops the right to read it, or take it out of `path`.",
    )
