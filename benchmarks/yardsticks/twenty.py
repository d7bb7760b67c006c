"""The twenty rules of rules/twenty.yaml as plain data for the yardsticks, and what their tags, accounts and usage mean.

Invariant: no yardstick reads a rule of costops, and none shares code with it; that their ledgers are equal to that of
costops is checked after every run. A missing value is the empty text here.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEYS = (
    "billing_month", "day", "currency", "provider", "service", "category", "subcategory", "charge_category",
    "in_six", "in_others", "env", "team",
)  # fmt: skip
"""What tells the cells apart; `billing_month` is `YYYY-MM`, `day` a date."""
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
LEDGER = ("billing_month", "day", "currency", "env", "team", "service", "path")
"""Keys of a yardstick's ledger; `path` has the number of a rule, from 1, in every five bits, the last rule lowest."""

_SHARED = {"000123456789", "240084000318"}
_MICROSOFT = {"00000005-4c1d-4b7e-9a11-200070000265", "00000006-4c1d-4b7e-9a11-240084000318"}
_SIX = _SHARED | _MICROSOFT | {"acme-shared-prod-5", "acme-shared-nonprod-6"}
_OTHERS = _SHARED | _MICROSOFT | {"00000105-4c1d-4b7e-9a11-201470005565", "00000106-4c1d-4b7e-9a11-241484005618"}
_PRODUCTION = {
    "520182000689", "680238000901", "840294001113", "000350001325", "160406001537",
    "320462001749", "480518001961", "640574002173", "800630002385", "960686002597",
}  # fmt: skip
_SANDBOX = "000987654321"

_ENVIRONMENTS = {
    **dict.fromkeys(("prod", "prd", "live"), "production"),
    **dict.fromkeys(("stg", "stage", "preprod"), "staging"),
    **dict.fromkeys(("dev", "develop"), "development"),
    "qa": "test",
}
_PREFIXES = (("prod-", "production"), ("dev-", "development"), ("feature-", "development"))


def environment(text: str | None) -> str:
    """A clean environment, or the empty text."""
    text = (text or "").strip(" ").lower()
    if text in ("n/a", "none"):
        return ""
    return _ENVIRONMENTS.get(text) or next((name for start, name in _PREFIXES if text.startswith(start)), text)


def team(text: str | None) -> str:
    """A clean team, or the empty text."""
    text = (text or "").strip(" ").lower().replace("team-", "").replace("-team", "")
    return "" if text in ("unknown", "shared", "sandbox") else text


def of_tags(text: str | None) -> tuple[str, str]:
    """Environment and team that one text of the column Tags gives."""
    tags = json.loads(text) if text else {}
    keys = ("env", "environment", "Env", "environnment", "k8s_label_env")
    environments = (environment(tags.get(key)) for key in keys)
    teams = (team(tags.get(key)) for key in ("team", "Team", "owner", "k8s_label_team"))
    return next(filter(None, environments), ""), next(filter(None, teams), "")


def of_account(identity: str | None, name: str | None) -> tuple[str, str, bool, bool]:
    """Environment and team that an account gives where tags give none, and whether it is one of two lists."""
    parts = (name or "").split("-")
    found = "production" if identity in _PRODUCTION else "development" if identity == _SANDBOX else ""
    return found, team(parts[1]) if len(parts) > 1 else "", identity in _SIX, identity in _OTHERS


def usage(folder: Path) -> list[tuple[str, str, str, str, float]]:
    """(metric, day, env, team, sum) of the usage numbers in `usage/usage.csv`."""
    sums: dict[tuple[str, str, str, str], float] = defaultdict(float)
    with (folder / "usage" / "usage.csv").open(newline="", encoding="utf-8") as file:
        for record in csv.DictReader(file):
            tags = json.loads(record["tags"])
            key = (record["metric"], record["date"], environment(tags.get("environment")), team(tags.get("team")))
            sums[key] += float(record["value"])
    return [(*key, value) for key, value in sums.items()]


Where = Mapping[str, tuple[object, ...]]
"""Columns and the values that they may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One allocation. Conditions name columns and the values that they may have; `!env` means any but these."""

    source: Where
    to: tuple[str, ...]
    basis: Where | None = None
    """Which live cells weigh; None where `metric` or `values` do."""
    metric: str | None = None
    values: tuple[tuple[str, float], ...] = ()
    """Elements and their fractions of 1; the empty text stays where it is."""
    cost: str = "EffectiveCost"
    time: str = "day"
    """What a bucket is: `day`, calendar `month` of the day, or `billing`, the calendar month of the billing month."""
    partition: tuple[str, ...] = ()
    is_even: bool = False
    even_if_empty: bool = False
    passed_on_from: int | None = None
    """Takes only what the rule of this number put out, instead of only what no rule allocated along `to`."""


