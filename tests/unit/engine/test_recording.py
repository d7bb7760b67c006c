"""A recorded connection does what the connection does, and tells every statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pytest

from costops.engine.embedded import _connection
from costops.engine.recording import recorded, tell_last
from costops.engine.stages import Stages
from costops.model.progress import Share


class Told:
    """Notes stages and statements in the order in which they are told."""

    def __init__(self) -> None:
        self.lines: list[tuple[object, ...]] = []
        self.seconds: list[float] = []

    def stage(self, words: str, share: Share | None = None) -> None:
        self.lines.append((words,))

    def statement(self, text: str, parameters: Sequence[object], seconds: float, rows: int | None) -> None:
        self.lines.append((text, list(parameters), rows))
        self.seconds.append(seconds)

    def kept(self, what: str, used: int, wanted: int) -> None:
        self.lines.append((what, used, wanted))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def connection(told: Told) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = recorded(duckdb.connect(), told)
    yield connection
    connection.close()


def test_a_statement_is_told_when_its_rows_are_fetched(connection: duckdb.DuckDBPyConnection, told: Told) -> None:
    running = connection.execute("SELECT unnest($1)", [[3, 4]])
    assert told.lines == []
    assert running.fetchall() == [(3,), (4,)]
    assert told.lines == [("SELECT unnest($1)", [[3, 4]], 2)]
    assert told.seconds[0] > 0


def test_a_statement_whose_rows_nobody_fetches_is_told_before_the_next(
    connection: duckdb.DuckDBPyConnection, told: Told
) -> None:
    connection.execute("CREATE TABLE a AS SELECT 1 AS x")
    assert connection.execute("SELECT x FROM a").fetchall() == [(1,)]
    connection.execute("DROP TABLE a")
    connection.close()
    assert told.lines == [
        ("CREATE TABLE a AS SELECT 1 AS x", [], None),
        ("SELECT x FROM a", [], 1),
        ("DROP TABLE a", [], None),
    ]


def test_a_statement_that_fails_is_told_too_and_fails(connection: duckdb.DuckDBPyConnection, told: Told) -> None:
    with pytest.raises(duckdb.CatalogException):
        connection.execute("SELECT x FROM nowhere")
    assert told.lines == [("SELECT x FROM nowhere", [], None)]


def test_the_time_in_which_rows_are_fetched_counts(connection: duckdb.DuckDBPyConnection, told: Told) -> None:
    # The engine begins to work when rows are asked for.
    connection.execute("SELECT hash(range) AS x FROM range(300000)").fetchall()
    connection.execute("SELECT hash(range) AS x FROM range(300000)")
    tell_last(connection)
    fetched, begun = told.seconds
    assert fetched > 5 * begun


def test_a_statement_belongs_to_the_stage_in_which_it_was_run(
    connection: duckdb.DuckDBPyConnection, told: Told
) -> None:
    stages = Stages(told, connection, told)
    told.lines.clear()
    stages.statement("reading")
    connection.execute("CREATE TABLE a AS SELECT 1 AS x")
    (tell,) = stages.runs([1])
    tell("evaluating rule 1 of 1 (a)", 0)
    connection.execute("DROP TABLE a")
    stages.kept("cells of files", 1, 3)
    stages.close()
    assert told.lines[1:] == [
        ("reading",),
        ("CREATE TABLE a AS SELECT 1 AS x", [], None),
        ("evaluating rule 1 of 1 (a)",),
        ("cells of files", 1, 3),
        ("DROP TABLE a", [], None),
    ]


def test_without_a_recorder_the_connection_is_the_engines_own() -> None:
    with _connection(1) as connection:
        assert type(connection) is duckdb.DuckDBPyConnection
