"""How long `costops validate --no-data` takes on many rules: the first time, and again; prints medians.

Usage: python benchmarks/validate.py [RULES] [FILES] [RUNS]
       python benchmarks/validate.py --write FOLDER [RULES] [FILES]

The first time there is no `.costops/cache/`; it is also measured without ruamel's parser in C, as where that is not
installed. The program itself is compiled, as it is once it was run or installed. `--write` only makes the workspace.
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

SETTINGS = """\
version: 1
report: [env, team, ServiceName]
billing:
  - {name: cloud, path: "bill/**/*.parquet"}
metric_sources:
  - {name: warehouse, kind: file, path: "usage/*.csv"}
"""
SHARED = """\
labels:
  - id: env
    from: [Tags.env, Tags.Env, Tags.environment, Tags.Environment, Tags.k8s_label_env]
    transform: [trim, lower]
    drop: [n/a, none, tbd]
    rename:
      production: [prod, prd, live, {starts_with: prod-}]
      staging: [stg, stage, preprod]
      development: [dev, develop]
  - {id: team, from: [Tags.team, Tags.owner, Tags.k8s_label_team], transform: [trim, lower]}
  - {id: product, from: [Tags.product, Tags.Product], transform: [normalize]}

dimensions:
  - id: env
    rules:
      - {from: env}
      - {value: production, where: {ServiceName: [Datadog Pro, Snowflake]}}
  - {id: team, rules: [{from: team}]}
  - {id: product, rules: [{from: product}]}

