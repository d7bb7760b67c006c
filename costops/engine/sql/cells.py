"""Reads the charges of a unit: first the distinct rows of each factor, then the sums of each combination of classes.

Invariant: every charge is counted exactly once. A row that the first reading has not seen has no class in the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from costops.engine.factors import FACTORS, MOMENTS, TAGS, PartFields
from costops.engine.ir import RawField
from costops.engine.sql.decimals import MONEY
from costops.engine.sql.factors import DATES, factor_columns, hashed
from costops.engine.sql.faults import broken_among
from costops.engine.sql.reader import counted, names_of, reader
from costops.engine.sql.scalar import Names, scalar
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    create_table,
    equal,
    function,
    is_present,
    join,
    number,
    paren,
    select,
    star,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.bill import BillPart
from costops.model.expression import Call, Expression, Literal, call, columns_in

KEYS = DATES
"""What a cell has beside its tuple and its amounts."""

_KNOWN = ("ChargePeriodStart", "ChargePeriodEnd", "BillingPeriodStart", "BillingCurrency")
_TAGS_TEXT = "tags"
_PLAIN = ("VARCHAR", "DATE", "TIMESTAMP", "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "DECIMAL")
"""Types, or how they begin, whose equal values have equal texts and whose different ones have different ones."""
_SIMPLE = ("present", "text", "timestamp", "first_present", "case", "in")
"""Operations after which a column has hardly fewer values than before."""


def field_expression(part: BillPart, field: RawField) -> Expression:
    """A raw field of a part as text; null where the part does not have it."""
    if field.kind == "tag":
        return part.tag_columns.get(field.name, Literal(None))
    if field.name in part.columns:
        return part.columns[field.name]
    if field.name not in _KNOWN:
        return Literal(None)
    known: dict[str, Expression | None] = {
        "ChargePeriodStart": part.start,
        "ChargePeriodEnd": part.end,
        "BillingPeriodStart": part.billing_month,
        "BillingCurrency": part.currency,
    }
    value = known[field.name]
    if value is None or field.name == "BillingCurrency":
        return value or Literal(None)
    return call("text", value)


@dataclass(frozen=True, slots=True)
class FactorKeys:
    """What tells the rows of a factor apart while files are read, and what is made of it afterwards.

    Columns of a file are told apart as they are wherever that is enough: the engine then looks at each of the few
    values of a dictionary once instead of at every row.
    """

    part: BillPart
    columns: tuple[str, ...]
    """Columns of the files."""
    made: tuple[Expression, ...]
    """Texts made of the files' columns for each row."""
    fields: tuple[tuple[str, Expression | int], ...]
    """Each field with its expression over `columns`, or its place in `made`."""

    def keys(self) -> list[Node]:
        """What is told apart, over the rows of the files."""
        names = names_of(self.part.files[0])
        found = [column(names.columns[each]) for each in self.columns]
        # Without any key there is one row.
        return [*found, *(scalar(each, names) for each in self.made)] or [number(0)]

    @property
    def names(self) -> list[str]:
        """What `keys` are called."""
        return [f"r{place}" for place in range(max(1, len(self.columns) + len(self.made)))]

    def read_names(self) -> Names:
        """How expressions over `columns` are printed where those have their new names."""
        types = dict(self.part.files[0].columns)
        return Names(columns={each: f"r{place}" for place, each in enumerate(self.columns)}, types=types)

    def values(self) -> list[tuple[str, Node]]:
        """Each field as text, missing as the empty text."""
        found = []
        for name, value in self.fields:
            if isinstance(value, int):
                node = column(f"r{len(self.columns) + value}")
            else:
                node = scalar(value, self.read_names())
            found.append((name, function("coalesce", node, text(""))))
        return found


def keys_of(part: BillPart, factor: str, fields: PartFields) -> FactorKeys:
    """What tells the rows of a factor apart in the files of a part."""
    expressions = [(name, field_expression(part, field)) for field, name in fields]
    if factor == TAGS and part.tags is not None:
        # The keys within the tags are read from each distinct text later.
        expressions = [(_TAGS_TEXT, part.tags)]
    types = dict(part.files[0].columns)
    plain: dict[str, None] = {}
    made: dict[Expression, int] = {}
    found: list[tuple[str, Expression | int]] = []
    if factor == MOMENTS:
        moments = (part.start, part.end, part.billing_month, part.currency)
        plain.update(dict.fromkeys(name for each in moments if each is not None for name in columns_in(each)))
    for name, expression in expressions:
        read = tuple(dict.fromkeys(columns_in(expression)))
        if all(each in plain for each in read):
            found.append((name, expression))
        elif len(read) == 1 and types[read[0]].startswith(_PLAIN) and _is_simple(expression):
            plain[read[0]] = None
            found.append((name, expression))
        else:
            found.append((name, made.setdefault(expression, len(made))))
    return FactorKeys(part, tuple(plain), tuple(made), tuple(found))


