"""`costops bill`: what was read, for people and for machines, and odd bills that are read right."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.bad_bills import BILLS, PART, versions
from cli.bad_input import check, workspace
from cli.commands import costops
from cli.odd_bills import ODD, Odd
from workbench import shared_data


def document(folder: Path) -> dict[str, Any]:
    done = costops(folder, "bill", "--format", "json")
    assert (done.code, done.err) == (0, "")
    found: dict[str, Any] = json.loads(done.out)
    return found


@pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
def test_an_odd_bill_is_read_right(odd: Odd, tmp_path: Path) -> None:
    workspace(tmp_path)
    odd.spoil(tmp_path)
    found = document(tmp_path)
    assert found["rows"] == odd.rows
    assert sum(float(each["EffectiveCost"]) for each in found["totals"]) == float(odd.billed)
    assert sorted((each["key"], each["rows"]) for each in found["tags"]) == sorted(odd.tags)
    planned = costops(tmp_path, "plan", "--format", "json")
    assert planned.code == 0, planned.err
    assert json.loads(planned.out)["bill"]["rows"] == odd.rows
    shown = costops(tmp_path, "bill")
    assert shown.code == 0
    assert not any(character in shown.out for character in "\x1b\x07\u202e")


def small(folder: Path) -> None:
    for name in ("bill", "rules"):
        (folder / name).mkdir()
    (folder / "costops.yaml").write_text(
        json.dumps({"version": 1, "billing": [{"name": "cloud", "path": "bill/*"}]}), encoding="utf-8"
    )
    header = "BillingPeriodStart,ChargePeriodStart,BillingCurrency,BilledCost,EffectiveCost,Tags\n"
    (folder / "bill" / "a.csv").write_text(
        f'{header}2025-04-01,2025-04-10,USD,1234567.1234570000004,,"{{""env"": ""prod"", ""team"": ""a""}}"\n'
        '2025-04-01,2025-04-10,EUR,7,0,"{""env"": ""dev""}"\n',
        encoding="utf-8",
    )
    (folder / "bill" / "b.csv").write_text(f"{header}2025-07-01,2025-07-10,USD,-0.5,-0.5,\n", encoding="utf-8")
    (folder / "bill" / "notes.txt").write_text("not a bill", encoding="utf-8")


TEXT = """\
costops bill   3 rows, 2 files, 2025-04..2025-07, USD, EUR
digest DIGEST

