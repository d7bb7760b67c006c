"""Random allocations of every method and field.

Invariant: every drawn rule is valid; whether a strict one fails on the bill at hand is for the oracle to say.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st
from property.conditions import ANYTHING, SELDOM, conditions, path_tests
from property.pools import ELEMENTS, POOLS, SERVICES, WRITABLE, Draw, once_in, weighted
from property.values import MAPPED

METHODS = ["even", "percent", "proportional", "metric", "proportional", "percent", "proportional", "metric"]

USUAL_DESTINATIONS = ["env", "team", "label.team", "env", "team", "ServiceName", "env", "team", "SubAccountId"]
"""Named again and again, so that rules meet on the same dimensions."""

PERCENTAGES: list[list[float | int]] = [
    [100], [50, 50], [60, 30, 10], [98, 2], [33.33, 33.33, 33.34], [0, 100], [99.9999, 0.0001],
]  # fmt: skip
LESS: list[list[float | int]] = [[60], [60, 30], [33.33, 33.33, 33.33], [0], [0.0001], [50, 0], [100]]
"""Percentages beside a remainder."""

EFFECTIVE = [
    {"from": "2025-04-02"}, {"from": "2025-04-15"}, {"from": "2025-05-01"}, {"until": "2025-04-01"},
    {"until": "2025-04-30"}, {"until": "2025-05-15"}, {"from": "2025-04-01", "until": "2025-05-01"},
    {"from": "2025-04-02", "until": "2025-04-30"}, {"from": "2025-05-31", "until": "2025-05-31"},
    {"from": "2025-04-01", "until": "2025-04-02"},
]  # fmt: skip

CUTOFFS = [50, 1, 75, 33.3333, 60, 99.9999]
WEIGHTS = [1, 2, 0.5, 0.0001, 9999, 0.3333]
ONE_UNIT = [
    {"ConsumedUnit": "Hours"}, {"ConsumedUnit": "GB"}, {"ServiceName": ["EC2", "RDS"]}, {"ServiceName": "S3"},
    {"ConsumedUnit": None},
]  # fmt: skip
"""Conditions that leave the quantities of one unit, but for odd ones of strict bills."""

Rule = dict[str, Any]


@st.composite
def allocations(draw: Draw, rule_id: str, earlier: Sequence[str], costs: Sequence[str], strict: bool = False) -> Rule:
    """One allocation of any method; a strict one fails where a policy may, and weighs whatever units there are.

    Every other one is wide: it takes a service and weighs a whole month, so that several elements have weights.
    """
    method = draw(st.sampled_from(METHODS))
    metrics = draw(st.sampled_from(sorted(MAPPED))) if method == "metric" else ()
    wide = draw(st.booleans())
    any_dimension = [] if wide else ELEMENTS
    to, into = draw(destinations(MAPPED[metrics] if metrics else [*USUAL_DESTINATIONS, *any_dimension]))
    rule: Rule = {"id": rule_id, "source": draw(allocation_sources(into[0], earlier, wide)), "method": method}
    rule["to"] = {"dimension": to if len(to) > 1 or draw(st.booleans()) else to[0]}
    if into != to:
        rule["into"] = into if len(into) > 1 else into[0]
    if draw(once_in(4)):
        rule["effective"] = draw(st.sampled_from(EFFECTIVE))
    if method == "percent":
        rule["to"].update(draw(percentages(to)))
    else:
        names = [*MAPPED[metrics]] if metrics else ANYTHING
        rule["to"].update(draw(elements(to, names, earlier if not metrics else ())))
        rule["basis"] = draw(bases(method, metrics, names, earlier, costs, strict, wide))
        rule.update(draw(policies(method, to, metrics, strict, wide)))
    return draw(with_unused(rule))


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


# Elements


def some_elements(to: Sequence[str], most: int = 4) -> st.SearchStrategy[Any]:
    """Different elements, each a tuple of texts."""
    one = st.tuples(*(st.sampled_from(ELEMENTS[name]) for name in to))
    return st.lists(one, min_size=1, max_size=most, unique=True)


def one_element(to: Sequence[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """An element, or one that nothing else names."""
    return st.tuples(*(st.sampled_from([*ELEMENTS[name], "rest"]) for name in to))


def written(element: Sequence[str]) -> str | list[str]:
    """An element as a rule file has it."""
    return element[0] if len(element) == 1 else list(element)


@st.composite
def percentages(draw: Draw, to: Sequence[str]) -> Rule:
    """`to.percent` for some elements, adding up to 100, or to less beside `to.remainder`."""
    given = draw(some_elements(to))
    remainder = draw(st.sampled_from([None, "unallocated", "element"]))
    numbers = draw(st.sampled_from([each for each in (LESS if remainder else PERCENTAGES) if len(each) <= len(given)]))
    chosen = list(zip(given, numbers, strict=False))
    percent: object = {element[0]: number for element, number in chosen}
    if len(to) > 1:
        percent = [{**dict(zip(to, element, strict=True)), "percent": number} for element, number in chosen]
    fields: Rule = {"percent": percent}
    if remainder == "unallocated":
        fields["remainder"] = "unallocated"
    elif remainder:
        taken = [element for element, _ in chosen]
        fields["remainder"] = written(draw(one_element(to).filter(lambda element: element not in taken)))
    return fields


@st.composite
def elements(draw: Draw, to: Sequence[str], names: Sequence[str], rule_ids: Sequence[str]) -> Rule:
    """Given elements, or what narrows those that occur."""
    if draw(once_in(4)):
        return {"values": [written(each) for each in draw(some_elements(to))]}
    fields: Rule = {}
    if draw(once_in(4)):
        usual = [name for name in to if name in names]
        fields["where"] = draw(weighted((1, conditions(usual)), (2, conditions(names, rule_ids))))
    if draw(once_in(3)):
        fields["exclude"] = [written(each) for each in draw(some_elements(to, 3))]
    return fields


# Sources and bases


def allocation_sources(into: str, earlier: Sequence[str], wide: bool) -> st.SearchStrategy[Any]:
    """`source` of a rule: mostly services, often what has no value in the destination, sometimes anything.

    That of a wide one leaves rows for its basis.
    """
    service = st.sampled_from(SERVICES).map(lambda name: {"ServiceName": name})
    several = st.lists(st.sampled_from(SERVICES), min_size=2, max_size=3, unique=True)
    services = several.map(lambda names: {"ServiceName": names})
    missing = services.map(lambda found: {**found, into: None})
    before = services.map(lambda found: {**found, f"direct.{into}": None})
    split = services.map(lambda found: {**found, "AllocatedMethodId": ["m1", None]})
    anything = conditions(ANYTHING, earlier)
    if wide:
        return weighted((4, service), (1, missing), (1, before), (1, split)).map(lambda found: {"where": found})
    where = weighted(
        (4, service), (3, services), (2, missing), (1, before), (1, split), (1, st.just({into: None})), (3, anything),
        (1, st.just({})),
    )  # fmt: skip
    if not earlier:
        return where.map(lambda found: {"where": found})
    by_rule = path_tests(earlier).map(lambda test: {"where": {"allocated_by": test}, "allocated": "include"})
    allocated = st.sampled_from([{}, {}, {}, {"allocated": "exclude"}, {"allocated": "include"}, {"allocated": "only"}])
    mixed = st.builds(lambda found, who: {"where": found, **who}, where, allocated)
    return weighted((7, mixed), (1, by_rule))


@st.composite
def bases(
    draw: Draw,
    method: str,
    metrics: Sequence[str],
    names: Sequence[str],
    rule_ids: Sequence[str],
    costs: Sequence[str],
    strict: bool,
    wide: bool,
) -> Rule:
    """`basis` of a rule that has one; that of a wide one is not narrowed."""
    basis: Rule = {}
    if not wide and draw(st.integers(0, 2)):
        plain = st.lists(st.sampled_from(SERVICES), min_size=1, max_size=3, unique=True)
        usual = plain.map(lambda chosen: {"ServiceName": chosen})
        anything = conditions(names) if metrics else weighted((1, usual), (1, conditions(names, rule_ids)))
        basis["where"] = draw(anything)
    if wide or draw(st.integers(0, 3)):
        short = [] if wide else ["charge_period", "daily"]
        basis["granularity"] = draw(st.sampled_from([*short, "monthly", "billing_period"]))
    if metrics:
        basis["metric"] = draw(weighed(metrics))
    else:
        basis["from"] = draw(st.sampled_from(["running", "running", "direct"]))
        basis["include_source"] = draw(once_in(4))
    if method == "proportional":
        if draw(once_in(3)):
            basis["quantity"] = draw(st.sampled_from(["ConsumedQuantity", "ConsumedQuantity", "PricingQuantity"]))
            if basis["quantity"] == "ConsumedQuantity" and not strict:
                one_unit = draw(st.sampled_from(ONE_UNIT))
                basis["where"] = {"all": [one_unit, basis["where"]]} if "where" in basis else one_unit
        elif draw(st.booleans()):
            basis["cost"] = draw(st.sampled_from(costs))
    if method != "even":
        basis["negative"] = draw(st.sampled_from(["clip", "error" if strict else "clip", "exclude"]))
    return basis


@st.composite
def weighed(draw: Draw, metrics: Sequence[str]) -> object:
    """`basis.metric` for metrics, in any way to write it."""
    listed: list[object] = list(draw(st.permutations(metrics)))
    if len(metrics) == 1 and draw(st.booleans()):
        return listed[0]
    for place, name in enumerate(listed):
        if draw(st.booleans()):
            listed[place] = {"metric": name, "weight": draw(st.sampled_from(WEIGHTS))}
    return listed


# What happens to the rest


@st.composite
def policies(draw: Draw, method: str, to: Sequence[str], metrics: tuple[str, ...], strict: bool, wide: bool) -> Rule:
    """`on_empty`, `partition_by` and `cutoff`."""
    rule: Rule = {}
    empty = ["unallocated", "even", "previous", "previous"]
    rule["on_empty"] = draw(st.sampled_from(["error", *empty, *empty] if strict else empty))
    if method != "even" and draw(once_in(2 if wide else 6)):
        rule["cutoff"] = {"percent": draw(st.sampled_from(CUTOFFS))}
        if draw(st.booleans()):
            rule["cutoff"]["as"] = written(
                draw(st.tuples(*(st.sampled_from([*ELEMENTS[name], "rest"]) for name in to)))
            )
    usual = MAPPED[metrics] if metrics else ("env", "team", "ServiceName", "env", *SELDOM, *POOLS)
    partitions = [name for name in usual if name not in to]
    if partitions and not wide:
        rule["partition_by"] = draw(
            st.lists(st.sampled_from(partitions), max_size=draw(st.sampled_from([0, 1, 1, 2])), unique=True)
        )
    return rule


@st.composite
def with_unused(draw: Draw, rule: Rule) -> Rule:
    """The rule, sometimes with a field that its method does not use."""
    if not draw(once_in(12)):
        return rule
    if rule["method"] == "percent":
        return {**rule, "on_empty": "previous", "partition_by": ["env"], "basis": {"granularity": "daily"}}
    if rule["method"] == "even":
        return {**rule, "cutoff": {"percent": 50}, "basis": {**rule["basis"], "negative": "error"}}
    return {**rule, "to": {**rule["to"], "remainder": "unallocated"}}