def _is_simple(expression: Expression) -> bool:
    match expression:
        case Call(operation, arguments):
            return operation in _SIMPLE and all(_is_simple(each) for each in arguments)
    return True


FACTOR = "factor"


def raw_name(factor: str, unit: int) -> str:
    """The table of a unit's distinct rows of a factor as the files have them."""
    return f"{factor}_raw_{unit}"


def raw_rows(keys: FactorKeys, into: str) -> Node:
    """Every distinct row of one factor: one reading of a few columns."""
    named = [alias(key, name) for key, name in zip(keys.keys(), keys.names, strict=True)]
    return create_table(into, select(named, reader(keys.part.files), distinct=True))


def raw_rows_together(keys: Mapping[str, FactorKeys], into: str) -> Node:
    """The distinct rows of several factors in one reading, for files of which every column must be read anyway.

    Its column FACTOR says of which factor a row is; its other columns are called by that and the key's name.
    """
    part = next(iter(keys.values())).part
    named = [
        alias(key, f"{factor}_{name}")
        for factor, each in keys.items()
        for key, name in zip(each.keys(), each.names, strict=True)
    ]
    rows = subquery(select(named, reader(part.files)), "rows")
    sets = [[f"{factor}_{name}" for name in each.names] for factor, each in keys.items()]
    marks = [exp.Anonymous(this="grouping", expressions=[column(names[0])]) for names in sets]
    which = case(
        *(each for factor, mark in zip(keys, marks, strict=True) for each in (equal(mark, number(0)), text(factor))),
        text(""),
    )
    every = [name for names in sets for name in names]
    grouped = select([alias(which, FACTOR), *columns(every)], rows)
    grouping = exp.GroupingSets(expressions=[exp.Tuple(expressions=columns(names)) for names in sets])
    grouped.set("group", exp.Group(grouping_sets=[grouping]))
    return create_table(into, grouped)


def raw_rows_of(together: str, factor: str, keys: FactorKeys, into: str) -> Node:
    """One factor's rows of what `raw_rows_together` read."""
    named = [alias(column(f"{factor}_{name}"), name) for name in keys.names]
    return create_table(into, select(named, table(together), where=equal(column(FACTOR), text(factor))))


def _all_raw(keys: FactorKeys, raw: Sequence[str]) -> Node:
    if len(raw) == 1:
        return table(raw[0])
    return subquery(
        select(
            [star()],
            subquery(union_all([select(columns(keys.names), table(each)) for each in raw]), "every"),
            distinct=True,
        ),
        "raw",
    )


def broken_tags(keys: FactorKeys, raw: Sequence[str]) -> Node:
    """One text of a part's tags that is no JSON object, if there is one."""
    return broken_among(subquery(_tag_texts(keys, raw), "texts"))


def _tag_texts(keys: FactorKeys, raw: Sequence[str], *others: Node) -> Node:
    (value,) = [value for name, value in keys.values() if name == _TAGS_TEXT]
    return select([alias(function("nullif", value, text("")), _TAGS_TEXT), *others], _all_raw(keys, raw))


def tag_keys(keys: FactorKeys, raw: str) -> Node:
    """Every key in the tags of a unit, in order; a missing one comes first where some tags are no JSON object."""
    tags = column(_TAGS_TEXT)
    is_object = equal(function("json_type", tags), text("OBJECT"))
    broken = exp.Array(expressions=[exp.Null()])
    found = case(
        function("json_valid", tags.copy()), case(is_object, function("json_keys", tags.copy()), broken), broken
    )
    texts = subquery(_tag_texts(keys, [raw]), "texts")
    lists = select([alias(found, "keys")], texts, where=is_present(tags.copy()), distinct=True)
    each = select([alias(function("unnest", column("keys")), "key")], subquery(lists, "lists"))
    return select([column("key")], subquery(each, "each"), distinct=True, order=[column("key")])


def keyed_rows(keys: FactorKeys, factor: str, fields: PartFields, raw: Sequence[str], salt: int, into: str) -> Node:
    """Each distinct row of the tables `raw` by the hash of its keys, with its fields and their hash as `row`."""
    key = alias(hashed(keys.names, salt), "key")
    names = factor_columns(factor, [name for _, name in fields])
    if factor == TAGS and keys.part.tags is not None:
        source = select([column("key"), *_tag_fields(fields)], subquery(_tag_texts(keys, raw, key), "texts"))
    else:
        dates = _dates(keys) if factor == MOMENTS else []
        values = [alias(value, name) for name, value in keys.values()]
        source = select([key, *dates, *values], _all_raw(keys, raw))
    row = alias(hashed(names, salt), "row")
    return create_table(into, select([column("key"), row, *columns(names)], subquery(source, "keyed")))


