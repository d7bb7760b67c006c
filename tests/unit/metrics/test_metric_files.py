"""Metric files as expressions."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from unit.bill.evaluate import evaluate

from costops.engine.probe import probe
from costops.errors import BillError
from costops.metrics.files import describe_metrics
from costops.model.bill import MetricDescription, MetricFile
from costops.model.settings import MetricSource, Settings

REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("COSTOPS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))


def write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def described(root: Path, *paths: str) -> MetricDescription:
    """Sources named a, b and so on."""
    sources = tuple(MetricSource(name=name, kind="file", path=path) for name, path in zip("abc", paths, strict=False))
    settings = Settings(root=root, rules=root, state=root / "state.db", metric_sources=sources)
    return describe_metrics(settings, probe)


def refused(root: Path, *paths: str) -> BillError:
    with pytest.raises(BillError) as caught:
        described(root, *paths)
    return caught.value


def only(root: Path, path: str) -> MetricFile:
    (file,) = described(root, path).sources["a"]
    return file


def test_a_csv_file_has_a_column_per_label(tmp_path: Path) -> None:
    write(tmp_path, "usage/a.csv", "date,metric,value,team,env\n")
    file = only(tmp_path, "usage/*.csv")
    row = {"date": "2025-04-01", "metric": "queries", "value": "7847.10", "team": "search", "env": ""}
    assert file.file.name == "usage/a.csv"
    assert evaluate(file.date, row) == datetime(2025, 4, 1, tzinfo=UTC)
    assert evaluate(file.metric, row) == "queries"
    assert evaluate(file.value, row) == Decimal("7847.1")
    assert {name: evaluate(each, row) for name, each in file.label_columns.items()} == {"team": "search", "env": None}
    assert file.labels is None


def test_a_csv_file_has_its_labels_in_a_column_tags(tmp_path: Path) -> None:
    write(tmp_path, "usage/a.csv", "date,metric,tags,value\n")
    file = only(tmp_path, "usage")
    assert file.labels is not None
    assert evaluate(file.labels, {"tags": '{"team":"search"}'}) == '{"team":"search"}'
    assert evaluate(file.labels, {"tags": "NULL"}) is None
    assert evaluate(file.value, {"value": ""}) is None
    assert dict(file.label_columns) == {}


def test_a_parquet_file_has_dates_numbers_and_maps(tmp_path: Path) -> None:
    duckdb.connect().execute(
        "COPY (SELECT DATE '2025-04-01' AS date, 'queries' AS metric, 0.1::DOUBLE AS value, 7 AS shard, "
        f"MAP {{'team': 'search'}} AS tags) TO '{tmp_path}/a.parquet' (FORMAT parquet)"
    )
    file = only(tmp_path, "a.parquet")
    row = {"date": datetime(2025, 4, 1).date(), "value": 0.1, "shard": 7, "tags": {"team": "search"}}  # noqa: DTZ001
    assert evaluate(file.date, row) == datetime(2025, 4, 1, tzinfo=UTC)
    assert evaluate(file.value, row) == Decimal("0.1")
    assert evaluate(file.label_columns["shard"], row) == "7"
    assert file.labels is not None
    assert evaluate(file.labels, row) == '{"team":"search"}'


def test_labels_as_a_list_of_pairs_are_refused(tmp_path: Path) -> None:
    duckdb.connect().execute(
        "COPY (SELECT DATE '2025-04-01' AS date, 'queries' AS metric, 1 AS value, ['a', 'b'] AS tags) "
        f"TO '{tmp_path}/a.parquet' (FORMAT parquet)"
    )
    assert refused(tmp_path, "a.parquet").message == (
        "metric source a: in a.parquet the column tags has the type VARCHAR[], "
        "from which costops cannot tell labels and values"
    )


def test_missing_columns_are_named_with_those_that_are_there(tmp_path: Path) -> None:
    write(tmp_path, "usage/a.csv", "day,metric,Value,team\n")
    error = refused(tmp_path, "usage/a.csv")
    assert error.message == ("metric source a: usage/a.csv has no columns date, value; it has day, metric, Value, team")
    assert error.hint == "A metric file needs date, metric and value, and a column per label or a JSON column `tags`."


def test_a_long_list_of_columns_is_cut_with_a_count(tmp_path: Path) -> None:
    write(tmp_path, "usage/a.csv", "metric,value,1,2,3,4,5,6,7,8\n")
    assert refused(tmp_path, "usage/a.csv").message == (
        "metric source a: usage/a.csv has no column date; it has metric, value, 1, 2, 3, 4, 5, 6 and 2 more"
    )


def test_files_are_in_the_order_of_names_without_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.csv", "deep/a.CSV", ".c.csv", ".deep/d.csv", "_SUCCESS", "manifest.json"):
        write(tmp_path, f"usage/{name}", f"date,metric,value,{name}\n")
    for path in ("usage", "usage/", "usage/**", "usage/**/*"):
        files = described(tmp_path, path).sources["a"]
        assert [each.file.name for each in files] == ["usage/b.csv", "usage/deep/a.CSV"]


def test_a_path_that_names_nothing_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "usage/*.csv")
    assert error.message == (
        f"metric source a: no metric file matches usage/*.csv (looked for {tmp_path}/usage/*.csv: "
        f"there is no folder {tmp_path}/usage)"
    )


def test_a_folder_named_like_a_file_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "usage/a.parquet/part.parquet", "")
    assert refused(tmp_path, "usage/*.parquet").message == (
        "metric source a: usage/a.parquet is a folder where a file is expected"
    )


def test_the_same_content_twice_in_a_source_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, f"usage/{name}.csv", "date,metric,value\n2025-04-01,q,1\n")
    assert refused(tmp_path, "usage").message == (
        "metric source a: usage/a.csv and usage/b.csv have the same content; their values would count twice"
    )


def test_the_digest_is_over_names_and_content_of_all_sources(tmp_path: Path) -> None:
    text = "date,metric,value\n2025-04-01,q,1\n"
    write(tmp_path, "one/a.csv", text)
    write(tmp_path, "two/b.csv", text)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    expected = hashlib.sha256(f"one/a.csv {sha256}\ntwo/b.csv {sha256}\n".encode()).hexdigest()
    assert described(tmp_path, "one", "two").digest == expected
    assert described(tmp_path, "two", "one", "one/a.csv").digest == expected


def test_no_metric_source_is_an_empty_description(tmp_path: Path) -> None:
    description = described(tmp_path)
    assert dict(description.sources) == {}
    assert description.digest == hashlib.sha256(b"").hexdigest()


@pytest.mark.skipif(not DATA.is_dir(), reason=f"the usage numbers for tests are not in {DATA}")
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_the_usage_of_the_messy_bill_has_its_totals(tmp_path: Path, ending: str) -> None:
    file = only(tmp_path, str(DATA / f"focus-1.2-messy/metrics/*.{ending}"))
    reader = "read_csv(?, all_varchar = true)" if ending == "csv" else "read_parquet(?)"
    rows = duckdb.connect().execute(f"SELECT date, metric, tags, value FROM {reader}", [file.file.path]).fetchall()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    days = set()
    for date, metric, tags, value in rows:
        row = {"date": date, "metric": metric, "tags": tags, "value": value}
        sums[evaluate(file.metric, row)] += evaluate(file.value, row)
        days.add(evaluate(file.date, row))
        assert file.labels is not None
        assert evaluate(file.labels, row).startswith("{")
    assert len(rows) == 22599
    assert (min(days), max(days)) == (datetime(2025, 4, 1, tzinfo=UTC), datetime(2025, 6, 30, tzinfo=UTC))
    assert sums["http.requests.count"] == Decimal(660413793)
    assert abs(sums["snowflake.credits_used"] - Decimal("14038.4637")) < Decimal("1e-9")
