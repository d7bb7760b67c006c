"""Small ledgers, drafts and states for the tests of the state."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from costops.model.ledger import Ledger, empty_ledger
from costops.model.version import Base, BillSummary, RuleRevision, Version, VersionDraft
from costops.state.reader import open_reader
from costops.state.writer import apply_version

FIRST_RUN = Base(version=None, serial=0, lineage=None)
DIMENSIONS = ("env", "team")
COSTS = ("BilledCost", "EffectiveCost")
Row = tuple[str, str, str, tuple[str | None, ...], str, tuple[int, ...]]

SUPPORT = RuleRevision(
    kind="allocation",
    id="support-by-env",
    canonical='{"method":"even"}',
    text="- id: support-by-env\n  method: even\n",
    file="rules/30-shared.yaml",
    line=14,
)
ENV = RuleRevision(
    kind="label", id="env", canonical='{"from":["Tags.env"]}', text="- id: env", file="rules/10.yaml", line=2
)


def ledger_of(
    rows: Iterable[Row], dimensions: tuple[str, ...] = DIMENSIONS, cost_columns: tuple[str, ...] = COSTS
) -> Ledger:
    """A ledger of rows (month, day, currency, values, path, picos), sorted as a ledger is."""
    ordered = sorted(rows, key=lambda row: (*row[:3], [(value is not None, value or "") for value in row[3]], row[4]))
    if not ordered:
        return empty_ledger(dimensions, cost_columns)
    months, days, currencies, values, paths, amounts = zip(*ordered, strict=True)
    columns = tuple(zip(*values, strict=True)) if dimensions else ()
    return Ledger(dimensions, cost_columns, months, days, currencies, columns, paths, tuple(zip(*amounts, strict=True)))


def three_days(last_day_picos: int = 7) -> Ledger:
    """Two days of September whose content is the same, and one of October."""
    same = [("USD", ("production", "search"), "", (1_500_000_000_000, -1)), ("USD", (None, "ünï"), "a > b", (3, 4))]
    rows = [("2025-09", day, *rest) for day in ("2025-09-29", "2025-09-30") for rest in same]
    return ledger_of([*rows, ("2025-10", "2025-10-01", "EUR", ("staging", None), "a", (last_day_picos, 0))])


def draft_of(
    ledger: Ledger,
    applied_at: str = "2026-11-18T09:14:07Z",
    rules: tuple[RuleRevision, ...] = (ENV, SUPPORT),
    **other: object,
) -> VersionDraft:
    """A draft that belongs to the ledger."""
    fields: dict[str, object] = {
        "applied_at": applied_at,
        "actor": "mara@example.com",
        "commit": "7be01d4a41c9e27be01d4a41c9e27be01d4a41c9",
        "dirty": False,
        "cause": "apply",
        "rules": rules,
        "rules_digest": hashlib.sha256(repr(rules).encode()).hexdigest(),
        "settings": '{"cost": "EffectiveCost"}',
        "metrics_digest": "",
        "bill": BillSummary(digest="b" * 64, rows=10, first_month="2025-09", last_month="2025-10"),
        "engine": "costops 0.1.0, duckdb 2.0.0",
        "cost": "EffectiveCost",
        "dimensions": ledger.dimensions,
        "cost_columns": ledger.cost_columns,
        "plan_digest": "c" * 64,
        "result_digest": ledger.digest,
        "moved": (("EUR", 1), ("USD", 22_410_700_000_000_000)),
        "summary": "1 to add, 1 to change",
    }
    return VersionDraft(**{**fields, **other})  # type: ignore[arg-type]


def base_of(path: Path) -> Base:
    """What a plan made now would start from."""
    reader = open_reader(path)
    if reader is None:
        return FIRST_RUN
    with reader:
        return reader.base()


def apply(path: Path, ledger: Ledger, **other: object) -> Version:
    """Apply the ledger onto whatever the state holds."""
    return apply_version(path, base=base_of(path), draft=draft_of(ledger, **other), ledger=ledger)


def read_ledger(path: Path, number: int | None = None) -> Ledger:
    """The stored ledger of a version."""
    reader = open_reader(path)
    assert reader is not None
    with reader:
        return reader.ledger(number)


def query(path: Path, text: str) -> list[tuple[object, ...]]:
    """The rows that anybody gets who opens the file with SQLite; what is changed, is changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(text).fetchall()


def content(path: Path) -> list[object]:
    """Everything that the file says, whichever byte it is kept in."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        marks = [connection.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")]
        return [*connection.iterdump(), *marks]
