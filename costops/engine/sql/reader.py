"""The rows of bill and metric files as relations.

Invariant: the i-th column of a file is called c<i>, whatever its name is; a charge that its provider has split counts
once, by its parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sqlglot import exp

from costops.engine.probe import as_pattern
from costops.engine.sql.decimals import MONEY, picos
from costops.engine.sql.scalar import Names, scalar
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    disjunction,
    equal,
    function,
    identifier,
    is_null,
    is_present,
    join,
    number,
    select,
    subquery,
    summed,
    table,
    text,
)
from costops.model.bill import BillPart, PhysicalFile, SplitCharges

FILE_PATH = "path"
SPLIT_TOLERANCE = "0.00001"
"""How far the cost of a split charge may be from the sum of its parts, which providers round."""


def reader(files: Sequence[PhysicalFile], name: str = "r", *, paths_too: bool = False) -> Node:
    """The rows of files with equal columns, columns named c0, c1, ... so that names differing in case stay apart.

    With `paths_too` there is one more column, FILE_PATH.
    """
    paths = exp.Array(expressions=[text(as_pattern(Path(each.path))) for each in files])
    first = files[0]
    if first.kind == "parquet":
        source = function("read_parquet", paths, _option("hive_partitioning", exp.false()))
    else:
        kinds = [
            exp.PropertyEQ(this=identifier(f"c{i}"), expression=text("VARCHAR")) for i in range(len(first.columns))
        ]
        source = function(
            "read_csv",
            paths,
            _option("auto_detect", exp.false()),
            _option("header", exp.true()),
            _option("delim", text(first.delimiter)),
            _option("quote", text('"')),
            _option("escape", text('"')),
            _option("hive_partitioning", exp.false()),
            _option("columns", exp.Struct(expressions=kinds)),
        )
    aliases = [identifier(f"c{i}") for i in range(len(first.columns))]
    if paths_too:
        source.append("expressions", _option("filename", exp.true()))
        aliases.append(identifier(FILE_PATH))
    node = exp.Table(this=source)
    node.set("alias", exp.TableAlias(this=identifier(name), columns=aliases))
    return node


def _option(name: str, value: Node) -> Node:
    return exp.EQ(this=exp.Column(this=exp.Identifier(this=name, quoted=False)), expression=value)


def names_of(file: PhysicalFile) -> Names:
    """How expressions over a file's own columns are printed."""
    return Names(
        columns={name: f"c{place}" for place, (name, _) in enumerate(file.columns)},
        types=dict(file.columns),
    )


def counted(part: BillPart, *, paths_too: bool = False) -> Node:
    """The charges of a part without those that stand beside what they were split into."""
    rows = reader(part.files, paths_too=paths_too)
    if part.split is None:
        return rows
    every = exp.Column(this=exp.Star(), table=identifier("r"))
    return subquery(select([every], rows, joins=[_told(part, part.split, "ANTI")]), "r")


def split_keys(part: BillPart, into: str) -> Node:
    """The keys of charges that stand beside their parts: together they cost in every column what the parts do."""
    assert part.split is not None
    names = names_of(part.files[0])
    zero = cast(number(0), MONEY)
    keys = _keys(part.split)
    values = [alias(scalar(each, names), key) for key, each in zip(keys, part.split.key, strict=True)]
    values.append(alias(is_null(scalar(part.split.method, names)), "whole"))
    values += [
        alias(function("coalesce", scalar(each, names), zero.copy()), f"s{place}")
        for place, each in enumerate(part.costs.values())
    ]
    is_equal, is_some = [], []
    for place in range(len(part.costs)):
        amount = column(f"s{place}")
        wholes = summed(case(column("whole"), amount, zero.copy()))
        parts = summed(case(column("whole"), zero.copy(), amount.copy()))
        off = function("abs", binary(exp.Sub, wholes, parts))
        is_equal.append(binary(exp.LTE, off, cast(text(SPLIT_TOLERANCE), MONEY)))
        is_some.append(binary(exp.NEQ, wholes.copy(), zero.copy()))
    both = (function("bool_or", column("whole")), function("bool_or", exp.Not(this=column("whole"))))
    return create_table(
        into,
        select(
            columns(keys),
            subquery(select(values, reader(part.files)), "every"),
            where=conjunction(*(is_present(column(key)) for key in keys)),
            group=[number(place + 1) for place in range(len(keys))],
            having=conjunction(*both, *is_equal, disjunction(*is_some)),
        ),
    )


def set_aside(part: BillPart, costs: Sequence[str]) -> Node:
    """(currency, charges, picos of each cost) of the charges that `counted` leaves out; a cost the part lacks is 0."""
    assert part.split is not None
    names = names_of(part.files[0])
    zero = cast(number(0), MONEY)
    values = [
        alias(scalar(part.costs[cost], names) if cost in part.costs else zero.copy(), f"s{place}")
        for place, cost in enumerate(costs)
    ]
    left_out = select(
        [alias(scalar(part.currency, names), "currency"), *values],
        reader(part.files),
        joins=[_told(part, part.split, "SEMI")],
    )
    sums = [picos(function("coalesce", summed(column(f"s{place}")), zero.copy())) for place in range(len(costs))]
    return select(
        [column("currency"), function("count", exp.Star()), *sums],
        subquery(left_out, "left_out"),
        group=[number(1)],
        order=[number(1)],
    )


def _told(part: BillPart, split: SplitCharges, kind: str) -> Node:
    """A join with the table of `split_keys` by which charges are kept (SEMI) or left out (ANTI)."""
    assert split.table is not None
    names = names_of(part.files[0])
    tests = [is_null(scalar(split.method, names))]
    tests += [
        equal(scalar(each, names), column(key, split.table)) for key, each in zip(_keys(split), split.key, strict=True)
    ]
    return join(table(split.table), on=conjunction(*tests), kind=kind)


def _keys(split: SplitCharges) -> list[str]:
    return [f"k{place}" for place in range(len(split.key))]
