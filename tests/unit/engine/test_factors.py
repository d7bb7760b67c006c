"""Rules cut by what they read of a charge, files put together to units, and hashes that stand for rows exactly."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import duckdb
import pytest
from workbench import Case, charge, load, write, write_bill

from costops.bill.focus import describe
from costops.engine.embedded import _connection
from costops.engine.factors import JOINT, MOMENTS, OTHERS, TAGS, Distinctions, distinctions
from costops.engine.ir import Fields
from costops.engine.load import BillFacts, load_bill
from costops.engine.lower import lower
from costops.engine.units import MOST_BYTES, SMALL_BYTES, units_of
from costops.model.bill import BillDescription, PhysicalFile, SourceFile
from costops.model.expression import Call, columns_in
from costops.workspace import open_workspace

RULES = """\
labels:
  - {id: team, from: [Tags.team, Tags.owner, {field: SubAccountName, transform: [lower]}], transform: [trim]}
allocations:
  - id: split
    source: {where: {ServiceName: EC2, RegionId: eu-1, Tags.cost-center: null}}
    method: even
    to: {dimension: team, values: [a, b]}
"""


def cut(folder: Path, rules: str, *report: str) -> tuple[Fields, Distinctions]:
    write(Case(rules, [charge("EC2", "1")]), folder)
    fields = Fields()
    program = lower(load(folder), report=report, cost="EffectiveCost", fields=fields, watch=True)
    return fields, distinctions(fields, [program])


def test_a_condition_is_cut_into_one_truth_for_each_factor(tmp_path: Path) -> None:
    fields, found = cut(tmp_path, RULES)
    columns = {field.name: name for field, name in fields.items()}
    (tag_part,) = (name for name in found.factors[TAGS].outputs if name in found.factors[TAGS].truths)
    (other_part,) = (name for name in found.factors[OTHERS].outputs if name in found.factors[OTHERS].truths)
    expressions = {name: each for layer in found.factors[OTHERS].layers for name, each in layer}
    assert set(columns_in(expressions[other_part])) == {columns["ServiceName"], columns["RegionId"]}
    (joined,) = found.truths
    whole = {name: each for layer in found.joint for name, each in layer}[joined]
    assert isinstance(whole, Call)
    assert set(columns_in(whole)) == {tag_part, other_part}


def test_neighbouring_sources_of_one_factor_become_one_value(tmp_path: Path) -> None:
    _, found = cut(tmp_path, RULES, "team")
    texts = {name: [each for each in mine.outputs if each not in mine.truths] for name, mine in found.factors.items()}
    # Of the tags the first of two, and beside it the account's name.
    assert (len(texts[TAGS]), len(texts[OTHERS]), len(texts[MOMENTS])) == (1, 1, 0)


def test_every_output_reads_its_own_factor_alone(tmp_path: Path) -> None:
    fields, found = cut(tmp_path, RULES, "team", "BillingCurrency", "ServiceName")
    mine = {factor: {name for _, name in each.fields} for factor, each in found.factors.items()}
    assert set().union(*mine.values()) == {name for _, name in fields.items()}
    for factor, each in found.factors.items():
        known = set(mine[factor])
        for layer in each.layers:
            for _, expression in layer:
                assert set(columns_in(expression)) <= known
            known |= {name for name, _ in layer}
        assert set(each.outputs) <= known
    assert {factor for factor, _ in found.places.values()} == {TAGS, OTHERS, JOINT}


# Hashes


class Colliding:
    """A connection in which all rows have the same hash while the salt is 0."""

    def __init__(self, inner: duckdb.DuckDBPyConnection) -> None:
        self._inner = inner
        self.collisions = 0

    def execute(self, statement: str, parameters: Sequence[object] = ()) -> object:
        changed, count = re.subn(r'HASH\(0(, "\w+")+\)', "HASH(0)", statement)
        self.collisions += count
        return self._inner.execute(changed, parameters)


def loaded(folder: Path, *, collide: bool) -> tuple[BillFacts, list[tuple[object, ...]], int]:
    """The facts, each tuple's amounts, and how many hashes collided."""
    fields = Fields()
    program = lower(load(folder), report=("team", "ServiceName"), cost="EffectiveCost", fields=fields)
    with open_workspace(folder, environment={}) as workspace, _connection(1) as connection:
        engine = Colliding(connection) if collide else connection
        facts = load_bill(cast("duckdb.DuckDBPyConnection", engine), workspace.bill, fields, [program])
        names = [name for _, name in sorted(fields.items(), key=lambda each: each[0].name)]
        values = ", ".join(f'"{name}"' for name in names)
        rows = connection.execute(
            f"SELECT {values}, day, c0 FROM raw JOIN tuples USING (tuple) ORDER BY ALL"
        ).fetchall()
    return facts, rows, engine.collisions if isinstance(engine, Colliding) else 0


