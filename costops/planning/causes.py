"""What the money of a change goes through: the changed rule itself, its new place, or rules downstream of it.

Invariant: per element the amounts of all causes of a change add up to what the change moves there. A rule moves money
by what it takes and what it gives; a change of a rule set moves what each of its rules takes and gives otherwise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from costops.engine.money_steps import Money, MoneySteps, difference
from costops.model.plan import Cause, Delta
from costops.planning.money import in_order
from costops.planning.walk import Edit

RULE, ORDER, UPSTREAM = "rule", "order", "upstream"
"""As Cause has them."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What the bill and the first allocations of an evaluation add to each element."""

    money: MoneySteps
    """After each of its allocations."""
    rules: Sequence[str]
    """The ids of its enabled allocations, in order."""
    count: int
    """How many of them are read."""

    def by_rule(self) -> dict[str | None, Money]:
        """What each adds, by id; None is the bill itself, with its labels and dimensions."""
        return {None: self.money.moves[0], **dict(zip(self.rules[: self.count], self.money.moves[1:], strict=False))}


def causes_of(
    edits: Sequence[Edit], before: Effects, after: Effects, dimensions: Sequence[str], results: Collection[str]
) -> tuple[Cause, ...]:
    """The causes of what moves from one rule set to the next, which `edits` lead to.

    `results` are the report dimensions that are computed after the last allocation.
    """
    direct = ORDER if all(edit.action == "move" for edit in edits) else RULE
    changed = {edit.id for edit in edits if edit.kind == "allocation"}
    defines = any(edit.kind not in ("allocation", "metric") for edit in edits)
    sums: dict[tuple[str, str | None], dict[tuple[str, str | None, str], int]] = {}
    for rule, moved in _moved(edits, before, after).items():
        for element, picos in moved.items():
            # A dimension of the result stage reads what every rule gave; its own edit is no rule's doing.
            own = rule is None or rule in changed or (defines and element[0] in results)
            key = (direct if own else UPSTREAM, rule if rule in changed or not own else None)
            money = sums.setdefault(key, {})
            money[element] = money.get(element, 0) + picos
    causes = [
        Cause(cause, rule, tuple(Delta(*element, money[element]) for element in in_order(money, dimensions)))
        for (cause, rule), money in sums.items()
    ]
    return tuple(sorted((each for each in causes if each.money), key=_key))


def _moved(edits: Sequence[Edit], before: Effects, after: Effects) -> Mapping[str | None, Money]:
    """What each rule adds otherwise, by its id afterwards."""
    if before.money is after.money and before.count <= after.count:
        names = after.rules[before.count : after.count]
        return dict(zip(names, after.money.moves[before.count + 1 : after.count + 1], strict=True))
    renamed = {edit.before.id: edit.id for edit in edits if edit.action == "rename" and edit.before is not None}
    old = {renamed.get(rule, rule) if rule else rule: money for rule, money in before.by_rule().items()}
    new = after.by_rule()
    nothing: Money = {}
    pairs = {rule: (old.get(rule, nothing), new.get(rule, nothing)) for rule in {**new, **old}}
    return {rule: difference(*pair) for rule, pair in pairs.items() if pair[0] != pair[1]}


def _key(cause: Cause) -> tuple[bool, int, str]:
    """Direct causes first, then the largest."""
    size = sum(abs(each.amount) for each in cause.money)
    return (cause.cause == UPSTREAM, -size, cause.rule or "")
