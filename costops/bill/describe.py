"""The bill of a workspace as one description: its files, their formats, and the expression of every column.

Invariant: every file belongs to exactly one part, and all files of a part have the same columns; every cost column that
costops.yaml adds is a column of at least one file of each source that names it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from costops.bill import aws_cur1, focus
from costops.errors import BillError
from costops.model.bill import COST_COLUMNS, BillDescription, BillPart, FileShape, PhysicalFile, SourceFile
from costops.model.settings import BillingSource, Settings
from costops.sources.columns import near_column, some_of
from costops.sources.digest import digest_of, hash_files, refuse_equal_files, stamps_of
from costops.sources.discover import find_all
from costops.sources.found import FoundFile, Owner

Probe = Callable[[Sequence[Path], Sequence[str]], Sequence[FileShape]]
"""Paths and the names to call them by, to the shape of each file."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format of bills."""

    name: str
    missing: Callable[[Collection[str]], tuple[str, ...]]
    """From column names to what is lacking."""
    describe: Callable[[str, tuple[PhysicalFile, ...], Mapping[str, str]], BillPart]
    """From the name of the source, files with the same columns, and the cost columns that the source adds."""


FORMATS = (
    Format(focus.NAME, focus.missing, focus.describe),
    Format(aws_cur1.NAME, aws_cur1.missing, aws_cur1.describe),
)
"""In the order in which they are tried."""


def describe_bill(settings: Settings, probe: Probe) -> BillDescription:
    """The bill of all billing sources; raises BillError for whatever is no bill or cannot be read."""
    if not settings.billing:
        raise BillError(
            "costops.yaml names no bill",
            hint='Write where it is, for example `billing: [{name: cloud, path: "bill/**/*.parquet"}]`.',
        )
    formats = {source.name: _formats_of(source) for source in settings.billing}
    named = find_all(settings.root, [(Owner("billing", each.name), each.path) for each in settings.billing])
    found = named.files
    stamps = stamps_of(found)
    hashes = hash_files(settings.cache, found)
    refuse_equal_files(found, hashes)
    shapes = probe([file.path for file in found], [file.name for file in found])
    groups: dict[tuple[str, str, FileShape], list[PhysicalFile]] = {}
    for file, shape, stamp in zip(found, shapes, stamps, strict=True):
        groups.setdefault((file.owner.name, file.kind, shape), []).append(_physical(file, shape, stamp))
    extra_costs = {source.name: dict(source.costs) for source in settings.billing}
    parts = tuple(
        _describe_part(source, formats[source], tuple(files), extra_costs[source])
        for (source, _, _), files in groups.items()
    )
    for each in settings.billing:
        _refuse_absent_costs(each, [part for part in parts if part.source == each.name])
    return BillDescription(
        digest=digest_of((file.name, sha256) for file, sha256 in zip(found, hashes, strict=True)),
        parts=parts,
        files=tuple(SourceFile(file.owner.name, file.name, sha256) for file, sha256 in zip(found, hashes, strict=True)),
        passed_over=named.passed_over,
        extra_costs=settings.extra_costs,
        reading=settings.reading,
    )


def _formats_of(source: BillingSource) -> tuple[Format, ...]:
    """The formats that a source may have: the one it names, or all."""
    if source.format is None:
        return FORMATS
    named = tuple(each for each in FORMATS if each.name == source.format)
    if not named:
        raise BillError(
            f"billing source {source.name}: there is no format {source.format}",
            hint=f"Write {' or '.join(each.name for each in FORMATS)}, or leave `format` out to have it detected.",
        )
    return named


def _physical(file: FoundFile, shape: FileShape, stamp: tuple[int, int]) -> PhysicalFile:
    return PhysicalFile(str(file.path), file.name, file.kind, shape.columns, shape.delimiter, stamp)


def _refuse_absent_costs(source: BillingSource, parts: Sequence[BillPart]) -> None:
    """Raises BillError for a cost column of costops.yaml that no file of its source has."""
    for name, column in source.costs:
        if any(name in part.costs for part in parts):
            continue
        there = list(dict.fromkeys(each for part in parts for file in part.files for each, _ in file.columns))
        near = near_column(column, there)
        raise BillError(
            f"billing source {source.name}: no file has the column {column}, which `costs` names for {name}",
            hint=f"Did you mean `{near}`?" if near else f"The files have {some_of(there)}.",
        )


def _describe_part(
    source: str, formats: tuple[Format, ...], files: tuple[PhysicalFile, ...], extra_costs: Mapping[str, str]
) -> BillPart:
    names = tuple(name for name, _ in files[0].columns)
    reason = aws_cur1.refusal(names) if any(each.name == aws_cur1.NAME for each in formats) else None
    if reason is not None:
        raise BillError(
            f"billing source {source}: {files[0].name} {reason}",
            hint="Let AWS export the first version, or in the FOCUS format.",
        )
    for each in formats:
        if not each.missing(names):
            return each.describe(source, files, extra_costs)
    raise _no_bill(source, formats, files[0].name, names)


def _no_bill(source: str, formats: tuple[Format, ...], file_name: str, names: tuple[str, ...]) -> BillError:
    lacking = {each.name: each.missing(names) for each in formats}
    renaming = _renaming_hint(names)
    if lacking.get(focus.NAME) == (focus.COSTS_IN_WORDS,):
        return BillError(
            f"billing source {source}: {file_name} has no cost column; a bill needs at least one of "
            f"{', '.join(COST_COLUMNS)}",
            hint=renaming or "Export the bill with its cost columns.",
        )
    reasons = ". ".join(f"As {name} it lacks {', '.join(columns)}" for name, columns in lacking.items())
    needs = "A bill needs the start of the charge period, a currency and a cost. Narrow `path` if this is no bill."
    return BillError(
        f"billing source {source}: {file_name} is no bill that costops can read. {reasons}", hint=renaming or needs
    )


def _renaming_hint(names: tuple[str, ...]) -> str | None:
    """Columns that differ from what a bill needs in case, spaces or punctuation only."""
    wanted = {_folded(name): name for name in ("ChargePeriodStart", "BillingCurrency", *COST_COLUMNS)}
    near = [(name, wanted[_folded(name)]) for name in names if wanted.get(_folded(name), name) != name]
    if not near:
        return None
    return "Rename " + ", ".join(f"`{name}` to `{right}`" for name, right in near) + "."


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
