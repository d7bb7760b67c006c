"""What the engine is called where a result names its maker."""

from __future__ import annotations

from functools import cache


@cache
def engine_name() -> str:
    """Name and version of everything that decides a digit."""
    from importlib.metadata import version  # 10 ms

    from costops import __version__

    return f"costops {__version__}, duckdb {version('duckdb')}"
