"""Shapes of Parquet files are remembered, and never believed where the file or the engine is another one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from costops.errors import BillError
from costops.model.bill import FileShape
from costops.sources.shapes import remembered

SHAPE = FileShape((("Tags", "VARCHAR"), ("BilledCost", "DOUBLE")))


class Asked:
    """A probe that keeps what it was asked."""

    def __init__(self, shape: FileShape = SHAPE) -> None:
        self.names: list[str] = []
        self.shape = shape

    def __call__(self, paths: Sequence[Path], names: Sequence[str]) -> Sequence[FileShape]:
        for path in paths:
            if not path.exists():
                raise BillError(f"{path} is no such file")
        self.names += names
        return [self.shape for _ in paths]


def put(folder: Path, *names: str) -> list[Path]:
    for name in names:
        (folder / name).write_text(name)
    return [folder / name for name in names]


def look(folder: Path, paths: Sequence[Path], probe: Asked | None = None, engine: str = "duckdb 2.0.0") -> list[str]:
    """The names that had to be asked about."""
    asked = probe or Asked()
    names = [path.name for path in paths]
    assert remembered(asked, folder / "cache", engine)(paths, names) == tuple(asked.shape for _ in paths)
    return asked.names


def test_a_parquet_file_is_looked_at_once_and_a_csv_file_each_time(tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet", "b.csv", "c.PARQUET")
    assert look(tmp_path, paths) == ["a.parquet", "b.csv", "c.PARQUET"]
    assert look(tmp_path, paths) == ["b.csv"]


@pytest.mark.parametrize("change", ["size", "time"])
def test_a_changed_file_is_looked_at_again(change: str, tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet", "b.parquet")
    look(tmp_path, paths)
    if change == "size":
        stamp = paths[0].stat()
        paths[0].write_text("longer than it was")
        os.utime(paths[0], ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    else:
        os.utime(paths[0], ns=(1, 1))
    other = Asked(FileShape((("Tags", "VARCHAR"),)))
    assert remembered(other, tmp_path / "cache", "duckdb 2.0.0")(paths, ["a", "b"]) == (other.shape, SHAPE)
    assert other.names == ["a"]


def test_another_engine_looks_again(tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet")
    look(tmp_path, paths)
    assert look(tmp_path, paths, engine="duckdb 2.1.0") == ["a.parquet"]


BROKEN = [
    "",
    "{",
    "[]",
    "null",
    '{"engine": "duckdb 2.0.0"}',
    '{"engine": "duckdb 2.0.0", "files": []}',
    '{"engine": "duckdb 2.0.0", "files": {"PATH": [1, 2, []]}}',
    '{"engine": "duckdb 2.0.0", "files": {"PATH": [1, 2, [["a", 1]]]}}',
    '{"engine": "duckdb 2.0.0", "files": {"PATH": [1, 2, [["a"]]]}}',
    '{"engine": "duckdb 2.0.0", "files": {"PATH": 7}}',
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_memory_is_made_again(text: str, tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet")
    look(tmp_path, paths)
    memory = tmp_path / "cache" / "shapes.json"
    memory.write_text(text.replace("PATH", str(paths[0])))
    assert look(tmp_path, paths) == ["a.parquet"]
    assert json.loads(memory.read_bytes())["files"].keys() == {str(paths[0])}


def test_files_that_are_gone_are_forgotten_and_refused(tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet", "b.parquet")
    look(tmp_path, paths[:1])
    paths[0].unlink()
    with pytest.raises(BillError, match="no such file"):
        look(tmp_path, paths[:1])
    look(tmp_path, paths[1:])
    assert json.loads((tmp_path / "cache" / "shapes.json").read_bytes())["files"].keys() == {str(paths[1])}


def test_a_folder_that_cannot_be_made_is_no_reason_to_fail(tmp_path: Path) -> None:
    paths = put(tmp_path, "a.parquet", "cache")
    assert look(tmp_path, paths[:1]) == ["a.parquet"]
    assert look(tmp_path, paths[:1]) == ["a.parquet"]
