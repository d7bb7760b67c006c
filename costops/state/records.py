"""What a version keeps of its plan as rows of the store, and back.

Invariant: a digest of the rows of changes with their money, one of the providers' rows and one of the metrics stand in
the version's detail, which its hash covers; and what comes back equals what went in. A metric that is as another
version used it is kept once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from costops import money
from costops.model.metric_series import MetricSeries
from costops.model.record import ProviderTotal, Record, RecordedChange, RecordedMoney
from costops.state.chain import StoredValue, rows_digest
from costops.state.rows import Detail, names_of, names_text
from costops.state.schema import RECORDS_SINCE

if TYPE_CHECKING:
    import sqlite3

    from costops.model.version import VersionDraft

CHANGE_COLUMNS = ("position", "action", "kind", "id", "previous_id", "file", "line")
MONEY_COLUMNS = ("change", "position", "cause", "rule", "dimension", "value", "currency", "units", "parts")
PROVIDER_COLUMNS = ("position", "provider", "month", "cost", "currency", "units", "parts")
DETAIL_COLUMNS = ("reason", "restated", "carried", "changes_digest", "providers_digest", "metrics_digest")
VALUE_COLUMNS = ("position", "day", "dimension_values", "units", "parts")
Row = tuple[StoredValue, ...]
_ENCODE = json.JSONEncoder(ensure_ascii=False).encode  # json.dumps makes one for each value


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """A metric as rows."""

    metric: str
    dimensions: str
    """JSON array."""
    values: tuple[Row, ...]
    """VALUE_COLUMNS, in order."""

    @property
    def digest(self) -> str:
        """sha256 of the dimensions and the values; the metric's id is no part of it."""
        return rows_digest([(self.dimensions,), *self.values])


@dataclass(frozen=True, slots=True)
class RecordRows:
    """A record as rows, in order and without the version's number."""

    changes: tuple[Row, ...]
    """CHANGE_COLUMNS."""
    money: tuple[Row, ...]
    """MONEY_COLUMNS."""
    providers: tuple[Row, ...]
    """PROVIDER_COLUMNS."""
    metrics: tuple[SeriesRows, ...] = ()

    @property
    def metrics_digest(self) -> str:
        """sha256 of the metrics' ids and the digests of their values."""
        return rows_digest([(each.metric, each.digest) for each in self.metrics])

    @property
    def changes_digest(self) -> str:
        """sha256 of the changes and their money."""
        return rows_digest([*(("change", *row) for row in self.changes), *(("money", *row) for row in self.money)])

    @property
    def providers_digest(self) -> str:
        """sha256 of the providers' rows."""
        return rows_digest(self.providers)


def record_rows(record: Record) -> RecordRows:
    """The rows of a record."""
    changes: list[Row] = []
    of_money: list[Row] = []
    for number, each in enumerate(record.changes, start=1):
        changes.append((number, each.action, each.kind, each.id, each.previous_id, each.file, each.line))
        for position, part in enumerate(each.money, start=1):
            key = (number, position, part.cause, part.rule, part.dimension, _ENCODE(part.value), part.currency)
            of_money.append((*key, *money.to_columns(part.amount)))
    providers = [
        (number, each.provider, each.month, each.cost, each.currency, *money.to_columns(each.amount))
        for number, each in enumerate(record.providers, start=1)
    ]
    return RecordRows(tuple(changes), tuple(of_money), tuple(providers), tuple(map(_series_rows, record.metrics)))


def _series_rows(series: MetricSeries) -> SeriesRows:
    values = [
        (number, day, json.dumps(list(own), ensure_ascii=False), *money.to_columns(amount))
        for number, (day, own, amount) in enumerate(series.rows, start=1)
    ]
    return SeriesRows(series.metric, names_text(series.dimensions), tuple(values))


def _series_of(rows: SeriesRows) -> MetricSeries:
    values = [(str(day), tuple(_texts(own)), _picos(units, parts)) for _, day, own, units, parts in rows.values]
    return MetricSeries(rows.metric, names_of(rows.dimensions), tuple(values))


def _texts(stored: StoredValue) -> list[str | None]:
    values = json.loads(str(stored))
    if not isinstance(values, list) or not all(each is None or isinstance(each, str) for each in values):
        raise ValueError(f"not a list of values: {stored!r}")
    return values


def record_of(rows: RecordRows) -> Record:
    """The record of rows; ValueError or TypeError where they are none."""
    of_change: dict[StoredValue, list[RecordedMoney]] = {row[0]: [] for row in rows.changes}
    for change, _, *rest in rows.money:
        of_change[change].append(_money_of(rest))
    return Record(
        changes=tuple(_change_of(row, of_change[row[0]]) for row in rows.changes),
        providers=tuple(
            ProviderTotal(_optional(provider), str(month), str(cost), str(currency), _picos(units, parts))
            for _, provider, month, cost, currency, units, parts in rows.providers
        ),
        metrics=tuple(map(_series_of, rows.metrics)),
    )


