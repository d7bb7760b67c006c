"""Shapes of Parquet files, remembered, so that no engine is started to look at a file that was looked at before.

Invariant: a shape is remembered by path, size and modification time of its file and by the engine that found it; what
is remembered may be lost or broken at any time without changing a result. CSV files are looked at each time: their
first line tells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from costops.model.bill import FileShape
from costops.sources.remembering import remember

Probe = Callable[[Sequence[Path], Sequence[str]], Sequence[FileShape]]
"""Paths and the names to call them by, to the shape of each file."""

_Known = dict[str, tuple[int, int, FileShape]]
"""Absolute path to (size in bytes, modification time in nanoseconds, shape)."""


def remembered(probe: Probe, cache: Path, engine: str) -> Probe:
    """`probe`, asked only about files whose shape is not in the cache folder; `engine` names what reads them."""

    def look(paths: Sequence[Path], names: Sequence[str]) -> tuple[FileShape, ...]:
        cache_file = cache / "shapes.json"
        known = _read(cache_file, engine)
        stamps = [_stamp(path) for path in paths]
        found = [_known_shape(known, path, stamp) for path, stamp in zip(paths, stamps, strict=True)]
        missing = [place for place, shape in enumerate(found) if shape is None]
        probed = probe([paths[place] for place in missing], [names[place] for place in missing])
        fresh = dict(zip(missing, probed, strict=True))
        for place, shape in fresh.items():
            stamp = stamps[place]
            if stamp is not None and _is_parquet(paths[place]):
                known[str(paths[place])] = (*stamp, shape)
        if any(_is_parquet(paths[place]) for place in missing):
            plain = {path: (size, modified, shape.columns) for path, (size, modified, shape) in known.items()}
            remember(cache_file, {"engine": engine}, plain)
        return tuple(shape if shape is not None else fresh[place] for place, shape in enumerate(found))

    return look


def _is_parquet(path: Path) -> bool:
    return path.name.lower().endswith(".parquet")


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None  # the probe says what is wrong
    return status.st_size, status.st_mtime_ns


def _known_shape(known: _Known, path: Path, stamp: tuple[int, int] | None) -> FileShape | None:
    entry = known.get(str(path))
    return entry[2] if entry is not None and entry[:2] == stamp else None


def _read(cache_file: Path, engine: str) -> _Known:
    """What an earlier run wrote; nothing where the file is missing, broken or of another engine."""
    try:
        content = json.loads(cache_file.read_bytes())
        if content["engine"] != engine:
            return {}
        return {
            path: (int(size), int(modified), _shape(columns))
            for path, (size, modified, columns) in content["files"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _shape(columns: Any) -> FileShape:
    """Raises ValueError or TypeError for what is no list of columns."""
    pairs = tuple((name, kind) for name, kind in columns)
    if not pairs or not all(isinstance(text, str) and text for pair in pairs for text in pair):
        raise ValueError("no columns")
    return FileShape(pairs)
