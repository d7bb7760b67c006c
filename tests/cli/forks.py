"""A small server that has every module loaded, from which commands fork in milliseconds."""

from __future__ import annotations

import multiprocessing
from pkgutil import walk_packages

import costops

LOADED = ["pytest", "click", "duckdb", "deepdiff", "ruamel.yaml", "sqlglot.dialects.duckdb", "sqlite3", "sqlite_utils"]


def modules() -> list[str]:
    """Every module that a command may need."""
    return [
        *LOADED,
        *sorted(each.name for each in walk_packages(costops.__path__, "costops.") if "__main__" not in each.name),
    ]


FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(modules())
