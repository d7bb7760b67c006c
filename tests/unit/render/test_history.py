"""Versions as text and JSON."""

from __future__ import annotations

import json
from dataclasses import replace

from costops.model.record import MonthEvent
from costops.model.sums import LedgerSums
from costops.model.version import BillSummary, RuleRevision, Version, VersionDraft
from costops.render.history import history_json, history_text, version_json, version_text


def rule(kind: str, id: str, canonical: str, file: str, line: int) -> RuleRevision:
    return RuleRevision(kind=kind, id=id, canonical=canonical, text=f"- id: {id}", file=file, line=line)


DRAFT = VersionDraft(
    applied_at="2026-11-18T09:14:07Z",
    actor="mara@example.com",
    commit="7be01d4a41c9e27be01d4a41c9e27be01d4a41c9",
    dirty=False,
    cause="apply",
    rules=(
        rule("label", "env", '{"from":["Tags.env"],"id":"env"}', "rules/10.yaml", 2),
        rule("allocation", "support-by-env", '{"id":"support-by-env","method":"even"}', "rules/30.yaml", 14),
    ),
    rules_digest="a" * 64,
    settings='{"cost": "EffectiveCost"}',
    metrics_digest="",
    bill=BillSummary(digest="b" * 64, rows=12_418, first_month="2026-07", last_month="2026-09"),
    engine="costops 0.1.0, duckdb 2.0.0",
    cost="EffectiveCost",
    dimensions=("env", "team"),
    cost_columns=("BilledCost", "EffectiveCost"),
    plan_digest="c" * 64,
    result_digest="d" * 64,
    moved=(("EUR", 10**12), ("USD", 22_410_700_000_000_000)),
    summary="1 to add, 1 to change, 0 to remove, 0 to move, 0 to rename",
)
FIRST = Version(
    number=1,
    serial=1,
    previous_hash="0" * 64,
    hash="e" * 64,
    draft=replace(DRAFT, commit=None, dirty=None, moved=(), actor="ci", applied_at="2026-11-01T23:59:59Z"),
)
SECOND = Version(number=2, serial=3, previous_hash="e" * 64, hash="f" * 64, draft=replace(DRAFT, dirty=True))
THIRD = Version(number=3, serial=4, previous_hash="f" * 64, hash="9" * 64, draft=DRAFT)

TOTALS = LedgerSums(
    3, (), ("BilledCost", "EffectiveCost"), (((), "EUR", (10**15, 10**15)), ((), "USD", (5 * 10**15, 10**16)))
)
COVERAGE = (
    LedgerSums(
        3, ("env",), TOTALS.cost_columns, (((None,), "USD", (0, 142 * 10**13)), (("p",), "USD", (0, 8 * 10**15)))
    ),
    LedgerSums(3, ("team",), TOTALS.cost_columns, (((None,), "EUR", (7, 10**15)), ((None,), "USD", (1, 5 * 10**14)))),
)


def test_the_history_is_a_line_a_version() -> None:
    summary = "1 to add, 1 to change"
    columns = "version  when (UTC)        by                commit                      cause  moved"
    assert history_text([THIRD, SECOND, FIRST]).splitlines() == [
        f"{columns}                    changes",
        "      3  2026-11-18 09:14  mara@example.com  7be01d4                     apply  "
        f"EUR 1.00, USD 22,410.70  {summary}",
        "      2  2026-11-18 09:14  mara@example.com  7be01d4 with local changes  apply  "
        f"EUR 1.00, USD 22,410.70  {summary}",
        "      1  2026-11-01 23:59  ci                -                           apply  "
        f"nothing                  {summary}",
    ]


EVENTS = tuple(
    MonthEvent(
        serial=serial,
        month=month,
        status=status,
        reason=reason,
        actor="finance\x1b",
        at=f"2026-11-{10 + serial:02}T08:00:00Z" if status == "open" else "2026-11-12T08:00:00Z",
        previous_hash="0" * 64,
        hash="1" * 64,
    )
    for serial, month, status, reason in (
        (6, "2026-08", "open", "a late\ncredit"),
        (5, "2026-09", "closed", None),
        (4, "2026-08", "closed", None),
        (3, "2026-06", "closed", None),
    )
)


def test_closings_stand_in_their_place_and_those_of_one_command_together() -> None:
    restated = replace(
        DRAFT, cause="restate", reason="late credit", restated=("2026-08",), moved=(), summary="0 to add"
    )
    versions = (replace(THIRD, serial=7, draft=restated), replace(FIRST, serial=2))
    assert history_text(versions, EVENTS).splitlines() == [
        "version  when (UTC)        by                commit   cause    moved    changes",
        "      3  2026-11-18 09:14  mara@example.com  7be01d4  restate  nothing  no rule changes; restates 2026-08",
        "         reason: late credit",
        "         2026-11-16 08:00  finance\\x1b                reopen            reopens 2026-08",
        "         reason: a late\\ncredit",
        "         2026-11-12 08:00  finance\\x1b                close             closes 2026-06, 2026-08..2026-09",
        "      1  2026-11-01 23:59  ci                -        apply    nothing  1 to add, 1 to change",
    ]


