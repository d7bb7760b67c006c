"""Renames between two rule sets: which there are, what follows them, and what they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from workbench import Case, charge, usage, write

from costops.language.bind import Collected, bind_file
from costops.language.read import read_text
from costops.model.plan import Plan
from costops.model.rules import RuleSet
from costops.planning.references import renaming_of
from costops.planning.walk import walk
from costops.workspace import open_workspace


def bound(text: str) -> RuleSet:
    read = read_text("rules/a.yaml", text)
    collected = Collected()
    assert read.node is not None
    bind_file(read.node, read.text, collected)
    assert not collected.problems.errors, collected.problems.found()
    return collected.rules()


def walked(old: str, new: str) -> list[str]:
    stops = walk(bound(old), bound(new))
    return [f"{each.action} {each.kind} {each.id}" for stop in stops for each in stop.edits]


def labels(*written: str) -> str:
    return "labels:\n" + "".join(f"  - {{{each}}}\n" for each in written)


A, B = "id: a, from: Tags.a", "id: b, from: Tags.b"
"""Two labels that are told apart by their tag."""


def called(identity: str, tag: str, *before: str) -> str:
    return f"id: {identity}, from: Tags.{tag}" + (f", renamed_from: [{', '.join(before)}]" if before else "")


# Which renames there are


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        # chains: the state may have any of the ids
        ([A], [called("c", "a", "b", "a")], ["rename label c"]),
        ([called("b", "a", "a")], [called("c", "a", "b", "a")], ["rename label c"]),
        ([called("c", "a", "b", "a")], [called("c", "a", "b", "a")], []),
        ([A, B], [called("c", "a", "a"), called("d", "b", "b")], ["rename label c", "rename label d"]),
        # two that change ids with each other, and afterwards
        ([A, B], [called("a", "b", "b"), called("b", "a", "a")], ["rename label b", "rename label a"]),
        ([called("a", "b", "b"), called("b", "a", "a")], [called("a", "b", "b"), called("b", "a", "a")], []),
        # one takes over the id of another that moves on
        ([A, B], [called("c", "b", "b"), called("b", "a", "a")], ["rename label b", "rename label c"]),
        # and back again
        ([called("b", "a", "a")], [called("a", "a", "b")], ["rename label a"]),
        # what the state never had
        ([A], [called("a", "a", "never")], ["change label a"]),
        ([], [called("b", "a", "a")], ["add label b"]),
        # a declaration that is taken away, or kept when the old id is free for another
        ([called("b", "a", "a")], [called("b", "a")], ["change label b"]),
        ([called("b", "a", "a")], [called("b", "a"), called("a", "x")], ["add label a", "change label b"]),
        # an id that another entry has and gives up in no other way than being removed is not renamed to
        ([A, B], [called("b", "a", "a")], ["change label b", "remove label a"]),
        # a rename and an edit
        ([A], [called("b", "x", "a")], ["rename label b", "change label b"]),
        ([A], [called("b", "a", "a") + ", description: why"], ["rename label b", "change label b"]),
    ],
)
def test_a_rename_is_what_the_new_rules_declare_and_the_old_ones_have(old, new, expected) -> None:
    assert walked(labels(*old) if old else "labels: []", labels(*new)) == expected


def test_the_other_entry_is_the_one_that_follows_a_swap() -> None:
    old, new = bound(labels(A, B)), bound(labels(called("a", "b", "b"), called("b", "a", "a")))
    renaming = renaming_of(old, new)
    assert {each.id: each.sources[0].field for each in renaming.rules.labels} == {"a": "Tags.b", "b": "Tags.a"}


def test_an_allocation_that_is_renamed_keeps_its_place_and_may_move_besides() -> None:
    rule = "source: {}, method: even, to: {dimension: ServiceName, values: [x]}, into: l"
    old = labels("id: l, from: Tags.l") + "allocations:\n" + "".join(f"  - {{id: {each}, {rule}}}\n" for each in "abc")
    kept = old.replace("id: b,", "id: z, renamed_from: b,")
    assert walked(old, kept) == ["rename allocation z"]
    first, second, third = (f"  - {{id: {each}, {rule}}}\n" for each in ("a", "z, renamed_from: b", "c"))
    assert walked(old, kept.replace(first + second + third, third + first + second)) == [
        "rename allocation z",
        "move allocation c",
    ]


# What follows them

EVERYWHERE = """
labels:
  - {id: LABEL, from: [Tags.env, Tags.environment], transform: [trim, lower]}
  - {id: team, from: Tags.team}
