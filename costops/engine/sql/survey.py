"""The statements of a survey: what each file has, what rounding took, and which tags there are.

Invariant: a survey reads the same charges and amounts as a plan.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.sql.decimals import MONEY, picos, rounding
from costops.engine.sql.reader import FILE_PATH, counted, names_of
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
    equal,
    function,
    is_null,
    is_present,
    number,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.bill import BillPart
from costops.model.expression import Call, Expression

MANY_KEYS = 1000
"""From here on the tags of a charge are taken apart in one go: looking up key by key grows with the square."""


def file_readings(part: BillPart, costs: Sequence[str]) -> Node:
    """(path, month, currency, rows, undated rows, then per cost: picos, missing, rounded, rounding in 1e-40)."""
    names = names_of(part.files[0])
    values: list[Node] = [
        column(FILE_PATH),
        alias(cast(scalar(part.start, names), "DATE"), "day"),
        alias(cast(function("date_trunc", text("month"), scalar(part.billing_month, names)), "DATE"), "month"),
        alias(scalar(part.currency, names), "currency"),
    ]
    for place, cost in enumerate(costs):
        values.append(alias(scalar(part.costs[cost], names), f"c{place}"))
        values.append(alias(_rounding_of(part.costs[cost], names), f"r{place}"))
    zero = cast(number(0), MONEY)
    sums: list[Node] = [function("count", star()), function("count_if", is_null(column("day")))]
    for place in range(len(costs)):
        rounded = column(f"r{place}")
        sums += [
            picos(function("coalesce", summed(column(f"c{place}")), zero.copy())),
            function("count_if", is_null(column(f"c{place}"))),
            function("count_if", binary(exp.NEQ, rounded, number(0))),
            function("coalesce", summed(rounded.copy()), number(0)),
        ]
    keys = columns((FILE_PATH, "month", "currency"))
    return select(
        [*keys, *sums],
        subquery(select(values, counted(part, paths_too=True)), "charges"),
        group=[number(1), number(2), number(3)],
        order=[number(1), number(2), number(3)],
    )


def _rounding_of(expression: Expression, names: Names) -> Node:
    """What reading took off a cost: the same sums and choices over what it took off each number."""
    zero = cast(number(0), "HUGEINT")
    match expression:
        case Call("decimal", (value,)):
            return function("coalesce", rounding(scalar(value, names), names.type_of(value)), zero)
        case Call("add", arguments):
            result = _rounding_of(arguments[0], names)
            for each in arguments[1:]:
                result = binary(exp.Add, result, _rounding_of(each, names))
            return result
        case Call("subtract", (left, right)):
            return binary(exp.Sub, _rounding_of(left, names), _rounding_of(right, names))
        case Call("case", arguments):
            pairs = [
                scalar(each, names) if place % 2 == 0 else _rounding_of(each, names)
                for place, each in enumerate(arguments[:-1])
            ]
            return case(*pairs, _rounding_of(arguments[-1], names))
    return zero


def tag_columns(part: BillPart, cost: str, into: str) -> Node:
    """(key, value, currency, rows, amount) of tags that are a column each."""
    names = names_of(part.files[0])
    keys = list(part.tag_columns)
    values = [alias(scalar(part.tag_columns[key], names), f"t{place}") for place, key in enumerate(keys)]
    found = [f"t{place}" for place in range(len(keys))]
    grouped = subquery(_by_tags(part, cost, values, found), "grouped")
    pairs = exp.Array(
        expressions=[
            exp.Struct(
                expressions=[
                    exp.PropertyEQ(this=exp.Identifier(this="key", quoted=True), expression=text(key)),
                    exp.PropertyEQ(this=exp.Identifier(this="value", quoted=True), expression=column(name)),
                ]
            )
            for key, name in zip(keys, found, strict=True)
        ]
    )
    one = select([alias(function("unnest", pairs), "tag"), *columns(("currency", "rows", "amount"))], grouped)
    return create_table(into, _tag_rows(one))


def tag_texts(part: BillPart, cost: str, into: str) -> Node:
    """(tags, currency, rows, amount) for each distinct text of a part's tags."""
    assert part.tags is not None
    value = alias(scalar(part.tags, names_of(part.files[0])), "tags")
    grouped = subquery(_by_tags(part, cost, [value], ["tags"]), "grouped")
    return create_table(into, select([star()], grouped, where=is_present(column("tags"))))