def test_the_history_for_machines_has_events_and_why() -> None:
    restated = replace(DRAFT, cause="restate", reason="late credit", restated=("2026-08",), carried=("2026-07",))
    document = json.loads(history_json([replace(THIRD, draft=restated)], EVENTS))
    assert [each["serial"] for each in document["events"]] == [6, 5, 4, 3]
    assert document["events"][0]["reason"] == "a late\ncredit"
    version = document["versions"][0]
    assert (version["cause"], version["reason"]) == ("restate", "late credit")
    assert (version["restated"], version["carried"]) == (["2026-08"], ["2026-07"])


def test_one_version_says_why_and_which_months_it_restated_and_carried() -> None:
    draft = replace(
        DRAFT,
        cause="restate",
        reason="late\x1bcredit",
        restated=("2026-08",),
        carried=("2026-05", "2026-06", "2026-07"),
    )
    lines = version_text(replace(THIRD, draft=draft), TOTALS, COVERAGE).splitlines()
    assert lines[3:7] == [
        "cause     restate",
        "reason    late\\x1bcredit",
        "restated  2026-08",
        "carried   2026-05..2026-07",
    ]


def test_one_version_says_who_when_what_and_how_much() -> None:
    assert version_text(THIRD, TOTALS, COVERAGE) == (
        "version  3\n"
        "applied  2026-11-18 09:14 UTC by mara@example.com\n"
        "commit   7be01d4\n"
        "cause    apply\n"
        "changes  1 to add, 1 to change, 0 to remove, 0 to move, 0 to rename\n"
        "bill     2026-07..2026-09, 12,418 rows, digest bbbbbbbbbbbb\n"
        "rules    digest aaaaaaaaaaaa\n"
        "plan     digest cccccccccccc\n"
        "result   digest dddddddddddd\n"
        "engine   costops 0.1.0, duckdb 2.0.0\n"
        "\n"
        "EUR  BilledCost 1,000.00, EffectiveCost 1,000.00\n"
        "     unallocated EffectiveCost by env 0.0 %, by team 100.0 %\n"
        "\n"
        "USD  BilledCost 5,000.00, EffectiveCost 10,000.00\n"
        "     unallocated EffectiveCost by env 14.2 %, by team 5.0 %\n"
        "\n"
        "label       env             rules/10.yaml:2\n"
        "allocation  support-by-env  rules/30.yaml:14\n"
    )


def test_a_version_of_one_month_names_it_once() -> None:
    one = replace(THIRD, draft=replace(DRAFT, bill=replace(DRAFT.bill, last_month="2026-07", rows=1)))
    assert "bill     2026-07, 1 row, digest" in version_text(one, TOTALS, COVERAGE)


def test_a_version_without_cost_has_no_totals() -> None:
    text = version_text(THIRD, replace(TOTALS, rows=()), ())
    assert "unallocated" not in text
    assert "support-by-env" in text


def test_the_history_for_machines_has_every_digest_and_exact_amounts() -> None:
    document = json.loads(history_json([SECOND, FIRST]))
    assert document["format_version"] == "1.0"
    assert [each["version"] for each in document["versions"]] == [2, 1]
    second, first = document["versions"]
    assert second["moved"] == [
        {"BillingCurrency": "EUR", "amount": "1"},
        {"BillingCurrency": "USD", "amount": "22410.7"},
    ]
    assert second["commit"] == "7be01d4a41c9e27be01d4a41c9e27be01d4a41c9"
    assert second["dirty"] is True
    assert (first["commit"], first["dirty"], first["moved"]) == (None, None, [])
    assert (second["previous_hash"], first["hash"]) == ("e" * 64, "e" * 64)
    assert second["bill"] == {"digest": "b" * 64, "rows": 12418, "from": "2026-07", "until": "2026-09"}
    assert [second[name] for name in ("rules_digest", "plan_digest", "result_digest")] == ["a" * 64, "c" * 64, "d" * 64]
    assert second["applied_at"] == "2026-11-18T09:14:07Z"


def test_one_version_for_machines_has_its_rules_and_totals() -> None:
    document = json.loads(version_json(THIRD, TOTALS))
    assert document["version"] == 3
    assert document["totals"] == [
        {"BillingCurrency": "EUR", "BilledCost": "1000", "EffectiveCost": "1000"},
        {"BillingCurrency": "USD", "BilledCost": "5000", "EffectiveCost": "10000"},
    ]
    assert document["rules"][1] == {
        "kind": "allocation",
        "id": "support-by-env",
        "file": "rules/30.yaml",
        "line": 14,
        "rule": {"id": "support-by-env", "method": "even"},
    }


def test_nothing_of_a_name_reaches_the_terminal_raw() -> None:
    odd = replace(THIRD, draft=replace(DRAFT, actor="mara\x1b[2J\n"))
    for text in (history_text([odd]), version_text(odd, TOTALS, COVERAGE)):
        assert "\x1b" not in text
        assert "mara\\x1b[2J\\n" in text


def test_nothing_of_a_file_name_reaches_the_terminal_raw() -> None:
    moved = replace(DRAFT.rules[0], file="rules/\x1b[2J.yaml")
    odd = replace(THIRD, draft=replace(DRAFT, rules=(moved,)))
    assert "\x1b" not in version_text(odd, TOTALS, COVERAGE)
