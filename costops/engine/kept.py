"""Cells of a bill kept in the cache folder, so that a plan can be made again after the bill has moved.

Invariant: kept cells are used only for the bill, read as it was then, and for what they were kept for (the same
fields, cost columns, quantities and distinctions of the rules), and only while every byte of them has the digest that
was noted; anything else counts as not kept. Deleting the folder loses speed, and the chance to apply a saved plan after
its bill has moved; never a result.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from costops.engine.absences import absences_of, described
from costops.engine.ir import Fields, Program
from costops.engine.load import BillFacts
from costops.errors import EngineError
from costops.interruption import temporary_folder
from costops.model.bill import BillDescription
from costops.model.bill_report import SplitReading

if TYPE_CHECKING:
    import duckdb

FORMAT = 4
MOST_ENTRIES = 8
"""How many are kept; the oldest go first."""
_NOTE = "note.json"
_TUPLES = "tuples.parquet"
_RAW = "raw.parquet"


class NotKeptError(EngineError):
    """The cells of a bill that is not there any more were kept for other rules, or not at all."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What cells must be made for."""

    costs: tuple[str, ...]
    quantities: tuple[str, ...]
    digest: str
    """sha256 of how files are read, the fields, the amounts, and of what programs tell tuples apart by."""

    @property
    def amounts(self) -> int:
        """How many amounts a cell has."""
        return len(self.costs) + len(self.quantities)


def cells_wanted(
    fields: Fields,
    programs: Sequence[Program],
    costs: Sequence[str],
    quantities: Sequence[str],
    reading: str,
) -> Wanted:
    """What cells must be made for to run these programs on them; `reading` as in BillDescription."""
    named = [[field.kind, field.name, name] for field, name in fields.items()]
    told_apart = [repr((each.layers, each.slots, each.watched, each.readers)) for each in programs]
    amounts = [list(costs), list(quantities)]
    text = json.dumps([FORMAT, reading, named, amounts, told_apart, repr(fields.lookups())], ensure_ascii=False)
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return Wanted(tuple(costs), tuple(quantities), digest)


@dataclass(frozen=True, slots=True)
class KeptBill:
    """A bill that may be gone, as far as its kept cells know it."""

    digest: str
    cost_columns: tuple[str, ...]
    columns: frozenset[str]
    """Names of the fields that the bill had."""
    folder: Path
    reading: str
    """As in BillDescription."""


def kept_bill(folder: Path, digest: str, reading: str) -> KeptBill | None:
    """The bill with this digest, read so, or None where no cells of it are kept in the cache folder `folder`."""
    for entry in sorted(folder.glob(f"{digest[:16]}-*")):
        note = _note_of(entry)
        if note is not None and (note["bill"], note["reading"]) == (digest, reading):
            return KeptBill(digest, tuple(note["costs"]), frozenset(note["columns"]), folder, reading)
    return None


def load_kept(connection: duckdb.DuckDBPyConnection, folder: Path, digest: str, wanted: Wanted) -> BillFacts | None:
    """Load `tuples` and `raw` as they were kept; None where they were not, or are not whole any more."""
    import duckdb

    from costops.engine.sql import kept
    from costops.engine.sql.syntax import text_of

    entry = folder / _name(digest, wanted)
    note = _note_of(entry)
    if note is None or (note["bill"], note["wanted"]) != (digest, wanted.digest):
        return None
    try:
        if any(_sha256(entry / name) != note["files"][name] for name in (_TUPLES, _RAW)):
            return None
        connection.execute(text_of(kept.read_tuples(entry / _TUPLES)))
        connection.execute(text_of(kept.read_raw(entry / _RAW, wanted.amounts)))
    except (OSError, KeyError, duckdb.Error):
        return None
    return _facts_of(note["facts"])


def keep(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    bill: BillDescription,
    wanted: Wanted,
    facts: BillFacts,
) -> None:
    """Keep `tuples` and `raw` as they are loaded; a folder that cannot be written is no reason to fail."""
    import duckdb

    from costops.engine.sql import kept
    from costops.engine.sql.syntax import text_of

    entry = folder / _name(bill.digest, wanted)
    # Suppressed: a full disk or a read-only workspace. Nothing is kept then, and what needs the cells says so.
    with suppress(OSError, duckdb.Error), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = stack.enter_context(temporary_folder(folder, ".cells-"))
        connection.execute(text_of(kept.write_tuples(unfinished / _TUPLES)))
        connection.execute(text_of(kept.write_raw(unfinished / _RAW, wanted.amounts)))
        note = {
            "format": FORMAT,
            "bill": bill.digest,
            "reading": bill.reading,
            "columns": sorted(bill.columns),
            "costs": list(wanted.costs),
            "wanted": wanted.digest,
            "facts": _described_facts(facts),
            "files": {name: _sha256(unfinished / name) for name in (_TUPLES, _RAW)},
        }
        (unfinished / _NOTE).write_text(json.dumps({**note, "digest": _digest(note)}, ensure_ascii=False))
        shutil.rmtree(entry, ignore_errors=True)
        unfinished.rename(entry)
        _drop_oldest(folder)


def _drop_oldest(folder: Path) -> None:
    entries = sorted((each for each in folder.iterdir() if not each.name.startswith(".")), key=_age_key, reverse=True)
    for entry in entries[MOST_ENTRIES:]:
        shutil.rmtree(entry, ignore_errors=True)


def _age_key(entry: Path) -> tuple[int, str]:
    with suppress(OSError):
        return entry.stat().st_mtime_ns, entry.name
    return 0, entry.name


def _name(digest: str, wanted: Wanted) -> str:
    return f"{digest[:16]}-{wanted.digest[:16]}"


def _described_facts(facts: BillFacts) -> dict[str, Any]:
    return {
        "rows": facts.rows,
        "months": list(facts.months),
        "totals": [[currency, cost, str(amount)] for (currency, cost), amount in sorted(facts.totals.items())],
        "missing": [list(each) for each in facts.missing_costs],
        "splits": [
            [each.source, each.currency, each.rows, {cost: str(amount) for cost, amount in each.amounts.items()}]
            for each in facts.splits
        ],
        "absences": described(facts.absences),
    }


def _facts_of(note: dict[str, Any]) -> BillFacts:
    months = tuple(note["months"])
    first, last = (months[0], months[-1]) if months else ("", "")
    totals = {(currency, cost): int(amount) for currency, cost, amount in note["totals"]}
    missing = tuple((cost, count) for cost, count in note["missing"])
    splits = tuple(
        SplitReading(
            source=source, currency=currency, rows=rows, amounts={cost: int(each) for cost, each in amounts.items()}
        )
        for source, currency, rows, amounts in note["splits"]
    )
    absences = absences_of(note["absences"])
    return BillFacts(note["rows"], first, last, months, totals, missing, splits, absences)


def _note_of(entry: Path) -> dict[str, Any] | None:
    """The note of kept cells; None where it is missing, of another format, or not as it was written."""
    try:
        note = json.loads((entry / _NOTE).read_bytes())
        digest = note.pop("digest")
        return note if note["format"] == FORMAT and digest == _digest(note) else None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _digest(note: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(note, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
