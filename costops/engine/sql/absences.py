"""The statements that hold what rules expect against the bill's values.

Invariant: they run on `classes` with a row for every combination of field values that the bill has, before any are
merged.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import Watched
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
    is_null,
    is_present,
    join,
    number,
    over,
    select,
    subquery,
    summed,
    table,
    text,
)

MOST_NEAR = 20
"""How many values spelled alike are looked at."""

_SEPARATORS = "[-_. ]"

Key = tuple[tuple[str, ...], str]
"""Columns of the keys that are read, and the column of the one that differs from them in case."""


def found_values(watched: Sequence[Watched]) -> Node:
    """One row: for each watched field whether it has a value, which expected values occur, and for each one that is
    expected in any case whether it does.
    """
    values: list[Node] = []
    for each in watched:
        has_value = disjunction(*(is_present(column(name)) for name in each.columns))
        values.append(_any_row(has_value))
        values.append(_occurring(each.columns, each.values_as_they_are))
        in_any_case = [
            _any_row(disjunction(*(equal(_lower(column(name)), _lower(text(value))) for name in each.columns)))
            for value in each.values_in_any_case
        ]
        values.append(exp.Array(expressions=in_any_case))
    return select(values, table("classes"))


def _any_row(test: Node) -> Node:
    return function("coalesce", function("bool_or", test), exp.false())


def _lower(value: Node) -> Node:
    return function("lower", value)


def _occurring(names: Sequence[str], expected: Sequence[str]) -> Node:
    """Which of some texts occur in any of the columns."""
    nothing = cast(exp.Array(expressions=[]), "VARCHAR[]")
    if not expected:
        return nothing
    lists = []
    for name in names:
        chosen = exp.In(this=column(name), expressions=[text(each) for each in expected])
        distinct = function("list", exp.Distinct(expressions=[column(name)]))
        filtered = exp.Filter(this=distinct, expression=exp.Where(this=chosen))
        lists.append(function("coalesce", filtered, nothing.copy()))
    return function("list_concat", *lists) if len(lists) > 1 else lists[0]


def near_values(each: Watched, absent: Sequence[str]) -> Node:
    """Values of a field that are spelled nearly like one that it lacks; a coarse choice."""
    value = column("value")
    plain = function("regexp_replace", function("lower", value), text(_SEPARATORS), text(""), text("g"))
    tests: list[Node] = []
    for word in absent:
        edits = function("damerau_levenshtein", function("lower", value.copy()), text(word.lower()))
        tests.append(binary(exp.LTE, edits, number(_most_edits(word))))
        tests.append(equal(plain.copy(), text(_plain(word))))
    found = select([alias(column(each.nearby), "value")], table("classes"), distinct=True)
    near = conjunction(is_present(value.copy()), disjunction(*tests))
    return select([value.copy()], subquery(found, "found"), where=near, order=[value.copy()]).limit(
        MOST_NEAR * len(absent)
    )


def _most_edits(word: str) -> int:
    # The engine counts bytes, of which a letter may have several.
    return 2 * max(1, min(3, len(word) // 4))


def _plain(word: str) -> str:
    return word.lower().translate({ord(each): None for each in "-_. "})


def tag_keys(tags: str) -> Node:
    """Every key in the distinct texts of a part's tags."""
    keys = alias(function("unnest", function("json_keys", column("tags"))), "key")
    return select([column("key")], subquery(select([keys], table(tags)), "keys"), distinct=True, order=[column("key")])


def tuples_by_case(keys: Sequence[Key]) -> Node:
    """Tuples in classes of whether they have a tag only under a key in another case."""
    flags = [alias(_only_other(each), f"case{place}") for place, each in enumerate(keys)]
    flagged = subquery(select([column("tuple"), *flags], table("tuples")), "flagged")
    number_of_class = over(function("dense_rank"), order=columns(f"case{place}" for place in range(len(keys))))
    return create_table("classes", select([column("tuple"), alias(number_of_class, "profile")], flagged))


def cost_by_case(keys: Sequence[Key], cost_place: int) -> Node:
    """(currency, cost that has each tag only under a key in another case)."""
    zero = cast(number(0), "HUGEINT")
    sums = [summed(case(_only_other(each), column(f"c{cost_place}"), zero.copy())) for each in keys]
    return select(
        [column("currency"), *sums],
        table("raw"),
        joins=[join(table("tuples"), using=["tuple"])],
        group=[number(1)],
        order=[number(1)],
    )


def _only_other(key: Key) -> Node:
    read, other = key
    present = [is_null(function("nullif", column(name), text(""))) for name in read]
    return conjunction(*present, is_present(function("nullif", column(other), text(""))))
