"""A metric's records: as they were read, then by day and cleaned labels with values in picos.

Invariant: a series is its labels by name, whichever file has them and whether as columns or as one JSON object, so that
records of one series on one day become one before anything is summed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from costops.engine.ir import MetricUse
from costops.engine.sql.decimals import picos
from costops.engine.sql.faults import no_date
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
    parameter,
    select,
    subquery,
    summed,
    table,
    text,
    truth,
    union_all,
)
from costops.model.bill import MetricFile
from costops.model.expression import Column, Literal, call

MOST_NAMES = 1_000
"""How many names of labels or metrics are looked at for a hint."""
_TAGS = "tags"
_NAME = "metric"


def gather_records(queries: Sequence[str], files: Sequence[MetricFile], into: str) -> Node:
    """The records of some metrics in files with equal columns, with all labels, each by the name of its metric."""
    first = files[0]
    names = names_of(first.file)
    named = [text(each) for each in queries]
    name = alias(scalar(first.metric, names), _NAME)
    rows = reader([each.file for each in files])
    is_wanted = exp.In(this=scalar(first.metric, names), expressions=named)
    return create_table(into, select([name, *_read_values(first, tuple(first.label_columns))], rows, where=is_wanted))


def _read_values(first: MetricFile, labels: Sequence[str]) -> list[Node]:
    """What is read of a record: the texts of labels, its day, its moment and its value."""
    names = names_of(first.file)
    texts = {_label_columns(first)[label]: first.label_columns[label] for label in labels}
    if first.labels is not None:
        texts[_TAGS] = first.labels
    return [
        *(alias(scalar(each, names), name) for name, each in texts.items()),
        alias(cast(scalar(first.date, names), "DATE"), "day"),
        alias(scalar(first.date, names), "moment"),
        alias(scalar(first.value, names), "value"),
    ]


def _label_columns(first: MetricFile) -> dict[str, str]:
    """What the texts of labels are called."""
    return {label: f"l{number_of}" for number_of, label in enumerate(first.label_columns)}


def read_records(
    use: MetricUse, groups: Sequence[Sequence[MetricFile]], into: str, gathered: Sequence[str] = ()
) -> Node:
    """A metric's records in files of which each group has equal columns, by day and series.

    `gathered` are tables of `gather_records`, one for each group, where they have been read already.

    Labels are taken apart after grouping by the texts that they are read from, once for each. A row has the number of
    its group of files, how many records it stands for and how many of them have a value, what the aggregate needs of
    the values, whether the labels are what they must be, and the mapped labels.
    """
    queries = []
    for place, files in enumerate(groups):
        queries.append(_read_group(use, place, files, gathered[place] if gathered else None))
    return create_table(into, union_all(queries))


def _read_group(use: MetricUse, place: int, files: Sequence[MetricFile], gathered: str | None) -> Node:
    first, mapped = files[0], dict(use.labels)
    # Adding up does not need to know which records are of one series.
    own = [label for label in first.label_columns if use.aggregate != "sum" or label in mapped]
    labels = {label: name for label, name in _label_columns(first).items() if label in own}
    texts = [*labels.values(), *([_TAGS] if first.labels is not None else [])]
    if gathered is not None:
        is_of = equal(column(_NAME), text(use.query))
        read = select(columns((*texts, "day", "moment", "value")), table(gathered), where=is_of)
    else:
        rows = reader([each.file for each in files])
        read = select(_read_values(first, own), rows, where=_is_of(use, first, names_of(first.file)))
    keys = [*texts, "day"]
    counts = [alias(function("count", exp.Star()), "records"), alias(function("count", column("value")), "measured")]
    made = [*counts, alias(_aggregated(use.aggregate), "value")]
    grouped = select([*columns(keys), *made], subquery(read, "read"), group=positions(len(keys)))
    tags = column(_TAGS) if first.labels is not None else None
    kept = [
        alias(number(place), "files"),
        *columns(("day", "records", "measured", "value")),
        alias(_is_object(tags), "has_labels"),
        *(alias(_label(label, labels, tags), name) for label, name in use.labels),
        alias(null() if use.aggregate == "sum" else _series(labels, tags), "series"),
    ]
    return select(kept, subquery(grouped, "grouped"))


def _is_of(use: MetricUse, file: MetricFile, names: Names) -> Node:
    return exp.EQ(this=scalar(file.metric, names), expression=text(use.query))


def _aggregated(aggregate: str) -> Node:
    """What is kept of the values of records that become one; what it gives can be aggregated again."""
    value = column("value")
    if aggregate == "last":
        # Of two records at the same moment the larger counts, whatever their order in the files.
        latest = exp.Struct(
            expressions=[
                exp.PropertyEQ(this=exp.Identifier(this=name, quoted=True), expression=column(name))
                for name in ("moment", "value")
            ]
        )
        return function("max", case(is_null(value), exp.Null(), latest))
    return function("max", value) if aggregate == "max" else summed(value)


def _label(label: str, labels: Mapping[str, str], tags: Node | None) -> Node:
    """The value of a label, from its column or else from the JSON object."""
    values = [function("nullif", column(labels[label]), text(""))] if label in labels else []
    if tags is not None:
        value = scalar(call("json_key", Column(_TAGS), Literal(label)))
        values.append(function("nullif", value, text("")))
    return function("coalesce", *values) if values else null()


def _is_object(tags: Node | None) -> Node:
    """Whether the labels are a JSON object, or missing."""
    if tags is None:
        return truth(True)
    is_object = equal(function("json_type", tags), text("OBJECT"))
    return case(is_null(tags.copy()), truth(True), function("json_valid", tags.copy()), is_object, truth(False))


def _series(labels: Mapping[str, str], tags: Node | None) -> Node:
    """All present labels of a record in the order of their names, as one text."""
    own = [_pair(text(label), function("nullif", column(name), text(""))) for label, name in labels.items()]
    pairs: Node = cast(exp.Array(expressions=own), "VARCHAR[]")
    if tags is not None:
        pairs = function("list_concat", pairs, _pairs_of_object(tags))
    pair = exp.Identifier(this="pair", quoted=False)
    is_there = exp.Lambda(this=is_present(exp.Column(this=pair.copy())), expressions=[pair], colon=True)
    return function("array_to_string", function("list_sort", function("list_filter", pairs, is_there)), text(","))


def _pairs_of_object(tags: Node) -> Node:
    key = exp.Identifier(this="key", quoted=False)
    name = exp.Column(this=key.copy())
    pointer = function("replace", function("replace", name.copy(), text("~"), text("~0")), text("/"), text("~1"))
    value = function("json_extract_string", tags.copy(), function("concat", text("/"), pointer))
    each = exp.Lambda(this=_pair(name, function("nullif", value, text(""))), expressions=[key], colon=True)
    return function("list_transform", function("list_distinct", function("json_keys", tags.copy())), each)


def _pair(name: Node, value: Node) -> Node:
    """A label with its value as one text that no other label and value give; null where the value is missing."""
    written = cast(function("to_json", exp.Array(expressions=[name, value.copy()])), "VARCHAR")
    return case(is_null(value), null(), written)


def facts_of_records(name: str, labels: Sequence[str]) -> Node:
    """(records, without a date, without a value, with labels that are no object, then rows that have each label)."""
    none = number(0)
    return select(
        [
            function("coalesce", summed(column("records")), none),
            function("coalesce", summed(case(no_date("day"), column("records"), none.copy())), none.copy()),
            function("coalesce", summed(binary(exp.Sub, column("records"), column("measured"))), none.copy()),
            function("count_if", negated(column("has_labels"))),
            *(function("count", column(each)) for each in labels),
        ],
        table(name),
    )


def records_of_groups(name: str) -> Node:
    """(number of a group of files, its records)."""
    values = [column("files"), summed(column("records"))]
    return select(values, table(name), group=positions(1), order=positions(1))


def first_without(use: MetricUse, file: MetricFile, what: str) -> Node:
    """(row number, text of the labels) of the first record of a file without a `date`, or without proper `labels`."""
    names = names_of(file.file)
    bad = no_date("day") if what == "date" else negated(_is_object(column("labels")))
    labels = scalar(file.labels, names) if file.labels is not None else null()
    values = [
        alias(over(function("row_number")), "row"),
        alias(_is_of(use, file, names), "is_of"),
        alias(cast(scalar(file.date, names), "DATE"), "day"),
        alias(labels, "labels"),
    ]
    inner = subquery(select(values, reader([file.file])), "t")
    where = conjunction(column("is_of"), bad)
    return select([column("row"), column("labels")], inner, where=where, order=[column("row")]).limit(1)


def label_names(use: MetricUse, file: MetricFile) -> Node:
    """Names of labels in the JSON objects of a metric's records, in order; no more than MOST_NAMES."""
    assert file.labels is not None
    names = names_of(file.file)
    labels = scalar(file.labels, names)
    where = conjunction(_is_of(use, file, names), is_present(labels), _is_object(labels.copy()))
    keys = alias(function("unnest", function("json_keys", labels.copy())), "key")
    inner = subquery(select([keys], reader([file.file]), where=where), "t")
    return select([column("key")], inner, distinct=True, order=[column("key")]).limit(MOST_NAMES)


