"""What each kind of check finds in a plan, and where its limit is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from unit.render.golden.plans import BILL, CENT, cents, change, line, plan, total

from costops.errors import CheckError, ExitCode
from costops.model.plan import CheckResult, Coverage, ElementCost, Moved, Plan
from costops.model.rules import Label, RuleSet, Source
from costops.model.settings import Check, Override
from costops.money import PICOS
from costops.planning.checks import check_results, refuse_failed

PLAN = plan(
    changes=(
        change("change", "a", [line("team", "checkout", "0.00", "60.00"), line("team", None, "60.00", "0.00")], at=1),
        change(
            "change",
            "b",
            [line("team", "checkout", "60.00", "50.00"), line("team", "search", "200.00", "210.00")],
            at=2,
        ),
    ),
    moved=(Moved("team", "USD", cents("60.00")),),
    totals=(total("EUR", "50.00"), total("USD", "600.00"), total("USD", "1.00", cost="ListCost")),
    unallocated=(
        Coverage("team", "EUR", 0, cents("50.00"), cents("10.00"), cents("50.00")),
        Coverage("team", "USD", cents("60.00"), cents("600.00"), cents("30.00"), cents("600.00")),
        Coverage("env", "USD", 0, cents("600.00"), cents("600.00"), cents("600.00")),
    ),
    result=(
        ElementCost("team", "checkout", "USD", cents("50.00")),
        ElementCost("team", "search", "USD", cents("210.00")),
    ),
)


def result(check: Check, made: Plan = PLAN, rules: RuleSet | None = None) -> CheckResult:
    (found,) = check_results((check,), made, rules or RuleSet())
    return found


@pytest.mark.parametrize(
    ("check", "status", "message"),
    [
        (
            Check(kind="max_moved_percent", limit=10 * PICOS, of="team"),
            "passed",
            "USD 60.00 (10.0 %) moves by team; at most 10 % of a currency may",
        ),
        (
            Check(kind="max_moved_percent", limit=10 * PICOS - 1, of="team"),
            "failed",
            "USD 60.00 (10.0 %) moves by team; at most 9.999999999999 % of a currency may",
        ),
        (
            Check(kind="max_moved_percent", limit=0, of="env"),
            "passed",
            "nothing moves by env; at most 0 % of a currency may",
        ),
        (
            Check(kind="max_moved", limit=cents("60.00"), currency="USD", of="team"),
            "passed",
            "USD 60.00 moves by team; at most 60 USD may",
        ),
        (
            Check(kind="max_moved", limit=cents("60.00") - 1, currency="USD", of="team"),
            "failed",
            "USD 60.00 moves by team; at most 59.999999999999 USD may",
        ),
        (
            Check(kind="max_moved", limit=0, currency="EUR", of="team"),
            "passed",
            "nothing moves by team; at most 0 EUR may",
        ),
        (
            Check(kind="max_unallocated_percent", limit=20 * PICOS, of="team"),
            "passed",
            "EUR 10.00 (20.0 %), USD 30.00 (5.0 %) is unallocated by team; at most 20 % of a currency may be",
        ),
        (
            Check(kind="max_unallocated_percent", limit=20 * PICOS - 1, of="team"),
            "failed",
            "EUR 10.00 (20.0 %) is unallocated by team; at most 19.999999999999 % of a currency may be",
        ),
        (
            Check(kind="max_unallocated", limit=cents("30.00"), currency="USD", of="team"),
            "passed",
            "USD 30.00 is unallocated by team; at most 30 USD may be",
        ),
        (
            Check(kind="max_unallocated", limit=cents("30.00") - 1, currency="USD", of="team"),
            "failed",
            "USD 30.00 is unallocated by team; at most 29.999999999999 USD may be",
        ),
        (
            Check(kind="protect", elements=("data", "platform"), of="team"),
            "passed",
            "no protected element changes; nothing may",
        ),
        (
            Check(kind="protect", elements=("search", "checkout"), of="team"),
            "failed",
            "checkout changes by USD +50.00 (new), search changes by USD +10.00 (+5.0 %); nothing may",
        ),
        (
            Check(kind="protect", elements=("search",), of="team", limit=5 * PICOS),
            "passed",
            "no protected element changes; at most 5 % of its cost may",
        ),
        (
            Check(kind="protect", elements=("search",), of="team", limit=5 * PICOS - 1),
            "failed",
            "search changes by USD +10.00 (+5.0 %); at most 4.999999999999 % of its cost may",
        ),
        (
            Check(kind="protect", elements=("checkout",), of="env"),
            "passed",
            "no protected element changes; nothing may",
        ),
    ],
)
def test_what_is_equal_to_a_limit_passes_and_what_is_more_fails(check: Check, status: str, message: str) -> None:
    found = result(check)
    assert (found.status, found.message) == (status, message)


@pytest.mark.parametrize(("picos", "status"), [(999, "passed"), (1000, "failed"), (-999, "passed"), (-1000, "failed")])
def test_a_protected_element_changes_from_a_billionth_on(picos: int, status: str) -> None:
    moved = change("change", "a", [replace(line("team", "x", "1.00", "1.00"), after=100 * CENT + picos)], at=1)
    made = plan(changes=(moved,), result=(ElementCost("team", "x", "USD", 100 * CENT + picos),))
    assert result(Check(kind="protect", elements=("x",), of="team"), made).status == status


def test_what_changes_move_back_and_forth_is_no_change_of_a_protected_element() -> None:
    there = change("change", "a", [line("team", "x", "1.00", "2.00")], at=1)
    back = change("change", "b", [line("team", "x", "2.00", "1.00")], at=2)
    made = plan(changes=(there, back), result=(ElementCost("team", "x", "USD", 100 * CENT),))
    assert result(Check(kind="protect", elements=("x",), of="team"), made).status == "passed"


def test_a_change_of_settings_is_not_the_rules() -> None:
    made = plan(changes=(change("change", "cost", [line("team", "x", "1.00", "2.00")], at=1, kind="settings"),))
    assert result(Check(kind="protect", elements=("x",), of="team"), made).status == "passed"


@pytest.mark.parametrize(
    ("after", "whole", "status"),
    [
        ("0.00", "0.00", "passed"),
        ("0.01", "0.00", "failed"),
        ("-6.00", "-100.00", "failed"),
        ("-5.00", "-100.00", "passed"),
        ("-5.00", "10.00", "passed"),
    ],
)
def test_a_share_of_nothing_or_of_a_credit_is_told_right(after: str, whole: str, status: str) -> None:
    made = plan(unallocated=(Coverage("team", "USD", 0, 0, cents(after), cents(whole)),))
    assert result(Check(kind="max_unallocated_percent", limit=5 * PICOS, of="team"), made).status == status


def test_every_enabled_entry_of_the_kinds_needs_an_owner() -> None:
    rules = RuleSet(
        labels=(
            Label(id="team", sources=(Source("Tags.team"),), owner="finops"),
            Label(id="env", sources=(Source("x"),)),
        ),
    )
    both = Check(kind="require_owner", kinds=("label", "allocation"))
    found = result(both, rules=rules)
    assert (found.status, found.message) == ("failed", "label env (:0) has no owner")
    disabled = replace(rules, labels=(rules.labels[0], replace(rules.labels[1], enabled=False)))
    assert result(both, rules=disabled).status == "passed"
    assert result(Check(kind="require_owner", kinds=("allocation",)), rules=rules).status == "passed"


def test_an_override_counts_up_to_the_bills_newest_month() -> None:
    check = Check(kind="max_moved", limit=0, currency="USD", of="team")
    until = replace(check, override=Override(reason="moving house", until="2026-09-01"))
    found = result(until)
    assert (found.status, found.reason, found.until) == ("overridden", "moving house", "2026-09-01")
    lapsed = result(replace(check, override=Override(reason="moving house", until="2026-08-31")))
    assert (lapsed.status, lapsed.reason) == ("failed", "moving house")
    assert lapsed.message.endswith("; its override ended on 2026-08-31, before 2026-09")
    assert BILL.last_month == "2026-09"
    passing = replace(until, limit=cents("60.00"))
    assert result(passing).status == "passed"


def test_only_failed_errors_forbid_to_apply() -> None:
    check = Check(kind="max_moved", limit=0, currency="USD", of="team")
    override = Override(reason="x", until="2026-12-31")
    harmless = (replace(check, severity="warn"), replace(check, override=override), replace(check, of="env"))
    refuse_failed(replace(PLAN, checks=check_results(harmless, PLAN, RuleSet())))
    with pytest.raises(CheckError, match="1 check failed: max_moved: 0 USD of team; nothing was written") as caught:
        refuse_failed(replace(PLAN, checks=check_results((*harmless, check), PLAN, RuleSet())))
    assert caught.value.exit_code == ExitCode.CHECK_FAILED


def test_a_check_is_told_in_words_with_its_line() -> None:
    checks = (
        Check(kind="max_moved_percent", limit=PICOS // 2, of="team", line=7),
        Check(kind="protect", elements=("a", "b"), of="team", limit=2 * PICOS, severity="warn"),
        Check(kind="require_owner", kinds=("metric",)),
    )
    found = check_results(checks, PLAN, RuleSet())
    assert [(each.check, each.severity, each.line) for each in found] == [
        ("max_moved_percent: 0.5 of team", "error", 7),
        ("protect: a, b of team by_percent 2", "warn", 0),
        ("require_owner: metric", "error", 0),
    ]