def _tag_fields(fields: PartFields) -> list[Node]:
    """The values of keys within a text of tags; the engine parses it once for all of them."""
    pointers = ["/" + field.name.replace("~", "~0").replace("/", "~1") for field, _ in fields]
    found = function(
        "json_extract_string", column(_TAGS_TEXT), exp.Array(expressions=[text(each) for each in pointers])
    )
    return [
        alias(function("coalesce", function("list_extract", found.copy(), number(place + 1)), text("")), name)
        for place, (_, name) in enumerate(fields)
    ]


def _dates(keys: FactorKeys) -> list[Node]:
    part, names = keys.part, keys.read_names()
    start, billed = scalar(part.start, names), scalar(part.billing_month, names)
    end = scalar(part.end, names) if part.end is not None else cast(exp.Null(), "TIMESTAMP")
    return [
        alias(cast(function("date_trunc", text("month"), billed), "DATE"), "month"),
        alias(cast(start, "DATE"), "day"),
        alias(_last_day(start.copy(), end), "until"),
        alias(scalar(part.currency, names), "currency"),
    ]


def _last_day(starts: Node, ends: Node) -> Node:
    """The last day a charge touches; a charge of up to a day, or without an end, has its day."""
    day = cast(starts.copy(), "DATE")
    length = binary(exp.Sub, ends.copy(), starts.copy())
    is_long = binary(exp.GT, length, exp.Interval(this=text("1"), unit=exp.Var(this="DAY")))
    moment = exp.Interval(this=text("1"), unit=exp.Var(this="MICROSECOND"))
    return case(is_long, cast(paren(binary(exp.Sub, ends, moment)), "DATE"), day)


def found_rows(keys: FactorKeys, keyed: str, raw: Mapping[int, str], salt: int) -> list[Node]:
    """For each unit (unit, row): which of the part's rows it has."""
    return [
        select(
            [alias(number(unit), "unit"), column("row")],
            table(name),
            joins=[join(table(keyed), on=equal(column("key"), hashed(keys.names, salt)))],
            distinct=True,
        )
        for unit, name in raw.items()
    ]


def all_found(factor: str, found: Sequence[Node]) -> Node:
    """Which unit has which rows of a factor."""
    return create_table(f"{factor}_found", union_all(list(found)))


def cells(
    part: BillPart,
    amounts: Mapping[str, Expression],
    factors: Mapping[str, tuple[FactorKeys, int, str]],
    into: str,
) -> Node:
    """A unit's charges summed by their classes: the second reading.

    `factors` has for each factor its keys, its salt, and the table (key, row) of the part; one without fields is not
    there and has one class. An amount that a charge lacks is 0.
    """
    names = names_of(part.files[0])
    joins, classes, values = [], [], []
    for factor in FACTORS:
        if factor not in factors:
            classes.append(alias(cast(number(0), "INTEGER"), factor))
            continue
        keys, salt, keyed = factors[factor]
        rows = join(table(f"{factor}_map"), using=["row"])
        numbers = select(columns(("key", "class")), table(keyed), joins=[rows])
        on = equal(column("key", f"of_{factor}"), column(f"{factor}_key", "charges"))
        joins.append(join(subquery(numbers, f"of_{factor}"), on=on, kind="LEFT"))
        classes.append(alias(column("class", f"of_{factor}"), factor))
        values.append(alias(function("hash", number(salt), *keys.keys()), f"{factor}_key"))
    # Below the joins: above them, planning long expressions takes several times as long.
    values += [alias(scalar(each, names), f"c{place}") for place, each in enumerate(amounts.values())]
    charges = subquery(select(values, counted(part)), "charges")
    classed_charges = [*classes, *columns(f"c{place}" for place in range(len(amounts)))]
    classed = subquery(select(classed_charges, charges, joins=joins), "classed")
    sums: list[Node] = [alias(function("count", star()), "rows")]
    for place in range(len(amounts)):
        value = column(f"c{place}")
        sums.append(alias(function("coalesce", summed(value), cast(number(0), MONEY)), f"c{place}"))
        sums.append(alias(function("count", value.copy()), f"n{place}"))
    return create_table(
        into, select([*columns(FACTORS), *sums], classed, group=[number(place + 1) for place in range(len(FACTORS))])
    )
