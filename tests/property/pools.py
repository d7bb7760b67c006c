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


def once_in(times: int) -> st.SearchStrategy[bool]:
    """True in one of so many examples; a shrunk example has False."""
    return st.integers(0, times - 1).map(lambda number: number == times - 1)


SERVICES = ["EC2", "RDS", "Support", "S3"]
ACCOUNTS = ["001", "002", "12"]
REGIONS = ["eu-1", "us-1", "EU-2"]
CATEGORIES = ["Usage", "Tax", "Credit", "Purchase"]
NOTES = ["x", "y z", "ü,\"'"]
CURRENCIES = ["USD", "EUR"]
QUANTITIES = ["1", "3", "0", "2.5", "10", "-1", "1000000", "0.333333333333"]
UNITS = ["Hours", "GB"]
SPLIT_METHODS = ["m1", "m2"]
PODS = ["pod-1", "pod-2"]
ENV_TEXTS = ["prod", "Prod ", "PRD", "stg", " dev", "prod-eu", "n/a", "None", "Ä-Test"]
TEAM_TEXTS = ["a", "A ", "b", "b-1", "team c", "Team C", "ß", "tbd", "d_e"]
ENVS = ["production", "prod", "stg", "dev", "ä-test"]
TEAMS = ["a", "b", "c", "team c", "ghost"]
OWNERS = ["a", "b", "o1", "o2"]
TIERS = ["gold", "base"]
JOINED = ["a - eu-1", "b - us-1", "gold - 001", "base - 12"]

POOLS: dict[str, Sequence[str]] = {
    "ServiceName": SERVICES,
    "SubAccountId": ACCOUNTS,
    "RegionId": REGIONS,
    "ChargeCategory": CATEGORIES,
    "x_Note": NOTES,
    "BillingCurrency": CURRENCIES,
    "ConsumedQuantity": QUANTITIES,
    "ConsumedUnit": UNITS,
    "AllocatedMethodId": SPLIT_METHODS,
    "AllocatedResourceId": PODS,
    "Tags.env": ENV_TEXTS,
    "Tags.environment": ENV_TEXTS,
    "Tags.Env": ENV_TEXTS,
    "Tags.owner": TEAM_TEXTS,
    "Tags.team": TEAM_TEXTS,
    "env": ENVS,
    "label.env": ENVS,
    "direct.env": ENVS,
    "team": TEAMS,
    "label.team": TEAMS,
    "direct.team": TEAMS,
    "owner": OWNERS,
    "direct.owner": OWNERS,
    "tier": TIERS,
    "direct.tier": TIERS,
    "pod": PODS,
    "joined": JOINED,
}
"""Fields that a condition may name, with values worth naming."""

ELEMENTS: dict[str, Sequence[str]] = {
    **dict.fromkeys(("env", "label.env", "direct.env", "Tags.env"), ENVS),
    **dict.fromkeys(("team", "label.team", "direct.team", "Tags.team"), TEAMS),
    "owner": OWNERS,
    "tier": TIERS,
    "joined": JOINED,
    "pod": PODS,
    "AllocatedResourceId": PODS,
    "ServiceName": SERVICES,
    "SubAccountId": ACCOUNTS,
    "RegionId": REGIONS,
}
"""Destination dimensions with the elements a rule may give."""

COLUMNS_OF_THE_BILL = [name for name in POOLS if name[0].isupper() or name.startswith("x_")]
WRITABLE = ("env", "team", "owner", "tier")
