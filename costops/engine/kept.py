"""Cells of a bill's units kept in the cache folder, so that the next plan on the same files reads none of them.

Invariant: an entry is used only for a unit with its digest, and only while every byte of it has the digest that was
noted; anything else counts as not kept. Whether its cells may serve a set of rules is for `engine.grouping` to say.
Deleting the folder loses speed, and the chance to apply a saved plan after its bill has moved; never a result.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from costops.engine.factors import factor_of
from costops.engine.hashing import sha256_of
from costops.engine.ir import RawField
from costops.errors import EngineError
from costops.interruption import temporary_folder
from costops.model.bill import BillDescription
from costops.model.bill_report import SplitReading

FORMAT = 6
MOST_BYTES = 4 << 30
"""So much is kept; what was not used for longest goes first."""
MOST_ENTRIES = 3
"""How many entries of one unit are kept."""
MOST_NOTES = 128
"""How many facts are kept: which units a bill has, and what it lacks of what rules expect."""
_NOTE = "note.json"


class NotKeptError(EngineError):
    """The cells of a bill that is not there any more were kept for other rules, or not at all."""


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """What reading a unit showed."""

    amounts: tuple[str, ...]
    """Names of the amounts of its cells: its costs, and those of `quantities` that it has."""
    quantities: tuple[str, ...]
    """Quantities that were looked for."""
    sums: tuple[tuple[str, str, int, tuple[int, ...], tuple[int, ...]], ...]
    """(month, currency, charges, sum of each amount in picos, how many charges have it)."""
    splits: tuple[SplitReading, ...]
    tag_keys: tuple[str, ...] | None
    """Every key in its tags, sorted; None where its tags were not read."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The kept cells of a unit, whole when they were looked at."""

    folder: Path
    content: str
    """A digest that says what is in it: entries of equal digests have equal tables."""
    told_apart: frozenset[str]
    """What programs told apart when it was made, as `Distinctions.told_apart`."""
    fields: Mapping[str, tuple[RawField, ...]]
    """By factor, in the order of its columns."""
    facts: UnitFacts

    def file(self, name: str) -> Path:
        """One of its tables: a factor, combinations, cells or sums."""
        return self.folder / f"{name}.parquet"

    def serves(self, fields: Sequence[RawField], quantities: Sequence[str], *, needs_tag_keys: bool) -> bool:
        """Whether it has these fields and quantities."""
        return (
            all(each in self.fields.get(factor_of(each), ()) for each in fields)
            and set(quantities) <= set(self.facts.quantities)
            and not (needs_tag_keys and self.facts.tag_keys is None)
        )

    def used(self) -> None:
        """Note that it was of use."""
        with suppress(OSError):
            os.utime(self.folder)


@dataclass(frozen=True, slots=True)
class KeptBill:
    """A bill that may be gone, as far as its kept cells know it."""

    digest: str
    cost_columns: tuple[str, ...]
    columns: frozenset[str]
    """Names of the fields that the bill had."""
    folder: Path
    units: tuple[str, ...]
    """Digests of its units."""


def kept_bill(folder: Path, digest: str, reading: str) -> KeptBill | None:
    """The bill with this digest, read so, or None where it is not kept in `folder` which units it has."""
    note = _read_note(folder / _name_of_bill(digest, reading))
    if note is None or (note["bill"], note["reading"]) != (digest, reading):
        return None
    return KeptBill(digest, tuple(note["costs"]), frozenset(note["columns"]), folder, tuple(note["units"]))


def keep_bill(folder: Path, bill: BillDescription, units: Sequence[str]) -> None:
    """Keep which units a bill has; a folder that cannot be written is no reason to fail."""
    note = {
        "bill": bill.digest,
        "reading": bill.reading,
        "columns": sorted(bill.columns),
        "costs": list(bill.cost_columns),
        "units": list(units),
    }
    keep_note(folder, _name_of_bill(bill.digest, bill.reading), note)


def keep_note(folder: Path, name: str, facts: dict[str, Any]) -> None:
    """Keep facts under a digest that says what they are of; nothing fails where that cannot be done."""
    path, note = folder / name, {"format": FORMAT, **facts}
    with suppress(OSError):
        if _read_note(path) == note:
            os.utime(path)
            return
        folder.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder, ".cells-") as unfinished:
            _write_note(unfinished / _NOTE, note)
            (unfinished / _NOTE).replace(path)
        for old in _oldest_first(each for each in folder.iterdir() if each.is_file())[:-MOST_NOTES]:
            old.unlink(missing_ok=True)


def kept_note(folder: Path, name: str) -> dict[str, Any] | None:
    """The facts under a digest, None where they are not kept."""
    return _read_note(folder / name)


def entries_of(folder: Path, unit: str) -> Iterator[Entry]:
    """The whole entries of a unit, what was used last first."""
    found = sorted(folder.glob(f"{unit[:32]}-*"), key=_age_key, reverse=True)
    for path in found:
        entry = _entry(path, unit)
        if entry is not None:
            yield entry