@pytest.mark.parametrize("parts", [1, 2])
def test_rows_whose_hashes_collide_are_told_apart_with_another_salt(tmp_path: Path, parts: int) -> None:
    bill = [charge("EC2", f"{place}", day=f"2025-04-{place + 1:02}", team=f"t{place % 3}") for place in range(9)]
    write(Case(RULES, bill), tmp_path, bill_parts=[bill[place::parts] for place in range(parts)])
    plain, expected, _ = loaded(tmp_path, collide=False)
    facts, found, collisions = loaded(tmp_path, collide=True)
    assert collisions
    assert found == expected
    assert replace(facts, cells="") == replace(plain, cells="")


# Units


def test_units_with_days_in_common_give_one_row_for_each_tuple_and_day(tmp_path: Path) -> None:
    write(Case(RULES, [], bill_path="bill/**/*.csv"), tmp_path)
    for folder, cost in (("a", "1"), ("b", "2")):
        rows = [charge("EC2", cost, team="t"), charge("EC2", cost, team="u")]
        (tmp_path / "bill" / folder).mkdir()
        write_bill(tmp_path / "bill" / folder / "bill.csv", rows, rows)
    _, rows_of_raw, _ = loaded(tmp_path, collide=False)
    assert [row[-1] for row in rows_of_raw] == [3 * 10**12, 3 * 10**12]


def units(*files: tuple[str, int]) -> list[list[str]]:
    columns = (("ChargePeriodStart", "DATE"), ("BillingCurrency", "VARCHAR"), ("BilledCost", "DOUBLE"))
    found = tuple(PhysicalFile(f"/bill/{name}", name, "parquet", columns, stamp=(size, 1)) for name, size in files)
    bill = BillDescription(
        digest="", parts=(describe("cloud", found),), files=tuple(SourceFile("cloud", name, name) for name, _ in files)
    )
    return [[file.name for file in unit.part.files] for unit in units_of(bill)]


def test_small_files_of_a_folder_are_one_unit_and_large_ones_are_units_of_their_own() -> None:
    small, large = SMALL_BYTES - 1, SMALL_BYTES
    assert units(("a/1", 5), ("a/2", 5), ("b/1", 5)) == [["a/1", "a/2"], ["b/1"]]
    assert units(("a/1", large), ("a/2", 5), ("a/3", 5), ("a/4", large)) == [["a/1"], ["a/2", "a/3"], ["a/4"]]
    assert MOST_BYTES == 2 * SMALL_BYTES
    assert units(("a/1", small), ("a/2", small), ("a/3", small)) == [["a/1", "a/2"], ["a/3"]]


def test_a_unit_is_another_when_its_files_are_read_otherwise() -> None:
    file = PhysicalFile(
        "/bill/a",
        "a",
        "csv",
        (("ChargePeriodStart", "VARCHAR"), ("BilledCost", "VARCHAR"), ("BillingCurrency", "VARCHAR")),
    )
    named = (SourceFile("cloud", "a", "0" * 64),)
    bills = [
        BillDescription(digest="", parts=(describe("cloud", (each,), costs),), files=named, reading=reading)
        for each, costs, reading in (
            (file, {}, ""),
            (replace(file, delimiter=";"), {}, ""),
            (file, {"Net": "BilledCost"}, ""),
            (file, {}, "otherwise"),
        )
    ]
    assert len({units_of(bill)[0].digest for bill in bills}) == 4
    renamed = replace(file, path="/elsewhere/b", name="b")
    moved = BillDescription(
        digest="", parts=(describe("cloud", (renamed,)),), files=(SourceFile("cloud", "b", "0" * 64),)
    )
    assert units_of(moved)[0].digest == units_of(bills[0])[0].digest
