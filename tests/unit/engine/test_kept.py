"""Cells kept in the cache folder: the same ledger without the bill, and nothing believed that is not whole."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import Case, charge, load, write, write_bill, write_rules

from costops.bill.describe import describe_bill
from costops.config import load_settings
from costops.engine import kept
from costops.engine import load as load_module
from costops.engine.embedded import Evaluation, Request, evaluate
from costops.engine.grouping import MOST_VALUES_APART
from costops.engine.kept import MOST_ENTRIES, MOST_NOTES, KeptBill, NotKeptError, kept_bill
from costops.engine.probe import probe
from costops.model.bill import BillDescription, MetricDescription

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
    charge("EC2", "10.000000000001", env="production"),
    charge("EC2", "-3.5", env="staging"),
    charge("EC2", "90071992547409.930000000003", env="staging"),
    charge("Support", "7"),
    charge("Support", None, day="2025-05-02"),
]
NO_METRICS = MetricDescription(digest="", sources={})


def workspace(folder: Path, rules: str = RULES) -> Path:
    return write(Case(rules, BILL, report=("env", "ServiceName")), folder)


def by_months(folder: Path, *months: str) -> Path:
    """A workspace with a folder of the bill for each month."""
    write(Case(RULES, BILL, report=("env", "ServiceName"), bill_path="bill/**/*.csv"), folder)
    for month in months:
        add_month(folder, month)
    return folder


def add_month(folder: Path, month: str, *more: dict[str, object]) -> None:
    (folder / "bill" / month).mkdir(parents=True, exist_ok=True)
    rows = [
        {**row, "BillingPeriodStart": f"{month}-01"} for row in (*BILL, charge("S3", f"1{month[-1]}", env="production"))
    ]
    write_bill(folder / "bill" / month / "bill.csv", [*rows, *more], [*rows, *more])


def entries(cells: Path) -> list[Path]:
    """The folders of kept units, whatever bill they belong to."""
    return sorted(each for each in cells.iterdir() if each.is_dir())


def file_times(cells: Path) -> dict[Path, int]:
    """When each kept table was written."""
    return {each: each.stat().st_mtime_ns for each in sorted(cells.glob("*/*.parquet"))}


def described(folder: Path) -> BillDescription:
    return describe_bill(load_settings(folder, flags={}, environment={}).settings, probe)


def result(
    folder: Path,
    bill: BillDescription | KeptBill,
    cells: Path | None = None,
    report: tuple[str, ...] = ("env", "ServiceName"),
) -> Evaluation:
    return evaluate(
        bill, NO_METRICS, [Request(load(folder), want_ledger=True)], report=report, cost="EffectiveCost", cells=cells
    )


def digest(evaluation: Evaluation) -> str:
    ledger = evaluation.outcomes[0].ledger
    assert ledger is not None
    return ledger.digest


def test_kept_cells_give_the_same_ledger_and_facts_without_the_bill(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    read = result(folder, bill)
    kept = result(folder, bill, cells)
    shutil.rmtree(folder / "bill")
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    assert (found.cost_columns, found.columns) == (bill.cost_columns, bill.columns)
    again = result(folder, found)
    assert digest(read) == digest(kept) == digest(again)
    assert read.facts == again.facts
    assert read.outcomes[0].money == again.outcomes[0].money


def test_other_fields_are_not_kept(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    result(folder, bill, cells)
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    with pytest.raises(NotKeptError):
        result(folder, found, report=("env", "RegionId"))


def test_another_bill_is_not_kept(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    result(folder, described(folder), cells)
    assert kept_bill(cells, "0" * 64, described(folder).reading) is None


def test_every_damaged_byte_makes_kept_cells_not_kept(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    result(folder, bill, cells)
    files = sorted(each for each in cells.rglob("*") if each.is_file())
    names = {
        "cells.parquet",
        "combinations.parquet",
        "moments.parquet",
        "others.parquet",
        "sums.parquet",
        "tags.parquet",
    }
    assert {each.name for each in files} > {*names, "note.json"}
    for file in files:
        whole = file.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 10)):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            found = kept_bill(cells, bill.digest, bill.reading)
            if found is not None:
                with pytest.raises(NotKeptError):
                    result(folder, found)
        file.write_bytes(whole)
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    assert digest(result(folder, found)) == digest(result(folder, bill))


@pytest.mark.parametrize("content", [b"", b"PAR1", None])
def test_damaged_cells_are_made_again_from_the_bill(tmp_path: Path, content: bytes | None) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    expected = digest(result(folder, bill, cells))
    (entry,) = entries(cells)
    if content is None:
        (entry / "cells.parquet").unlink()
    else:
        (entry / "cells.parquet").write_bytes(content)
    assert digest(result(folder, bill, cells)) == expected
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    assert digest(result(folder, found)) == expected


def test_the_cells_of_another_unit_are_not_believed_under_its_name(tmp_path: Path) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    bill = described(folder)
    expected = digest(result(folder, bill, cells))
    first, second = entries(cells)
    shutil.rmtree(second)
    shutil.copytree(first, second)
    assert digest(result(folder, bill, cells)) == expected
    units = [json.loads((each / "note.json").read_text())["unit"] for each in entries(cells)]
    assert len(set(units)) == 2
    before = file_times(cells)
    assert digest(result(folder, bill, cells)) == expected
    assert file_times(cells) == before


def test_a_note_of_another_format_is_not_kept(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    result(folder, bill, cells)
    for file in (entries(cells)[0] / "note.json", next(each for each in cells.iterdir() if each.is_file())):
        note = json.loads(file.read_text())
        kept._write_note(file, {**{key: value for key, value in note.items() if key != "digest"}, "format": 99})
    assert kept_bill(cells, bill.digest, bill.reading) is None
    assert list(kept.entries_of(cells, entries(cells)[0].name)) == []
    assert digest(result(folder, bill, cells)) == digest(result(folder, bill))


def test_a_folder_that_cannot_be_made_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (tmp_path / "cells").write_text("a file")
    bill = described(folder)
    assert digest(result(folder, bill, tmp_path / "cells")) == digest(result(folder, bill))
    assert kept_bill(tmp_path / "cells", bill.digest, bill.reading) is None


def test_only_the_newest_entries_of_a_unit_stay(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    for place in range(MOST_ENTRIES + 2):
        result(folder, bill, cells, report=("env", f"x_{place}"))
    assert len(entries(cells)) == MOST_ENTRIES
    assert [each for each in cells.rglob("*") if each.name.startswith(".")] == []


def test_what_was_not_used_for_longest_goes_when_there_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    result(folder, described(folder), cells)
    old, new = entries(cells)
    os.utime(old, (1, 1))
    sizes = [sum(each.stat().st_size for each in entry.iterdir()) for entry in (old, new)]
    monkeypatch.setattr(kept, "MOST_BYTES", sum(sizes) + sizes[0] // 2)
    add_month(folder, "2025-06")
    shutil.rmtree(folder / "bill" / "2025-04")
    shutil.rmtree(folder / "bill" / "2025-05")
    result(folder, described(folder), cells)
    assert not old.exists()
    assert new.exists()
    assert len(entries(cells)) == 2


def test_of_many_bills_the_units_of_the_newest_are_known(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    for place in range(MOST_NOTES + 2):
        kept.keep_bill(cells, replace(bill, digest=f"{place:064}"), [])
        os.utime(next(each for each in cells.iterdir() if each.stat().st_mtime > 10**6), (place, place))
    assert kept_bill(cells, f"{0:064}", bill.reading) is None
    assert kept_bill(cells, f"{MOST_NOTES + 1:064}", bill.reading) is not None
    assert len(list(cells.iterdir())) == MOST_NOTES


# Which units are read


def test_an_added_month_leaves_the_cells_of_the_others_as_they_are(tmp_path: Path) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    result(folder, described(folder), cells)
    before = file_times(cells)
    add_month(folder, "2025-06", charge("EC2", "4", env="unheard of"))
    bill = described(folder)
    assert digest(result(folder, bill, cells)) == digest(result(folder, bill))
    after = file_times(cells)
    assert before.items() < after.items()
    assert len(entries(cells)) == 3


def test_a_changed_month_alone_is_read_again(tmp_path: Path) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    first = result(folder, described(folder), cells)
    before = file_times(cells)
    add_month(folder, "2025-05", charge("Support", "100"))
    bill = described(folder)
    second = result(folder, bill, cells)
    assert digest(second) == digest(result(folder, bill)) != digest(first)
    assert before.items() < file_times(cells).items()
    assert len(entries(cells)) == 3


def test_months_that_went_leave_nothing_behind(tmp_path: Path) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    result(folder, described(folder), cells)
    shutil.rmtree(folder / "bill" / "2025-04")
    bill = described(folder)
    found, expected = result(folder, bill, cells), result(folder, bill)
    assert digest(found) == digest(expected)
    assert replace(found.facts, cells="") == replace(expected.facts, cells="")
    assert found.facts.months == ("2025-05",)


def test_equal_files_under_other_names_need_no_reading(tmp_path: Path) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    first = result(folder, described(folder), cells)
    before = file_times(cells)
    (folder / "bill" / "2025-04").rename(folder / "bill" / "x")
    assert digest(result(folder, described(folder), cells)) == digest(first)
    assert file_times(cells) == before


# Which rules kept cells serve


EDITS = {
    "a cost for the basis": RULES.replace(
        "{where: {ServiceName: EC2}}", "{where: {ServiceName: EC2}, cost: BilledCost}"
    ),
    "a method": RULES.replace("method: proportional", "method: even"),
    "a condition on a dimension of the report": RULES.replace("ServiceName: EC2", "ServiceName: [EC2, S3]"),
    "a condition on the elements": RULES.replace("to: {dimension: env}", "to: {dimension: env, exclude: [staging]}"),
    "another rule": RULES
    + """\
  - id: rest
    source: {where: {env: null}}
    method: percent
    to: {dimension: env, percent: {production: 50, staging: 50}}
