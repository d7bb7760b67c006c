"""Fields and values that random bills and rules share, few enough that they meet often."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]


def weighted(*choices: tuple[int, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    """One of the strategies, each as often as its number says; `one_of` draws equal ones only once."""
    strategies = [strategy for _, strategy in choices]
    turns = [index for index, (number, _) in enumerate(choices) for _ in range(number)]
    return st.sampled_from(turns).flatmap(strategies.__getitem__)


SERVICES = ["EC2", "RDS", "Support", "S3"]
ACCOUNTS = ["001", "002", "12"]
REGIONS = ["eu-1", "us-1", "EU-2"]
CATEGORIES = ["Usage", "Tax", "Credit", "Purchase"]
NOTES = ["x", "y z", "ü,\"'"]
ENV_TEXTS = ["prod", "Prod ", "PRD", "stg", " dev", "prod-eu", "n/a", "None", "Ä-Test"]
TEAM_TEXTS = ["a", "A ", "b", "b-1", "team c", "Team C", "ß", "tbd", "d_e"]
ENVS = ["production", "prod", "stg", "dev", "ä-test"]
TEAMS = ["a", "b", "c", "team c", "ghost"]
OWNERS = ["a", "b", "o1", "o2"]
TIERS = ["gold", "base"]

POOLS: dict[str, Sequence[str]] = {
    "ServiceName": SERVICES,
    "SubAccountId": ACCOUNTS,
    "RegionId": REGIONS,
    "ChargeCategory": CATEGORIES,
    "Tags.env": ENV_TEXTS,
    "Tags.environment": ENV_TEXTS,
    "Tags.Env": ENV_TEXTS,
    "Tags.owner": TEAM_TEXTS,
    "Tags.team": TEAM_TEXTS,
    "env": ENVS,
    "label.env": ENVS,
    "team": TEAMS,
    "label.team": TEAMS,
    "owner": OWNERS,
    "tier": TIERS,
}
"""Fields that a condition may name, with values worth naming."""

ELEMENTS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("env", "label.env", "Tags.env"), ENVS),
    **dict.fromkeys(("team", "label.team", "Tags.team"), TEAMS),
    "owner": OWNERS,
    "tier": TIERS,
    "ServiceName": SERVICES,
    "SubAccountId": ACCOUNTS,
    "RegionId": REGIONS,
}
"""Destination dimensions with the elements a rule may give."""

COLUMNS_OF_THE_BILL = [name for name in POOLS if name[0].isupper()]
WRITABLE = ("env", "team", "owner", "tier")
