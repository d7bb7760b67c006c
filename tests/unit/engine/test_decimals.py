"""Numbers of a bill as exact decimals: the engine reads every text and number as costops.money does."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator, Sequence
from decimal import Decimal

import duckdb
import pytest

from costops.engine.sql.decimals import exact_decimal, picos
from costops.engine.sql.syntax import column, select, table, text_of
from costops.money import parse_picos


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def read(
    connection: duckdb.DuckDBPyConnection, kind: str, values: Sequence[object], *, shown_as: str = "value"
) -> list[tuple[object, int | None]]:
    """Each value, shown by an expression, with what the engine reads from it, in picos."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE numbers (place INTEGER, value {kind})")
    connection.execute(
        "INSERT INTO numbers SELECT unnest(range(len($1))), unnest($1::VARCHAR[])::" + kind, [list(values)]
    )
    reading = text_of(select([column("place"), picos(exact_decimal(column("value"), kind))], table("numbers")))
    query = f"SELECT {shown_as}, read FROM numbers JOIN ({reading}) AS r(place, read) USING (place) ORDER BY place"
    return [(shown, None if found is None else int(found)) for shown, found in connection.execute(query).fetchall()]


def written(drawn: random.Random) -> str:
    """The text of a number as a person, a spreadsheet or a program may write it."""
    whole = "".join(drawn.choices("0123456789", k=drawn.randrange(13)))
    places = drawn.randrange(26)
    fraction = "".join(drawn.choices("0123456789", k=places))
    if drawn.random() < 0.4:
        beyond = drawn.choice(["5", "50000000", "5" + "0" * 30 + "1", "4" + "9" * 30, "49", "51", "0", "9" * 12])
        fraction = fraction[:12].ljust(12, drawn.choice("0123456789")) + beyond
    if not whole and not fraction:
        whole = "0"
    text = whole + (f".{fraction}" if fraction or drawn.random() < 0.2 else "")
    if drawn.random() < 0.3:
        mark = drawn.choice(["e", "E"])
        small = drawn.choice(["-", "-0"]) + str(drawn.randrange(20))
        large = drawn.choice(["", "+", "0"]) + str(drawn.randrange(17 - len(whole)))
        text += mark + drawn.choice([small, large])
    blank = drawn.choice(["", "", "", " "])
    return blank + drawn.choice(["", "", "-", "+"]) + text + blank


def test_text_is_read_as_money_reads_it(connection: duckdb.DuckDBPyConnection) -> None:
    drawn = random.Random(20250917)
    texts = [written(drawn) for _ in range(5000)]
    found = read(connection, "VARCHAR", texts)
    assert [(text, value) for text, value in found if value != parse_picos(str(text))] == []


