"""What columns a file has, before it is read."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from costops.engine.probe import probe
from costops.errors import BillError


def parquet(path: Path, query: str) -> Path:
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
    return path


def columns(*paths: Path) -> tuple[tuple[tuple[str, str], ...], ...]:
    return tuple(shape.columns for shape in probe(paths))


def refused(path: Path) -> BillError:
    with pytest.raises(BillError) as caught:
        probe([path], ["bill/x"])
    return caught.value


def test_columns_of_parquet_have_their_types_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        "SELECT 1.5::DECIMAL(24,12) AS BilledCost, 'x' AS Tags, TIMESTAMP '2025-01-01' AS ChargePeriodStart, 2e0 AS d",
    )
    assert columns(path) == (
        (("BilledCost", "DECIMAL(24,12)"), ("Tags", "VARCHAR"), ("ChargePeriodStart", "TIMESTAMP"), ("d", "DOUBLE")),
    )


def test_nested_columns_are_one_column_each(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        "SELECT MAP {'a': 'b'} AS m, {'x': 1, 'y': {'z': 'q'}} AS s, [1, 2] AS l, '{}'::JSON AS j, 1 AS last",
    )
    assert columns(path) == (
        (
            ("m", "MAP(VARCHAR, VARCHAR)"),
            ("s", "STRUCT(x INTEGER, y STRUCT(z VARCHAR))"),
            ("l", "INTEGER[]"),
            ("j", "JSON"),
            ("last", "INTEGER"),
        ),
    )


def test_names_of_parquet_that_differ_in_case_only_are_exact(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", "SELECT 'p' AS tag_Env, 1 AS tag_enw, 'z' AS other")
    content = path.read_bytes()
    assert content.count(b"tag_enw") >= 1
    path.write_bytes(content.replace(b"tag_enw", b"tag_env"))
    assert columns(path) == ((("tag_Env", "VARCHAR"), ("tag_env", "INTEGER"), ("other", "VARCHAR")),)


def test_a_folder_of_a_billing_period_gives_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "BILLING_PERIOD=2025-04"
    folder.mkdir()
    assert columns(parquet(folder / "a.parquet", "SELECT 1 AS x")) == ((("x", "INTEGER"),),)


def test_a_name_with_wildcards_is_the_file_itself(tmp_path: Path) -> None:
    parquet(tmp_path / "a1.parquet", "SELECT 1 AS other")
    path = parquet(tmp_path / "plain.parquet", "SELECT 1 AS mine").rename(tmp_path / "a[1]?.parquet")
    assert columns(path) == ((("mine", "INTEGER"),),)


def test_a_parquet_file_without_rows_has_columns(tmp_path: Path) -> None:
    assert columns(parquet(tmp_path / "a.parquet", "SELECT 1 AS x WHERE false")) == ((("x", "INTEGER"),),)


def test_the_first_line_of_csv_is_its_columns(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "b.CSV.GZ"
    plain.write_bytes(b'\xef\xbb\xbfBilledCost,"Charge, ""x""",Env,env\r\n1,2,3,4\r\n')
    packed.write_bytes(gzip.compress("größe,x\n1,2\n".encode()))
    assert columns(plain, packed) == (
        (("BilledCost", "VARCHAR"), ('Charge, "x"', "VARCHAR"), ("Env", "VARCHAR"), ("env", "VARCHAR")),
        (("größe", "VARCHAR"), ("x", "VARCHAR")),
    )


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "bill/x is empty"),
        ("a.csv", b"\xef\xbb\xbf", "bill/x is empty"),
        ("a.csv", b"\n1,2\n", "bill/x has no column names in its first line"),
        ("a.csv", b"a,,c\n", "bill/x: column 2 has no name"),
        ("a.csv", b"a,b,a\n", "bill/x: columns 1 and 3 are both called a"),
        (
            "a.csv",
            b"a,b;c\n",
            "bill/x: its first line has 2 columns by commas and semicolons alike, so that the delimiter cannot be told",
        ),
        ("a.csv", "a,b\n".encode("utf-16"), "bill/x is UTF-16 text, not UTF-8"),
        ("a.csv", "a,b\n".encode("utf-16-le"), "bill/x is UTF-16 text, not UTF-8"),
        ("a.csv", "a,b\n".encode("utf-16-be"), "bill/x is UTF-16 text, not UTF-8"),
        (
            "a.csv",
            b"gr\xf6sse,x\n",
            "bill/x is not UTF-8 text: line 1 has the byte 0xf6 (offset 2 of the file's text)",
        ),
        (
            "a.csv",
            b"\xef\xbb\xbfa,b\n1,2\n3,\xe9\n",
            "bill/x is not UTF-8 text: line 3 has the byte 0xe9 (offset 13 of the file's text)",
        ),
        ("a.csv", b'"a"b,c\n', "bill/x cannot be read: its first line is no line of CSV"),
        ("a.csv.gz", b"a,b\n1,2\n", "bill/x cannot be read: it is no gzip file, or its end is missing"),
        (
            "a.csv.gz",
            gzip.compress(b"a,b\n" * 9, mtime=0)[:10],
            "bill/x cannot be read: it is no gzip file, or its end is missing",
        ),
        ("a.csv.gz", b"", "bill/x is empty"),
        ("a.parquet", b"", "bill/x is empty (0 bytes)"),
        ("a.parquet", b"a,b\n1,2\n", "bill/x cannot be read: it is no Parquet file, whatever its name says"),
        ("a.parquet", b"PAR1" + b"\0" * 50, "bill/x cannot be read: its end is missing"),
        ("a.parquet", b"PAR1", "bill/x cannot be read: its end is missing"),
        ("a.parquet", b"PAR1" + b"\0" * 50 + b"PARE", "bill/x is encrypted"),
        (
            "a.parquet",
            b"PAR1" + b"\0" * 50 + b"\x20\0\0\0PAR1",
            "bill/x cannot be read: its table of contents is damaged",
        ),
    ],
)
def test_a_file_without_readable_columns_is_refused_in_our_words(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path)
    assert error.message == message
    assert error.hint


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "a.parquet"])
def test_a_file_that_is_gone_is_refused(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).message == "bill/x cannot be read: No such file or directory"


def test_without_names_errors_call_a_file_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.touch()
    with pytest.raises(BillError) as caught:
        probe([path])
    assert caught.value.message == f"{path} is empty"


@pytest.mark.parametrize(
    ("header", "delimiter", "names"),
    [
        ("a,b,c", ",", ["a", "b", "c"]),
        ("a;b;c", ";", ["a", "b", "c"]),
        ("a\tb", "\t", ["a", "b"]),
        ("a|b|c|d", "|", ["a", "b", "c", "d"]),
        ('"Cost, net";b;c', ";", ["Cost, net", "b", "c"]),
        ("Cost, net;b;c", ";", ["Cost, net", "b", "c"]),
        ('"x;y;z",b', ",", ["x;y;z", "b"]),
        ('"two\nlines",b', ",", ["two\nlines", "b"]),
        ("alone", ",", ["alone"]),
    ],
)
def test_the_delimiter_is_what_gives_most_columns(
    tmp_path: Path, header: str, delimiter: str, names: list[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n1,25;2,50;3\n", encoding="utf-8")
    (shape,) = probe([path])
    assert shape.delimiter == delimiter
    assert [name for name, _ in shape.columns] == names
