"""Runs statements that are syntax trees.

Invariant: what runs was printed from a tree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

    from costops.engine.sql.syntax import Node


class Statements:
    """A connection that is given trees."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def do(self, statement: Node) -> None:
        """Run a statement."""
        from costops.engine.sql.syntax import text_of

        self.connection.execute(text_of(statement))

    def rows(self, statement: Node) -> list[tuple[Any, ...]]:
        """Run a query and give its rows."""
        from costops.engine.sql.syntax import text_of

        return self.connection.execute(text_of(statement)).fetchall()

    def drop(self, *tables: str) -> None:
        """Forget tables; those that are not there are no fault."""
        for table in tables:
            self.connection.execute(f'DROP TABLE IF EXISTS "{table}"')
