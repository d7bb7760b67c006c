"""Which versions and rules moved the cost of an element, as text and JSON.

Invariant: nothing is hidden without a count, and the amounts shown for the causes of a version and a currency add up to
the change that is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costops.model.blame import Blame, BlameCost, BlamePart, BlameStep
from costops.model.record import BILL, METRICS
from costops.money import format_picos, quantum_picos, round_from_top, round_half_even
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import amount, counted, in_quanta, percent
from costops.render.plan_text import SYMBOLS
from costops.render.safe import json_text, safe_text
from costops.render.table import table_lines

SHOWN_CAUSES = 5
NO_RULE = {BILL: "the bill", METRICS: "the usage numbers"}
UNTOLD = "not told apart"


def blame_text(blame: Blame, *, everything: bool = False) -> str:
    """Versions that moved the element's cost, with its causes; `everything` shows all versions and causes."""
    name = UNALLOCATED if blame.value is None else safe_text(blame.value)
    lines = [f"costops blame   {safe_text(blame.dimension)} = {name}"]
    shown = [each for each in blame.steps if everything or each.moved]
    for step in shown:
        lines += ["", *_step_lines(blame, step, everything)]
    if len(shown) < len(blame.steps):
        lines += ["", f"... {counted(len(blame.steps) - len(shown), 'version')} that did not move it (--all)"]
    return "\n".join(lines) + "\n"


def _step_lines(blame: Blame, step: BlameStep, everything: bool) -> list[str]:
    draft = step.version.draft
    cause = f", {safe_text(draft.cause)}" if draft.cause != "apply" else ""
    lines = [f"{safe_text(step.version.label)} by {safe_text(draft.actor)}{cause}     {safe_text(draft.cost)}"]
    if draft.reason is not None:
        lines.append(f"  reason: {safe_text(draft.reason)}")
    if step.dimension != blame.dimension:
        lines.append(f"  {safe_text(blame.dimension)} was called {safe_text(step.dimension)}")
    if not step.costs and not step.parts:
        return [*lines, "  no cost"]
    currencies = {each.currency: each for each in step.costs}
    for part in step.parts or ():
        currencies.setdefault(part.currency, BlameCost(part.currency, 0, 0))
    for currency in sorted(currencies):
        lines += _currency_lines(step, currencies[currency], everything)
    if step.parts is None:
        lines.append("    its causes were not kept: an older costops wrote this version")
    return lines


def _currency_lines(step: BlameStep, cost: BlameCost, everything: bool) -> list[str]:
    currency = cost.currency
    if cost.before is None:
        head = f"  {safe_text(currency)} {amount(cost.after, currency)}, which the version before did not report"
        parts = _causes(step, cost, everything)
        return [head, *parts]
    causes = _causes(step, cost, everything)
    delta = cost.after - cost.before
    quantum = quantum_picos(currency)
    before = round_half_even(cost.before, quantum)
    moved = sum(_quanta(_amounts(step, cost), quantum)) if step.parts is not None else round_half_even(delta, quantum)
    share = percent(delta, abs(cost.before), signed=True) if cost.before else "new"
    change = f"{in_quanta(moved, currency, signed=True)}   {share}" if delta else "no change"
    head = f"  {safe_text(currency)} {in_quanta(before, currency)} -> {in_quanta(before + moved, currency)}   {change}"
    return [head, *causes]


def _amounts(step: BlameStep, cost: BlameCost) -> list[int]:
    """Of each kept cause in the currency, and last of what no cause says."""
    return [*(each.amount for each in _parts(step, cost)), step.untold(cost)]


def _parts(step: BlameStep, cost: BlameCost) -> list[BlamePart]:
    return [each for each in step.parts or () if each.currency == cost.currency]


