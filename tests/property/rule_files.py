"""Random rule files: labels, dimensions, metrics and one to six allocations of every method and field.

Invariant: every drawn file is valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from property.bills import bills, usages
from property.conditions import ANYTHING, TIMES, conditions, path_tests
from property.pools import COLUMNS_OF_THE_BILL, ELEMENTS, POOLS, SERVICES, TIERS, WRITABLE, Draw, weighted
from workbench import Case

METRICS = [
    {"id": "hours", "source": "warehouse", "query": "cpu_hours", "labels": {"owner": "team", "stage": "env"}},
    {"id": "calls", "source": "warehouse", "query": "calls", "labels": {"owner": "owner", "stage": "env"}},
]
MAPPED = {"hours": ["team", "env"], "calls": ["owner", "env"]}


# Labels and dimensions

TABLES = {
    "texts.csv": [
        ("prod", "live"), ("Prod ", "prod-old"), ("stg", ""), ("a", "b"), ("A ", "d_e"), ("team c", "a"),
        ("ß", "ü,\"'"), ("001", "b-1"), ("eu-1", "n/a"), ("dev", "Team C"), ("b", "tbd"), ("ä-test", "Ä-Test"),
    ],
    "tables/two.csv": [("live", "production"), ("b", "a"), ("d_e", "line\nbreak"), ("production", "prod")],
    "empty.csv": [],
}  # fmt: skip
"""Lookup tables over texts of the bill and over one another's values."""

transforms = st.lists(
    st.sampled_from(
        [
            "trim", "lower", "upper", "title", "normalize",
            {"lookup": "texts.csv"}, {"lookup": "tables/two.csv"}, {"lookup": "empty.csv"},
            {"split": {"delimiter": "-", "index": 0}},
            {"split": {"delimiter": "-", "index": -1}},
            {"split": {"delimiter": " ", "index": 1}},
            {"replace": {"from": "prod", "to": "live"}},
            {"replace": {"from": " ", "to": ""}},
        ]
    ),
    max_size=2,
)  # fmt: skip
usual = weighted((2, st.just(["trim", "lower"])), (1, transforms))


def sources(keys: Sequence[str]) -> st.SearchStrategy[Any]:
    cleaned = st.builds(lambda field, own: {"field": field, "transform": own}, st.sampled_from(keys), transforms)
    one = weighted((3, st.sampled_from(keys)), (1, cleaned))
    return st.lists(one, min_size=1, max_size=3)


@st.composite
def labels(draw: Draw) -> list[dict[str, object]]:
    """The labels `env` and `team`."""
    env: dict[str, object] = {"id": "env", "from": draw(sources(["Tags.env", "Tags.environment", "Tags.Env"]))}
    env["transform"] = draw(usual)
    if draw(st.booleans()):
        env["drop"] = draw(st.sampled_from([["n/a"], ["n/a", "none", "None"], [{"starts_with": "n"}]]))
    if draw(st.booleans()):
        live: list[object] = ["prod", "prd", {"starts_with": "prod-"}]
        env["rename"] = draw(
            st.sampled_from(
                [
                    {"production": live},
                    {"production": live, "dev": ["ä-test", {"contains": "s"}], "p": [{"like": "p%"}]},
                ]
            )
        )
    team: dict[str, object] = {
        "id": "team",
        "from": draw(sources(["Tags.team", "Tags.owner", "SubAccountId"])),
        "transform": draw(usual),
    }
    if draw(st.booleans()):
        team["drop"] = ["tbd", {"ends_with": "-1"}]
    if draw(st.booleans()):
        team["rename"] = {"c": [{"contains": "c"}], "a": [{"matches": "a|A ", "ignore_case": True}]}
    return [env, team]


@st.composite
def dimensions(draw: Draw) -> list[dict[str, object]]:
    """`owner` (empty), `tier`, the roll-ups `unit` and `area`, and sometimes `env` over the label of its name."""
    columns = [*COLUMNS_OF_THE_BILL, "label.env", "label.team"]
    tier = [
        {"value": draw(st.sampled_from(TIERS)), "where": draw(conditions([*columns, "env", "team"]))},
        {
            "from": draw(sources(["team", "RegionId", "Tags.owner", "label.env"])),
            "transform": draw(transforms),
        },
    ]
    unit = [
        {"from": draw(sources(["team", "owner", "tier", "env"])), "transform": draw(transforms)},
        {"value": "rest", "where": draw(conditions(["owner", "env", "ServiceName"]))},
    ]
    entries: list[dict[str, object]] = [
        {"id": "area", "stage": "result", "rules": [{"value": "known", "where": {"unit": {"present": True}}}]},
        {"id": "unit", "stage": "result", "rules": unit[: draw(st.integers(1, 2))]},
        {"id": "tier", "rules": tier[: draw(st.integers(1, 2))], "default": draw(st.sampled_from([None, "base"]))},
        {"id": "owner", "rules": []},
    ]
    if draw(st.booleans()):
        rules: list[object] = [{"from": draw(st.sampled_from(["env", "label.env"]))}]
        rules.append({"value": "production", "where": draw(conditions([*columns, "env"]))})
        entries.append({"id": "env", "rules": rules, "default": draw(st.sampled_from([None, None, "dev"]))})
    return entries


