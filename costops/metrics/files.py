"""The metric sources of a workspace as one description: files, and expressions of date, metric, value and labels.

Invariant: every column of a metric file is one of date, metric, value and tags, or a label of its own name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import MappingProxyType

from costops.errors import BillError
from costops.model.bill import FileShape, MetricDescription, MetricFile, PhysicalFile, SourceFile
from costops.model.expression import Expression
from costops.model.settings import MetricSource, Settings
from costops.sources.columns import some_of
from costops.sources.digest import digest_of, hash_files, refuse_equal_files, stamps_of
from costops.sources.discover import find_files
from costops.sources.fields import Fields
from costops.sources.found import FoundFile, Owner

Probe = Callable[[Sequence[Path], Sequence[str]], Sequence[FileShape]]
"""Paths and the names to call them by, to the shape of each file."""

NEEDED = ("date", "metric", "value")
LABELS = "tags"
"""The column that holds all labels as one JSON object."""


def describe_metrics(settings: Settings, probe: Probe) -> MetricDescription:
    """The files of all metric sources; raises BillError for whatever is no metric file or cannot be read."""
    sources = {}
    hashes: dict[str, str] = {}
    files: list[SourceFile] = []
    for source in settings.metric_sources:
        found = find_files(settings.root, Owner("metric", source.name), source.path).files
        stamps = stamps_of(found)
        hashed = hash_files(settings.cache, found)
        refuse_equal_files(found, hashed)
        hashes |= {file.name: sha256 for file, sha256 in zip(found, hashed, strict=True)}
        files += [SourceFile(source.name, file.name, sha256) for file, sha256 in zip(found, hashed, strict=True)]
        sources[source.name] = _describe_source(source, found, stamps, probe)
    return MetricDescription(digest=digest_of(hashes.items()), sources=MappingProxyType(sources), files=tuple(files))


def _describe_source(
    source: MetricSource, files: Sequence[FoundFile], stamps: Sequence[tuple[int, int]], probe: Probe
) -> tuple[MetricFile, ...]:
    shapes = probe([file.path for file in files], [file.name for file in files])
    return tuple(
        _describe_file(
            source, PhysicalFile(str(file.path), file.name, file.kind, shape.columns, shape.delimiter, stamp)
        )
        for file, shape, stamp in zip(files, shapes, stamps, strict=True)
    )


def _describe_file(source: MetricSource, file: PhysicalFile) -> MetricFile:
    types = dict(file.columns)
    lacking = [name for name in NEEDED if name not in types]
    if lacking:
        raise BillError(
            f"metric source {source.name}: {file.name} has no column{'s' if len(lacking) > 1 else ''} "
            f"{', '.join(lacking)}; it has {some_of(list(types))}",
            hint="A metric file needs date, metric and value, and a column per label or a JSON column `tags`.",
        )
    fields = Fields.of(file)
    return MetricFile(
        file=file,
        date=fields.timestamp("date"),
        metric=fields.text("metric"),
        value=fields.decimal("value"),
        label_columns=MappingProxyType({name: fields.text(name) for name in fields if name not in (*NEEDED, LABELS)}),
        labels=_labels(source, file),
    )


def _labels(source: MetricSource, file: PhysicalFile) -> Expression | None:
    fields = Fields.of(file)
    if LABELS not in fields:
        return None
    if not fields.type_of(LABELS).endswith("]"):
        return fields.text(LABELS)
    raise BillError(
        f"metric source {source.name}: in {file.name} the column {LABELS} has the type {fields.type_of(LABELS)}, "
        "from which costops cannot tell labels and values",
        hint=f"Write {LABELS} as a JSON object in text, or give each label a column of its own.",
    )
