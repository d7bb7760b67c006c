"""A connection that tells every statement with its time; made only where somebody asked for that.

Invariant: the engine is asked the same, statement by statement, as by the connection itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

from costops.model.progress import Recorder

if TYPE_CHECKING:
    import duckdb


def recorded(connection: duckdb.DuckDBPyConnection, recorder: Recorder) -> duckdb.DuckDBPyConnection:
    """`connection`, of which `recorder` hears every statement when it has ended."""
    return cast("duckdb.DuckDBPyConnection", _Recorded(connection, recorder))


def tell_last(connection: duckdb.DuckDBPyConnection) -> None:
    """Tell the last statement now, if nobody has fetched its rows: what comes next is another stage."""
    if isinstance(connection, _Recorded):
        connection._end(None)


class _Recorded:
    """Stands for a connection. A statement ends when its rows are fetched: the engine may do its work only then."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, recorder: Recorder) -> None:
        self._connection = connection
        self._recorder = recorder
        self._running: tuple[str, Sequence[object]] | None = None
        self._seconds = 0.0

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> _Recorded:
        self._end(None)
        self._running = (statement, parameters)
        with self._timed():
            self._connection.execute(statement, parameters)
        return self

    def fetchall(self) -> list[Any]:
        with self._timed():
            rows = self._connection.fetchall()
        self._end(len(rows))
        return rows

    def close(self) -> None:
        self._end(None)
        self._connection.close()

    def __getattr__(self, name: str) -> Any:
        # What else is asked of a connection, such as its progress, is no statement.
        return getattr(self._connection, name)

    @contextmanager
    def _timed(self) -> Iterator[None]:
        began = perf_counter()
        try:
            yield
        except BaseException:
            self._seconds += perf_counter() - began
            self._end(None)
            raise
        self._seconds += perf_counter() - began

    def _end(self, rows: int | None) -> None:
        if self._running is not None:
            (text, parameters), seconds = self._running, self._seconds
            self._running, self._seconds = None, 0.0
            self._recorder.statement(text, parameters, seconds, rows)