# Allocations

USUAL_DESTINATIONS = ["env", "team", "label.team", "env", "team", "ServiceName", "env", "team", "SubAccountId"]
"""Named again and again, so that rules meet on the same dimensions."""

PERCENTAGES: list[list[float | int]] = [
    [100], [50, 50], [60, 30, 10], [98, 2], [33.33, 33.33, 33.34], [0, 100], [99.9999, 0.0001],
]  # fmt: skip


@st.composite
def destinations(draw: Draw, among: Sequence[str]) -> tuple[list[str], list[str]]:
    """Where elements are read from, and the dimensions they are written into."""
    to = draw(st.lists(st.sampled_from(among), min_size=1, max_size=draw(st.sampled_from([1, 1, 2])), unique=True))
    into: list[str] = []
    for name in to:
        free = [each for each in WRITABLE if each not in into and each not in to]
        own = name in WRITABLE and name not in into
        into.append(name if own and draw(st.integers(0, 3)) else draw(st.sampled_from(free)))
    return to, into


@st.composite
def allocations(draw: Draw, rule_id: str, earlier: Sequence[str], costs: Sequence[str]) -> dict[str, object]:
    """One allocation of any method."""
    method = draw(st.sampled_from(["even", "percent", "proportional", "proportional", "proportional", "metric"]))
    metric = draw(st.sampled_from(sorted(MAPPED))) if method == "metric" else None
    to, into = draw(destinations(MAPPED[metric] if metric else [*USUAL_DESTINATIONS, *ELEMENTS]))
    to_fields: dict[str, object] = {"dimension": to if len(to) > 1 or draw(st.booleans()) else to[0]}
    elements = draw(
        st.lists(st.tuples(*(st.sampled_from(ELEMENTS[name]) for name in to)), min_size=1, max_size=4, unique=True)
    )
    if method == "percent":
        to_fields["percent"] = percentages(to, elements, draw)
    elif draw(st.integers(0, 2)) == 2:
        to_fields["values"] = [list(each) for each in elements] if len(to) > 1 else [each[0] for each in elements]
    rule: dict[str, object] = {"id": rule_id, "source": draw(allocation_sources(into[0], earlier)), "method": method}
    rule["to"] = to_fields
    if into != to:
        rule["into"] = into if len(into) > 1 else into[0]
    fields = [*MAPPED[metric]] if metric else ANYTHING
    if method != "percent":
        rule["basis"] = draw(bases(metric, fields, earlier, costs if method == "proportional" else ()))
        rule["on_empty"] = draw(st.sampled_from(["unallocated", "unallocated", "even"]))
        partitions = (
            [name for name in (*MAPPED[metric],) if name not in to]
            if metric
            else [name for name in ("env", "team", "ServiceName", "env", *POOLS) if name not in to]
        )
        if partitions:
            rule["partition_by"] = draw(
                st.lists(st.sampled_from(partitions), max_size=draw(st.sampled_from([0, 0, 1, 2])), unique=True)
            )
    return rule


def percentages(to: Sequence[str], elements: Sequence[Sequence[str]], draw: Draw) -> object:
    """`to.percent` for some of the elements, adding up to 100."""
    numbers = draw(st.sampled_from([each for each in PERCENTAGES if len(each) <= len(elements)]))
    chosen = list(zip(elements, numbers, strict=False))
    if len(to) == 1:
        return {element[0]: number for element, number in chosen}
    return [{**dict(zip(to, element, strict=True)), "percent": number} for element, number in chosen]


