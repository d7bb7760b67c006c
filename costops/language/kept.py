"""What rule files say, kept in the cache folder, so that a file that did not change is not read again.

Invariant: what is kept is used only for the very bytes it was made from and only by the program that made it, and only
while its own digest is right; anything else counts as not kept and is written again. It is data, and no code of it is
ever run. Deleting the folder loses nothing but time, and a folder that cannot be written is no reason to fail.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, TypeVar

from costops import __version__
from costops.interruption import held
from costops.language.packed import UNPACKING_ERRORS, NotPackableError, pack, unpack

FORMAT = 1
MOST_BYTES = 64 << 20
"""How much is kept; the oldest go first, except what was used just now."""
LARGEST_BYTES = 32 << 20
"""A larger file in the cache folder is none of ours."""

_NAME = re.compile(r"[0-9a-f]{64}\.json")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.[0-9]+")

T = TypeVar("T")


class KeptFiles:
    """The kept files of one folder; without a folder nothing is kept."""

    def __init__(self, folder: Path | None, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._used: set[str] = set()
        self._written = False

    def find(self, kind: type[T], file: str, data: bytes) -> T | None:
        """What a rule file with this content says, or None where that is not kept; `file` is its name in places."""
        if self._folder is None:
            return None
        key = _key(kind, data)
        try:
            with (self._folder / f"{key}.json").open("rb") as stream:
                kept = stream.read(LARGEST_BYTES + 1)
            digest, _, body = kept.partition(b"\n")
            if len(kept) > LARGEST_BYTES or digest.decode("ascii") != _digest(key, body):
                return None
            found = unpack(kind, json.loads(body), file)
        except (OSError, *UNPACKING_ERRORS):
            return None
        self._used.add(f"{key}.json")
        return found

    def keep(self, value: object, file: str, data: bytes) -> None:
        """Keep what a rule file with this content says."""
        if self._folder is None:
            return
        key = _key(type(value), data)
        try:
            packed = pack(value, file)
        except NotPackableError:
            return
        body = json.dumps(packed, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        unfinished = self._folder / f".{key}.{os.getpid()}"
        # Suppressed: a full disk or a read-only workspace. The file is read again the next time.
        with suppress(OSError), held():
            self._folder.mkdir(parents=True, exist_ok=True)
            unfinished.write_bytes(_digest(key, body).encode() + b"\n" + body)
            unfinished.replace(self._folder / f"{key}.json")
            self._used.add(f"{key}.json")
            self._written = True

    def drop_oldest(self) -> None:
        """Keep the folder small, after something was written into it."""
        if self._folder is None or not self._written:
            return
        left = self._most_bytes
        with suppress(OSError):
            for path, size in _newest_first(self._folder):
                left -= size
                if (left < 0 and path.name not in self._used) or _UNFINISHED.fullmatch(path.name):
                    path.unlink(missing_ok=True)


def _newest_first(folder: Path) -> Iterator[tuple[Path, int]]:
    """(path, bytes) of every file that is ours."""
    found = []
    for path in folder.iterdir():
        if _NAME.fullmatch(path.name) or _UNFINISHED.fullmatch(path.name):
            with suppress(FileNotFoundError):
                status = path.lstat()
                found.append((status.st_mtime_ns, path.name, status.st_size, path))
    return ((path, size) for _, _, size, path in sorted(found, reverse=True))


def _key(kind: type[Any], data: bytes) -> str:
    return hashlib.sha256(f"{_program()} {kind.__name__}\n".encode() + data).hexdigest()


def _digest(key: str, body: bytes) -> str:
    return hashlib.sha256(f"{key}\n".encode() + body).hexdigest()


@lru_cache(maxsize=1)
def _program() -> str:
    """The digest of everything that decides what a file says: the code that reads it, the parser, and Python."""
    package = Path(__file__).parent.parent
    sources = [path for each in ("language/*.py", "model/*.py", "money.py") for path in package.glob(each)]
    parser = PathFinder.find_spec("ruamel")
    for location in (parser.submodule_search_locations if parser is not None else None) or ():
        sources += Path(location).glob("yaml/__init__.py")
    digest = hashlib.sha256(f"{FORMAT} {__version__} {sys.implementation.cache_tag}".encode())
    for path in sorted(sources):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
