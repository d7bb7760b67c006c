"""What `costops bill` is told of a bill: sums, rounding, tags, and charges that were split by their provider."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from workbench import evaluated, planned, totals

from costops.errors import BillError
from costops.model.bill_report import BillReport, CostReading, months_between
from costops.model.diagnostic import Severity
from costops.workspace import open_workspace

ROW = {
    "BillingPeriodStart": "2025-04-01",
    "ChargePeriodStart": "2025-04-10T00:00:00Z",
    "ChargePeriodEnd": "2025-04-11T00:00:00Z",
    "BillingCurrency": "USD",
    "ServiceName": "EC2",
    "BilledCost": "1",
    "EffectiveCost": "2",
    "Tags": "{}",
}


def workspace(folder: Path, path: str = "bill/*", report: Sequence[str] = ("ServiceName",)) -> Path:
    for name in ("bill", "rules"):
        (folder / name).mkdir(exist_ok=True)
    settings = {"version": 1, "report": list(report), "billing": [{"name": "cloud", "path": path}]}
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return folder


def put(folder: Path, name: str, *rows: Mapping[str, str], columns: Sequence[str] = ()) -> None:
    workspace(folder)
    with (folder / "bill" / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), restval="")
        writer.writeheader()
        writer.writerows(rows)


def put_parquet(folder: Path, name: str, query: str) -> None:
    workspace(folder)
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({query}) TO '{folder / 'bill' / name}' (FORMAT parquet)")


def survey(folder: Path) -> BillReport:
    with open_workspace(folder, environment={"COSTOPS_THREADS": "1"}) as opened:
        return opened.survey()


def cost(folder: Path, name: str = "BilledCost") -> CostReading:
    (reading,) = survey(folder).readings
    return reading.costs[name]


# Sums


def test_readings_are_by_source_file_month_and_currency(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", ROW, {**ROW, "BilledCost": ""}, {**ROW, "BillingCurrency": "EUR", "BilledCost": "-0.5"})
    put(tmp_path, "b.csv", {**ROW, "BillingPeriodStart": "2025-07-01", "BilledCost": "3"})
    report = survey(tmp_path)
    assert [(each.file, each.month, each.currency, each.rows) for each in report.readings] == [
        ("bill/a.csv", "2025-04", "EUR", 1),
        ("bill/a.csv", "2025-04", "USD", 2),
        ("bill/b.csv", "2025-07", "USD", 1),
    ]
    assert [each.costs["BilledCost"].amount_picos for each in report.readings] == [-(10**12) // 2, 10**12, 3 * 10**12]
    assert [each.costs["BilledCost"].missing for each in report.readings] == [0, 1, 0]
    assert report.months == ("2025-04", "2025-07")
    assert report.missing_months("cloud") == ("2025-05", "2025-06")
    assert report.currencies() == ("USD", "EUR")


def test_months_between_cross_the_year() -> None:
    assert months_between(("2024-11", "2025-02")) == ("2024-12", "2025-01")
    assert months_between(("2025-02",)) == ()
    assert months_between(()) == ()


def test_a_bill_without_rows_is_a_bill(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", columns=list(ROW))
    report = survey(tmp_path)
    assert (report.rows, report.months, report.readings, report.tags) == (0, (), (), ())
    assert [each.files for each in report.sources[0].formats] == [("bill/a.csv",)]


# Rounding


@pytest.mark.parametrize(
    ("written", "picos", "rounding"),
    [
        ("0.1", 10**11, Fraction(0)),
        ("0.10000000000000", 10**11, Fraction(0)),
        ("0.1234567890123", 123456789012, Fraction("0.3e-12")),
        ("-0.1234567890123", -123456789012, Fraction("-0.3e-12")),
        ("0.0000000000005", 0, Fraction("0.5e-12")),
        ("0.0000000000015", 2, Fraction("-0.5e-12")),
        ("-0.0000000000015", -2, Fraction("0.5e-12")),
        ("0.00000000000050000000000000000001", 1, Fraction("-0.49999999999999999999e-12")),
        ("1.2345e-13", 0, Fraction("1.2345e-13")),
        ("1234567890123.45678901234567e-2", 12345678901234567890123, Fraction("0.4567e-12")),
        ("1e-40", 0, Fraction(1, 10**40)),
        ("1e-41", 0, Fraction(0)),
    ],
)
def test_what_rounding_took_of_a_text(tmp_path: Path, written: str, picos: int, rounding: Fraction) -> None:
    put(tmp_path, "a.csv", {**ROW, "BilledCost": written})
    found = cost(tmp_path)
    assert found.amount_picos == picos
    assert Fraction(found.rounding, 10**40) == rounding
    assert found.rounded == (rounding != 0)


def test_what_rounding_took_of_a_double_and_a_decimal(tmp_path: Path) -> None:
    put_parquet(
        tmp_path,
        "a.parquet",
        "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, d AS BilledCost, "
        "e AS EffectiveCost, 7 AS ListCost FROM (VALUES (0.1::DOUBLE, 0.123456789012345::DECIMAL(20,15)), "
        "(1.3877787807814457e-17, 1), (NULL, NULL), (2e0/3, -1)) AS t(d, e)",
    )
    exact = Fraction("1.3877787807814457e-17") + Fraction("0.6666666666666666") - Fraction("0.666666666667")
    assert Fraction(cost(tmp_path).rounding, 10**40) == exact
    assert (cost(tmp_path).rounded, cost(tmp_path).missing) == (2, 1)
    assert Fraction(cost(tmp_path, "EffectiveCost").rounding, 10**40) == Fraction("0.345e-12")
    assert (cost(tmp_path, "ListCost").rounded, cost(tmp_path, "ListCost").amount_picos) == (0, 28 * 10**12)


def test_the_amortised_cost_of_a_report_has_the_rounding_of_what_it_is_made_of(tmp_path: Path) -> None:
    columns = {
        "line_item_usage_start_date": "2025-04-10",
        "line_item_currency_code": "USD",
        "line_item_line_item_type": "RIFee",
        "line_item_unblended_cost": "9",
        "reservation_effective_cost": "8",
        "reservation_unused_recurring_fee": "0.0000000000001",
        "reservation_unused_amortized_upfront_fee_for_billing_period": "0.0000000000002",
    }
    put(tmp_path, "a.csv", columns)
    found = cost(tmp_path, "EffectiveCost")
    assert (found.amount_picos, found.rounded) == (0, 1)
    assert Fraction(found.rounding, 10**40) == Fraction("0.3e-12")


# Tags


def tags(folder: Path) -> dict[str, tuple[int, int, Mapping[str, int]]]:
    return {each.key: (each.rows, each.values, each.amounts) for each in survey(folder).tags}


def test_tag_keys_have_their_charges_values_and_cost_per_currency(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.csv",
        {**ROW, "Tags": '{"env": "prod", "Env": "x", "a/b~c": 5, "empty": "", "none": null}'},
        {**ROW, "Tags": '{"env": "dev", "nested": {"k": [1]}, "on": true}'},
        {**ROW, "Tags": '{"env": "dev"}', "BillingCurrency": "EUR", "EffectiveCost": "7"},
        {**ROW, "Tags": "NULL"},
    )
    assert tags(tmp_path) == {
        "env": (3, 2, {"USD": 4 * 10**12, "EUR": 7 * 10**12}),
        "Env": (1, 1, {"USD": 2 * 10**12}),
        "a/b~c": (1, 1, {"USD": 2 * 10**12}),
        "nested": (1, 1, {"USD": 2 * 10**12}),
        "on": (1, 1, {"USD": 2 * 10**12}),
    }


def test_tag_keys_come_the_dearest_first(tmp_path: Path) -> None:
    put(
        tmp_path,
        "a.csv",
        {**ROW, "Tags": '{"b": "1", "a": "1"}'},
        {**ROW, "Tags": '{"dear": "1"}', "EffectiveCost": "90"},
        {**ROW, "Tags": '{"often": "1"}', "EffectiveCost": "1"},
        {**ROW, "Tags": '{"often": "1"}', "EffectiveCost": "1"},
        {**ROW, "Tags": '{"foreign": "1"}', "EffectiveCost": "999", "BillingCurrency": "EUR"},
    )
    assert [each.key for each in survey(tmp_path).tags] == ["dear", "often", "a", "b", "foreign"]


@pytest.mark.parametrize("written", ["MAP {'env': 'prod', 'team': ''}", "{'env': 'prod', 'team': NULL}"])
def test_tags_of_parquet_may_be_a_map_or_a_struct(tmp_path: Path, written: str) -> None:
    query = "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 3 AS BilledCost"
    put_parquet(tmp_path, "a.parquet", f"{query}, {written} AS Tags")
    assert tags(tmp_path) == {"env": (1, 1, {"USD": 3 * 10**12})}


def test_a_list_of_keys_and_values_is_refused_by_its_type(tmp_path: Path) -> None:
    query = "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 3 AS BilledCost"
    put_parquet(tmp_path, "a.parquet", f"{query}, [{{'key': 'env', 'value': 'prod'}}] AS Tags")
    with pytest.raises(BillError) as caught:
        survey(tmp_path)
    assert "bill/a.parquet: the column Tags has the type STRUCT" in caught.value.message


def test_a_charge_with_a_hundred_thousand_tag_keys_is_read_like_any_other(tmp_path: Path) -> None:
    many = json.dumps({f"key-{number}": str(number % 7) for number in range(100_000)})
    put_parquet(
        tmp_path,
        "a.parquet",
        "SELECT DATE '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 3 AS BilledCost, "
        f"'{many}' AS Tags UNION ALL SELECT DATE '2025-04-10', 'USD', 4, '{{\"key-1\": \"x\"}}'",
    )
    found = tags(tmp_path)
    assert len(found) == 100_000
    assert found["key-1"] == (2, 2, {"USD": 7 * 10**12})
    assert found["key-99999"] == (1, 1, {"USD": 3 * 10**12})


def test_many_tag_keys_of_which_one_stands_there_twice_are_refused(tmp_path: Path) -> None:
    many = "{" + ", ".join(f'"key-{number % 1999}": 1' for number in range(2000)) + "}"
    put(tmp_path, "a.csv", {**ROW, "Tags": many})
    with pytest.raises(BillError) as caught:
        survey(tmp_path)
    assert "one of them twice" in caught.value.message


def test_a_key_that_stands_twice_among_few_counts_its_charge_once(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**ROW, "Tags": '{"env": "prod", "env": "dev"}'})
    assert tags(tmp_path)["env"][0] == 1


# Charges that their provider has split


SPLIT = {
    **ROW,
    "ChargeCategory": "Usage",
    "ChargeDescription": "one host",
    "SkuPriceId": "sku-1",
    "ResourceId": "host-1",
    "AllocatedMethodId": "",
    "AllocatedResourceId": "",
    "AllocatedMethodDetails": "",
}


def split_part(resource: str, amount: str, **more: str) -> dict[str, str]:
    return {
        **SPLIT,
        "AllocatedMethodId": "split-even",
        "AllocatedResourceId": resource,
        "BilledCost": amount,
        "EffectiveCost": amount,
        **more,
    }


PARTS = (split_part("pod-a", "0.333333333"), split_part("pod-b", "0.333333333"), split_part("", "0.333333334"))


def billed(folder: Path) -> Fraction:
    """Cost by the survey, which must be that of a plan."""
    report = survey(folder)
    found = sum(each.costs["BilledCost"].amount_picos for each in report.readings)
    assert totals(evaluated(folder), column="BilledCost") == ({(): Fraction(found, 10**12)} if found else {})
    return Fraction(found, 10**12)


def test_parts_and_the_portion_that_nobody_got_count(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", *PARTS)
    assert billed(tmp_path) == 1
    assert survey(tmp_path).splits == ()


def test_a_charge_beside_its_parts_does_not_count(tmp_path: Path) -> None:
    put(
        tmp_path, "a.csv", {**SPLIT, "BilledCost": "1", "EffectiveCost": "1"}, *PARTS, {**SPLIT, "ResourceId": "host-2"}
    )
    assert billed(tmp_path) == 2
    (left_out,) = survey(tmp_path).splits
    assert (left_out.source, left_out.currency, left_out.rows) == ("cloud", "USD", 1)
    assert left_out.amounts == {"BilledCost": 10**12, "EffectiveCost": 10**12}
    (warning,) = planned(tmp_path)[1]
    assert (warning.code, warning.severity) == ("CO702", Severity.WARNING)
    assert "1 charge of cloud with USD 1 (EffectiveCost) is left out" in warning.message


def test_a_charge_without_cost_beside_its_parts_stays_and_adds_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", {**SPLIT, "BilledCost": "0", "EffectiveCost": "0"}, *PARTS)
    put(tmp_path, "b.csv", split_part("", "0", ChargeDescription="emptied, and marked"))
    assert billed(tmp_path) == 1
    assert survey(tmp_path).rows == 5
    assert survey(tmp_path).splits == ()


def test_a_portion_of_half_the_charge_that_nobody_got_is_not_taken_for_the_charge(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", split_part("pod-a", "0.5"), split_part("", "0.5"))
    assert billed(tmp_path) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"BilledCost": "1", "EffectiveCost": "0.9"},
        {"BilledCost": "0.4", "EffectiveCost": "0.4"},
        {"ResourceId": "", "BilledCost": "1", "EffectiveCost": "1"},
        {"ResourceId": "host-2", "BilledCost": "1", "EffectiveCost": "1"},
        {"ChargePeriodStart": "2025-04-09T00:00:00Z", "BilledCost": "1", "EffectiveCost": "1"},
        {"BillingCurrency": "EUR", "BilledCost": "1", "EffectiveCost": "1"},
        {"SkuPriceId": "sku-2", "BilledCost": "1", "EffectiveCost": "1"},
    ],
)
def test_a_charge_that_differs_from_what_was_split_counts(tmp_path: Path, other: Mapping[str, str]) -> None:
    put(tmp_path, "a.csv", {**SPLIT, **other}, *PARTS)
    report = survey(tmp_path)
    assert sum(each.costs["BilledCost"].amount_picos for each in report.readings) == 10**12 + int(
        Fraction(other["BilledCost"]) * 10**12
    )
    assert report.splits == ()


def test_an_origins_id_tells_a_charge_whose_other_columns_differ(tmp_path: Path) -> None:
    ids = {"x_SplitOriginId": "origin-1", "x_SplitOriginCost": "1"}
    origin = {**SPLIT, **ids, "BilledCost": "1", "EffectiveCost": "1", "ChargeDescription": "the whole"}
    rest = {**SPLIT, "x_SplitOriginId": "", "x_SplitOriginCost": "", "BilledCost": "1", "EffectiveCost": "1"}
    put(tmp_path, "a.csv", origin, *({**part, **ids} for part in PARTS), rest)
    assert billed(tmp_path) == 2
    assert [each.rows for each in survey(tmp_path).splits] == [1]


def test_what_an_origin_kept_for_itself_counts(tmp_path: Path) -> None:
    ids = {"x_SplitOriginId": "origin-1", "x_SplitOriginCost": "1"}
    kept = {**SPLIT, **ids, "BilledCost": "0.4", "EffectiveCost": "0.4"}
    put(tmp_path, "a.csv", kept, split_part("pod-a", "0.3", **ids), split_part("pod-b", "0.3", **ids))
    assert billed(tmp_path) == 1


# Files that change


@pytest.mark.parametrize("command", ["survey", "plan"])
@pytest.mark.parametrize("what", ["changed", "went away"])
def test_a_file_that_changes_after_it_was_hashed_is_refused(tmp_path: Path, command: str, what: str) -> None:
    put(tmp_path, "a.csv", ROW)
    with open_workspace(tmp_path, environment={}) as opened:
        assert opened.bill.digest
        path = tmp_path / "bill" / "a.csv"
        if what == "went away":
            path.unlink()
        else:
            os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        with pytest.raises(BillError) as caught:
            getattr(opened, command)()
    assert caught.value.message == f"bill/a.csv {what} while costops read it"
