"""The benchmarks' rule sets are what their page says, and their table is put where it belongs."""

from __future__ import annotations

import importlib.util
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from cli.commands import costops

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
SETTINGS = """\
version: 1
report: [env, team, ServiceName]
billing:
  - {name: cloud, path: "bill/**/*.parquet"}
metric_sources:
  - {name: warehouse, kind: file, path: "usage/*.csv"}
"""


@pytest.fixture(scope="module")
def bars() -> Iterator[ModuleType]:
    """The benchmark as a module; its own modules are found beside it, as when it is run."""
    before = set(sys.modules)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        specification = importlib.util.spec_from_file_location("bars", BENCHMARKS / "bars.py")
        assert specification is not None and specification.loader is not None
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        for name in set(sys.modules) - before:
            if str(BENCHMARKS) in str(getattr(sys.modules[name], "__file__", "")):
                del sys.modules[name]


@pytest.fixture(scope="module")
def rule_sets(bars: ModuleType) -> ModuleType:
    """The module that makes rule sets."""
    return sys.modules["rule_sets"]


@pytest.mark.parametrize("count", [10, 20, 100, 300, 1000])
def test_a_set_has_as_many_rules_as_asked_for_each_with_an_edit_of_its_own(rule_sets: ModuleType, count: int) -> None:
    rules = rule_sets.rule_set(count).rules
    assert len({rule.id for rule in rules}) == count
    assert len({rule.text.split("\n", 1)[1] for rule in rules}) == count
    assert all(rule.text != rule.edited for rule in rules)
    assert [rule.file for rule in rules] == sorted(rule.file for rule in rules)


def test_a_set_is_the_same_every_time(rule_sets: ModuleType) -> None:
    assert rule_sets.rule_set(300).texts() == rule_sets.rule_set(300).texts()


def test_more_rules_than_slices_are_refused(rule_sets: ModuleType) -> None:
    with pytest.raises(ValueError, match="there are slices for"):
        rule_sets.rule_set(100_000)


def test_edits_change_their_rules_alone(rule_sets: ModuleType) -> None:
    rules = rule_sets.rule_set(300)
    for chosen, count in ((rules.one(), 1), (rules.upstream(), 1), (rules.spread(20), 20)):
        assert len(chosen) == count
        before, after = "".join(rules.texts().values()), "".join(rules.texts(chosen).values())
        for rule in rules.rules:
            assert (rule.text in after) is (rule.id not in chosen)
            before = before.replace(rule.text, rule.edited if rule.id in chosen else rule.text)
        assert before == after
    methods = {rule.text.split("method: ")[1].split("\n")[0] for rule in rules.rules if rule.id in rules.spread(20)}
    assert methods == {"even", "percent", "proportional", "metric"}


def test_most_rules_with_a_basis_in_cost_rest_on_what_is_upstream(rule_sets: ModuleType) -> None:
    rules = rule_sets.rule_set(300)
    assert rules.resting_on_compute() > rules.with_basis() / 2


@pytest.mark.parametrize("edited", [False, True])
def test_the_rule_sets_are_valid(rule_sets: ModuleType, tmp_path: Path, edited: bool) -> None:
    rules = rule_sets.rule_set(1000)
    rules.write(tmp_path / "rules", frozenset(rule.id for rule in rules.rules) if edited else frozenset())
    (tmp_path / "costops.yaml").write_text(SETTINGS)
    assert costops(tmp_path, "validate", "--no-data").code == 0


def test_the_twenty_rules_use_every_method_partitions_and_account_lists(tmp_path: Path) -> None:
    shutil.copytree(BENCHMARKS / "rules", tmp_path / "rules")
    (tmp_path / "costops.yaml").write_text(SETTINGS)
    assert costops(tmp_path, "validate", "--no-data").code == 0
    text = (BENCHMARKS / "rules" / "twenty.yaml").read_text()
    methods = Counter(re.findall(r"^    method: (\w+)$", text, re.MULTILINE))
    assert sum(methods.values()) == 20 and set(methods) == {"even", "percent", "proportional", "metric"}
    assert text.count("partition_by:") >= 5 and text.count('SubAccountId: ["') >= 3


