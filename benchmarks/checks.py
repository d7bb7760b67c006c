"""What every plan of the benchmarks must be, besides fast."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any


class WrongPlanError(Exception):
    """A plan is not what it must be; its time means nothing."""


def check(holds: bool, otherwise: str) -> None:
    """Raise WrongPlanError with these words unless something holds."""
    if not holds:
        raise WrongPlanError(otherwise)


def check_added(plan: dict[str, Any], allocations: Collection[str], *, all_move: bool) -> None:
    """A first plan: every rule is added, each moves money, and none is lost."""
    changes = [each for each in plan["changes"] if each["kind"] == "allocation"]
    check({each["action"] for each in plan["changes"]} == {"add"}, "a first plan does more than add")
    check({each["id"] for each in changes} == set(allocations), "a first plan does not add exactly its rules")
    still = [each["id"] for each in changes if not each["moved"]]
    check(not (still and all_move), f"rules that move nothing: {', '.join(still)}")
    check_conserved(plan)


def check_edited(plan: dict[str, Any], allocations: Collection[str]) -> None:
    """A plan of edits: exactly these, at least one of which moves money, and none is lost."""
    check({each["id"] for each in plan["changes"]} == set(allocations), "a plan does not show exactly the edited rules")
    check({each["action"] for each in plan["changes"]} == {"change"}, "a plan does more than change")
    check(any(each["moved"] for each in plan["changes"]), "no edit moves money")
    check(not plan["bill_changes"], "the bill changed")
    check_conserved(plan)


def check_nothing(plan: dict[str, Any]) -> None:
    """A plan without changes."""
    check(not plan["changes"] and not plan["bill_changes"] and not plan["writes"], "a plan shows what did not change")
    check_conserved(plan)


def check_month_added(plan: dict[str, Any], cold: dict[str, Any]) -> None:
    """A plan with one month more: the bill changed, no rule did, and the result is that of a plan from nothing."""
    check(plan["bill_changes"] and not plan["changes"], "a plan of a longer bill does not show exactly that")
    check(plan["bill"]["rows"] == cold["bill"]["rows"], "a plan has not read all rows")
    check_same(plan, cold)


def check_conserved(plan: dict[str, Any]) -> None:
    """Totals before and after differ by nothing at all."""
    check(bool(plan["totals"]), "a plan has no totals")
    check({each["difference"] for each in plan["totals"]} == {"0"}, "totals differ")


def check_same(plan: dict[str, Any], other: dict[str, Any]) -> None:
    """Two plans have the same result, to the last place."""
    check(plan["result_digest"] == other["result_digest"], "two ways to one result differ")
