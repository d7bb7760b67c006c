"""`costops cache`, and plans that use nothing of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cli.commands import costops
from workbench import Case, charge, write

RULES = """\
labels:
  - {id: env, from: Tags.env}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: even, to: {dimension: env}}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    bill = [charge("EC2", "10", env="production"), charge("EC2", "5", env="staging"), charge("Support", "5")]
    return write(Case(RULES, bill, report=("env",)), tmp_path / "w")


def entries(folder: Path) -> dict[str, int]:
    document = json.loads(costops(folder, "cache", "--format", "json").out)
    assert document["entries"] == sum(each["entries"] for each in document["kinds"])
    assert document["bytes"] == sum(each["bytes"] for each in document["kinds"])
    assert document["left_alone"] == []
    return {each["kind"]: each["entries"] for each in document["kinds"]}


def files(folder: Path) -> list[Path]:
    return [path for path in (folder / ".costops").rglob("*") if path.is_file()]


def test_what_commands_keep_is_known_counted_and_removed_and_changes_no_plan(place: Path) -> None:
    first = costops(place, "plan", "--out", "plan.json")
    costops(place, "plan")
    kept = entries(place)
    assert kept["rules"] >= 2
    assert kept["cells"] >= 1
    assert (kept["hashes"], kept["unfinished"]) == (1, 0)
    shown = costops(place, "cache")
    size_bytes = sum(path.stat().st_size for path in files(place))
    assert json.loads(costops(place, "cache", "--format", "json").out)["bytes"] == size_bytes
    assert shown.out.splitlines()[0] == f"cache {place / '.costops' / 'cache'}"
    cleared = costops(place, "cache", "--clear")
    assert cleared.code == 0
    assert f"Removed {sum(kept.values())} entries, " in cleared.out
    assert files(place) == []
    assert set(entries(place).values()) == {0}
    again = costops(place, "plan")
    assert (again.code, again.out) == (first.code, first.out)


def test_a_full_plan_and_a_full_apply_are_the_same_as_others(place: Path) -> None:
    plan = costops(place, "plan", "--out", "plan.json")
    full = costops(place, "plan", "--full")
    assert (full.code, full.out) == (plan.code, plan.out)
    digest = json.loads((place / "plan.json").read_text(encoding="utf-8"))["plan_digest"]
    assert costops(place, "apply", "--digest", digest, "--full").code == 0
    assert costops(place, "plan", "--full").out == costops(place, "plan").out


def test_a_full_apply_does_not_use_the_cells_of_a_bill_that_has_moved(place: Path) -> None:
    assert costops(place, "plan", "--out", "plan.json").code == 0
    bill = place / "bill" / "part-0.csv"
    bill.write_text(bill.read_text(encoding="utf-8") + bill.read_text(encoding="utf-8").splitlines()[1] + "\n")
    stale = costops(place, "apply", "plan.json", "--full")
    assert stale.code == 5
    assert "bill:" in stale.err
    assert costops(place, "apply", "plan.json").code == 0


def test_the_cache_can_be_emptied_where_costops_yaml_is_broken(place: Path) -> None:
    assert costops(place, "plan", "--out", "plan.json").code == 0
    (place / "costops.yaml").write_text("version: [", encoding="utf-8")
    assert costops(place, "plan").code == 3
    assert costops(place, "cache", "--clear").code == 0
    assert files(place) == []


def test_a_cache_needs_a_workspace(tmp_path: Path) -> None:
    done = costops(tmp_path, "cache", "--clear")
    assert done.code == 64
    assert "no costops.yaml was found" in done.err


def test_a_memory_limit_changes_no_plan_and_a_wrong_one_is_wrong_use(place: Path) -> None:
    plan = costops(place, "plan")
    limited = costops(place, "--memory-limit", "200MiB", "plan")
    assert (limited.code, limited.out) == (plan.code, plan.out)
    wrong = costops(place, "--memory-limit", "some", "plan")
    assert wrong.code == 64
    assert 'costops: --memory-limit: "some" is no amount of memory' in wrong.err
