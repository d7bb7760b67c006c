"""Bills and workspaces for the benchmarks.

Invariant: a bill is made by the project's own generator, whole or not at all, and only read afterwards; a workspace
names it by its path.
"""

from __future__ import annotations

import csv
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import processes
from rule_sets import HERE, RuleSet

SETTINGS = """\
version: 1
report: [env, team, ServiceName]
billing:
  - {{name: cloud, path: "{bill}/bill/**/*.parquet"}}
metric_sources:
  - {{name: warehouse, kind: file, path: "{bill}/usage/*.csv"}}
"""
LEDGER_KEYS = "billing_month,day,env,team,ServiceName,allocation_path"
GENERATE = """
import sys
from pathlib import Path
from costops.demo.generate import generate
generate(Path(sys.argv[1]), rows=int(sys.argv[2]))
"""


def bill(data: Path, rows: int) -> Path:
    """The folder of a bill of three months, made where it is not there yet."""
    folder = data / f"bill-{rows}"
    if not folder.exists():
        with tempfile.TemporaryDirectory(dir=data) as name:
            made = Path(name) / "made"
            made.mkdir()
            # In a process of its own: this one stays small.
            processes.run([sys.executable, "-c", GENERATE, made, str(rows)], data)
            made.rename(folder)
    return folder


def allocation_ids(folder: Path) -> list[str]:
    """Ids of the workspace's allocations, in the order of evaluation."""
    texts = (file.read_text().partition("allocations:\n")[2] for file in sorted(folder.glob("rules/*.yaml")))
    return [found for text in texts for found in re.findall(r"^  - id: (\S+)$", text, re.MULTILINE)]


@dataclass(frozen=True, slots=True)
class Workspace:
    """A workspace of costops on a bill."""

    folder: Path

    def write_rules(self, rules: RuleSet, edited: frozenset[str] = frozenset()) -> None:
        """Write a rule set, some of its rules as edited."""
        rules.write(self.folder / "rules", edited)

    def plan(self, *arguments: str) -> processes.Run:
        """`costops plan` with what is in the cache."""
        return processes.plan(self.folder, *arguments)

    def cold_plan(self) -> processes.Run:
        """`costops plan` with nothing in the cache."""
        self.forget()
        return self.plan()

    def apply(self) -> None:
        """`costops apply` of everything."""
        processes.costops(self.folder, "apply", "--auto-approve")

    def forget(self) -> None:
        """Remove everything that costops remembers but for the state."""
        shutil.rmtree(self.folder / ".costops", ignore_errors=True)

    def keep_cache(self) -> None:
        """Put a copy of the cache aside, for `restore_cache`."""
        shutil.rmtree(self.folder / "kept", ignore_errors=True)
        shutil.copytree(self.folder / ".costops", self.folder / "kept")

    def restore_cache(self) -> None:
        """The cache as it was put aside: a plan that was timed before helps none that comes after."""
        self.forget()
        shutil.copytree(self.folder / "kept", self.folder / ".costops")

    def ledger(self, file: Path) -> Path:
        """The applied ledger as CSV, at its finest, in `file`."""
        made = processes.costops(self.folder, "ledger", "--by", LEDGER_KEYS, "--format", "csv")
        file.write_bytes(made.out)
        return file

    def allocated_rows(self) -> int:
        """Rows of the applied ledger that a rule made."""
        file = self.ledger(self.folder / "ledger.csv")
        with file.open(newline="", encoding="utf-8") as lines:
            count = sum(1 for row in csv.DictReader(lines) if row["allocation_path"])
        file.unlink()
        return count


def make_workspace(folder: Path, bill_folder: Path, rules: RuleSet | None, settings: str = "") -> Workspace:
    """A workspace with a rule set, or with the twenty rules."""
    folder.mkdir(parents=True)
    (folder / "costops.yaml").write_text(SETTINGS.format(bill=bill_folder) + settings)
    workspace = Workspace(folder)
    if rules is not None:
        workspace.write_rules(rules)
    else:
        shutil.copytree(HERE / "rules", folder / "rules")
    return workspace
