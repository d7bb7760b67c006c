from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from costops.demo.generate import generate


@pytest.fixture(scope="module")
def demo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bill of 12,000 rows and its usage."""
    folder = tmp_path_factory.mktemp("demo")
    generate(folder, rows=12_000)
    return folder


@pytest.fixture
def bill(demo_folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with the views `bill` and `usage`."""
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE VIEW bill AS SELECT * FROM read_parquet('{demo_folder}/bill/*/*.parquet', hive_partitioning=false)"
        )
        connection.execute(
            f"CREATE VIEW usage AS SELECT * FROM read_csv('{demo_folder}/usage/*.csv', all_varchar=true)"
        )
        yield connection
