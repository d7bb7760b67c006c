"""The twenty rules as SQL that a person would write for DuckDB, one UPDATE and one INSERT per rule, amounts as doubles.

Usage: sql_script.py WORKSPACE LEDGER.parquet
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from statements import (
    CELL_COLUMNS,
    CREATE_CELLS,
    CREATE_MEANINGS,
    LEDGER,
    bucket_time,
    condition,
    parts,
    read_meanings,
    shares,
)
from twenty import RULES, Rule


def statements(number: int, rule: Rule) -> list[str]:
    """What one rule does: mark what it takes, then put in the parts."""
    chosen = condition(rule)
    live = f"(FROM cells WHERE taken_by = 0 AND NOT ({chosen}))"
    made = []
    taken = f"taken_by = 0 AND {chosen}"
    if not rule.values:
        query, keys = shares(rule, live)
        made.append(f"CREATE OR REPLACE TEMP TABLE shares AS {query}")
        same = [
            f"{key} = {bucket_time(rule, of_source=True)}" if key == "time" else f"shares.{key} = cells.{key}"
            for key in keys
        ]
        taken += f" AND EXISTS (FROM shares WHERE {' AND '.join(same)})"
    made.append(f"UPDATE cells SET taken_by = {number} WHERE {taken}")
    split = parts(number, rule, f"(FROM cells WHERE taken_by = {number})", "shares", CELL_COLUMNS)
    made.append(f"INSERT INTO cells BY NAME SELECT *, 0 AS taken_by FROM ({split})")
    return made


def main() -> None:
    """Group, apply the rules, write the ledger."""
    folder, target = (Path(each).resolve() for each in sys.argv[1:])
    with duckdb.connect() as connection:
        connection.execute("SET preserve_insertion_order = false")
        bill = f"read_parquet('{folder}/bill/**/*.parquet', hive_partitioning = false)"
        for statement in CREATE_MEANINGS:
            connection.execute(statement)
        read_meanings(connection, bill, folder)
        connection.execute(
            f"CREATE TEMP TABLE cells AS SELECT *, 0 AS taken_by FROM ({CREATE_CELLS.format(bill=bill)})"
        )
        for number, rule in enumerate(RULES, start=1):
            for statement in statements(number, rule):
                connection.execute(statement)
        connection.execute(f"COPY ({LEDGER.format(cells='cells WHERE taken_by = 0')}) TO '{target}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
