"""costops.yaml: discovery, precedence, origins, and what it may not say."""

# ruff: noqa: E501  one line for each row of a table

from __future__ import annotations

from pathlib import Path

import pytest

from costops.config import find_workspace, load_settings
from costops.errors import ExitCode, InvalidRulesError, UsageError
from costops.language.setting_fields import SETTINGS
from costops.model.settings import BillingSource, Check, MetricSource, Override

FULL = """\
version: 1
rules: allocation/
state: ../elsewhere/costops.db
cost: BilledCost
report: [env, team, ServiceName]
billing:
  - {name: cloud, path: "bill/**/*.parquet"}
  - {name: old, path: /data/cur/*.parquet, format: aws-cur}
metric_sources:
  - {name: warehouse, kind: file, path: "usage/*.csv"}
memory_limit: 1.5GiB
checks:
  - {max_moved_percent: 10.5, of: team}
  - {max_unallocated: 0.5, currency: USD, of: env, severity: warn}
  - protect: [checkout, search]
    of: team
    by_percent: 2
    override: {reason: moving house, until: 2026-12-31}
  - {require_owner: true}
"""


def workspace(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "costops.yaml").write_text(text, encoding="utf-8")
    return folder.resolve()


def errors(folder: Path, text: str) -> list[tuple[str, str, str]]:
    with pytest.raises(InvalidRulesError) as caught:
        load_settings(workspace(folder, text))
    assert caught.value.texts == {"costops.yaml": text}
    return [
        (each.code, f"{each.span.line}:{each.span.column}" if each.span else "", each.message)
        for each in caught.value.diagnostics
    ]


def test_every_setting_is_read_with_its_origin(tmp_path: Path) -> None:
    root = workspace(tmp_path / "w", FULL)
    loaded = load_settings(root)
    settings = loaded.settings
    assert loaded.diagnostics == ()
    assert loaded.texts == {"costops.yaml": FULL}
    assert (settings.root, settings.rules, settings.state) == (
        root,
        root / "allocation",
        root.parent / "elsewhere" / "costops.db",
    )
    assert (settings.cost, settings.report) == ("BilledCost", ("env", "team", "ServiceName"))
    assert settings.billing == (
        BillingSource(name="cloud", path="bill/**/*.parquet"),
        BillingSource(name="old", path="/data/cur/*.parquet", format="aws-cur"),
    )
    assert settings.metric_sources == (MetricSource(name="warehouse", kind="file", path="usage/*.csv"),)
    assert dict(settings.origins) == {
        "rules": "costops.yaml:2",
        "state": "costops.yaml:3",
        "cost": "costops.yaml:4",
        "report": "costops.yaml:5",
        "billing": "costops.yaml:6",
        "metric_sources": "costops.yaml:9",
        "memory_limit": "costops.yaml:11",
        "checks": "costops.yaml:12",
    }
    assert settings.checks == (
        Check(kind="max_moved_percent", limit=10_500_000_000_000, of="team", line=13),
        Check(kind="max_unallocated", limit=500_000_000_000, currency="USD", of="env", severity="warn", line=14),
        Check(
            kind="protect",
            limit=2 * 10**12,
            elements=("checkout", "search"),
            of="team",
            override=Override(reason="moving house", until="2026-12-31"),
            line=15,
        ),
        Check(kind="require_owner", kinds=("label", "dimension", "metric", "allocation"), line=19),
    )
    assert "checks" not in settings.canonical()
    assert settings.memory_limit_bytes == 1_610_612_736
    assert (settings.spans["report[1]"].line, settings.spans["report[1]"].column) == (5, 15)
    assert settings.billing[0].span is not None
    assert (settings.billing[0].span.line, settings.billing[0].span.column) == (7, 25)


