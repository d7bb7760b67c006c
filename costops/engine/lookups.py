"""Puts lookup tables into the engine.

Invariant: keys and values reach the engine as parameters, never as the text of a statement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from costops.engine.ir import Fields

if TYPE_CHECKING:
    import duckdb


def load_lookups(connection: duckdb.DuckDBPyConnection, fields: Fields) -> None:
    """Make the tables that programs look texts up in."""
    # sqlglot costs 110 ms to import.
    from costops.engine.sql import lookups
    from costops.engine.sql.syntax import text_of

    for rows, name in fields.lookups():
        keys, values = [key for key, _ in rows], [value for _, value in rows]
        connection.execute(text_of(lookups.lookup_table(name)), [keys, values])
