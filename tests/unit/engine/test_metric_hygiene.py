"""Usage numbers as they come: finer records, ties, zones, gaps, labels that are not there, values that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from workbench import Case, assert_close, by, charge, planned, write

from costops.errors import BillError
from costops.model.diagnostic import Diagnostic
from costops.model.ledger import Ledger

RULES = """\
labels:
  - {{id: team, from: Tags.team, transform: [trim, lower], rename: {{search: [find]}}}}
  - {{id: env, from: Tags.env}}
metrics:
  - {{id: load, source: warehouse, query: load, aggregate: {aggregate}, labels: {{{labels}}}}}
allocations:
  - id: split
    source: {{where: {{ServiceName: Support}}}}
    method: metric
    to: {{dimension: team}}
    basis: {{metric: load}}
"""
HEADER = "date,metric,team,host,value"


def workspace(
    folder: Path,
    files: Mapping[str, str | Sequence[str]],
    *,
    aggregate: str = "sum",
    labels: str = "team: team",
    days: Sequence[str] = ("2025-04-10",),
) -> Path:
    """Support costs 100 on each of the days; the text or the lines of each metric file by its name."""
    bill = [charge("Support", "100", day=day) for day in days]
    write(Case(RULES.format(aggregate=aggregate, labels=labels), bill, report=("team",)), folder)
    settings = (folder / "costops.yaml").read_text(encoding="utf-8").rstrip("}")
    source = ', "metric_sources": [{"name": "warehouse", "kind": "file", "path": "usage/*"}]}'
    (folder / "costops.yaml").write_text(settings + "]" * (settings.count("[") - settings.count("]")) + source)
    for name, text in files.items():
        content = text if isinstance(text, str) else "\n".join(text) + "\n"
        (folder / "usage" / name).write_text(content, encoding="utf-8")
    return folder


def result(folder: Path, *, threads: int = 1) -> tuple[Ledger, tuple[Diagnostic, ...]]:
    return planned(folder, threads=threads)


def split(folder: Path) -> dict[str | None, Fraction]:
    return by(result(folder)[0], "team")


def refusal(folder: Path) -> BillError:
    with pytest.raises(BillError) as caught:
        planned(folder)
    assert caught.value.hint
    return caught.value


def record(time: str, team: str, value: str, host: str = "") -> str:
    return f"2025-04-10{time},load,{team},{host},{value}"


# Finer records


@pytest.mark.parametrize(
    ("aggregate", "shares"),
    [
        # Of team a the hosts h and i add up (h: 1, 2 and 6; i: 4); team b has 3 on one host.
        ("sum", {"a": Fraction(1300, 16), "b": Fraction(300, 16)}),
        ("avg", {"a": Fraction(700, 10), "b": Fraction(300, 10)}),
        ("max", {"a": Fraction(1000, 13), "b": Fraction(300, 13)}),
        ("last", {"a": Fraction(600, 9), "b": Fraction(300, 9)}),
    ],
)
def test_hours_become_a_day_per_series_before_hosts_are_summed_over(
    tmp_path: Path, aggregate: str, shares: dict[str, Fraction]
) -> None:
    records = [
        record("T01:00:00Z", "a", "1", "h"),
        record("T23:00:00Z", "a", "2", "h"),
        record("T22:00:00Z", "a", "6", "h"),
        record("T05:00:00Z", "a", "4", "i"),
        record("T05:00:00Z", "b", "3", "h"),
    ]
    assert_close(split(workspace(tmp_path, {"a.csv": [HEADER, *records]}, aggregate=aggregate)), shares)


def test_of_two_last_records_at_one_moment_the_larger_counts_in_any_order(tmp_path: Path) -> None:
    same = [record("T23:00:00Z", "a", value) for value in ("-2", "9", "1.5")]
    one = record("T23:00:00Z", "b", "1")
    for place, lines in enumerate((same, same[::-1], [same[1], same[2], same[0]])):
        folder = workspace(tmp_path / str(place), {"a.csv": [HEADER, *lines, one]}, aggregate="last")
        assert_close(split(folder), {"a": 90, "b": 10})


def test_the_same_moment_written_in_two_zones_is_one_moment(tmp_path: Path) -> None:
    lines = [record("T20:00:00-03:00", "a", "9"), record("T22:59:59Z", "a", "1"), record("", "b", "1")]
    assert_close(split(workspace(tmp_path, {"a.csv": [HEADER, *lines]}, aggregate="last")), {"a": 90, "b": 10})


def test_records_count_on_their_utc_day(tmp_path: Path) -> None:
    lines = [
        HEADER,
        "2025-04-10T23:30:00-05:00,load,a,,1",
        "2025-04-11T00:30:00+05:00,load,b,,1",
        "2025-04-10,load,c,,1",
    ]
    folder = workspace(tmp_path, {"a.csv": lines}, days=("2025-04-10", "2025-04-11"))
    assert_close(split(folder), {"a": 100, "b": 50, "c": 50})


def test_a_mean_is_rounded_half_even_to_the_last_place(tmp_path: Path) -> None:
    # In units of 1e-12 the means are 1/2, 3/2, -1/2 and 5/3, and so 0, 2, 0 and 2.
    unit = "0.000000000001"
    lines = [
        *(record(f"T0{hour}:00:00Z", team, value)
          for team, values in {
              "a": (unit, "0"), "b": (unit, "0.000000000002"), "c": (f"-{unit}", "0"),
              "d": (unit, "0.000000000002", "0.000000000002"),
          }.items()
          for hour, value in enumerate(values)),
    ]  # fmt: skip
    assert_close(split(workspace(tmp_path, {"a.csv": [HEADER, *lines]}, aggregate="avg")), {"b": 50, "d": 50})


def test_a_series_is_the_same_in_columns_and_in_json_in_any_order_of_its_labels(tmp_path: Path) -> None:
    files = {
        "a.csv": [HEADER, record("T01:00:00Z", "a", "1", "h"), record("T01:00:00Z", "b", "4", "")],
        "b.csv": [
            "date,metric,tags,value",
            '2025-04-10T02:00:00Z,load,"{""host"":""h"",""team"":""a""}",5',
            '2025-04-10T03:00:00Z,load,"{""team"":""a"",""host"":""h"",""zone"":null}",6',
            '2025-04-10T03:00:00Z,load,"{""team"":""b"",""host"":""""}",2',
        ],
        "c.csv": ["date,metric,team,value", "2025-04-10T05:00:00Z,load,b,3"],
    }
    # Of a there is one series with the maximum 6; of b one without a host, with the maximum 4.
    assert_close(split(workspace(tmp_path, files, aggregate="max")), {"a": 60, "b": 40})


