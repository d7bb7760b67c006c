"""What is wrong with a file that the engine could not read: its name, the row and column, and what to do.

Invariant: nothing here changes what is read; it looks at a file again after reading it has failed.
"""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from costops.engine.probe import LONGEST_LINE_BYTES, not_utf8
from costops.errors import BillError
from costops.model.bill import BillPart, MetricFile, PhysicalFile
from costops.model.expression import Call, Expression, columns_in

if TYPE_CHECKING:
    import duckdb

_LONGEST_VALUE = 60
_COMPLETE_HINT = "Export or copy it again; if it stays so, leave it out of `path`."
_KINDS = {"DECIMAL": "a decimal number", "TIMESTAMPTZ": "a date and time", "JSON": "a JSON object"}
_FIELDS_HINT = (
    "Write it again with a field for every column of the header, and double quotes around fields that contain a "
    "delimiter, a quote or a line break."
)


def unreadable_part(
    connection: duckdb.DuckDBPyConnection, part: BillPart, error: Exception, quantities: Sequence[str] = ()
) -> BillError:
    """The engine's failure on a part of a bill, of which costs and `quantities` were read, in terms of the file."""
    amounts = [*part.costs.values(), *(each for name, each in part.quantities.items() if name in quantities)]
    wanted = [
        *((name, "DECIMAL") for each in amounts for name in _read_as("decimal", each)),
        *(
            (name, "TIMESTAMPTZ")
            for each in (part.start, part.end, part.billing_month)
            for name in _read_as("timestamp", each)
        ),
    ]
    return _first_fault(connection, [(file, wanted) for file in part.files], error)


def unreadable_metric(
    connection: duckdb.DuckDBPyConnection, files: Sequence[MetricFile], error: Exception
) -> BillError:
    """The engine's failure on metric files in terms of the file at fault."""
    wanted = []
    for each in files:
        columns = [(name, "DECIMAL") for name in _read_as("decimal", each.value)]
        columns += [(name, "TIMESTAMPTZ") for name in _read_as("timestamp", each.date)]
        if each.labels is not None:
            columns += [(name, "JSON") for name in columns_in(each.labels)]
        wanted.append((each.file, columns))
    return _first_fault(connection, wanted, error)


def broken_tags(connection: duckdb.DuckDBPyConnection, part: BillPart, tags: str) -> BillError:
    """Tags of a part that are no JSON object, in terms of the first row that has them."""
    from costops.engine.sql import faults
    from costops.engine.sql.syntax import text_of

    place = part.files[0].name
    for file in part.files:
        rows = connection.execute(text_of(faults.first_with_tags(part, file, tags))).fetchall()
        if rows:
            place = f"{file.name}: row {rows[0][0]}"
            break
    return BillError(
        f"{place} has the tags {tags[:80]!r}, which are no JSON object",
        hint='Write tags as a JSON object such as {"env": "prod"}, or as a map or a struct of Parquet.',
    )


def incomplete(
    connection: duckdb.DuckDBPyConnection, parts: Sequence[BillPart], count: int, what: str, part_field: str
) -> BillError:
    """Charges that lack what every charge needs, with the first of them; `part_field` is start or currency."""
    from costops.engine.sql import faults
    from costops.engine.sql.syntax import text_of

    place = ""
    for part in parts:
        for file in part.files:
            found = connection.execute(text_of(faults.first_incomplete(part, file, part_field))).fetchall()
            if found and not place:
                place = f"; the first is row {found[0][0]} of {file.name}"
    return BillError(
        f"{count} {'charges of the bill have' if count != 1 else 'charge of the bill has'} {what}{place}",
        hint="Every charge needs ChargePeriodStart and BillingCurrency (in a report of AWS "
        "line_item_usage_start_date and line_item_currency_code); correct the file.",
    )


def refuse_changed(files: Iterable[PhysicalFile]) -> None:
    """Raises BillError for a file that is not any more what was hashed: the digest would be of other content."""
    for file in files:
        if file.stamp is None:
            continue
        try:
            status = Path(file.path).stat()
        except OSError as error:
            raise _changed(file, "went away") from error
        if (status.st_size, status.st_mtime_ns) != file.stamp:
            raise _changed(file, "changed")


def _changed(file: PhysicalFile, what: str) -> BillError:
    return BillError(
        f"{file.name} {what} while costops read it", hint="Run it again when nothing writes the bill's files any more."
    )


def _first_fault(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[tuple[PhysicalFile, Sequence[tuple[str, str]]]],
    error: Exception,
) -> BillError:
    """The first fault in any of the files; each with the columns that must be of a kind."""
    import duckdb

    if isinstance(error, duckdb.OutOfMemoryException):
        raise error  # of which no file is the cause
    try:
        refuse_changed(file for file, _ in files)
    except BillError as changed:
        return changed
    for file, wanted in files:
        found = _unreadable_file(connection, file) or _unreadable_value(connection, file, wanted)
        if found is not None:
            return found
    names = ", ".join(file.name for file, _ in files[:3])
    return BillError(f"{names} cannot be read: {_first_line(error)}", hint=_COMPLETE_HINT)


