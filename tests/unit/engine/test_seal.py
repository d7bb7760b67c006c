"""Behind the seal the engine opens no file, no connection and no extension, and nobody breaks the seal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from costops.engine.embedded import _connection, _seal
from costops.engine.probe import as_pattern


@pytest.fixture
def sealed(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    (tmp_path / "in.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with duckdb.connect() as writer:
        writer.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path / 'in.parquet'}' (FORMAT parquet)")
        writer.execute(f"ATTACH '{tmp_path / 'other.db'}' AS other")
    with _connection(1) as connection:
        connection.execute(f"CREATE TABLE loaded AS SELECT * FROM read_csv('{tmp_path / 'in.csv'}')")
        _seal(connection)
        yield connection


def refused(connection: duckdb.DuckDBPyConnection, statement: str) -> str:
    with pytest.raises(duckdb.Error) as caught:
        connection.execute(statement).fetchall()
    return str(caught.value)


def test_what_was_loaded_is_still_there(sealed: duckdb.DuckDBPyConnection) -> None:
    assert sealed.execute("SELECT * FROM loaded").fetchall() == [(1, 2)]
    sealed.execute("CREATE TEMP TABLE made AS SELECT a + 1 AS a FROM loaded")
    assert sealed.execute("SELECT a FROM made").fetchall() == [(2,)]


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{folder}/in.csv')",
        "SELECT * FROM '{folder}/in.csv'",
        "SELECT * FROM read_parquet('{folder}/in.parquet')",
        "SELECT * FROM parquet_schema('{folder}/in.parquet')",
        "SELECT * FROM read_text('{folder}/in.csv')",
        "SELECT * FROM read_blob('/etc/hostname')",
        "SELECT * FROM read_json('{folder}/in.csv')",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{folder}/in.csv')",
        "ATTACH '{folder}/other.db' AS other",
        "ATTACH '{folder}/new.db' AS new",
        "IMPORT DATABASE '{folder}'",
    ],
)
def test_no_file_can_be_read(sealed: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str) -> None:
    message = refused(sealed, statement.format(folder=tmp_path))
    assert "Permission Error" in message or "disabled" in message


@pytest.mark.parametrize(
    "statement",
    [
        "COPY loaded TO '{folder}/out.csv'",
        "COPY loaded TO '{folder}/out.parquet' (FORMAT parquet)",
        "COPY loaded FROM '{folder}/in.csv'",
        "EXPORT DATABASE '{folder}/out'",
    ],
)
def test_no_file_can_be_written(sealed: duckdb.DuckDBPyConnection, tmp_path: Path, statement: str) -> None:
    before = sorted(tmp_path.iterdir())
    assert "Permission Error" in refused(sealed, statement.format(folder=tmp_path))
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("statement", ["INSTALL httpfs", "LOAD httpfs", "SELECT * FROM 'https://localhost/x.csv'"])
def test_no_extension_and_no_address_is_opened(sealed: duckdb.DuckDBPyConnection, statement: str) -> None:
    assert refused(sealed, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET lock_configuration",
        "PRAGMA enable_external_access = true",
        "SET threads = 7",
        "SET TimeZone = 'Asia/Tokyo'",
        "SET allowed_paths = ['/etc/hostname']",
        "SET autoinstall_known_extensions = true",
        "SET temp_directory = '/tmp'",
    ],
)
def test_settings_are_locked(sealed: duckdb.DuckDBPyConnection, statement: str) -> None:
    assert refused(sealed, statement)
    names = ("enable_external_access", "lock_configuration", "TimeZone")
    found = sealed.execute("SELECT name, value FROM duckdb_settings() WHERE name IN $names", {"names": names})
    assert dict(found.fetchall()) == {
        "TimeZone": "UTC",
        "enable_external_access": "false",
        "lock_configuration": "true",
    }


def test_a_second_cursor_is_sealed_too(sealed: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    assert refused(sealed.cursor(), f"SELECT * FROM read_csv('{tmp_path / 'in.csv'}')")


def test_variables_of_the_program_are_no_tables(sealed: duckdb.DuckDBPyConnection) -> None:
    secret = duckdb.connect().sql("SELECT 42 AS a")
    assert refused(sealed, "SELECT * FROM secret")
    assert secret.fetchall() == [(42,)]


def test_the_bills_own_files_and_the_cells_stay_open_and_nothing_beside_them(tmp_path: Path) -> None:
    names = ["bill[1].csv", "bill*.csv", "bill1.csv", "other.csv"]
    for name in names:
        (tmp_path / name).write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "cells").mkdir()
    with _connection(1) as connection:
        _seal(connection, [str(tmp_path / "bill[1].csv"), str(tmp_path / "bill*.csv")], [tmp_path / "cells"])
        for name in names[:2]:
            pattern = as_pattern(tmp_path / name)
            assert connection.execute("SELECT a FROM read_csv($1)", [pattern]).fetchall() == [(1,)]
        connection.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path / 'cells' / 'kept.parquet'}' (FORMAT parquet)")
        for name in names[2:]:
            assert "Permission Error" in refused(connection, f"SELECT * FROM read_csv('{tmp_path / name}')")
        assert "Permission Error" in refused(connection, f"COPY (SELECT 1) TO '{tmp_path / 'cells.csv'}'")
        assert refused(connection, "SET allowed_paths = ['/']")
        assert refused(connection, "RESET allowed_directories")
