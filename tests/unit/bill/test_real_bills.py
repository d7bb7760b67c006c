"""Descriptions of real and generated bills give the totals that are known of them."""

from __future__ import annotations

import csv
import gzip
import os
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from unit.bill.evaluate import evaluate

from costops.bill.describe import describe_bill
from costops.engine.probe import probe
from costops.errors import BillError
from costops.model.bill import BillDescription, BillPart
from costops.model.expression import Call, Column, Expression
from costops.model.settings import BillingSource, Settings

REPOSITORY = Path(__file__).parents[3]
DATA = Path(os.environ.get("COSTOPS_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"the bills for tests are not in {DATA}")


def described(root: Path, path: str) -> BillDescription:
    source = BillingSource(name="cloud", path=str(DATA / path))
    return describe_bill(Settings(root=root, rules=root, state=root / "state.db", billing=(source,)), probe)


def columns_in(expression: Expression) -> set[str]:
    match expression:
        case Column(name):
            return {name}
        case Call(_, arguments):
            return set().union(*(columns_in(each) for each in arguments))
    return set()


def charges(part: BillPart, wanted: tuple[Expression, ...]) -> Iterator[tuple[dict[str, Any], int]]:
    """Distinct rows of what the expressions read, and how often each occurs; a moment is cut to its month."""
    names = sorted(set().union(*(columns_in(each) for each in wanted)))
    for file in part.files:
        if file.kind == "csv":
            with gzip.open(file.path, "rt", encoding="utf-8-sig", newline="") as stream:
                yield from ((row, 1) for row in csv.DictReader(stream))
            continue
        types = dict(file.columns)
        selected = ", ".join(
            f"date_trunc('month', \"{name}\")" if types[name] == "TIMESTAMP" else f'"{name}"' for name in names
        )
        query = f"SELECT {selected}, count(*) FROM read_parquet(?, hive_partitioning = false) GROUP BY ALL"
        for *values, count in duckdb.connect().execute(query, [file.path]).fetchall():
            yield dict(zip(names, values, strict=True)), count


def totals(bill: BillDescription, cost: str) -> dict[tuple[str, str], Decimal]:
    """Sums by billing month and currency."""
    sums: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for part in bill.parts:
        wanted = (part.billing_month, part.currency, part.costs[cost])
        for row, count in charges(part, wanted):
            month, currency, amount = (evaluate(each, row) for each in wanted)
            sums[f"{month:%Y-%m}", currency] += (amount or Decimal(0)) * count
    return {key: amount.normalize() for key, amount in sums.items()}


def test_focus_1_0_has_its_known_totals(tmp_path: Path) -> None:
    bill = described(tmp_path, "focus-1.0")
    assert sum(totals(bill, "BilledCost").values()) == Decimal("20.52022672899")
    assert sum(totals(bill, "EffectiveCost").values()) == Decimal("14.97651418586")
    assert set(totals(bill, "BilledCost")) == {("2024-09", "USD"), ("2024-10", "USD")}


def test_focus_1_0_has_no_text_null_left(tmp_path: Path) -> None:
    (part,) = described(tmp_path, "focus-1.0").parts
    assert part.tags is not None
    rows = [row for row, _ in charges(part, ())]
    assert sum(evaluate(part.tags, row) is None for row in rows) == 289
    assert sum(evaluate(part.columns["ResourceName"], row) is None for row in rows) == 949
    assert sum(evaluate(part.costs["ContractedCost"], row) is None for row in rows) == 7


@pytest.mark.parametrize(
    ("path", "billed", "listed"),
    [
        ("focus-1.1/*.csv.gz", "25993.813466032605", "35053.360884819020779"),
        ("focus-1.2/*_aws.csv.gz", "25993.813466032605", "35053.360884819020779"),
        ("focus-1.2/*_azure.csv.gz", "38965.31479412736", "56307.1637468096"),
        ("focus-1.2/*_gcp.csv.gz", "30378.7612419533505", "42380.422367984945"),
    ],
)
def test_generated_focus_bills_have_their_totals(tmp_path: Path, path: str, billed: str, listed: str) -> None:
    bill = described(tmp_path, path)
    assert abs(totals(bill, "BilledCost")["2026-05", "USD"] - Decimal(billed)) < Decimal("1e-9")
    assert abs(totals(bill, "ListCost")["2026-05", "USD"] - Decimal(listed)) < Decimal("1e-9")


def test_three_clouds_of_focus_1_2_are_one_part(tmp_path: Path) -> None:
    assert [len(part.files) for part in described(tmp_path, "focus-1.2").parts] == [3]


def test_the_messy_bill_has_three_months_and_two_currencies(tmp_path: Path) -> None:
    bill = described(tmp_path, "focus-1.2-messy/focus/**/*.parquet")
    assert [len(part.files) for part in bill.parts] == [3]
    assert "BILLING_PERIOD" not in bill.columns
    assert totals(bill, "EffectiveCost") == {
        ("2025-04", "EUR"): Decimal("252.890091307202"),
        ("2025-05", "EUR"): Decimal("462.183010265814"),
        ("2025-06", "EUR"): Decimal("360.513450823716"),
        ("2025-04", "USD"): Decimal("7084.385927935921"),
        ("2025-05", "USD"): Decimal("6919.791665751499"),
        ("2025-06", "USD"): Decimal("6969.99946219464"),
    }


def test_the_report_of_aws_has_its_unblended_and_amortised_totals(tmp_path: Path) -> None:
    bill = described(tmp_path, "aws-cur1-parquet")
    assert [part.format for part in bill.parts] == ["aws-cur", "aws-cur"]
    billed, amortised = totals(bill, "BilledCost"), totals(bill, "EffectiveCost")
    near = Decimal("1e-9")
    assert set(billed) == {("2018-10", "USD"), ("2018-11", "USD")}
    assert abs(billed["2018-10", "USD"] - Decimal("4064.4831315379")) < near
    assert abs(billed["2018-11", "USD"] - Decimal("3505.3269681268")) < near
    assert abs(amortised["2018-10", "USD"] - Decimal("4195.9571093179")) < near
    assert abs(amortised["2018-11", "USD"] - Decimal("3632.5598464968")) < near


def test_the_months_of_aws_differ_in_columns_and_keep_all_tags(tmp_path: Path) -> None:
    november, october = described(tmp_path, "aws-cur1-parquet").parts
    assert set(november.tag_columns) - set(october.tag_columns) == {"tag21_nov"}
    assert {"environment", "cost_center", "aws:created_by"} <= set(october.tag_columns)
    environments: dict[str | None, int] = defaultdict(int)
    for part in (november, october):
        for row, count in charges(part, (part.tag_columns["environment"],)):
            environments[evaluate(part.tag_columns["environment"], row)] += count
    assert environments == {None: 180446, "Production": 61286, "Development": 1905, "Test": 10}


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("aws-cur2-parquet", "is an AWS Cost and Usage Report 2.0"),
        ("azure", "is no bill that costops can read"),
        ("k8s", "is no bill that costops can read"),
    ],
)
def test_what_is_not_read_is_refused(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(BillError) as caught:
        described(tmp_path, path)
    assert reason in caught.value.message
