from __future__ import annotations

from importlib.resources import files
from typing import Any

import pytest
from ruamel.yaml import YAML

WORKSPACE = files("costops.demo").joinpath("workspace")
RULE_FILES = sorted(each.name for each in WORKSPACE.joinpath("rules").iterdir())


def read(*parts: str) -> Any:
    return YAML(typ="safe", pure=True).load(WORKSPACE.joinpath(*parts).read_text(encoding="utf-8"))


def entries(kind: str) -> dict[str, Any]:
    return {entry["id"]: entry for name in RULE_FILES for entry in read("rules", name).get(kind, [])}


def test_the_workspace_reports_by_environment_team_and_service() -> None:
    settings = read("costops.yaml")
    assert settings["report"] == ["env", "team", "ServiceName"]
    assert settings["cost"] == "EffectiveCost"
    assert settings["billing"] == [{"name": "cloud", "path": "bill/**/*.parquet"}]
    assert settings["metric_sources"] == [{"name": "warehouse", "kind": "file", "path": "usage/*.csv"}]
    assert "checks" not in settings


def test_the_rules_show_every_kind_of_entry() -> None:
    assert set(entries("labels")) == {"env", "team"}
    assert set(entries("dimensions")) == {"env", "business_unit"}
    assert entries("dimensions")["business_unit"]["stage"] == "result"
    assert set(entries("metrics")) == {"db_query_time", "datadog_hosts"}


def test_the_rules_show_every_method() -> None:
    assert {entry["method"] for entry in entries("allocations").values()} == {
        "even", "percent", "proportional", "metric",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path",
    [
        ("partition_by",),
        ("on_empty",),
        ("source", "allocated"),
        ("source", "where", "allocated_by"),
        ("basis", "granularity"),
        ("basis", "negative"),
        ("basis", "cost"),
        ("basis", "metric"),
        ("to", "values"),
        ("to", "percent"),
    ],
)
def test_the_rules_show_a_field(path: tuple[str, ...]) -> None:
    def has(value: Any, names: tuple[str, ...]) -> bool:
        return not names or (isinstance(value, dict) and names[0] in value and has(value[names[0]], names[1:]))

    assert any(has(entry, path) for entry in entries("allocations").values())


def test_percentages_add_up_to_a_hundred() -> None:
    agreed = [each["to"]["percent"] for each in entries("allocations").values() if each["method"] == "percent"]
    assert [sum(each.values()) for each in agreed] == [100, 100]


@pytest.mark.parametrize("name", RULE_FILES)
def test_a_rule_file_is_in_block_layout(name: str) -> None:
    lines = WORKSPACE.joinpath("rules", name).read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if not line.lstrip().startswith("#")]
    assert [line for line in written if any(sign in line for sign in "{}[]")] == []
    assert max(len(line) for line in lines) <= 120


@pytest.mark.parametrize("kind", ["workspace", "empty"])
def test_the_files_of_a_workspace_end_in_one_newline(kind: str) -> None:
    def check(folder: Any) -> int:
        count = 0
        for each in folder.iterdir():
            if each.is_dir():
                count += check(each)
                continue
            content = each.read_bytes()
            assert content.endswith(b"\n"), each.name
            assert not content.endswith(b"\n\n"), each.name
            assert b"\r" not in content, each.name
            assert b"\t" not in content, each.name
            count += 1
        return count

    assert check(files("costops.demo").joinpath(kind)) >= 4
