"""The twenty rules as SQLMesh models on DuckDB, one table per rule, amounts as doubles.

Usage: sqlmesh_script.py WORKSPACE LEDGER.parquet
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
from statements import CELL_COLUMNS, CREATE_CELLS, CREATE_MEANINGS, LEDGER, condition, parts, read_meanings, shares
from twenty import RULES, Rule

CONFIG = """
gateways:
  local:
    connection: {{type: duckdb, database: {database}}}
    state_connection: {{type: duckdb, database: {state}}}
default_gateway: local
model_defaults: {{dialect: duckdb, start: 2025-06-01}}
"""


def model(name: str, query: str) -> str:
    """The text of one model, a table that is made whole."""
    return f"MODEL (name bench.{name}, kind FULL);\n\n{query}\n"


def rule_query(number: int, rule: Rule) -> str:
    """The running ledger after a rule, from the one before it."""
    before = f"bench.rule_{number - 1:02}"
    chosen = condition(rule)
    columns = ", ".join(CELL_COLUMNS)
    rest, source = f"(SELECT * FROM {before} WHERE NOT ({chosen}))", f"(SELECT * FROM {before} WHERE {chosen})"
    split = parts(number, rule, source, "shares", CELL_COLUMNS)
    if rule.values:
        return f"SELECT {columns} FROM {rest} AS rest\nUNION ALL\n{split}"
    query, _ = shares(rule, rest, metrics="main.metrics")
    # Names of cells are qualified: the table of shares has some of them as well.
    joined = split.partition(" ON ")[2]
    left = f"SELECT {columns} FROM {source} AS s WHERE NOT EXISTS (SELECT 1 FROM shares WHERE {joined})"
    return f"WITH shares AS ({query})\nSELECT {columns} FROM {rest} AS rest\nUNION ALL\n{split}\nUNION ALL\n{left}"


def main() -> None:
    """Make the project, let SQLMesh plan and apply it, write the ledger."""
    folder, target = (Path(each).resolve() for each in sys.argv[1:])
    bill = f"read_parquet('{folder}/bill/**/*.parquet', hive_partitioning = false)"
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        project = Path(name)
        (project / "models").mkdir()
        database = project / "data.db"
        (project / "config.yaml").write_text(CONFIG.format(database=database, state=project / "state.db"))
        models = {"rule_00": CREATE_CELLS.format(bill=bill).replace("JOIN ", "JOIN main.")}
        models |= {f"rule_{number:02}": rule_query(number, rule) for number, rule in enumerate(RULES, start=1)}
        models["ledger"] = LEDGER.format(cells=f"bench.rule_{len(RULES):02}")
        for each, query in models.items():
            (project / "models" / f"{each}.sql").write_text(model(each, query))
        with duckdb.connect(str(database)) as connection:
            for statement in CREATE_MEANINGS:
                connection.execute(statement)
            read_meanings(connection, bill, folder)
        surroundings = os.environ | {"SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true"}
        command = [str(Path(sys.executable).with_name("sqlmesh")), "--paths", str(project)]
        subprocess.run([*command, "plan", "--auto-apply", "--no-prompts"], check=True, env=surroundings, cwd=project)
        with duckdb.connect(str(database)) as connection:
            connection.execute(f"COPY (FROM bench.ledger) TO '{target}' (FORMAT parquet)")


if __name__ == "__main__":
    main()
