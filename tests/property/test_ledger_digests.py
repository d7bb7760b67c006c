"""The digest that the engine makes of its items is the one that Python makes of the same ledger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from itertools import compress

import duckdb
import pytest
from hypothesis import strategies as st
from property.turns import in_turns

from costops.engine.ir import PATH_MARK, Fields, Program
from costops.engine.ledgers import ledger_facts, make_place_digests, read_ledger
from costops.engine.lower import lower
from costops.model.ledger import PATH_SEPARATOR, Ledger, empty_ledger
from costops.model.rules import RuleSet

REPORT = ("ServiceName", "RegionId")
COSTS = ("BilledCost", "EffectiveCost")

Item = tuple[str, str, str, tuple[str | None, ...], tuple[str, ...], tuple[int, ...]]
"""(billing month, day, currency, values, path, picos)."""
Key = tuple[str, str, str, tuple[str | None, ...], str]

# A missing value is null, never the empty text; DuckDB takes any text without surrogates.
VALUES = st.none() | st.sampled_from(
    ["a", "A", "ä", "a:1,", '"', "a\nb", "1", "日本", "\U0001f4b0", "a b", "'", "\x00"]
)
VALUES |= st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4)
AMOUNTS = st.sampled_from([0, 1, -1, 2**63 - 1, 2**63, -(2**63), 2**90, -(10**30)]) | st.integers(-(10**15), 10**15)
ITEMS = st.lists(
    st.tuples(
        st.sampled_from(["2025-09", "2025-10", "2026-01"]),
        st.sampled_from(["2025-09-30", "2025-10-01", "2025-10-31", "2026-01-02"]),
        st.sampled_from(["USD", "EUR", "円", "U D"]),
        st.tuples(VALUES, VALUES),
        st.sampled_from([(), ("a",), ("a", "b"), ("a-b",), ("b",)]),
        st.tuples(AMOUNTS, AMOUNTS),
    ),
    max_size=12,
)


@cache
def program() -> Program:
    """A rule set without rules that reports two columns."""
    return lower(RuleSet(), report=REPORT, cost="EffectiveCost", fields=Fields())


@cache
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect(":memory:", config={"preserve_insertion_order": "false", "threads": 2})
    opened.execute("SET TimeZone = 'UTC'")
    return opened


def load(items: list[Item]) -> None:
    """Each item as a profile of its own, beside one that a step has taken."""
    slots = [slot for _, slot in program().report]
    connection().execute(
        f"CREATE OR REPLACE TABLE profiles (profile INTEGER, {', '.join(f'{each} VARCHAR' for each in slots)}, "
        "path VARCHAR, made INTEGER, taken INTEGER)"
    )
    connection().execute(
        "CREATE OR REPLACE TABLE items (profile INTEGER, month DATE, day DATE, until DATE, currency VARCHAR, "
        "c0 HUGEINT, c1 HUGEINT)"
    )
    profiles: list[object] = []
    costs: list[object] = []
    for number, (month, day, currency, values, path, amounts) in enumerate(items):
        for profile, taken in ((2 * number, None), (2 * number + 1, 1)):
            profiles += [profile, *values, marked(path), 0, taken]
            costs += [profile, f"{month}-01", day, day, currency, *amounts]
    if items:
        put("profiles", 6, profiles)
        put("items", 7, costs)


def put(table: str, width: int, fields: list[object]) -> None:
    row = f"({', '.join('?' * width)})"
    connection().execute(f"INSERT INTO {table} VALUES {', '.join([row] * (len(fields) // width))}", fields)


def marked(path: tuple[str, ...]) -> str:
    """A path as profiles have it."""
    return PATH_MARK + "".join(f"{each}{PATH_MARK}" for each in path)


def renew(places: Iterable[tuple[tuple[str | None, ...], tuple[str, ...]]]) -> None:
    """Make the digests of places (values, path) anew."""
    connection().execute("CREATE OR REPLACE TABLE renewed (d0 VARCHAR, d1 VARCHAR, path VARCHAR)")
    fields: list[object] = []
    for values, path in places:
        fields += [*values, marked(path)]
    if fields:
        put("renewed", 3, fields)
    make_place_digests(connection(), program(), COSTS, "renewed")


def sums_of(items: list[Item]) -> Mapping[Key, tuple[int, ...]]:
    sums: dict[Key, tuple[int, ...]] = {}
    for month, day, currency, values, path, amounts in items:
        key = (month, day, currency, values, PATH_SEPARATOR.join(path))
        known = sums.get(key, (0,) * len(COSTS))
        sums[key] = tuple(first + second for first, second in zip(known, amounts, strict=True))
    return {key: amounts for key, amounts in sums.items() if any(amounts)}


def expected(items: list[Item]) -> Ledger:
    """The ledger of the items, put together without the engine."""

    def place(row: tuple[Key, tuple[int, ...]]) -> tuple[object, ...]:
        month, day, currency, values, path = row[0]
        return (month, day, currency, [(value is not None, value or "") for value in values], path)

    rows = sorted(sums_of(items).items(), key=place)
    if not rows:
        return empty_ledger(REPORT, COSTS)
    keys, amounts = zip(*rows, strict=True)
    months, days, currencies, values, paths = zip(*keys, strict=True)
    return Ledger(
        REPORT,
        COSTS,
        months,
        days,
        currencies,
        tuple(zip(*values, strict=True)),
        paths,
        tuple(zip(*amounts, strict=True)),
    )


def check_digests(items: list[Item]) -> None:
    load(items)
    ledger = expected(items)
    make_place_digests(connection(), program(), COSTS)
    facts = ledger_facts(connection(), program(), COSTS)
    assert read_ledger(connection(), program(), COSTS, is_made=True) == ledger
    assert list(facts.month_digests.items()) == list(ledger.month_digests.items())
    assert facts.digest == ledger.digest
    dates = list(zip(ledger.months, ledger.currencies, strict=True))
    totals = {
        (month, currency, cost): sum(compress(ledger.amounts[place], (each == (month, currency) for each in dates)))
        for month, currency in set(dates)
        for place, cost in enumerate(COSTS)
    }
    assert without_zeros(facts.totals) == without_zeros(totals)


def without_zeros(totals: Mapping[tuple[str, str, str], int]) -> dict[tuple[str, str, str], int]:
    return {key: amount for key, amount in totals.items() if amount}


@in_turns(ITEMS)
def test_engine_and_python_make_one_digest(items: list[Item]) -> None:
    check_digests(items)


@pytest.mark.parametrize(
    "items",
    [
        pytest.param([], id="no rows"),
        pytest.param([("2025-09", "2025-10-01", "USD", (None, "a"), (), (0, 0))], id="a row of 0"),
        pytest.param(
            [
                ("2025-10", "2025-10-01", "EUR", (None, "a"), ("a", "b"), (2**100, -(2**100))),
                ("2025-10", "2025-10-01", "EUR", (None, "a"), ("a", "b"), (-(2**100), 2**100)),
                ("2025-10", "2025-10-01", "USD", (None, "a"), ("a", "b"), (1, 2)),
            ],
            id="rows that cancel out",
        ),
        pytest.param(
            [
                ("2025-09", "2025-10-01", "USD", ("ä", None), (), (2**100, -(2**100))),
                ("2025-10", "2025-10-01", "USD", ("ä", None), (), (1, 2)),
                ("2025-10", "2025-10-01", "円", ("ä", None), (), (1, 2)),
            ],
            id="months, currencies and amounts of 128 bits",
        ),
    ],
)
def test_engine_and_python_make_one_digest_of_edge_cases(items: list[Item]) -> None:
    check_digests(items)


@in_turns(ITEMS, ITEMS)
def test_digests_renewed_for_changed_places_are_those_made_anew(before: list[Item], after: list[Item]) -> None:
    load(before)
    make_place_digests(connection(), program(), COSTS)
    load(after)
    renew({(values, path) for _, _, _, values, path, _ in (*before, *after)})
    assert ledger_facts(connection(), program(), COSTS).digest == expected(after).digest


def test_only_the_named_places_are_looked_at() -> None:
    first: Item = ("2025-10", "2025-10-01", "USD", ("a", None), ("a",), (1, 2))
    second: Item = ("2025-10", "2025-10-01", "USD", ("b", None), (), (3, 4))
    load([first, second])
    make_place_digests(connection(), program(), COSTS)
    load([first, ("2025-10", "2025-10-01", "USD", ("b", None), (), (30, 40))])
    renew([(("a", None), ("a",))])
    assert ledger_facts(connection(), program(), COSTS).digest == expected([first, second]).digest
