"""The statements that hold what rules expect against the bill's values.

Invariant: they see every value that a charge of the bill has, and none that is there only because it once stood for
others.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.factors import JOINT
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    conjunction,
    disjunction,
    equal,
    function,
    is_null,
    is_present,
    join,
    number,
    select,
    star,
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


Expected = tuple[Sequence[str], Sequence[str], Sequence[str]]
"""Columns, values that are expected in them as they are, and values that are expected in any case."""


def _occurring(source: str) -> Node:
    """What charges of the bill have, in a factor or in combinations of classes."""
    if source == JOINT:
        return subquery(select([star()], table("joint_values"), where=column("occurs")), "occurring")
    found = select([column("row")], table(f"{source}_found"), distinct=True)
    values = select([star()], table(f"{source}_values"), joins=[join(subquery(found, "found"), using=["row"])])
    return subquery(values, "occurring")


def found_values(source: str, expected: Sequence[Expected]) -> Node:
    """One row: for each field whether it has a value, which expected values occur, and for each one that is expected
    in any case whether it does. `source` is a factor, or JOINT.
    """
    values: list[Node] = []
    for names, as_they_are, in_any_case in expected:
        has_value = disjunction(*(is_present(column(name)) for name in names))
        values.append(_any_row(has_value))
        values.append(_those_of(names, as_they_are))
        tests = [
            _any_row(disjunction(*(equal(_lower(column(name)), _lower(text(value))) for name in names)))
            for value in in_any_case
        ]
        values.append(exp.Array(expressions=tests))
    return select(values, _occurring(source))


def _any_row(test: Node) -> Node:
    return function("coalesce", function("bool_or", test), exp.false())


def _lower(value: Node) -> Node:
    return function("lower", value)


def _those_of(names: Sequence[str], expected: Sequence[str]) -> Node:
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


def near_values(source: str, name: str, absent: Sequence[str]) -> Node:
    """Values of a column that are spelled nearly like one that it lacks; a coarse choice."""
    value = column("value")
    plain = function("regexp_replace", function("lower", value), text(_SEPARATORS), text(""), text("g"))
    tests: list[Node] = []
    for word in absent:
        edits = function("damerau_levenshtein", function("lower", value.copy()), text(word.lower()))
        tests.append(binary(exp.LTE, edits, number(_most_edits(word))))
        tests.append(equal(plain.copy(), text(_plain(word))))
    found = select([alias(column(name), "value")], _occurring(source), distinct=True)
    near = conjunction(is_present(value.copy()), disjunction(*tests))
    return select([value.copy()], subquery(found, "found"), where=near, order=[value.copy()]).limit(
        MOST_NEAR * len(absent)
    )


def _most_edits(word: str) -> int:
    # The engine counts bytes, of which a letter may have several.
    return 2 * max(1, min(3, len(word) // 4))


def _plain(word: str) -> str:
    return word.lower().translate({ord(each): None for each in "-_. "})


def cost_by_case(keys: Sequence[Key], cost_place: int) -> Node:
    """(currency, cost that has each tag only under a key in another case)."""
    zero = cast(number(0), "HUGEINT")
    sums = [summed(case(_only_other(each), column(f"c{cost_place}"), zero.copy())) for each in keys]
    return select(
        [column("currency"), *sums],
        table("sums"),
        joins=[join(table("tuples"), using=["tuple"])],
        group=[number(1)],
        order=[number(1)],
    )


def _only_other(key: Key) -> Node:
    read, other = key
    present = [is_null(function("nullif", column(name), text(""))) for name in read]
    return conjunction(*present, is_present(function("nullif", column(other), text(""))))
