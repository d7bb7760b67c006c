"""Traps of order and provenance, each with its vector: T12 to T17 and T34."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from unit.engine.vectors import LABELS, exact, of, refused
from workbench import Case, Charge, assert_close, by, charge, planned, write, write_rules

from costops.model.plan import Plan
from costops.workspace import open_workspace

REPORT = ("team", "ServiceName")


def percent(rule_id: str, where: str, parts: str, fields: str = "", *, allocated: str = "exclude") -> str:
    """An allocation that gives each team its percentage."""
    return f"""
  - id: {rule_id}
    source: {{where: {where}, allocated: {allocated}}}
    method: percent
    to: {{dimension: team, percent: {parts}}}
{fields}
"""


def proportional(rule_id: str, service: str, basis: str) -> str:
    """An allocation of a service over teams in proportion to the cost that `basis` names."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{{basis}}}
"""


def rules(*allocations: str) -> str:
    return f"{LABELS}\nallocations:{''.join(allocations)}"


def applied(folder: Path) -> None:
    with open_workspace(folder) as workspace:
        workspace.apply(workspace.plan())


def plan(folder: Path) -> Plan:
    with open_workspace(folder) as workspace:
        return workspace.plan()


def deltas(found: Plan, dimension: str = "team") -> dict[str | None, Fraction]:
    """What the changes of a plan move, by element."""
    lines = [line for change in found.changes for line in change.money if line.dimension == dimension]
    return {line.value: Fraction(line.delta, 10**12) for line in lines}


# T12: what a later rule weighs by.


def test_t12_a_basis_is_the_running_ledger_or_the_bill_before_the_first_rule(tmp_path: Path) -> None:
    compute = "where: {ServiceName: [EC2, Network]}"
    text = rules(
        percent("network", "{ServiceName: Network}", "{A: 50, B: 50}"),
        proportional("running", "Running", f"{compute}, from: running"),
        proportional("direct", "Direct", f"{compute}, from: direct"),
        proportional("default", "Default", compute),
    )
    bill = [
        *(charge("EC2", "100", team="A"), charge("EC2", "300", team="B"), charge("Network", "100")),
        *(charge("Running", "50"), charge("Direct", "50"), charge("Default", "50")),
    ]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    # After the first rule A has 150 and B 350.
    assert_close(of(ledger, "Running", "team"), {"A": 15, "B": 35})
    assert_close(of(ledger, "Direct", "team"), {"A": "12.5", "B": "37.5"})
    assert_close(of(ledger, "Default", "team"), {"A": 15, "B": 35})


# T13: cycles.


def test_t13_dimensions_that_read_each_other_are_refused_with_the_path_of_the_cycle(tmp_path: Path) -> None:
    text = """
dimensions:
  - {id: one, rules: [{from: two}]}
  - {id: two, rules: [{value: x, where: {one: y}}]}
"""
    ((code, message),) = refused(Case(text, [charge("EC2", "1")], report=("ServiceName",)), tmp_path)
    assert code == "CO304"
    assert "one -> two -> one" in message


STEPS = """
labels:
  - {id: unit, from: [Tags.unit]}
dimensions:
  - {id: straight, rules: [{from: unit}]}
  - {id: s1_first, rules: [{from: unit}]}
  - {id: s2_first, rules: [{from: unit}]}
allocations:
"""


def step(dimension: str, unit: str, parts: str) -> str:
    """Everything that a unit has along a dimension, what another gave it included, by percentages."""
    return f"""
  - id: {dimension}-{unit}
    source: {{where: {{{dimension}: {unit}}}, allocated: include}}
    method: percent
    to: {{dimension: {dimension}, percent: {parts}}}
