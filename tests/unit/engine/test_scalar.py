"""Every operation of an expression, printed and run: what it says of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import product

import duckdb
import pytest

from costops.engine.sql.lookups import lookup_table
from costops.engine.sql.scalar import WHITE_SPACE, Names, layered, scalar
from costops.engine.sql.syntax import alias, cast, column, select, subquery, table, text, text_of
from costops.model.expression import OPERATIONS, Column, Expression, Literal, call

Value = Callable[..., object]
A, B = Column("a"), Column("b")
TRUE, FALSE, MISSING = Literal(True), Literal(False), Literal(None)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        opened.execute("SET TimeZone = 'UTC'")
        yield opened


@pytest.fixture
def value(connection: duckdb.DuckDBPyConnection) -> Value:
    """Runs an expression on one row whose columns `a` and `b` are given as texts."""

    def run(expression: Expression, a: str | None = None, b: str | None = None) -> object:
        connection.execute("CREATE OR REPLACE TEMP TABLE one AS SELECT $1::VARCHAR AS a, $2::VARCHAR AS b", [a, b])
        return connection.execute(text_of(select([scalar(expression)], table("one")))).fetchall()[0][0]

    return run


def typed(connection: duckdb.DuckDBPyConnection, operation: str, kind: str, written: str) -> object:
    """An operation on a value of an engine type."""
    expression = scalar(call(operation, A), Names(types={"a": kind}))
    source = subquery(select([alias(cast(text(written), kind), "a")]), "one")
    return connection.execute(text_of(select([expression], source))).fetchall()[0][0]


TEXT_CASES: list[tuple[str, tuple[Expression, ...], str | None, object]] = [
    # operation, further arguments, text, result
    ("contains", (Literal("b"),), "abc", True),
    ("contains", (Literal("B"),), "abc", False),
    ("contains", (Literal("%"),), "abc", False),
    ("contains", (Literal("."),), "a.c", True),
    ("starts_with", (Literal("ab"),), "abc", True),
    ("starts_with", (Literal("bc"),), "abc", False),
    ("starts_with", (Literal("_"),), "abc", False),
    ("ends_with", (Literal("bc"),), "abc", True),
    ("ends_with", (Literal("ab"),), "abc", False),
    ("like", (Literal("a%"),), "abc", True),
    ("like", (Literal("a%"),), "ba", False),
    ("like", (Literal("a_c"),), "abc", True),
    ("like", (Literal("a_c"),), "ac", False),
    ("like", (Literal("_"),), "😀", True),
    ("like", (Literal("b"),), "abc", False),
    ("like", (Literal("ABC"),), "abc", False),
    ("like", (Literal("a%c"),), "a\nb\nc", True),
    ("like", (Literal(r"a\%c"),), r"a\xc", True),
    ("like", (Literal(r"a\%c"),), "a%c", False),
    ("like", (Literal("%"),), "", True),
    ("matches", (Literal("a.c"),), "abc", True),
    ("matches", (Literal("b"),), "abc", False),
    ("matches", (Literal("ab|x"),), "abx", False),
    ("matches", (Literal("a|ab"),), "ab", True),
    ("matches", (Literal("ABC"),), "abc", False),
    ("matches", (Literal("a.c"),), "a\nc", True),
    ("matches", (Literal("ab"),), "ab\n", False),
    ("matches", (Literal(r"it's \\ \d+"),), "it's \\ 42", True),
    ("matches_ignoring_case", (Literal("ABC"),), "abc", True),
    ("matches_ignoring_case", (Literal("É."),), "éx", True),
    ("matches_ignoring_case", (Literal("B"),), "abc", False),
    ("less", (Literal("b"),), "a", True),
    ("less", (Literal("a"),), "a", False),
    ("less", (Literal("a"),), "Z", True),
    ("less", (Literal("z"),), "é", False),
    ("less", (Literal("\U0001f600"),), "\uffff", True),
    ("less", (Literal("2025-09"),), "2025-08-31", True),
    ("less_or_equal", (Literal("a"),), "a", True),
    ("less_or_equal", (Literal("a"),), "b", False),
    ("prefix", (Literal(2),), "abc", "ab"),
    ("prefix", (Literal(9),), "abc", "abc"),
    ("prefix", (Literal(0),), "abc", ""),
    ("prefix", (Literal(2),), "😀éx", "😀é"),
    ("prefix", (Literal(1),), "e\u0301x", "e"),
    ("present", (), "", None),
    ("present", (), " ", " "),
    ("present", (), "a", "a"),
    ("trim", (), " a b ", "a b"),
    ("trim", (), "\t\r\n a\u00a0\u3000", "a"),
    ("trim", (), "\u200ba", "\u200ba"),
    ("trim", (), "   ", ""),
    ("lower", (), "ÀB1_ß", "àb1_ß"),
    ("lower", (), "İΣ", "iσ"),
    ("upper", (), "àb1_", "ÀB1_"),
    ("upper", (), "ŉﬁ", "ŉﬁ"),
    ("title", (), "o'neil mc-donald x1y éa", "O'Neil Mc-Donald X1y Éa"),
    ("title", (), "ALL CAPS_and 9lives", "All Caps_And 9lives"),
    ("title", (), "", ""),
    ("normalize", (), "  Team A / Ünit--7_ ", "team-a-ünit-7"),
    ("normalize", (), "---", ""),
    ("normalize", (), "a", "a"),
    ("split", (Literal("-"), Literal(0)), "a-b-c", "a"),
    ("split", (Literal("-"), Literal(2)), "a-b-c", "c"),
    ("split", (Literal("-"), Literal(3)), "a-b-c", None),
    ("split", (Literal("-"), Literal(-1)), "a-b-c", "c"),
    ("split", (Literal("-"), Literal(-3)), "a-b-c", "a"),
    ("split", (Literal("-"), Literal(-4)), "a-b-c", None),
    ("split", (Literal("-"), Literal(0)), "abc", "abc"),
    ("split", (Literal("-"), Literal(1)), "a--c", ""),
    ("split", (Literal("."), Literal(1)), "a.b", "b"),
    ("split", (Literal("||"), Literal(1)), "a||b", "b"),
    ("split", (Literal("'"), Literal(1)), "a'b", "b"),
    ("replace", (Literal("X"), Literal("y")), "aXbX", "ayby"),
    ("concat", (Literal(" - "), Literal("it's")), "a", "a - it's"),
    ("concat", (Literal(None),), "a", None),
    ("replace", (Literal("."), Literal("")), "a.b", "ab"),
    ("replace", (Literal("\\"), Literal("'")), "a\\b", "a'b"),
    ("json_key", (Literal("a"),), '{"a": "b"}', "b"),
    ("json_key", (Literal("a"),), '{"b": "b"}', None),
    ("json_key", (Literal("a"),), '{"a": null}', None),
    ("json_key", (Literal("a"),), '{"a": true}', "true"),
    ("json_key", (Literal("a"),), '{"a": 7}', "7"),
    ("json_key", (Literal("a"),), '{"a": ""}', ""),
    ("json_key", (Literal("a"),), '{"a": "l\\n\\u00e9"}', "l\né"),
    ("json_key", (Literal("Env"),), '{"env": "x", "Env": "y"}', "y"),
    ("json_key", (Literal("user:env"),), '{"user:env": "x"}', "x"),
    ("json_key", (Literal("a/b~c"),), '{"a/b~c": "x"}', "x"),
    ("json_key", (Literal("a.b"),), '{"a": {"b": "no"}, "a.b": "x"}', "x"),
    ("json_key", (Literal("0"),), '{"0": "x"}', "x"),
    ("json_key", (Literal("a[0]*$"),), '{"a[0]*$": "x"}', "x"),
    ("json_key", (Literal("it's \"q\""),), '{"it\'s \\"q\\"": "x"}', "x"),
    ("json_key", (Literal("clé"),), '{"cl\\u00e9": "x"}', "x"),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "arguments", "given", "expected"), TEXT_CASES)
def test_an_operation_on_a_text(
    value: Value, operation: str, arguments: tuple[Expression, ...], given: str | None, expected: object
) -> None:
    assert value(call(operation, A, *arguments), given) == expected


BY_TEXT = sorted({(operation, arguments) for operation, arguments, _, _ in TEXT_CASES}, key=repr)
TESTS = ("contains", "starts_with", "ends_with", "like", "matches", "matches_ignoring_case", "less", "less_or_equal")


@pytest.mark.parametrize(("operation", "arguments"), BY_TEXT)
def test_an_operation_on_a_missing_text_yields_nothing(
    value: Value, operation: str, arguments: tuple[Expression, ...]
) -> None:
    assert value(call(operation, A, *arguments)) is None


@pytest.mark.parametrize("operation", [*TESTS, "equals", "in"])
def test_a_missing_value_fails_every_test_and_satisfies_its_negation(value: Value, operation: str) -> None:
    failed = call(operation, A, Literal("x"))
    assert value(call("not", failed)) is True
    assert value(call("case", failed, Literal("yes"), Literal("no"))) == "no"
    assert value(call("case", call("or", failed, FALSE), Literal("yes"), Literal("no"))) == "no"
    assert value(call("not", call("and", TRUE, failed))) is True
    assert value(call("not", call("or", FALSE, failed))) is True
    assert value(call("not", call("not", failed))) is False


@pytest.mark.parametrize(
    ("a", "b", "expected"), [("x", "x", True), ("x", "X", False), ("x", "x ", False), ("", "", True)]
)
def test_equals_compares_texts_exactly(value: Value, a: str, b: str, expected: bool) -> None:
    assert value(call("equals", A, B), a, b) is expected


def test_in_is_one_of_several(value: Value) -> None:
    assert value(call("in", A, Literal("x"), Literal("y")), "y") is True
    assert value(call("in", A, Literal("x"), Literal("y")), "Y") is False
    assert value(call("in", call("lower", A), Literal("y")), "Y") is True
    assert value(call("in", call("case", TRUE, A, MISSING), Literal("y")), "y") is True


def test_is_missing_sees_null_alone(value: Value) -> None:
    assert [value(call("is_missing", A), given) for given in (None, "", "NULL")] == [True, False, False]
    assert value(call("is_missing", call("present", A)), "") is True


@pytest.mark.parametrize("truths", list(product([True, False], repeat=3)))
def test_and_or_and_not_nest_as_they_are_written(value: Value, truths: tuple[bool, bool, bool]) -> None:
    p, q, r = truths
    x, y, z = (call("equals", A, Literal("t" if each else "f")) for each in truths)
    cases = [
        (call("and", x, y, z), p and q and r),
        (call("or", x, y, z), p or q or r),
        (call("and", x, call("or", y, z)), p and (q or r)),
        (call("and", call("or", x, y), z), (p or q) and r),
        (call("or", x, call("and", y, z)), p or (q and r)),
        (call("or", call("and", x, y), z), (p and q) or r),
        (call("not", call("and", x, y)), not (p and q)),
        (call("not", call("or", x, y)), not (p or q)),
        (call("and", call("not", x), call("not", call("or", y, z))), not p and not (q or r)),
        (call("or", call("not", call("and", x, call("not", y))), z), not (p and not q) or r),
        (call("equals", call("or", x, y), call("and", y, z)), (p or q) == (q and r)),
        (call("is_missing", call("or", x, y)), False),
        (call("case", call("or", x, y), call("and", y, z), call("not", z)), (q and r) if p or q else not r),
    ]
    assert [value(expression, "t") for expression, _ in cases] == [expected for _, expected in cases]


def test_no_part_is_true_for_and_and_false_for_or(value: Value) -> None:
    assert value(call("and")) is True
    assert value(call("or")) is False
    assert value(call("and", FALSE)) is False
    assert value(call("or", TRUE)) is True


def test_case_takes_the_first_condition_that_holds(value: Value) -> None:
    is_x, has_y = call("equals", A, Literal("x")), call("contains", A, Literal("y"))
    expression = call("case", is_x, Literal("first"), has_y, Literal("second"), Literal("otherwise"))
    assert [value(expression, given) for given in ("x", "xy", "z", None)] == [
        "first",
        "second",
        "otherwise",
        "otherwise",
    ]
    assert value(call("case", is_x, MISSING, Literal("otherwise")), "x") is None


def test_first_present_passes_over_missing_values_alone(value: Value) -> None:
    expression = call("first_present", A, B, Literal("default"))
    assert [value(expression, *given) for given in (("", "b"), (None, "b"), (None, None))] == ["", "b", "default"]
    assert value(call("first_present", A)) is None


ODD_TEXTS = [
    "it's",
    "''",
    '"quoted"',
    "back\\slash",
    "\\'",
    "\\n",
    "new\nline",
    "tab\t",
    "semi; DROP TABLE one; --",
    "/* comment */",
    "$1 ? :name {x} %s",
    "$$dollar$$",
    "naïve 😀 \u202e \u200b",
    "e\u0301",
    " spaced ",
    "E'escape'",
    "x'00'",
    "NULL",
    "1",
]


@pytest.mark.parametrize("odd", ODD_TEXTS)
def test_a_literal_is_its_text_whatever_its_characters(value: Value, odd: str) -> None:
    assert value(Literal(odd)) == odd
    assert value(call("equals", A, Literal(odd)), odd) is True
    assert value(call("in", A, Literal("other"), Literal(odd)), odd) is True
    assert value(call("replace", A, Literal(odd), Literal("")), f"<{odd}>") == "<>"
    assert value(call("json_key", A, Literal("k")), '{"k": ' + '"x"}') == "x"


def test_literals_keep_their_type(value: Value) -> None:
    assert value(Literal(True)) is True
    assert value(Literal(False)) is False
    assert value(Literal(7)) == 7
    assert value(Literal(-7)) == -7
    assert value(Literal("7")) == "7"
    assert value(Literal(None)) is None
    assert value(Literal("")) == ""


def test_names_that_differ_in_case_alone_are_two_columns(connection: duckdb.DuckDBPyConnection) -> None:
    names = Names(columns={"Env": "c0", "env": "c1", 'tag "x"; --': "c2"})
    connection.execute("CREATE OR REPLACE TEMP TABLE cells AS SELECT 'upper' AS c0, 'lower' AS c1, 'odd' AS c2")
    values = [scalar(Column(name), names) for name in ("Env", "env", 'tag "x"; --')]
    assert connection.execute(text_of(select(values, table("cells")))).fetchall() == [("upper", "lower", "odd")]


def test_a_column_whose_name_is_odd_is_quoted(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute('CREATE OR REPLACE TEMP TABLE odd AS SELECT \'x\' AS "a ""b"" -- c", \'y\' AS "select"')
    values = [scalar(Column('a "b" -- c')), scalar(Column("select"))]
    assert connection.execute(text_of(select(values, table("odd")))).fetchall() == [("x", "y")]


# Values of other types


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        ("VARCHAR", "x", "x"),
        ("TIMESTAMP", "2025-04-01 12:30:00", "2025-04-01T12:30:00Z"),
        ("TIMESTAMP WITH TIME ZONE", "2025-04-01 01:30:00+02:00", "2025-03-31T23:30:00Z"),
        ("TIMESTAMP_NS", "2025-04-01 12:30:00", "2025-04-01T12:30:00Z"),
        ("DATE", "2025-04-01", "2025-04-01"),
        ("BOOLEAN", "true", "true"),
        ("INTEGER", "-7", "-7"),
        ("DECIMAL(10,2)", "1.5", "1.50"),
        ("DOUBLE", "0.1", "0.1"),
        ("MAP(VARCHAR, VARCHAR)", "{k=v}", '{"k":"v"}'),
        ("STRUCT(k VARCHAR, n INTEGER)", "{'k': v, 'n': 1}", '{"k":"v","n":1}'),
    ],
)
def test_any_value_is_text(connection: duckdb.DuckDBPyConnection, kind: str, written: str, expected: str) -> None:
    assert typed(connection, "text", kind, written) == expected


@pytest.mark.parametrize(
    ("kind", "written", "expected"),
    [
        ("VARCHAR", "2025-04-01", "2025-04-01T00:00"),
        ("VARCHAR", "2025-04-01T00:00:00Z", "2025-04-01T00:00"),
        ("VARCHAR", "2025-04-01 06:30:00", "2025-04-01T06:30"),
        ("VARCHAR", "2025-04-01T00:00:00+02:00", "2025-03-31T22:00"),
        ("VARCHAR", "2025-04-01T00:00:00.000-05:00", "2025-04-01T05:00"),
        ("DATE", "2025-04-01", "2025-04-01T00:00"),
        ("TIMESTAMP", "2025-04-01 06:30:00", "2025-04-01T06:30"),
        ("TIMESTAMP_MS", "2025-04-01 06:30:00", "2025-04-01T06:30"),
        ("TIMESTAMP WITH TIME ZONE", "2025-04-01 00:00:00+02:00", "2025-03-31T22:00"),
    ],
)  # fmt: skip
def test_a_moment_is_in_utc(connection: duckdb.DuckDBPyConnection, kind: str, written: str, expected: str) -> None:
    found = typed(connection, "timestamp", kind, written)
    assert isinstance(found, datetime)
    assert found.isoformat(timespec="minutes") == expected


@pytest.mark.parametrize("written", ["", "yesterday", "10/04/2025", "2025-13-01", "2025-02-30", "20250401"])
def test_a_text_that_is_no_moment_fails(connection: duckdb.DuckDBPyConnection, written: str) -> None:
    with pytest.raises(duckdb.Error):
        typed(connection, "timestamp", "VARCHAR", written)


def test_a_decimal_has_twelve_places_rounded_half_even(connection: duckdb.DuckDBPyConnection) -> None:
    assert typed(connection, "decimal", "VARCHAR", "0.0000000000015") == Decimal("0.000000000002")
    assert typed(connection, "decimal", "DOUBLE", "0.1") == Decimal("0.1")
    with pytest.raises(duckdb.Error):
        typed(connection, "decimal", "VARCHAR", "abc")


def test_numbers_add_up_with_missing_ones_as_zero(value: Value) -> None:
    a, b = call("decimal", A), call("decimal", B)
    assert value(call("add", a, b), "0.1", "0.2") == Decimal("0.3")
    assert value(call("add", a, b, a), "1", None) == Decimal(2)
    assert value(call("add", a, b)) == 0
    assert value(call("add", a), "7") == 7
    assert value(call("subtract", a, b), "0.3", "0.1") == Decimal("0.2")
    assert value(call("subtract", a, b), None, "0.1") == Decimal("-0.1")
    assert value(call("subtract", a, b), "5", None) == 5
    assert value(call("subtract", a, call("subtract", b, a)), "5", "3") == 7
    assert value(call("subtract", a, call("add", b, b)), "5", "3") == -1


def test_a_key_of_a_map_is_found_or_missing(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("CREATE OR REPLACE TEMP TABLE maps AS SELECT MAP {'k': 'v', 'it''s': 'w'} AS a")
    values = [scalar(call("map_key", A, Literal(key))) for key in ("k", "it's", "K")]
    assert connection.execute(text_of(select(values, table("maps")))).fetchall() == [("v", "w", None)]


@pytest.mark.parametrize(
    ("key", "expected"),
    [("a", "x"), ("A", None), ("it's", 'say "no"'), ("", None), (None, None), ("empty", "")],
)
def test_a_text_is_looked_up_exactly_or_missing(
    connection: duckdb.DuckDBPyConnection, value: Value, key: str | None, expected: str | None
) -> None:
    keys, values = ["a", "it's", "empty"], ["x", 'say "no"', ""]
    connection.execute(text_of(lookup_table("lookup_7")), [keys, values])
    assert value(call("lookup", A, Literal("lookup_7")), a=key) == expected


@pytest.mark.parametrize("operation", ["title", "normalize", "trim", "upper"])
def test_what_is_looked_up_may_be_computed(connection: duckdb.DuckDBPyConnection, value: Value, operation: str) -> None:
    connection.execute(
        text_of(lookup_table("lookup_0")), [["Ab", "ab", "aB", "AB"], ["title", "normalize", "trim", "upper"]]
    )
    looked_up = call("lookup", call(operation, A), Literal("lookup_0"))
    assert value(call("case", call("is_missing", B), looked_up, Literal("no")), a="aB") == operation


def test_every_operation_is_tried_here() -> None:
    tried = {operation for operation, *_ in TEXT_CASES}
    tried |= {"and", "or", "not", "equals", "in", "is_missing", "case", "first_present"}
    tried |= {"text", "timestamp", "decimal", "add", "subtract", "map_key", "lookup"}
    assert tried == set(OPERATIONS)


def test_white_space_is_what_unicode_calls_so(value: Value) -> None:
    assert len(WHITE_SPACE) == 25
    assert value(call("trim", A), f"{WHITE_SPACE}a{WHITE_SPACE}b{WHITE_SPACE}") == f"a{WHITE_SPACE}b"


def test_each_layer_reads_the_columns_before_it(connection: duckdb.DuckDBPyConnection) -> None:
    layers = (
        (("x0", call("lower", A)), ("x1", call("present", B))),
        (("x2", call("first_present", Column("x1"), Column("x0"))),),
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE base AS SELECT 'Q' AS a, '' AS b")
    query = select([column("x2"), column("a")], layered(table("base"), layers))
    assert connection.execute(text_of(query)).fetchall() == [("q", "Q")]
