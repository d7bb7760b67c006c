"""Traps of partitions, gaps and missing values, each with its vector: T09 to T11 and T31."""

from __future__ import annotations

from pathlib import Path

from unit.engine.vectors import LABELS, allocated, exact, of
from workbench import Case, assert_close, by, charge, planned, totals, usage, write

REPORT = ("env", "team", "ServiceName")


def by_ec2(rule_id: str, service: str, fields: str = "") -> str:
    """An allocation of a service over teams in proportion to EC2, separately in each env."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: proportional
    to: {{dimension: team}}
    basis: {{where: {{ServiceName: EC2}}}}
    partition_by: [env]
{fields}
"""


def by_hours(rule_id: str, service: str, fields: str = "") -> str:
    """An allocation of a service over teams by hours, separately in each env."""
    return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}}}}}
    method: metric
    to: {{dimension: team}}
    basis: {{metric: hours}}
    partition_by: [env]
{fields}
"""


def rules(*allocations: str) -> str:
    return f"{LABELS}\nallocations:{''.join(allocations)}"


HOURS = "metrics:\n  - {id: hours, source: warehouse, query: hours, labels: {team: team, env: env}}\n"


# T09: a partition without targets.


def test_t09_a_partition_without_targets_does_not_leak_into_another(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A", env="prod"), charge("EC2", "3", team="B", env="prod")),
        *(charge("Support", "8", env="prod"), charge("Support", "50", env="staging")),
        # Even and previous look inside the partition too.
        *(charge("Even", "8", env="prod"), charge("Even", "50", env="staging")),
        *(charge("Previous", "8", env="prod"), charge("Previous", "50", env="staging")),
    ]
    text = rules(
        by_ec2("support", "Support"),
        by_ec2("even", "Even", "    on_empty: even"),
        by_ec2("previous", "Previous", "    on_empty: previous"),
    )
    ledger = exact(Case(text, bill, report=REPORT), tmp_path)
    figures = {("prod", "A"): 2, ("prod", "B"): 6, ("staging", None): 50}
    for service in ("Support", "Even", "Previous"):
        assert_close(of(ledger, service, "env", "team"), figures)
    warnings = [each for each in planned(tmp_path)[1] if each.code == "CO801"]
    assert ["50" in each.message for each in warnings] == [True, True, True]


# T10: gaps between the bill and the metric.


def test_t10_a_gap_in_the_metric_is_decided_by_on_empty_and_orphans_are_listed(tmp_path: Path) -> None:
    services = ("Stays", "Previous", "Even")
    bill = [
        charge("EC2", "1", team="A"),
        *(charge(service, "10", env="prod") for service in services),
        *(charge(service, "4", env="staging") for service in services),
        *(charge(service, "2", env="unknown to the metric") for service in services),
    ]
    records = [
        *(usage("hours", "3", team="A", env="prod"), usage("hours", "1", team="ghost", env="prod")),
        # Staging was last measured two days before; on the tenth both of its teams did nothing.
        *(usage("hours", "1", team="A", env="staging", day="2025-04-08"),),
        *(usage("hours", "3", team="B", env="staging", day="2025-04-08"),),
        *(usage("hours", "0", team="A", env="staging"), usage("hours", "0", team="B", env="staging")),
        # A later day never fills a gap, and an env that the bill lacks gets nothing.
        *(usage("hours", "9", team="A", env="staging", day="2025-04-11"), usage("hours", "9", team="A", env="qa")),
    ]
    text = HOURS + rules(
        by_hours("stays", "Stays"),
        by_hours("previous", "Previous", "    on_empty: previous"),
        by_hours("even", "Even", "    on_empty: even"),
    )
    ledger = exact(Case(text, bill, records, report=REPORT), tmp_path)
    in_prod = {("prod", "A"): "7.5", ("prod", "ghost"): "2.5"}
    left = {("unknown to the metric", None): 2}
    assert_close(of(ledger, "Stays", "env", "team"), {**in_prod, **left, ("staging", None): 4})
    previous = {("staging", "A"): 1, ("staging", "B"): 3}
    assert_close(of(ledger, "Previous", "env", "team"), {**in_prod, **left, **previous})
    evenly = {("staging", "A"): 2, ("staging", "B"): 2}
    assert_close(of(ledger, "Even", "env", "team"), {**in_prod, **left, **evenly})
    warnings = planned(tmp_path)[1]
    orphans = [each.message for each in warnings if each.code == "CO804" and "stays" in each.message]
    assert ["ghost" in message for message in orphans] == [True]
    assert [each.is_error for each in warnings if each.code == "CO801"] == [False, False, False]


# T11: rows without the partition's tag.


def test_t11_rows_without_the_partition_tag_are_a_bucket_of_their_own(tmp_path: Path) -> None:
    bill = [
        *(charge("EC2", "1", team="A", env="true"), charge("EC2", "1", team="B"), charge("EC2", "1", team="C", env="")),
        charge("EC2", "1", team="D", env=None),
        *(charge("Support", "5", env="true"), charge("Support", "6"), charge("Support", "3", env="")),
    ]
    ledger = exact(Case(rules(by_ec2("support", "Support")), bill, report=REPORT), tmp_path)
    figures = {("true", "A"): 5, (None, "B"): 3, (None, "C"): 3, (None, "D"): 3}
    assert_close(of(ledger, "Support", "env", "team"), figures)


def test_t11_more_than_5_percent_of_a_source_without_the_tag_is_a_warning_with_the_amount(tmp_path: Path) -> None:
    basis = [charge("EC2", "1", team="A", env="prod"), charge("EC2", "1", team="B")]
    little = [charge("Little", "95", env="prod"), charge("Little", "5")]
    much = [charge("Much", "94", env="prod"), charge("Much", "6.125")]
    text = rules(by_ec2("little", "Little"), by_ec2("much", "Much"))
    write(Case(text, [*basis, *little, *much], report=REPORT), tmp_path)
    ledger, diagnostics = planned(tmp_path)
    assert_close(of(ledger, "Little", "team"), {"A": 95, "B": 5})
    (warning,) = [each for each in diagnostics if each.code == "CO802"]
    assert [word for word in ("much", "6.125") if word not in warning.message] == []


# T31: null, empty, absent, and the text "true".


def test_t31_null_empty_and_absent_are_missing_and_true_is_a_value(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1"),
        charge("EC2", "2", env=""),
        charge("EC2", "4", env=None),
        charge("EC2", "8", Tags=None),
        charge("EC2", "16", env="true"),
        charge("EC2", "32", env=" "),
    ]
    dimensions = """
