"""Traps of matching, each with its vector: T18, T19 and T30."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from unit.engine.vectors import LABELS, allocated, exact, of
from workbench import Case, assert_close, by, charge, evaluated, planned, totals, write


def chosen(*conditions: str) -> str:
    """A dimension `case_<n>` for each condition, with the value yes where it holds."""
    lines = [
        f'  - {{id: case_{place}, rules: [{{value: "yes", where: {where}}}]}}' for place, where in enumerate(conditions)
    ]
    return "dimensions:\n" + "\n".join(lines) + "\n"


def taken(conditions: tuple[str, ...], bill: list[dict[str, object]], folder: Path) -> list[Fraction]:
    """The cost for which each condition holds."""
    report = tuple(f"case_{place}" for place in range(len(conditions)))
    ledger = exact(Case(chosen(*conditions), bill, report=report), folder)
    return [by(ledger, name).get("yes", Fraction(0)) for name in report]


# T18: case, white space, anchors.

MESSY = [
    *(charge("EC2", "1", env="prod"), charge("EC2", "2", env="Prod"), charge("EC2", "4", env="prod ")),
    *(charge("EC2", "8", env="prod-eu"), charge("EC2", "16", env="my-prod")),
]


def test_t18_text_matches_whole_and_as_written_unless_the_rule_says_otherwise(tmp_path: Path) -> None:
    figures = {
        "{Tags.env: prod}": 1,
        "{Tags.env: {is: prod, ignore_case: true}}": 3,
        "{Tags.env: {matches: prod}}": 1,
        '{Tags.env: {matches: "prod.*"}}': 13,
        '{Tags.env: {matches: "PROD.*", ignore_case: true}}': 15,
        "{Tags.env: {starts_with: prod}}": 13,
        "{Tags.env: {ends_with: prod}}": 17,
        "{Tags.env: {contains: prod}}": 29,
        '{Tags.env: {like: "prod_"}}': 4,
        '{Tags.env: {like: "%prod%", not: my-prod}}': 13,
    }
    assert dict(zip(figures, taken(tuple(figures), MESSY, tmp_path), strict=True)) == figures


def test_t18_values_are_cleaned_only_where_a_label_says_so(tmp_path: Path) -> None:
    text = "labels:\n  - {id: env, from: [Tags.env], transform: [trim, lower]}\n"
    ledger = exact(Case(text, MESSY[:3], report=("env", "Tags.env")), tmp_path)
    assert totals(ledger, "env", "Tags.env") == {("prod", "prod"): 1, ("prod", "Prod"): 2, ("prod", "prod "): 4}


# T19: several keys.


def test_t19_keys_are_anded_and_values_ored(tmp_path: Path) -> None:
    bill = [
        charge("EC2", "1", env="prod"),
        charge("EC2", "2", env="dev"),
        charge("S3", "4", env="prod"),
        charge("RDS", "8", env="prod"),
    ]
    figures = {
        "{ServiceName: [EC2, S3], Tags.env: prod}": 5,
        "{any: [{ServiceName: EC2}, {Tags.env: prod}]}": 15,
        "{all: [{ServiceName: [EC2, S3]}, {Tags.env: [prod, dev]}]}": 7,
        "{not: {ServiceName: EC2, Tags.env: prod}}": 14,
        "{ServiceName: {not: [EC2, S3]}}": 8,
    }
    assert dict(zip(figures, taken(tuple(figures), bill, tmp_path), strict=True)) == figures


# T30: rows that their provider has split.


def test_t30_what_the_provider_has_split_is_not_split_again_along_its_dimension_unless_named(tmp_path: Path) -> None:
    def even(rule_id: str, service: str, dimension: str, more: str = "") -> str:
        return f"""
  - id: {rule_id}
    source: {{where: {{ServiceName: {service}{more}}}}}
    method: even
    to: {{dimension: {dimension}, values: [x, y]}}
"""

    text = (
        LABELS
        + """
  - {id: pod, from: [AllocatedResourceId, Tags.pod]}