def detail_row(draft: VersionDraft, rows: RecordRows) -> Row:
    """A row of `version_detail` without the version's number, as DETAIL_COLUMNS has it."""
    restated, carried = names_text(draft.restated), names_text(draft.carried)
    return (draft.reason, restated, carried, rows.changes_digest, rows.providers_digest, rows.metrics_digest)


def detail_of(row: Sequence[StoredValue] | None) -> Detail:
    """What a row of `version_detail` says; versions of older schemas have none."""
    if row is None:
        return Detail()
    reason, restated, carried, *_ = row
    return Detail(_optional(reason), names_of(restated), names_of(carried))


def stored_detail(connection: sqlite3.Connection, number: StoredValue) -> Row | None:
    """DETAIL_COLUMNS of a version; None of one of an older schema."""
    if not has_records(connection):
        return None
    row: Row | None = connection.execute(
        f"SELECT {', '.join(DETAIL_COLUMNS)} FROM version_detail WHERE version = ?", [number]
    ).fetchone()
    return row


def stored_record(connection: sqlite3.Connection, number: StoredValue) -> RecordRows:
    """Every row of a version's record, in order."""

    def rows(table: str, columns: Sequence[str], order: str) -> tuple[Row, ...]:
        text = f"SELECT {', '.join(columns)} FROM {table} WHERE version = ? ORDER BY {order}"
        return tuple(connection.execute(text, [number]).fetchall())

    return RecordRows(
        rows("version_change", CHANGE_COLUMNS, "position"),
        rows("version_money", MONEY_COLUMNS, "change, position"),
        rows("version_provider", PROVIDER_COLUMNS, "position"),
        stored_metrics(connection, number),
    )


def stored_metrics(connection: sqlite3.Connection, number: StoredValue) -> tuple[SeriesRows, ...]:
    """The metrics of a version, in order."""
    found = connection.execute(
        "SELECT metric, series, dimensions FROM version_metric JOIN metric_series ON metric_series.id = series "
        "WHERE version = ? ORDER BY position",
        [number],
    ).fetchall()
    return tuple(SeriesRows(metric, dimensions, _values(connection, series)) for metric, series, dimensions in found)


def unsound_series(connection: sqlite3.Connection) -> list[int]:
    """Ids of series whose values are not the ones of their digest, or that no version uses."""
    wrong = []
    found = connection.execute("SELECT id, digest, dimensions FROM metric_series ORDER BY id").fetchall()
    for series, digest, dimensions in found:
        used = connection.execute("SELECT 1 FROM version_metric WHERE series = ?", [series]).fetchone() is not None
        if not used or SeriesRows("", dimensions, _values(connection, series)).digest != digest:
            wrong.append(series)
    return wrong


def _values(connection: sqlite3.Connection, series: int) -> tuple[Row, ...]:
    text = f"SELECT {', '.join(VALUE_COLUMNS)} FROM metric_value WHERE series = ? ORDER BY position"
    return tuple(connection.execute(text, [series]).fetchall())


def changes_of_element(
    connection: sqlite3.Connection, number: int, dimension: str, value: str | None
) -> tuple[RecordedChange, ...]:
    """The changes of a version that moved an element's cost, in order, with that money alone."""
    text = ", ".join(f"version_change.{each}" for each in CHANGE_COLUMNS)
    rows = connection.execute(
        f"SELECT {text}, cause, rule, dimension, value, currency, units, parts FROM version_money JOIN version_change "
        "ON version_change.version = version_money.version AND version_change.position = version_money.change "
        "WHERE version_money.version = ? AND dimension = ? AND value = ? ORDER BY change, version_money.position",
        [number, dimension, _ENCODE(value)],
    ).fetchall()
    width = len(CHANGE_COLUMNS)
    of_change: dict[Row, list[RecordedMoney]] = {}
    for row in rows:
        of_change.setdefault(tuple(row[:width]), []).append(_money_of(row[width:]))
    return tuple(_change_of(change, parts) for change, parts in of_change.items())


def has_records(connection: sqlite3.Connection) -> bool:
    """Whether the file has the tables of this module."""
    number: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return number >= RECORDS_SINCE


def _change_of(row: Row, parts: Sequence[RecordedMoney]) -> RecordedChange:
    _, action, kind, identity, previous, file, line = row
    if not isinstance(line, int):
        raise TypeError(f"not a line: {line!r}")
    return RecordedChange(
        action=str(action),
        kind=str(kind),
        id=str(identity),
        previous_id=_optional(previous),
        file=str(file),
        line=line,
        money=tuple(parts),
    )


def _money_of(row: Sequence[StoredValue]) -> RecordedMoney:
    cause, rule, dimension, text, currency, units, parts = row
    value = json.loads(str(text))
    if value is not None and not isinstance(value, str):
        raise ValueError(f"not an element: {text!r}")
    return RecordedMoney(str(cause), _optional(rule), str(dimension), value, str(currency), _picos(units, parts))


def _picos(units: StoredValue, parts: StoredValue) -> int:
    if not isinstance(units, int) or not isinstance(parts, int):
        raise TypeError("not an amount")
    return money.from_columns(units, parts)


def _optional(stored: StoredValue) -> str | None:
    return None if stored is None else str(stored)