def test_labels_that_look_alike_when_joined_are_two_series(tmp_path: Path) -> None:
    lines = [
        "date,metric,team,rack,host,value",
        "2025-04-10,load,a,x,,3",
        "2025-04-10,load,a,,x,3",
        "2025-04-10,load,b,,,4",
    ]
    assert_close(split(workspace(tmp_path, {"a.csv": lines}, aggregate="max")), {"a": 60, "b": 40})


def test_values_are_cleaned_by_the_label_of_the_dimensions_name_after_they_became_days(tmp_path: Path) -> None:
    lines = [record("T01:00:00Z", " FIND ", "6"), record("T02:00:00Z", "search", "3"), record("", "b", "1")]
    assert_close(split(workspace(tmp_path, {"a.csv": [HEADER, *lines]}, aggregate="max")), {"search": 90, "b": 10})


# Gaps


def test_records_without_a_value_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = [
        record("T01:00:00Z", "a", "6"),
        record("T02:00:00Z", "a", ""),
        record("", "b", "4"),
        record("", "c", "NULL"),
    ]
    ledger, diagnostics = result(workspace(tmp_path, {"a.csv": [HEADER, *lines]}, aggregate="avg"))
    assert_close(by(ledger, "team"), {"a": 60, "b": 40})
    assert [each.message for each in diagnostics if each.code == "CO703"] == [
        "2 of 4 records of metric load have no value and are left out"
    ]


