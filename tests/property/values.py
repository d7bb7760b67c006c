"""Random labels, dimensions and metrics, and what any entry of a rule file may carry.

Invariant: every drawn entry is valid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from property.conditions import TIMES, conditions
from property.pools import COLUMNS_OF_THE_BILL, TIERS, Draw, once_in, weighted

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
usual = weighted((4, st.just(["trim", "lower"])), (1, transforms))

FORMATS = {
    1: ["<{0}>", "{0}{0}", "{{{0}}}", "a {0}"],
    2: ["{0}/{1}", "{1} {{x}} {0}", "{0}{1}{0}", "ü {1}, '{0}'"],
    3: ["{2}-{1}-{0}", "{0} {1}: {2}"],
}


def sources(keys: Sequence[str], most: int = 3) -> st.SearchStrategy[Any]:
    cleaned = st.builds(lambda field, own: {"field": field, "transform": own}, st.sampled_from(keys), transforms)
    one = weighted((3, st.sampled_from(keys)), (1, cleaned))
    return st.lists(one, min_size=1, max_size=most)


@st.composite
def concats(draw: Draw, keys: Sequence[str]) -> dict[str, object]:
    """A dimension rule that joins values."""
    parts = draw(sources(keys))
    rule: dict[str, object] = {"concat": parts}
    if draw(st.booleans()):
        rule["format"] = draw(st.sampled_from(FORMATS[len(parts)]))
    if draw(once_in(3)):
        rule["transform"] = draw(transforms)
    return rule


@st.composite
def described(draw: Draw, entry: dict[str, object]) -> dict[str, object]:
    """The entry, sometimes with the fields that mean nothing for money."""
    if not draw(once_in(4)):
        return entry
    former = f"old-{entry['id']}"
    more: dict[str, object] = {
        "name": "A name",
        "description": "Why it is there.",
        "owner": "finops",
        "hidden": draw(st.booleans()),
        "renamed_from": draw(st.sampled_from([former, [f"{former}-2", former]])),
    }
    return {**entry, **more}


def label_sources(keys: Sequence[str]) -> st.SearchStrategy[Any]:
    """Any of the keys, mostly the one that most charges have among them."""
    return weighted((3, sources(keys, 2).map(lambda found: [*found, keys[0]])), (1, sources(keys)))


@st.composite
def labels(draw: Draw) -> list[dict[str, object]]:
    """The labels `env` and `team`, sometimes a third that is disabled."""
    env: dict[str, object] = {"id": "env", "from": draw(label_sources(["Tags.env", "Tags.environment", "Tags.Env"]))}
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
        "from": draw(label_sources(["Tags.team", "Tags.owner", "SubAccountId"])),
        "transform": draw(usual),
    }
    if draw(st.booleans()):
        team["drop"] = ["tbd", {"ends_with": "-1"}]
    if draw(st.booleans()):
        team["rename"] = {"c": [{"contains": "c"}], "a": [{"matches": "a|A ", "ignore_case": True}]}
    entries = [draw(described(env)), draw(described(team))]
    if draw(once_in(8)):
        entries.append({"id": "unused", "from": "Tags.team", "enabled": False})
    return entries


@st.composite
def dimensions(draw: Draw) -> list[dict[str, object]]:
    """`owner` (empty), `tier`, `joined`, `pod` of the provider's splits, the roll-ups `unit`, `area` and `move`, and
    sometimes `env` over the label of its name.
    """
    columns = [*COLUMNS_OF_THE_BILL, *TIMES, *TIMES, "label.env", "label.team"]
    tier = [
        {"value": draw(st.sampled_from(TIERS)), "where": draw(conditions([*columns, "env", "team"]))},
        {
            "from": draw(sources(["team", "RegionId", "Tags.owner", "label.env"])),
            "transform": draw(transforms),
        },
    ]
    joined = [
        draw(concats(["team", "tier", "RegionId", "SubAccountId", "label.env"])),
        {**draw(concats(["team", "env", "ServiceName"])), "where": draw(conditions(columns))},
    ]
    pod = [{"from": draw(sources(["AllocatedResourceId", "AllocatedTags", "Tags.owner"]))}]
    unit = [
        {"from": draw(sources(["team", "owner", "tier", "env"])), "transform": draw(transforms)},
        {"value": "rest", "where": draw(conditions(["owner", "env", "ServiceName", "direct.owner", "direct.team"]))},
    ]
    move = [
        draw(concats(["direct.team", "team", "owner", "direct.tier"])),
        {"from": draw(sources(["direct.team", "direct.env", "unit"]))},
    ]
    entries: list[dict[str, object]] = [
        {"id": "area", "stage": "result", "rules": [{"value": "known", "where": {"unit": {"present": True}}}]},
        {"id": "unit", "stage": "result", "rules": unit[: draw(st.integers(1, 2))]},
        {"id": "move", "stage": "result", "rules": move[: draw(st.integers(1, 2))]},
        {"id": "tier", "rules": tier[: draw(st.integers(1, 2))], "default": draw(st.sampled_from([None, "base"]))},
        {"id": "joined", "rules": joined[: draw(st.integers(1, 2))]},
        {"id": "pod", "rules": pod},
        {"id": "owner", "rules": []},
    ]
    if draw(st.booleans()):
        rules: list[object] = [{"from": draw(st.sampled_from(["env", "label.env"]))}]
        rules.append({"value": "production", "where": draw(conditions([*columns, "env"]))})
        entries.append({"id": "env", "rules": rules, "default": draw(st.sampled_from([None, None, "dev"]))})
    if draw(once_in(8)):
        entries.append({"id": "unused", "rules": [{"value": "x"}], "enabled": False})
    return [draw(described(each)) for each in entries]


METRICS: dict[str, tuple[str, dict[str, str]]] = {
    "hours": ("cpu_hours", {"owner": "team", "stage": "env"}),
    "calls": ("calls", {"owner": "owner", "stage": "env"}),
    "disk": ("disk_gb", {"owner": "team", "stage": "env"}),
}
"""Query and labels of each metric."""

MAPPED: dict[tuple[str, ...], list[str]] = {
    ("hours",): ["team", "label.team", "env"],
    ("disk",): ["team", "label.team", "env"],
    ("calls",): ["owner", "env"],
    ("disk", "hours"): ["team", "label.team", "env"],
    ("calls", "hours"): ["env"],
    ("calls", "disk", "hours"): ["env"],
}
"""The dimensions that rules may use with these metrics."""


@st.composite
def metrics(draw: Draw) -> list[dict[str, object]]:
    """Every metric."""
    entries = []
    for identity, (query, mapped) in METRICS.items():
        entry: dict[str, object] = {"id": identity, "source": "warehouse", "query": query, "labels": mapped}
        if draw(st.booleans()):
            entry["aggregate"] = draw(st.sampled_from(["sum", "avg", "max", "last"]))
        entries.append(draw(described(entry)))
    if draw(once_in(8)):
        entries.append({"id": "unused", "source": "warehouse", "query": "calls", "labels": {}, "enabled": False})
    return entries
