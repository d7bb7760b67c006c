"""A workspace's bill as one description."""

from __future__ import annotations

import hashlib
from pathlib import Path

import duckdb
import pytest

from costops.bill.describe import describe_bill
from costops.engine.probe import probe
from costops.errors import BillError
from costops.model.bill import BillDescription
from costops.model.settings import BillingSource, Settings

HEADER = "ChargePeriodStart,BillingCurrency,BilledCost"


def write(root: Path, name: str, text: str) -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def described(root: Path, *sources: BillingSource) -> BillDescription:
    settings = Settings(root=root, rules=root / "rules", state=root / "state.db", billing=sources)
    return describe_bill(settings, probe)


def cloud(path: str, name_of_format: str | None = None) -> BillingSource:
    return BillingSource(name="cloud", path=path, format=name_of_format)


def refused(root: Path, *sources: BillingSource) -> BillError:
    with pytest.raises(BillError) as caught:
        described(root, *sources)
    return caught.value


def test_files_with_the_same_columns_are_one_part_and_others_their_own(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    write(tmp_path, "bill/b.csv", f"{HEADER},Tags\n2025-01-01,USD,1,\n")
    write(tmp_path, "bill/c.csv", f"{HEADER}\n2025-01-02,USD,2\n")
    bill = described(tmp_path, cloud("bill"))
    assert [[file.name for file in part.files] for part in bill.parts] == [["bill/a.csv", "bill/c.csv"], ["bill/b.csv"]]
    assert [part.format for part in bill.parts] == ["focus", "focus"]
    assert bill.cost_columns == ("BilledCost",)


def test_the_same_columns_with_other_types_are_another_part(tmp_path: Path) -> None:
    (tmp_path / "bill").mkdir()
    for name, cost in (("a", "1.5::DOUBLE"), ("b", "2.5::DECIMAL(24,12)")):
        duckdb.connect().execute(
            f"COPY (SELECT DATE '2025-01-01' AS ChargePeriodStart, 'USD' AS BillingCurrency, {cost} AS BilledCost) "
            f"TO '{tmp_path}/bill/{name}.parquet' (FORMAT parquet)"
        )
    assert len(described(tmp_path, cloud("bill/*.parquet")).parts) == 2


def test_sources_of_both_formats_are_one_bill(tmp_path: Path) -> None:
    write(tmp_path, "focus/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    write(
        tmp_path,
        "cur/a.csv",
        "line_item_usage_start_date,line_item_unblended_cost,line_item_line_item_type,line_item_currency_code\n",
    )
    bill = described(tmp_path, cloud("focus"), BillingSource(name="aws", path="cur", format="aws-cur"))
    assert [(part.source, part.format) for part in bill.parts] == [("cloud", "focus"), ("aws", "aws-cur")]
    assert bill.cost_columns == ("BilledCost", "EffectiveCost")


def test_the_digest_is_over_names_and_content(tmp_path: Path) -> None:
    first = f"{HEADER}\n2025-01-01,USD,1\n"
    second = f"{HEADER}\n2025-01-01,USD,2\n"
    write(tmp_path, "bill/a.csv", first)
    write(tmp_path, "bill/b.csv", second)
    lines = "".join(
        f"bill/{name}.csv {hashlib.sha256(text.encode()).hexdigest()}\n" for name, text in (("a", first), ("b", second))
    )
    assert described(tmp_path, cloud("bill")).digest == hashlib.sha256(lines.encode()).hexdigest()


def test_the_description_does_not_depend_on_where_the_workspace_lies(tmp_path: Path) -> None:
    for place in ("here", "there"):
        write(tmp_path / place, "bill/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    assert described(tmp_path / "here", cloud("bill")).digest == described(tmp_path / "there", cloud("bill")).digest


def test_a_workspace_without_a_billing_source_is_told_what_to_write(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert error.message == "costops.yaml names no bill"
    assert error.hint == 'Write where it is, for example `billing: [{name: cloud, path: "bill/**/*.parquet"}]`.'


def test_a_bill_without_a_cost_column_is_said_so(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", "ChargePeriodStart,BillingCurrency,ServiceName\n")
    assert refused(tmp_path, cloud("bill")).message == (
        "billing source cloud: bill/a.csv has no cost column; a bill needs at least one of "
        "BilledCost, EffectiveCost, ListCost, ContractedCost"
    )


def test_a_file_that_is_no_bill_lists_what_each_format_lacks(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    write(tmp_path, "bill/usage.csv", "date,metric,value\n")
    error = refused(tmp_path, cloud("bill"))
    assert error.message == (
        "billing source cloud: bill/usage.csv is no bill that costops can read. As focus it lacks ChargePeriodStart, "
        "BillingCurrency, a cost column (BilledCost, EffectiveCost, ListCost or ContractedCost). As aws-cur it lacks "
        "line_item_usage_start_date, line_item_unblended_cost, line_item_line_item_type, line_item_currency_code"
    )
    assert error.hint is not None
    assert error.hint.startswith("A bill needs the start of the charge period, a currency and a cost.")


def test_names_that_differ_in_case_or_spaces_only_are_pointed_at(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", "chargeperiodstart,Billing Currency,BilledCost\n")
    error = refused(tmp_path, cloud("bill"))
    assert error.hint == ("Rename `chargeperiodstart` to `ChargePeriodStart`, `Billing Currency` to `BillingCurrency`.")


def test_a_named_format_is_the_only_one_that_is_tried(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    error = refused(tmp_path, cloud("bill", "aws-cur"))
    assert error.message == (
        "billing source cloud: bill/a.csv is no bill that costops can read. As aws-cur it lacks "
        "line_item_usage_start_date, line_item_unblended_cost, line_item_line_item_type, line_item_currency_code"
    )
    assert described(tmp_path, cloud("bill", "focus")).parts[0].format == "focus"


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, cloud("bill", "azure"))
    assert error.message == "billing source cloud: there is no format azure"
    assert error.hint == "Write focus or aws-cur, or leave `format` out to have it detected."


def test_a_report_with_slashed_columns_is_a_report_of_aws(tmp_path: Path) -> None:
    names = "lineItem/UsageStartDate,lineItem/UnblendedCost,lineItem/LineItemType,lineItem/CurrencyCode"
    write(tmp_path, "bill/a.csv", f"{names}\n2025-01-01,1,Usage,USD\n")
    assert [(part.format, part.version) for part in described(tmp_path, cloud("bill")).parts] == [("aws-cur", "1")]


def test_files_of_other_delimiters_are_parts_of_their_own(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    write(tmp_path, "bill/b.csv", f"{HEADER}\n2025-01-01,USD,2\n".replace(",", ";"))
    parts = described(tmp_path, cloud("bill")).parts
    assert [[(file.name, file.delimiter) for file in part.files] for part in parts] == [
        [("bill/a.csv", ",")],
        [("bill/b.csv", ";")],
    ]


def test_the_same_content_twice_is_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, f"bill/{name}.csv", f"{HEADER}\n2025-01-01,USD,1\n")
    error = refused(tmp_path, cloud("bill"))
    assert error.message == (
        "billing source cloud: bill/a.csv and bill/b.csv have the same content; their cost would count twice"
    )


def test_a_broken_file_is_called_by_its_name_in_the_workspace(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.parquet", "no parquet")
    error = refused(tmp_path, cloud("bill"))
    assert error.message == "bill/a.parquet cannot be read: it is no Parquet file, whatever its name says"


def test_added_cost_columns_come_after_those_of_focus_in_the_order_of_first_mention(tmp_path: Path) -> None:
    write(tmp_path, "a/a.csv", f"{HEADER},x_One,x_Two\n2025-01-01,USD,1,2,3\n")
    write(tmp_path, "a/b.csv", f"{HEADER},x_Two\n2025-01-02,USD,1,3\n")
    write(tmp_path, "b/a.csv", f"{HEADER},EffectiveCost,x_Two\n2025-01-01,USD,1,2,3\n")
    bill = described(
        tmp_path,
        BillingSource(name="a", path="a", costs=(("two", "x_Two"), ("x_One", "x_One"))),
        BillingSource(name="b", path="b", costs=(("three", "BilledCost"), ("two", "x_Two"))),
    )
    assert bill.cost_columns == ("BilledCost", "EffectiveCost", "two", "x_One", "three")
    assert [tuple(part.costs) for part in bill.parts] == [
        ("BilledCost", "two", "x_One"),
        ("BilledCost", "two"),
        ("BilledCost", "EffectiveCost", "three", "two"),
    ]
    # A column that is a cost under its own name is no field any more; under another name it stays one.
    assert ["x_One" in part.columns for part in bill.parts] == [False, False, False]
    assert ["x_Two" in part.columns for part in bill.parts] == [True, True, True]


def test_how_files_are_read_is_part_of_the_description_and_no_part_of_the_digest(tmp_path: Path) -> None:
    write(tmp_path, "bill/a.csv", f"{HEADER},x_One,x_Two\n2025-01-01,USD,1,2,3\n")
    sources = [
        cloud("bill"),
        *(BillingSource(name="cloud", path="bill", costs=(("net", x),)) for x in ("x_One", "x_Two")),
    ]
    bills = [described(tmp_path, each) for each in sources]
    assert len({bill.digest for bill in bills}) == 1
    assert len({bill.reading for bill in bills}) == 3


def test_the_quantities_of_focus_and_of_a_report_of_aws(tmp_path: Path) -> None:
    write(tmp_path, "focus/a.csv", f"{HEADER},ConsumedQuantity,ConsumedUnit,PricingQuantity\n2025-01-01,USD,1,2,GB,3\n")
    write(
        tmp_path,
        "cur/a.csv",
        "lineItem/UsageStartDate,lineItem/UnblendedCost,lineItem/LineItemType,lineItem/CurrencyCode,lineItem/UsageAmount\n",
    )
    bill = described(tmp_path, cloud("focus"), BillingSource(name="aws", path="cur"))
    assert [tuple(part.quantities) for part in bill.parts] == [
        ("ConsumedQuantity", "PricingQuantity"),
        ("ConsumedQuantity",),
    ]
    assert all("ConsumedQuantity" in part.columns for part in bill.parts)