""",
    "a label that renames": RULES.replace("from: Tags.env}", "from: Tags.env, rename: {p: [production]}}"),
    "another name of the rule": RULES.replace("id: support", "id: fees"),
}


@pytest.mark.parametrize("rules", EDITS.values(), ids=EDITS.keys())
def test_edited_rules_are_served_by_the_cells_of_the_old_ones(tmp_path: Path, rules: str) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    first = result(folder, bill, cells)
    before = file_times(cells)
    write_rules(folder, rules)
    served, expected = result(folder, bill, cells), result(folder, bill)
    assert file_times(cells) == before
    assert digest(served) == digest(expected)
    assert served.facts.cells == first.facts.cells


def test_rules_that_tell_apart_what_became_one_are_served_by_the_bill(tmp_path: Path) -> None:
    folder, cells = (
        workspace(tmp_path, RULES.replace("from: Tags.env}", "from: Tags.env, transform: [upper]}")),
        tmp_path / "cells",
    )
    add = [charge("EC2", "3", env="Production"), charge("EC2", "5", env="PRODUCTION")]
    add += [charge("EC2", "1", env=f"e{place}") for place in range(100)]
    write_bill(folder / "bill" / "part-0.csv", [*BILL, *add], [*BILL, *add])
    bill = described(folder)
    result(folder, bill, cells)
    write_rules(folder, RULES)
    found = result(folder, bill, cells)
    assert digest(found) == digest(result(folder, bill))
    assert len(entries(cells)) == 2
    # Both sets of rules are served from now on, each by its own.
    before = file_times(cells)
    write_rules(folder, RULES.replace("from: Tags.env}", "from: Tags.env, transform: [upper]}"))
    assert digest(result(folder, bill, cells)) == digest(result(folder, bill))
    assert file_times(cells) == before


def test_a_row_that_stands_for_others_of_another_month_is_held_against_new_rules_too(tmp_path: Path) -> None:
    rules = RULES.replace("from: Tags.env}", "from: Tags.env, transform: [lower]}")
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    names = ["STAGING", "Staging", "sTaging", "stAging", "staGing", "stagIng"]
    add_month(folder, "2025-04", *(charge("EC2", "1", env=name) for name in names[::2]))
    add_month(folder, "2025-05", *(charge("EC2", "1", env=name) for name in names[1::2]))
    write_rules(folder, rules)
    result(folder, described(folder), cells)
    shutil.rmtree(folder / "bill" / "2025-04")
    write_rules(folder, RULES)
    bill = described(folder)
    found, expected = result(folder, bill, cells), result(folder, bill)
    assert digest(found) == digest(expected)
    assert replace(found.facts, cells="") == replace(expected.facts, cells="")


PAIRS = {f"old {place}": f"new {place}" for place in range(8)}
RENAMING = RULES.replace(
    "{id: env, from: Tags.env}",
    "{id: env, from: [Tags.env, SubAccountName], transform: [lower], "
    f"rename: {json.dumps({new: [old] for old, new in PAIRS.items()})}}}",
)


@pytest.mark.parametrize("gone", ["2025-04", "2025-05"])
def test_a_month_is_served_alone_though_rows_of_another_stood_for_its_own(tmp_path: Path, gone: str) -> None:
    folder, cells = by_months(tmp_path, "2025-04", "2025-05"), tmp_path / "cells"
    for month, words in (("2025-04", PAIRS.keys()), ("2025-05", PAIRS.values())):
        accounts = [f"{month} {place}" for place in range(MOST_VALUES_APART)]
        rows = [charge("EC2", "1", SubAccountName=each) for each in accounts]
        # Beside a tag the account says nothing: charges of all accounts with the same tag are one.
        rows += [charge("EC2", "2", SubAccountName=each, env=tag) for each in accounts for tag in ("a", "A")]
        add_month(folder, month, *rows, *(charge("EC2", "3", env=tag) for tag in words))
    write_rules(folder, RENAMING)
    bill = described(folder)
    assert digest(result(folder, bill, cells)) == digest(result(folder, bill))
    before = file_times(cells)
    shutil.rmtree(folder / "bill" / gone)
    bill = described(folder)
    requests = [Request(load(folder), want_ledger=True, want_notices=True)]
    served, read = (
        evaluate(bill, NO_METRICS, requests, report=("env", "ServiceName"), cost="EffectiveCost", cells=each)
        for each in (cells, None)
    )
    assert file_times(cells) == before
    assert digest(served) == digest(read)
    assert replace(served.facts, cells="") == replace(read.facts, cells="")
    # Words to which the old ones are renamed, and which nothing has itself any more.
    absent = [each.value for each in served.facts.absences.values]
    assert absent == (list(PAIRS.values()) if gone == "2025-05" else [])


def test_everything_is_read_and_kept_anew_where_that_is_asked_for(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    result(folder, bill, cells)
    before = file_times(cells)
    request = [Request(load(folder), want_ledger=True)]
    fresh = evaluate(
        bill, NO_METRICS, request, report=("env", "ServiceName"), cost="EffectiveCost", cells=cells, full=True
    )
    assert digest(fresh) == digest(result(folder, bill))
    after = file_times(cells)
    assert after.keys() == before.keys()
    assert all(after[each] > before[each] for each in before)


def test_equal_bills_read_alike_have_the_same_cells_with_and_without_a_cache(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    facts = [result(folder, bill, each).facts for each in (None, cells, cells)]
    assert len({each.cells for each in facts}) == 1
    assert result(folder, bill, report=("env",)).facts.cells != facts[0].cells


def absent_values(folder: Path, bill: BillDescription, cells: Path | None) -> list[str]:
    """Values that the rules of a workspace expect and no charge has."""
    request = Request(load(folder), want_notices=True)
    report = ("env", "ServiceName")
    found = evaluate(bill, NO_METRICS, [request], report=report, cost="EffectiveCost", cells=cells)
    return [each.value for each in found.facts.absences.values]


def test_what_the_bill_lacks_is_remembered_for_the_same_expectations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, cells = workspace(tmp_path, RULES.replace("EC2", "EC3")), tmp_path / "cells"
    bill = described(folder)
    assert absent_values(folder, bill, cells) == ["EC3"]
    looked: list[object] = []
    find = load_module.find_absences
    monkeypatch.setattr(load_module, "find_absences", lambda *facts: (looked.append(facts), find(*facts))[1])
    assert absent_values(folder, bill, cells) == ["EC3"]
    assert not looked
    write_rules(folder, RULES.replace("EC2", "EC4"))
    assert absent_values(folder, bill, cells) == ["EC4"]
    assert len(looked) == 1


def test_what_the_bill_lacks_is_looked_for_again_on_another_bill(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path, RULES.replace("EC2", "EC3")), tmp_path / "cells"
    assert absent_values(folder, described(folder), cells) == ["EC3"]
    rows = [*BILL, charge("EC3", "1", env="production")]
    (bill_file,) = (folder / "bill").rglob("*.csv")
    write_bill(bill_file, rows, rows)
    assert absent_values(folder, described(folder), cells) == []
