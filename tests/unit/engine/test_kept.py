"""Cells kept in the cache folder: the same ledger without the bill, and nothing believed that is not whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from workbench import Case, charge, load, write

from costops.bill.describe import describe_bill
from costops.config import load_settings
from costops.engine.embedded import Evaluation, Request, evaluate
from costops.engine.kept import MOST_ENTRIES, KeptBill, NotKeptError, kept_bill
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


def workspace(folder: Path) -> Path:
    return write(Case(RULES, BILL, report=("env", "ServiceName")), folder)


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
    (entry,) = cells.iterdir()
    for file in sorted(entry.iterdir()):
        whole = file.read_bytes()
        for place in range(0, len(whole), max(1, len(whole) // 20)):
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
            found = kept_bill(cells, bill.digest, bill.reading)
            if found is not None:
                with pytest.raises(NotKeptError):
                    result(folder, found)
        file.write_bytes(whole)
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    assert digest(result(folder, found)) == digest(result(folder, bill))


def test_damaged_cells_are_made_again_from_the_bill(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    expected = digest(result(folder, bill, cells))
    (entry,) = cells.iterdir()
    (entry / "raw.parquet").write_bytes(b"")
    assert digest(result(folder, bill, cells)) == expected
    found = kept_bill(cells, bill.digest, bill.reading)
    assert found is not None
    assert digest(result(folder, found)) == expected


def test_a_note_of_another_format_is_not_kept(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    result(folder, bill, cells)
    (entry,) = cells.iterdir()
    note = json.loads((entry / "note.json").read_text())
    (entry / "note.json").write_text(json.dumps({**note, "format": 99}))
    assert kept_bill(cells, bill.digest, bill.reading) is None


def test_a_folder_that_cannot_be_made_keeps_nothing_and_fails_nothing(tmp_path: Path) -> None:
    folder = workspace(tmp_path)
    (tmp_path / "cells").write_text("a file")
    bill = described(folder)
    assert digest(result(folder, bill, tmp_path / "cells")) == digest(result(folder, bill))
    assert kept_bill(tmp_path / "cells", bill.digest, bill.reading) is None


def test_only_the_newest_entries_stay(tmp_path: Path) -> None:
    folder, cells = workspace(tmp_path), tmp_path / "cells"
    bill = described(folder)
    for place in range(MOST_ENTRIES + 2):
        result(folder, bill, cells, report=("env", f"x_{place}"))
    assert len(list(cells.iterdir())) == MOST_ENTRIES
    assert [each for each in cells.rglob("*") if each.name.startswith(".")] == []