dimensions:
  - {id: DIMENSION, rules: [{from: LABEL}, {value: production, where: {ServiceName: PagerDuty, LABEL: null}}]}
  - {id: joined, rules: [{concat: [DIMENSION, team], where: {DIMENSION: {present: true}}}, {from: [label.LABEL]}]}
  - id: after
    stage: result
    rules:
      - {value: taken, where: {any: [{allocated_by: [RULE, other]}, {not: {direct.DIMENSION: {starts_with: p}}}]}}
metrics:
  - {id: METRIC, source: warehouse, query: load, labels: {env: DIMENSION, t: team}}
allocations:
  - id: RULE
    source: {where: {ServiceName: Support, label.LABEL: null}}
    method: proportional
    to: {dimension: [DIMENSION, team], where: {DIMENSION: {not: x}}}
  - id: other
    source: {where: {direct.DIMENSION: null, allocated_by: {not: RULE}}}
    method: metric
    to: {dimension: team}
    into: DIMENSION
    basis: {metric: [{metric: METRIC, weight: 2}, second], where: {DIMENSION: production}}
    partition_by: [DIMENSION]
  - id: off
    enabled: false
    source: {where: {allocated_by: RULE, label.LABEL: x}}
    method: metric
    to: {dimension: DIMENSION}
    basis: {metric: METRIC}
"""
SECOND = "  - {id: second, source: warehouse, query: load, labels: {env: DIMENSION, t: team}}\nallocations:\n"
OLD_IDS = {"LABEL": "env", "DIMENSION": "env", "RULE": "support", "METRIC": "load"}
NEW_IDS = {"LABEL": "a_tag", "DIMENSION": "environment", "RULE": "z-help", "METRIC": "usage"}


def named(ids: dict[str, str], before: dict[str, str] | None = None) -> str:
    text = EVERYWHERE.replace("allocations:\n", SECOND)
    for word, identity in ids.items():
        declared = f"{identity}, renamed_from: {before[word]}" if before and before[word] != identity else identity
        text = text.replace(f"{{id: {word},", f"{{id: {declared},")
        text = text.replace(f"- id: {word}\n", "- id: " + declared.replace(", ", "\n    ") + "\n")
        text = text.replace(word, identity)
    return text


@pytest.mark.parametrize(
    "renamed",
    [
        NEW_IDS,
        *({**OLD_IDS, word: identity} for word, identity in NEW_IDS.items()),
        {**OLD_IDS, "LABEL": "environment", "DIMENSION": "environment"},
    ],
    ids=lambda ids: ",".join(word for word in ids if ids[word] != OLD_IDS[word]),
)
def test_every_reference_to_an_old_id_follows(renamed: dict[str, str]) -> None:
    old, new = named(OLD_IDS), named(renamed, OLD_IDS)
    expected = [f"rename {word.lower().replace('rule', 'allocation')} {renamed[word]}" for word in NEW_IDS]
    kept = [each for each, word in zip(expected, NEW_IDS, strict=True) if renamed[word] != OLD_IDS[word]]
    assert sorted(walked(old, new)) == sorted(kept)


def test_a_reference_that_a_person_did_not_correct_is_a_change_of_its_own() -> None:
    new = named({**OLD_IDS, "DIMENSION": "environment"}, OLD_IDS)
    forgotten = new.replace("partition_by: [environment]", "partition_by: [env]")
    assert walked(named(OLD_IDS), forgotten) == ["rename dimension environment", "change allocation other"]


def test_a_label_behind_a_dimension_of_its_new_id_is_called_by_its_prefix() -> None:
    old = labels("id: l, from: Tags.l") + "dimensions:\n  - {id: d, rules: []}\n  - {id: e, rules: [{from: l}]}\n"
    new = old.replace("id: l,", "id: d, renamed_from: l,").replace("{from: l}", "{from: label.d}")
    assert walked(old, new) == ["rename label d"]
    assert walked(old, new.replace("label.d", "d")) == ["rename label d", "change dimension e"]


def test_a_rename_that_changes_what_a_name_means_stands_apart() -> None:
    old = """