"""


def test_t13_rules_that_pour_into_each_other_are_steps_in_the_order_of_the_file(tmp_path: Path) -> None:
    # Of its own: S1 gives 10 % to S2, 50 % to X, 40 % to Y; S2 gives 20 % to S1, 30 % to X, 50 % to Y.
    of_s1, of_s2 = "{X: 55.555555555556, Y: 44.444444444444}", "{X: 37.5, Y: 62.5}"
    text = STEPS + "".join(
        (
            step("straight", "S1", of_s1),
            step("straight", "S2", of_s2),
            step("s1_first", "S1", "{S2: 10, X: 50, Y: 40}"),
            step("s1_first", "S2", of_s2),
            step("s2_first", "S2", "{S1: 20, X: 30, Y: 50}"),
            step("s2_first", "S1", of_s1),
        )
    )
    bill = [charge("Shared", "100", unit="S1"), charge("Shared", "50", unit="S2")]
    ledger = exact(Case(text, bill, report=("straight", "s1_first", "s2_first")), tmp_path)
    figures = {"straight": ("74.31", "75.69"), "s1_first": ("72.50", "77.50"), "s2_first": ("76.11", "73.89")}
    for dimension, (x, y) in figures.items():
        found = by(ledger, dimension)
        assert {unit: round(value, 2) for unit, value in found.items()} == {"X": Fraction(x), "Y": Fraction(y)}
        assert sum(found.values()) == 150


# T14 and T15: a source that is its own target.


def test_t14_the_source_is_part_of_its_own_basis_only_where_the_rule_says_so(tmp_path: Path) -> None:
    text = rules(
        proportional("without", "Without", "where: {ServiceName: [EC2, Without]}"),
        proportional("with", "With", "where: {ServiceName: [EC2, With]}, include_source: true"),
        proportional("direct", "Direct", "where: {ServiceName: [EC2, Direct]}, from: direct"),
        proportional("both", "Both", "where: {ServiceName: [EC2, Both]}, from: direct, include_source: true"),
    )
    bill = [charge("EC2", "40", team="A"), charge("EC2", "60", team="B")]
    bill += [charge(service, "60", team="A") for service in ("Without", "With", "Direct", "Both")]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    excluded, included = {"A": 24, "B": 36}, {"A": "37.5", "B": "22.5"}
    assert_close(of(ledger, "Without", "team"), excluded)
    assert_close(of(ledger, "With", "team"), included)
    assert_close(of(ledger, "Direct", "team"), excluded)
    assert_close(of(ledger, "Both", "team"), included)


def test_t15_allocated_cost_is_taken_again_only_where_the_rule_says_so(tmp_path: Path) -> None:
    services = ("Exclude", "Only", "Include")
    text = rules(
        *(percent(f"first-{each}", f"{{ServiceName: {each}, env: prod}}", "{A: 25, B: 75}") for each in services),
        *(
            percent(f"again-{each}", f"{{ServiceName: {each}}}", "{C: 100}", allocated=each.lower())
            for each in services
        ),
        """
  - id: along-env
    source: {where: {ServiceName: Exclude, team: [A, B]}}
    method: percent
    to: {dimension: env, percent: {shared: 100}}
