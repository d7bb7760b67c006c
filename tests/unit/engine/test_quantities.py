"""Quantities that rules weigh by: read exactly, kept with the cells, and never part of the money."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from workbench import assert_close, by, charge, shared_data, write_bill

from costops.bill.describe import describe_bill
from costops.config import load_settings
from costops.engine.embedded import _connection
from costops.engine.ir import Fields
from costops.engine.load import BillFacts, load_bill
from costops.engine.lower import lower
from costops.engine.probe import probe
from costops.errors import BillError, EngineError
from costops.language.files import load_rules
from costops.model.bill import BillDescription
from costops.money import PICOS
from costops.workspace import Workspace, open_workspace

RULES = """\
labels:
  - {id: team, from: Tags.team}
allocations:
  - id: split
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {quantity: %s}
"""


def used(team: str, quantity: object, unit: str | None = "Hours", **columns: object) -> dict[str, object]:
    """A charge of 1 with a consumed quantity."""
    return charge("EC2", "1", team=team, ConsumedQuantity=quantity, ConsumedUnit=unit, **columns)


def workspace(
    folder: Path, files: Mapping[str, Sequence[Mapping[str, object]]], *, quantity: str = "ConsumedQuantity"
) -> Path:
    for name in ("rules", "bill"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, charges in files.items():
        write_bill(folder / "bill" / name, charges, charges)
    settings = {"version": 1, "report": ["team"], "billing": [{"name": "cloud", "path": "bill/*"}]}
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "rules" / "10.yaml").write_text(RULES % quantity, encoding="utf-8")
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[Workspace]:
    with open_workspace(folder, environment={"COSTOPS_THREADS": "1"}) as workspace:
        yield workspace


def split(folder: Path) -> dict[str | None, Fraction]:
    with opened(folder) as workspace:
        ledger = workspace.plan().ledger
    assert ledger is not None
    assert ledger.cost_columns == ("BilledCost", "EffectiveCost")
    return by(ledger, "team")


def loaded(folder: Path, quantities: Sequence[str]) -> tuple[BillFacts, tuple[int, ...], BillDescription]:
    """The facts, and the sums of each cost column and then of the quantities, in picos."""
    settings = load_settings(folder).settings
    bill = describe_bill(settings, probe)
    fields = Fields()
    rules = load_rules(settings.rules, settings.root).rules
    program = lower(rules, report=settings.report, cost=settings.cost, fields=fields)
    with _connection(1) as connection:
        facts = load_bill(connection, bill, fields, [program], quantities=quantities)
        columns = [f"sum(c{place})" for place in range(len(bill.cost_columns) + len(quantities))]
        sums = connection.execute(f"SELECT {', '.join(columns)} FROM raw").fetchall()[0]
    return facts, tuple(int(each) for each in sums), bill


SUPPORT = charge("Support", "10")


def test_quantities_stand_behind_the_costs_and_are_no_part_of_the_facts(tmp_path: Path) -> None:
    charges = [used("a", "1.5"), used("b", ""), used("b", "0.0000000000005"), used("b", "0.0000000000015"), SUPPORT]
    facts, sums, bill = loaded(workspace(tmp_path, {"a.csv": charges}), ["ConsumedQuantity", "PricingQuantity"])
    # Halves of the last place go to the even neighbour: 0 and 2 units.
    assert sums == (14 * PICOS, 14 * PICOS, 3 * PICOS // 2 + 2, 0)
    assert bill.cost_columns == ("BilledCost", "EffectiveCost")
    assert facts.totals == {("USD", "BilledCost"): 14 * PICOS, ("USD", "EffectiveCost"): 14 * PICOS}
    assert facts.missing_costs == ()


def test_files_without_a_quantity_have_none(tmp_path: Path) -> None:
    files = {"a.csv": [used("a", "3")], "b.csv": [charge("EC2", "1", team="b"), SUPPORT]}
    assert loaded(workspace(tmp_path, files), ["ConsumedQuantity"])[1] == (12 * PICOS, 12 * PICOS, 3 * PICOS)
    assert_close(split(tmp_path), {"a": 11, "b": 1})


def test_a_rule_splits_by_quantity_and_a_missing_one_is_nothing(tmp_path: Path) -> None:
    charges = [used("a", "3"), used("a", None), used("b", "1"), used("c", "0", "GB"), SUPPORT]
    assert_close(split(workspace(tmp_path, {"a.csv": charges})), {"a": Fraction("9.5"), "b": Fraction("3.5"), "c": 1})


def test_a_missing_quantity_gives_no_warning(tmp_path: Path) -> None:
    with opened(workspace(tmp_path, {"a.csv": [used("a", "3"), used("a", None), SUPPORT]})) as opened_workspace:
        plan = opened_workspace.plan()
    assert [each.code for each in plan.diagnostics if each.code.startswith("CO7")] == []
    assert [each.cost for each in plan.totals] == ["BilledCost", "EffectiveCost"]


def test_the_other_quantity_has_its_own_unit(tmp_path: Path) -> None:
    charges = [
        used("a", "1", "GB", PricingQuantity="1", PricingUnit="TB"),
        used("b", "1", "Hours", PricingQuantity="4", PricingUnit="TB"),
        SUPPORT,
    ]
    folder = workspace(tmp_path, {"a.csv": charges}, quantity="PricingQuantity")
    assert_close(split(folder), {"a": 3, "b": 9})


@pytest.mark.parametrize("value", ["NaN", "1,5", "many", "1_000"])
def test_a_quantity_that_is_no_number_is_refused_with_its_row_where_a_rule_needs_it(tmp_path: Path, value: str) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "1"), used("b", value), SUPPORT]})
    with opened(folder) as opened_workspace, pytest.raises(BillError) as caught:
        opened_workspace.plan()
    assert caught.value.message == f"bill/a.csv: row 2 has {value!r} in ConsumedQuantity, which is not a decimal number"
    (folder / "rules" / "10.yaml").write_text((RULES % "x").replace("{quantity: x}", "{}"), encoding="utf-8")
    assert_close(split(folder), {"a": 6, "b": 6})


def test_another_fault_is_not_blamed_on_a_quantity_that_nobody_reads(tmp_path: Path) -> None:
    charges = [used("a", "x"), {**used("b", "1"), "EffectiveCost": "y"}]
    folder = workspace(tmp_path, {"a.csv": charges})
    (folder / "rules" / "10.yaml").write_text((RULES % "x").replace("{quantity: x}", "{}"), encoding="utf-8")
    with opened(folder) as opened_workspace, pytest.raises(BillError, match="row 2 has 'y' in EffectiveCost"):
        opened_workspace.plan()


@pytest.mark.parametrize(
    ("value", "picos"),
    [
        ("0.1::DOUBLE", PICOS // 10),
        ("12::UBIGINT", 12 * PICOS),
        ("'2.5'", 5 * PICOS // 2),
        ("1.25::DECIMAL(9,4)", 5 * PICOS // 4),
    ],
)
def test_quantities_of_parquet_are_read_as_costs_are(tmp_path: Path, value: str, picos: int) -> None:
    folder = workspace(tmp_path, {})
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT TIMESTAMP '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 'EC2' AS ServiceName, "
            f"1 AS EffectiveCost, {value} AS ConsumedQuantity) TO '{folder / 'bill' / 'a.parquet'}' (FORMAT parquet)"
        )
    assert loaded(folder, ["ConsumedQuantity"])[1] == (PICOS, picos)


def test_the_quantities_of_a_charge_that_is_split_count_by_its_parts(tmp_path: Path) -> None:
    whole = {
        **used("", "6"),
        "x_SplitOriginId": "s",
        "AllocatedMethodId": None,
        "EffectiveCost": "6",
        "BilledCost": "6",
    }
    parts = [
        {
            **used(team, each),
            "x_SplitOriginId": "s",
            "AllocatedMethodId": "m",
            "EffectiveCost": each,
            "BilledCost": each,
        }
        for team, each in (("a", "4"), ("b", "2"))
    ]
    folder = workspace(tmp_path, {"a.csv": [whole, *parts]})
    assert loaded(folder, ["ConsumedQuantity"])[1] == (6 * PICOS, 6 * PICOS, 6 * PICOS)


def test_a_quantity_that_the_bill_lacks_is_refused(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "1"), SUPPORT]}, quantity="PricingQuantity")
    with opened(folder) as opened_workspace, pytest.raises(EngineError) as caught:
        opened_workspace.plan()
    assert caught.value.message == "allocation split weighs by PricingQuantity, which the bill does not have"
    assert caught.value.hint == "weigh by a cost or a metric, or choose the other quantity"


def test_an_applied_rule_whose_quantity_is_gone_from_the_bill_stops_no_plan(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "1"), SUPPORT]})
    with opened(folder) as opened_workspace:
        opened_workspace.apply(opened_workspace.plan())
    workspace(tmp_path, {"a.csv": [charge("EC2", "1", team="a"), SUPPORT]})
    (folder / "rules" / "10.yaml").write_text((RULES % "x").replace("{quantity: x}", "{}"), encoding="utf-8")
    assert_close(split(folder), {"a": 11})


# Kept cells


def test_kept_cells_know_the_quantities(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "3"), used("b", "1.000000000001"), SUPPORT]})
    with opened(folder) as opened_workspace:
        read = opened_workspace.plan(keep_cells=True)
        again = opened_workspace.plan(keep_cells=True)
    assert read.ledger == again.ledger
    assert len([each for each in (folder / ".costops" / "cache" / "cells").iterdir() if each.is_dir()]) == 1


def test_cells_without_quantities_are_not_taken_for_a_rule_that_needs_one(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "3"), used("b", "1"), SUPPORT]})
    by_quantity = (folder / "rules" / "10.yaml").read_text(encoding="utf-8")
    (folder / "rules" / "10.yaml").write_text(by_quantity.replace("quantity: ConsumedQuantity", ""), encoding="utf-8")
    with opened(folder) as opened_workspace:
        plain = opened_workspace.plan(keep_cells=True).ledger
    (folder / "rules" / "10.yaml").write_text(by_quantity, encoding="utf-8")
    with opened(folder) as opened_workspace:
        weighed = opened_workspace.plan(keep_cells=True).ledger
    assert plain is not None
    assert weighed is not None
    assert_close(by(plain, "team"), {"a": 6, "b": 6})
    assert_close(by(weighed, "team"), {"a": Fraction("8.5"), "b": Fraction("3.5")})


def test_a_saved_plan_by_quantity_is_applied_when_its_bill_is_gone(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"a.csv": [used("a", "3"), used("b", "1"), SUPPORT]})
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan(keep_cells=True)
    shutil.rmtree(folder / "bill")
    with opened(folder) as opened_workspace:
        assert opened_workspace.review(plan).plan.ledger == plan.ledger


# Real bills


def usage_amounts(path: Path, column: str) -> Decimal:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return sum((Decimal(row[column] or 0) for row in csv.DictReader(file)), Decimal(0))


@pytest.mark.parametrize(
    ("parts", "column"),
    [
        (("aws-cur1-csv", "nise-May-2025.csv.gz"), "lineItem/UsageAmount"),
        (("focus-1.2", "cost_and_usage_aws.csv.gz"), "ConsumedQuantity"),
        (("focus-1.0", "focus_sample.csv.gz"), "PricingQuantity"),
    ],
)
def test_the_quantities_of_real_bills_have_their_sums(tmp_path: Path, parts: tuple[str, str], column: str) -> None:
    path = shared_data(*parts)
    name = column if column.endswith("Quantity") else "ConsumedQuantity"
    workspace(tmp_path, {}, quantity=name)
    settings = {"version": 1, "report": ["ServiceName"], "billing": [{"name": "cloud", "path": str(path)}]}
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    facts, sums, bill = loaded(tmp_path, [name])
    exact = usage_amounts(path, column)
    assert abs(Fraction(sums[-1], PICOS) - Fraction(exact)) <= Fraction(facts.rows, 2 * PICOS)
    assert sums[-1] != 0
    assert tuple(part.quantities.keys() >= {name} for part in bill.parts) == (True,)


def test_a_report_of_aws_is_split_by_what_was_used_in_one_unit(tmp_path: Path) -> None:
    path = shared_data("aws-cur1-csv", "nise-May-2025.csv.gz")
    (tmp_path / "rules").mkdir()
    rules = (
        "dimensions: [{id: account, rules: []}]\n"
        "allocations:\n"
        "  - id: tax\n"
        "    source: {where: {ServiceName: Amazon Elastic Compute Cloud, ConsumedUnit: {not: Hrs}}}\n"
        "    method: proportional\n"
        "    to: {dimension: SubAccountId}\n"
        "    into: account\n"
        "    basis: {quantity: ConsumedQuantity, granularity: monthly, where: {ConsumedUnit: Hrs}}\n"
    )
    (tmp_path / "rules" / "10.yaml").write_text(rules, encoding="utf-8")
    settings = {"version": 1, "report": ["account"], "billing": [{"name": "aws", "path": str(path)}]}
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    used_by: dict[str, Fraction] = {}
    taken = Fraction(0)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["pricing/unit"] == "Hrs":
                account = row["lineItem/UsageAccountId"]
                used_by[account] = used_by.get(account, Fraction(0)) + Fraction(row["lineItem/UsageAmount"] or 0)
    with opened(tmp_path) as opened_workspace:
        ledger = opened_workspace.plan().ledger
    assert ledger is not None
    found = {account: cost for account, cost in by(ledger, "account").items() if account is not None}
    taken, whole = sum(found.values(), Fraction(0)), sum(used_by.values(), Fraction(0))
    assert taken > 0
    assert_close(found, {account: taken * each / whole for account, each in used_by.items() if each})
