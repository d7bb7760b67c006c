"""The ledger of the running items: its digest and totals in the engine, and its rows for those who need them.

Invariant: `LedgerFacts.digest` is `Ledger.digest` of the rows that `read_ledger` gives, so that a plan knows its result
without its rows leaving the engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from costops.engine.ir import PATH_MARK, Program
from costops.model.ledger import Ledger, digest_of_months

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LedgerFacts:
    """What a plan says of the ledger it would write."""

    month_digests: Mapping[str, str]
    """As Ledger.month_digests has them."""
    digest: str
    """As Ledger.digest has it."""
    totals: Mapping[tuple[str, str, str], int]
    """(billing month, currency, cost column) to picos."""


def make_place_digests(
    connection: duckdb.DuckDBPyConnection, program: Program, costs: Sequence[str], only: str | None = None
) -> None:
    """Make the table `place_digests` (d0, d1, ..., path, month, digest) of the items that are alive.

    With `only`, the name of a table with columns d0, d1, ... and path as profiles have them, the digests of those
    places alone are made anew, or dropped where nothing is left there; every other place keeps the one it has. The
    tables `places`, `dates` and `ledger` are left behind with the places that were looked at.
    """
    from costops.engine.sql import ledger as queries  # sqlglot costs 110 ms to import

    _make_ledger(connection, program, costs, only)
    connection.execute(queries.place_digests(len(program.report), len(costs), only))


def ledger_facts(connection: duckdb.DuckDBPyConnection, program: Program, costs: Sequence[str]) -> LedgerFacts:
    """Digest and totals of the living items, whose `place_digests` are made."""
    from costops.engine.sql import ledger as queries  # sqlglot costs 110 ms to import

    months = dict(connection.execute(queries.month_digests(len(program.report))).fetchall())
    totals = {
        (month, currency, cost): int(amount)
        for month, currency, *amounts in connection.execute(queries.totals(len(costs))).fetchall()
        for cost, amount in zip(costs, amounts, strict=True)
    }
    return LedgerFacts(months, digest_of_months(_dimensions(program), costs, months), totals)


def read_ledger(
    connection: duckdb.DuckDBPyConnection, program: Program, costs: Sequence[str], *, is_made: bool = False
) -> Ledger:
    """The ledger of the living items; `is_made` says that `make_place_digests` has just made all its places."""
    from costops.engine.sql import ledger as queries  # sqlglot costs 110 ms to import

    if not is_made:
        _make_ledger(connection, program, costs, None)
    width = len(program.report)
    months, days, currencies = _columns(connection, queries.date_rows(), 3)
    *values, paths = _columns(connection, queries.place_rows(width), width + 1)
    paths = tuple(path.removeprefix(PATH_MARK).removesuffix(PATH_MARK) for path in paths)
    (narrow,) = connection.execute(queries.fits_64_bits(len(costs))).fetchall()
    dates, places, *amounts = _columns(connection, queries.ledger_rows(narrow), 2 + len(costs))
    return Ledger(
        dimensions=_dimensions(program),
        cost_columns=tuple(costs),
        months=_spread(months, dates),
        days=_spread(days, dates),
        currencies=_spread(currencies, dates),
        values=tuple(_spread(column, places) for column in values),
        paths=_spread(paths, places),
        amounts=tuple(amounts),
    )


def _make_ledger(
    connection: duckdb.DuckDBPyConnection, program: Program, costs: Sequence[str], only: str | None
) -> None:
    from costops.engine.sql import ledger as queries  # sqlglot costs 110 ms to import

    connection.execute(queries.places(program, only))
    connection.execute(queries.dates())
    connection.execute(queries.ledger(len(costs)))


def _dimensions(program: Program) -> tuple[str, ...]:
    return tuple(name for name, _ in program.report)


def _columns(connection: duckdb.DuckDBPyConnection, statement: str, width: int) -> list[tuple[Any, ...]]:
    """The rows of a query as columns; so many empty ones where there is no row."""
    rows = connection.execute(statement).fetchall()
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _spread(column: Sequence[T], numbers: Sequence[int]) -> tuple[T, ...]:
    """The value of each number in a column; equal values are one object."""
    return tuple(map(column.__getitem__, numbers))