def _quanta(amounts: Sequence[int], quantum: int) -> list[int]:
    """Gains and losses in quanta that add up to the rounded sum of either, as a plan shows them."""
    quanta = [0] * len(amounts)
    for chosen in (
        [place for place, each in enumerate(amounts) if each > 0],
        [place for place, each in enumerate(amounts) if each < 0],
    ):
        if chosen:
            rounded = round_from_top([(str(place), amounts[place]) for place in chosen], quantum)
            for place, each in zip(chosen, rounded, strict=True):
                quanta[place] = each
    return quanta


def _causes(step: BlameStep, cost: BlameCost, everything: bool) -> list[str]:
    currency, parts = cost.currency, _parts(step, cost)
    amounts = _amounts(step, cost)
    quanta = _quanta(amounts, quantum_picos(currency))
    cells = [*map(_cells, parts), (UNTOLD, "", "")]
    order = sorted((place for place, each in enumerate(amounts) if each), key=lambda place: -abs(amounts[place]))
    shown = order if everything else order[:SHOWN_CAUSES]
    rows = [[in_quanta(quanta[place], currency, signed=True), *cells[place]] for place in shown]
    lines = [f"    {line}" for line in table_lines(rows, right=[True, False, False, False])]
    if len(shown) < len(order):
        lines.append(f"    ... {len(order) - len(shown):,} more (--all)")
    return lines


def _cells(part: BlamePart) -> tuple[str, str, str]:
    """What changed, where it is written, and how it reached the element."""
    change = part.change
    if change.action in NO_RULE:
        return NO_RULE[change.action], "", _through(part)
    former = f" (was {safe_text(change.previous_id)})" if change.previous_id is not None else ""
    symbol = SYMBOLS.get(change.action, safe_text(change.action))
    what = f"{symbol} {safe_text(change.kind)} {safe_text(change.id)}{former}"
    return what, safe_text(f"{change.file}:{change.line}"), _through(part)


def _through(part: BlamePart) -> str:
    rule = None if part.rule is None else safe_text(part.rule)
    match part.cause:
        case "order":
            return f"its place in the order, through {rule}" if rule else "its place in the order"
        case "upstream":
            return f"what reaches {rule}" if rule else "what reaches later rules"
    return f"through {rule}" if rule and rule != safe_text(part.change.id) else ""


def blame_json(blame: Blame) -> str:
    """Every version and cause for machines; amounts are exact decimal text, an unallocated element is null."""
    return json_text(
        {
            "format_version": "1.0",
            "dimension": blame.dimension,
            "value": blame.value,
            "versions": [_step_document(each) for each in blame.steps],
        }
    )


def _step_document(step: BlameStep) -> dict[str, Any]:
    draft = step.version.draft
    return {
        "version": step.version.number,
        "applied_at": draft.applied_at,
        "actor": draft.actor,
        "commit": draft.commit,
        "dirty": draft.dirty,
        "cause": draft.cause,
        "reason": draft.reason,
        "dimension": step.dimension,
        "cost": draft.cost,
        "money": [_cost_document(step, each) for each in step.costs],
        "causes": None if step.parts is None else [_part_document(each) for each in step.parts],
    }


def _cost_document(step: BlameStep, cost: BlameCost) -> dict[str, Any]:
    before = cost.before
    return {
        "BillingCurrency": cost.currency,
        "before": None if before is None else format_picos(before),
        "after": format_picos(cost.after),
        "delta": None if before is None else format_picos(cost.after - before),
        "not_told_apart": None if before is None or step.parts is None else format_picos(step.untold(cost)),
    }


def _part_document(part: BlamePart) -> dict[str, Any]:
    change = part.change
    is_rule = change.action not in NO_RULE
    return {
        "action": change.action,
        "kind": change.kind if is_rule else None,
        "id": change.id if is_rule else None,
        "previous_id": change.previous_id,
        "file": change.file if is_rule else None,
        "line": change.line if is_rule else None,
        "cause": part.cause,
        "rule": part.rule,
        "BillingCurrency": part.currency,
        "delta": format_picos(part.amount),
    }
