"""How a saved plan differs from the plan that is made now, and how a person is told."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.render.golden.plans import CHANGE, FIRST, MONEY, cents
from unit.state.stores import draft_of, three_days

from costops.errors import StaleError, UsageError
from costops.model.bill import SourceFile
from costops.model.plan import ElementCost, Plan, Total
from costops.model.version import Base, RuleRevision, Version
from costops.planning.review import Here, check_digest, review, review_digest
from costops.planning.stale import drift_between, file_drifts
from costops.render.stale_text import SHOWN, bill_moved_text, digest_lines, drift_lines


def rule(id: str, kind: str = "allocation", **fields: str) -> RuleRevision:
    inner = ",".join(f'"{name}":"{value}"' for name, value in sorted({"id": id, **fields}.items()))
    return RuleRevision(kind=kind, id=id, canonical=f"{{{inner}}}", text="", file="rules/a.yaml", line=len(id))


def version(number: int, plan_digest: str = "0" * 64, **fields: object) -> Version:
    return Version(
        number=number,
        serial=number,
        previous_hash="",
        hash="",
        draft=draft_of(three_days(), plan_digest=plan_digest, moved=(("USD", cents("1,234.56")),), **fields),
    )


PLAN = replace(CHANGE, rules=tuple(rule(each) for each in "abcd"), base=Base(version=1, serial=1, lineage="one"))


def told(saved: Plan, now: Plan, *versions: Version) -> list[str]:
    return drift_lines(drift_between(saved, now, versions))


def test_entries_are_told_by_what_was_done_to_them() -> None:
    now = replace(
        PLAN,
        rules=(rule("new", kind="label"), rule("b"), rule("c", method="even"), rule("a"), rule("e")),
    )
    drift = drift_between(PLAN, now, ())
    assert [(each.action, each.kind, each.id) for each in drift.rules] == [
        ("remove", "allocation", "d"),
        ("add", "label", "new"),
        ("change", "allocation", "c"),
        ("move", "allocation", "a"),
        ("add", "allocation", "e"),
    ]
    lines = drift_lines(drift)
    assert lines[0] == "rules: 2 added, 1 changed, 1 removed, 1 moved since the plan"
    assert "    ~ allocation c   rules/a.yaml:1" in lines
    assert "          method  (none)  ->  even" in lines


def test_a_rule_that_is_edited_and_moved_is_told_as_both() -> None:
    now = replace(PLAN, rules=(rule("b"), rule("c"), rule("d"), rule("a", method="even")))
    changes = drift_between(PLAN, now, ()).rules
    assert [(each.action, each.id) for each in changes] == [("change", "a"), ("move", "a")]


def test_tables_are_told_apart_from_rules() -> None:
    tables = [
        RuleRevision(kind="lookup", id="t.csv", canonical=f'{{"rows":{rows}}}', text="", file="rules/t.csv", line=1)
        for rows in ('{"a":"x","b":"x"}', '{"a":"y","b":"x"}')
    ]
    saved, now = (replace(PLAN, rules=(table, *PLAN.rules)) for table in tables)
    drift = drift_between(saved, now, ())
    assert drift.rules == ()
    assert [(each.action, each.id) for each in drift.lookups] == [("change", "t.csv")]
    assert [(each.path, each.before, each.after) for each in drift.lookups[0].fields] == [("rows.a", "x", "y")]
    assert drift_lines(drift)[0] == "lookup tables: 1 changed since the plan"


def test_files_are_compared_by_source_name_and_content() -> None:
    saved = [SourceFile("cloud", "a.csv", "1"), SourceFile("cloud", "b.csv", "2"), SourceFile("cloud", "c.csv", "3")]
    now = [SourceFile("cloud", "c.csv", "4"), SourceFile("other", "a.csv", "1"), SourceFile("cloud", "b.csv", "2")]
    found = [(each.action, each.source, each.name) for each in file_drifts(saved, now)]
    assert found == [("remove", "cloud", "a.csv"), ("change", "cloud", "c.csv"), ("add", "other", "a.csv")]
    assert file_drifts(saved, saved[::-1]) == ()


def test_versions_since_the_plan_are_told_with_what_they_moved() -> None:
    now = replace(PLAN, base=Base(version=3, serial=3, lineage="one"))
    lines = told(PLAN, now, version(3, PLAN.plan_digest), version(2, actor="eve\x1b[2J"), version(1))
    assert lines[0] == "state: it is at version 3 (serial 3), and the plan was made from version 1 (serial 1)"
    assert [line.split()[1] for line in lines[1:3]] == ["3,", "2,"]
    assert r"by eve\x1b[2J, moved USD 1,234.56" in lines[2]
    assert lines[3] == "    version 3 was applied from this very plan"


def test_a_version_of_another_state_did_not_come_after_the_plan() -> None:
    drift = drift_between(PLAN, replace(PLAN, base=Base(version=3, serial=3, lineage="two")), (version(3), version(2)))
    assert drift.versions == ()
    assert drift_lines(drift)[0] == "state: it is another one: its lineage is two, the plan's is one"


def test_a_state_that_was_made_since_the_first_plan_tells_its_versions() -> None:
    first = replace(PLAN, base=Base(version=None, serial=0, lineage=None))
    lines = told(first, PLAN, version(1))
    expected = "state: it is at version 1 (serial 1), and the plan was made from nothing, before the first apply"
    assert lines[0] == expected
    assert lines[1].startswith("    version 1, ")


def test_the_bill_is_told_with_rows_and_every_total_that_differs() -> None:
    saved = replace(PLAN, totals=(Total("USD", "BilledCost", MONEY, MONEY), Total("USD", "ListCost", 5, 5)))
    now = replace(
        saved,
        bill=replace(PLAN.bill, rows=PLAN.bill.rows + 1),
        bill_files=PLAN.bill_files[:1],
        totals=(Total("USD", "BilledCost", 3 * MONEY, 3 * MONEY), Total("USD", "ListCost", 6, 6), *saved.totals[2:]),
    )
    assert told(saved, now)[:5] == [
        "bill: 1 file gone",
        "    - bill/2026-08.parquet   source cloud",
        "    10,000,000 rows -> 10,000,001 rows",
        "    USD BilledCost 1.00 -> 3.00 (+2.00)",
        "    USD ListCost 0.00 -> 0.00 (0.000000000001)",
    ]


def test_a_bill_of_other_files_and_the_same_cost_says_so() -> None:
    now = replace(PLAN, bill_files=(*PLAN.bill_files, SourceFile("cloud", "bill/empty.csv", "9")))
    assert "    the totals of every cost column are the same" in told(PLAN, now)


def test_only_what_decides_a_result_is_a_cause() -> None:
    moved = replace(PLAN, target_label="rules at 1234567", rules=tuple(replace(each, line=99) for each in PLAN.rules))
    assert not drift_between(PLAN, moved, ()).has_cause
    assert told(PLAN, moved)[0].startswith("result: the same state, rules, settings, usage numbers and bill give ")
    newer = replace(PLAN, engine="costops 9.9, duckdb 9.9")
    assert told(PLAN, newer)[0] == (
        "engine: costops 9.9, duckdb 9.9 here, the plan was made by costops 0.1.0, duckdb 2.0.0"
    )


def test_money_is_compared_only_by_dimensions_of_both_and_beyond_a_residue() -> None:
    saved = replace(
        PLAN,
        dimensions=("team", "env"),
        result=(ElementCost("team", "a", "USD", MONEY), ElementCost("env", "p", "USD", MONEY)),
    )
    now = replace(
        saved,
        dimensions=("team", "region"),
        result=(ElementCost("team", "a", "USD", MONEY + 999), ElementCost("region", "r", "USD", MONEY)),
    )
    assert drift_between(saved, now, ()).money == ()
    more = replace(now, result=(ElementCost("team", None, "USD", MONEY),))
    assert [(each.value, each.before, each.after) for each in drift_between(saved, more, ()).money] == [
        (None, 0, MONEY),
        ("a", MONEY, 0),
    ]
    assert "Applied now, EffectiveCost would differ from the plan: by team USD 1.00 elsewhere" in told(saved, more)
    assert drift_between(saved, replace(more, cost="ListCost"), ()).money == ()


def test_a_long_list_is_cut_with_a_count() -> None:
    many = tuple(SourceFile("cloud", f"{number:03d}.csv", "1") for number in range(SHOWN + 5))
    now = replace(PLAN, bill_files=many, rules=tuple(rule(f"r{number}") for number in range(40)))
    lines = told(PLAN, now)
    assert "    ... 7 more" in lines
    assert "    ... 34 more" in lines
    assert "bill: 15 files added, 2 gone" in lines
    assert "rules: 40 added, 4 removed since the plan" in lines
    assert "... 7 more" in bill_moved_text(file_drifts(PLAN.bill_files, many))


# The review


def here(plan: Plan, **fields: object) -> Here:
    common: dict[str, object] = {
        "base": plan.base,
        "rules_digest": plan.rules_digest,
        "settings": plan.settings,
        "metrics_digest": plan.metrics_digest,
        "bill_digest": plan.bill.digest,
        "bill_files": plan.bill_files,
        "plan": lambda: plan,
        "plan_on_kept_cells": lambda: None,
        "versions": tuple,
    }
    return Here(**{**common, **fields})  # type: ignore[arg-type]


def test_the_same_plan_passes_wherever_its_rules_stand_and_whoever_made_it() -> None:
    change = replace(PLAN.changes[0], file="rules/z.yaml", line=77)
    again = replace(PLAN, base_label="x", target_label="y", engine="z", changes=(change,))
    assert review(PLAN, here(again)).plan is again


def test_a_file_that_shows_other_money_than_its_plan_is_refused() -> None:
    line = replace(PLAN.changes[0].money[0], after=MONEY)
    assert line != PLAN.changes[0].money[0]
    forged = replace(PLAN, changes=(replace(PLAN.changes[0], money=(line, *PLAN.changes[0].money[1:])),))
    with pytest.raises(StaleError, match=r"changes\[0\]\.money\[0\]\.(after|delta) differs; it was changed by hand;"):
        review(forged, here(PLAN))


def test_a_file_that_hides_a_warning_is_refused() -> None:
    saved = replace(PLAN, diagnostics=())
    with pytest.raises(StaleError, match="diagnostics differs"):
        review(saved, here(replace(PLAN, diagnostics=FIRST.diagnostics)))


def test_kept_cells_count_only_where_nothing_but_the_bill_moved_and_they_give_the_plan() -> None:
    calls = []

    def on_kept() -> Plan | None:
        calls.append("kept")
        return PLAN

    other = replace(PLAN, plan_digest="5" * 64)
    reviewed = review(PLAN, here(other, bill_digest="0" * 64, bill_files=(), plan_on_kept_cells=on_kept))
    assert reviewed.plan is PLAN
    assert reviewed.bill_moved is not None
    assert [each.action for each in reviewed.bill_moved] == ["remove", "remove"]
    for field, value in {
        "rules_digest": "1",
        "settings": "{}",
        "metrics_digest": "2",
        "base": Base(version=9, serial=9, lineage="one"),
    }.items():
        calls.clear()
        with pytest.raises(StaleError):
            review(PLAN, here(other, bill_digest="0" * 64, plan_on_kept_cells=on_kept, **{field: value}))
        assert calls == []
    with pytest.raises(StaleError):
        review(PLAN, here(other, bill_digest="0" * 64, plan_on_kept_cells=lambda: other))
    with pytest.raises(StaleError):
        review(PLAN, here(other, bill_digest="0" * 64, plan_on_kept_cells=lambda: None))


def test_a_digest_must_be_whole() -> None:
    assert check_digest(f" {'AB' * 32} ") == "ab" * 32
    for wrong in ("", "ab" * 31, "g" * 64, "ab" * 33, "١" * 64):
        with pytest.raises(UsageError, match="64 hexadecimal digits"):
            check_digest(wrong)


def test_a_digest_of_another_plan_tells_both_and_the_version_that_has_it() -> None:
    assert review_digest(PLAN.plan_digest, PLAN, tuple) is PLAN
    with pytest.raises(StaleError) as caught:
        review_digest("a" * 64, PLAN, lambda: (version(4), version(3, "a" * 64)))
    assert caught.value.reasons == tuple(digest_lines(PLAN, "a" * 64, 3))
    assert caught.value.reasons[0].split() == ["asked", "for", "a" * 64]
    assert caught.value.reasons[1].split() == ["here", PLAN.plan_digest]
    assert caught.value.reasons[-1] == "version 3 was applied from the plan that was asked for"
