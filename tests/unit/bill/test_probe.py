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


def refused(path: Path) -> BillError:
    with pytest.raises(BillError) as caught:
        probe([path], ["bill/x"])
    return caught.value


def test_columns_of_parquet_have_their_types_in_the_order_of_the_file(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        "SELECT 1.5::DECIMAL(24,12) AS BilledCost, 'x' AS Tags, TIMESTAMP '2025-01-01' AS ChargePeriodStart, 2e0 AS d",
    )
    assert probe([path]) == (
        (("BilledCost", "DECIMAL(24,12)"), ("Tags", "VARCHAR"), ("ChargePeriodStart", "TIMESTAMP"), ("d", "DOUBLE")),
    )


def test_nested_columns_are_one_column_each(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        "SELECT MAP {'a': 'b'} AS m, {'x': 1, 'y': {'z': 'q'}} AS s, [1, 2] AS l, '{}'::JSON AS j, 1 AS last",
    )
    assert probe([path]) == (
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
    assert probe([path]) == ((("tag_Env", "VARCHAR"), ("tag_env", "INTEGER"), ("other", "VARCHAR")),)


def test_a_folder_of_a_billing_period_gives_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "BILLING_PERIOD=2025-04"
    folder.mkdir()
    assert probe([parquet(folder / "a.parquet", "SELECT 1 AS x")]) == ((("x", "INTEGER"),),)


def test_a_name_with_wildcards_is_the_file_itself(tmp_path: Path) -> None:
    parquet(tmp_path / "a1.parquet", "SELECT 1 AS other")
    path = parquet(tmp_path / "plain.parquet", "SELECT 1 AS mine").rename(tmp_path / "a[1]?.parquet")
    assert probe([path]) == ((("mine", "INTEGER"),),)


def test_a_parquet_file_without_rows_has_columns(tmp_path: Path) -> None:
    assert probe([parquet(tmp_path / "a.parquet", "SELECT 1 AS x WHERE false")]) == ((("x", "INTEGER"),),)


def test_the_first_line_of_csv_is_its_columns(tmp_path: Path) -> None:
    plain, packed = tmp_path / "a.csv", tmp_path / "b.CSV.GZ"
    plain.write_bytes(b'\xef\xbb\xbfBilledCost,"Charge, ""x""",Env,env\r\n1,2,3,4\r\n')
    packed.write_bytes(gzip.compress("größe,x\n1,2\n".encode()))
    assert probe([plain, packed]) == (
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
        ("a.csv", b"a;b;c\n1;2;3\n", "bill/x separates its columns by semicolons"),
        ("a.csv", b"a\tb\n", "bill/x separates its columns by tabs"),
        ("a.csv", "a,b\n".encode("utf-16"), "bill/x is not UTF-8 text"),
        ("a.csv", b"gr\xf6sse,x\n", "bill/x is not UTF-8 text"),
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
