"""Every FOCUS bill and every report of AWS of the shared data, as they are, together in one workspace.

The expected figures are worked out here from the raw files with the csv module and decimals; a DOUBLE is the shortest
decimal that reads back to it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import cache
from pathlib import Path

import pytest
from workbench import by, evaluated, shared_data

from costops.model.bill_report import BillReport
from costops.model.ledger import Ledger
from costops.workspace import open_workspace

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
SOURCES = {
    "focus10": "focus-1.0/*.csv.gz",
    "focus11": "focus-1.1/*.csv.gz",
    "focus12": "focus-1.2/*.csv.gz",
    "messy": "focus-1.2-messy/focus/**/*.parquet",
    "focus13": "focus-1.3/*.csv.gz",
    "cur_csv": "aws-cur1-csv/*.csv.gz",
    "cur_parquet": "aws-cur1-parquet/*.parquet",
}
RULES = """
labels:
  - {id: env, from: [Tags.env, Tags.environment, Tags.Environment, Tags.Env], transform: [trim, lower]}
allocations:
  - {id: untagged, source: {where: {env: null}}, method: proportional, to: {dimension: env}}
"""
EXACT = Context(prec=60)
Key = tuple[str, str, str, str]
"""(source, billing month, currency, cost column)."""


def as_read(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("1e-12"), ROUND_HALF_EVEN, EXACT)


def focus_rows(folder: Path, pattern: str) -> Iterator[tuple[str, str, Mapping[str, Decimal | None], int]]:
    """(billing month, currency, costs as written, rows) of FOCUS files in CSV."""
    for path in sorted(folder.glob(pattern)):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                costs = {name: None if row[name] in ("", "NULL") else Decimal(row[name]) for name in COSTS}
                yield row["BillingPeriodStart"][:7], row["BillingCurrency"], costs, 1


def messy_rows(folder: Path, pattern: str) -> Iterator[tuple[str, str, Mapping[str, Decimal | None], int]]:
    import duckdb  # 30 ms, only here

    sums = ", ".join(f"SUM({name})" for name in COSTS)
    rows = duckdb.execute(
        f"SELECT strftime(BillingPeriodStart, '%Y-%m'), BillingCurrency, {sums} FROM read_parquet(?) GROUP BY ALL",
        [str(folder / pattern)],
    ).fetchall()
    for month, currency, *amounts in rows:
        yield month, currency, dict(zip(COSTS, amounts, strict=True)), 1


def cur_csv_rows(folder: Path, pattern: str) -> Iterator[tuple[str, str, Mapping[str, Decimal | None], int]]:
    for path in folder.glob(pattern):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                unblended = Decimal(row["lineItem/UnblendedCost"])
                kind = row["lineItem/LineItemType"]
                assert kind in ("Usage", "SavingsPlanCoveredUsage")
                covered = kind == "SavingsPlanCoveredUsage"
                yield (
                    row["bill/BillingPeriodStartDate"][:7],
                    row["lineItem/CurrencyCode"],
                    {
                        "BilledCost": unblended,
                        "EffectiveCost": Decimal(row["savingsPlan/SavingsPlanEffectiveCost"]) if covered else unblended,
                        "ListCost": Decimal(row["pricing/publicOnDemandCost"]),
                    },
                    1,
                )


def cur_parquet_rows(folder: Path, pattern: str) -> Iterator[tuple[str, str, Mapping[str, Decimal | None], int]]:
    import duckdb  # 30 ms, only here

    rows = duckdb.execute(
        """
        SELECT strftime(bill_billing_period_start_date, '%Y-%m'), line_item_currency_code, line_item_line_item_type,
               line_item_unblended_cost, reservation_effective_cost, reservation_unused_recurring_fee,
               reservation_unused_amortized_upfront_fee_for_billing_period, reservation_reservation_a_r_n <> '',
               pricing_public_on_demand_cost, count(*)
        FROM read_parquet(?, union_by_name = true) GROUP BY ALL
        """,
        [str(folder / pattern)],
    ).fetchall()
    for month, currency, kind, unblended, used, recurring, upfront, reserved, listed, count in rows:
        billed = read_double(unblended)
        effective = billed
        if kind == "DiscountedUsage":
            effective = read_double(used)
        elif kind == "RIFee":
            effective = (read_double(recurring) or Decimal(0)) + (read_double(upfront) or Decimal(0))
        elif kind == "Fee" and reserved:
            effective = Decimal(0)
        costs = {"BilledCost": billed, "EffectiveCost": effective, "ListCost": read_double(listed)}
        yield month, currency, costs, count


@cache
def read_double(value: float | None) -> Decimal | None:
    return None if value is None else as_read(Decimal(repr(value)))


READERS = {"messy": messy_rows, "cur_csv": cur_csv_rows, "cur_parquet": cur_parquet_rows}


@pytest.fixture(scope="module")
def data() -> Path:
    return shared_data()


@pytest.fixture(scope="module")
def expected(data: Path) -> dict[Key, Decimal]:
    """Sums as read."""
    sums: dict[Key, Decimal] = defaultdict(Decimal)
    for source, pattern in SOURCES.items():
        for month, currency, costs, count in READERS.get(source, focus_rows)(data, pattern):
            for name, amount in costs.items():
                sums[source, month, currency, name] += as_read(amount or Decimal(0)) * count
    return sums


@pytest.fixture(scope="module")
def workspace(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("all")
    (folder / "rules").mkdir()
    (folder / "rules" / "all.yaml").write_text(RULES, encoding="utf-8")
    settings = {
        "version": 1,
        "report": ["env"],
        "billing": [{"name": name, "path": str(data / pattern)} for name, pattern in SOURCES.items()],
    }
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(workspace: Path) -> BillReport:
    with open_workspace(workspace, environment={}) as opened:
        return opened.survey()


@pytest.fixture(scope="module")
def ledger(workspace: Path) -> Ledger:
    return evaluated(workspace)


def picos(amount: Decimal) -> int:
    return int(amount.scaleb(12, EXACT))


def test_totals_of_every_source_month_and_currency_equal_the_files_own(
    report: BillReport, expected: dict[Key, Decimal]
) -> None:
    found: dict[Key, int] = defaultdict(int)
    for each in report.readings:
        for name, cost in each.costs.items():
            found[each.source, each.month, each.currency, name] += cost.amount_picos
    assert found == {key: picos(amount) for key, amount in expected.items()}
    assert report.rows == 1000 + 1000 + 3000 + 50_000 + 3000 + 20_460 + 243_647


def test_the_known_totals_of_the_traps(report: BillReport) -> None:
    def total(source: str, month: str, cost: str) -> Decimal:
        readings = (each for each in report.readings if each.source == source and each.month.startswith(month))
        return Decimal(sum(each.costs[cost].amount_picos for each in readings)).scaleb(-12)

    assert total("focus10", "", "BilledCost") == Decimal("20.52022672899")
    assert total("focus10", "", "EffectiveCost") == Decimal("14.97651418586")
    near = Decimal("1e-9")
    assert abs(total("cur_parquet", "2018-10", "BilledCost") - Decimal("4064.4831315379")) < near
    assert abs(total("cur_parquet", "2018-11", "BilledCost") - Decimal("3505.3269681268")) < near
    assert abs(total("cur_parquet", "2018-10", "EffectiveCost") - Decimal("4195.9571093179")) < near
    assert abs(total("cur_parquet", "2018-11", "EffectiveCost") - Decimal("3632.5598464968")) < near


def test_what_rounding_took_is_the_files_sum_minus_the_sum_as_read(report: BillReport, data: Path) -> None:
    for source in ("focus11", "focus12", "focus13", "cur_csv"):
        for cost in ("BilledCost", "EffectiveCost", "ListCost"):
            taken, rounded = Decimal(0), 0
            for _, _, costs, _ in READERS.get(source, focus_rows)(data, SOURCES[source]):
                amount = costs[cost] or Decimal(0)
                taken = EXACT.add(taken, EXACT.subtract(amount, as_read(amount)))
                rounded += amount != as_read(amount)
            readings = [each.costs[cost] for each in report.readings if each.source == source]
            assert sum(each.rounding for each in readings) == int(taken.scaleb(40, EXACT)), (source, cost)
            assert sum(each.rounded for each in readings) == rounded, (source, cost)
    assert sum(each.costs["ListCost"].rounded for each in report.readings if each.source == "focus13") > 0


def test_a_plan_on_all_of_them_loses_nothing(ledger: Ledger, expected: dict[Key, Decimal]) -> None:
    for place, name in enumerate(ledger.cost_columns):
        wanted: dict[tuple[str, str], int] = defaultdict(int)
        for (_, month, currency, cost), amount in expected.items():
            if cost == name and amount:
                wanted[month, currency] += picos(amount)
        found: dict[tuple[str, str], int] = defaultdict(int)
        for row, amount_picos in enumerate(ledger.amounts[place]):
            found[ledger.months[row], ledger.currencies[row]] += amount_picos
        assert {key: total for key, total in found.items() if total} == wanted


def test_formats_versions_and_files_are_told(report: BillReport) -> None:
    formats = {
        source.name: [(each.format, each.version, each.kind) for each in source.formats] for source in report.sources
    }
    assert formats == {
        "focus10": [("focus", "1.0", "csv")],
        "focus11": [("focus", "1.1", "csv")],
        "focus12": [("focus", "1.2", "csv")],
        "messy": [("focus", "1.2", "parquet")],
        "focus13": [("focus", "1.3", "csv")],
        "cur_csv": [("aws-cur", "1", "csv")],
        "cur_parquet": [("aws-cur", "1", "parquet")],
    }
    # November's report has columns that October's lacks.
    (both,) = (source.formats for source in report.sources if source.name == "cur_parquet")
    assert len(both[0].files) == 2
    assert report.passed_over == ()
    assert report.splits == ()


def test_the_literal_text_null_is_missing(report: BillReport) -> None:
    (missing,) = {sum(each.costs["ContractedCost"].missing for each in report.readings if each.source == "focus10")}
    assert missing == 7
    assert "NULL" not in {tag.key for tag in report.tags}


def test_tag_keys_that_differ_in_case_only_are_other_tags(data: Path, tmp_path: Path) -> None:
    (tmp_path / "costops.yaml").write_text(
        json.dumps({"version": 1, "billing": [{"name": "cur", "path": str(data / SOURCES["cur_csv"])}]}),
        encoding="utf-8",
    )
    with open_workspace(tmp_path, environment={}) as opened:
        tags = {tag.key: tag for tag in opened.survey().tags}
    rows: dict[str, int] = defaultdict(int)
    values: dict[str, set[str]] = defaultdict(set)
    costs: dict[str, Decimal] = defaultdict(Decimal)
    with gzip.open(next((data / "aws-cur1-csv").iterdir()), "rt", encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            covered = row["lineItem/LineItemType"] == "SavingsPlanCoveredUsage"
            cost = Decimal(row["savingsPlan/SavingsPlanEffectiveCost" if covered else "lineItem/UnblendedCost"])
            for name, value in row.items():
                if name.startswith("resourceTags/") and value:
                    key = name.removeprefix("resourceTags/").removeprefix("user:")
                    rows[key] += 1
                    values[key].add(value)
                    costs[key] += as_read(cost)
    assert {key: tag.rows for key, tag in tags.items()} == rows
    assert (rows["env"], rows["Env"], rows["environment"], rows["Environment"]) == (7793, 1293, 3922, 1481)
    assert {key: tag.values for key, tag in tags.items()} == {key: len(found) for key, found in values.items()}
    assert {key: tag.amounts["USD"] for key, tag in tags.items()} == {key: picos(cost) for key, cost in costs.items()}


def test_ids_keep_their_leading_zeros(data: Path, tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "costops.yaml").write_text(
        json.dumps(
            {
                "version": 1,
                "report": ["BillingAccountId", "SubAccountId"],
                "billing": [{"name": "cur", "path": str(data / SOURCES["cur_parquet"])}],
            }
        ),
        encoding="utf-8",
    )
    ids = {each for each in by(evaluated(tmp_path), "SubAccountId") if each is not None}
    assert any(each.startswith("0") for each in ids)
    assert {len(each) for each in ids} == {12}


def test_provider_split_rows_count_once_and_add_up_to_their_charge(report: BillReport, data: Path) -> None:
    """The real files have parts alone: no row stands beside the parts it was split into."""
    split = 0
    ratios: dict[tuple[str, ...], Decimal] = defaultdict(Decimal)
    for path in sorted((data / "focus-1.3").glob("*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                if row["AllocatedMethodId"]:
                    split += 1
                    ratio = Decimal(str(json.loads(row["AllocatedMethodDetails"])["Elements"][0]["AllocatedRatio"]))
                    key = (path.name, row["ResourceId"], row["ChargePeriodStart"], row["SkuPriceId"])
                    ratios[key] += ratio
    assert split == 210 + 249 + 192
    assert all(abs(whole - 1) < Decimal("0.0001") for whole in ratios.values())
    assert report.splits == ()
    assert sum(each.rows for each in report.readings if each.source == "focus13") == 3000
