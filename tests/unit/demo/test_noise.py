from __future__ import annotations

import duckdb

from costops.demo.noise import SQL_MACROS, draw, key


def test_python_and_sql_draw_the_same_numbers() -> None:
    stream = key("charge day", 1)
    with duckdb.connect() as connection:
        for macro in SQL_MACROS:
            connection.execute(macro)
        rows = connection.execute(f"SELECT range, draw(range, {stream}) FROM range(0, 5000000000, 9999991)").fetchall()
    assert len(rows) == 501
    assert [draw(number, stream) for number, _ in rows] == [drawn for _, drawn in rows]


def test_draws_are_the_same_for_ever() -> None:
    assert [draw(number, key("charge day", 1)) for number in range(3)] == [287155592, 1824343155, 1123666207]


def test_another_salt_and_another_seed_give_another_stream() -> None:
    assert len({key("a", 1), key("b", 1), key("a", 2), key("aa", 1)}) == 4


def test_draws_spread_evenly_over_ten_slots() -> None:
    stream = key("resource kind", 1)
    counts = [0] * 10
    for number in range(10_000):
        counts[draw(number, stream) % 10] += 1
    assert min(counts) > 900
    assert max(counts) < 1_100