dimensions:
  - {id: workload, rules: [{from: pod}]}
allocations:
"""
        + even("along-pod", "Quiet", "pod")
        + even("along-workload", "Derived", "workload")
        + even("named", "Named", "pod", ", AllocatedMethodId: {present: true}")
        + even("along-team", "Other", "team")
    )
    bill = [
        row
        for service in ("Quiet", "Derived", "Named", "Other")
        for row in (
            charge(service, "10", AllocatedMethodId="split-by-cpu", AllocatedResourceId="pod-1"),
            charge(service, "4", AllocatedMethodId=None, AllocatedResourceId=None),
        )
    ]
    ledger = exact(Case(text, bill, report=("pod", "workload", "team", "ServiceName")), tmp_path)
    assert_close(of(ledger, "Quiet", "pod"), {"pod-1": 10, "x": 2, "y": 2})
    assert_close(of(ledger, "Derived", "workload"), {"pod-1": 10, "x": 2, "y": 2})
    assert_close(of(ledger, "Named", "pod"), {"x": 5, "y": 5, None: 4})
    assert_close(of(ledger, "Other", "team"), {"x": 7, "y": 7})
    assert sum(allocated(ledger, "ServiceName").values()) == 4 + 4 + 10 + 14


def test_t30_a_charge_beside_the_parts_that_its_provider_made_of_it_does_not_count_twice(tmp_path: Path) -> None:
    host = {"ResourceId": "host-1", "SkuPriceId": "sku", "ChargeCategory": "Usage", "ChargeDescription": "one host"}
    bill = [
        charge("EC2", "10", **host, AllocatedMethodId=None, AllocatedResourceId=None),
        charge("EC2", "6", **host, AllocatedMethodId="split", AllocatedResourceId="pod-1"),
        charge("EC2", "4", **host, AllocatedMethodId="split", AllocatedResourceId="pod-2"),
        charge("EC2", "3", **{**host, "ResourceId": "host-2"}, AllocatedMethodId=None, AllocatedResourceId=None),
    ]
    text = "labels:\n  - {id: pod, from: [AllocatedResourceId]}\n"
    write(Case(text, bill, report=("pod",)), tmp_path)
    ledger, diagnostics = planned(tmp_path)
    assert by(ledger, "pod") == {"pod-1": 6, "pod-2": 4, None: 3}
    assert [("10" in each.message, each.is_error) for each in diagnostics if each.code == "CO702"] == [(True, False)]


def test_t30_split_line_items_of_aws_stand_beside_the_charge_and_can_split_it(tmp_path: Path) -> None:
    text = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: host, from: [splitLineItem/ParentResourceId, lineItem/ResourceId]}
allocations:
  - id: hosts
    source: {where: {lineItem/ResourceId: {starts_with: i-}, splitLineItem/ParentResourceId: null}}
    method: proportional
    to: {dimension: team}
    basis: {where: {splitLineItem/ParentResourceId: {present: true}}, cost: SplitCost}
    partition_by: [host]
"""
    case = Case(text, [], report=("team",), costs={"SplitCost": "splitLineItem/SplitCost"})
    write(case, tmp_path, bill_parts=[])
    head = (
        "lineItem/UsageStartDate,lineItem/LineItemType,lineItem/CurrencyCode,lineItem/UnblendedCost,"
        "lineItem/ResourceId,splitLineItem/ParentResourceId,splitLineItem/SplitCost,resourceTags/user:team"
    )
    charges = ("10,i-1,,,", "4,i-2,,,", "0,pod-1,i-1,6,A", "0,pod-2,i-1,2,B", "0,pod-3,i-2,1,B")
    rows = [f"2025-04-10T00:00:00Z,Usage,USD,{each}" for each in charges]
    (tmp_path / "bill" / "report.csv").write_text("\n".join([head, *rows, ""]), encoding="utf-8")
    ledger = evaluated(tmp_path)
    assert_close(by(ledger, "team"), {"A": "7.5", "B": "6.5"})
    assert sum(by(ledger, "team", column="SplitCost").values()) == 9
