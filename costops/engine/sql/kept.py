"""Cells to and from Parquet.

Invariant: what is read back is what was written, to the last digit: the engine would write its 128-bit integers as
floating-point numbers, so they travel as decimals without places.
"""

from __future__ import annotations

from pathlib import Path

from sqlglot import exp

from costops.engine.probe import as_pattern
from costops.engine.sql.cells import KEYS
from costops.engine.sql.syntax import (
    Node,
    alias,
    cast,
    column,
    columns,
    create_table,
    function,
    select,
    star,
    table,
    text,
)

TUPLES = "tuples"
RAW = "raw"
_WHOLE = "DECIMAL(38,0)"


def write_tuples(path: Path) -> Node:
    return _copy(select([star()], table(TUPLES)), path)


def write_raw(path: Path, amounts: int) -> Node:
    values = [alias(cast(column(f"c{place}"), _WHOLE), f"c{place}") for place in range(amounts)]
    return _copy(select([column("tuple"), *columns(KEYS), *values], table(RAW)), path)


def read_tuples(path: Path) -> Node:
    return create_table(TUPLES, select([star()], _file(path)))


def read_raw(path: Path, amounts: int) -> Node:
    values = [alias(cast(column(f"c{place}"), "HUGEINT"), f"c{place}") for place in range(amounts)]
    return create_table(RAW, select([column("tuple"), *columns(KEYS), *values], _file(path)))


def _copy(query: Node, path: Path) -> Node:
    parquet = exp.CopyParameter(this=exp.Var(this="FORMAT"), expression=exp.Var(this="PARQUET"))
    return exp.Copy(this=exp.Subquery(this=query), kind=False, files=[text(str(path))], params=[parquet])


def _file(path: Path) -> Node:
    return exp.Table(this=function("read_parquet", text(as_pattern(path))))
