"""A rule in a sentence says what the rule says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from costops_tui.words import sentence
from workbench import Case, charge, load, write

RULES = """\
labels:
  - {id: env, from: [Tags.env, {field: SubAccountName, transform: [{split: {delimiter: "-", index: 0}}]}], transform: [lower], drop: [none], rename: {production: [prod, prd]}}
  - {id: team, from: Tags.team, transform: [{replace: {from: a, to: b}}]}
dimensions:
  - id: unit
    rules:
      - {from: team, where: {env: production}}
      - {value: Shared, where: {ServiceName: [A, B, C, D, E, F, G, H]}}
    default: Other
  - {id: open, rules: []}
  - {id: roll, stage: result, rules: [{from: team}]}
  - id: joined
    renamed_from: combined
    stage: result
    rules:
      - {concat: [team, {field: env, transform: upper}], transform: [lower], where: {direct.env: null}}
      - {concat: [direct.team, env, unit], format: "{0}/{1}/{2}"}
      - {concat: [unit, env], format: "[{1}] {0}"}
metrics:
  - {id: queries, source: warehouse, query: query_seconds, labels: {team: team, environment: env}, aggregate: max}
  - {id: hosts, source: warehouse, query: hosts, labels: {team: team, environment: env}, renamed_from: [machines, nodes]}
allocations:
  - {id: everything, source: {}, method: even, to: {dimension: env, values: [a, b]}}
  - {id: shares, source: {where: {ServiceName: S, team: null}}, method: percent, to: {dimension: env, percent: {a: 60, b: 40}}}
  - {id: costs, source: {where: {any: [{RegionId: {starts_with: eu-}}, {not: {env: {present: true}}}]}, allocated: include}, method: proportional, to: {dimension: team}, into: open, basis: {where: {ServiceName: EC2}, cost: ListCost, granularity: billing_period}, partition_by: [env]}
  - {id: usage, source: {where: {allocated_by: costs}, allocated: only}, method: metric, to: {dimension: team}, basis: {metric: queries, granularity: daily}, on_empty: even}
  - {id: off, enabled: false, source: {where: {ServiceName: {not: X, ends_with: y, ignore_case: true}}}, method: even, to: {dimension: team}}
  - {id: rest, source: {}, method: percent, to: {dimension: env, percent: {a: 60, b: 30.5}, remainder: c}, effective: {from: 2025-04-15, until: 2025-04-30}}
  - {id: some, source: {}, method: percent, to: {dimension: [env, team], percent: [{env: a, team: t, percent: 60}], remainder: unallocated}, effective: {until: 2025-04-30}, renamed_from: part}
  - {id: all, source: {}, method: percent, to: {dimension: env, percent: {a: 100}, remainder: c}}
  - {id: found, source: {where: {direct.team: {present: true}}}, method: even, to: {dimension: team, where: {unit: [Shop, Pay]}, exclude: [none, spare]}, basis: {where: {ServiceName: EC2}, include_source: true}, effective: {from: 2025-04-15}}
  - {id: before, source: {where: {direct.env: null}}, method: proportional, to: {dimension: direct.team}, into: open, basis: {quantity: ConsumedQuantity, from: direct, negative: exclude}, partition_by: [direct.env], cutoff: {percent: 95, as: small}, on_empty: previous}
  - {id: before_all, source: {}, method: proportional, to: {dimension: [env, team], exclude: [[a, t]]}, basis: {from: direct, include_source: true, negative: error}, cutoff: {percent: 80.5}}
  - {id: both, source: {}, method: metric, to: {dimension: team, where: {env: a}}, basis: {metric: [queries, hosts], where: {env: [a, b]}, negative: exclude}}
  - {id: weighted, source: {}, method: metric, to: {dimension: team}, basis: {metric: [{metric: queries, weight: 0.7}, {metric: hosts, weight: 0.3}]}, on_empty: error}
"""  # noqa: E501

EXPECTED = """
env:
    The first of Tags.env and SubAccountName (part 0, from 0, between "-") that is present (lower).
    It counts as missing where value is "none". Values are renamed to "production".
team:
    The first of Tags.team that is present ("a" replaced by "b").
unit:
    The first of these that gives a value: team where env is "production"; "Shared" where
    ServiceName is "A", "B", "C", "D", "E" or 3 more. What has no value is "Other".
open:
    A dimension that only allocations give values to.
roll:
    The first of these that gives a value: team. What has no value is unallocated. It is computed
    after the last allocation.
joined:
    The first of these that gives a value: team and env (upper) joined with " - " (lower) where env
    before the first allocation is missing; team before the first allocation, env and unit joined
    with "/"; "[", env, "] ", unit put together. What has no value is unallocated. It is computed
    after the last allocation. It was called combined before.