def test_the_defaults_are_those_of_the_documents(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\n")
    settings = load_settings(root).settings
    assert (settings.rules, settings.state) == (root / "rules", root / "state" / "costops.db")
    assert (settings.cost, settings.report, settings.billing, settings.metric_sources) == (
        "EffectiveCost",
        ("ServiceName",),
        (),
        (),
    )
    assert settings.memory_limit_bytes is None
    assert set(settings.origins.values()) == {"default"}


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\ncost: ListCost\nstate: file.db\nrules: file\n")
    environment = {
        "COSTOPS_COST": "BilledCost",
        "COSTOPS_STATE": "env.db",
        "COSTOPS_RULES": "env",
        "COSTOPS_OTHER": "x",
    }
    with_both = load_settings(root, flags={"state": "flag.db"}, environment=environment).settings
    assert (with_both.state, with_both.rules, with_both.cost) == (root / "flag.db", root / "env", "BilledCost")
    assert (with_both.origins["state"], with_both.origins["rules"], with_both.origins["cost"]) == (
        "--state",
        "COSTOPS_RULES",
        "COSTOPS_COST",
    )
    alone = load_settings(root, environment={"COSTOPS_STATE": ""}).settings
    assert (alone.state, alone.origins["state"]) == (root / "file.db", "costops.yaml:3")


def test_the_memory_limit_of_a_flag_beats_that_of_the_environment(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\nmemory_limit: 100MiB\n")
    environment = {"COSTOPS_MEMORY_LIMIT": "300MB"}
    flagged = load_settings(root, flags={"memory_limit": "2GiB"}, environment=environment).settings
    assert (flagged.memory_limit_bytes, flagged.origins["memory_limit"]) == (2 << 30, "--memory-limit")
    varied = load_settings(root, environment=environment).settings
    assert (varied.memory_limit_bytes, varied.origins["memory_limit"]) == (300_000_000, "COSTOPS_MEMORY_LIMIT")
    written = load_settings(root).settings
    assert (written.memory_limit_bytes, written.origins["memory_limit"]) == (100 << 20, "costops.yaml:2")


@pytest.mark.parametrize(
    ("flags", "environment", "origin"),
    [({"memory_limit": ""}, {}, "--memory-limit"), ({}, {"COSTOPS_MEMORY_LIMIT": "1000"}, "COSTOPS_MEMORY_LIMIT")],
)
def test_a_flag_or_variable_that_is_no_amount_of_memory_is_wrong_use(
    tmp_path: Path, flags: dict[str, str], environment: dict[str, str], origin: str
) -> None:
    root = workspace(tmp_path, "version: 1\n")
    with pytest.raises(UsageError, match=f"^{origin}: .* is no amount of memory$") as caught:
        load_settings(root, flags=flags, environment=environment)
    assert caught.value.hint == "write a number and its unit, such as 1GiB, 1.5GB or 500MB"


def test_the_memory_limit_is_nothing_that_a_plan_binds(tmp_path: Path) -> None:
    small = load_settings(workspace(tmp_path, "version: 1\nmemory_limit: 100MiB\n")).settings
    large = load_settings(workspace(tmp_path, "version: 1\nmemory_limit: 100GiB\n")).settings
    assert small.memory_limit_bytes != large.memory_limit_bytes
    assert small.canonical() == large.canonical()


def test_a_path_of_a_flag_is_relative_to_where_the_command_runs(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\n")
    (root / "sub").mkdir()
    settings = load_settings(root / "sub", flags={"state": "x.db"}, environment={"COSTOPS_RULES": "here"}).settings
    assert (settings.root, settings.state, settings.rules) == (root, root / "sub" / "x.db", root / "here")


def test_the_nearest_workspace_upwards_is_found(tmp_path: Path) -> None:
    outer = workspace(tmp_path, "version: 1\n")
    inner = workspace(tmp_path / "a" / "b", "version: 1\n")
    deep = inner / "c" / "d"
    deep.mkdir(parents=True)
    assert find_workspace(deep) == inner
    assert find_workspace(outer / "a") == outer


def test_the_search_ends_at_the_git_root_and_says_where_it_looked(tmp_path: Path) -> None:
    workspace(tmp_path, "version: 1\n")
    repository = tmp_path / "repository"
    (repository / "sub").mkdir(parents=True)
    (repository / ".git").mkdir()
    with pytest.raises(UsageError) as caught:
        load_settings(repository / "sub")
    assert (
        caught.value.message
        == f"no costops.yaml was found from {repository.resolve() / 'sub'} up to {repository.resolve()}"
    )
    assert "costops init" in (caught.value.hint or "")
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_workspace_may_be_the_git_root_itself(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\n")
    (root / ".git").write_text("gitdir: elsewhere\n")
    assert find_workspace(root) == root


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("CO202", "1:1", "`version` is missing")),
        ("rules: rules\n", ("CO202", "1:1", "`version` is missing")),
        ("version: 2\n", ("CO601", "1:10", "version 2 of costops.yaml is not known")),
        ('version: "1"\n', ("CO212", "1:10", "a whole number is wanted here")),
        ("- version\n", ("CO203", "1:1", "a mapping of fields is wanted here, this is a list")),
        ("version: 1\n\tx: y\n", ("CO105", "2:1", r"not valid YAML: found character '\t' that cannot start any token")),
        ("version: 1\nreprot: [env]\n", ("CO201", "2:1", "unknown field `reprot`")),
        ("version: 1\ncost: effectivecost\n", ("CO205", "2:7", "`cost` cannot be `effectivecost`")),
        ("version: 1\nreport: []\n", ("CO209", "2:9", "`report` is empty")),
        ("version: 1\nreport: [env, env]\n", ("CO217", "2:15", "`env` stands in `report` twice")),
        ("version: 1\nrules: ../rules\n", ("CO602", "2:8", "the rules folder is outside the workspace")),
        ("version: 1\nrules: .\n", ("CO602", "2:8", "the rules folder is the workspace itself")),
        ("version: 1\nbilling: [{name: a}]\n", ("CO202", "2:12", "`path` is missing")),
        ("version: 1\nbilling: [{name: a, path: b, format: azure}]\n", ("CO205", "2:38", "`billing[0].format` cannot be `azure`")),
        ("version: 1\nbilling: [{name: a, path: b}, {name: a, path: c}]\n", ("CO603", "2:38", "the name `a` stands in `billing` twice")),
        ("version: 1\nbilling: [{name: a, path: b, costs: [x]}]\n", ("CO203", "2:37", "a mapping is wanted here, this is a list")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {a b: x}}]\n", ("CO207", "2:38", '"a b" cannot be an id')),
        ("version: 1\nbilling: [{name: a, path: b, costs: {net: 5}}]\n", ("CO204", "2:43", "text is wanted here, and 5 without quotes is a number")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {net: }}]\n", ("CO211", "2:38", "text is wanted here, this is null")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {ListCost: x}}]\n", ("CO611", "2:38", "a cost column cannot be called `ListCost`, which is a column of FOCUS")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {consumedquantity: x}}]\n", ("CO611", "2:38", "a cost column cannot be called `consumedquantity`, which is a column of FOCUS")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {allocated_by: x}}]\n", ("CO611", "2:38", "a cost column cannot be called `allocated_by`, which means something else where names stand")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {Tags.a: x}}]\n", ("CO611", "2:38", "a cost column cannot be called `Tags.a`, which means something else where names stand")),
        ("version: 1\nbilling: [{name: a, path: b, costs: {net: x}}, {name: b, path: c, costs: {Net: x}}]\n", ("CO611", "2:75", "a cost column cannot be called `Net`, which differs from `net` in case alone")),
        ("version: 1\ncost: nett\nbilling: [{name: a, path: b, costs: {net: x}}]\n", ("CO205", "2:7", "`cost` cannot be `nett`")),
        ("version: 1\nmetric_sources: [{name: a, kind: sql, path: b}]\n", ("CO205", "2:34", "`metric_sources[0].kind` cannot be `sql`")),
        ("version: 1\nchecks: [10]\n", ("CO203", "2:10", "a mapping of fields is wanted here, this is a number")),
        ("version: 1\nchecks: [{of: ServiceName}]\n", ("CO605", "2:11", "this check says nothing to look at")),
        ("version: 1\nchecks: [{max_moved: 1, max_moved_percent: 1, of: ServiceName, currency: USD}]\n", ("CO605", "2:11", "a check has one kind, and this one has `max_moved_percent` and `max_moved`")),
        ("version: 1\nchecks: [{max_moved_percent: 1}]\n", ("CO202", "2:11", "`of` is missing")),
        ("version: 1\nchecks: [{max_moved: 1, of: ServiceName}]\n", ("CO202", "2:11", "`currency` is missing")),
        ("version: 1\nchecks: [{max_moved_percent: 1, of: ServiceName, currency: USD}]\n", ("CO606", "2:50", "`currency` is not used by `max_moved_percent`")),
        ("version: 1\nchecks: [{require_owner: true, of: ServiceName}]\n", ("CO606", "2:32", "`of` is not used by `require_owner`")),
        ("version: 1\nchecks: [{max_moved_percent: 1, of: team}]\n", ("CO607", "2:37", "`team` is not in `report`, and only what is reported can be checked")),
        ("version: 1\nchecks: [{max_moved: -1, of: ServiceName, currency: USD}]\n", ("CO608", "2:22", "the amount -1 is negative")),
        ("version: 1\nchecks: [{max_moved: 0.0000000000001, of: ServiceName, currency: USD}]\n", ("CO608", "2:22", "the amount 0.0000000000001 has more than 12 decimal places")),
        ("version: 1\nchecks: [{max_moved: 1e3, of: ServiceName, currency: USD}]\n", ("CO212", "2:22", 'an amount is wanted here, this is "1e3"')),
        ("version: 1\nchecks: [{max_moved_percent: -1, of: ServiceName}]\n", ("CO502", "2:30", "the percentage -1 is negative")),
        ("version: 1\nchecks: [{require_owner: false}]\n", ("CO205", "2:26", "`checks[0].require_owner` cannot be false")),
        ("version: 1\nchecks: [{require_owner: [allocations]}]\n", ("CO205", "2:27", "`checks[0].require_owner` cannot be `allocations`")),
        ("version: 1\nchecks: [{protect: [], of: ServiceName}]\n", ("CO209", "2:20", "`checks[0].protect` is empty")),
        ("version: 1\nchecks: [{protect: [a, a], of: ServiceName}]\n", ("CO217", "2:24", "`a` stands in `checks[0].protect` twice")),
        ("version: 1\nchecks: [{require_owner: true, severity: fatal}]\n", ("CO205", "2:42", "`checks[0].severity` cannot be `fatal`")),
        ("version: 1\nchecks: [{require_owner: true, override: {until: 2026-12-31}}]\n", ("CO202", "2:43", "`reason` is missing")),
        ("version: 1\nchecks: [{require_owner: true, override: {reason: x}}]\n", ("CO202", "2:43", "`until` is missing")),
        ("version: 1\nchecks: [{require_owner: true, override: {reason: x, until: 2026-02-30}}]\n", ("CO510", "2:61", '"2026-02-30" is no day')),
        ("version: 1\ncache: x\n", ("CO422", "2:1", "`cache` is not built yet")),
        ("version: 1\nrestate_months: 0\n", ("CO609", "2:17", "`restate_months: 0` would leave no month open")),
        ("version: 1\non_bill_change: {}\n", ("CO202", "2:17", "`accept` is missing")),
        (
            "version: 1\non_bill_change: {accept: {tolerance_percent: -1}}\n",
            ("CO502", "2:46", "the percentage -1 is negative"),
        ),
        ("version: 1\nmemory_limit: lots\n", ("CO604", "2:15", '"lots" is no amount of memory')),
        ("version: 1\nmemory_limit: 1 G\n", ("CO604", "2:15", '"1 G" is no amount of memory')),
        ("version: 1\nmemory_limit: 50%\n", ("CO604", "2:15", '"50%" is no amount of memory')),
        ("version: 1\nmemory_limit: -1GiB\n", ("CO604", "2:15", '"-1GiB" is no amount of memory')),
        ("version: 1\nmemory_limit: 67MB\n", ("CO604", "2:15", "a memory limit of 67MB is less than the 64.0 MiB without which the engine cannot begin")),
        ("version: 1\nmemory_limit: 1000000000\n", ("CO204", "2:15", "text is wanted here, and 1000000000 without quotes is a number")),
    ],
)  # fmt: skip
def test_a_mistake_in_costops_yaml_has_its_place(tmp_path: Path, text: str, expected: tuple[str, str, str]) -> None:
    assert errors(tmp_path, text) == [expected]


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    assert [code for code, _, _ in errors(tmp_path, "version: 3\ncost: x\nrules: /tmp\nfoo: 1\n")] == [
        "CO601",
        "CO205",
        "CO602",
        "CO201",
    ]


