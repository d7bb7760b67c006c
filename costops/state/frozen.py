"""The guard of closed billing months.

Invariant: no version changes the cost of a month that is closed where it is written, unless it says that it restates
it. Where ids were renamed or the layout of the ledger is another one, the rows of a month change with them; then its
cost by day, currency and the dimensions and cost columns of both ledgers must be the same, to the last digit.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING

from costops.errors import StateError
from costops.model.ledger import Ledger
from costops.state.contents import stored_months
from costops.state.events import closed_months
from costops.state.reader import read_ledger

if TYPE_CHECKING:
    import sqlite3

    from costops.model.version import VersionDraft

Cost = dict[tuple[str | None, ...], list[int]]


def check_closed(connection: sqlite3.Connection, draft: VersionDraft, ledger: Ledger) -> None:
    """Raise StateError if `ledger` has a closed month otherwise than the newest version, and does not restate it."""
    closed = closed_months(connection) - set(draft.restated)
    newest = connection.execute("SELECT MAX(number) FROM version").fetchone()[0]
    if not closed or newest is None:
        return
    before = {month: digest for month, digest, _ in stored_months(connection, newest)}
    if not before:  # written by a costops that kept no digests of months
        before = read_ledger(connection, newest, closed).month_digests
    after = ledger.month_digests
    other = sorted(month for month in closed if before.get(month) != after.get(month))
    if other and _may_be_rewritten(connection, newest, draft):
        old = read_ledger(connection, newest, other)
        other = [month for month in other if not _same_cost(old, ledger, month)]
    if other:
        raise StateError(
            f"The ledger changes a closed billing month, {other[0]}, that it does not restate; nothing was written.",
            hint="This is a defect of costops: please report it.",
        )


def _may_be_rewritten(connection: sqlite3.Connection, newest: int, draft: VersionDraft) -> bool:
    """Whether rows of the newest version may read otherwise in the new one though they are of the same cost."""
    layout = connection.execute("SELECT dimensions, cost_columns FROM version WHERE number = ?", [newest]).fetchone()
    if [list(draft.dimensions), list(draft.cost_columns)] != [json.loads(each) for each in layout]:
        return True
    rows = connection.execute("SELECT kind, id FROM version_rule WHERE version = ?", [newest])
    known = {(kind, identity) for kind, identity in rows}
    return any(
        (each.kind, former) in known and (each.kind, each.id) not in known
        for each in draft.rules
        for former in _former_ids(each.canonical)
    )


def _former_ids(canonical: str) -> Collection[str]:
    written = json.loads(canonical)
    former = written.get("renamed_from") if isinstance(written, dict) else None
    return former if isinstance(former, list) else ()


def _same_cost(old: Ledger, new: Ledger, month: str) -> bool:
    dimensions = [each for each in old.dimensions if each in new.dimensions]
    costs = [each for each in old.cost_columns if each in new.cost_columns]
    return _cost(old, month, dimensions, costs) == _cost(new, month, dimensions, costs)


def _cost(ledger: Ledger, month: str, dimensions: Collection[str], costs: Collection[str]) -> Cost:
    """(day, currency, values) of a month to the picos of each cost column; none of 0."""
    values = [ledger.values[ledger.dimensions.index(each)] for each in dimensions]
    amounts = [ledger.amounts[ledger.cost_columns.index(each)] for each in costs]
    sums: Cost = {}
    for row in (place for place, each in enumerate(ledger.months) if each == month):
        key = (ledger.days[row], ledger.currencies[row], *(column[row] for column in values))
        total = sums.setdefault(key, [0] * len(amounts))
        for place, column in enumerate(amounts):
            total[place] += column[row]
    return {key: total for key, total in sums.items() if any(total)}