queries:
    The usage numbers "query_seconds" of the source warehouse by env (called environment there) and
    team; several of one day are the largest one kept.
hosts:
    The usage numbers "hosts" of the source warehouse by env (called environment there) and team;
    several of one day are added up. It was called machines and nodes before, the latest first.
everything:
    Takes all cost that no earlier rule allocated along env, and splits it evenly over env "a" and
    "b".
shares:
    Takes cost where ServiceName is "S" and team is missing, that no earlier rule allocated along
    env, and splits it by percentages over env: "a" 60 % and "b" 40 %.
costs:
    Takes cost where RegionId starts with "eu-" or not (env is present), whether an earlier rule
    allocated it or not, and splits it over team in proportion to ListCost where ServiceName is
    "EC2", written into open, billing month by billing month, separately for each env. Where there
    is nothing to split by, the cost stays where it was.
usage:
    Takes cost where the rule costs allocated it, that an earlier rule allocated along team, and
    splits it over team in proportion to the metric queries, day by day. Where there is nothing to
    split by, it is split evenly.
off:
    Disabled, it does nothing. Enabled it would do this: Takes cost where ServiceName ends with "y"
    in upper or lower case and ServiceName is not "X" in upper or lower case, that no earlier rule
    allocated along team, and splits it evenly over each team that has cost. Where there is nothing
    to split by, the cost stays where it was.
rest:
    Takes all cost that no earlier rule allocated along env, and splits it by percentages over env:
    "a" 60 % and "b" 30.5 %, and the remaining 9.5 % to "c". It applies from 2025-04-15 until
    2025-04-30, both included.
some:
    Takes all cost that no earlier rule allocated along env or team, and splits it by percentages
    over env and team: "a / t" 60 %, and the remaining 40 % stay where they were. It applies until
    2025-04-30, that day included. It was called part before.
all:
    Takes all cost that no earlier rule allocated along env, and splits it by percentages over env:
    "a" 100 %.
found:
    Takes cost where team before the first allocation is present, that no earlier rule allocated
    along team, and splits it evenly over each team other than "none" or "spare" (only where unit is
    "Pay" or "Shop") that has cost where ServiceName is "EC2". Its own source is in its basis too.
    Where there is nothing to split by, the cost stays where it was. It applies from 2025-04-15 on.
before:
    Takes cost where env before the first allocation is missing, that no earlier rule allocated
    along open, and splits it over team before the first allocation in proportion to
    ConsumedQuantity, written into open, separately for each env before the first allocation. Its
    basis is the bill before the first allocation. An element of negative weight is left out. The
    heaviest elements count until they have 95 % together; the weight of the others goes to "small".
    Where there is nothing to split by, the shares of the nearest time before it are used, if there
    are any.
before_all:
    Takes all cost that no earlier rule allocated along env or team, and splits it over env and team
    other than "a / t" in proportion to EffectiveCost. Its basis is the bill before the first
    allocation, with its own source in it. A negative weight makes the plan fail. The heaviest
    elements count until they have 80.5 % together; the others get nothing. Where there is nothing to
    split by, the cost stays where it was.
both:
    Takes all cost that no earlier rule allocated along team, and splits it over team (only where env
    is "a") in proportion to its shares in the metrics hosts and queries (weighing alike) where env
    is "a" or "b". An element of negative weight is left out. Where there is nothing to split by, the
    cost stays where it was.
weighted:
    Takes all cost that no earlier rule allocated along team, and splits it over team in proportion
    to its shares in the metrics hosts (weight 0.3) and queries (weight 0.7). Where there is nothing
    to split by, the plan fails.
"""
"""A sentence under the id of its entry, in lines."""


@pytest.fixture(scope="module")
def sentences(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = write(Case(RULES, [charge("EC2", "1")]), tmp_path_factory.mktemp("words"))
    return {entry.id: sentence(entry, "EffectiveCost") for _, entry in load(folder).entries()}


def expected() -> dict[str, str]:
    blocks = re.findall(r"^(\w+):\n((?:    .*\n)+)", EXPECTED, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in blocks}


@pytest.mark.parametrize("name", expected())
def test_an_entry_is_put_into_words(name: str, sentences: dict[str, str]) -> None:
    assert sentences[name] == expected()[name]


def test_every_entry_of_the_example_is_expected(sentences: dict[str, str]) -> None:
    assert list(sentences) == list(expected())


def test_every_entry_of_the_demo_has_a_sentence() -> None:
    root = Path(__file__).resolve().parents[2]
    for _, entry in load(root).entries():
        words = sentence(entry, "EffectiveCost")
        assert words.endswith(".")
        assert "Test(" not in words
