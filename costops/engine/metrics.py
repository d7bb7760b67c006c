"""Reads the records of the metrics that rules weigh by.

Invariant: a label that a metric names is somewhere in the files of its source, every record has its day, and what is
left out is counted. A problem with a file is told with the file's name and, where a value is at fault, its row and
column.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from costops.engine.faults import refuse_changed, unreadable_metric
from costops.engine.ir import MetricUse
from costops.errors import BillError
from costops.model.bill import MetricDescription, MetricFile
from costops.model.metric_report import LabelGap, MetricReading
from costops.model.metric_series import MetricSeries
from costops.sources.columns import near_column, some_of

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.syntax import Node

THEN = "then:"
"""The source of metrics as a stored version used them; no id has a colon."""

Groups = Sequence[Sequence[MetricFile]]
"""Files of a source; those with equal columns together."""


def _nobody(_words: str) -> None:
    pass


def load_metrics(
    connection: duckdb.DuckDBPyConnection,
    metrics: MetricDescription,
    uses: Sequence[MetricUse],
    *,
    needed: Collection[MetricUse],
    then: Mapping[str, MetricSeries] = MappingProxyType({}),
    tell: Callable[[str], None] = _nobody,
) -> tuple[dict[MetricUse, str], tuple[MetricReading, ...]]:
    """Read the records of every metric that a rule uses, each into a table of its own.

    Gives the tables' names, and what was read of those of `needed`. Raises BillError for one of `needed` that cannot be
    read; others that cannot are left out. A metric of the source THEN is not read: it is what `then` has by its id.
    """
    tables: dict[MetricUse, str] = {}
    readings = []
    gathered: dict[str, tuple[str, ...]] = {}
    for source, files in metrics.sources.items():
        queries = sorted({use.query for use in uses if use.source == source})
        if len(queries) > 1 and files:
            tell(f"reading metrics of {source}")
            gathered[source] = _gathered(connection, queries, _groups(files), f"records_{len(gathered)}")
    for place, use in enumerate(uses):
        if use.source == THEN:
            series = then.get(use.metric)
            if series is not None and len(series.dimensions) == len(_kept_columns(use)):
                _put_back(connection, use, series, f"metric_{place}")
                tables[use] = f"metric_{place}"
            continue
        tell(f"reading metric {use.metric}")
        files = metrics.sources.get(use.source, ())
        try:
            reading = _load_metric(connection, files, use, f"metric_{place}", gathered.get(use.source, ()))
        except BillError:
            if use in needed:
                raise
            continue
        tables[use] = f"metric_{place}"
        if use in needed:
            readings.append(reading)
    for name in (each for names in gathered.values() for each in names):
        connection.execute(f'DROP TABLE "{name}"')
    return tables, tuple(readings)


def metric_series(
    connection: duckdb.DuckDBPyConnection, tables: Mapping[MetricUse, str], uses: Sequence[MetricUse]
) -> tuple[MetricSeries, ...]:
    """What was read of some metrics, by day and dimension, in the order of their ids."""
    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    found = {}
    for use in uses:
        rows = connection.execute(text_of(records.series_rows(use, tables[use]))).fetchall()
        names: dict[str, str] = {}
        for dimension, column in use.columns:
            names.setdefault(column, dimension)
        values = tuple((day, tuple(own), int(picos)) for day, *own, picos in rows)
        found[use.metric] = MetricSeries(use.metric, tuple(names.values()), tuple(sorted(values, key=_row_key)))
    return tuple(found[metric] for metric in sorted(found))


def hash_of(series: Mapping[str, MetricSeries]) -> str:
    """sha256 of metrics by id."""
    return hashlib.sha256(repr(sorted(series.items())).encode("utf-8", "surrogatepass")).hexdigest()


def _row_key(row: tuple[str, tuple[str | None, ...], int]) -> tuple[str, list[tuple[bool, str]]]:
    return row[0], [(value is not None, value or "") for value in row[1]]


def _kept_columns(use: MetricUse) -> list[str]:
    return list(dict.fromkeys(column for _, column in use.columns))


def _put_back(connection: duckdb.DuckDBPyConnection, use: MetricUse, series: MetricSeries, table: str) -> None:
    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    days = [day for day, _, _ in series.rows]
    sums = [str(picos) for _, _, picos in series.rows]
    columns = [[values[place] for _, values, _ in series.rows] for place in range(len(series.dimensions))]
    connection.execute(text_of(records.kept_metric_table(use, table)), [days, sums, *columns])


def _gathered(
    connection: duckdb.DuckDBPyConnection, queries: Sequence[str], groups: Groups, name: str
) -> tuple[str, ...]:
    """Tables with the records of several metrics, one for each group of files, so that each file is read once.

    None where a file cannot be read: what is wrong with it is told when the first of the metrics is read.
    """
    import duckdb

    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    tables = tuple(f"{name}_{place}" for place in range(len(groups)))
    try:
        for table, files in zip(tables, groups, strict=True):
            connection.execute(text_of(records.gather_records(queries, files, table)))
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        for table in tables:
            connection.execute(f'DROP TABLE IF EXISTS "{table}"')
        return ()
    return tables


def _load_metric(
    connection: duckdb.DuckDBPyConnection,
    files: Sequence[MetricFile],
    use: MetricUse,
    table: str,
    gathered: Sequence[str],
) -> MetricReading:
    import duckdb

    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    if not files:
        raise BillError(
            f"metric {use.metric} reads source {use.source}, which costops.yaml does not have",
            hint="add it under metric_sources, or correct the metric's source",
        )
    groups = _groups(files)
    read = f"{table}_read"
    try:
        connection.execute(text_of(records.read_records(use, groups, read, gathered)))
    except duckdb.Error as error:
        raise unreadable_metric(connection, files, error) from error
    reading = _checked(connection, use, groups, read)
    connection.execute(text_of(records.metric_table(use, read, table)))
    connection.execute(f'DROP TABLE "{read}"')
    refuse_changed(each.file for each in files)
    return reading


def _groups(files: Sequence[MetricFile]) -> Groups:
    groups: dict[tuple[object, ...], list[MetricFile]] = {}
    for each in files:
        groups.setdefault((each.file.kind, each.file.columns, each.file.delimiter), []).append(each)
    return list(groups.values())


def _checked(connection: duckdb.DuckDBPyConnection, use: MetricUse, groups: Groups, read: str) -> MetricReading:
    """What was read into the table `read`; raises BillError for what cannot be records of this metric."""
    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    query = text_of(records.facts_of_records(read, [name for _, name in use.labels]))
    count, undated, without_value, without_labels, *labelled = connection.execute(query).fetchall()[0]
    if not count:
        raise _no_record(connection, use, groups)
    if undated:
        raise _first_bad(connection, use, groups, "date")
    if without_labels:
        raise _first_bad(connection, use, groups, "labels")
    for (label, _), present in zip(use.labels, labelled, strict=True):
        if not present and not any(label in each.label_columns for files in groups for each in files):
            raise _no_label(connection, use, groups, label)
    return MetricReading(use.metric, count, without_value, _gaps(connection, use, groups, read))


def _gaps(connection: duckdb.DuckDBPyConnection, use: MetricUse, groups: Groups, read: str) -> tuple[LabelGap, ...]:
    """Labels that some files with records of the metric cannot have."""
    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    counts = dict(connection.execute(text_of(records.records_of_groups(read))).fetchall())
    gaps = []
    for label, _ in use.labels:
        lacking = [
            place
            for place, files in enumerate(groups)
            if place in counts and label not in files[0].label_columns and files[0].labels is None
        ]
        if lacking:
            names = tuple(sorted(each.file.name for place in lacking for each in groups[place]))
            gaps.append(LabelGap(label, sum(counts[place] for place in lacking), names))
    return tuple(gaps)


def _no_record(connection: duckdb.DuckDBPyConnection, use: MetricUse, groups: Groups) -> BillError:
    from costops.engine.sql import records

    there = _names(connection, [records.metric_names(each) for files in groups for each in files])
    near = near_column(use.query, there)
    known = f"its files have {some_of(there)}" if there else "its files have no records at all"
    return BillError(
        f"metric {use.metric}: source {use.source} has no record of {use.query}",
        hint=f"did you mean `{near}`?" if near else f"correct the metric's query, or the source's path; {known}",
    )


def _no_label(connection: duckdb.DuckDBPyConnection, use: MetricUse, groups: Groups, label: str) -> BillError:
    from costops.engine.sql import records

    files = [each for group in groups for each in group]
    in_columns = [name for each in files for name in each.label_columns]
    in_objects = _names(connection, [records.label_names(use, each) for each in files if each.labels is not None])
    there = list(dict.fromkeys([*in_columns, *in_objects]))
    near = near_column(label, there)
    known = f"the labels there are {some_of(there)}" if there else "they have no labels"
    return BillError(
        f"metric {use.metric} names the label {label}, which no file of source {use.source} has",
        hint=f"did you mean `{near}`?" if near else f"correct `labels` of the metric, or the files; {known}",
    )


def _names(connection: duckdb.DuckDBPyConnection, queries: Sequence[Node]) -> list[str]:
    from costops.engine.sql.syntax import text_of

    return sorted({name for query in queries for (name,) in connection.execute(text_of(query)).fetchall()})


def _first_bad(connection: duckdb.DuckDBPyConnection, use: MetricUse, groups: Groups, what: str) -> BillError:
    """The first record without a day that a record can have, or with labels that are no JSON object."""
    from costops.engine.sql import records
    from costops.engine.sql.syntax import text_of

    for each in (each for files in groups for each in files):
        found = connection.execute(text_of(records.first_without(use, each, what))).fetchall()
        if not found:
            continue
        row, labels = found[0]
        if what == "date":
            return BillError(
                f"{each.file.name}: row {row}, a record of {use.query}, has no date between 1900 and 9999",
                hint="Every record needs the day or the moment to which its value belongs; correct the file.",
            )
        return BillError(
            f"{each.file.name}: row {row} has {labels[:80]!r} in tags, which is not a JSON object",
            hint='Write an object such as {"team": "checkout"}, or leave the field empty.',
        )
    return BillError(f"the records of {use.query} changed while they were read", hint="Run it again.")
