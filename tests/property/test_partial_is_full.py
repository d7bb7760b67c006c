"""A rule set that follows another gets what it gets alone, to the last digit, warnings included."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st
from property.rule_files import cases
from property.turns import in_turns
from workbench import Case, load, write, write_rules

from costops.engine.embedded import Evaluation, Months, Request, evaluate
from costops.model.rules import RuleSet
from costops.workspace import open_workspace

Allocations = list[dict[str, Any]]

OTHER = {
    "on_empty": ["unallocated", "even", "previous"],
    "granularity": ["charge_period", "daily", "monthly"],
    "cost": ["BilledCost", "EffectiveCost"],
}


def edited(allocations: Allocations, numbers: random.Random) -> Allocations:
    """The same allocations with one edit, as a person might make it."""
    after = [dict(each) for each in allocations]
    place = numbers.randrange(len(after))
    kind = numbers.choice(["remove", "move", "disable", "source", "field", "swap", "text", "twice"])
    if kind == "remove" and len(after) > 1:
        del after[place]
    elif kind == "move":
        after.insert(numbers.randrange(len(after)), after.pop(place))
    elif kind == "disable":
        after[place]["enabled"] = not after[place].get("enabled", True)
    elif kind == "source":
        after[place]["source"] = numbers.choice(after)["source"]
    elif kind == "swap":
        other = numbers.randrange(len(after))
        after[place], after[other] = (
            {**after[other], "id": after[place]["id"]},
            {**after[place], "id": after[other]["id"]},
        )
    elif kind == "text":
        after[place]["description"] = "why"
    elif kind == "twice":
        after.insert(numbers.randrange(len(after) + 1), {**after[place], "id": f"{after[place]['id']}-again"})
    else:
        after[place] = {**after[place], **_field(after[place], numbers)}
    return after


def _field(rule: Mapping[str, Any], numbers: random.Random) -> dict[str, Any]:
    given = rule["to"].get("percent")
    if isinstance(given, dict) and len(given) > 1:
        values = [*given.values()]
        return {"to": {**rule["to"], "percent": dict(zip(given, [*values[1:], values[0]], strict=True))}}
    if numbers.random() < 0.5:
        return {"on_empty": numbers.choice(OTHER["on_empty"])}
    basis = dict(rule.get("basis", {}))
    name = numbers.choice(["granularity", "cost"]) if rule["method"] == "proportional" else "granularity"
    return {"basis": {**basis, name: numbers.choice(OTHER[name])}}


def rule_sets(case: Case, folder: Path, numbers: random.Random) -> list[RuleSet]:
    """The case's rules and up to two edits of them, one on top of the other."""
    assert isinstance(case.rules, Mapping)
    first: Any = case.rules["allocations"]
    allocations: Allocations = list(first)
    found = [load(folder)]
    for _ in range(2):
        after = edited(allocations, numbers)
        write_rules(folder, {**case.rules, "allocations": after})
        rules = bound(folder)
        if rules is not None:
            allocations = after
            found.append(rules)
    return found


def bound(folder: Path) -> RuleSet | None:
    """The rules of a folder, where they have no error."""
    with open_workspace(folder, environment={}) as workspace:
        return None if workspace.validate(evaluate=False).has_errors else workspace.rules


def evaluation(folder: Path, requests: Sequence[Request], *, full: bool) -> Evaluation:
    """The requests evaluated one after the other."""
    with open_workspace(folder, environment={}) as workspace:
        return evaluate(
            workspace.bill,
            workspace.metrics,
            requests,
            report=workspace.settings.report,
            cost=workspace.settings.cost,
            months=lambda bill: Months(bill.months[:1], bill.months),
            threads=1,
            full=full,
        )


@in_turns(cases(), st.randoms(use_true_random=False), one_in=3)
def test_partial_evaluation_gives_the_digest_of_a_full_one(case: Case, numbers: random.Random) -> None:
    with TemporaryDirectory() as name:
        folder = write(case, Path(name))
        requests = [
            Request(
                rules,
                want_ledger=True,
                want_notices=True,
                lenient=True,
                by_step=True,
                months_after=(sum(each.enabled for each in rules.allocations),),
            )
            for rules in rule_sets(case, folder, numbers)
        ]
        partly = evaluation(folder, requests, full=False)
        full = evaluation(folder, requests, full=True)
    for place, (found, expected) in enumerate(zip(partly.outcomes, full.outcomes, strict=True)):
        assert found.ledger == expected.ledger, place
        assert found.money == expected.money, place
        assert found.month_money == expected.month_money, place
        assert found.notices == expected.notices, place
        assert (found.written, found.taken) == (expected.written, expected.taken), place
        assert found.steps_run <= expected.steps_run