dimensions:
  - {id: service, rules: [{value: x}]}
  - {id: other, rules: [{from: ServiceName}]}
  - {id: third, rules: []}
"""
    new = old.replace("id: service,", "id: ServiceName, renamed_from: service,")
    new = new.replace("id: third,", "id: last, renamed_from: third,")
    renaming = renaming_of(bound(old), bound(new))
    assert [each.after.id for each in renaming.harmless] == ["last"]
    assert [each.after.id for each in renaming.others] == ["ServiceName"]
    assert [each.id for each in renaming.start.dimensions] == ["service", "other", "last"]
    assert renaming.name("service") == "service"
    assert [each.id for each in renaming.rules.dimensions] == ["ServiceName", "other", "last"]


def test_a_name_that_only_the_report_uses_counts_too() -> None:
    old = "dimensions:\n  - {id: service, rules: [{value: x}]}\n"
    new = old.replace("id: service,", "id: ServiceName, renamed_from: service,")
    assert renaming_of(bound(old), bound(new)).name("service") == "ServiceName"
    assert renaming_of(bound(old), bound(new), ["ServiceName"]).name("service") == "service"


# Plans

BEFORE = """
labels:
  - {id: env, from: [Tags.env], transform: [lower], rename: {production: [prod]}}
  - {id: team, from: Tags.team}
dimensions:
  - {id: env, rules: [{from: env}, {value: production, where: {ServiceName: PagerDuty}}]}
metrics:
  - {id: load, source: warehouse, query: load, labels: {e: env, t: team}}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: proportional, to: {dimension: env}}
  - {id: network, source: {where: {ServiceName: Network}}, method: metric, to: {dimension: env}, basis: {metric: load}}
  - {id: last, source: {where: {allocated_by: [support, network]}, allocated: include}, method: even,
     to: {dimension: team}, partition_by: [env]}
"""
AFTER = """
labels:
  - {id: stage, renamed_from: env, from: [Tags.env], transform: [lower], rename: {production: [prod]}}
  - {id: team, from: Tags.team}
dimensions:
  - {id: stage, renamed_from: env, rules: [{from: stage}, {value: production, where: {ServiceName: PagerDuty}}]}
metrics:
  - {id: use, renamed_from: load, source: warehouse, query: load, labels: {e: stage, t: team}}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: proportional, to: {dimension: stage}}
  - {id: a-net, renamed_from: network, source: {where: {ServiceName: Network}}, method: metric, to: {dimension: stage},
     basis: {metric: use}}
  - {id: last, source: {where: {allocated_by: [support, a-net]}, allocated: include}, method: even,
     to: {dimension: team}, partition_by: [stage]}
"""
BILL = [
    charge("EC2", "10", env="prod", team="a"),
    charge("EC2", "31", env="staging", team="b"),
    charge("EC2", "7", env="dev", team="a", day="2025-05-02"),
    charge("Support", "9.99"),
    charge("Network", "3.33"),
    charge("PagerDuty", "2"),
    charge("Network", "1", day="2025-05-02"),
]
USAGE = [usage("load", "3", e="prod", t="a"), usage("load", "4", e="staging", t="b"),
         usage("load", "1", e="dev", t="a", day="2025-05-02")]  # fmt: skip
CASE = Case(BEFORE, BILL, USAGE, report=("env", "team"))
RENAMED = replace(CASE, rules=AFTER, report=("stage", "team"))


def planned(folder: Path, case: Case) -> Plan:
    """The plan of a case against whatever the folder's state holds."""
    for old in [*folder.glob("bill/*"), *folder.glob("usage/*")]:
        old.unlink()
    write(case, folder)
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara", "COSTOPS_THREADS": "1"}) as workspace:
        return workspace.plan()


