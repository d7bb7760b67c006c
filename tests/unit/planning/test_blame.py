"""Blame over versions in which dimensions were renamed, reported anew or written by an older costops."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from unit.state.stores import base_of, draft_of, ledger_of, three_days
from unit.state.test_older_states import put_old

from costops.errors import UsageError
from costops.model.blame import Blame, BlameCost
from costops.model.record import Record, RecordedChange, RecordedMoney
from costops.model.rules import Dimension, RuleSet
from costops.model.version import RuleRevision
from costops.planning.blame import make_blame
from costops.state.reader import open_reader
from costops.state.writer import apply_version

PICOS = 10**12
NO_RULES = RuleSet()


def dimension(identity: str, *former: str) -> RuleRevision:
    written: dict[str, object] = {"id": identity}
    if former:
        written["renamed_from"] = list(former)
    return RuleRevision(
        kind="dimension", id=identity, canonical=json.dumps(written), text="", file="rules/10.yaml", line=1
    )


def write(
    path: Path,
    costs: dict[str | None, int],
    names: tuple[str, ...] = ("team",),
    rules: tuple[RuleRevision, ...] = (),
    record: Record | None = None,
    cost: str = "EffectiveCost",
    columns: tuple[str, ...] = ("EffectiveCost",),
) -> None:
    """A version with so much cost of each element, in every report dimension and cost column."""
    ledger = ledger_of(
        [
            ("2025-09", "2025-09-01", "USD", (value,) * len(names), "", (amount,) * len(columns))
            for value, amount in costs.items()
        ],
        names,
        columns,
    )
    draft = draft_of(ledger, rules=rules, cost=cost)
    apply_version(path, base=base_of(path), draft=draft, ledger=ledger, record=record or Record())


def moved(dimension: str, value: str, amount: int, currency: str = "USD") -> Record:
    money = (RecordedMoney("rule", "r", dimension, value, currency, amount),)
    return Record(changes=(RecordedChange(action="change", kind="allocation", id="r", file="f", line=2, money=money),))


def blame(path: Path, dimension: str, value: str | None, rules: RuleSet = NO_RULES) -> Blame:
    reader = open_reader(path)
    assert reader is not None
    with reader:
        return make_blame(reader, dimension, value, rules)


def told(found: Blame) -> list[tuple[int, str, list[tuple[int | None, int]], list[int] | None]]:
    """(version, name, [(before, after)], amounts of causes) of each step."""
    return [
        (
            each.version.number,
            each.dimension,
            [(cost.before, cost.after) for cost in each.costs],
            None if each.parts is None else [part.amount for part in each.parts],
        )
        for each in found.steps
    ]


@pytest.mark.parametrize("asked", ["team", "squad", "crew"])
def test_a_dimension_is_followed_over_its_renames(tmp_path: Path, asked: str) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5}, ("team",), (dimension("team"),), moved("team", "a", 5))
    write(state, {"a": 7}, ("squad",), (dimension("squad", "team"),), moved("squad", "a", 2))
    write(state, {"a": 6, "b": 1}, ("squad",), (dimension("squad", "team"),), moved("squad", "a", -1))
    files = RuleSet(dimensions=(Dimension(id="crew", renamed_from=("squad",)),))
    steps = told(blame(state, asked, "a", files))
    if asked == "team":
        # The name that only the first version has leads to it and to the later ones.
        assert [each[0] for each in steps] == [3, 2, 1]
    assert steps == [(3, "squad", [(7, 6)], [-1]), (2, "squad", [(5, 7)], [2]), (1, "team", [(0, 5)], [5])]


def test_an_id_that_came_back_is_not_the_one_it_was(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5}, ("team",), (dimension("team"),))
    write(state, {"a": 7}, ("squad",), (dimension("squad", "team"),))
    write(state, {"a": 9}, ("squad", "team"), (dimension("squad", "team"), dimension("team")))
    assert [each[:2] for each in told(blame(state, "squad", "a"))] == [(3, "squad"), (2, "squad"), (1, "team")]
    assert [each[:2] for each in told(blame(state, "team", "a"))] == [(3, "team")]


def test_a_dimension_that_took_the_place_of_its_label_is_the_same(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    label = RuleRevision(kind="label", id="env", canonical='{"id":"env"}', text="", file="rules/10.yaml", line=1)
    write(state, {"a": 5}, ("env",), (label,))
    write(state, {"a": 6}, ("env",), (label, dimension("env")))
    assert [each[2] for each in told(blame(state, "env", "a"))] == [[(5, 6)], [(0, 5)]]


def test_an_entry_that_took_the_name_of_a_column_is_another(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5}, ("ServiceName",))
    write(state, {"a": 6}, ("ServiceName",), (dimension("ServiceName"),))
    assert [each[2] for each in told(blame(state, "ServiceName", "a"))] == [[(None, 6)]]


def test_a_dimension_that_was_not_reported_before_has_no_cost_before(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5})
    write(state, {"a": 5}, ("team", "env"))
    write(state, {"a": 6}, ("team",))
    write(state, {"a": 6}, ("env", "team"))
    steps = told(blame(state, "env", "a"))
    assert [(number, costs) for number, _, costs, _ in steps] == [(4, [(None, 6)]), (2, [(None, 5)])]


def test_another_cost_column_has_no_cost_before(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5}, columns=("BilledCost", "EffectiveCost"))
    write(state, {"a": 6}, cost="BilledCost", columns=("BilledCost",))
    write(state, {"a": 7})
    steps = told(blame(state, "team", "a"))
    assert [costs for _, _, costs, _ in steps] == [[(None, 7)], [(5, 6)], [(0, 5)]]


def test_what_no_cause_says_is_what_is_left(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5}, record=moved("team", "a", 3))
    (step,) = blame(state, "team", "a").steps
    assert step.costs == (BlameCost("USD", 0, 5),)
    assert step.untold(step.costs[0]) == 2
    assert step.moved


def test_an_element_that_went_away_and_a_version_that_did_nothing(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"a": 5, "b": 1})
    write(state, {"b": 6})
    write(state, {"b": 6, None: 1})
    found = blame(state, "team", "a")
    assert [each[2] for each in told(found)] == [[], [(5, 0)], [(0, 5)]]
    assert [each.moved for each in found.steps] == [False, True, True]
    assert [each[2] for each in told(blame(state, "team", None))] == [[(0, 1)], [], []]


def test_money_that_came_and_went_within_a_version_is_a_move(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {"b": 1}, record=moved("team", "a", 0, "EUR"))
    (step,) = blame(state, "team", "a").steps
    assert step.costs == ()
    assert step.moved


def test_versions_of_an_older_costops_kept_no_causes(tmp_path: Path) -> None:
    for name in ("schema-1", "schema-2", "schema-3"):
        state = put_old(tmp_path / f"{name}.db", name)
        first = blame(state, "env", "production").steps[-1]
        assert first.parts is None
        assert first.costs == (BlameCost("USD", 0, -2),)
        ledger = three_days(5)
        apply_version(state, base=base_of(state), draft=draft_of(ledger), ledger=ledger)
        steps = blame(state, "env", "production").steps
        assert [each.parts is None for each in steps] == [False] + [True] * (len(steps) - 1)


def test_what_is_not_there_is_said_with_what_is_near(tmp_path: Path) -> None:
    state = tmp_path / "costops.db"
    write(state, {f"team-{number:02}": 1 for number in range(12)}, ("team", "env"))
    with pytest.raises(UsageError, match="No version reports by 'taem'") as raised:
        blame(state, "taem", "a")
    assert raised.value.hint == "did you mean `team`?"
    with pytest.raises(UsageError, match="'zzz' of 'env' never had cost") as raised:
        blame(state, "env", "zzz")
    assert raised.value.hint is not None
    assert raised.value.hint.endswith("team-09 and 2 more.")
