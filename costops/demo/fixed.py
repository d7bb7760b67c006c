"""The charges of a month that belong to no resource: support, tax, marketplace, commitments, account credits.

Invariant: amounts grow with the number of rows of the month, so that a large bill keeps the proportions of a
small one; all are integers of 1e-12.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass, replace
from datetime import date, timedelta

from costops.demo.catalog import PAYER_ACCOUNT_ID, SHARED_ACCOUNT_ID
from costops.demo.noise import draw, key

MILLI = 10**9
"""A thousandth of a unit of currency in picos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedCharge:
    """One charge row without a resource and without tags; days are half-open, amounts in picos."""

    provider: str = "AWS"
    publisher: str = "Amazon Web Services"
    service: str
    category: str = "Compute"
    subcategory: str = "Virtual Machines"
    charge_category: str = "Purchase"
    frequency: str = "Recurring"
    description: str
    currency: str = "USD"
    account_id: str | None = None
    account_name: str | None = None
    commitment_id: str | None = None
    commitment_status: str | None = None
    first_day: date = date.min
    end_day: date = date.min
    billed: int = 0
    effective: int = 0


_EC2 = FixedCharge(service="Amazon Elastic Compute Cloud", description="")
_AZURE = FixedCharge(provider="Microsoft", publisher="Microsoft", service="Virtual Machines", description="")
_GOOGLE = FixedCharge(provider="Google Cloud", publisher="Google Cloud", service="Compute Engine", description="")
_SUPPORT = FixedCharge(
    service="AWS Support", category="Other", subcategory="Other (Other)", description="Enterprise Support"
)
_DATADOG = FixedCharge(
    publisher="Datadog",
    service="Datadog Pro",
    category="Management and Governance",
    subcategory="Observability",
    description="Subscription of the month",
    account_id=SHARED_ACCOUNT_ID,
    account_name="acme-shared-prod",
)
_PAGERDUTY = replace(_DATADOG, publisher="PagerDuty", service="PagerDuty")
_MONGODB = replace(
    _DATADOG, publisher="MongoDB", service="MongoDB Atlas", category="Databases", subcategory="NoSQL Databases"
)
_SNOWFLAKE = replace(
    _DATADOG,
    publisher="Snowflake Inc.",
    service="Snowflake",
    category="Analytics",
    subcategory="Data Warehouses",
    charge_category="Usage",
    frequency="Usage-Based",
    description="Snowflake credits",
)
_UNUSED = replace(
    _EC2,
    charge_category="Usage",
    frequency="Usage-Based",
    description="Unused commitment",
    account_id=PAYER_ACCOUNT_ID,
    commitment_id="savings-plan-0a1b",
    commitment_status="Unused",
)


def _tax(charge: FixedCharge) -> FixedCharge:
    return replace(charge, charge_category="Tax", frequency="One-Time", description="Tax of the month")


def _credit(charge: FixedCharge) -> FixedCharge:
    return replace(charge, charge_category="Credit", frequency="One-Time", description="Promotional credit")


def _commitment(charge: FixedCharge, commitment_id: str) -> FixedCharge:
    return replace(charge, description="Commitment of the month", commitment_id=commitment_id)


_MONTH_LONG: tuple[tuple[FixedCharge, int], ...] = (
    (_SUPPORT, 480),
    (_DATADOG, 620),
    (_MONGODB, 310),
    (_PAGERDUTY, 60),
    (_tax(_EC2), 210),
    (_tax(_AZURE), 90),
    (_tax(replace(_AZURE, currency="EUR")), 140),
    (_tax(_GOOGLE), 60),
    (_commitment(_EC2, "savings-plan-0a1b"), 1_100),
    (_commitment(_AZURE, "reservation-77f0"), 400),
    (_credit(_EC2), -90),
    (_credit(_GOOGLE), -40),
)
"""Charges whose period is the whole month, and their cost in thousandths per row of the month."""

_DAILY: tuple[tuple[FixedCharge, int], ...] = ((_SNOWFLAKE, 850), (_UNUSED, 55))
"""Charges of every day, and the cost of a month of them in thousandths per row of the month."""


def fixed_charges(month: str, row_count: int, seed: int) -> list[FixedCharge]:
    """The fixed charges of billing month `YYYY-MM` of a bill with `row_count` rows in it, month-long ones first."""
    first = date.fromisoformat(f"{month}-01")
    days = [first + timedelta(days=number) for number in range(calendar.monthrange(first.year, first.month)[1])]
    end = days[-1] + timedelta(days=1)
    charges = [_priced(charge, rate * row_count, first, end, seed) for charge, rate in _MONTH_LONG]
    for day in days:
        for charge, rate in _DAILY:
            charges.append(_priced(charge, rate * row_count // len(days), day, day + timedelta(days=1), seed))
    return charges


def _priced(charge: FixedCharge, typical_milli: int, first: date, end: date, seed: int) -> FixedCharge:
    """The charge with its days and cost: typical, give or take 3 %, with digits down to the last place."""
    name = f"{charge.provider} {charge.service} {charge.currency} {charge.charge_category} {charge.description}"
    mixed = draw(first.toordinal(), key(name, seed))
    cost = typical_milli * MILLI * (9_700 + mixed % 601) // 10_000 + mixed % 1_000_003
    unused = charge.commitment_status == "Unused"
    bought = charge.commitment_id is not None and not unused
    return replace(charge, first_day=first, end_day=end, billed=0 if unused else cost, effective=0 if bought else cost)
