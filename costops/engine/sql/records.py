"""A metric's records as a table by day and cleaned labels, values in picos."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import MetricUse
from costops.engine.sql.reader import names_of, reader
from costops.engine.sql.scalar import layered, scalar
from costops.engine.sql.shape import positions
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    cast,
    column,
    columns,
    create_table,
    function,
    select,
    subquery,
    summed,
    text,
    union_all,
)
from costops.model.bill import MetricFile
from costops.model.expression import Expression, Literal, call


def metric_records(use: MetricUse, files: Sequence[MetricFile], into: str) -> Node:
    """A metric's records by day and cleaned labels."""
    queries = []
    for each in files:
        names = names_of(each.file)
        values: list[Node] = [
            alias(cast(scalar(each.date, names), "DATE"), "day"),
            alias(scalar(each.date, names), "moment"),
            alias(scalar(each.value, names), "value"),
        ]
        for label, name in use.labels:
            value: Expression = each.label_columns.get(label, Literal(None))
            if label not in each.label_columns and each.labels is not None:
                value = call("json_key", each.labels, Literal(label))
            values.append(alias(scalar(call("present", value), names), name))
        series = [scalar(value, names) for _, value in sorted(each.label_columns.items())]
        if each.labels is not None:
            series.append(scalar(each.labels, names))
        values.append(alias(function("concat_ws", text("\x1f"), *series, text("")), "series"))
        is_wanted = exp.EQ(this=scalar(each.metric, names), expression=text(use.query))
        queries.append(select(values, reader([each.file]), where=is_wanted))
    raw = [name for _, name in use.labels]
    daily_keys = ["day", *raw, "series"]
    daily = select(
        [*columns(daily_keys), alias(_aggregated(use.aggregate), "value")],
        subquery(union_all(queries), "records"),
        group=positions(len(daily_keys)),
    )
    cleaned = layered(subquery(daily, "daily"), use.layers)
    kept = list(dict.fromkeys(name for _, name in use.columns))
    return create_table(
        into,
        select(
            [column("day"), *columns(kept), alias(summed(column("value")), "value")],
            cleaned,
            group=positions(1 + len(kept)),
        ),
    )


def _aggregated(aggregate: str) -> Node:
    """Records of one series on one day as one number in picos."""
    value = cast(function("replace", cast(column("value"), "VARCHAR"), text("."), text("")), "HUGEINT")
    if aggregate == "avg":
        return binary(exp.IntDiv, summed(value), function("count", column("value")))
    if aggregate == "last":
        return function("arg_max", value, column("moment"))
    return function("max", value) if aggregate == "max" else summed(value)