def metric_names(file: MetricFile) -> Node:
    """Names of metrics in a file, in order; no more than MOST_NAMES."""
    name = alias(scalar(file.metric, names_of(file.file)), "metric")
    inner = subquery(select([name], reader([file.file])), "t")
    where = is_present(column("metric"))
    return select([column("metric")], inner, where=where, distinct=True, order=[column("metric")]).limit(MOST_NAMES)


def metric_table(use: MetricUse, records: str, into: str) -> Node:
    """A metric's records, each day of a series as one, by day and cleaned labels."""
    keys = ["day", *(name for _, name in use.labels), "series"]
    again = function("max", column("value")) if use.aggregate in ("max", "last") else summed(column("value"))
    daily = select(
        [*columns(keys), alias(summed(column("measured")), "measured"), alias(again, "value")],
        table(records),
        where=binary(exp.GT, column("measured"), number(0)),
        group=positions(len(keys)),
    )
    made = select([*columns(keys[:-1]), alias(_made(use.aggregate), "value")], subquery(daily, "daily"))
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


def series_rows(use: MetricUse, name: str) -> Node:
    """(day, value of each dimension, sum in picos) of a metric's table, in order."""
    kept = list(dict.fromkeys(name for _, name in use.columns))
    day = alias(function("strftime", column("day"), text("%Y-%m-%d")), "of_day")
    return select([day, *columns(kept), column("value")], table(name), order=positions(1 + len(kept)))