HARD_TEXTS = [
    "0.0000000000005",
    "0.0000000000015",
    "0.0000000000025",
    "-0.0000000000005",
    "-0.0000000000015",
    "5e-13",
    "15e-13",
    "25e-13",
    "-15E-13",
    "0.00000000000050000000000000000000000000000000000000000000001",
    "0.00000000000049999999999999999999999999999999999999999999999",
    "0.00000000000149999999999999999999",
    "0.000000000001500000000000000000001",
    "0.99999999999950",
    "0.9999999999995",
    "9.9999999999994999999999999999999999999",
    "-99999.9999999999995",
    "123456789012345678.0000000000005",
    "99999999999999999999999999.999999999999",
    "-99999999999999999999999999.999999999999",
    "12345678901234567890.1234567890125",
    "12345678901234567890.1234567890135",
    "1e25",
    "1e-999",
    "0e999",
    "1.5e+3",
    "00012.50",
    "+.5E1",
    "5.",
    ".5",
    "-0",
    "-0.0e0",
    " 1.25 ",
]


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_a_text_at_the_edge_is_read_as_money_reads_it(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    assert read(connection, "VARCHAR", [text]) == [(text, parse_picos(text))]


NO_NUMBERS = [
    *("", " ", "abc", "nan", "NaN", "inf", "-inf", "Infinity", "1,5", "1,234.50", "$5", "1 2"),
    *("0x10", "1e", "e5", ".", "--1", "5 USD", "true", "1e26"),
]


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_text_that_is_no_finite_number_fails(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    with pytest.raises(duckdb.Error):
        read(connection, "VARCHAR", [text])


def test_missing_stays_missing(connection: duckdb.DuckDBPyConnection) -> None:
    for kind in ("VARCHAR", "DOUBLE", "FLOAT", "DECIMAL(38,18)", "DECIMAL(10,2)", "BIGINT"):
        assert read(connection, kind, [None, "1"]) == [(None, None), (read(connection, kind, ["1"])[0][0], 10**12)]


def doubles(drawn: random.Random) -> Iterator[float]:
    for _ in range(5000):
        yield drawn.uniform(-1e4, 1e4)
        yield round(drawn.uniform(-1e3, 1e3), drawn.randrange(16))
        yield drawn.uniform(-1, 1) * 10.0 ** drawn.randrange(-15, 12)
        any_bits: float = struct.unpack("d", struct.pack("Q", drawn.getrandbits(64)))[0]
        if abs(any_bits) < 1e17:
            yield any_bits


def test_a_double_is_the_shortest_decimal_that_reads_back_to_it(connection: duckdb.DuckDBPyConnection) -> None:
    values = [
        *doubles(random.Random(7)),
        0.1,
        0.2,
        0.1 + 0.2,
        1e-12,
        5e-13,
        1.5e-12,
        2.5e-12,
        5e-324,
        1e16,
        123456789.123456789,
    ]
    found = read(connection, "DOUBLE", [repr(value) for value in values])
    assert [(value, picos) for value, picos in found if picos != parse_picos(repr(value))] == []


def test_a_float_is_the_shortest_decimal_that_reads_back_to_it(connection: duckdb.DuckDBPyConnection) -> None:
    assert [value for _, value in read(connection, "FLOAT", ["0.1", "16777216", "3.4e-5"])] == [
        100_000_000_000,
        16_777_216 * 10**12,
        34_000_000,
    ]


@pytest.mark.parametrize("text", ["nan", "inf", "-inf"])
@pytest.mark.parametrize("kind", ["DOUBLE", "FLOAT"])
def test_a_double_that_is_no_finite_number_fails(connection: duckdb.DuckDBPyConnection, kind: str, text: str) -> None:
    with pytest.raises(duckdb.Error):
        read(connection, kind, [text])


@pytest.mark.parametrize("scale", [0, 2, 12, 13, 15, 18, 20, 24, 30])
def test_a_decimal_of_any_scale_is_rounded_half_even_once(connection: duckdb.DuckDBPyConnection, scale: int) -> None:
    drawn = random.Random(scale)
    kind = f"DECIMAL(38,{scale})"
    units = [drawn.randrange(-(10 ** min(25, scale + 8)), 10 ** min(25, scale + 8)) for _ in range(300)]
    ties = (
        [sign * (2 * each + 1) * 5 * 10 ** (scale - 13) for each in range(40) for sign in (1, -1)] if scale > 12 else []
    )
    every = [*units, *ties, *(tie + 1 for tie in ties), *(tie - 1 for tie in ties)]
    texts = [f"{Decimal(each).scaleb(-scale):f}" for each in every]
    found = read(connection, kind, texts, shown_as="value::VARCHAR")
    assert [(shown, value) for shown, value in found if value != parse_picos(str(shown))] == []


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("TINYINT", [-128, 0, 127]),
        ("SMALLINT", [-32768, 32767]),
        ("INTEGER", [-(2**31), 2**31 - 1]),
        ("BIGINT", [-(2**63), 2**63 - 1]),
        ("UBIGINT", [2**64 - 1]),
        ("HUGEINT", [-(10**25), 10**25]),
        ("UHUGEINT", [10**25]),
    ],
)
def test_integers_are_whole_units(connection: duckdb.DuckDBPyConnection, kind: str, values: list[int]) -> None:
    assert read(connection, kind, values) == [(value, value * 10**12) for value in values]
