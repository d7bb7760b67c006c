"""The metric sources of a workspace as one description: files, and expressions of date, metric, value and labels.

Invariant: every column of a metric file is one of date, metric, value and tags, or a label of its own name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from costops.errors import BillError
from costops.metrics.discover import FoundFile, find_files
from costops.model.bill import MetricDescription, MetricFile, PhysicalFile
from costops.model.expression import Column, Expression, Literal, call
from costops.model.settings import MetricSource, Settings

Probe = Callable[[Sequence[Path], Sequence[str]], Sequence[tuple[tuple[str, str], ...]]]
"""Paths and the names to call them by, to the columns of each file as (exact name, type)."""

NEEDED = ("date", "metric", "value")
LABELS = "tags"
"""The column that holds all labels as one JSON object."""


def describe_metrics(settings: Settings, probe: Probe) -> MetricDescription:
    """The files of all metric sources; raises BillError for whatever is no metric file or cannot be read."""
    found = {source.name: find_files(settings.root, source) for source in settings.metric_sources}
    sources = {source.name: _describe_source(source, found[source.name], probe) for source in settings.metric_sources}
    hashes = {(file.name, file.sha256) for files in found.values() for file in files}
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(hashes))
    return MetricDescription(
        digest=hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest(), sources=MappingProxyType(sources)
    )


def _describe_source(source: MetricSource, files: Sequence[FoundFile], probe: Probe) -> tuple[MetricFile, ...]:
    columns = probe([file.path for file in files], [file.name for file in files])
    return tuple(
        _describe_file(source, PhysicalFile(str(file.path), file.name, file.kind, file_columns))
        for file, file_columns in zip(files, columns, strict=True)
    )


def _describe_file(source: MetricSource, file: PhysicalFile) -> MetricFile:
    types = dict(file.columns)
    lacking = [name for name in NEEDED if name not in types]
    if lacking:
        raise BillError(
            f"metric source {source.name}: {file.name} has no column{'s' if len(lacking) > 1 else ''} "
            f"{', '.join(lacking)}; it has {_some(list(types))}",
            hint="A metric file needs date, metric and value, and a column per label or a JSON column `tags`.",
        )
    return MetricFile(
        file=file,
        date=call("timestamp", _scalar(file.kind, "date", types["date"])),
        metric=_text(file.kind, "metric", types["metric"]),
        value=call("decimal", _scalar(file.kind, "value", types["value"])),
        label_columns=MappingProxyType(
            {name: _text(file.kind, name, types[name]) for name in types if name not in (*NEEDED, LABELS)}
        ),
        labels=_labels(source, file, types.get(LABELS)),
    )


def _some(names: Sequence[str]) -> str:
    """The first names of a list that may be long."""
    rest = len(names) - 8
    return ", ".join(names[:8]) + (f" and {rest} more" if rest > 0 else "")


def _labels(source: MetricSource, file: PhysicalFile, type_name: str | None) -> Expression | None:
    if type_name is None:
        return None
    if not type_name.endswith("]"):
        return _text(file.kind, LABELS, type_name)
    raise BillError(
        f"metric source {source.name}: in {file.name} the column {LABELS} has the type {type_name}, "
        "from which costops cannot tell labels and values",
        hint=f"Write {LABELS} as a JSON object in text, or give each label a column of its own.",
    )


def _text(kind: str, name: str, type_name: str) -> Expression:
    """A column as text, with what is missing in such a file as null."""
    column = Column(name)
    if kind == "csv":
        return call("case", call("in", column, Literal(""), Literal("NULL")), Literal(None), column)
    return call("present", column if type_name == "VARCHAR" else call("text", column))


def _scalar(kind: str, name: str, type_name: str) -> Expression:
    return _text(kind, name, type_name) if kind == "csv" or type_name == "VARCHAR" else Column(name)
