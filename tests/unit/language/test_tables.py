"""The text of a lookup table: rows, and every mistake with its place."""

from __future__ import annotations

import pytest

from costops.language.tables import ReadTable, read_table


def read(text: str | bytes) -> ReadTable:
    return read_table("rules/teams.csv", text.encode() if isinstance(text, str) else text)


def problems(text: str | bytes) -> list[str]:
    found = []
    for each in read(text).diagnostics:
        assert each.span is not None
        assert each.span.file == "rules/teams.csv"
        found.append(f"{each.span.line}:{each.span.column} {each.code} {each.message}")
    return found


def test_the_first_row_is_no_key_and_the_rest_is_sorted_by_key() -> None:
    table = read("team,unit\nsearch,Discovery\ncheckout,Commerce\n")
    assert table.diagnostics == ()
    assert table.rows == (("checkout", "Commerce"), ("search", "Discovery"))


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("k,v\na,b", (("a", "b"),)),
        ("k,v\r\na,b\r\n", (("a", "b"),)),
        ("k,v\ra,b\rc,d\r", (("a", "b"), ("c", "d"))),
        ("\n\nk,v\n\na,b\n\n", (("a", "b"),)),
        ("\ufeffk,v\na,b\n", (("a", "b"),)),
        ('"k","v"\n"a, b","say ""no""\nor yes"\n', (("a, b", 'say "no"\nor yes'),)),
        ("k,v\n a ,\tb\n", ((" a ", "\tb"),)),
        ("k,v\nA,1\na,2\nä,3\n", (("A", "1"), ("a", "2"), ("ä", "3"))),
        ("k,v\na,\nb,x\n", (("b", "x"),)),
        ('k,v\na,""\n', ()),
        ("k,v\n", ()),
        ("k,v\n012,01\nnull,true\n", (("012", "01"), ("null", "true"))),
    ],
)
def test_texts_are_exactly_what_is_written(text: str, rows: tuple[tuple[str, str], ...]) -> None:
    table = read(text)
    assert (table.diagnostics, table.rows) == ((), rows)


def test_a_row_has_its_place_whatever_line_breaks_are_in_the_quotes_before_it() -> None:
    table = read('k,v\n"a\nb",c\r\nd,e\n')
    assert [(name, place.line, place.column) for name, place in table.places.items()] == [
        ("rows.a\nb", 2, 1),
        ("rows.d", 4, 1),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["1:1 CO116 the table is empty"]),
        ("\n\n", ["1:1 CO116 the table is empty"]),
        ("k\na\nb\n", ["1:1 CO116 a lookup table has two columns, and this one has 1"]),
        ("k;v\na;b\n", ["1:1 CO116 a lookup table has two columns, and this one has 1"]),
        ("k,v,w\na,b,c\n", ["1:1 CO116 a lookup table has two columns, and this one has 3"]),
        (
            "k,v\na\na,b,c\nd,e\n",
            [
                "2:1 CO116 this row has 1 column, and the table has two",
                "3:1 CO116 this row has 3 columns, and the table has two",
            ],
        ),
        ("k,v\na,b\n,c\n", ["3:1 CO209 the key is empty"]),
        ("k,v\na,b\nc,d\na,b\n", ["4:1 CO117 the key `a` stands in this table twice"]),
        ("k,v\na,\na,b\n", ["3:1 CO117 the key `a` stands in this table twice"]),
        ('k,v\na,"b\nc,d\n', ["2:3 CO116 the quotes that start here are not closed"]),
        ('k,v\na,"b""\nc,d\n', ["2:3 CO116 the quotes that start here are not closed"]),
        ('"k,v\na,b\n', ["1:1 CO116 the quotes that start here are not closed"]),
        ('k,v\na,b"c"\nd,e,f\n', ["2:4 CO116 a quote stands in a text without quotes", "3:1 CO116 this row has 3"]),
        ('k,v\na,"b"c\n', ["2:6 CO116 text stands after the closing quotes"]),
        ("k,v\na,b\0\n", ["2:4 CO104 the table holds U+0000, which cannot be stored"]),
        (b"k,v\na,b\xff\n", ["2:4 CO102 the table is not UTF-8 from here on"]),
        ("k,v\na,ü\n".encode("utf-16"), ["1:1 CO102 the table is not UTF-8 from here on"]),
        ("k,v\nä,ü\n".encode("latin-1"), ["2:1 CO102 the table is not UTF-8 from here on"]),
        (b"k,v\n" + b"x" * (1 << 20), ["1:1 CO103 the table is larger than 1,048,576 bytes"]),
    ],
)
def test_a_mistake_has_its_place(text: str | bytes, expected: list[str]) -> None:
    found = problems(text)
    assert len(found) == len(expected)
    assert [each for each, start in zip(found, expected, strict=True) if not each.startswith(start)] == []


def test_a_key_that_stands_twice_names_both_lines() -> None:
    (found,) = read("k,v\na,b\nc,d\na,e\n").diagnostics
    assert found.span is not None
    assert (found.span.line, [place.line for place, _ in found.related]) == (4, [2])


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("k;v\na;b\n", "separate the columns by commas"),
        ("k\tv\na\tb\n", "separate the columns by commas"),
        ("k,v,w\n", "a table has a key and one value; make a table for each further value"),
        ("k,v\na,b,c\n", "put quotes around a text with a comma in it"),
        ("k,v\na\n", "write key,value"),
    ],
)
def test_a_wrong_shape_comes_with_what_to_do(text: str, hint: str) -> None:
    assert [each.hint for each in read(text).diagnostics] == [hint]


def test_a_table_of_many_mistakes_tells_some_and_counts_the_rest() -> None:
    found = problems("k,v\n" + "x\n" * 500)
    assert len(found) == 21
    assert found[-2:] == [
        "21:1 CO116 this row has 1 column, and the table has two",
        "22:1 CO116 480 more problems are in this table from here on",
    ]


def test_a_hundred_thousand_rows_are_taken_and_one_more_is_not() -> None:
    rows = "".join(f"{number:x},a\n" for number in range(100_000))
    assert len(read("k,v\n" + rows).rows) == 100_000
    assert problems("k,v\n" + rows + "more,a\n") == ["100002:1 CO118 the table has more than 100,000 rows"]


@pytest.mark.parametrize("text", ["checkout,Commerce\npayments,Commerce\n", "a,b\nc,d\na,e\n"])
def test_a_table_without_a_header_is_a_warning(text: str) -> None:
    (found,) = read(text).diagnostics
    assert (found.code, found.is_error, found.span and found.span.line) == ("CO119", False, 1)
