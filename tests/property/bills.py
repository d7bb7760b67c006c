"""Random bills and usage: messy tags, credits, refunds, zero costs, long charges, two currencies, two months,
quantities of several units, and charges that the provider has split.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import product

from hypothesis import strategies as st
from property.pools import (
    ACCOUNTS,
    CATEGORIES,
    ENV_TEXTS,
    NOTES,
    QUANTITIES,
    REGIONS,
    SERVICES,
    TEAM_TEXTS,
    Draw,
    once_in,
    weighted,
)

DAYS = ["2025-04-01"] * 5 + ["2025-04-02"] * 3 + ["2025-04-30"] + ["2025-05-01"] * 3 + ["2025-05-31"]

EXTRA_COST = "x_NetOfTax"
"""A cost column of some bills under a name of its own."""

amount_texts = weighted(
    (4, st.sampled_from(["1", "10", "100", "0", "0.01", "33.33", "-5", "-33.33", "0.1", "250000.25"])),
    (3, st.integers(-(10**5), 10**7).map(lambda cents: f"{cents / 100:.2f}")),
    (2, st.integers(-(10**14), 10**15).map(lambda number: f"{number // 10**12}.{number % 10**12:012d}")),
    (1, st.sampled_from([None, "0.000000000001", "-0.000000000001", "0.1234567890125", "1E-5", "-0.00000000000051"])),
)


KINDS_OF_TIME = [
    *["day"] * 4,
    *["month"] * 3,
    *["refund"] * 2,
    *["36 hours"] * 2,
    *["hour", "midnight", "from five to five", "three days", "no end", "instant"],
]


@st.composite
def times(draw: Draw) -> tuple[str, str | None, str | None]:
    """Start and end of a charge period and start of the billing period."""
    day = datetime.fromisoformat(draw(st.sampled_from(DAYS)))
    month = day.replace(day=1)
    kind = draw(st.sampled_from(KINDS_OF_TIME))
    hour = {"hour": 5.0, "from five to five": 5.0, "midnight": 23.5}.get(kind, 0.0)
    start = month if kind == "month" else day + timedelta(hours=hour)
    if kind == "refund":
        start = (month - timedelta(days=1)).replace(day=draw(st.sampled_from([1, 30])))
    following = (month + timedelta(days=32)).replace(day=1)
    hours = {"hour": 1.0, "midnight": 1.0, "36 hours": 36.0, "three days": 72.0, "instant": 0.0}.get(kind, 24.0)
    end = following if kind == "month" else start + timedelta(hours=hours)
    billing = None if draw(once_in(16)) else stamp(month)
    return stamp(start), None if kind == "no end" else stamp(end), billing


def stamp(moment: datetime) -> str:
    return f"{moment.isoformat()}Z"


tags = st.builds(
    lambda env, team, more: {**more, **({"env": env} if env != "-" else {}), **({"team": team} if team != "-" else {})},
    st.sampled_from([*ENV_TEXTS, "", None, "-"]),
    st.sampled_from([*TEAM_TEXTS, *TEAM_TEXTS, "", "-"]),
    st.sampled_from(
        [
            {},
            {"environment": "prod"},
            {"Env": " dev"},
            {"owner": "b", "Env": "stg"},
            {"owner": "Team C", "environment": "PRD"},
            {"owner": None, "environment": "Prod "},
        ]
    ),
)

UNIT_OF_SERVICE = {"EC2": "Hours", "RDS": "Hours", "Support": None, "S3": "GB"}
quantities = st.sampled_from([*QUANTITIES, *QUANTITIES, None])
splits = st.sampled_from(
    [
        *[(None, None, None)] * 20,
        *product(["m1", "m2"], ["pod-1", "pod-2", None], ['{"team": "a"}', None]),
        (None, "pod-1", None),
    ]
)
"""How the provider has split a charge: method, resource and tags."""


@st.composite
def charges(draw: Draw) -> dict[str, object]:
    """One charge row; the cost columns that every bill has."""
    start, end, billing = draw(times())
    cost = draw(amount_texts)
    service = draw(st.sampled_from(SERVICES))
    method, resource, split_tags = draw(splits)
    return {
        "BillingPeriodStart": billing,
        "ChargePeriodStart": start,
        "ChargePeriodEnd": end,
        "BillingCurrency": draw(st.sampled_from(["USD", "USD", "USD", "USD", "EUR"])),
        "ServiceName": service,
        "SubAccountId": draw(st.sampled_from([*ACCOUNTS, None])),
        "RegionId": draw(st.sampled_from([*REGIONS, None])),
        "ChargeCategory": draw(st.sampled_from(CATEGORIES)),
        "x_Note": draw(st.sampled_from([*NOTES, None])),
        "ConsumedQuantity": draw(quantities),
        "ConsumedUnit": UNIT_OF_SERVICE[service],
        "PricingQuantity": draw(quantities),
        "PricingUnit": "Units",
        "AllocatedMethodId": method,
        "AllocatedResourceId": resource,
        "AllocatedTags": split_tags,
        "Tags": draw(weighted((7, tags), (1, st.none()))),
        "BilledCost": cost if draw(st.booleans()) else draw(amount_texts),
        "EffectiveCost": cost,
    }


@st.composite
def bills(draw: Draw, strict: bool = False) -> list[dict[str, object]]:
    """One to forty rows; some bills have further cost columns, some strict ones odd units."""
    small, large = st.lists(charges(), min_size=1, max_size=8), st.lists(charges(), min_size=12, max_size=40)
    rows: list[dict[str, object]] = list(draw(weighted((1, small), (6, large))))
    for column in ("ListCost", EXTRA_COST):
        if draw(once_in(3)):
            for row in rows:
                row[column] = draw(amount_texts)
    if strict and draw(once_in(4)):
        rows[0]["ConsumedUnit"] = draw(st.sampled_from(["GB", None]))
        rows[-1]["PricingUnit"] = draw(st.sampled_from(["GB", None]))
    return rows


QUERIES = ("cpu_hours", "calls", "disk_gb")


def records(query: str | None = None) -> st.SearchStrategy[dict[str, object]]:
    """One record of a metric."""
    return st.builds(
        lambda day, hour, metric, owner, stage, value: {
            "date": day + hour,
            "metric": metric,
            "labels": {"owner": owner, "stage": stage, "host": "h1"},
            "value": value,
        },
        st.sampled_from(DAYS),
        st.sampled_from(["", "", "T12:00:00Z", "T23:30:00Z"]),
        st.sampled_from(QUERIES) if query is None else st.just(query),
        st.sampled_from([*TEAM_TEXTS, "ghost", None]),
        st.sampled_from([*ENV_TEXTS, None]),
        st.sampled_from(["1", "2.5", "0", "100", "-1", "0.333333333333", "7"]),
    )


@st.composite
def usages(draw: Draw) -> list[dict[str, object]]:
    """Usage of every metric, at least one record each; no two of one instant and the same labels."""
    found = [draw(records(query)) for query in QUERIES]
    found += draw(st.lists(records(), max_size=18))
    # Which of two records of one instant is the latest nobody can say.
    return list({(each["date"], each["metric"], repr(each["labels"])): each for each in found}.values())
