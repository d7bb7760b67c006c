"""How much memory the engine may use, and what a person hears when that is too little."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from workbench import Case, charge, write

from costops.engine.embedded import _connection
from costops.engine.faults import unreadable_part
from costops.errors import EngineError
from costops.workspace import open_workspace


def test_the_memory_limit_reaches_the_engine_to_the_byte() -> None:
    with _connection(1, None, 123 << 20) as connection:
        assert connection.execute("SELECT current_setting('memory_limit')").fetchall() == [("123.0 MiB",)]


def test_too_little_memory_says_what_to_do() -> None:
    with (
        pytest.raises(EngineError, match=r"^the engine ran out of memory: failed .*/64\.0 MiB used") as caught,
        _connection(1, None, 64 << 20) as connection,
    ):
        connection.execute("SELECT list(range::VARCHAR || repeat('x', 100)) FROM range(3000000)").fetchall()
    assert "memory_limit" in (caught.value.hint or "")


def test_no_file_is_to_blame_for_too_little_memory(tmp_path: Path) -> None:
    write(Case("labels: []\n", [charge("EC2", "1")]), tmp_path)
    with open_workspace(tmp_path, environment={}) as workspace:
        (part,) = workspace.bill.parts
    with duckdb.connect() as connection, pytest.raises(duckdb.OutOfMemoryException):
        unreadable_part(connection, part, duckdb.OutOfMemoryException("Out of Memory Error: could not allocate"))
