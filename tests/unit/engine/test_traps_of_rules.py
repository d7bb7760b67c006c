"""What goes wrong in cost allocation elsewhere, one named test each, with its vector: order, matching and identity."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from workbench import Case, Charge, assert_close, by, charge, planned, run, totals, write, write_rules

from costops.model.plan import Plan
from costops.workspace import open_workspace

LABELS = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
"""


def percent(rule_id: str, where: str, *parts: tuple[str, int], allocated: str = "exclude") -> str:
    """An allocation that gives each team its percentage."""
    numbers = ", ".join(f"{team}: {number}" for team, number in parts)
    return f"""
  - id: {rule_id}
    source: {{where: {where}, allocated: {allocated}}}
    method: percent
    to: {{dimension: team, percent: {{{numbers}}}}}
"""


def proportional(rule_id: str, where: str, basis: str) -> str:
    """An allocation over teams in proportion to the cost that `basis` names."""
    return f"""
  - id: {rule_id}
    source: {{where: {where}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {basis}}}
"""


def by_team(allocations: str, bill: list[dict[str, object]], folder: Path) -> dict[str | None, Fraction]:
    """Cost by team; the ledger is compared with the oracle on the way."""
    return by(run(Case(f"{LABELS}\nallocations:{allocations}", bill, report=("team",)), folder), "team")


def apply(folder: Path) -> None:
    with open_workspace(folder) as workspace:
        workspace.apply(workspace.plan())


def plan(folder: Path) -> Plan:
    with open_workspace(folder) as workspace:
        return workspace.plan()


def deltas(found: Plan, dimension: str = "team") -> dict[str | None, Fraction]:
    """What the changes of a plan move, by element."""
    lines = [line for change in found.changes for line in change.money if line.dimension == dimension]
    return {line.value: Fraction(line.delta, 10**12) for line in lines}


# Order and provenance


def test_t14_the_source_is_not_part_of_its_own_basis(tmp_path: Path) -> None:
    bill = [charge("EC2", "40", team="A"), charge("EC2", "60", team="B"), charge("Support", "60", team="A")]
    assert_close(by_team(proportional("support", "{ServiceName: Support}", "{}"), bill, tmp_path), {"A": 64, "B": 96})


def test_t15_allocated_cost_is_not_taken_again_by_a_rule_along_the_same_dimension(tmp_path: Path) -> None:
    first = percent("first", "{ServiceName: Support}", ("A", 25), ("B", 75))
    again = percent("again", "{ServiceName: [Support, EC2]}", ("C", 100))
    bill = [charge("Support", "8"), charge("EC2", "1", team="A")]
    assert_close(by_team(first + again, bill, tmp_path / "exclude"), {"A": 2, "B": 6, "C": 1})
    only = percent("again", "{ServiceName: [Support, EC2]}", ("C", 100), allocated="only")
    assert_close(by_team(first + only, bill, tmp_path / "only"), {"A": 1, "C": 8})
    both = percent("again", "{ServiceName: [Support, EC2]}", ("C", 100), allocated="include")
    assert_close(by_team(first + both, bill, tmp_path / "include"), {"C": 9})


def test_t15_a_second_run_selects_nothing_again(tmp_path: Path) -> None:
    rules = f"{LABELS}\nallocations:" + percent("first", "{ServiceName: Support, team: null}", ("A", 100))
    write(Case(rules, [charge("Support", "8")], report=("team",)), tmp_path)
    apply(tmp_path)
    again = plan(tmp_path)
    assert not again.writes
    assert again.changes == ()


def test_t16_a_row_that_two_rules_match_goes_to_the_first(tmp_path: Path) -> None:
    rules = percent("first", "{ServiceName: Support}", ("A", 100)) + percent("second", "{env: prod}", ("B", 100))
    bill = [charge("Support", "8", env="prod"), charge("Support", "4"), charge("EC2", "2", env="prod")]
    assert_close(by_team(rules, bill, tmp_path), {"A": 12, "B": 2})