def test_files_that_lack_a_label_which_others_have_are_told_with_their_records(tmp_path: Path) -> None:
    files = {
        "a.csv": [HEADER, record("", "a", "1")],
        "b.csv": ["date,metric,host,value", "2025-04-10,load,h,3", "2025-04-10,other,h,3"],
        "c.csv": ["date,metric,value", "2025-04-10,load,5"],
        "d.csv": ["date,metric,value", "2025-04-10,other,5"],
    }
    ledger, diagnostics = result(workspace(tmp_path, files))
    assert_close(by(ledger, "team"), {"a": 100})
    # d.csv has no record of the metric, but it is of the same columns as c.csv.
    assert [each.message for each in diagnostics if each.code == "CO704"] == [
        "2 of 3 records of metric load have no label team, because usage/b.csv and 2 more files lack it"
    ]


def test_a_metric_with_all_its_labels_gives_no_warning(tmp_path: Path) -> None:
    _, diagnostics = result(workspace(tmp_path, {"a.csv": [HEADER, record("", "a", "1"), record("", "", "2")]}))
    assert [each.code for each in diagnostics if each.code in ("CO703", "CO704")] == []


# What is not there


def test_a_label_that_no_file_has_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [HEADER, record("", "a", "1")]}, labels="Team: team")
    error = refusal(folder)
    assert error.message == "metric load names the label Team, which no file of source warehouse has"
    assert error.hint == "did you mean `team`?"


def test_a_label_that_no_file_has_is_refused_with_those_that_are_there(tmp_path: Path) -> None:
    files = {
        "a.csv": [HEADER, record("", "a", "1")],
        "b.csv": ["date,metric,tags,value", '2025-04-10,load,"{""zone"":""z""}",1', '2025-04-10,other,"{""x"":1}",1'],
    }
    error = refusal(workspace(tmp_path, files, labels="team: team, environment: env"))
    assert error.message == "metric load names the label environment, which no file of source warehouse has"
    assert error.hint == "correct `labels` of the metric, or the files; the labels there are team, host, zone"


@pytest.mark.parametrize("label", ["date", "metric", "value", "tags"])
def test_the_columns_of_a_record_itself_are_no_labels(tmp_path: Path, label: str) -> None:
    lines = ["date,metric,tags,value", '2025-04-10,load,"{""team"":""a""}",1']
    error = refusal(workspace(tmp_path, {"a.csv": lines}, labels=f"{label}: team"))
    assert error.message == f"metric load names the label {label}, which no file of source warehouse has"


def test_a_label_in_the_json_of_any_record_is_there(tmp_path: Path) -> None:
    lines = ["date,metric,tags,value", "2025-04-10,load,{},9", '2025-04-10,load,"{""team"":""a""}",1']
    assert_close(split(workspace(tmp_path, {"a.csv": lines})), {"a": 100})


def test_a_column_that_is_there_but_empty_is_no_mistake(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [HEADER, record("", "", "1")]})
    assert_close(split(folder), {None: 100})


def test_a_query_without_records_is_refused_with_the_nearest_metric(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [HEADER, "2025-04-10,Load,a,,1"]})
    error = refusal(folder)
    assert error.message == "metric load: source warehouse has no record of load"
    assert error.hint == "did you mean `Load`?"


# Values that are none


@pytest.mark.parametrize("value", ["x", "NaN", "inf", "1,5", "1_000", "0x10", "--1"])
def test_a_value_that_is_no_number_is_refused_with_its_row(tmp_path: Path, value: str) -> None:
    lines = [HEADER, record("", "a", "1"), f'2025-04-10,load,a,,"{value}"']
    assert refusal(workspace(tmp_path, {"a.csv": lines})).message == (
        f"usage/a.csv: row 2 has {value!r} in value, which is not a decimal number"
    )


