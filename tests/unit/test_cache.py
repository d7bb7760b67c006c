"""The cache folder: what is counted, and that nothing else is ever removed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from costops.cache import clear, look
from costops.errors import CostopsError, ExitCode, UsageError
from costops.model.cache import CacheContents, CacheKind

DIGEST = "0123456789abcdef" * 4
NO_PROCESS = 2**22 + 1
"""More than Linux gives to a process."""


def put(path: Path, size: int = 1) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * size)
    return path


def filled(root: Path) -> Path:
    """A cache with one or two entries of every kind."""
    cache = root / ".costops" / "cache"
    put(cache / "rules" / f"{DIGEST}.json", 100)
    put(cache / "rules" / f"{DIGEST[::-1]}.json", 50)
    put(cache / "rules" / f".{DIGEST}.4711", 5)
    for name, size in (("note.json", 10), ("tuples.parquet", 1000), ("raw.parquet", 2000)):
        put(cache / "cells" / f"{DIGEST[:16]}-{DIGEST[16:32]}" / name, size)
    put(cache / "cells" / ".cells-a_b1c2d3" / "raw.parquet", 7)
    put(cache / "evaluations" / f"{DIGEST[:32]}-{DIGEST}.duckdb", 300)
    put(cache / "evaluations" / ".evaluation-a_b1c2d3" / "evaluation.duckdb", 9)
    put(cache / "evaluations" / ".evaluation-a_b1c2d3" / "evaluation.duckdb.wal", 3)
    put(cache / "hashes.json", 20)
    put(cache / ".hashes-ab12cd_3", 1)
    put(cache / f".spill-{NO_PROCESS}-0a1b2c3d" / "duckdb_temp_storage_DEFAULT-0.tmp", 40)
    return cache


def sizes(contents: CacheContents) -> dict[str, tuple[int, int]]:
    return {each.kind.value: (each.entries, each.bytes) for each in contents.sizes}


FILLED = {"rules": (2, 150), "cells": (1, 3010), "evaluations": (1, 300), "hashes": (1, 20), "unfinished": (5, 65)}


def test_every_kind_is_counted_with_its_bytes(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    contents = look(tmp_path)
    assert contents.folder == cache
    assert sizes(contents) == FILLED
    assert list(sizes(contents)) == [each.value for each in CacheKind]
    assert (contents.entries, contents.bytes, contents.left_alone) == (10, 3545, ())


def test_a_workspace_without_a_cache_keeps_nothing(tmp_path: Path) -> None:
    assert (look(tmp_path).entries, look(tmp_path).bytes) == (0, 0)
    assert clear(tmp_path).entries == 0
    assert list(tmp_path.iterdir()) == []


def test_clearing_removes_all_of_it_and_says_what(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    assert sizes(clear(tmp_path)) == FILLED
    assert list(cache.iterdir()) == []


def test_what_costops_did_not_make_is_named_and_left_alone(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    entry = f"cells/{DIGEST[:16]}-{DIGEST[16:32]}"
    foreign = (
        "README", f"{entry}/.DS_Store", f"{entry}/inner/mine.txt", "cells/notes.txt", "hashes.json.old", "mine/x.json",
        "rules/x.json",
    )  # fmt: skip
    for name in foreign:
        put(cache / name)
    named = tuple("mine" if name.startswith("mine") else name for name in foreign)
    assert look(tmp_path).left_alone == named
    cleared = clear(tmp_path)
    assert sizes(cleared) == FILLED
    assert cleared.left_alone == named
    left = sorted(path.relative_to(cache).as_posix() for path in cache.rglob("*") if path.is_file())
    assert left == sorted(foreign)


def test_no_link_is_followed_and_none_is_removed(tmp_path: Path) -> None:
    cache, outside = tmp_path / "w" / ".costops" / "cache", tmp_path / "outside"
    put(outside / f"{DIGEST}.json")
    put(outside / "raw.parquet")
    put(cache / "cells" / f"{DIGEST[:16]}" / "raw.parquet")
    links = {
        cache / "rules": outside,
        cache / "hashes.json": outside / "raw.parquet",
        cache / "cells" / DIGEST: outside,
        cache / "cells" / DIGEST[:16] / "tuples.parquet": outside / "raw.parquet",
        cache / "cells" / DIGEST[:16] / "inner": outside,
        cache / f".spill-{NO_PROCESS}-0a1b2c3d": outside,
    }
    for link, target in links.items():
        link.symlink_to(target)
    cleared = clear(tmp_path / "w")
    assert sizes(cleared) == {**dict.fromkeys(FILLED, (0, 0)), "cells": (1, 1)}
    assert cleared.left_alone == tuple(sorted(link.relative_to(cache).as_posix() for link in links))
    assert all(link.is_symlink() for link in links)
    assert sorted(path.name for path in outside.iterdir()) == [f"{DIGEST}.json", "raw.parquet"]


def test_a_cache_that_is_a_link_out_of_the_workspace_is_not_emptied(tmp_path: Path) -> None:
    cache = filled(tmp_path / "elsewhere")
    (tmp_path / "w" / ".costops").mkdir(parents=True)
    (tmp_path / "w" / ".costops" / "cache").symlink_to(cache)
    with pytest.raises(UsageError, match="is a link that leaves the workspace; nothing was removed"):
        clear(tmp_path / "w")
    assert sizes(look(tmp_path / "elsewhere")) == FILLED


def test_what_a_running_process_spilled_is_left_alone(tmp_path: Path) -> None:
    name = f".spill-{os.getpid()}-0a1b2c3d"
    spilled = put(tmp_path / ".costops" / "cache" / name / "duckdb_temp_storage_DEFAULT-0.tmp")
    assert clear(tmp_path).left_alone == (name,)
    assert spilled.exists()


def test_what_cannot_be_removed_is_told_after_the_rest_was_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = filled(tmp_path)
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path.parent.name == "rules":
            raise PermissionError(13, "Permission denied")
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(CostopsError, match=r"^rules/.* cannot be removed: Permission denied, nor 2 more$") as caught:
        clear(tmp_path)
    assert caught.value.exit_code is ExitCode.FAILED
    assert [path.name for path in cache.iterdir()] == ["rules"]


def test_a_cache_that_is_a_file_is_told(tmp_path: Path) -> None:
    put(tmp_path / ".costops" / "cache")
    with pytest.raises(CostopsError, match="cannot be read: Not a directory"):
        look(tmp_path)