def _entry(path: Path, unit: str) -> Entry | None:
    note = _read_note(path / _NOTE)
    if note is None or note.get("unit") != unit:
        return None
    try:
        if any(sha256_of(path / name) != sha256 for name, sha256 in note["files"].items()):
            return None
    except OSError:
        return None
    fields = {factor: tuple(RawField(kind, name) for kind, name in named) for factor, named in note["fields"].items()}
    return Entry(path, note["content"], frozenset(note["told_apart"]), fields, _facts_of(note["facts"]))


@dataclass(frozen=True, slots=True)
class Unwritten:
    """What an entry says of a unit, before its tables are written."""

    unit: str
    """The unit's digest."""
    told_apart: frozenset[str]
    content: str
    fields: Mapping[str, Sequence[RawField]]
    facts: UnitFacts


def keep(folder: Path, entry: Unwritten, write: Callable[[Path], None]) -> None:
    """Keep a unit's tables, which `write` writes into a folder; nothing fails where that cannot be done."""
    # duckdb costs 110 ms to import.
    import duckdb

    target = folder / f"{entry.unit[:32]}-{entry.content[:16]}"
    # Suppressed: a full disk or a read-only workspace. Nothing is kept then, and what needs the cells says so.
    with suppress(OSError, duckdb.Error), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = stack.enter_context(temporary_folder(folder, ".cells-"))
        write(unfinished)
        note = {
            "format": FORMAT,
            "unit": entry.unit,
            "content": entry.content,
            "told_apart": sorted(entry.told_apart),
            "fields": {factor: [[each.kind, each.name] for each in mine] for factor, mine in entry.fields.items()},
            "facts": _described(entry.facts),
            "files": {each.name: sha256_of(each) for each in sorted(unfinished.iterdir())},
        }
        _write_note(unfinished / _NOTE, note)
        shutil.rmtree(target, ignore_errors=True)
        unfinished.rename(target)
        _drop_oldest(folder, entry.unit)


def _drop_oldest(folder: Path, unit: str) -> None:
    mine = _oldest_first(folder.glob(f"{unit[:32]}-*"))
    for entry in mine[:-MOST_ENTRIES]:
        shutil.rmtree(entry, ignore_errors=True)
    entries = _oldest_first(each for each in folder.iterdir() if each.is_dir() and not each.name.startswith("."))
    sizes = [sum(file.stat().st_size for file in entry.iterdir()) for entry in entries]
    room = MOST_BYTES - sum(sizes)
    for entry, size in zip(entries, sizes, strict=True):
        if room >= 0:
            break
        shutil.rmtree(entry, ignore_errors=True)
        room += size


def _oldest_first(paths: Iterator[Path] | Sequence[Path]) -> list[Path]:
    return sorted((each for each in paths if not each.name.startswith(".")), key=_age_key)


def _age_key(path: Path) -> tuple[int, str]:
    with suppress(OSError):
        return path.stat().st_mtime_ns, path.name
    return 0, path.name


def _name_of_bill(digest: str, reading: str) -> str:
    return hashlib.sha256(json.dumps([digest, reading]).encode()).hexdigest()


def _described(facts: UnitFacts) -> dict[str, Any]:
    return {
        "amounts": list(facts.amounts),
        "quantities": list(facts.quantities),
        "sums": [
            [month, currency, charges, [str(each) for each in amounts], list(having)]
            for month, currency, charges, amounts, having in facts.sums
        ],
        "splits": [
            [each.source, each.currency, each.rows, {cost: str(amount) for cost, amount in each.amounts.items()}]
            for each in facts.splits
        ],
        "tag_keys": list(facts.tag_keys) if facts.tag_keys is not None else None,
    }


def _facts_of(note: dict[str, Any]) -> UnitFacts:
    return UnitFacts(
        amounts=tuple(note["amounts"]),
        quantities=tuple(note["quantities"]),
        sums=tuple(
            (month, currency, charges, tuple(int(each) for each in amounts), tuple(having))
            for month, currency, charges, amounts, having in note["sums"]
        ),
        splits=tuple(
            SplitReading(
                source=source, currency=currency, rows=rows, amounts={cost: int(each) for cost, each in amounts.items()}
            )
            for source, currency, rows, amounts in note["splits"]
        ),
        tag_keys=tuple(note["tag_keys"]) if note["tag_keys"] is not None else None,
    )


def _write_note(path: Path, note: dict[str, Any]) -> None:
    path.write_text(json.dumps({**note, "digest": _digest(note)}, ensure_ascii=False), encoding="utf-8")


def _read_note(path: Path) -> dict[str, Any] | None:
    """A note; None where it is missing, of another format, or not as it was written."""
    try:
        note: dict[str, Any] = json.loads(path.read_bytes())
        digest = note.pop("digest")
        return note if note["format"] == FORMAT and digest == _digest(note) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(note: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(note, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
