"""Blame as text: what is shown adds up, what is hidden is counted, and nothing reaches the terminal raw."""

from __future__ import annotations

import json
from dataclasses import replace

from unit.render.test_history import DRAFT, SECOND, THIRD

from costops.model.blame import Blame, BlameCost, BlamePart, BlameStep
from costops.model.record import RecordedChange
from costops.render.blame import blame_json, blame_text

PICOS = 10**12
BILL = RecordedChange(action="bill")
METRICS = RecordedChange(action="metrics")


def change(identity: str, action: str = "change", previous: str | None = None) -> RecordedChange:
    return RecordedChange(
        action=action, kind="allocation", id=identity, previous_id=previous, file="rules/30.yaml", line=14
    )


def part(of: RecordedChange, amount: int, cause: str = "rule", rule: str | None = None) -> BlamePart:
    return BlamePart(of, cause, rule, "USD", amount)


def step(*parts: BlamePart, before: int | None = 0, after: int = 0, **fields: object) -> BlameStep:
    made = BlameStep(version=THIRD, dimension="team", costs=(BlameCost("USD", before, after),), parts=parts)
    return replace(made, **fields)  # type: ignore[arg-type]


def text(*steps: BlameStep, value: str | None = "checkout", everything: bool = False) -> list[str]:
    return blame_text(Blame("team", value, steps), everything=everything).splitlines()


def test_every_cause_says_what_changed_where_and_how_it_got_there() -> None:
    parts = (
        part(BILL, 600 * PICOS, "bill"),
        part(METRICS, -500 * PICOS, "metrics"),
        part(change("support", "move"), 400 * PICOS, "order", "support"),
        part(change("env", "rename", "stage"), -300 * PICOS, "upstream", "network"),
        part(change("tax", "add"), 200 * PICOS, "rule", "tax"),
        part(change("owner", "remove"), -100 * PICOS, "rule", "split"),
    )
    one = step(*parts, before=1000 * PICOS, after=1310 * PICOS)
    assert text(one, everything=True)[2:] == [
        "version 3 (7be01d4, 2026-11-18 09:14 UTC) by mara@example.com     EffectiveCost",
        "  USD 1,000.00 -> 1,310.00   +310.00   +31.0 %",
        "    +600.00  the bill",
        "    -500.00  the usage numbers",
        "    +400.00  ^ allocation support          rules/30.yaml:14  its place in the order, through support",
        "    -300.00  > allocation env (was stage)  rules/30.yaml:14  what reaches network",
        "    +200.00  + allocation tax              rules/30.yaml:14",
        "    -100.00  - allocation owner            rules/30.yaml:14  through split",
        "     +10.00  not told apart",
    ]
    assert text(one)[-1] == "    ... 2 more (--all)"


def test_cents_of_causes_add_up_to_the_change_that_is_shown() -> None:
    third = PICOS // 300
    one = step(*(part(change(name), third) for name in "abc"), before=0, after=3 * third)
    lines = text(one)
    assert lines[3] == "  USD 0.00 -> 0.01   +0.01   new"
    assert sorted(line.split()[0] for line in lines[4:]) == ["+0.01", "0.00", "0.00"]


def test_an_older_version_says_that_its_causes_were_not_kept() -> None:
    one = replace(step(before=PICOS, after=3 * PICOS), parts=None)
    assert text(one)[3:] == [
        "  USD 1.00 -> 3.00   +2.00   +200.0 %",
        "    its causes were not kept: an older costops wrote this version",
    ]


def test_what_the_version_before_did_not_report_is_said() -> None:
    assert text(step(before=None, after=PICOS))[3:] == ["  USD 1.00, which the version before did not report"]


def test_versions_that_did_nothing_are_counted() -> None:
    idle = replace(step(before=PICOS, after=PICOS), version=SECOND)
    empty = replace(idle, costs=())
    lines = text(step(before=0, after=PICOS), idle, empty)
    assert lines[-1] == "... 2 versions that did not move it (--all)"
    lines = text(idle, empty, everything=True)
    assert lines[3] == "  USD 1.00 -> 1.00   no change"
    assert lines[-1] == "  no cost"


def test_another_name_and_a_reason_are_said_and_nothing_is_raw() -> None:
    draft = replace(DRAFT, cause="rollback", reason="bad\x1b[2J", actor="m\nx")
    odd = step(part(change("a\x1b"), PICOS), after=PICOS, dimension="squad\x1b", version=replace(THIRD, draft=draft))
    shown = "\n".join(text(odd, value="c\u202e"))
    assert "\x1b" not in shown
    assert "costops blame   team = c\\u202e" in shown
    assert "  team was called squad\\x1b" in shown
    assert "by m\\nx, rollback" in shown
    assert "  reason: bad\\x1b[2J" in shown
    assert text(odd, value=None)[0] == "costops blame   team = (unallocated)"


def test_the_document_has_exact_amounts_and_null_where_nothing_is_known() -> None:
    known = step(part(BILL, -1, "bill"), before=1, after=PICOS)
    unknown = replace(step(before=None, after=1), parts=None)
    document = json.loads(blame_json(Blame("team", None, (known, unknown))))
    assert document["value"] is None
    first, second = document["versions"]
    assert first["money"] == [
        {
            "BillingCurrency": "USD",
            "before": "0.000000000001",
            "after": "1",
            "delta": "0.999999999999",
            "not_told_apart": "1",
        }
    ]
    (cause,) = first["causes"]
    assert (cause["action"], cause["id"], cause["file"], cause["line"]) == ("bill", None, None, None)
    assert second["causes"] is None
    assert second["money"][0]["before"] is second["money"][0]["delta"] is second["money"][0]["not_told_apart"] is None