def allocation_sources(into: str, earlier: Sequence[str]) -> st.SearchStrategy[Any]:
    """`source` of a rule: mostly services, often what has no value in the destination, sometimes anything."""
    service = st.sampled_from(SERVICES).map(lambda name: {"ServiceName": name})
    several = st.lists(st.sampled_from(SERVICES), min_size=2, max_size=3, unique=True)
    services = several.map(lambda names: {"ServiceName": names})
    missing = services.map(lambda found: {**found, into: None})
    anything = conditions(ANYTHING, earlier)
    where = weighted(
        (4, service), (3, services), (2, missing), (1, st.just({into: None})), (3, anything), (1, st.just({}))
    )
    if not earlier:
        return where.map(lambda found: {"where": found})
    by_rule = path_tests(earlier).map(lambda test: {"where": {"allocated_by": test}, "allocated": "include"})
    allocated = st.sampled_from([{}, {}, {}, {"allocated": "exclude"}, {"allocated": "include"}, {"allocated": "only"}])
    mixed = st.builds(lambda found, who: {"where": found, **who}, where, allocated)
    return weighted((7, mixed), (1, by_rule))


@st.composite
def bases(
    draw: Draw, metric: str | None, fields: Sequence[str], rule_ids: Sequence[str], costs: Sequence[str]
) -> dict[str, object]:
    """`basis` of a rule, without a cost column where none is given."""
    basis: dict[str, object] = {"metric": metric} if metric else {}
    if draw(st.booleans()):
        plain = st.lists(st.sampled_from(SERVICES), min_size=1, max_size=3, unique=True)
        usual_basis = plain.map(lambda names: {"ServiceName": names})
        anything = conditions(fields) if metric else weighted((2, usual_basis), (1, conditions(fields, rule_ids)))
        basis["where"] = draw(anything)
    if costs and draw(st.booleans()):
        basis["cost"] = draw(st.sampled_from(costs))
    if draw(st.integers(0, 3)):
        basis["granularity"] = draw(st.sampled_from(["charge_period", "daily", "monthly", "billing_period"]))
    return basis


REPORTS = [
    ("env", "team"),
    ("env", "team", "owner", "unit", "area"),
    ("team", "ServiceName", "tier"),
    ("Tags.env", "label.team", "owner"),
]


@st.composite
def cases(draw: Draw) -> Case:
    """A bill, usage and one rule file with one to six allocations."""
    bill = draw(bills())
    costs = [name for name in ("BilledCost", "EffectiveCost", "ListCost") if name in bill[0]]
    usage = draw(usages())
    rules: list[dict[str, object]] = []
    for number in range(1, draw(st.sampled_from([1, 2, 3, 4, 5, 6, 4, 5, 6])) + 1):
        earlier = [str(rule["id"]) for rule in rules if "enabled" not in rule]
        rules.append(draw(allocations(f"rule-{number}", earlier, costs)))
        if draw(st.integers(0, 11)) == 11:
            rules[-1]["enabled"] = False
    file = {
        "labels": draw(labels()),
        "dimensions": draw(dimensions()),
        "metrics": METRICS,
        "allocations": rules,
    }
    return Case(file, bill, usage, draw(st.sampled_from(REPORTS)), draw(st.sampled_from(costs)), tables=TABLES)


@st.composite
def cases_of_values(draw: Draw) -> Case:
    """Labels and dimensions of every kind, and conditions as dimensions before and after three allocations."""
    columns = [*COLUMNS_OF_THE_BILL, *TIMES, "label.env", "label.team", "env", "team"]
    rule_ids = ["rule-1", "rule-2", "rule-3"]
    file = {
        "labels": draw(labels()),
        "dimensions": [
            *draw(dimensions()),
            *({"id": f"before-{n}", "rules": [tested(draw(conditions(columns)))]} for n in range(8)),
            *(
                {"id": f"after-{n}", "stage": "result", "rules": [tested(draw(conditions(columns, rule_ids)))]}
                for n in range(6)
            ),
        ],
        "allocations": [
            {"id": "rule-1", "source": {"where": {"ServiceName": ["EC2", "RDS"]}}, **HALVES},
            {"id": "rule-2", "source": {"where": {"ServiceName": ["RDS", "S3"]}}, **HALVES, "into": "tier"},
            {"id": "rule-3", "source": {"where": {"allocated_by": "rule-2"}}, **HALVES, "into": "team"},
        ],
    }
    report = ("env", "team", "label.env", "tier", "unit")
    tests = (*(f"before-{n}" for n in range(8)), *(f"after-{n}" for n in range(6)))
    return Case(file, draw(bills()), report=(*report, *tests), tables=TABLES)


HALVES: dict[str, object] = {"method": "percent", "to": {"dimension": "owner", "percent": {"a": 50, "o1": 50}}}


def tested(condition: object) -> dict[str, object]:
    """A dimension's rule that says where a condition holds."""
    return {"value": "yes", "where": condition}