def test_the_table_replaces_the_one_before_and_nothing_else(
    bars: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "README.md"
    shutil.copyfile(BENCHMARKS / "README.md", page)
    before, after = page.read_text().split(bars.BEGIN)[0], page.read_text().split(bars.END)[1]
    monkeypatch.setattr(bars, "README", page)
    bars.write("| first |")
    bars.write("| second |")
    assert page.read_text() == f"{before}{bars.BEGIN}\n| second |\n{bars.END}{after}"


def test_the_page_names_every_measurement_and_option(bars: ModuleType) -> None:
    page = (BENCHMARKS / "README.md").read_text()
    section = page.split("## bars.py")[1].split("\n## ")[0]
    assert ", ".join(bars.MEASURES) in section
    for option in re.findall(r'"(--[a-z]+)"', (BENCHMARKS / "bars.py").read_text()):
        assert f"| `{option}" in section


LEDGER = """\
billing_month,day,env,team,ServiceName,allocation_path,BillingCurrency,BilledCost,EffectiveCost,ListCost,ContractedCost
2025-07,2025-07-01,production,,EC2,,USD,1,2,3,4
2025-07,2025-07-01,production,search,Support,first > second,USD,5,6.5,7,8
"""
THEIRS = """
COPY (SELECT * FROM (VALUES
    ('2025-07', DATE '2025-07-01', 'USD', 'production', '', 'EC2', 0, 1.0, 2.0, 3.0, 4.0),
    ('2025-07', DATE '2025-07-01', 'USD', 'production', 'search', 'Support', {path}, 5, {effective}, 7, 8)
) AS t(billing_month, day, currency, env, team, service, path, BilledCost, EffectiveCost, ListCost, ContractedCost))
TO '{file}' (FORMAT parquet)"""


@pytest.mark.parametrize(
    ("path", "effective", "rows", "difference"),
    [(1 * 32 + 2, "6.5", 2, 0.0), (1 * 32 + 2, "6.25", 2, 0.25), (2 * 32 + 1, "6.5", 3, 8.0)],
    ids=["equal", "another amount", "another path"],
)
def test_a_yardstick_that_differs_is_found_out(
    bars: ModuleType, tmp_path: Path, path: int, effective: str, rows: int, difference: float
) -> None:
    import duckdb

    (tmp_path / "ours.csv").write_text(LEDGER)
    with duckdb.connect() as connection:
        connection.execute(THEIRS.format(path=path, effective=effective, file=tmp_path / "theirs.parquet"))
    same = sys.modules["yardsticks.same"]
    found = same.compare(tmp_path / "ours.csv", tmp_path / "theirs.parquet", ["first", "second"])
    assert (found.rows, found.largest_difference) == (rows, difference)


CHANGE = {"id": "a", "kind": "allocation", "action": "change", "moved": [{"moved": "1"}]}
EDITED = {
    "changes": [CHANGE],
    "bill_changes": False,
    "totals": [{"difference": "0"}],
}


@pytest.mark.parametrize(
    "wrong",
    [
        {"totals": [{"difference": "0.000000000001"}]},
        {"totals": []},
        {"changes": []},
        {"changes": [CHANGE, CHANGE | {"id": "b"}]},
        {"changes": [CHANGE | {"action": "add"}]},
        {"changes": [CHANGE | {"moved": []}]},
        {"bill_changes": True},
    ],
)
def test_a_wrong_plan_has_no_figure(bars: ModuleType, wrong: dict[str, object]) -> None:
    checks = sys.modules["checks"]
    checks.check_edited(EDITED, {"a"})
    with pytest.raises(checks.WrongPlanError):
        checks.check_edited(EDITED | wrong, {"a"})
