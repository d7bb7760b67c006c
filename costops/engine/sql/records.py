"""A metric's records: as they were read, then by day and cleaned labels with values in picos.

Invariant: a series is its labels by name, whichever file has them and whether as columns or as one JSON object, so that
records of one series on one day become one before anything is summed over.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import MetricUse
from costops.engine.sql.cells import no_date
from costops.engine.sql.decimals import picos
from costops.engine.sql.reader import names_of, reader
from costops.engine.sql.scalar import Names, layered, scalar
from costops.engine.sql.shape import positions
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
    equal,
    function,
    is_null,
    is_present,
    negated,
    null,
    number,
    over,
    select,
    subquery,
    summed,
    table,
    text,
    truth,
    union_all,
)
from costops.model.bill import MetricFile
from costops.model.expression import Expression, Literal, call

MOST_LABELS = 1_000


def read_records(use: MetricUse, groups: Sequence[Sequence[MetricFile]], into: str) -> Node:
    """Every record of a metric in files of which each group has equal columns, with what is to be checked of it."""
    queries = []
    for place, files in enumerate(groups):
        first, names = files[0], names_of(files[0].file)
        labels = [alias(scalar(_label(first, label), names), name) for label, name in use.labels]
        values = [
            alias(number(place), "files"),
            alias(cast(scalar(first.date, names), "DATE"), "day"),
            alias(scalar(first.date, names), "moment"),
            alias(scalar(first.value, names), "value"),
            alias(_is_object(first, names), "has_labels"),
            *labels,
            # Adding up does not need to know which records are of one series.
            alias(null() if use.aggregate == "sum" else _series(first, names), "series"),
        ]
        queries.append(select(values, reader([each.file for each in files]), where=_is_of(use, first, names)))
    return create_table(into, union_all(queries))


def _is_of(use: MetricUse, file: MetricFile, names: Names) -> Node:
    return exp.EQ(this=scalar(file.metric, names), expression=text(use.query))


def _label(file: MetricFile, label: str) -> Expression:
    """The value of a label, from its column or else from the JSON object."""
    values = [call("present", file.label_columns[label])] if label in file.label_columns else []
    if file.labels is not None:
        values.append(call("present", call("json_key", file.labels, Literal(label))))
    return call("first_present", *values) if values else Literal(None)


def _is_object(file: MetricFile, names: Names) -> Node:
    """Whether the labels are a JSON object, or missing."""
    if file.labels is None:
        return truth(True)
    value = scalar(file.labels, names)
    is_object = equal(function("json_type", value.copy()), text("OBJECT"))
    return case(is_null(value.copy()), truth(True), function("json_valid", value), is_object, truth(False))


def _series(file: MetricFile, names: Names) -> Node:
    """All present labels of a record in the order of their names, as one text."""
    own: list[Node] = [
        _pair(text(label), scalar(call("present", value), names)) for label, value in file.label_columns.items()
    ]
    pairs: Node = exp.Array(expressions=own) if own else cast(exp.Array(expressions=[]), "VARCHAR[]")
    if file.labels is not None:
        pairs = function("list_concat", pairs, _pairs_of_object(scalar(file.labels, names)))
    pair = exp.Identifier(this="pair", quoted=False)
    is_there = exp.Lambda(this=is_present(exp.Column(this=pair.copy())), expressions=[pair], colon=True)
    return function("array_to_string", function("list_sort", function("list_filter", pairs, is_there)), text(","))


def _pairs_of_object(labels: Node) -> Node:
    key = exp.Identifier(this="key", quoted=False)
    name = exp.Column(this=key.copy())
    pointer = function("replace", function("replace", name.copy(), text("~"), text("~0")), text("/"), text("~1"))
    value = function("json_extract_string", labels.copy(), function("concat", text("/"), pointer))
    each = exp.Lambda(this=_pair(name, function("nullif", value, text(""))), expressions=[key], colon=True)
    return function("list_transform", function("list_distinct", function("json_keys", labels)), each)


def _pair(name: Node, value: Node) -> Node:
    """A label with its value as one text that no other label and value give; null where the value is missing."""
    written = cast(function("to_json", exp.Array(expressions=[name, value.copy()])), "VARCHAR")
    return case(is_null(value), null(), written)


def facts_of_records(name: str, labels: Sequence[str]) -> Node:
    """(records, without a date, without a value, with labels that are no object, then how many have each label)."""
    return select(
        [
            function("count", exp.Star()),
            function("count_if", no_date("day")),
            function("count_if", is_null(column("value"))),
            function("count_if", negated(column("has_labels"))),
            *(function("count", column(each)) for each in labels),
        ],
        table(name),
    )


def records_of_groups(name: str) -> Node:
    """(number of a group of files, its records)."""
    return select([column("files"), function("count", exp.Star())], table(name), group=positions(1), order=positions(1))


def first_without(use: MetricUse, file: MetricFile, what: str) -> Node:
    """(row number, text of the labels) of the first record of a file without a `date`, or without proper `labels`."""
    names = names_of(file.file)
    bad = no_date("day") if what == "date" else negated(column("has_labels"))
    labels = scalar(file.labels, names) if file.labels is not None else null()
    values = [
        alias(over(function("row_number")), "row"),
        alias(_is_of(use, file, names), "is_of"),
        alias(cast(scalar(file.date, names), "DATE"), "day"),
        alias(_is_object(file, names), "has_labels"),
        alias(labels, "labels"),
    ]
    inner = subquery(select(values, reader([file.file])), "t")
    where = conjunction(column("is_of"), bad)
    return select([column("row"), column("labels")], inner, where=where, order=[column("row")]).limit(1)


def label_names(use: MetricUse, file: MetricFile) -> Node:
    """Names of labels in the JSON objects of a metric's records, in order; no more than MOST_LABELS."""
    assert file.labels is not None
    names = names_of(file.file)
    keys = alias(function("unnest", function("json_keys", scalar(file.labels, names))), "key")
    where = conjunction(_is_of(use, file, names), _is_object(file, names))
    inner = subquery(select([keys], reader([file.file]), where=where), "t")
    return select([column("key")], inner, distinct=True, order=[column("key")]).limit(MOST_LABELS)


