from __future__ import annotations

import zipfile
from importlib.resources import files
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ROOT / "costops" / "demo" / "workspace"


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_the_repository_holds_what_the_demo_writes_byte_for_byte() -> None:
    kept = [name for name in everything(WORKSPACE) if name != "gitignore"]
    assert kept[:2] == ["costops.yaml", "rules/00-labels.yaml"]
    assert kept[-1] == "state/README.md"
    for name in kept:
        assert (ROOT / name).read_bytes() == (WORKSPACE / name).read_bytes(), name


def test_the_repository_has_no_rules_besides() -> None:
    assert everything(ROOT / "rules") == everything(WORKSPACE / "rules")


def test_the_repository_ignores_at_least_what_the_demo_ignores() -> None:
    patterns = set((ROOT / ".gitignore").read_text().splitlines())
    wanted = [line for line in (WORKSPACE / "gitignore").read_text().splitlines() if not line.startswith("#")]
    assert set(wanted) <= patterns


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("wheel")
    (built,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


@pytest.mark.parametrize("kind", ["workspace", "empty"])
def test_the_wheel_holds_every_file_of_the_workspaces(wheel: list[str], kind: str) -> None:
    folder = ROOT / "costops" / "demo" / kind
    expected = {f"costops/demo/{kind}/{name}" for name in everything(folder)}
    assert f"costops/demo/{kind}/state/README.md" in expected
    assert f"costops/demo/{kind}/gitignore" in expected
    assert expected <= set(wheel)


def test_the_wheel_holds_the_rooms_that_share_a_name_with_what_is_ignored(wheel: list[str]) -> None:
    for room in ("bill", "demo", "state"):
        assert f"costops/{room}/__init__.py" in wheel


def test_the_installed_package_has_the_same_files_as_the_source() -> None:
    installed = files("costops.demo").joinpath("workspace")
    assert installed.joinpath("costops.yaml").read_bytes() == (WORKSPACE / "costops.yaml").read_bytes()