metrics:
"""
SERVICES = (
    "Amazon Elastic Compute Cloud", "Amazon Relational Database Service", "AWS Support", "Amazon Virtual Private Cloud",
    "Amazon Simple Storage Service", "Amazon CloudWatch", "AWS Data Transfer", "Azure SQL Database", "Azure Monitor",
    "Virtual Machines", "Cloud SQL", "Compute Engine", "Snowflake", "Datadog Pro", "MongoDB Atlas", "PagerDuty",
)  # fmt: skip
TEAMS = ("checkout", "search", "platform", "payments", "data", "growth", "identity", "mobile", "risk", "billing")
WITHOUT_C = (
    "import sys; sys.modules['_ruamel_yaml'] = None; sys.argv[0] = 'costops'; "
    "from costops.cli import main; sys.exit(main())"
)


def allocation(chance: random.Random, number: int) -> str:
    """One allocation as a person would write it, of one of the four methods."""
    service, team = chance.choice(SERVICES), chance.choice(TEAMS)
    accounts = sorted({f"{chance.randrange(10**12):012}" for _ in range(chance.randrange(1, 9))})
    listed = ", ".join(f'"{each}"' for each in accounts)
    head = (
        f"  - id: shared-{number:05}\n    name: {service}, part {number}\n"
        f"    description: Agreed with the owners of {service} and team {team}.\n    owner: {team}@example.com\n"
        f"    source:\n      where:\n        ServiceName: {service}\n        SubAccountId: [{listed}]\n"
    )
    match number % 4:
        case 0:
            chosen = ", ".join(sorted(chance.sample(TEAMS, 4)))
            return head + f"    method: even\n    to: {{dimension: team, values: [{chosen}]}}\n"
        case 1:
            names, parts = chance.sample(TEAMS, 4), (40, 30, "17.5", "12.5")
            lines = "".join(f"        {name}: {part}\n" for name, part in zip(names, parts, strict=True))
            return (
                head
                + f"        team: null\n    method: percent\n    to:\n      dimension: team\n      percent:\n{lines}"
            )
        case 2:
            return head + (
                "    method: proportional\n    to: {dimension: [team, env]}\n    basis:\n      where:\n"
                f"        ServiceName: {{starts_with: [Amazon, Azure], not: {chance.choice(SERVICES)}}}\n"
                "        any: [{ChargeCategory: Usage}, {ChargeCategory: Purchase, RegionId: {like: eu-%}}]\n"
                f"      granularity: monthly\n      cost: {chance.choice(('EffectiveCost', 'BilledCost'))}\n"
                "    partition_by: [product]\n    on_empty: even\n"
            )
        case _:
            return head + (
                f"    method: metric\n    to: {{dimension: team}}\n    basis: {{metric: usage_{number % 20}}}\n"
                "    partition_by: [env]\n"
            )


def write_workspace(folder: Path, rules: int, files: int) -> None:
    """A workspace of so many allocations in so many files; the same bytes every time."""
    chance = random.Random(4)
    (folder / "rules").mkdir(parents=True)
    (folder / "costops.yaml").write_text(SETTINGS)
    metrics = "".join(
        f"  - {{id: usage_{number}, source: warehouse, query: usage.{number}, labels: {{team: team, env: env}}}}\n"
        for number in range(20)
    )
    (folder / "rules" / "000-shared.yaml").write_text(SHARED + metrics)
    for file in range(files):
        numbers = range(file * rules // files, (file + 1) * rules // files)
        text = "allocations:\n" + "\n".join(allocation(chance, number) for number in numbers)
        (folder / "rules" / f"{file + 100}-{chance.choice(TEAMS)}.yaml").write_text(text)


def seconds(command: Sequence[str], folder: Path) -> float:
    """Wall time of one whole process, which must find nothing wrong."""
    surroundings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    surroundings["PYTHONPYCACHEPREFIX"] = str(folder.parent / "compiled")
    started = time.perf_counter()
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, env=surroundings)
    taken = time.perf_counter() - started
    assert "error" not in done.stdout, done.stdout
    return taken


def first_times(command: Sequence[str], folder: Path, runs: int) -> list[float]:
    """Wall times without anything in the cache."""
    taken = []
    for _ in range(runs):
        shutil.rmtree(folder / ".costops", ignore_errors=True)
        taken.append(seconds(command, folder))
    return taken


def main() -> None:
    """Make a workspace; time what the arguments ask for; print the table."""
    if sys.argv[1:2] == ["--write"]:
        numbers = [int(each) for each in sys.argv[3:]]
        write_workspace(Path(sys.argv[2]), *(numbers or (2000,))[:1], *(numbers[1:] or (40,)))
        return
    rules, files, runs = (*(int(each) for each in sys.argv[1:]), *(2000, 40, 5)[len(sys.argv) - 1 :])
    command = [sys.executable, "-m", "costops", "validate", "--no-data"]
    pure = [sys.executable, "-c", WITHOUT_C, "validate", "--no-data"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "workspace"
        write_workspace(folder, rules, files)
        size = sum(each.stat().st_size for each in folder.glob("rules/*"))
        seconds(command, folder)
        table = [("empty Python process", [seconds([sys.executable, "-c", ""], folder) for _ in range(runs)])]
        table.append(("costops --version", [seconds([*command[:3], "--version"], folder) for _ in range(runs)]))
        table.append(("first time, without the parser in C", first_times(pure, folder, min(runs, 3))))
        table.append(("first time", first_times(command, folder, runs)))
        table.append(("again", [seconds(command, folder) for _ in range(runs)]))
        table.append(("again, without the parser in C", [seconds(pure, folder) for _ in range(runs)]))
        kept = sum(each.stat().st_size for each in folder.glob(".costops/**/*") if each.is_file())
    print(f"{rules:,} rules in {files} files, {size:,} bytes; {kept:,} bytes in the cache")
    print(f"ruamel.yaml {version('ruamel.yaml')}, Python {sys.version.split()[0]}")
    print(f"{'what':38} {'median':>8} {'least':>8} {'most':>8}")
    for what, taken in table:
        print(f"{what:38} {statistics.median(taken):8.2f} {min(taken):8.2f} {max(taken):8.2f}")


if __name__ == "__main__":
    main()
