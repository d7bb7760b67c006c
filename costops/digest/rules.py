"""The money of each rule, read off the paths of an applied ledger.

Invariant: no rule is evaluated again; every figure is a sum of ledger rows, so the figures are those that were applied.
A row's path names every rule that its cost went through, which is all that is needed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from costops.model.ledger import PATH_SEPARATOR
from costops.model.rule_money import RuleMoney, RuleStep, StepMoney
from costops.model.rules import NOWHERE, Allocation, RuleSet
from costops.model.sums import LedgerSums
from costops.model.version import Version

Element = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class _Rule:
    """A rule as the waterfall needs it; `allocation` is None where only paths know it."""

    id: str
    allocation: Allocation | None
    into: tuple[str, ...]
    by: tuple[str, ...]


@dataclass(slots=True)
class _Taken:
    """What rows say about one rule in one currency."""

    touched: bool = False
    taken: int = 0
    first: int = 0
    given: dict[Element, int] = field(default_factory=lambda: defaultdict(int))
    passed_on: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def rule_money(version: Version, rules: RuleSet, sums: Callable[[Sequence[str]], LedgerSums]) -> RuleMoney:
    """The waterfall of a version: `rules` as it applied them, `sums` its ledger grouped by names.

    A rule that only the paths of carried-over months know comes after those of the version, by its id.
    """
    reported = [each for each in version.draft.dimensions if any(each in rule.into for rule in rules.allocations)]
    ledger = sums(("allocation_path", "billing_month", *reported))
    place = ledger.cost_columns.index(version.draft.cost)
    known = [
        _Rule(each.id, each, each.into, tuple(name for name in each.into if name in reported))
        for each in rules.allocations
    ]
    order = {each.id: each for each in known}
    paths = {path: tuple(path.split(PATH_SEPARATOR)) for (path, *_), _, _ in ledger.rows if path is not None}
    for name in sorted({name for path in paths.values() for name in path} - set(order)):
        order[name] = _Rule(name, None, (), ())
    totals: dict[str, int] = defaultdict(int)
    taken: dict[tuple[str, str], _Taken] = defaultdict(_Taken)
    for (path, _, *values), currency, amounts in ledger.rows:
        totals[currency] += amounts[place]
        if path is not None and amounts[place]:
            _add(taken, order, paths[path], dict(zip(reported, values, strict=True)), currency, amounts[place])
    return RuleMoney(
        version=version.number,
        cost=version.draft.cost,
        months=tuple(sorted({month for (_, month, *_), _, _ in ledger.rows if month is not None})),
        totals=tuple(sorted(totals.items())),
        steps=_steps(version, tuple(order.values()), taken, totals),
    )


def _add(
    taken: dict[tuple[str, str], _Taken],
    order: dict[str, _Rule],
    path: tuple[str, ...],
    values: dict[str, str | None],
    currency: str,
    amount: int,
) -> None:
    """Book one row with every rule of its path."""
    taken[path[0], currency].first += amount
    for index, name in enumerate(path):
        rule, booked = order[name], taken[name, currency]
        booked.touched = True
        booked.taken += amount
        # Only the last rule along a dimension still sees its own elements in the row.
        later = next((each for each in path[index + 1 :] if set(order[each].into) & set(rule.into)), None)
        if later is not None:
            booked.passed_on[later] += amount
        elif rule.by:
            booked.given[tuple(values[name] for name in rule.by)] += amount


def _steps(
    version: Version, rules: Sequence[_Rule], taken: dict[tuple[str, str], _Taken], totals: dict[str, int]
) -> tuple[RuleStep, ...]:
    places = {each.id: (each.file, each.line) for each in version.draft.rules if each.kind == "allocation"}
    positions = {each.id: position for position, each in enumerate(rules)}
    left = dict(totals)
    steps = []
    for rule in rules:
        money = []
        for currency in sorted(totals):
            booked = taken.get((rule.id, currency), _Taken())
            left[currency] -= booked.first
            money.append(
                StepMoney(
                    currency=currency,
                    touched=booked.touched,
                    taken_picos=booked.taken,
                    first_picos=booked.first,
                    left_picos=left[currency],
                    given=tuple(sorted(booked.given.items(), key=_by_size)),
                    passed_on=tuple(sorted(booked.passed_on.items(), key=lambda each: positions[each[0]])),
                )
            )
        file, line = places.get(rule.id, (NOWHERE.file, NOWHERE.line))
        steps.append(
            RuleStep(
                position=positions[rule.id] + 1,
                id=rule.id,
                file=file,
                line=line,
                enabled=rule.allocation is None or rule.allocation.enabled,
                hidden=rule.allocation is not None and rule.allocation.hidden,
                present=rule.allocation is not None,
                into=rule.into,
                by=rule.by,
                money=tuple(money),
            )
        )
    return tuple(steps)


def _by_size(entry: tuple[Element, int]) -> tuple[object, ...]:
    element, amount = entry
    return (-abs(amount), tuple((value is not None, value or "") for value in element))
