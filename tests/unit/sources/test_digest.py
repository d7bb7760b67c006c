"""Hashes of files, what is remembered of them, and the digest of a bill."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from costops.errors import BillError
from costops.model.settings import cache_folder
from costops.sources.digest import digest_of, hash_files, refuse_equal_files
from costops.sources.found import FoundFile, Owner

HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

PACKED = gzip.compress(b"a,b\n" + b"1,2\n" * 500, mtime=0)


def found(root: Path, name: str, content: str, source: str = "cloud") -> FoundFile:
    path = root / name
    path.write_text(content, encoding="utf-8")
    return FoundFile(Owner("billing", source), path, name, "csv")


def cache_of(root: Path) -> Path:
    return root / ".costops" / "cache" / "hashes.json"


def test_a_hash_is_the_sha256_of_the_content(tmp_path: Path) -> None:
    assert hash_files(cache_folder(tmp_path), [found(tmp_path, "a.csv", "hello")]) == (HELLO,)


def test_the_digest_is_over_sorted_lines_of_name_and_hash() -> None:
    expected = hashlib.sha256(b"a.csv 11\nb.csv 22\n").hexdigest()
    assert digest_of([("b.csv", "22"), ("a.csv", "11")]) == expected
    assert digest_of([("a.csv", "11"), ("b.csv", "22")]) == expected
    assert digest_of([("a.csv", "22"), ("b.csv", "11")]) != expected


def test_a_hash_is_remembered_by_path_size_and_time(tmp_path: Path) -> None:
    file = found(tmp_path, "a.csv", "hello")
    hash_files(cache_folder(tmp_path), [file])
    before = file.path.stat()
    file.path.write_text("HELLO", encoding="utf-8")
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hash_files(cache_folder(tmp_path), [file]) == (HELLO,)
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert hash_files(cache_folder(tmp_path), [file]) == (hashlib.sha256(b"HELLO").hexdigest(),)


def test_a_file_of_another_size_is_hashed_again(tmp_path: Path) -> None:
    file = found(tmp_path, "a.csv", "hello")
    hash_files(cache_folder(tmp_path), [file])
    before = file.path.stat()
    file.path.write_text("hello!", encoding="utf-8")
    os.utime(file.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert hash_files(cache_folder(tmp_path), [file]) == (hashlib.sha256(b"hello!").hexdigest(),)


@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "[]",
        "null",
        '{"version": 2}',
        '{"version": 3, "files": {}}',
        '{"version": 2, "files": {"x": [1]}}',
        '{"version": 2, "files": {"x": 3}}',
        '{"version": 2, "files": []}',
        "\x00\x01",
    ],
)
def test_a_broken_cache_is_ignored_and_written_anew(tmp_path: Path, broken: str) -> None:
    file = found(tmp_path, "a.csv", "hello")
    cache_of(tmp_path).parent.mkdir(parents=True)
    cache_of(tmp_path).write_text(broken, encoding="utf-8")
    assert hash_files(cache_folder(tmp_path), [file]) == (HELLO,)
    assert json.loads(cache_of(tmp_path).read_text())["files"][str(file.path)][2] == HELLO


def test_an_entry_that_is_no_hash_is_ignored(tmp_path: Path) -> None:
    file = found(tmp_path, "a.csv", "hello")
    status = file.path.stat()
    cache_of(tmp_path).parent.mkdir(parents=True)
    entry = [status.st_size, status.st_mtime_ns, "no hash"]
    cache_of(tmp_path).write_text(json.dumps({"version": 2, "files": {str(file.path): entry}}))
    assert hash_files(cache_folder(tmp_path), [file]) == (HELLO,)


def test_files_that_are_gone_are_forgotten_and_nothing_is_left_beside_the_cache(tmp_path: Path) -> None:
    first, second = found(tmp_path, "a.csv", "hello"), found(tmp_path, "b.csv", "there")
    hash_files(cache_folder(tmp_path), [first, second])
    first.path.unlink()
    second.path.write_text("there again", encoding="utf-8")
    hash_files(cache_folder(tmp_path), [second])
    assert list(json.loads(cache_of(tmp_path).read_text())["files"]) == [str(second.path)]
    assert [path.name for path in cache_of(tmp_path).parent.iterdir()] == ["hashes.json"]


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / ".costops").write_text("a file where the folder should be", encoding="utf-8")
    assert hash_files(cache_folder(tmp_path), [found(tmp_path, "a.csv", "hello")]) == (HELLO,)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    file = found(tmp_path, "a.csv", "hello")
    file.path.unlink()
    with pytest.raises(BillError) as caught:
        hash_files(cache_folder(tmp_path), [file])
    assert caught.value.message == "billing source cloud: a.csv cannot be read: No such file or directory"


def test_two_files_of_one_content_are_both_named(tmp_path: Path) -> None:
    files = [found(tmp_path, "a.csv", "hello"), found(tmp_path, "b.csv", "hello", "azure")]
    with pytest.raises(BillError) as caught:
        refuse_equal_files(files, hash_files(cache_folder(tmp_path), files))
    assert caught.value.message == (
        "billing source cloud and billing source azure: a.csv and b.csv have the same content; "
        "their cost would count twice"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (PACKED[:-20], "its end is missing, so that its last rows would be lost"),
        (PACKED[:-4], "its end is missing, so that its last rows would be lost"),
        (PACKED[:-6] + bytes([PACKED[-6] ^ 1]) + PACKED[-5:], "its gzip content is damaged"),
        (PACKED + b"more", "its gzip content is damaged"),
        (b"a,b\n1,2\n", "it is no gzip file, whatever its name says"),
        (b"", "it is empty (0 bytes)"),
    ],
)
def test_a_gzipped_file_that_does_not_unpack_to_what_was_packed_is_refused(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = found(tmp_path, "a.CSV.gz", "")
    file.path.write_bytes(content)
    with pytest.raises(BillError) as caught:
        hash_files(cache_folder(tmp_path), [file])
    assert caught.value.message == f"billing source cloud: a.CSV.gz cannot be read: {reason}"
    assert caught.value.hint


def test_a_gzipped_file_of_several_members_is_whole(tmp_path: Path) -> None:
    file = found(tmp_path, "a.csv.gz", "")
    file.path.write_bytes(PACKED + PACKED)
    assert hash_files(cache_folder(tmp_path), [file]) == (hashlib.sha256(PACKED + PACKED).hexdigest(),)
