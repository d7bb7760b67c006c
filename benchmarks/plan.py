"""How long a plan takes beside the bare query that reads the same bill; prints medians and their ratio.

Usage: python benchmarks/plan.py [ROWS] [RUNS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

BARE = """
SELECT CAST(ChargePeriodStart AS DATE), BillingCurrency, ServiceName, ServiceCategory, SubAccountId, Tags,
       sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost)
FROM read_parquet('bill/**/*.parquet') GROUP BY ALL
"""
BARE_PROGRAM = f"""
import duckdb
connection = duckdb.connect()
connection.execute('''CREATE TABLE cells AS {BARE}''')
print(connection.execute('SELECT count(*) FROM cells').fetchall())
"""


def seconds(command: Sequence[str], folder: Path) -> float:
    """Wall time of one whole process."""
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def median(command: Sequence[str], folder: Path, runs: int) -> float:
    """Median wall time of several processes."""
    return statistics.median(seconds(command, folder) for _ in range(runs))


def main() -> None:
    """Make a bill, time the commands, check what they say, print the table."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    from costops.demo.generate import generate
    from costops.demo.init import init_workspace

    costops = [sys.executable, "-m", "costops"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "workspace"
        init_workspace(folder, demo=True)
        for file in (*folder.glob("bill/**/*.parquet"), *folder.glob("usage/*")):
            file.unlink()
        generate(folder, rows=rows)
        bare = median([sys.executable, "-c", BARE_PROGRAM], folder, runs)
        table = [("bare GROUP BY", bare)]
        table.append(("first plan, 19 entries added", median([*costops, "plan"], folder, runs)))
        table.append(("apply", seconds([*costops, "apply", "--auto-approve"], folder)))
        table.append(("plan without changes", median([*costops, "plan"], folder, runs)))
        rules = folder / "rules" / "30-environments.yaml"
        rules.write_text(
            rules.read_text().replace("production: 80", "production: 75").replace("staging: 15", "staging: 20")
        )
        table.append(("plan with one edited rule", median([*costops, "plan"], folder, runs)))
        done = subprocess.run([*costops, "plan", "--format", "json"], cwd=folder, check=True, capture_output=True)
        plan = json.loads(done.stdout)
    assert [change["id"] for change in plan["changes"]] == ["snowflake-by-agreement"]
    assert {total["difference"] for total in plan["totals"]} == {"0"}
    print(f"{rows:,} rows, medians of {runs}, duckdb {version('duckdb')}, Python {sys.version.split()[0]}")
    print(f"{'what':32} {'seconds':>8} {'x bare':>7}")
    for what, taken in table:
        print(f"{what:32} {taken:8.2f} {taken / bare:7.2f}")


if __name__ == "__main__":
    main()