""",
    )
    bill = [charge(service, cost, env=env) for service in services for cost, env in (("8", "prod"), ("1", "dev"))]
    ledger = exact(Case(text, bill, report=("env", *REPORT)), tmp_path)
    assert_close(of(ledger, "Exclude", "team"), {"A": 2, "B": 6, "C": 1})
    assert_close(of(ledger, "Only", "team"), {None: 1, "C": 8})
    assert_close(of(ledger, "Include", "team"), {"C": 9})
    # Along another dimension it is not allocated yet.
    assert_close(of(ledger, "Exclude", "env", "team"), {("shared", "A"): 2, ("shared", "B"): 6, ("dev", "C"): 1})


def test_t15_a_second_run_selects_nothing_again(tmp_path: Path) -> None:
    text = rules(
        percent("untagged", "{ServiceName: Support, team: null}", "{A: 100}"),
        # What this rule gives has the service that it takes.
        percent("by-service", "{ServiceName: Datadog}", "{A: 50, B: 50}"),
    )
    write(Case(text, [charge("Support", "8"), charge("Datadog", "4", team="B")], report=REPORT), tmp_path)
    applied(tmp_path)
    again = plan(tmp_path)
    assert not again.writes
    assert again.changes == ()
    with open_workspace(tmp_path) as workspace:
        assert_close(by(workspace.ledger(), "team"), {"A": 10, "B": 2})


# T16 and T17: one row, two rules.


def test_t16_a_row_that_two_rules_match_goes_to_the_first_and_what_that_leaves_to_the_next(tmp_path: Path) -> None:
    text = rules(
        percent("first", "{ServiceName: Support}", "{A: 100}"),
        percent("second", "{env: prod}", "{B: 100}"),
        proportional("third", "Network", "where: {ServiceName: EC2, env: null}"),
        percent("rest", "{ServiceName: Network}", "{C: 100}"),
    )
    bill = [
        *(charge("Support", "8", env="prod"), charge("Support", "4"), charge("EC2", "2", env="prod")),
        # On the tenth the third rule has a basis, on the twelfth it has none.
        *(charge("EC2", "1", team="A"), charge("Network", "8"), charge("Network", "3", day="2025-04-12")),
    ]
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    assert_close(of(ledger, "Support", "team", "path"), {("A", "first"): 12})
    assert_close(of(ledger, "EC2", "team", "path"), {("B", "second"): 2, ("A", ""): 1})
    assert_close(of(ledger, "Network", "team", "path"), {("A", "third"): 8, ("C", "rest"): 3})
    # The overlap is told in money: second matches the 8 that first took, rest the 8 that third took.
    told = {each.message.split()[1]: each.message for each in planned(tmp_path)[1] if each.code == "CO806"}
    assert set(told) == {"second", "rest"}
    assert [word for word in ("USD 8 of 10", "first") if word not in told["second"]] == []
    assert [word for word in ("USD 8 of 11", "third") if word not in told["rest"]] == []


def test_t17_the_order_of_rules_is_money_and_a_reorder_is_one_change(tmp_path: Path) -> None:
    first = percent("network", "{ServiceName: Network}", "{A: 50, B: 50}")
    second = proportional("support", "Support", "where: {ServiceName: [EC2, Network]}")
    bill = [
        *(charge("EC2", "100", team="A"), charge("EC2", "300", team="B")),
        *(charge("Network", "100"), charge("Support", "50")),
    ]
    write(Case(rules(first, second), bill, report=REPORT), tmp_path)
    applied(tmp_path)
    write_rules(tmp_path, rules(second, first))
    moved = plan(tmp_path)
    assert [(change.action, change.kind) for change in moved.changes] == [("move", "allocation")]
    # On the running ledger 150 : 350 of 50; before the network is split, 100 : 300.
    assert_close(deltas(moved), {"A": "-2.5", "B": "2.5"})
    assert moved.ledger is not None
    assert_close(of(moved.ledger, "Support", "team"), {"A": "12.5", "B": "37.5"})
    ledger = exact(Case(rules(second, first), bill, report=REPORT), tmp_path)
    assert_close(by(ledger, "team"), {"A": "162.5", "B": "387.5"})


# T34: what a disabled rule had given.


def test_t34_the_money_of_a_disabled_rule_returns_to_where_it_was_or_to_the_next_rule(tmp_path: Path) -> None:
    bill: list[Charge] = [charge("Support", "8"), charge("Network", "4")]
    support = percent("support", "{ServiceName: Support}", "{A: 25, B: 75}")
    network = percent("network", "{ServiceName: Network}", "{A: 100}")
    other = percent("other", "{ServiceName: Network}", "{C: 100}")
    write(Case(rules(support, network, other), bill, report=REPORT), tmp_path)
    applied(tmp_path)
    off = "    enabled: false\n"
    write_rules(tmp_path, rules(support + off, network + off, other))
    disabled = plan(tmp_path)
    changes = {change.id: change for change in disabled.changes}
    assert set(changes) == {"support", "network"}
    assert all([field.path for field in change.fields] == ["enabled"] for change in changes.values())
    moved = {
        name: {line.value: Fraction(line.delta, 10**12) for line in change.money if line.dimension == "team"}
        for name, change in changes.items()
    }
    assert_close(moved["support"], {"A": -2, "B": -6, None: 8})
    assert_close(moved["network"], {"A": -4, "C": 4})
    assert disabled.ledger is not None
    assert by(disabled.ledger, "team") == {None: 8, "C": 4}


def test_t34_a_name_that_only_a_disabled_entry_defines_is_an_error(tmp_path: Path) -> None:
    text = rules(percent("support", "{ServiceName: Support}", "{A: 100}")).replace(
        "{id: team, from: [Tags.team]}", "{id: team, from: [Tags.team], enabled: false}"
    )
    found = refused(Case(text, [charge("Support", "8")], report=("ServiceName",)), tmp_path)
    assert [code for code, _ in found] == ["CO303"]
