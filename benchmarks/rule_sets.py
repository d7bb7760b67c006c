"""Rule sets of any size for the demo company's bill, and edits of their rules.

Invariant: the same number gives the same text. Every rule takes cost that no rule before it takes along the same
dimension, so that every rule moves money on a bill of a million rows and more.

A set has, in order: rules upstream, which give untagged compute an environment and a team; fees that everybody shares;
slices of one service, each of one team and environment or of what no team owns in a region; at last slices of compute.
Upstream rules change what most slices are weighed by; slices of other services change nobody's basis.

Usage: python benchmarks/rule_sets.py COUNT FOLDER writes the set into FOLDER.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from yardsticks.twenty import of_account, of_tags

from costops.demo.catalog import ENVIRONMENTS, KINDS, TEAMS
from costops.demo.noise import SQL_MACROS
from costops.demo.resources import kind_table, resource_count, resource_table

HERE = Path(__file__).parent
SHARED = "00-shared.yaml"
"""The file of labels, dimensions and metrics."""

_TEAMS = tuple(name for name, _ in TEAMS)
_ENVIRONMENTS = tuple(name for name, *_ in ENVIRONMENTS)
_BASES = 20
"""Slices go round so many places; see `_method`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One allocation, as written at first and as edited."""

    id: str
    file: str
    text: str
    edited: str
    """The same rule with another percentage, element, weight or bucket."""
    service: str
    """The service that a slice is of; empty for other rules."""
    weighs_compute: bool
    """Whether its shares come from the running cost of all compute, on which upstream rules work."""
    weighs_cost: bool
    """Whether its shares come from running costs at all."""
    is_upstream: bool = False
    is_percent: bool = False


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Allocations in the order of evaluation."""

    rules: tuple[Rule, ...]

    def texts(self, edited: frozenset[str] = frozenset()) -> dict[str, str]:
        """Content of every file, with the rules of these ids as edited."""
        files = {SHARED: (HERE / "rules" / "shared.yaml").read_text()}
        for rule in self.rules:
            text = rule.edited if rule.id in edited else rule.text
            files[rule.file] = files.get(rule.file, "allocations:\n") + text
        return files

    def write(self, folder: Path, edited: frozenset[str] = frozenset()) -> None:
        """Write the files that are not there with the same content; no other file is touched."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in self.texts(edited).items():
            if not (folder / name).exists() or (folder / name).read_text() != text:
                (folder / name).write_text(text)

    def one(self) -> frozenset[str]:
        """A rule of fixed percentages for one slice, as far from any basis as can be: the middle one of its kind."""
        chosen = [rule.id for rule in self.rules if rule.is_percent and rule.service and not rule.file.startswith("9")]
        return frozenset({chosen[len(chosen) // 2]})

    def upstream(self) -> frozenset[str]:
        """The first rule upstream: it gives environments to compute, by which most slices are weighed."""
        return frozenset({next(rule.id for rule in self.rules if rule.is_upstream)})

    def spread(self, count: int) -> frozenset[str]:
        """So many rules, from the first to the last at equal distances."""
        step = (len(self.rules) - 1) / (count - 1)
        return frozenset(self.rules[round(number * step)].id for number in range(count))

    def resting_on_compute(self) -> int:
        """How many rules are weighed by what the upstream rules change."""
        return sum(rule.weighs_compute for rule in self.rules)

    def with_basis(self) -> int:
        """How many rules are weighed by running costs."""
        return sum(rule.weighs_cost for rule in self.rules)


def rule_set(count: int) -> RuleSet:
    """A set of `count` allocations, at least 10; raises ValueError where there are not so many slices."""
    upstream = list(_upstream(max(1, min(10, count // 50))))
    fees = list(_fees())[: max(2, min(14, count // 10))]
    wanted = count - len(upstream) - len(fees)
    slices = sorted(_slices(), key=lambda each: each.is_compute and count <= 400)[:wanted]
    if len(slices) < wanted:
        raise ValueError(f"there are slices for {len(slices) + count - wanted} rules, not {count}")
    made = [_slice_rule(each, number) for number, each in enumerate(sorted(slices, key=lambda each: each.file))]
    return RuleSet((*upstream, *fees, *made))


def _rule(
    file: str,
    name: str,
    source: str,
    method: str,
    edit: tuple[str, str],
    *,
    service: str = "",
    upstream: bool = False,
) -> Rule:
    """A rule from its source and the rest; `edit` is what the edit replaces, and by what."""
    text = f"  - id: {name}\n    source: {{where: {{{source}}}}}\n    {method}\n"
    assert text.count(edit[0]) == 1, f"{edit[0]} is not once in {text}"
    weighs = "where: {ServiceCategory: Compute" in method
    by_cost, percent = "method: proportional" in method, "method: percent" in method
    return Rule(name, file, text, text.replace(*edit), service, weighs, by_cost, upstream, percent)


def _lines(*lines: str) -> str:
    return "\n    ".join(lines)


def _upstream(count: int) -> Iterator[Rule]:
    """Untagged compute and databases: an environment by what is tagged, then a team."""
    both = [("Compute", None), *(("Compute", region) for region in ("us-east-1", "westeurope", "us-central1"))]
    both.append(("Databases", None))
    # A rule for a region must come before the one for all regions, or that one takes everything.
    ordered = [each for each in both[1:4] if count >= 8] + [both[0]] + ([both[4]] if count >= 4 else [])
    made = 0
    for dimension in ("env", "team"):
        for category, region in ordered:
            if made == count:
                return
            made += 1
            source = f"ServiceCategory: {category}, ChargeCategory: Usage, {dimension}: null" + (
                f", RegionId: {region}" if region else ""
            )
            partition = "[ProviderName]" if dimension == "env" else "[ProviderName, env]"
            method = _lines(
                "method: proportional",
                f"to: {{dimension: {dimension}}}",
                f"basis: {{where: {{ServiceCategory: {category}}}, cost: EffectiveCost, granularity: billing_period}}",
                f"partition_by: {partition}",
            )
            name = f"upstream-{category.lower()}-{dimension}" + (f"-{region}" if region else "")
            yield _rule("10-upstream.yaml", name, source, method, ("EffectiveCost", "ListCost"), upstream=True)


def _fees() -> Iterator[Rule]:
    """Charges that belong to no resource, by environment and then by team."""
    compute = "basis: {where: {ServiceCategory: Compute}, cost: EffectiveCost}"
    by_cost = ("cost: EffectiveCost", "cost: ListCost")
    half = _lines("method: percent", "to: {dimension: team, percent: {data: 60, growth: 25, search: 15}}")
    for service in ("AWS Support", "PagerDuty", "MongoDB Atlas"):
        method = _lines("method: proportional", "to: {dimension: env}", compute)
        yield _rule("20-fees.yaml", f"{_word(service)}-env", f"ServiceName: {service}", method, by_cost)
    hosts = _lines("method: metric", "to: {dimension: env}", "basis: {metric: hosts, granularity: charge_period}")
    period = ("granularity: charge_period", "granularity: daily")
    yield _rule("20-fees.yaml", "datadog-env", "ServiceName: Datadog Pro", hosts, period)
    agreed = _lines("method: percent", "to: {dimension: env, percent: {production: 80, staging: 15, test: 5}}")
    yield _rule(
        "20-fees.yaml", "snowflake-env", "ServiceName: Snowflake", agreed, ("80, staging: 15", "75, staging: 20")
    )
    tax = _lines(
        "method: proportional", "to: {dimension: env}", "basis: {cost: EffectiveCost, granularity: billing_period}"
    )
    yield _rule("20-fees.yaml", "tax-env", "ChargeCategory: Tax", tax, by_cost)
    for service in ("AWS Support", "Datadog Pro", "PagerDuty"):
        method = _lines("method: proportional", "to: {dimension: team}", compute, "partition_by: [env]")
        yield _rule("20-fees.yaml", f"{_word(service)}-team", f"ServiceName: {service}", method, by_cost)
    yield _rule(
        "20-fees.yaml",
        "snowflake-team",
        "ServiceName: Snowflake",
        half,
        ("data: 60, growth: 25", "data: 55, growth: 30"),
    )
    mongo = _lines("method: even", "to: {dimension: team, values: [checkout, payments, identity]}")
    yield _rule("20-fees.yaml", "mongodb-team", "ServiceName: MongoDB Atlas", mongo, (", identity", ", mobile"))
    tax = tax.replace("env", "team")
    yield _rule("20-fees.yaml", "tax-team", "ChargeCategory: Tax", tax, by_cost)
    credit = _lines("method: even", "to: {dimension: team, values: [platform, data, search]}")
    source = "ChargeCategory: Credit, ServiceName: {}, SubAccountId: null"
    for service in ("Amazon Elastic Compute Cloud", "Compute Engine"):
        yield _rule(
            "20-fees.yaml", f"{_word(service)}-credit", source.format(service), credit, ("data, search", "data, growth")
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Slice:
    name: str
    file: str
    source: str
    to: str
    """The dimension that is allocated."""
    resources: int
    """How many resources of a bill of a million rows are in it."""
    service: str
    owner: str | None
    is_compute: bool


def _resources() -> Counter[tuple[str, str, str, str]]:
    """Of a bill of a million rows: how many resources a service, region, team and environment have."""
    import duckdb

    with duckdb.connect() as connection:
        for statement in (*SQL_MACROS, kind_table(), resource_table(resource_count(1_000_000), seed=1)):
            connection.execute(statement)
        rows = connection.execute("SELECT service, region, tags, account_id, account_name FROM resource").fetchall()
    counts: Counter[tuple[str, str, str, str]] = Counter()
    for service, region, tags, account_id, account_name in rows:
        tag_environment, tag_team = of_tags(tags)
        environment, team, *_ = of_account(account_id, account_name)
        counts[service, region, tag_team or team, tag_environment or environment] += 1
    return counts


@cache
def _slices() -> tuple[_Slice, ...]:
    """Disjoint parts of the bill, each with two resources at least, the largest first."""
    categories = {kind.service: kind.category for kind in KINDS}
    parts: Counter[tuple[str, str, str, str, str]] = Counter()
    for (service, region, team, environment), count in _resources().items():
        if categories[service] == "Networking":
            parts[service, region, "env", "", ""] += count
            parts[service, region, "team", "", ""] += count
        elif team in _TEAMS and environment in _ENVIRONMENTS:
            parts[service, region, "team", team, environment] += count
        elif not team and categories[service] not in ("Compute", "Databases"):
            parts[service, region, "team", "", ""] += count
    slices = []
    for (service, region, to, team, environment), count in parts.items():
        is_compute = categories[service] == "Compute"
        file = f"{'90' if is_compute else '30'}-{_word(service)}.yaml"
        narrowed = f"team: {team}, env: {environment}" if team else f"{to}: null"
        source = f"ServiceName: {service}, RegionId: {region}, {narrowed}"
        name = f"{_word(service)}-{region}-" + (f"{team}-{environment}" if team else to)
        if count > 1:
            slices.append(_Slice(name, file, source, to, count, service, team or None, is_compute))
    return tuple(sorted(slices, key=lambda each: (-each.resources, each.name)))


def _slice_rule(each: _Slice, number: int) -> Rule:
    """The rule of one slice; its method goes round with its number."""
    if each.to == "env":
        choices = _ENVIRONMENTS
    else:
        others = [team for team in _TEAMS if team != each.owner]
        choices = tuple(others[(number + step) % len(others)] for step in (0, 2, 5, 6))
    method, edit = _method(each, number, choices)
    return _rule(each.file, each.name, each.source, method, edit, service=each.service)


def _method(each: _Slice, number: int, choices: Sequence[str]) -> tuple[str, tuple[str, str]]:
    """Method and edit: of 20, 8 by compute, 3 by their own service, 5 percent, 2 even, 2 by a metric.

    Slices of compute are weighed by their own service instead: each would change what the next is weighed by.
    """
    first, second, third, fourth = choices
    by_cost = ("cost: EffectiveCost", "cost: ListCost")
    place = number * 7 % _BASES
    to = f"to: {{dimension: {each.to}}}"
    # Without the environment in its own buckets: a slice of one environment has one anyway.
    partition = ["partition_by: [env]"] if each.to == "team" else []
    if place < 8 and not each.is_compute:
        basis = "basis: {where: {ServiceCategory: Compute}, cost: EffectiveCost}"
        return _lines("method: proportional", to, basis, *partition), by_cost
    if place < 11 and each.owner is not None:
        basis = f"basis: {{where: {{ServiceName: {each.service}}}, cost: EffectiveCost, granularity: monthly}}"
        return _lines("method: proportional", to, basis, *partition), by_cost
    if place < 16:
        parts = 40 + number % 20, 30, 30 - number % 20
        percent = f"{first}: {parts[0]}, {second}: {parts[1]}, {third}: {parts[2]}"
        edited = f"{first}: {parts[0] + 5}, {second}: {parts[1] - 5}"
        line = f"to: {{dimension: {each.to}, percent: {{{percent}}}}}"
        return _lines("method: percent", line), (f"{first}: {parts[0]}, {second}: {parts[1]}", edited)
    if place < 18 or each.to == "env":
        line = f"to: {{dimension: {each.to}, values: [{first}, {second}, {third}]}}"
        return _lines("method: even", line), (f", {third}]", f", {fourth}]")
    basis = "basis: {metric: query_time, granularity: daily}"
    lines = _lines("method: metric", to, basis, *partition, "on_empty: even")
    return lines, ("granularity: daily", "granularity: monthly")


def _word(service: str) -> str:
    return service.lower().replace(" ", "-")


if __name__ == "__main__":
    rule_set(int(sys.argv[1])).write(Path(sys.argv[2]))
