"""What columns a file has, before anything else of it is read.

Invariant: names are the file's own, exactly and in its order. DuckDB's names are not: it renames a column whose name
differs from an earlier one in case only. Its i-th column is the file's i-th, and is called by the file's name here.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costops.errors import BillError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Columns = tuple[tuple[str, str], ...]
"""(exact name, type of DuckDB) of each column."""

_PARQUET_MARK = b"PAR1"
_ENCRYPTED_MARK = b"PARE"


def probe(paths: Sequence[Path], names: Sequence[str] | None = None) -> tuple[Columns, ...]:
    """The columns of each CSV or Parquet file, in the order of `paths`; every column of a CSV file is VARCHAR.

    `names` are what errors call the files. Raises BillError for a file that is empty, broken or no such file.
    """
    called = [str(path) for path in paths] if names is None else names
    connection: DuckDBPyConnection | None = None
    probed = []
    try:
        for path, name in zip(paths, called, strict=True):
            if path.name.lower().endswith(".parquet"):
                connection = connection or _connection()
                columns = _parquet_columns(connection, path, name)
            else:
                columns = tuple((column, "VARCHAR") for column in _csv_header(path, name))
            _refuse_unclear_names(columns, name)
            probed.append(columns)
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


def _csv_header(path: Path, name: str) -> list[str]:
    try:
        if path.name.lower().endswith(".gz"):
            with gzip.open(path, "rt", encoding="utf-8-sig", newline="") as stream:
                header = next(csv.reader(stream, strict=True), None)
        else:
            with path.open("r", encoding="utf-8-sig", newline="") as stream:
                header = next(csv.reader(stream, strict=True), None)
    except UnicodeDecodeError as error:
        raise BillError(f"{name} is not UTF-8 text", hint="Save it as CSV in UTF-8.") from error
    except csv.Error as error:
        raise _broken(name, "its first line is no line of CSV") from error
    # A damaged gzip file is also an OSError, so it comes first.
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise _broken(name, "it is no gzip file, or its end is missing") from error
    except OSError as error:
        raise _unreadable(name, error) from error
    if header is None:
        raise BillError(f"{name} is empty", hint="Export it again, or take it away.")
    _refuse_other_delimiters(header, name)
    return header


def _refuse_other_delimiters(header: list[str], name: str) -> None:
    if not any(column.strip() for column in header):
        raise BillError(f"{name} has no column names in its first line", hint="Export it with a header line.")
    others = [word for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")) if mark in header[0]]
    if len(header) == 1 and others:
        raise BillError(f"{name} separates its columns by {others[0]}", hint="Export it with commas.")


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