def _unreadable_file(connection: duckdb.DuckDBPyConnection, file: PhysicalFile) -> BillError | None:
    """What keeps the rows of a file from being read at all."""
    import duckdb

    from costops.engine.sql import faults
    from costops.engine.sql.syntax import text_of

    try:
        connection.execute(text_of(faults.every_value(file))).fetchall()
    except duckdb.Error as error:
        return _not_utf8(file) or _broken_line(file, str(error)) or _damaged(file, error)
    return None


def _unreadable_value(
    connection: duckdb.DuckDBPyConnection, file: PhysicalFile, wanted: Sequence[tuple[str, str]]
) -> BillError | None:
    """The first value that is not what its column must be."""
    from costops.engine.sql import faults
    from costops.engine.sql.syntax import text_of

    for name, kind in dict.fromkeys(wanted):
        if name not in dict(file.columns):
            continue
        found = connection.execute(text_of(faults.first_unreadable(file, name, kind))).fetchall()
        if found:
            row, value = found[0]
            what, hint = _judged(value, kind)
            shown = value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "..."
            return BillError(f"{file.name}: row {row} has {shown!r} in {name}, which is not {what}", hint=hint)
    return None


def _judged(value: str, kind: str) -> tuple[str, str]:
    """What a value is not, and what to do about it."""
    if kind == "TIMESTAMPTZ":
        hint = "Write moments as ISO 8601, in the years 1900 to 9999: 2025-04-30, or 2025-04-30T23:00:00Z."
        return _KINDS[kind], hint
    if kind != "DECIMAL":
        return _KINDS[kind], 'Write an object such as {"team": "checkout"}, or leave the field empty.'
    if re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", value):
        return "an amount that costops can hold", "Amounts have up to 26 digits before the point."
    if re.fullmatch(r"\s*[+-]?[\d.]*,\d*[\d.,]*\s*", value):
        hint = "The decimal sign is a point, and nothing separates thousands: write 1234.5, neither 1234,5 nor 1,234.5."
        return _KINDS[kind], hint
    hint = "Write a finite number without currency or unit, such as 12.5 or 1.25e-7; leave the field empty for none."
    return _KINDS[kind], hint


def _not_utf8(file: PhysicalFile) -> BillError | None:
    """The first byte of a CSV file that UTF-8 does not have."""
    if file.kind != "csv":
        return None
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line = 0, 1
    path = Path(file.path)
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as stream:
            while block := stream.read(1 << 20):
                pending = len(decoder.getstate()[0])
                try:
                    decoder.decode(block)
                except UnicodeDecodeError as error:
                    place = offset - pending + error.start
                    # What was pending has no line break: it is the beginning of one character.
                    line += block[: max(0, error.start - pending)].count(b"\n")
                    return not_utf8(file.name, line, place, error.object[error.start])
                offset += len(block)
                line += block.count(b"\n")
    except (OSError, EOFError):
        return None
    return None


def _broken_line(file: PhysicalFile, message: str) -> BillError | None:
    """What the reader says of a line of CSV, in our words."""
    found = re.search(r"CSV Error on Line: (\d+)", message)
    if found is None:
        return None
    line = f"{file.name}: line {int(found.group(1)):,}"
    fields = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
    if fields is not None:
        wanted, there = fields.groups()
        number = f"{there} field{'s' if there != '1' else ''}"
        return BillError(f"{line} has {number} where the header has {wanted}", hint=_FIELDS_HINT)
    if "unterminated quote" in message:
        return BillError(f"{line} has a quote that is not closed, or text behind a closed one", hint=_FIELDS_HINT)
    if "Maximum line size" in message:
        return BillError(
            f"{line} is longer than {LONGEST_LINE_BYTES:,} bytes",
            hint="costops reads no longer lines of CSV; Parquet has no such limit.",
        )
    return BillError(f"{line} cannot be read", hint=_FIELDS_HINT)


def _damaged(file: PhysicalFile, error: Exception) -> BillError:
    return BillError(f"{file.name} cannot be read: its content is damaged ({_first_line(error)})", hint=_COMPLETE_HINT)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


def _read_as(operation: str, expression: Expression | None) -> list[str]:
    """Columns that an expression reads as decimals or as timestamps."""
    if not isinstance(expression, Call):
        return []
    if expression.operation == operation:
        return list(columns_in(expression))
    return [name for argument in expression.arguments for name in _read_as(operation, argument)]
