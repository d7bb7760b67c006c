"""The oracle's half about weights: what a basis says of a bucket, and the shares that follow.

Invariant: like reference.py it follows the written meaning of the language and shares no code with the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reference_rows import PICOS, Days
from reference_values import Text

from costops.model.rules import Allocation, Method

Element = tuple[Text, ...]
Weights = dict[Element, Fraction]

WHOLE = 100 * PICOS
"""A hundred percent."""


class RuleFailedError(Exception):
    """A rule asked that the plan fails."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule


class EmptyBucketError(RuleFailedError):
    """A bucket of a rule with `on_empty: error` is empty."""


class NegativeWeightError(RuleFailedError):
    """An element of a rule with `negative: error` has a negative weight."""


class SeveralUnitsError(RuleFailedError):
    """The quantities of a bucket have more than one unit."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What one basis row or metric record says: where it counts, for which element, how much."""

    day: str
    currency: str
    partition: Element
    element: Element
    weight: Fraction
    unit: Text = None
    """Of a quantity."""
    metric: str = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Source rows that are split together."""

    days: Days
    earlier: tuple[Days, ...]
    """Where shares may be taken from if it is empty, nearest first."""
    currency: str | None
    """None: of every currency."""
    partition: Element


def shares(rule: Allocation, basis: Sequence[Weighing], bucket: Bucket, notes: Counter[str]) -> Weights:
    """Each element's fraction of a bucket; empty where the cost stays where it is."""
    if rule.method is Method.PERCENT:
        return percentages(rule, notes)
    weights = weighed(rule, basis, bucket.days, bucket, notes)
    if total(weights) <= 0:
        weights = instead(rule, basis, bucket, weights, notes)
    whole = total(weights)
    return {element: weight / whole for element, weight in weights.items() if weight > 0}


def percentages(rule: Allocation, notes: Counter[str]) -> Weights:
    """The elements' percentages as fractions of one; less than one together where the remainder stays."""
    weights: Weights = {element: Fraction(percent, WHOLE) for element, percent in rule.percent}
    rest = 1 - total(weights)
    if rest > 0 and rule.remainder:
        weights[rule.remainder] = weights.get(rule.remainder, Fraction(0)) + rest
    if rest > 0:
        notes["remainder to an element" if rule.remainder else "remainder left"] += 1
    return {element: weight for element, weight in weights.items() if weight > 0}


def instead(
    rule: Allocation, basis: Sequence[Weighing], bucket: Bucket, weights: Weights, notes: Counter[str]
) -> Weights:
    """The weights of an empty bucket."""
    if rule.on_empty == "error":
        raise EmptyBucketError(rule.id, f"empty bucket {bucket}")
    if rule.on_empty == "previous":
        for days in bucket.earlier:
            found = weighed(rule, basis, days, bucket, notes)
            if total(found) > 0:
                notes["empty: previous days" if days[0] == days[1] else "empty: previous period"] += 1
                return found
        notes["empty: nothing previous"] += 1
    if rule.on_empty == "even" and weights:
        notes["empty: even"] += 1
        return dict.fromkeys(weights, Fraction(1))
    notes["empty: unallocated"] += 1
    return {}


def total(weights: Mapping[Element, Fraction]) -> Fraction:
    return sum(weights.values(), Fraction(0))


def weighed(rule: Allocation, basis: Sequence[Weighing], days: Days, bucket: Bucket, notes: Counter[str]) -> Weights:
    """The weights of a bucket's elements on some days; where they add up to 0 the elements are all that counts."""
    inside = [
        each
        for each in basis
        if days[0] <= each.day <= days[1]
        and each.partition == bucket.partition
        and bucket.currency in (None, each.currency)
        and None not in each.element
    ]
    if any(each.element in rule.excluded for each in inside):
        notes["element excluded"] += 1
    inside = [each for each in inside if each.element not in rule.excluded]
    if rule.method is Method.EVEN:
        return dict.fromkeys(elements(rule, inside), Fraction(1))
    if rule.method is Method.METRIC:
        weights = of_metrics(rule, inside, notes)
    else:
        refuse_several_units(rule, inside, notes)
        weights = not_negative(rule, sums(rule, inside), notes)
    return cut_off(rule, weights, notes) if rule.cutoff is not None and total(weights) > 0 else weights


def elements(rule: Allocation, inside: Iterable[Weighing]) -> Sequence[Element]:
    """The given elements, else those that occur."""
    return rule.values or sorted({each.element for each in inside}, key=repr)


def sums(rule: Allocation, inside: Sequence[Weighing]) -> Weights:
    """Each element's weight as it is."""
    return {
        element: sum((each.weight for each in inside if each.element == element), Fraction(0))
        for element in elements(rule, inside)
    }


def refuse_several_units(rule: Allocation, inside: Sequence[Weighing], notes: Counter[str]) -> None:
    """Quantities of several units cannot be compared; what an element has of a unit on a day may cancel out."""
    if rule.basis_quantity is None:
        return
    notes["quantity"] += 1
    quantities: Counter[tuple[str, Element, Text]] = Counter()
    for each in inside:
        quantities[each.day, each.element, each.unit] += each.weight  # type: ignore[assignment]
    units = {unit for (_, _, unit), quantity in quantities.items() if quantity}
    if len(units) > 1:
        raise SeveralUnitsError(rule.id, f"units {sorted(units, key=repr)}")


def not_negative(rule: Allocation, weights: Weights, notes: Counter[str]) -> Weights:
    """The weights after what the rule says of negative ones."""
    negative = [element for element, weight in weights.items() if weight < 0]
    if negative:
        notes[f"negative: {rule.negative}"] += 1
    match rule.negative:
        case "error" if negative:
            raise NegativeWeightError(rule.id, f"negative weights of {negative}")
        case "exclude":
            return {element: weight for element, weight in weights.items() if weight >= 0}
    return {element: max(weight, Fraction(0)) for element, weight in weights.items()}


def of_metrics(rule: Allocation, inside: Sequence[Weighing], notes: Counter[str]) -> Weights:
    """The weights of a rule's metrics, each divided by its total, times their weights; an empty one falls out."""
    result: Weights = {}
    empty = 0
    for metric, times in rule.basis_metrics:
        weights = not_negative(rule, sums(rule, [each for each in inside if each.metric == metric]), notes)
        whole = total(weights)
        empty += whole <= 0
        for element, weight in weights.items():
            part = weight / whole * Fraction(times, PICOS) if whole > 0 else Fraction(0)
            result[element] = result.get(element, Fraction(0)) + part
    if len(rule.basis_metrics) > 1 and total(result) > 0:
        notes["several metrics, one fell out" if empty else "several metrics"] += 1
    return result


def cut_off(rule: Allocation, weights: Weights, notes: Counter[str]) -> Weights:
    """The heaviest elements up to the cutoff; the others' weight goes to its element, or to nobody."""
    assert rule.cutoff is not None
    whole = total(weights)
    before = Fraction(0)
    counting: Weights = {}
    for element, weight in sorted(weights.items(), key=lambda each: (-each[1], each[0])):
        if before * WHOLE < whole * rule.cutoff.percent:
            counting[element] = weight
        before += weight
    rest = whole - total(counting)
    if rule.cutoff.element is not None:
        counting[rule.cutoff.element] = counting.get(rule.cutoff.element, Fraction(0)) + rest
    if rest:
        notes["cut off: folded" if rule.cutoff.element is not None else "cut off: left out"] += 1
    return counting
