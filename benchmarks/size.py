"""The first plan of twenty rules of all methods on a large bill: seconds, memory, and where the time went.

Usage: python benchmarks/size.py FOLDER

FOLDER holds a FOCUS bill in Parquet under `focus/` and its usage numbers as `metrics/usage_metrics.csv`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

SETTINGS = """\
version: 1
report: [env, team, ServiceName]
billing:
  - {{name: cloud, path: "{folder}/focus/**/*.parquet"}}
metric_sources:
  - {{name: warehouse, kind: file, path: "{folder}/metrics/usage_metrics.csv"}}
"""
LISTS = {"FIRST": (0, 20), "SECOND": (10, 40), "THIRD": (20, 60)}
"""Which of the accounts, most charges first, stand in the place of a name."""


class Watch:
    """Notes when each stage begins."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float]] = []

    def stage(self, words: str, share: object = None) -> None:
        """A stage begins."""
        self.stages.append((words, time.perf_counter()))


def make_workspace(workspace: Path, folder: Path) -> None:
    """A workspace with the twenty rules on the bill."""
    import duckdb

    query = (
        f"SELECT SubAccountId FROM read_parquet('{folder}/focus/**/*.parquet') WHERE SubAccountId IS NOT NULL "
        "GROUP BY 1 ORDER BY count(*) DESC, 1"
    )
    with duckdb.connect() as connection:
        accounts = [row[0] for row in connection.execute(query).fetchall()]
    text = (Path(__file__).parent / "twenty-rules.yaml").read_text()
    for name, (first, last) in LISTS.items():
        text = text.replace(f"SubAccountId: {name}", f"SubAccountId: {json.dumps(accounts[first:last])}")
    (workspace / "rules").mkdir()
    (workspace / "rules" / "twenty.yaml").write_text(text)
    (workspace / "costops.yaml").write_text(SETTINGS.format(folder=folder))


def whole_process(workspace: Path) -> tuple[float, float, dict[str, object]]:
    """Wall seconds, peak memory in GiB and the plan document of `costops plan`."""
    with tempfile.TemporaryFile() as out:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "costops", "plan", "--format", "json"],
            cwd=workspace,
            stdout=out,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        assert status == 0, f"costops plan ended with {status}"
        out.seek(0)
        return seconds, usage.ru_maxrss / 1024**2, json.load(out)


def where_it_went(workspace: Path) -> list[tuple[str, float]]:
    """Seconds of each stage of the same plan in this process, longest first."""
    from costops.workspace import open_workspace

    watch = Watch()
    with open_workspace(workspace, progress=watch) as opened:
        opened.plan()
    ends = [at for _, at in watch.stages[1:]] + [time.perf_counter()]
    sums: dict[str, float] = {}
    for (words, start), end in zip(watch.stages, ends, strict=True):
        kind = "evaluating rules" if words.startswith("evaluating") and "rule " in words else words
        sums[kind] = sums.get(kind, 0) + end - start
    return sorted(sums.items(), key=lambda each: -each[1])


def main() -> None:
    """Time it, check what the plan says, print the tables."""
    folder = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as name:
        workspace = Path(name)
        make_workspace(workspace, folder)
        seconds, gibibytes, plan = whole_process(workspace)
        allocations = [each for each in plan["changes"] if each["kind"] == "allocation"]
        assert len(allocations) == 20 and all(each["moved"] for each in allocations), "a rule moves nothing"
        assert {total["difference"] for total in plan["totals"]} == {"0"}
        print(f"{plan['bill']['rows']:,} rows, 20 allocations, {os.cpu_count()} cores, duckdb {version('duckdb')}")
        print(f"first plan, whole process: {seconds:.1f} s, peak memory {gibibytes:.2f} GiB")
        print("\nwhere it went, in a second run")
        for words, taken in where_it_went(workspace):
            print(f"  {taken:6.2f} s  {words}")


if __name__ == "__main__":
    main()