def told(plan: Plan) -> list[str]:
    return [f"{each.action} {each.kind} {each.id}" for each in plan.changes]


def apply(folder: Path, case: Case) -> None:
    plan = planned(folder, case)
    with open_workspace(folder, environment={"COSTOPS_ACTOR": "mara"}) as workspace:
        workspace.apply(plan)


def test_a_rename_with_all_references_corrected_is_a_change_of_nothing_and_nothing_else(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    plan = planned(tmp_path, RENAMED)
    assert told(plan) == [
        "rename label stage",
        "rename dimension stage",
        "rename metric use",
        "rename allocation a-net",
    ]
    assert [each.previous_id for each in plan.changes] == ["env", "env", "load", "network"]
    assert [(each.line, each.fields[0].path) for each in plan.changes] == [(3, "id"), (6, "id"), (8, "id"), (11, "id")]
    assert all(not each.money and not each.moved for each in plan.changes)
    assert (plan.bill_money, plan.moved, plan.writes) == ((), (), True)
    apply(tmp_path, RENAMED)
    again = planned(tmp_path, RENAMED)
    assert (again.changes, again.writes) == ((), False)


def test_a_rename_and_a_bill_that_moved_are_told_apart(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    plan = planned(tmp_path, replace(RENAMED, bill=[*BILL, charge("EC2", "5", env="dev", team="c")]))
    assert {each.action for each in plan.changes} == {"rename"}
    dimensions = {(each.dimension, each.value): each.delta for each in plan.bill_money}
    assert dimensions["team", "c"] >= 5 * 10**12
    assert {dimension for dimension, _ in dimensions} == {"stage", "team"}
    assert plan.moved == ()


def test_a_rename_and_an_edit_of_the_same_entry_are_two_changes(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    edited = AFTER.replace("{where: {ServiceName: Network}}", "{where: {ServiceName: [Network, Support]}}")
    edited = edited.replace("{where: {ServiceName: Support}}", "{where: {ServiceName: Nothing}}")
    plan = planned(tmp_path, replace(RENAMED, rules=edited))
    assert told(plan)[3:] == ["rename allocation a-net", "change allocation support", "change allocation a-net"]
    assert [bool(each.money) for each in plan.changes] == [False] * 4 + [True] * 2


def test_months_that_the_bill_lacks_are_carried_over_under_the_new_names(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    with open_workspace(tmp_path, environment={}) as workspace:
        before = workspace.sums(by=("env", "team", "allocation_path", "day", "billing_month"))
    only_may = replace(RENAMED, bill=[each for each in BILL if str(each["ChargePeriodStart"]).startswith("2025-05")])
    plan = planned(tmp_path, only_may)
    assert plan.carried_months == ("2025-04",)
    assert (plan.bill_money, plan.moved) == ((), ())
    apply(tmp_path, only_may)
    with open_workspace(tmp_path, environment={}) as workspace:
        after = workspace.sums(by=("stage", "team", "allocation_path", "day", "billing_month"))
    expected = {
        (stage, team, path and path.replace("network", "a-net"), *rest): (currency, amounts)
        for (stage, team, path, *rest), currency, amounts in before.rows
    }
    assert {tuple(key): (currency, amounts) for key, currency, amounts in after.rows} == expected
    assert any(key[2] and "a-net" in key[2] and key[4] == "2025-04" for key in expected)


def test_a_declaration_that_is_taken_away_later_moves_nothing(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    apply(tmp_path, RENAMED)
    plan = planned(
        tmp_path, replace(RENAMED, rules=AFTER.replace("id: stage, renamed_from: env, from", "id: stage, from"))
    )
    assert told(plan) == ["change label stage"]
    assert [(each.path, each.before, each.after) for each in plan.changes[0].fields] == [
        ("renamed_from", ["env"], None)
    ]
    assert plan.changes[0].money == ()


def test_a_label_that_cleaned_a_metrics_values_goes_on_doing_so_until_its_loss_is_told(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    only_dimension = AFTER.replace("{id: stage, renamed_from: env, from", "{id: env, from", 1)
    only_dimension = only_dimension.replace("[{from: stage}", "[{from: env}")
    plan = planned(tmp_path, replace(RENAMED, rules=only_dimension))
    assert plan.bill_money == ()
    moved = {
        each.id: {line.value: line.delta for line in each.money if line.dimension == "stage"} for each in plan.changes
    }
    assert [each for each in moved if moved[each]] == ["stage"]
    assert set(moved["stage"]) == {"prod", "production"}
    assert sum(moved["stage"].values()) == 0


def test_renames_are_in_the_saved_plan(tmp_path: Path) -> None:
    from costops.render.plan_json import plan_json
    from costops.workspace import load_plan, save_plan

    apply(tmp_path, CASE)
    plan = planned(tmp_path, RENAMED)
    save_plan(tmp_path / "plan.json", plan)
    assert plan_json(load_plan(tmp_path / "plan.json")) == plan_json(plan)
    changes = json.loads(plan_json(plan))["changes"]
    assert [(each["action"], each["previous_id"]) for each in changes[:2]] == [("rename", "env"), ("rename", "env")]
    with open_workspace(tmp_path, environment={"COSTOPS_ACTOR": "mara", "COSTOPS_THREADS": "1"}) as workspace:
        version = workspace.apply(workspace.review(load_plan(tmp_path / "plan.json")).plan)
    assert version.draft.summary == "0 to add, 0 to change, 0 to remove, 0 to move, 4 to rename"
    assert version.draft.moved == ()


# Ledgers of other versions


def test_a_ledger_is_found_by_any_name_that_its_dimension_ever_had(tmp_path: Path) -> None:
    apply(tmp_path, CASE)
    apply(tmp_path, RENAMED)
    third = AFTER.replace("stage", "level").replace("renamed_from: env", "renamed_from: stage")
    apply(tmp_path, replace(CASE, rules=third, report=("level", "team")))
    write(
        replace(CASE, rules=third.replace("level", "tier").replace("renamed_from: stage", "renamed_from: level")),
        tmp_path,
    )
    with open_workspace(tmp_path, environment={}) as workspace:
        sums = {(version, name): workspace.sums(version, by=(name,)) for version in (1, 2, 3)
                for name in ("env", "stage", "level", "tier")}  # fmt: skip
        assert [each.by for each in sums.values()] == [
            (name,) for _ in range(3) for name in ("env", "stage", "level", "tier")
        ]
        assert len({each.rows for each in sums.values()}) == 1
        assert workspace.digest("tier", version=1).by == "env"
        assert workspace.sums(1, by=("allocation_path",)).rows != workspace.sums(3, by=("allocation_path",)).rows


def test_a_name_that_the_version_itself_has_is_its_own(tmp_path: Path) -> None:
    team = "{id: team, from: Tags.team}"
    swapped = BEFORE.replace(
        team, "{id: team, renamed_from: owner, from: Tags.team}\n  - {id: owner, renamed_from: team, from: Tags.owner}"
    )
    plain = BEFORE.replace(team, "{id: owner, from: Tags.team}\n  - {id: team, from: Tags.owner}")
    plain = plain.replace("to: {dimension: team}", "to: {dimension: owner}").replace("t: team", "t: owner")
    apply(tmp_path, replace(CASE, rules=plain, report=("owner", "team")))
    plan = planned(tmp_path, replace(CASE, rules=swapped, report=("team", "owner")))
    assert told(plan) == ["rename label team", "rename label owner"]
    assert (plan.bill_money, plan.moved) == ((), ())
    apply(tmp_path, replace(CASE, rules=swapped, report=("team", "owner")))
    with open_workspace(tmp_path, environment={}) as workspace:
        assert workspace.sums(1, by=("owner",)).rows == workspace.sums(2, by=("team",)).rows
        assert workspace.sums(1, by=("owner",)).rows != workspace.sums(2, by=("owner",)).rows
