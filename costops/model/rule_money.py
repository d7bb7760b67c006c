"""What each rule of an applied version took, to whom it gave it, and what no rule had taken after it.

Invariant: per currency, the steps' `first_picos` and the cost that no rule took add up to the ledger's total, and a
step's `given` and `passed_on` add up to its `taken_picos`; all to the last digit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepMoney:
    """One rule's money in one currency, in picos of the version's cost column."""

    currency: str
    touched: bool
    """Whether any row of the ledger went through the rule; its money may still add up to 0."""
    taken_picos: int
    """All cost that went through the rule."""
    first_picos: int
    """Of that, what no rule had taken before."""
    left_picos: int
    """Cost that neither this rule nor one before it has taken."""
    given: tuple[tuple[tuple[str | None, ...], int], ...]
    """(element along the step's `by`, picos), the largest first; empty where `by` is."""
    passed_on: tuple[tuple[str, int], ...]
    """(later rule that took it along one of the same dimensions, picos), in the order of evaluation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleStep:
    """One allocation rule in the order of evaluation."""

    position: int
    """From 1."""
    id: str
    file: str
    line: int
    enabled: bool
    hidden: bool
    """Whether it is left out of lists; its money is in every sum."""
    present: bool
    """False for a rule of an earlier version that is known only from months carried over."""
    into: tuple[str, ...]
    by: tuple[str, ...]
    """Those of `into` that the version reports."""
    money: tuple[StepMoney, ...]
    """One for each currency of the ledger, in its order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleMoney:
    """The waterfall of one version, from all its cost to what no rule took."""

    version: int
    cost: str
    """The cost column that the amounts are of."""
    months: tuple[str, ...]
    """Billing months that are summed, sorted."""
    totals: tuple[tuple[str, int], ...]
    """(currency, picos), sorted by currency."""
    steps: tuple[RuleStep, ...]

    @property
    def currencies(self) -> tuple[str, ...]:
        return tuple(currency for currency, _ in self.totals)