dimensions:
  - {id: missing, rules: [{value: "yes", where: {Tags.env: null}}], default: "no"}
  - {id: there, rules: [{value: "yes", where: {Tags.env: {present: true}}}], default: "no"}
  - {id: other, rules: [{value: "yes", where: {Tags.env: {not: prod}}}], default: "no"}
"""
    rule = """
  - id: missing
    source: {where: {Tags.env: null}}
    method: percent
    to: {dimension: team, percent: {A: 100}}
"""
    case = Case(dimensions + rules(rule), bill, report=("missing", "there", "other", "team"))
    ledger = exact(case, tmp_path)
    assert by(ledger, "missing") == {"yes": 15, "no": 48}
    assert by(ledger, "there") == {"yes": 48, "no": 15}
    assert by(ledger, "other") == {"yes": 63}
    assert allocated(ledger, "team") == {"A": 15}


def test_t31_the_text_null_of_a_csv_file_is_missing(tmp_path: Path) -> None:
    rule = """
  - id: rule
    source: {where: {RegionId: null}}
    method: percent
    to: {dimension: team, percent: {A: 100}}
"""
    bill = [charge("EC2", "1", RegionId=None), charge("EC2", "2", RegionId="eu-1")]
    write(Case(rules(rule), bill, report=("team", "RegionId")), tmp_path)
    file = tmp_path / "bill" / "part-0.csv"
    header, first, second = file.read_text(encoding="utf-8").splitlines()
    file.write_text("\n".join([header, f"{first}NULL", second, ""]), encoding="utf-8")
    ledger, _ = planned(tmp_path)
    assert totals(ledger, "team", "RegionId") == {("A", None): 1, (None, "eu-1"): 2}
