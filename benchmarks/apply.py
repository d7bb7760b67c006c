"""How long an apply holds the write lock, seen from outside: another process asks for the lock all the time.

Usage: python benchmarks/apply.py [--rows N] [--state FILE]

The ledger has N rows (1,000,000) of 92 days, 4 cost columns and 3 report dimensions. The first apply makes the state,
where no other process can wait for it; of the second one every day is new, and of the third one none.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sqlite3
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from costops.model.ledger import Ledger
from costops.model.version import Base, BillSummary, VersionDraft
from costops.state.reader import open_reader
from costops.state.writer import apply_version

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
DAYS = 92
BAR_SECONDS = 0.5
"""Per 100,000 ledger rows."""
PAUSE_SECONDS = 0.005


def ledger_of(rows: int) -> Ledger:
    """Rows of 92 days, the same places on each, with amounts of which no two are alike."""
    places = [
        (f"env-{number % 7}", f"team-{number % 61}" if number % 5 else None, f"Service {number:05}")
        for number in range(-(-rows // DAYS))
    ]
    places.sort(key=lambda place: [(value is not None, value or "") for value in place])
    first = date(2025, 7, 1)
    days = [(first + timedelta(number)).isoformat() for number in range(DAYS) for _ in places][:rows]
    spread = (places * DAYS)[:rows]
    amounts = tuple(tuple((row * 1_000_003 + cost) * 7_919 - 10**12 for row in range(rows)) for cost in range(4))
    return Ledger(
        dimensions=("env", "team", "ServiceName"),
        cost_columns=COSTS,
        months=tuple(day[:7] for day in days),
        days=tuple(days),
        currencies=("USD",) * rows,
        values=tuple(zip(*spread, strict=True)),
        paths=tuple("" if row % 3 else "support-by-team > platform" for row in range(rows)),
        amounts=amounts,
    )


def draft_of(ledger: Ledger) -> VersionDraft:
    """A version that belongs to the ledger."""
    return VersionDraft(
        applied_at="2026-11-18T09:14:07Z",
        actor="benchmark",
        commit=None,
        dirty=None,
        cause="apply",
        rules=(),
        rules_digest="",
        settings="{}",
        metrics_digest="",
        bill=BillSummary(digest="", rows=0, first_month="2025-07", last_month="2025-09"),
        engine="",
        cost="EffectiveCost",
        dimensions=ledger.dimensions,
        cost_columns=ledger.cost_columns,
        plan_digest="",
        result_digest=ledger.digest,
        moved=(),
        summary="",
    )


def watch(state: str, told: Connection) -> None:
    """Ask for the write lock every few milliseconds until told to stop; tell the longest time without it."""
    longest, refused_since = 0.0, None
    with closing(sqlite3.connect(state, isolation_level=None, timeout=0)) as connection:
        told.send("ready")
        while not told.poll():
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError:
                refused_since = refused_since or time.monotonic()
            else:
                if refused_since is not None:
                    longest = max(longest, time.monotonic() - refused_since)
                refused_since = None
            time.sleep(PAUSE_SECONDS)
    told.send(longest)


def apply(state: Path, ledger: Ledger) -> tuple[float, float]:
    """Seconds in all, and seconds for which another writer was refused."""
    here, there = multiprocessing.Pipe()
    watcher = multiprocessing.Process(target=watch, args=(str(state), there))
    reader = open_reader(state)
    if reader is None:
        base = Base(version=None, serial=0, lineage=None)
    else:
        with reader:
            base = reader.base()
        watcher.start()
        here.recv()
    draft = draft_of(ledger)
    start = time.monotonic()
    apply_version(state, base=base, draft=draft, ledger=ledger)
    seconds = time.monotonic() - start
    if reader is None:
        return seconds, 0.0
    here.send("stop")
    locked: float = here.recv()
    watcher.join()
    return seconds, locked


def main() -> int:
    """Prints a line for each apply; 1 where one held the lock for longer than the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--state", type=Path, help="a file that is not there yet; by default in a temporary folder")
    given = parser.parse_args()
    ledger = ledger_of(given.rows)
    changed = replace(ledger, amounts=(tuple(each + 1 for each in ledger.amounts[0]), *ledger.amounts[1:]))
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        state = given.state or Path(folder) / "costops.db"
        for what, each in (("first version", ledger), ("every day new", changed), ("no day new", ledger)):
            seconds, locked = apply(state, each)
            per_100_000 = locked / given.rows * 100_000
            worst = max(worst, per_100_000)
            print(
                f"{what:<16}{given.rows:>12,} rows   apply {seconds:6.2f} s   write lock {locked:6.2f} s   "
                f"{per_100_000:.3f} s per 100,000 rows (bar {BAR_SECONDS})",
                flush=True,
            )
    return int(worst > BAR_SECONDS)


if __name__ == "__main__":
    raise SystemExit(main())
