"""The money of one rule as lines: what it took, and the elements it gave it to.

Invariant: every figure is one of the applied version, written once for the rules screen and the order screen.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.rule_money import RuleMoney, RuleStep, StepMoney
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import amount, percent
from costops.render.safe import safe_text
from costops_tui.layout import columns, wrapped
from costops_tui.widgets.lines import Line

NOTHING = "took nothing"
INDENT = "    "


def money_lines(money: RuleMoney, step: RuleStep, currencies: Sequence[str], width: int) -> list[Line]:
    """What a rule took and gave in these currencies."""
    months = f"{money.months[0]}..{money.months[-1]}" if money.months else "no months"
    head = f"Money in version {money.version}, {months}, {money.cost}"
    lines = [Line(text, "strong") for text in wrapped(head, width)]
    totals = dict(money.totals)
    for each in step.money:
        if each.currency in currencies:
            lines += _currency(step, each, totals[each.currency], width)
    return lines


def _currency(step: RuleStep, money: StepMoney, total: int, width: int) -> list[Line]:
    name = f"{safe_text(money.currency)} "
    if not money.touched:
        return [Line(f"{name}{NOTHING}")]
    taken = f"took {amount(money.taken_picos, money.currency)}, {percent(money.taken_picos, total)} of all cost"
    lines = [
        *wrapped(taken, width, indent=INDENT, first=name),
        *wrapped(_first_words(money), width, indent=INDENT),
        *wrapped(_given_words(step), width, indent=INDENT),
    ]
    rows: list[tuple[str, int]] = [
        *((_element(element), picos) for element, picos in money.given),
        *((f"(taken on by {safe_text(rule)})", picos) for rule, picos in money.passed_on),
    ]
    cells = [
        [f"{INDENT}  {who}", amount(picos, money.currency), percent(picos, money.taken_picos)] for who, picos in rows
    ]
    return [*map(Line, lines), *map(Line, columns(cells, right=[False, True, True], width=width))]


def _first_words(money: StepMoney) -> str:
    if money.first_picos == money.taken_picos:
        return "all of it was untouched by earlier rules"
    if money.first_picos == 0:
        return "all of it had gone through an earlier rule"
    return f"{amount(money.first_picos, money.currency)} of it was untouched by earlier rules"


def _given_words(step: RuleStep) -> str:
    if not step.present:
        return "to whom is not known: the rule is of an earlier version"
    if not step.by:
        return f"gave it along {' and '.join(map(safe_text, step.into))}, which is not reported"
    return f"gave it along {' and '.join(map(safe_text, step.by))} to"


def _element(element: Sequence[str | None]) -> str:
    return " / ".join(UNALLOCATED if value is None else safe_text(value) for value in element)


def step_words(step: RuleStep) -> str:
    """What is particular about a rule's place: nothing, disabled, or no longer there."""
    if not step.present:
        return "of an earlier version"
    return "" if step.enabled else "disabled"
