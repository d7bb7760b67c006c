"""The ledger's blocks and digests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from costops.model.ledger import Ledger, empty_ledger

LEDGER = Ledger(
    dimensions=("env", "team"),
    cost_columns=("BilledCost", "EffectiveCost"),
    months=("2025-08", "2025-09", "2025-09", "2025-09"),
    days=("2025-09-01", "2025-09-01", "2025-09-01", "2025-09-02"),
    currencies=("USD", "EUR", "USD", "USD"),
    values=((None, "production", "production", "production"), (None, None, "search", "search")),
    paths=("", "", "support > tax", "support"),
    amounts=((1, 2, 3, 4), (10, 20, 30, 10**25)),
)


def test_a_block_is_one_day_of_one_billing_month() -> None:
    assert [(month, day, list(rows)) for month, day, rows in LEDGER.blocks()] == [
        ("2025-08", "2025-09-01", [0]),
        ("2025-09", "2025-09-01", [1, 2]),
        ("2025-09", "2025-09-02", [3]),
    ]


def test_a_ledger_without_rows_has_no_block_and_a_digest_of_its_own() -> None:
    empty = empty_ledger(("env",), ("BilledCost",))
    assert (len(empty), list(empty.blocks()), empty.block_digests) == (0, [], {})
    assert empty.values == ((),)
    assert empty.amounts == ((),)
    assert empty.digest != empty_ledger(("team",), ("BilledCost",)).digest
    assert empty.digest != empty_ledger(("env",), ("ListCost",)).digest


def test_equal_ledgers_have_equal_digests() -> None:
    copy = replace(LEDGER, paths=tuple("".join(path) for path in LEDGER.paths))
    assert copy.digest == LEDGER.digest
    assert copy.block_digests == LEDGER.block_digests


def changed(column: tuple[object, ...], row: int, value: object) -> tuple[object, ...]:
    return (*column[:row], value, *column[row + 1 :])


CELLS = [
    pytest.param("currencies", None, 1, "GBP", id="currency"),
    pytest.param("values", 0, 1, None, id="a value becomes missing"),
    pytest.param("values", 1, 1, "", id="a missing value becomes empty text"),
    pytest.param("values", 1, 1, "None", id="a missing value becomes a word"),
    pytest.param("values", 1, 2, "Search", id="case of a value"),
    pytest.param("paths", None, 2, "tax > support", id="order of a path"),
    pytest.param("amounts", 0, 1, 3, id="an amount"),
    pytest.param("amounts", 1, 2, 31, id="an amount of another column"),
]


@pytest.mark.parametrize(("name", "column", "row", "value"), CELLS)
def test_any_cell_changes_its_blocks_digest_and_no_other(
    name: str, column: int | None, row: int, value: object
) -> None:
    before = getattr(LEDGER, name)
    after = (
        changed(before, row, value) if column is None else changed(before, column, changed(before[column], row, value))
    )
    cells: dict[str, Any] = {name: after}
    other = replace(LEDGER, **cells)
    different = {key for key in LEDGER.block_digests if LEDGER.block_digests[key] != other.block_digests[key]}
    assert different == {("2025-09", "2025-09-01")}
    assert other.digest != LEDGER.digest


def test_a_picos_difference_in_a_huge_amount_changes_the_digest() -> None:
    other = replace(LEDGER, amounts=(LEDGER.amounts[0], (10, 20, 30, 10**25 + 1)))
    assert other.block_digests["2025-09", "2025-09-02"] != LEDGER.block_digests["2025-09", "2025-09-02"]


def test_two_days_of_the_same_content_have_one_block_digest_and_stay_apart_in_the_ledgers() -> None:
    rows = replace(
        LEDGER,
        months=("2025-09", "2025-09", "2025-09", "2025-09"),
        days=("2025-09-01", "2025-09-02", "2025-09-03", "2025-09-04"),
        currencies=("USD",) * 4,
        values=(("a",) * 4, ("b",) * 4),
        paths=("x",) * 4,
        amounts=((1,) * 4, (2,) * 4),
    )
    assert len(set(rows.block_digests.values())) == 1
    moved = replace(rows, days=("2025-09-01", "2025-09-02", "2025-09-03", "2025-09-05"))
    assert moved.digest != rows.digest
    assert set(moved.block_digests.values()) == set(rows.block_digests.values())


def test_the_layout_is_part_of_every_digest() -> None:
    renamed = replace(LEDGER, dimensions=("environment", "team"))
    swapped = replace(LEDGER, cost_columns=("EffectiveCost", "BilledCost"))
    for other in (renamed, swapped):
        assert other.digest != LEDGER.digest
        assert not set(other.block_digests.values()) & set(LEDGER.block_digests.values())


def test_values_cannot_slide_into_their_neighbours() -> None:
    one = replace(LEDGER, values=((None, "a", "a", "a"), (None, 'b", "c', "d", "d")))
    two = replace(LEDGER, values=((None, 'a", "b', "a", "a"), (None, "c", "d", "d")))
    assert one.digest != two.digest
