"""Cells of a unit to and from Parquet.

Invariant: what is read back is what was written, to the last digit: the engine would write its 128-bit integers as
floating-point numbers, so they travel as decimals without places.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlglot import exp

from costops.engine.factors import MOMENTS
from costops.engine.probe import as_pattern
from costops.engine.sql.factors import COMBINATION, DATES, factor_columns, hashed
from costops.engine.sql.syntax import (
    Node,
    alias,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    equal,
    function,
    number,
    select,
    subquery,
    table,
    text,
    union_all,
)

_WHOLE = "DECIMAL(38,0)"
_MARKS = ("occurs", "stands", "part_stands")


def write(query: Node, path: Path) -> Node:
    """Write the rows of a query."""
    parquet = exp.CopyParameter(this=exp.Var(this="FORMAT"), expression=exp.Var(this="PARQUET"))
    return exp.Copy(this=exp.Subquery(this=query), kind=False, files=[text(str(path))], params=[parquet])


def rows(source: Node, factor: str, names: Sequence[str]) -> Node:
    """A unit's rows of a factor, its fields called k0, k1 and so on."""
    dates = columns(factor_columns(factor, ()))
    fields = [alias(column(name), f"k{place}") for place, name in enumerate(names)]
    return select([*columns(("class", "part", *_MARKS)), *dates, *fields], subquery(source, "rows"))


def combinations(source: str) -> Node:
    return select(columns((*COMBINATION, "number", "stands", "occurs")), table(source))


def cells(source: str, amounts: int) -> Node:
    return select([*columns(("number", MOMENTS)), *_decimals(amounts)], table(source))


def sums(source: str, amounts: int) -> Node:
    return select([*columns(("number", "month", "currency")), *_decimals(amounts)], table(source))


def _decimals(amounts: int) -> list[Node]:
    return [alias(cast(column(f"c{place}"), _WHOLE), f"c{place}") for place in range(amounts)]


def file(path: Path) -> Node:
    """What was written into a file, as a relation."""
    return exp.Table(this=function("read_parquet", text(as_pattern(path))))


def kept_rows(
    factor: str, salt: int, units: Sequence[tuple[int, Path, Sequence[tuple[str, str]], Sequence[tuple[str, str]]]]
) -> Node:
    """`<factor>_kept`: for each unit (place, file, fields that programs need, others) its rows and their hashes.

    A field is a pair of its column in the file and the name that it gets.
    """
    queries = []
    for unit, path, needed, others in units:
        fields = [alias(function("coalesce", column(mine), text("")), name) for mine, name in (*needed, *others)]
        named = [
            alias(number(unit), "unit"),
            *columns(("class", "part", *_MARKS, *factor_columns(factor, ()))),
            *fields,
        ]
        read = subquery(select(named, file(path)), "read")
        hashes = hashed(factor_columns(factor, [name for _, name in needed]), salt)
        queries.append(select([exp.Star(), alias(hashes, "row")], read))
    return create_table(f"{factor}_kept", union_all(queries))


def kept_combinations(units: Sequence[tuple[int, Path]]) -> Node:
    """`kept_combinations` of units, each (place, file)."""
    names = (*COMBINATION, "number", "stands", "occurs")
    queries: list[Node] = [select([alias(number(unit), "unit"), *columns(names)], file(path)) for unit, path in units]
    return create_table("kept_combinations", union_all(queries))


def kept_moments(unit: int) -> Node:
    """(unit, moments, dates) of a kept unit."""
    # A row may be there only because it stands for others.
    rows = select([column("class")], table(f"{MOMENTS}_kept"), where=conjunction(_is_of(unit), column("occurs")))
    is_own = exp.In(this=column("class"), query=exp.Subquery(this=rows))
    return select(
        [column("unit"), alias(column("class"), MOMENTS), *columns(DATES)],
        table(f"{MOMENTS}_kept"),
        where=conjunction(_is_of(unit), column("stands"), is_own),
    )


def _is_of(unit: int) -> Node:
    return equal(column("unit"), number(unit))
