"""What the files of sources contain, as one digest.

Invariant: the digest depends on names and content alone. Hashes are remembered by path, size and modification time;
what is remembered may be lost or broken at any time without changing a result.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import BinaryIO

from costops.errors import BillError
from costops.sources.found import FoundFile
from costops.sources.remembering import remember

CACHE_VERSION = 2
"""Hashes of version 1 were remembered without unpacking gzipped files."""

GZIP_MARK = b"\x1f\x8b"

_Known = dict[str, tuple[int, int, str]]
"""Absolute path to (size in bytes, modification time in nanoseconds, sha256)."""


def hash_files(cache: Path, files: Sequence[FoundFile]) -> tuple[str, ...]:
    """sha256 of each file in hexadecimal, remembered in the folder `cache`.

    Raises BillError for a file that cannot be read.
    """
    cache_file = cache / "hashes.json"
    known = _remembered(cache_file)
    stamps = stamps_of(files)
    new = [file for file, stamp in zip(files, stamps, strict=True) if known.get(str(file.path), ())[:2] != stamp]
    if new:
        hashed = dict(zip((str(file.path) for file in new), _hashes(new), strict=True))
        for file, stamp in zip(files, stamps, strict=True):
            path = str(file.path)
            if path in hashed:
                known[path] = (*stamp, hashed[path])
        remember(cache_file, {"version": CACHE_VERSION}, known)
    return tuple(known[str(file.path)][2] for file in files)


def _hashes(files: Sequence[FoundFile]) -> list[str]:
    """The hash of each file; several are made at once, because hashing a bill takes as long as reading it."""
    if len(files) == 1:
        return [_hash(files[0])]
    from concurrent.futures import ThreadPoolExecutor  # 15 ms

    executor = ThreadPoolExecutor(min(len(files), os.cpu_count() or 1))
    try:
        return list(executor.map(_hash, files))
    finally:
        # After a failure or an interruption nobody waits for the files that nobody has begun.
        executor.shutdown(cancel_futures=True)


def stamps_of(files: Sequence[FoundFile]) -> tuple[tuple[int, int], ...]:
    """(size in bytes, modification time in nanoseconds) of each file; raises BillError for one that cannot be read."""
    return tuple(_stamp(file) for file in files)


def refuse_equal_files(files: Sequence[FoundFile], hashes: Sequence[str]) -> None:
    """Raises BillError where two files have the same content."""
    first_of: dict[str, FoundFile] = {}
    for file, sha256 in zip(files, hashes, strict=True):
        first = first_of.setdefault(sha256, file)
        if first is not file:
            owners = dict.fromkeys((str(first.owner), str(file.owner)))
            raise BillError(
                f"{' and '.join(owners)}: {first.name} and {file.name} have the same content; "
                f"their {first.owner.counted} would count twice",
                hint="Take one of the two away, or narrow `path` so that only one is read.",
            )


def digest_of(named_hashes: Iterable[tuple[str, str]]) -> str:
    """sha256 over the sorted lines `name sha256`."""
    lines = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(named_hashes))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _stamp(file: FoundFile) -> tuple[int, int]:
    try:
        status = file.path.stat()
    except OSError as error:
        raise _unreadable(file, error) from error
    return status.st_size, status.st_mtime_ns


def _hash(file: FoundFile) -> str:
    try:
        with file.path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            if file.path.name.lower().endswith(".gz"):
                stream.seek(0)
                _check_gzip(file, stream)
            return sha256
    except OSError as error:
        raise _unreadable(file, error) from error


def _check_gzip(file: FoundFile, stream: BinaryIO) -> None:
    """Raises BillError where the content is not what was packed: the engine's reader does not compare the checksum."""
    reason, hint = "it is no gzip file, whatever its name says", "Take `.gz` off its name if it is not packed."
    if stream.read(len(GZIP_MARK)) == GZIP_MARK:
        reason, hint = "its gzip content is damaged", "Copy or export it again, or take it away."
        stream.seek(0)
        try:
            with gzip.open(stream) as packed:
                while packed.read(1 << 20):
                    pass
            return
        except EOFError:
            reason = "its end is missing, so that its last rows would be lost"
        except (gzip.BadGzipFile, zlib.error):
            pass
    elif stream.seek(0, 2) == 0:
        reason, hint = "it is empty (0 bytes)", "Copy or export it again, or take it away."
    raise BillError(f"{file.owner}: {file.name} cannot be read: {reason}", hint=hint)


def _unreadable(file: FoundFile, error: OSError) -> BillError:
    return BillError(
        f"{file.owner}: {file.name} cannot be read: {error.strerror or error}",
        hint="Give the user that runs costops the right to read it, or take it out of `path`.",
    )


def _remembered(cache_file: Path) -> _Known:
    """What an earlier run wrote; nothing where the file is missing, broken or of another version."""
    try:
        content = json.loads(cache_file.read_bytes())
        if content["version"] != CACHE_VERSION:
            return {}
        known = {path: (size, modified, sha256) for path, (size, modified, sha256) in content["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    return {path: entry for path, entry in known.items() if _is_entry(entry)}


def _is_entry(entry: tuple[object, object, object]) -> bool:
    size_bytes, modified_ns, sha256 = entry
    whole_numbers = type(size_bytes) is int and type(modified_ns) is int
    return whole_numbers and isinstance(sha256, str) and len(sha256) == 64 and set(sha256) <= set("0123456789abcdef")