def metric_names(file: MetricFile) -> Node:
    """Names of metrics in a file, in order; no more than MOST_LABELS."""
    name = alias(scalar(file.metric, names_of(file.file)), "metric")
    inner = subquery(select([name], reader([file.file])), "t")
    where = is_present(column("metric"))
    return select([column("metric")], inner, where=where, distinct=True, order=[column("metric")]).limit(MOST_LABELS)


def metric_table(use: MetricUse, records: str, into: str) -> Node:
    """A metric's records, each day of a series as one, by day and cleaned labels."""
    daily_keys = ["day", *(name for _, name in use.labels), "series"]
    daily = select(
        [*columns(daily_keys), *_aggregates(use.aggregate)],
        table(records),
        where=is_present(column("value")),
        group=positions(len(daily_keys)),
    )
    made = select([*columns(daily_keys[:-1]), alias(_made(use.aggregate), "value")], subquery(daily, "daily"))
    cleaned = layered(subquery(made, "made"), use.layers)
    kept = list(dict.fromkeys(name for _, name in use.columns))
    return create_table(
        into,
        select(
            [column("day"), *columns(kept), alias(summed(column("value")), "value")],
            cleaned,
            group=positions(1 + len(kept)),
        ),
    )


def _aggregates(aggregate: str) -> list[Node]:
    """What is kept of the records of one series on one day, in picos."""
    value = picos(column("value"))
    if aggregate == "avg":
        return [alias(summed(value), "total"), alias(cast(function("count", exp.Star()), "HUGEINT"), "records")]
    if aggregate == "last":
        # Of two records at the same moment the larger counts, whatever their order in the files.
        latest = exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.Identifier(this="moment", quoted=True), expression=column("moment")),
                exp.PropertyEQ(this=exp.Identifier(this="value", quoted=True), expression=value),
            ]
        )
        return [alias(function("max", latest), "latest")]
    return [alias(function("max", value) if aggregate == "max" else summed(value), "value")]


def _made(aggregate: str) -> Node:
    """The one number that the aggregates of a day give; a mean is rounded half-even to a pico."""
    if aggregate == "last":
        return function("struct_extract", column("latest"), text("value"))
    if aggregate != "avg":
        return column("value")
    size, records = function("abs", column("total")), column("records")
    whole = binary(exp.IntDiv, size, records)
    rest = binary(exp.Mul, number(2), binary(exp.Mod, size.copy(), records.copy()))
    odd = equal(binary(exp.Mod, whole.copy(), number(2)), number(1))
    up = exp.Or(
        this=binary(exp.GT, rest, records.copy()),
        expression=exp.Paren(this=conjunction(equal(rest.copy(), records.copy()), odd)),
    )
    rounded = binary(exp.Add, whole, case(up, number(1), number(0)))
    return binary(exp.Mul, function("sign", column("total")), rounded)
