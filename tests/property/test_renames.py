"""Renames of everything in random rule sets: no money moves, and the ledger is the same but for its names."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, seed, settings
from hypothesis import strategies as st
from property.rule_files import cases
from workbench import Case, is_steady, load, write

from costops.model.ledger import PATH_SEPARATOR, Ledger
from costops.model.plan import Plan
from costops.workspace import open_workspace

PREFIXES = ("label.", "direct.")


def renamed(case: Case, new_ids: Mapping[str, str]) -> Case:
    """The case as a person would write it who renames these ids everywhere and says so."""
    assert isinstance(case.rules, Mapping)
    rules = {
        section: [_entry(section, entry, new_ids) for entry in entries]  # type: ignore[attr-defined]
        for section, entries in case.rules.items()
    }
    return replace(case, rules=rules, report=tuple(_text(name, new_ids) for name in case.report))


def _entry(section: str, entry: Mapping[str, Any], new_ids: Mapping[str, str]) -> dict[str, Any]:
    if section == "metrics":
        # Its query and the labels of its records belong to the source of usage numbers.
        labels = {label: _text(name, new_ids) for label, name in entry["labels"].items()}
        written = {**entry, "labels": labels, "id": _text(entry["id"], new_ids)}
    else:
        # The entry's own fields, such as `owner`, are no names.
        written = {key: _value(value, new_ids) for key, value in entry.items() if key != "renamed_from"}
    before = entry.get("renamed_from", [])
    history = before if isinstance(before, list) else [before]
    if written["id"] != entry["id"]:
        history = [entry["id"], *history]
    return {**written, "renamed_from": history} if history else written


def _value(value: Any, new_ids: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {_text(key, new_ids): _value(each, new_ids) for key, each in value.items()}
    if isinstance(value, list):
        return [_value(each, new_ids) for each in value]
    return _text(value, new_ids) if isinstance(value, str) else value


def _text(text: str, new_ids: Mapping[str, str]) -> str:
    prefix = next((each for each in PREFIXES if text.startswith(each)), "")
    plain = text.removeprefix(prefix)
    return prefix + new_ids.get(plain, plain)


def ids_of(case: Case, *sections: str) -> list[str]:
    assert isinstance(case.rules, Mapping)
    return [entry["id"] for section in sections for entry in case.rules[section]]  # type: ignore[attr-defined]


def under(ledger: Ledger, new_ids: Mapping[str, str]) -> Ledger:
    """A ledger with new ids in the names of its dimensions and in its paths."""
    paths = {
        path: PATH_SEPARATOR.join(new_ids.get(each, each) for each in path.split(PATH_SEPARATOR))
        for path in ledger.paths
    }
    return replace(
        ledger,
        dimensions=tuple(_text(each, new_ids) for each in ledger.dimensions),
        paths=tuple(paths[each] for each in ledger.paths),
    )


def planned_over(case: Case, folder: Path, edited: Case) -> tuple[Ledger, Plan]:
    """The ledger of the applied case, and the plan of the edited one over it."""
    write(case, folder)
    with open_workspace(folder, environment={"COSTOPS_THREADS": "1", "COSTOPS_ACTOR": "mara"}) as workspace:
        plan = workspace.plan()
        assert plan.ledger is not None
        workspace.apply(plan)
    write(edited, folder)
    with open_workspace(folder, environment={"COSTOPS_THREADS": "1"}) as workspace:
        return plan.ledger, workspace.plan()


def assert_nothing_moves(plan: Plan, count: int) -> None:
    assert [each.action for each in plan.changes] == ["rename"] * count
    assert [each for each in plan.changes if each.money or each.moved] == []
    assert (plan.bill_money, plan.moved) == ((), ())


def all_ids(case: Case) -> None:
    sections = ("labels", "dimensions", "metrics", "allocations")
    # The same order among themselves and with columns, so that not even a residue of rounding may change its place.
    new_ids = {identity: f"{identity}-now" for identity in ids_of(case, *sections)}
    with tempfile.TemporaryDirectory(prefix="costops-") as name:
        ledger, plan = planned_over(case, Path(name), renamed(case, new_ids))
    assert_nothing_moves(plan, len(ids_of(case, *sections)))
    assert plan.ledger is not None
    assert plan.ledger.digest == under(ledger, new_ids).digest == plan.result_digest


def ids_of_others(case: Case, turn: int) -> None:
    ids = ids_of(case, "allocations")
    assume(len(ids) > 1)
    shift = 1 + turn % (len(ids) - 1)
    new_ids = dict(zip(ids, [*ids[shift:], *ids[:shift]], strict=True))
    with tempfile.TemporaryDirectory(prefix="costops-") as name:
        folder = Path(name)
        write(case, folder)
        assume(is_steady(case, load(folder)))
        _, plan = planned_over(case, folder, renamed(case, new_ids))
    assert_nothing_moves(plan, len(ids))


EXAMPLES = settings(max_examples=5)
"""Each is two plans and a version; other properties try more of such cases."""


@pytest.mark.parametrize("turn", range(1), ids="seed {}".format)
def test_new_ids_for_everything_give_the_same_ledger_but_for_its_names(turn: int) -> None:
    seed(turn)(EXAMPLES(given(cases())(all_ids)))()


@pytest.mark.parametrize("turn", range(1), ids="seed {}".format)
def test_allocations_that_take_over_the_ids_of_others_move_nothing(turn: int) -> None:
    seed(turn)(EXAMPLES(given(cases(), st.integers(0, 5))(ids_of_others)))()
