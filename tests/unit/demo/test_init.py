from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from costops.demo.init import init_workspace
from costops.errors import CostopsError, UsageError

DEMO = [
    ".gitignore",
    "bill/BILLING_PERIOD=2025-07/part-0.parquet",
    "bill/BILLING_PERIOD=2025-08/part-0.parquet",
    "bill/BILLING_PERIOD=2025-09/part-0.parquet",
    "costops.yaml",
    "rules/00-labels.yaml",
    "rules/10-dimensions.yaml",
    "rules/20-metrics.yaml",
    "rules/30-environments.yaml",
    "rules/40-teams.yaml",
    "rules/50-last.yaml",
    "state/README.md",
    "usage/usage.csv",
]
EMPTY = [".gitignore", "costops.yaml", "rules/10-example.yaml", "state/README.md"]


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.as_posix() for path in paths]


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_demo_is_written_into_a_new_folder(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "demo"
    assert names(init_workspace(folder, demo=True)) == DEMO
    assert everything(folder) == DEMO


def test_an_empty_workspace_has_no_bill(tmp_path: Path) -> None:
    assert names(init_workspace(tmp_path, demo=False)) == EMPTY
    assert everything(tmp_path) == EMPTY


def test_a_second_time_writes_nothing(tmp_path: Path) -> None:
    init_workspace(tmp_path, demo=True)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert init_workspace(tmp_path, demo=True) == ()
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_what_is_missing_is_written_beside_what_is_there(tmp_path: Path) -> None:
    init_workspace(tmp_path, demo=True)
    (tmp_path / "usage" / "usage.csv").unlink()
    (tmp_path / "rules" / "20-metrics.yaml").unlink()
    assert names(init_workspace(tmp_path, demo=True)) == ["rules/20-metrics.yaml", "usage/usage.csv"]


def test_a_file_with_other_content_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "40-teams.yaml").write_text("allocations: []\n")
    (tmp_path / "rules" / "50-last.yaml").write_text("allocations: []\n")
    with pytest.raises(UsageError, match=r"40-teams\.yaml exists already with other content"):
        init_workspace(tmp_path, demo=True)
    assert everything(tmp_path) == ["rules/40-teams.yaml", "rules/50-last.yaml"]
    assert (tmp_path / "rules" / "40-teams.yaml").read_text() == "allocations: []\n"


def test_a_bill_that_someone_put_there_is_not_overwritten(tmp_path: Path) -> None:
    bill = tmp_path / "bill" / "BILLING_PERIOD=2025-08" / "part-0.parquet"
    bill.parent.mkdir(parents=True)
    bill.write_bytes(b"mine")
    with pytest.raises(UsageError, match="BILLING_PERIOD=2025-08"):
        init_workspace(tmp_path, demo=True)
    assert everything(tmp_path) == ["bill/BILLING_PERIOD=2025-08/part-0.parquet"]
    assert bill.read_bytes() == b"mine"


def test_a_gitignore_that_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n")
    assert ".gitignore" not in names(init_workspace(tmp_path, demo=False))
    assert (tmp_path / ".gitignore").read_text() == "*.log\n"


def test_the_demo_does_not_replace_an_empty_workspace(tmp_path: Path) -> None:
    init_workspace(tmp_path, demo=False)
    with pytest.raises(UsageError, match=r"costops\.yaml exists already"):
        init_workspace(tmp_path, demo=True)


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "demo").write_text("a file")
    for folder in (tmp_path / "demo", tmp_path / "demo" / "deeper"):
        with pytest.raises(UsageError, match="demo is a file, not a folder"):
            init_workspace(folder, demo=False)


def test_a_file_where_a_folder_of_the_workspace_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("a file")
    with pytest.raises(UsageError, match="rules is a file, not a folder"):
        init_workspace(tmp_path, demo=False)
    assert everything(tmp_path) == ["rules"]


def test_a_folder_that_cannot_be_made_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(CostopsError, match=r"cannot make a workspace in .*: File name too long"):
        init_workspace(tmp_path / "new" / ("x" * 300), demo=False)
    assert list(tmp_path.iterdir()) == []


LITTLE_SPACE = """
import resource, sys
from pathlib import Path
from costops.demo.init import init_workspace
from costops.errors import CostopsError

resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    init_workspace(Path(sys.argv[1]), demo=True)
except CostopsError as error:
    print(error)
"""


def test_a_bill_that_does_not_fit_on_the_disk_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for folder in (tmp_path, tmp_path / "new" / "demo"):
        run = subprocess.run(
            [sys.executable, "-c", LITTLE_SPACE, str(folder)], capture_output=True, text=True, check=True
        )
        assert run.stdout.startswith("cannot write the bill into ")
        assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_example_rules_are_all_comment(tmp_path: Path) -> None:
    init_workspace(tmp_path, demo=False)
    lines = (tmp_path / "rules" / "10-example.yaml").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == []


@pytest.mark.parametrize("demo", [False, True])
def test_every_pattern_of_the_gitignore_is_anchored(tmp_path: Path, demo: bool) -> None:
    init_workspace(tmp_path, demo=demo)
    patterns = [line for line in (tmp_path / ".gitignore").read_text().splitlines() if not line.startswith("#")]
    assert {"/.costops/", "/state/*", "!/state/README.md"} <= set(patterns)
    assert all(pattern.removeprefix("!").startswith("/") for pattern in patterns)
