"""Random workspaces: a bill, usage, and a rule file with one to six allocations of every method and field.

Invariant: every drawn file is valid, and no rule fails on the bill but where a strict case is asked for.
"""

from __future__ import annotations

from hypothesis import strategies as st
from property.allocations import allocations
from property.bills import EXTRA_COST, bills, usages
from property.conditions import TIMES, conditions
from property.pools import COLUMNS_OF_THE_BILL, Draw, once_in
from property.values import TABLES, described, dimensions, labels, metrics
from workbench import Case

REPORTS = [
    ("env", "team"),
    ("env", "team", "owner", "unit", "area"),
    ("team", "ServiceName", "tier", "move"),
    ("Tags.env", "label.team", "owner", "direct.team"),
]

NET_COST = "NetCost"


@st.composite
def cases(draw: Draw, strict: bool = False) -> Case:
    """A bill, usage and one rule file with one to six allocations, of which only those of strict cases may fail."""
    bill = draw(bills(strict))
    costs = [name for name in ("BilledCost", "EffectiveCost", "ListCost") if name in bill[0]]
    extra = {NET_COST: EXTRA_COST} if EXTRA_COST in bill[0] else {}
    usage = draw(usages())
    rules: list[dict[str, object]] = []
    for number in range(1, draw(st.sampled_from([1, 2, 3, 4, 5, 6, 4, 5, 6])) + 1):
        earlier = [str(rule["id"]) for rule in rules if "enabled" not in rule]
        rule = draw(described(draw(allocations(f"rule-{number}", earlier, [*costs, *extra], strict))))
        rules.append({**rule, "enabled": False} if draw(once_in(12)) else rule)
    file = {
        "labels": draw(labels()),
        "dimensions": draw(dimensions()),
        "metrics": draw(metrics()),
        "allocations": rules,
    }
    report = draw(st.sampled_from(REPORTS))
    return Case(file, bill, usage, report, draw(st.sampled_from([*costs, *extra])), tables=TABLES, costs=extra)


@st.composite
def cases_of_values(draw: Draw) -> Case:
    """Labels and dimensions of every kind, and conditions as dimensions before and after three allocations."""
    columns = [*COLUMNS_OF_THE_BILL, *TIMES, "label.env", "label.team", "env", "team", "joined"]
    moved = [*columns, "owner", "tier", "direct.owner", "direct.tier", "direct.team", "direct.env"]
    rule_ids = ["rule-1", "rule-2", "rule-3"]
    file = {
        "labels": draw(labels()),
        "dimensions": [
            *draw(dimensions()),
            *({"id": f"before-{n}", "rules": [tested(draw(conditions(columns)))]} for n in range(8)),
            *(
                {"id": f"after-{n}", "stage": "result", "rules": [tested(draw(conditions(moved, rule_ids)))]}
                for n in range(6)
            ),
        ],
        "allocations": [
            {"id": "rule-1", "source": {"where": {"ServiceName": ["EC2", "RDS"]}}, **HALVES},
            {"id": "rule-2", "source": {"where": {"ServiceName": ["RDS", "S3"]}}, **HALVES, "into": "tier"},
            {"id": "rule-3", "source": {"where": {"allocated_by": "rule-2"}}, **HALVES, "into": "team"},
        ],
    }
    report = ("env", "team", "label.env", "tier", "unit", "joined", "move")
    tests = (*(f"before-{n}" for n in range(8)), *(f"after-{n}" for n in range(6)))
    return Case(file, draw(bills()), report=(*report, *tests), tables=TABLES)


HALVES: dict[str, object] = {"method": "percent", "to": {"dimension": "owner", "percent": {"a": 50, "o1": 50}}}


def tested(condition: object) -> dict[str, object]:
    """A dimension's rule that says where a condition holds."""
    return {"value": "yes", "where": condition}