@pytest.mark.parametrize("value", ["'NaN'::DOUBLE", "'Infinity'::DOUBLE"])
def test_a_floating_point_value_that_is_no_number_is_refused(tmp_path: Path, value: str) -> None:
    folder = workspace(tmp_path, {})
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT DATE '2025-04-10' AS date, 'load' AS metric, 'a' AS team, {value} AS value) "
            f"TO '{folder / 'usage' / 'a.parquet'}' (FORMAT parquet)"
        )
    assert "row 1 has" in refusal(folder).message


def test_a_negative_value_is_a_value_and_the_rule_says_what_it_weighs(tmp_path: Path) -> None:
    lines = [
        record("T01:00:00Z", "a", "5"),
        record("T02:00:00Z", "a", "-2"),
        record("", "b", "1"),
        record("", "c", "-9"),
    ]
    assert_close(split(workspace(tmp_path, {"a.csv": [HEADER, *lines]})), {"a": 75, "b": 25})


def test_other_metrics_of_a_file_may_have_values_that_nobody_reads(tmp_path: Path) -> None:
    lines = [HEADER, "2025-04-10,other,a,,none", record("", "a", "1")]
    assert_close(split(workspace(tmp_path, {"a.csv": lines})), {"a": 100})


@pytest.mark.parametrize("date", ["", "NULL"])
def test_a_record_without_a_date_is_refused_with_its_row(tmp_path: Path, date: str) -> None:
    lines = [HEADER, f"{date},other,a,,1", record("", "a", "1"), f"{date},load,a,,1"]
    assert refusal(workspace(tmp_path, {"a.csv": lines})).message == (
        "usage/a.csv: row 3, a record of load, has no date between 1900 and 9999"
    )


@pytest.mark.parametrize("date", ["20255-04-10", "0025-04-10", "April", "2025-13-01", "epoch"])
def test_a_date_that_is_none_is_refused_with_its_row(tmp_path: Path, date: str) -> None:
    lines = [HEADER, record("", "a", "1"), f"{date},load,a,,1"]
    message = refusal(workspace(tmp_path, {"a.csv": lines})).message
    assert message.startswith("usage/a.csv: row 2")


@pytest.mark.parametrize("labels", ['["a"]', '"a"', "7", "{team: a}"])
def test_labels_that_are_no_json_object_are_refused_with_their_row(tmp_path: Path, labels: str) -> None:
    written = labels.replace('"', '""')
    lines = ["date,metric,tags,value", '2025-04-10,load,"{""team"":""a""}",1', f'2025-04-10,load,"{written}",1']
    message = refusal(workspace(tmp_path, {"a.csv": lines})).message
    assert message == f"usage/a.csv: row 2 has {labels!r} in tags, which is not a JSON object"


# Many files


def test_a_file_for_each_of_many_days_is_read(tmp_path: Path) -> None:
    days = [f"2025-04-{day:02d}" for day in range(1, 31)]
    files = {
        f"{day}-{part}.csv": [HEADER, f"{day}T{part:02d}:00:00Z,load,{'ab'[part % 2]},h,{part % 2 + 1}"]
        for day in days
        for part in range(24)
    }
    shares = {"a": Fraction(3000, 3), "b": Fraction(6000, 3)}
    assert_close(split(workspace(tmp_path, files, days=days)), shares)


def test_the_result_is_the_same_with_any_number_of_threads(tmp_path: Path) -> None:
    lines = [record(f"T{n % 24:02d}:00:00Z", "abcdefg"[n % 7], f"{n * 37 % 101}.{n}", f"h{n % 5}") for n in range(3000)]
    for aggregate in ("avg", "last"):
        folder = workspace(tmp_path / aggregate, {"a.csv": [HEADER, *lines]}, aggregate=aggregate)
        assert result(folder, threads=1)[0].digest == result(folder, threads=2)[0].digest