Source cloud   bill/*
  FOCUS, version not known, CSV, 2 files, 3 rows, 2025-04..2025-07, EUR, USD
  no charges in 2025-05, 2025-06, between its first and its last month

Totals per billing month and currency
                rows            BilledCost  EffectiveCost
  2025-04  EUR     1              7.000000           0.00
  2025-04  USD     1      1,234,567.123457           0.00
  2025-07  USD     1             -0.500000          -0.50
  all      EUR     1              7.000000           0.00
  all      USD     2      1,234,566.623457          -0.50

Charges without an amount, which counts as 0
  bill/a.csv: EffectiveCost 1

Rounding of amounts with more than 12 places, half-even; the sum in the file minus the sum as read
  bill/a.csv
    BilledCost  1 amount  +0.0000000000004
  none in 1 other file

Passed over: 1 file
  bill/notes.txt: neither CSV nor Parquet

Tags, with the EffectiveCost of the charges that have them
  tag   rows          values   USD   EUR
  env      2  66.7 %       2  0.00  0.00
  team     1  33.3 %       1  0.00     -
"""


def test_the_text_says_what_was_read_rounded_missing_and_passed_over(tmp_path: Path) -> None:
    small(tmp_path)
    done = costops(tmp_path, "bill")
    assert (done.code, done.err) == (0, "")
    digest = document(tmp_path)["digest"]
    assert squeezed(done.out.replace(digest, "DIGEST")) == squeezed(TEXT)


def squeezed(text: str) -> list[str]:
    """Lines without runs of spaces, which depend on the widest amount."""
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_document_has_every_figure_exactly(tmp_path: Path) -> None:
    small(tmp_path)
    found = document(tmp_path)
    assert found["format_version"] == "1.0"
    assert found["totals"][1] == {
        "month": "2025-04",
        "BillingCurrency": "USD",
        "rows": 1,
        "BilledCost": "1234567.123457",
        "EffectiveCost": "0",
    }
    assert found["files"][0] == {
        "source": "cloud",
        "file": "bill/a.csv",
        "rows": 2,
        "months": ["2025-04"],
        "currencies": ["EUR", "USD"],
        "costs": [
            {"cost": "BilledCost", "missing": 0, "rounded": 1, "rounding": "0.0000000000004"},
            {"cost": "EffectiveCost", "missing": 1, "rounded": 0, "rounding": "0"},
        ],
    }
    assert found["sources"][0]["missing_months"] == ["2025-05", "2025-06"]
    assert found["passed_over"] == [{"source": "cloud", "file": "bill/notes.txt", "reason": "neither CSV nor Parquet"}]
    assert found["tags"][0] == {
        "key": "env",
        "rows": 2,
        "values": 2,
        "money": [{"BillingCurrency": "EUR", "amount": "0"}, {"BillingCurrency": "USD", "amount": "0"}],
    }


def test_older_versions_of_a_month_are_named_with_the_reason(tmp_path: Path) -> None:
    workspace(tmp_path)
    versions(manifest=json.dumps({"reportKeys": ["b/20250401-20250501/version-2/cost-1.csv"]}))(tmp_path)
    out = costops(tmp_path, "bill").out
    assert "Passed over: 1 file\n  bill/20250401-20250501/version-1/cost-1.csv: " in out
    assert "cost-Manifest.json does not name it: an older version" in out


def test_long_lists_are_cut_with_their_number_and_all_shows_them(tmp_path: Path) -> None:
    workspace(tmp_path)
    tags = json.dumps({f"key-{number:02d}": "x" for number in range(40)}).replace('"', '""')
    (tmp_path / PART).write_text(
        f'ChargePeriodStart,BillingCurrency,EffectiveCost,Tags\n2025-04-10,USD,1,"{tags}"\n', encoding="utf-8"
    )
    short, everything = costops(tmp_path, "bill").out, costops(tmp_path, "bill", "--all").out
    assert "key-14" in short
    assert "key-15" not in short
    assert "... 25 more tags (--all)" in short
    assert "key-39" in everything
    assert "more tags" not in everything


def test_lines_fit_into_a_narrow_terminal(tmp_path: Path) -> None:
    folder = shared_data("focus-1.2-messy", "focus")
    (tmp_path / "costops.yaml").write_text(
        json.dumps({"version": 1, "billing": [{"name": "cloud", "path": str(folder)}]}), encoding="utf-8"
    )
    for width in (100, 72):
        lines = costops(tmp_path, "bill", environment={"COLUMNS": str(width)}).out.splitlines()
        # The digest and a path are as long as they are.
        assert [line for line in lines if len(line) > width and not line.startswith(("digest", "Source"))] == []


def test_it_needs_neither_rules_nor_a_cost_column_that_the_settings_name(tmp_path: Path) -> None:
    small(tmp_path)
    (tmp_path / "rules").rmdir()
    settings = {"version": 1, "cost": "ListCost", "billing": [{"name": "cloud", "path": "bill/*"}]}
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    done = costops(tmp_path, "bill")
    assert (done.code, done.err) == (0, "")
    assert "Tags, with the BilledCost of the charges" in done.out


DOCUMENTED = ("decimal comma", "truncated gzip", "Latin-1", "two versions of a month", "too few fields")


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_messages_in_the_manual_are_what_is_said(name: str, tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "bills.md").read_text(encoding="utf-8")
    assert page.partition("## When something is wrong with a file")[2].count("costops: ") == len(DOCUMENTED)
    (kind,) = (each for each in BILLS if each.name == name)
    assert f"```\n{check(kind, tmp_path)}```\n" in page
