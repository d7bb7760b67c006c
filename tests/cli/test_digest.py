"""`costops digest` as its user runs it: figures equal to the ledger's, wrong uses, and a state that is not there."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cli.commands import costops
from workbench import Case, charge, shared_data, write

pytestmark = pytest.mark.xdist_group("digest")

RULES = """\
labels:
  - {id: env, from: Tags.env}
allocations:
  - id: support
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: env}
    basis: {where: {ServiceName: EC2}}
"""
BILL = [
    charge("EC2", "10", day="2025-03-31", env="production"),
    charge("EC2", "20", day="2025-04-10", env="production"),
    charge("EC2", "10", day="2025-04-10", env="staging"),
    charge("Support", "1", day="2025-04-10"),
    charge("EC2", "7.5", day="2025-05-10", env="production"),
    charge("Refund", "-2.25", day="2025-05-10", env="staging"),
    charge("Marketplace", "0.000000000001", day="2025-05-10"),
    charge("EC2", "4", day="2025-05-10", env="production", BillingCurrency="EUR"),
]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 1 reports ServiceName alone, version 2 env and ServiceName."""
    folder = tmp_path_factory.mktemp("digest")
    write(Case(RULES, BILL, report=("ServiceName",)), folder)
    assert costops(folder, "apply", "--auto-approve").code == 0
    settings = folder / "costops.yaml"
    settings.write_text(settings.read_text().replace('["ServiceName"]', '["ServiceName", "env"]'))
    assert costops(folder, "apply", "--auto-approve").code == 0
    return folder


def document(folder: Path, *arguments: str) -> dict[str, Any]:
    done = costops(folder, "digest", *arguments, "--format", "json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


def assert_equals_the_ledger(folder: Path, by: str) -> int:
    """Every amount of the digest is the ledger's and none is missing; the number of amounts."""
    found = document(folder, "--by", by, "--period", "0001-01..9999-12")
    done = costops(folder, "ledger", "--by", f"{by},billing_month", "--format", "json")
    key = ("BillingCurrency", "billing_month")
    ledger = {(row[by], *(row[name] for name in key)): row[found["cost"]] for row in json.loads(done.out)["rows"]}
    digest = {(row["value"], *(row[name] for name in key)): row["cost"] for row in found["rows"]}
    assert {place: cost for place, cost in digest.items() if cost != "0"} == {
        place: cost for place, cost in ledger.items() if cost != "0"
    }
    for total in found["totals"]:
        place = tuple(total[name] for name in key)
        assert sum(Decimal(cost) for at, cost in ledger.items() if at[1:] == place) == Decimal(total["cost"])
    return len(ledger)


def test_the_figures_are_the_ledgers_to_the_last_digit(workspace: Path) -> None:
    assert assert_equals_the_ledger(workspace, "env") == 7
    assert assert_equals_the_ledger(workspace, "ServiceName") == 7


def test_the_figures_of_a_messy_bill_are_the_ledgers_too(tmp_path: Path) -> None:
    path = str(shared_data("focus-1.2-messy", "focus")) + "/**/*.parquet"
    write(Case(RULES, [], report=("env", "ServiceName"), bill_path=path), tmp_path)
    assert costops(tmp_path, "apply", "--auto-approve").code == 0
    assert assert_equals_the_ledger(tmp_path, "env") > 50
    assert assert_equals_the_ledger(tmp_path, "ServiceName") > 50


def test_the_text_is_made_for_the_width_of_the_terminal(workspace: Path) -> None:
    done = costops(workspace, "digest", environment={"COLUMNS": "80"})
    assert (done.code, done.err) == (0, "")
    title, period, *rest = done.out.splitlines()
    assert title.startswith("costops digest   version 2 (")
    assert period.strip() == "EffectiveCost by env, 2025-03..2025-05"
    assert rest == [
        "",
        "EUR 4.00 in 2025-05: +4.00 (new) against the month before.",
        "Nothing is unallocated. Largest rise: production +4.00 (new).",
        "",
        "env            2025-03  2025-04  2025-05  change",
        "production           -        -     4.00   +4.00  new",
        "(unallocated)        -        -        -       -    -",
        "total EUR         0.00     0.00     4.00   +4.00  new",
        "unallocated %        -        -    0.0 %",
        "",
        "USD 5.25 in 2025-05: -25.75 (-83.1 %) against the month before.",
        "Unallocated 0.00 (0.0 %). Largest fall: production -13.17 (-63.7 %).",
        "",
        "env            2025-03  2025-04  2025-05  change",
        "production       10.00    20.67     7.50  -13.17   -63.7 %",
        "staging              -    10.33    -2.25  -12.58  -121.8 %",
        "(unallocated)        -        -     0.00    0.00       new",
        "total USD        10.00    31.00     5.25  -25.75   -83.1 %",
        "unallocated %    0.0 %    0.0 %    0.0 %",
    ]
    assert costops(workspace, "digest", environment={"COLUMNS": "80"}).out == done.out


def test_a_period_has_both_ends_and_the_month_before_is_read(workspace: Path) -> None:
    found = document(workspace, "--period", "2025-04")
    assert found["months"] == ["2025-04"]
    (production,) = [row for row in found["rows"] if row["value"] == "production"]
    assert (production["cost"], production["before"], production["change"]) == (
        "20.666666666667",
        "10",
        "10.666666666667",
    )
    assert document(workspace, "--period", "2025-04..2025-05")["months"] == ["2025-04", "2025-05"]


def test_an_old_version_has_its_own_dimensions(workspace: Path) -> None:
    assert document(workspace, "--version", "1")["by"] == "ServiceName"
    assert document(workspace)["by"] == "env"
    done = costops(workspace, "digest", "--version", "1", "--by", "env")
    assert done.code == 64
    assert "Version 1 has no report dimension 'env'." in done.err
    assert "ServiceName" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--by", "day"), 64, "It has: ServiceName, env."),
        (("--period", "2025-13"), 64, "write 2025-09 or 2025-07..2025-09"),
        (("--period", "2026-01"), 64, "It has 2025-03 to 2025-05."),
        (("--version", "9"), 7, "has no version 9; the newest is 2"),
        (("--version", "0"), 64, "--version"),
        (("--format", "csv"), 64, "--format"),
    ],
)
def test_a_wrong_use_says_what_is_right(workspace: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = costops(workspace, "digest", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in done.err


def test_without_a_state_the_remedy_is_named(tmp_path: Path) -> None:
    write(Case(RULES, BILL, report=("env",)), tmp_path)
    done = costops(tmp_path, "digest")
    assert (done.code, done.out) == (7, "")
    assert "nothing has been applied yet" in done.err
    assert "costops apply" in done.err


def test_the_bill_and_the_engine_are_not_needed(workspace: Path) -> None:
    bills = workspace / "bill"
    bills.rename(workspace / "elsewhere")
    try:
        assert document(workspace)["version"] == 2
    finally:
        (workspace / "elsewhere").rename(bills)
