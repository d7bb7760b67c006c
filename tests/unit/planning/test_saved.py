"""Plan files: written whole or not at all, and read only where their content gives their own digests."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.render.golden.plans import CHANGE, plan

from costops.errors import CostopsError, StaleError, UsageError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.model.bill import SourceFile
from costops.model.plan import Plan
from costops.model.version import RuleRevision
from costops.planning.binding import plan_digest
from costops.planning.saved import read_plan, write_plan
from costops.render.plan_json import document_digest, plan_json
from costops.sources.digest import digest_of


def honest(given: Plan) -> Plan:
    """A plan whose digests are those of its content."""
    made = replace(
        given,
        rules_digest=rules_digest(rules_from_revisions(given.rules)),
        settings=json.dumps({"cost": given.cost, "report": list(given.dimensions)}, sort_keys=True),
        metrics_digest=digest_of((each.name, each.sha256) for each in given.metric_files),
        bill=replace(given.bill, digest=digest_of((each.name, each.sha256) for each in given.bill_files)),
    )
    digest = plan_digest(
        made.base,
        rules_digest=made.rules_digest,
        settings=made.settings,
        metrics_digest=made.metrics_digest,
        bill_digest=made.bill.digest,
        result_digest=made.result_digest,
    )
    return replace(made, plan_digest=digest)


TABLE = RuleRevision(
    kind="lookup", id="teams.csv", canonical='{"id":"teams.csv","rows":{"a":"Retail"}}', text="", file="rules/t", line=1
)
PLAN = honest(replace(CHANGE, rules=(TABLE, *CHANGE.rules)))


def test_a_written_plan_reads_back(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    write_plan(file, PLAN)
    assert read_plan(file) == PLAN
    assert file.read_text(encoding="utf-8") == plan_json(PLAN)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_an_older_plan_an_empty_file_and_a_changed_plan_are_replaced(tmp_path: Path) -> None:
    older = plan_json(honest(plan()))
    for number, content in enumerate(
        [older, "", older.replace("version 12", "version 13"), older.replace('"1.0"', '"9"')]
    ):
        file = tmp_path / f"{number}.json"
        file.write_text(content, encoding="utf-8")
        write_plan(file, PLAN)
        assert read_plan(file) == PLAN


def test_a_link_stays_a_link_to_the_plan(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "plan.json")
    write_plan(tmp_path / "link.json", PLAN)
    assert (tmp_path / "link.json").is_symlink()
    assert read_plan(tmp_path / "plan.json") == PLAN


@pytest.mark.parametrize("content", ["version: 1\n", "{}", "[1]", '{"format_version": "1.0"}', plan_json(PLAN)[:900]])
def test_what_is_no_plan_is_never_written_over(tmp_path: Path, content: str) -> None:
    file = tmp_path / "costops.yaml"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="is there already and is no plan; it was left as it is"):
        write_plan(file, PLAN)
    assert file.read_text(encoding="utf-8") == content


def test_a_folder_that_cannot_take_the_file_is_told_and_nothing_stays_behind(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no folder"):
        write_plan(tmp_path / "none" / "plan.json", PLAN)
    long = tmp_path / ("x" * 250 + ".json")
    with pytest.raises(CostopsError, match="cannot be written to"):
        write_plan(long, PLAN)
    assert list(tmp_path.iterdir()) == []


# What is no plan


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"PK\x03\x04\xff\xff", "it is not UTF-8"),
        (b"hello", "it is not JSON from line 1 on"),
        (b'{"a": 1}\n{"b": 2}', "it is not JSON from line 2 on"),
        (plan_json(PLAN).encode()[:1000], "it ends in the middle"),
        (plan_json(PLAN).encode()[:-3], "it ends in the middle"),
        (b"[" * 100_000, "it is nested too deeply"),
        (b"[1, 2]", "it is another JSON document"),
        (b'{"format_version": "1.0", "plan_digest": "x"}', "it is another JSON document"),
        (b'{"a": 1, "a": 2}', "a key stands in one object twice"),
        (b'{"a": 1.5}', "it has the number 1.5, and plans have decimal text"),
        (b'{"a": NaN}', "it has the number NaN, and plans have decimal text"),
        (b'{"a": ' + b"1" * 5000 + b"}", "integer string conversion"),
    ],
)
def test_what_is_no_plan_is_refused_as_wrong_use(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_plan(file)
    assert told in caught.value.message
    assert str(file) in caught.value.message
    assert caught.value.hint


def test_a_plan_of_another_format_names_both(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(plan_json(PLAN).replace('"format_version": "1.0"', '"format_version": "2.0"'), encoding="utf-8")
    with pytest.raises(UsageError, match=r"is a plan of the format 2\.0, and this costops knows 1\.0"):
        read_plan(file)


def test_a_file_that_is_not_there_or_is_a_folder_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file"):
        read_plan(tmp_path / "plan.json")
    with pytest.raises(UsageError, match="is a folder, no plan"):
        read_plan(tmp_path)
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(CostopsError, match="cannot be read"):
        read_plan(tmp_path / "loop")


# What was changed by hand


def edit(file: Path, change: Callable[[Any], None]) -> None:
    """Changes a plan file and gives it the document digest of what it says now, as no hand slip would."""
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    document["document_digest"] = document_digest(document)
    file.write_text(json.dumps(document), encoding="utf-8")


def in_rule(document: Any) -> None:
    document["rules"][-1]["rule"]["method"] = "even"


def in_table(document: Any) -> None:
    document["rules"][0]["rule"]["rows"]["a"] = "Media"


def in_order(document: Any) -> None:
    document["rules"].append({**document["rules"][-1], "id": "z", "rule": {**document["rules"][-1]["rule"], "id": "z"}})


def in_bill(document: Any) -> None:
    document["bill"]["files"][0]["sha256"] = "9" * 64


def in_metrics(document: Any) -> None:
    document["metric_files"].pop()


def in_cost(document: Any) -> None:
    document["cost"] = "BilledCost"


def in_report(document: Any) -> None:
    document["report"].append("ServiceName")


def in_result(document: Any) -> None:
    document["result_digest"] = "9" * 64


def in_base(document: Any) -> None:
    document["base"]["serial"] += 1


def in_digest(document: Any) -> None:
    document["plan_digest"] = "9" * 64


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (in_rule, "its rules do not give its rules_digest"),
        (in_table, "its rules do not give its rules_digest"),
        (in_order, "its rules do not give its rules_digest"),
        (in_bill, "its files of the bill do not give its bill.digest"),
        (in_metrics, "its metric files do not give its metrics_digest"),
        (in_cost, "its settings have another cost"),
        (in_report, "its settings have another report"),
        (in_result, "its parts do not give its plan_digest"),
        (in_base, "its parts do not give its plan_digest"),
        (in_digest, "its parts do not give its plan_digest"),
    ],
)
def test_an_edit_that_hides_its_traces_from_the_document_digest_is_found(
    tmp_path: Path, change: Callable[[Any], None], told: str
) -> None:
    file = tmp_path / "plan.json"
    write_plan(file, PLAN)
    edit(file, change)
    with pytest.raises(StaleError) as caught:
        read_plan(file)
    assert told in caught.value.message
    assert caught.value.exit_code == 5


def test_any_other_edit_is_found_by_the_document_digest(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    text = plan_json(PLAN)
    document = json.loads(text)
    for key, value in document.items():
        other = {**document, key: "x" if value != "x" else "y"} if key not in ("format_version",) else None
        if other is None:
            continue
        file.write_text(json.dumps(other), encoding="utf-8")
        with pytest.raises(StaleError, match="its content does not give its document_digest"):
            read_plan(file)


def test_another_layout_is_no_edit(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(json.loads(plan_json(PLAN)), sort_keys=True, separators=(",", ":")), encoding="utf-8")
    assert plan_json(read_plan(file)) == plan_json(PLAN)


def in_kind(document: Any) -> None:
    document["rules"][0]["kind"] = "magic"


def in_rows(document: Any) -> None:
    document["rules"][0]["rule"]["rows"] = ["a"]


def in_method(document: Any) -> None:
    document["rules"][-1]["rule"]["method"] = "fairly"


@pytest.mark.parametrize("change", [in_kind, in_rows, in_method])
def test_rules_that_are_none_are_refused(tmp_path: Path, change: Callable[[Any], None]) -> None:
    file = tmp_path / "plan.json"
    write_plan(file, PLAN)
    edit(file, change)
    with pytest.raises(UsageError, match="is no plan: "):
        read_plan(file)


def test_one_usage_file_of_two_sources_counts_once(tmp_path: Path) -> None:
    twice = (SourceFile("one", "usage.csv", "3" * 64), SourceFile("two", "usage.csv", "3" * 64))
    once = honest(replace(PLAN, metric_files=twice[:1]))
    file = tmp_path / "plan.json"
    write_plan(file, replace(once, metric_files=twice))
    assert read_plan(file).metric_files == twice