def kept_metric_table(use: MetricUse, into: str) -> Node:
    """The table of a metric whose rows are given: days in $1, sums in picos as text in $2, then the columns' values."""
    kept = list(dict.fromkeys(name for _, name in use.columns))
    values = [function("unnest", cast(parameter(place + 3), "VARCHAR[]")) for place in range(len(kept))]
    return create_table(
        into,
        select(
            [
                alias(cast(function("unnest", cast(parameter(1), "VARCHAR[]")), "DATE"), "day"),
                *(alias(value, name) for value, name in zip(values, kept, strict=True)),
                alias(cast(function("unnest", cast(parameter(2), "VARCHAR[]")), "HUGEINT"), "value"),
            ]
        ),
    )


def _made(aggregate: str) -> Node:
    """The one number of a series on a day, in picos; a mean is rounded half-even."""
    if aggregate == "last":
        return picos(function("struct_extract", column("value"), text("value")))
    total = picos(column("value"))
    if aggregate != "avg":
        return total
    size, records = function("abs", total), cast(column("measured"), "HUGEINT")
    whole = binary(exp.IntDiv, size, records)
    rest = binary(exp.Mul, number(2), binary(exp.Mod, size.copy(), records.copy()))
    odd = equal(binary(exp.Mod, whole.copy(), number(2)), number(1))
    up = exp.Or(
        this=binary(exp.GT, rest, records.copy()),
        expression=exp.Paren(this=conjunction(equal(rest.copy(), records.copy()), odd)),
    )
    rounded = binary(exp.Add, whole, case(up, number(1), number(0)))
    return binary(exp.Mul, function("sign", total.copy()), rounded)