def tag_keys(texts: str, into: str) -> Node:
    """(key, value, currency, rows, amount) of the tags in texts with few keys."""
    names = function("json_keys", column("tags"))
    few = binary(exp.LT, function("length", names.copy()), number(MANY_KEYS))
    key = alias(function("unnest", function("list_distinct", names)), "key")
    kept = columns(("tags", "currency", "rows", "amount"))
    keyed = subquery(select([key, *kept], table(texts), where=few), "keyed")
    pointer = function("replace", function("replace", column("key"), text("~"), text("~0")), text("/"), text("~1"))
    value = function("json_extract_string", column("tags"), function("concat", text("/"), pointer))
    return create_table(
        into,
        select(
            [column("key"), alias(value, "value"), *columns(("currency", "rows", "amount"))],
            keyed,
            where=conjunction(binary(exp.NEQ, function("coalesce", value.copy(), text("")), text(""))),
        ),
    )


def tag_maps(texts: str, into: str) -> Node:
    """(key, value, currency, rows, amount) of the tags in texts with many keys."""
    many = binary(exp.GTE, function("length", function("json_keys", column("tags"))), number(MANY_KEYS))
    parsed = function("from_json", column("tags"), text('"MAP(VARCHAR, VARCHAR)"'))
    entries = alias(function("unnest", function("map_entries", parsed)), "tag")
    one = select([entries, *columns(("currency", "rows", "amount"))], table(texts), where=many)
    return create_table(into, _tag_rows(one))


def unmapped_tags(texts: str) -> Node:
    """One text with many keys of which one stands there twice."""
    many = binary(exp.GTE, function("length", function("json_keys", column("tags"))), number(MANY_KEYS))
    twice = binary(
        exp.LT,
        function("length", function("list_distinct", function("json_keys", column("tags")))),
        function("length", function("json_keys", column("tags"))),
    )
    return select([column("tags")], table(texts), where=conjunction(many, twice), order=[column("tags")]).limit(1)


def tag_readings(tables: Sequence[str]) -> Node:
    """(key, currency, rows, picos, distinct values of the key in all currencies)."""
    names = ("key", "value", "currency", "rows", "amount")
    create = union_all([select(columns(names), table(name)) for name in tables])
    found = subquery(create, "found")
    values = select(
        [column("key"), alias(exp.Count(this=exp.Distinct(expressions=[column("value")])), "distinct_values")],
        found.copy(),
        group=[number(1)],
    )
    return select(
        [
            column("key", "sums"),
            column("currency"),
            column("charges"),
            picos(column("amount")),
            column("distinct_values"),
        ],
        subquery(
            select(
                [
                    column("key"),
                    column("currency"),
                    alias(summed(column("rows")), "charges"),
                    alias(summed(column("amount")), "amount"),
                ],
                found,
                group=[number(1), number(2)],
            ),
            "sums",
        ),
        joins=[
            exp.Join(
                this=subquery(values, "each_key"),
                on=equal(column("key", "sums"), column("key", "each_key")),
            )
        ],
    )


def _by_tags(part: BillPart, cost: str, values: Sequence[Node], names: Sequence[str]) -> Node:
    """Charges and cost by tags and currency."""
    own = names_of(part.files[0])
    zero = cast(number(0), MONEY)
    amount = scalar(part.costs[cost], own) if cost in part.costs else zero.copy()
    charges = select([*values, alias(scalar(part.currency, own), "currency"), alias(amount, "amount")], counted(part))
    keys = columns((*names, "currency"))
    return select(
        [
            *keys,
            alias(function("count", star()), "rows"),
            alias(function("coalesce", summed(column("amount")), zero), "amount"),
        ],
        subquery(charges, "charges"),
        group=[number(place + 1) for place in range(len(keys))],
    )


def _tag_rows(one: Node) -> Node:
    """Rows with a struct `tag` of key and value as rows with both, without missing values."""
    key, value = (function("struct_extract", column("tag"), text(name)) for name in ("key", "value"))
    return select(
        [alias(key, "key"), alias(value, "value"), *columns(("currency", "rows", "amount"))],
        subquery(one, "one"),
        where=binary(exp.NEQ, function("coalesce", value.copy(), text("")), text("")),
    )