def test_t16_cost_that_a_rule_leaves_may_be_taken_by_a_later_one(tmp_path: Path) -> None:
    first = proportional("first", "{ServiceName: Support}", "{ServiceName: EC2}")
    rules = first + percent("rest", "{ServiceName: Support}", ("C", 100))
    bill = [charge("EC2", "1", team="A"), charge("Support", "8"), charge("Support", "3", day="2025-04-12")]
    assert_close(by_team(rules, bill, tmp_path), {"A": 9, "C": 3})


def test_t17_the_order_of_rules_is_money_and_a_reorder_is_one_change(tmp_path: Path) -> None:
    first = percent("network", "{ServiceName: Network}", ("A", 50), ("B", 50))
    second = proportional("support", "{ServiceName: Support}", "{ServiceName: [EC2, Network]}")
    bill = [
        *(charge("EC2", "100", team="A"), charge("EC2", "300", team="B")),
        *(charge("Network", "100"), charge("Support", "50")),
    ]
    # On the running ledger 150 : 350 of 50; before the network is split, 100 : 300.
    assert_close(by_team(first + second, bill, tmp_path / "one"), {"A": 165, "B": 385})
    assert_close(by_team(second + first, bill, tmp_path / "other"), {"A": Fraction("162.5"), "B": Fraction("387.5")})
    folder = tmp_path / "one"
    apply(folder)
    write_rules(folder, f"{LABELS}\nallocations:{second}{first}")
    moved = plan(folder)
    assert [(change.action, change.kind) for change in moved.changes] == [("move", "allocation")]
    assert_close(deltas(moved), {"A": "-2.5", "B": "2.5"})


# Matching


def test_t18_text_matches_whole_and_as_written_unless_the_rule_says_otherwise(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", env="prod"), charge("EC2", "2", env="Prod"), charge("EC2", "4", env="prod ")),
        charge("EC2", "8", env="prod-eu"),
    ]

    def taken(where: str, folder: str) -> Fraction:
        return by_team(percent("rule", where, ("A", 100)), bill, tmp_path / folder).get("A", Fraction(0))

    assert taken("{Tags.env: prod}", "is") == 1
    assert taken("{Tags.env: {is: prod, ignore_case: true}}", "ignore case") == 3
    assert taken("{Tags.env: {matches: prod}}", "matches") == 1
    assert taken('{Tags.env: {matches: "prod.*"}}', "matches more") == 13
    assert taken("{Tags.env: {starts_with: prod}}", "starts with") == 13
    assert taken('{Tags.env: {like: "prod_"}}', "like") == 4


def test_t18_values_are_cleaned_only_where_a_label_says_so(tmp_path: Path) -> None:
    rules = "labels:\n  - {id: env, from: [Tags.env], transform: [trim, lower]}\n"
    bill = [charge("EC2", "1", env="prod"), charge("EC2", "2", env="Prod"), charge("EC2", "4", env="prod ")]
    ledger = run(Case(rules, bill, report=("env", "Tags.env")), tmp_path)
    assert totals(ledger, "env", "Tags.env") == {("prod", "prod"): 1, ("prod", "Prod"): 2, ("prod", "prod "): 4}


def test_t19_keys_are_anded_and_values_ored(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1", env="prod"),
        charge("EC2", "2", env="dev"),
        charge("S3", "4", env="prod"),
        charge("RDS", "8", env="prod"),
    ]
    found = by_team(percent("rule", "{ServiceName: [EC2, S3], env: prod}", ("A", 100)), bill, tmp_path / "and")
    assert_close(found, {"A": 5, None: 10})
    either = percent("rule", "{any: [{ServiceName: EC2}, {env: prod}]}", ("A", 100))
    assert_close(by_team(either, bill, tmp_path / "any"), {"A": 15})


