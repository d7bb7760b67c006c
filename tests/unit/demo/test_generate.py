from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from costops.demo.generate import generate


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def ask(folder: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(
            query.replace("BILL", f"read_parquet('{folder}/bill/*/*.parquet', hive_partitioning=false)")
        ).fetchall()


def test_two_runs_give_the_same_bytes_whatever_the_number_of_threads(tmp_path: Path) -> None:
    generate(tmp_path / "one", rows=150_000, months=["2025-09"], threads=1)
    generate(tmp_path / "two", rows=150_000, months=["2025-09"], threads=2)
    generate(tmp_path / "again", rows=150_000, months=["2025-09"], threads=2)
    first = digests(tmp_path / "one")
    assert list(first) == ["bill/BILLING_PERIOD=2025-09/part-0.parquet", "usage/usage.csv"]
    assert digests(tmp_path / "two") == first
    assert digests(tmp_path / "again") == first


def test_a_small_bill_has_more_resources_than_rows_and_the_same_bytes_again(tmp_path: Path) -> None:
    generate(tmp_path / "one", rows=60, threads=1)
    generate(tmp_path / "two", rows=60, threads=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_the_demo_has_these_totals_for_ever(tmp_path: Path) -> None:
    generate(tmp_path)
    totals = ask(
        tmp_path,
        "SELECT BillingCurrency, count(*), sum(BilledCost)::VARCHAR, sum(EffectiveCost)::VARCHAR FROM BILL"
        " GROUP BY 1 ORDER BY 1",
    )
    assert totals == [
        ("EUR", 3551, "41474.938080964149", "46842.974843164149"),
        ("USD", 46449, "648813.715436354053", "618878.899773939764"),
    ]


def test_rows_are_counted_over_all_months_and_the_first_months_get_the_rest(tmp_path: Path) -> None:
    generate(tmp_path, rows=1_000)
    assert ask(tmp_path, "SELECT strftime(BillingPeriodStart, '%Y-%m'), count(*) FROM BILL GROUP BY 1 ORDER BY 1") == [
        ("2025-07", 334),
        ("2025-08", 333),
        ("2025-09", 333),
    ]


def test_months_may_be_others_and_lie_in_two_years(tmp_path: Path) -> None:
    generate(tmp_path, rows=200, months=["2023-12", "2024-02"])
    assert ask(
        tmp_path,
        "SELECT BillingPeriodStart::VARCHAR, BillingPeriodEnd::VARCHAR, count(*) FROM BILL GROUP BY 1, 2 ORDER BY 1",
    ) == [("2023-12-01 00:00:00", "2024-01-01 00:00:00", 100), ("2024-02-01 00:00:00", "2024-03-01 00:00:00", 100)]
    assert ask(tmp_path, "SELECT max(ChargePeriodEnd)::VARCHAR FROM BILL") == [("2024-03-01 00:00:00",)]


def test_a_bill_may_have_fewer_rows_than_fixed_charges(tmp_path: Path) -> None:
    generate(tmp_path, rows=3)
    assert ask(tmp_path, "SELECT DISTINCT ServiceName FROM BILL") == [("AWS Support",)]


def test_another_seed_gives_other_rows(tmp_path: Path) -> None:
    generate(tmp_path / "one", rows=300, seed=1)
    generate(tmp_path / "two", rows=300, seed=2)
    total = "SELECT sum(BilledCost) FROM BILL"
    assert ask(tmp_path / "one", total) != ask(tmp_path / "two", total)


def test_a_folder_with_a_quote_in_its_name_works(tmp_path: Path) -> None:
    generate(tmp_path / "Jürgen's bill", rows=3)
    assert (tmp_path / "Jürgen's bill" / "bill" / "BILLING_PERIOD=2025-07" / "part-0.parquet").is_file()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda folder: generate(folder, months=["2025-13"]), "not a billing month"),
        (lambda folder: generate(folder, months=["2025-08", "2025-07"]), "in order"),
        (lambda folder: generate(folder, months=["2025-08", "2025-08"]), "each once"),
        (lambda folder: generate(folder, months=[]), "months must be"),
        (lambda folder: generate(folder, rows=2), "at least 3 rows, not 2"),
    ],
)
def test_senseless_arguments_are_refused_before_anything_is_written(
    tmp_path: Path, call: Callable[[Path], None], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        call(tmp_path / "new")
    assert not (tmp_path / "new").exists()
