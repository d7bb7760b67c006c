"""Reading a bill: what is counted, what is read alike from every kind of file, and which place a refusal names."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest

from costops.bill.describe import describe_bill
from costops.engine.embedded import Evaluation, Request, evaluate
from costops.engine.load import BillFacts
from costops.engine.probe import probe
from costops.errors import BillError, ExitCode
from costops.metrics.files import describe_metrics
from costops.model.ledger import Ledger
from costops.model.rules import Label, RuleSet, Source
from costops.model.settings import BillingSource, Settings

COLUMNS = (
    "BillingPeriodStart",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "BillingCurrency",
    "ServiceName",
    "BilledCost",
    "EffectiveCost",
    "Tags",
)
ROW = {
    "BillingPeriodStart": "2025-04-01",
    "ChargePeriodStart": "2025-04-10T00:00:00Z",
    "ChargePeriodEnd": "2025-04-11T00:00:00Z",
    "BillingCurrency": "USD",
    "ServiceName": "EC2",
    "BilledCost": "1",
    "EffectiveCost": "2",
    "Tags": '{"team": "a"}',
}
RULES = RuleSet(labels=(Label(id="team", sources=(Source("Tags.team"),)),))


def csv_text(*rows: Mapping[str, str], columns: tuple[str, ...] = COLUMNS) -> str:
    quoted = [",".join('"' + row.get(name, "").replace('"', '""') + '"' for name in columns) for row in rows]
    return "\n".join([",".join(columns), *quoted]) + "\n"


def put(folder: Path, name: str, *rows: Mapping[str, str], columns: tuple[str, ...] = COLUMNS) -> None:
    (folder / "bill").mkdir(exist_ok=True)
    (folder / "bill" / name).write_text(csv_text(*rows, columns=columns), encoding="utf-8")


def put_parquet(folder: Path, name: str, query: str) -> None:
    (folder / "bill").mkdir(exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{folder / 'bill' / name}' (FORMAT parquet)")


def read(folder: Path, *, report: tuple[str, ...] = ("team",), threads: int = 1) -> Evaluation:
    """Everything that lies in the folder `bill`, evaluated."""
    settings = Settings(
        root=folder,
        rules=folder / "rules",
        state=folder / "state.db",
        report=report,
        billing=(BillingSource(name="cloud", path="bill/*"),),
    )
    bill = describe_bill(settings, probe)
    metrics = describe_metrics(settings, probe)
    cost = bill.cost_columns[-1]
    return evaluate(bill, metrics, [Request(RULES, want_ledger=True)], report=report, cost=cost, threads=threads)


def facts(folder: Path) -> BillFacts:
    return read(folder).facts


def ledger(folder: Path, *report: str) -> Ledger:
    found = read(folder, report=report or ("team",)).outcomes[0].ledger
    assert found is not None
    return found


def refusal(folder: Path, *, threads: int = 1) -> str:
    with pytest.raises(BillError) as caught:
        read(folder, threads=threads)
    assert caught.value.exit_code is ExitCode.FAILED
    assert caught.value.hint
    return caught.value.message


# What is counted


def test_the_facts_of_a_bill_are_its_rows_months_and_totals(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW, ROW, {**ROW, "BillingPeriodStart": "2025-05-01", "BilledCost": "-0.5"})
    put(tmp_path, "b.csv", {**ROW, "BillingCurrency": "EUR", "BillingPeriodStart": "2025-03-01"})
    found = facts(tmp_path)
    assert (found.rows, found.first_month, found.last_month) == (4, "2025-03", "2025-05")
    assert found.months == ("2025-03", "2025-04", "2025-05")
    assert found.totals == {
        ("USD", "BilledCost"): 1_500_000_000_000,
        ("USD", "EffectiveCost"): 6 * 10**12,
        ("EUR", "BilledCost"): 10**12,
        ("EUR", "EffectiveCost"): 2 * 10**12,
    }
    assert found.missing_costs == ()


def test_a_bill_without_rows_is_a_bill(tmp_path: Path) -> None:
    put(tmp_path, "a.csv")
    found = read(tmp_path)
    assert (found.facts.rows, found.facts.first_month, found.facts.months, found.facts.totals) == (0, "", (), {})
    assert found.outcomes[0].ledger is not None
    assert len(found.outcomes[0].ledger) == 0


def test_missing_costs_count_as_zero_and_are_counted_per_column(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW, {**ROW, "BilledCost": ""}, {**ROW, "BilledCost": "NULL", "EffectiveCost": ""})
    found = facts(tmp_path)
    assert found.missing_costs == (("BilledCost", 2), ("EffectiveCost", 1))
    assert found.totals == {("USD", "BilledCost"): 10**12, ("USD", "EffectiveCost"): 4 * 10**12}


def test_a_column_that_one_file_lacks_is_zero_there_and_no_missing_cost(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW)
    without = tuple(name for name in COLUMNS if name not in ("BilledCost", "Tags"))
    put(tmp_path, "b.csv", {**ROW, "Region": "eu"}, columns=(*without, "Region"))
    found = read(tmp_path, report=("team", "Region"))
    assert found.facts.missing_costs == ()
    assert found.facts.totals == {("USD", "BilledCost"): 10**12, ("USD", "EffectiveCost"): 4 * 10**12}
    rows = found.outcomes[0].ledger
    assert rows is not None
    assert rows.values == ((None, "a"), ("eu", None))
    assert rows.amounts == ((0, 10**12), (2 * 10**12, 2 * 10**12))


def test_columns_in_another_order_are_the_same_columns(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", ROW, columns=COLUMNS[::-1])
    assert facts(tmp_path).totals == {("USD", "BilledCost"): 2 * 10**12, ("USD", "EffectiveCost"): 4 * 10**12}


# What is missing


@pytest.mark.parametrize("missing", ["", "NULL"])
def test_empty_text_and_null_are_missing_in_csv(tmp_path: Path, missing: str) -> None:
    put(tmp_path, "a.csv", {**ROW, "ServiceName": missing}, {**ROW, "ServiceName": "null"})
    assert ledger(tmp_path, "ServiceName").values == ((None, "null"),)


@pytest.mark.parametrize("tags", ["", "NULL", "{}", '{"team": null}', '{"team": ""}', '{"Team": "x"}'])
def test_a_tag_that_is_not_there_is_missing(tmp_path: Path, tags: str) -> None:
    put(tmp_path, "a.csv", {**ROW, "Tags": tags})
    assert ledger(tmp_path).values == ((None,),)


def test_a_charge_without_a_billing_month_has_that_of_its_day_and_one_without_an_end_its_day(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "BillingPeriodStart": "", "ChargePeriodEnd": ""})
    found = ledger(tmp_path)
    assert (found.months, found.days) == (("2025-04",), ("2025-04-10",))


def test_a_moment_with_an_offset_counts_on_its_day_in_utc(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "ChargePeriodStart": "2025-04-10T01:00:00+02:00"})
    assert ledger(tmp_path).days == ("2025-04-09",)


# One bill from several kinds of files


def test_csv_gzip_and_parquet_say_the_same(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW)
    (tmp_path / "bill" / "b.csv.gz").write_bytes(gzip.compress(csv_text({**ROW, "ServiceName": "S3"}).encode()))
    put_parquet(
        tmp_path,
        "c.parquet",
        "SELECT TIMESTAMP '2025-04-01' AS BillingPeriodStart, "
        "TIMESTAMPTZ '2025-04-10 00:00:00+00' AS ChargePeriodStart, 'USD' AS BillingCurrency, 'RDS' AS ServiceName, "
        "1e0 AS BilledCost, 2::DECIMAL(20,4) AS EffectiveCost, MAP {'team': 'a'} AS Tags",
    )
    found = ledger(tmp_path, "team", "ServiceName")
    assert found.values == (("a", "a", "a"), ("EC2", "RDS", "S3"))
    assert found.amounts == ((10**12,) * 3, (2 * 10**12,) * 3)
    assert set(found.days) == {"2025-04-10"}


@pytest.mark.parametrize(
    "tags", ["""'{"team": "a"}'""", """'{"team": "a"}'::JSON""", "MAP {'team': 'a'}", "{'team': 'a', 'x': NULL}"]
)
def test_tags_are_read_from_text_json_maps_and_structs(tmp_path: Path, tags: str) -> None:
    put_parquet(
        tmp_path,
        "a.parquet",
        f"SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 1 AS BilledCost, {tags} AS Tags",
    )
    assert ledger(tmp_path).values == (("a",),)


def test_columns_that_differ_in_case_alone_are_two(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "x_env": "lower", "x_Env": "upper"}, columns=(*COLUMNS, "x_env", "x_Env"))
    assert ledger(tmp_path, "x_Env", "x_env").values == (("upper",), ("lower",))


def test_line_ends_byte_order_mark_and_quoted_lines_are_no_matter(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "ServiceName": 'two\nlines, "quoted"'})
    path = tmp_path / "bill" / "a.csv"
    text = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert ledger(tmp_path, "ServiceName").values == (('two\r\nlines, "quoted"',),)


# What is refused, and where


@pytest.mark.parametrize(
    ("column", "text", "what"),
    [
        ("EffectiveCost", "abc", "a decimal number"),
        ("EffectiveCost", "1,234.50", "a decimal number"),
        ("EffectiveCost", "$5", "a decimal number"),
        ("BilledCost", "nan", "a decimal number"),
        ("BilledCost", "-inf", "a decimal number"),
        ("ChargePeriodStart", "10/04/2025", "a date and time"),
        ("ChargePeriodStart", "yesterday", "a date and time"),
        ("ChargePeriodEnd", "2025-04-31", "a date and time"),
        ("BillingPeriodStart", "April", "a date and time"),
    ],
)
def test_a_value_that_cannot_be_read_is_told_with_file_row_and_column(
    tmp_path: Path, column: str, text: str, what: str
) -> None:
    put(tmp_path, "a.csv", ROW, ROW)
    put(tmp_path, "b.csv", ROW, ROW, {**ROW, column: text}, ROW)
    assert refusal(tmp_path) == f"bill/b.csv: row 3 has {text!r} in {column}, which is not {what}"


def test_the_file_at_fault_is_found_among_files_with_other_columns(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", {**ROW, "Region": "eu"}, {**ROW, "EffectiveCost": "x"}, columns=(*COLUMNS, "Region"))
    assert refusal(tmp_path).startswith("bill/b.csv: row 2 has 'x' in EffectiveCost")


def test_rows_are_counted_without_the_header_and_with_quoted_lines_as_one(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "ServiceName": "two\nlines"}, {**ROW, "BilledCost": "x"})
    assert refusal(tmp_path).startswith("bill/a.csv: row 2 has 'x' in BilledCost")


def test_a_long_text_is_cut(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "BilledCost": "x" * 500})
    assert refusal(tmp_path) == f"bill/a.csv: row 1 has '{'x' * 60}...' in BilledCost, which is not a decimal number"


@pytest.mark.parametrize("number", ["'nan'::DOUBLE", "'inf'::DOUBLE", "true", "'abc'"])
def test_a_value_of_parquet_is_told_like_one_of_csv(tmp_path: Path, number: str) -> None:
    start = "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, "
    put_parquet(tmp_path, "a.parquet", f"{start} {number} AS BilledCost")
    message = refusal(tmp_path)
    assert message.startswith("bill/a.parquet: row 1 has ")
    assert message.endswith(" in BilledCost, which is not a decimal number")


@pytest.mark.parametrize("tags", ['{"team": ', "team=a", "[]", '"text"', "7", "null", "{} {}"])
def test_tags_that_are_no_json_object_are_refused(tmp_path: Path, tags: str) -> None:
    put(tmp_path, "a.csv", ROW, {**ROW, "Tags": tags})
    message = refusal(tmp_path)
    assert f"the tags {tags!r}" in message
    assert "bill/a.csv" in message


def test_tags_that_no_rule_reads_are_not_parsed(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "Tags": "broken"})
    settings = Settings(
        root=tmp_path, rules=tmp_path, state=tmp_path, billing=(BillingSource(name="c", path="bill/*"),)
    )
    bill, metrics = describe_bill(settings, probe), describe_metrics(settings, probe)
    done = evaluate(bill, metrics, [Request(RuleSet())], report=("ServiceName",), cost="BilledCost", threads=1)
    assert done.facts.rows == 1


@pytest.mark.parametrize(
    ("line", "number", "fields"),
    [("2025-04-01,2025-04-10\n", 3, 2), ('"a","b","c","d","e","1","1","{}","more"\n', 3, 9)],
)
def test_a_line_with_too_few_or_too_many_fields_is_told_with_its_file(
    tmp_path: Path, line: str, number: int, fields: int
) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", ROW)
    with (tmp_path / "bill" / "b.csv").open("a", encoding="utf-8") as file:
        file.write(line)
    assert refusal(tmp_path) == f"bill/b.csv: line {number} has {fields} fields where the header has 8"


def test_a_bill_without_starts_or_currencies_is_refused_with_the_number_of_charges(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW, {**ROW, "BillingCurrency": ""}, {**ROW, "BillingCurrency": "NULL"})
    assert "2 charges" in refusal(tmp_path)
    assert "currency" in refusal(tmp_path)
    put(tmp_path, "a.csv", {**ROW, "ChargePeriodStart": ""}, {**ROW, "ChargePeriodStart": "NULL"}, ROW)
    assert "2 charges" in refusal(tmp_path)
    assert "start" in refusal(tmp_path)


# Refusals that name too little


def test_broken_tags_are_told_with_their_own_file(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", ROW, {**ROW, "Tags": "team=a"})
    assert "bill/b.csv" in refusal(tmp_path)


@pytest.mark.parametrize("text", ["1e30", " "])
def test_a_number_that_is_too_large_or_blank_is_told_with_file_row_and_column(tmp_path: Path, text: str) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", ROW, {**ROW, "EffectiveCost": text})
    assert refusal(tmp_path).startswith("bill/b.csv: row 2 has ")


@pytest.mark.parametrize("column", ["BillingCurrency", "ChargePeriodStart"])
def test_a_charge_without_currency_or_start_is_told_with_its_file_and_row(tmp_path: Path, column: str) -> None:
    put(tmp_path, "a.csv", ROW)
    put(tmp_path, "b.csv", ROW, {**ROW, column: ""})
    message = refusal(tmp_path)
    assert "bill/b.csv" in message
    assert "row 2" in message


@pytest.mark.parametrize("start", ["0044-03-15 (BC)", "12025-04-10"])
def test_a_date_that_no_calendar_of_a_bill_has_is_refused(tmp_path: Path, start: str) -> None:
    put(tmp_path, "a.csv", {**ROW, "BillingPeriodStart": "", "ChargePeriodEnd": "", "ChargePeriodStart": start})
    assert "bill/a.csv" in refusal(tmp_path)


def test_the_first_row_at_fault_is_named_in_a_large_file(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", *([ROW] * 20_000), {**ROW, "BilledCost": "x"}, *([ROW] * 20_000), {**ROW, "BilledCost": "y"})
    for threads in (1, 2):
        assert refusal(tmp_path, threads=threads).startswith("bill/a.csv: row 20001 has 'x' in BilledCost")