def test_t31_null_empty_and_absent_are_missing_and_true_is_a_value(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1"),
        charge("EC2", "2", env=""),
        charge("EC2", "4", env=None),
        charge("EC2", "8", Tags=None),
        charge("EC2", "16", env="true"),
        charge("EC2", "32", env=" "),
    ]
    assert_close(by_team(percent("rule", "{Tags.env: null}", ("A", 100)), bill, tmp_path / "null"), {"A": 15, None: 48})
    present = percent("rule", "{Tags.env: {present: true}}", ("A", 100))
    assert_close(by_team(present, bill, tmp_path / "present"), {"A": 48, None: 15})


def test_t31_the_text_null_of_a_csv_file_is_missing(tmp_path: Path) -> None:
    rules = f"{LABELS}\nallocations:" + percent("rule", "{RegionId: null}", ("A", 100))
    bill = [charge("EC2", "1", RegionId=None), charge("EC2", "2", RegionId="eu-1")]
    write(Case(rules, bill, report=("team", "RegionId")), tmp_path)
    file = tmp_path / "bill" / "part-0.csv"
    header, first, second = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([header, f"{first}NULL", second, ""]), encoding="utf-8")
    ledger, _ = planned(tmp_path)
    assert totals(ledger, "team", "RegionId") == {("A", None): 1, (None, "eu-1"): 2}


# Determinism and identity


def test_t32_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    rules = f"{LABELS}\nallocations:" + proportional("support", "{ServiceName: Support}", "{ServiceName: EC2}")
    bill = [charge("EC2", str(1 + number), team=f"team {number % 7}") for number in range(40)]
    bill += [charge("Support", "0.000000000007"), charge("Support", "99.99")]
    files: list[list[Charge]] = [list(bill[30:]), list(bill[:30])]
    write(Case(rules, bill, report=("team",)), tmp_path / "one")
    write(Case(rules, list(reversed(bill)), report=("team",)), tmp_path / "reversed")
    write(Case(rules, bill, report=("team",)), tmp_path / "files", bill_parts=files)
    first, _ = planned(tmp_path / "one", threads=1)
    again, _ = planned(tmp_path / "one", threads=2)
    turned, _ = planned(tmp_path / "reversed", threads=2)
    parts, _ = planned(tmp_path / "files", threads=2)
    assert first == again == turned == parts
    assert len({first.digest, again.digest, turned.digest, parts.digest}) == 1


def test_t33_a_new_name_moves_nothing_because_the_id_is_the_identity(tmp_path: Path) -> None:
    rule = percent("support", "{ServiceName: Support}", ("A", 25), ("B", 75))
    write(Case(f"{LABELS}\nallocations:{rule}", [charge("Support", "8")], report=("team",)), tmp_path)
    apply(tmp_path)
    write_rules(tmp_path, f"{LABELS}\nallocations:{rule}    name: Support and its friends\n")
    renamed = plan(tmp_path)
    assert [(change.action, change.id) for change in renamed.changes] == [("change", "support")]
    assert [field.path for field in renamed.changes[0].fields] == ["name"]
    assert renamed.changes[0].money == ()
    assert deltas(renamed) == {}


def test_t34_the_money_of_a_disabled_rule_returns_to_where_it_was(tmp_path: Path) -> None:
    rule = percent("support", "{ServiceName: Support}", ("A", 25), ("B", 75))
    write(Case(f"{LABELS}\nallocations:{rule}", [charge("Support", "8")], report=("team",)), tmp_path)
    apply(tmp_path)
    write_rules(tmp_path, f"{LABELS}\nallocations:{rule}    enabled: false\n")
    disabled = plan(tmp_path)
    assert [change.id for change in disabled.changes] == ["support"]
    assert_close(deltas(disabled), {"A": -2, "B": -6, None: 8})
    assert disabled.ledger is not None
    assert by(disabled.ledger, "team") == {None: 8}


def test_t34_a_disabled_rule_leaves_its_cost_to_the_rules_after_it(tmp_path: Path) -> None:
    first = percent("first", "{ServiceName: Support}", ("A", 100)) + "    enabled: false\n"
    second = percent("second", "{ServiceName: Support}", ("B", 100))
    assert_close(by_team(first + second, [charge("Support", "8")], tmp_path), {"B": 8})
