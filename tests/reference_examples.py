"""Small rule sets and the oracle's answers to them, for tests of the oracle itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

import reference

from costops.model.conditions import Condition, make_test
from costops.model.rules import Allocation, Label, Method, RuleSet, Source

TEAM = Label(id="team", sources=(Source("Tags.team"),))
ENV = Label(id="env", sources=(Source("Tags.env"),))


def service(*names: str) -> Condition:
    return make_test("ServiceName", "is", names)


def by_report(
    rules: RuleSet,
    bill: Sequence[Mapping[str, object]],
    metrics: Sequence[Mapping[str, object]] = (),
    *,
    report: tuple[str, ...] = ("team",),
    column: str = "EffectiveCost",
    costs: Mapping[str, str] | None = None,
    notes: Counter[str] | None = None,
) -> dict[tuple[str | None, ...], Fraction]:
    """A cost column by report values, rows of 0 left out."""
    ledger = reference.evaluate(rules, bill, metrics, report=report, costs=costs, notes=notes)
    sums: dict[tuple[str | None, ...], Fraction] = {}
    for key, amounts in ledger.items():
        sums[key[3]] = sums.get(key[3], Fraction(0)) + amounts[column]
    return {key: value for key, value in sums.items() if value}


def support_rule(**fields: object) -> Allocation:
    """Support over teams in proportion to EC2, with other fields as given."""
    defaults: dict[str, object] = {
        "id": "support",
        "source": service("Support"),
        "method": Method.PROPORTIONAL,
        "to": ("team",),
        "into": ("team",),
        "basis": service("EC2"),
    }
    return Allocation(**{**defaults, **fields})  # type: ignore[arg-type]


def rules_with(*allocations: Allocation, **kinds: object) -> RuleSet:
    return RuleSet(**{"labels": (TEAM, ENV), "allocations": allocations, **kinds})  # type: ignore[arg-type]