def test_a_check_hints_at_what_was_meant(tmp_path: Path) -> None:
    text = "version: 1\nreport: [team]\nchecks:\n  - {max_moved_percnt: 1, of: taem}\n  - {max_moved_percent: 1, of: taem}\n"
    with pytest.raises(InvalidRulesError) as caught:
        load_settings(workspace(tmp_path, text))
    assert [(each.code, each.hint) for each in caught.value.diagnostics] == [
        ("CO201", "did you mean `max_moved_percent`?"),
        (
            "CO605",
            "add one of max_moved_percent, max_moved, max_unallocated_percent, max_unallocated, protect, require_owner",
        ),
        ("CO607", "did you mean `team`?"),
    ]


def test_a_check_is_not_held_against_a_report_that_is_wrong(tmp_path: Path) -> None:
    text = "version: 1\nreport: []\nchecks: [{max_moved_percent: 1, of: team}]\n"
    assert [code for code, _, _ in errors(tmp_path, text)] == ["CO209"]


def test_rules_that_leave_the_workspace_through_a_link_are_refused(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    root = workspace(tmp_path / "w", "version: 1\n")
    (root / "rules").symlink_to(outside)
    with pytest.raises(UsageError, match="default: the rules folder is outside the workspace"):
        load_settings(root)


@pytest.mark.parametrize(
    ("flags", "environment", "message"),
    [
        ({"cost": "effective"}, {}, "--cost: `effective` is no cost column"),
        ({}, {"COSTOPS_COST": "x"}, "COSTOPS_COST: `x` is no cost column"),
        ({"rules": ".."}, {}, "--rules: the rules folder is outside the workspace"),
        ({"state": ""}, {}, "--state is empty"),
        ({"report": "env"}, {}, "--report is no setting; flags set rules, state, cost, memory_limit"),
    ],
)
def test_a_flag_or_variable_that_makes_no_sense_is_wrong_usage(
    tmp_path: Path, flags: dict[str, str], environment: dict[str, str], message: str
) -> None:
    root = workspace(tmp_path, "version: 1\n")
    with pytest.raises(UsageError) as caught:
        load_settings(root, flags=flags, environment=environment)
    assert caught.value.message == message


def test_cost_columns_are_those_of_focus_and_then_the_added_ones_in_the_order_of_first_mention(tmp_path: Path) -> None:
    text = (
        "version: 1\ncost: net\nbilling:\n"
        "  - {name: a, path: b, costs: {unblended: x_U, net: lineItem/Net}}\n"
        "  - {name: b, path: c, costs: {x_Net: x_Net, unblended: cost}}\n"
    )
    settings = load_settings(workspace(tmp_path, text)).settings
    focus = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
    assert settings.cost == "net"
    assert settings.cost_columns == (*focus, "unblended", "net", "x_Net")
    assert settings.billing[1].costs == (("x_Net", "x_Net"), ("unblended", "cost"))


def test_a_mistake_in_an_added_cost_column_does_not_make_its_name_unknown(tmp_path: Path) -> None:
    text = "version: 1\ncost: net\nbilling: [{name: a, path: b, costs: {net: 5}}]\n"
    assert [code for code, _, _ in errors(tmp_path, text)] == ["CO204"]


def test_a_flag_or_variable_may_name_an_added_cost_column(tmp_path: Path) -> None:
    root = workspace(tmp_path, "version: 1\nbilling: [{name: a, path: b, costs: {net: x}}]\n")
    assert load_settings(root, flags={"cost": "net"}).settings.cost == "net"
    assert load_settings(root, environment={"COSTOPS_COST": "net"}).settings.cost == "net"


def test_added_cost_columns_and_their_order_are_a_change_of_the_settings(tmp_path: Path) -> None:
    def canonical(costs: str) -> str:
        billing = f"billing: [{{name: a, path: b{costs}}}]\n"
        return load_settings(workspace(tmp_path, f"version: 1\n{billing}")).settings.canonical()

    assert '"costs"' not in canonical("")
    found = [canonical(f", costs: {{{costs}}}") for costs in ("", "x: a, y: b", "y: b, x: a", "x: a, y: c")]
    assert found[0] == canonical("")
    assert len(set(found)) == 4


def test_the_table_says_the_defaults_that_hold() -> None:
    assert {field.name: field.default for field in SETTINGS if field.default} == {
        "rules": "rules/",
        "state": "state/costops.db",
        "cost": "EffectiveCost",
        "report": "[ServiceName]",
        "billing": "[]",
        "metric_sources": "[]",
        "checks": "[]",
    }
