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
metrics:
  - {id: queries, source: warehouse, query: query_seconds, labels: {team: team, environment: env}, aggregate: max}
allocations:
  - {id: everything, source: {}, method: even, to: {dimension: env, values: [a, b]}}
  - {id: shares, source: {where: {ServiceName: S, team: null}}, method: percent, to: {dimension: env, percent: {a: 60, b: 40}}}
  - {id: costs, source: {where: {any: [{RegionId: {starts_with: eu-}}, {not: {env: {present: true}}}]}, allocated: include}, method: proportional, to: {dimension: team}, into: open, basis: {where: {ServiceName: EC2}, cost: ListCost, granularity: billing_period}, partition_by: [env]}
  - {id: usage, source: {where: {allocated_by: costs}, allocated: only}, method: metric, to: {dimension: team}, basis: {metric: queries, granularity: daily}, on_empty: even}
  - {id: off, enabled: false, source: {where: {ServiceName: {not: X, ends_with: y, ignore_case: true}}}, method: even, to: {dimension: team}}
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
queries:
    The usage numbers "query_seconds" of the source warehouse by env (called environment there) and
    team; several of one day are the largest one kept.
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
