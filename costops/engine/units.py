"""The pieces in which a bill is read and kept: a file, or small files of one folder together.

Invariant: a unit's digest says everything that its cells depend on beside the programs: the content of its files, and
how each of its columns is read. Units of equal digests have the same charges.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePath

from costops.model.bill import BillDescription, BillPart, PhysicalFile

SMALL_BYTES = 32 << 20
"""A smaller file is read together with its neighbours."""
MOST_BYTES = 64 << 20
"""So many bytes of small files are read together at most."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Some files of one part of a bill."""

    place: int
    """From 0, among the units of the bill."""
    part_place: int
    """The place of its part in the bill."""
    part: BillPart
    """The part with these files alone."""
    digest: str

    @property
    def name(self) -> str:
        """What a person calls it."""
        files = self.part.files
        return f"{self.part.source}, {len(files):,} file{'s' if len(files) != 1 else ''}"


def units_of(bill: BillDescription) -> tuple[Unit, ...]:
    """The units of a bill, each file in one of them."""
    hashes = {(each.source, each.name): each.sha256 for each in bill.files}
    units: list[Unit] = []
    for part_place, part in enumerate(bill.parts):
        # Whether a charge counts may depend on one in another file.
        bundles = [part.files] if part.split is not None else _bundles(part.files)
        for files in bundles:
            mine = replace(part, files=tuple(files))
            digest = _digest(mine, [hashes.get((part.source, each.name), "") for each in files], bill.reading)
            units.append(Unit(len(units), part_place, mine, digest))
    return tuple(units)


def _bundles(files: Iterable[PhysicalFile]) -> Iterator[list[PhysicalFile]]:
    bundle: list[PhysicalFile] = []
    size = 0
    for file in files:
        # A file that nobody looked at counts as small.
        its_size = file.stamp[0] if file.stamp is not None else 0
        fits = size + its_size <= MOST_BYTES and its_size < SMALL_BYTES
        if bundle and not (fits and _folder(file) == _folder(bundle[-1])):
            yield bundle
            bundle, size = [], 0
        bundle.append(file)
        size += its_size if its_size < SMALL_BYTES else MOST_BYTES
    if bundle:
        yield bundle


def _folder(file: PhysicalFile) -> PurePath:
    return PurePath(file.path).parent


def _digest(part: BillPart, hashes: list[str], reading: str) -> str:
    first = part.files[0]
    how = [first.kind, first.columns, first.delimiter, *(repr(each) for each in _expressions(part))]
    text = json.dumps([reading, how, hashes], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _expressions(part: BillPart) -> Iterator[object]:
    yield from (part.format, part.start, part.end, part.billing_month, part.currency, part.tags, part.split)
    for named in (part.costs, part.quantities, part.columns, part.tag_columns):
        yield sorted(named.items())