_NONE = ("",)
_CLUSTERS = ("Amazon Elastic Kubernetes Service", "Azure Kubernetes Service")
_MACHINES = ("Amazon Elastic Compute Cloud", "Virtual Machines", "Compute Engine")
_COMPUTE = {"category": ("Compute",)}
_AWS_COMPUTE = {"provider": ("AWS",), "category": ("Compute",)}
_WORK = {"category": ("Compute", "Databases")}
_USAGE = {"charge_category": ("Usage",)}


def _even(*names: str) -> tuple[tuple[str, float], ...]:
    return tuple((name, 1 / len(names)) for name in names)


RULES = (
    Rule(source={"service": ("AWS Support",)}, to=("env",), basis=_AWS_COMPUTE, cost="ListCost", time="month"),
    Rule(source={"service": ("Datadog Pro",)}, to=("env",), metric="datadog_hosts", time="month"),
    Rule(
        source={"service": ("Snowflake",)},
        to=("env",),
        values=(("production", 0.8), ("staging", 0.15), ("development", 0.05)),
    ),
    Rule(
        source={"service": _CLUSTERS, "env": _NONE}, to=("env",), basis={"service": _CLUSTERS}, partition=("provider",)
    ),
    Rule(
        source={"category": ("Networking",), "env": _NONE},
        to=("env",),
        basis=_WORK,
        time="billing",
        partition=("provider",),
    ),
    Rule(
        source={"category": ("Storage",), "env": _NONE, "in_six": (True,)},
        to=("env",),
        basis=_COMPUTE,
        partition=("provider",),
    ),
    Rule(
        source={"service": ("Amazon CloudWatch",), "env": _NONE},
        to=("env",),
        values=_even("production", "staging", "development"),
    ),
    Rule(
        source={"charge_category": ("Tax",)},
        to=("env", "team"),
        basis=_USAGE,
        time="billing",
        partition=("provider",),
    ),
    Rule(
        source={"service": ("AWS Support",)},
        to=("team",),
        basis=_AWS_COMPUTE,
        cost="ListCost",
        time="month",
        partition=("env",),
    ),
    Rule(
        source={"subcategory": ("Relational Databases",), "team": _NONE, "!env": _NONE},
        to=("team",),
        metric="db_query_seconds",
        partition=("env",),
        even_if_empty=True,
    ),
    Rule(
        source={"service": _CLUSTERS, "team": _NONE},
        to=("team",),
        basis={"service": _CLUSTERS},
        time="billing",
        partition=("provider", "env"),
    ),
    Rule(source={"category": ("Networking",), "team": _NONE}, to=("team",), basis=_WORK, partition=("provider", "env")),
    Rule(
        source={"service": ("Datadog Pro", "PagerDuty")},
        to=("team",),
        basis=_COMPUTE,
        is_even=True,
        time="month",
        partition=("env",),
    ),
    Rule(source={"service": ("Snowflake",)}, to=("team",), values=(("data", 0.6), ("growth", 0.25), ("search", 0.15))),
    Rule(source={"service": ("MongoDB Atlas",)}, to=("team",), values=_even("checkout", "payments")),
    Rule(
        source={"service": _MACHINES, "charge_category": ("Usage",), "team": _NONE, "in_others": (True,)},
        to=("team",),
        basis=_COMPUTE | {"in_others": (True,)},
        partition=("provider", "env"),
    ),
    Rule(
        source={"category": ("Storage",), "team": _NONE, "in_six": (True,)},
        to=("team",),
        values=(("platform", 0.5), ("data", 0.3), ("", 0.2)),
    ),
    Rule(
        source={"category": ("Storage",), "team": _NONE},
        to=("team",),
        values=_even("checkout", "search", "platform", "payments", "data"),
    ),
    Rule(
        source={"team": ("platform",)},
        to=("team",),
        values=_even("checkout", "search", "payments", "mobile"),
        passed_on_from=12,
    ),
    Rule(
        source={"charge_category": ("Credit",), "team": _NONE},
        to=("team",),
        basis=_USAGE,
        time="billing",
        partition=("provider",),
    ),
)
