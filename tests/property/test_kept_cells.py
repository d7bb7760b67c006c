"""Rules get the same from kept cells, whichever rules those were made for, as from the bill itself."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import strategies as st
from property.rule_files import cases, cases_of_values
from property.turns import in_turns
from workbench import Case, load, write, write_bill, write_rules

from costops.engine.embedded import Evaluation, Request, evaluate
from costops.workspace import open_workspace


def evaluation(folder: Path, cells: Path | None, report: tuple[str, ...]) -> Evaluation:
    with open_workspace(folder, environment={}) as workspace:
        return evaluate(
            workspace.bill,
            workspace.metrics,
            [
                Request(replace(load(folder), allocations=()), lenient=True),
                Request(load(folder), want_ledger=True, want_notices=True, lenient=True),
            ],
            report=report,
            cost=workspace.settings.cost,
            threads=1,
            cells=cells,
        )


def parts_of(case: Case, numbers: random.Random) -> dict[str, list[dict[str, object]]]:
    """The rows of the bill in three files, of which two lie in one folder and have some days in common."""
    parts: dict[str, list[dict[str, object]]] = {"a.csv": [], "b/c.csv": [], "b/d.csv": []}
    for row in case.bill:
        parts[numbers.choice(sorted(parts))].append(dict(row))
    return {name: rows for name, rows in parts.items() if rows}


@in_turns(cases(), cases_of_values(), st.randoms(use_true_random=False), one_in=10)
def test_kept_cells_give_the_digest_of_the_bill(case: Case, other: Case, numbers: random.Random) -> None:
    parts = parts_of(case, numbers)
    with TemporaryDirectory() as name:
        folder, cells = write(case, Path(name), bill_parts=()), Path(name) / "cells"
        settings = (folder / "costops.yaml").read_text(encoding="utf-8")
        (folder / "costops.yaml").write_text(settings.replace("bill/*.csv", "bill/**/*.csv"), encoding="utf-8")
        (folder / "bill" / "b").mkdir()
        for part, rows in parts.items():
            write_bill(folder / "bill" / part, rows, case.bill)
        turns = [(case, ""), (other, ""), (case, numbers.choice(sorted(parts)))]
        for ruled, absent in turns:
            write_rules(folder, ruled.rules)
            if absent and len(parts) > 1:
                (folder / "bill" / absent).rename(folder / "absent")
            kept, read = (evaluation(folder, each, ruled.report) for each in (cells, None))
            assert replace(kept.facts, cells="") == replace(read.facts, cells="")
            assert kept.outcomes[1].ledger == read.outcomes[1].ledger
            for found, expected in zip(kept.outcomes, read.outcomes, strict=True):
                assert (found.money, found.notices) == (expected.money, expected.notices)
                assert (found.written, found.taken) == (expected.written, expected.taken)
            if absent and len(parts) > 1:
                (folder / "absent").rename(folder / "bill" / absent)
