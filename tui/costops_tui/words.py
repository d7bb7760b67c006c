"""What a rule does, in a sentence.

Invariant: a sentence says nothing that the bound rule does not say, and a list that is cut says how much it leaves out.
Names and values come from rule files: whoever shows a sentence makes it safe.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.conditions import EVERYTHING, All, AnyOf, Condition, Not, Test
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Entry,
    Label,
    Lookup,
    Method,
    Metric,
    Source,
    Transform,
)
from costops.money import PICOS, format_picos
from costops.render.numbers import counted

LISTED_VALUES = 6
"""Values of one list that a sentence names."""

_OPERATORS = {
    "contains": "contains",
    "starts_with": "starts with",
    "ends_with": "ends with",
    "like": "is like",
    "matches": "matches",
    "before": "is before",
    "after": "is after",
    "from": "is at or after",
    "until": "is at or before",
}
_TIMES = {
    "charge_period": "",
    "daily": ", day by day",
    "monthly": ", calendar month by calendar month",
    "billing_period": ", billing month by billing month",
}
_EMPTY = {
    "unallocated": "the cost stays where it was",
    "even": "it is split evenly",
    "previous": "the shares of the nearest time before it are used, if there are any",
    "error": "the plan fails",
}
_NEGATIVE = {
    "clip": "",
    "exclude": " An element of negative weight is left out.",
    "error": " A negative weight makes the plan fail.",
}


def sentence(entry: Entry, cost: str) -> str:
    """What an entry does; `cost` is the workspace's cost column, which weighs where a rule names none."""
    match entry:
        case Lookup():
            words = f"A table of {counted(len(entry.rows), 'key')} and their values, for the transform lookup."
        case Label():
            words = _label(entry)
        case Dimension():
            words = _dimension(entry)
        case Metric():
            words = _metric(entry)
        case Allocation():
            words = _allocation(entry, cost)
        case _:
            raise TypeError(f"no entry of a rule file: {entry!r}")
    if entry.renamed_from:
        order = ", the latest first" if len(entry.renamed_from) > 1 else ""
        words += f" It was called {_listed(entry.renamed_from, 'and')} before{order}."
    return words if entry.enabled else f"Disabled, it does nothing. Enabled it would do this: {words}"


def condition_words(condition: Condition) -> str:
    """A condition as a clause, such as `ServiceName is "AWS Support" and env is missing`."""
    match condition:
        case Test():
            return _test(condition)
        case All() if not condition.parts:
            return "anything"
        case AnyOf() if not condition.parts:
            return "nothing"
        case All():
            return " and ".join(_part(each) for each in condition.parts)
        case AnyOf():
            return " or ".join(_part(each) for each in condition.parts)
        case Not():
            return f"not ({condition_words(condition.part)})"


def _part(condition: Condition) -> str:
    words = condition_words(condition)
    return f"({words})" if isinstance(condition, All | AnyOf) else words


def _test(test: Test) -> str:
    case = " in upper or lower case" if test.ignore_case else ""
    name = _name(test.field)
    if test.operator == "present":
        return f"{name} is {'present' if test.values == ('true',) else 'missing'}"
    if test.operator == "not" and test.values == (None,):
        return f"{name} is present"
    if test.field == "allocated_by" and test.operator in ("is", "not") and None not in test.values:
        rules = _listed([value or "" for value in test.values], "or")
        return f"{'a rule other than' if test.operator == 'not' else 'the rule'} {rules} allocated it"
    words = {"is": "is", "not": "is not"}.get(test.operator) or _OPERATORS[test.operator]
    return f"{name} {words} {_listed([_value(value) for value in test.values], 'or')}{case}"


def _name(name: str) -> str:
    before = name.removeprefix("direct.")
    return name if before == name else f"{before} before the first allocation"


def _names(names: Sequence[str], joint: str) -> str:
    return _listed([_name(each) for each in names], joint)


def _value(value: str | None) -> str:
    return "missing" if value is None else f'"{value}"'


def _listed(words: Sequence[str], joint: str) -> str:
    """`a`, `a or b`, `a, b or c`; a long list names its first ones and counts the others."""
    shown = list(words)
    if len(words) > LISTED_VALUES:
        shown = [*words[: LISTED_VALUES - 1], f"{len(words) - LISTED_VALUES + 1} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} {joint} {shown[-1]}"


def _label(label: Label) -> str:
    words = f"The first of {_sources(label.sources)} that is present{_transformed(label.transform)}."
    if label.drop is not None:
        words += f" It counts as missing where {condition_words(label.drop)}."
    if label.rename:
        words += f" Values are renamed to {_listed([_value(each.value) for each in label.rename], 'and')}."
    return words


def _dimension(dimension: Dimension) -> str:
    if not dimension.rules:
        words = "A dimension that only allocations give values to."
    else:
        ways = []
        for rule in dimension.rules:
            way = f"{_way(rule)}{_transformed(rule.transform)}"
            ways.append(way if rule.where == EVERYTHING else f"{way} where {condition_words(rule.where)}")
        words = f"The first of these that gives a value: {'; '.join(ways)}."
    default = "is unallocated" if dimension.default is None else f"is {_value(dimension.default)}"
    words += f" What has no value {default}." if dimension.rules else ""
    return words + (" It is computed after the last allocation." if dimension.result_stage else "")


def _way(rule: DimensionRule) -> str:
    if rule.value is not None:
        return _value(rule.value)
    if not rule.concat:
        return _sources(rule.sources)
    between = {part for part in rule.format if isinstance(part, str)}
    in_order = [part for part in rule.format if not isinstance(part, str)] == list(range(len(rule.concat)))
    if in_order and len(between) == 1 and len(rule.format) == 2 * len(rule.concat) - 1:
        return f"{_sources(rule.concat)} joined with {_value(between.pop())}"
    parts = [_value(part) if isinstance(part, str) else _sources(rule.concat[part : part + 1]) for part in rule.format]
    return f"{', '.join(parts)} put together"


def _metric(metric: Metric) -> str:
    labels = [ours if theirs == ours else f"{ours} (called {theirs} there)" for theirs, ours in metric.labels]
    by = f" by {_listed(labels, 'and')}" if labels else ""
    kept = {"sum": "added up", "avg": "averaged", "max": "the largest one kept", "last": "the last one kept"}
    return (
        f'The usage numbers "{metric.query}" of the source {metric.source}{by}; several of one day are '
        f"{kept[metric.aggregate]}."
    )


def _allocation(rule: Allocation, cost: str) -> str:
    along = _listed(rule.into, "or")
    taken = {
        "exclude": f"that no earlier rule allocated along {along}",
        "only": f"that an earlier rule allocated along {along}",
        "include": "whether an earlier rule allocated it or not",
    }[rule.allocated]
    source = "all cost" if rule.source == EVERYTHING else f"cost where {condition_words(rule.source)},"
    words = f"Takes {source} {taken}, and splits it {_split(rule, cost)}"
    if rule.into != rule.to:
        words += f", written into {_listed(rule.into, 'and')}"
    words += _TIMES[rule.granularity] if _needs_basis(rule) else ""
    if rule.partition_by:
        words += f", separately for each {_names(rule.partition_by, 'and')}"
    words += f".{_basis(rule)}{_NEGATIVE[rule.negative]}{_cutoff(rule)}"
    if _needs_basis(rule):
        words += f" Where there is nothing to split by, {_EMPTY[rule.on_empty]}."
    return words + _effective(rule)


def _needs_basis(rule: Allocation) -> bool:
    return not (rule.method is Method.PERCENT or (rule.method is Method.EVEN and rule.values))


def _split(rule: Allocation, cost: str) -> str:
    to = _names(rule.to, "and")
    where = "" if rule.basis == EVERYTHING else f" where {condition_words(rule.basis)}"
    given = _listed([_element(each) for each in rule.values], "and") if rule.values else ""
    over = f"{to} {given}" if given else f"{to}{_found(rule)}"
    match rule.method:
        case Method.EVEN:
            return f"evenly over {over}" if given else f"evenly over each {over} that has cost{where}"
        case Method.PERCENT:
            shares = [f"{_element(element)} {format_picos(share)} %" for element, share in rule.percent]
            return f"by percentages over {to}: {_listed(shares, 'and')}{_remainder(rule)}"
        case Method.PROPORTIONAL:
            return f"over {over} in proportion to {rule.basis_quantity or rule.basis_cost or cost}{where}"
        case Method.METRIC:
            return f"over {over} in proportion to {_metrics(rule)}{where}"


def _found(rule: Allocation) -> str:
    """Which of the elements that occur are served."""
    words = f" other than {_listed([_element(each) for each in rule.excluded], 'or')}" if rule.excluded else ""
    if rule.element_where != EVERYTHING:
        words += f" (only where {condition_words(rule.element_where)})"
    return words


def _remainder(rule: Allocation) -> str:
    rest = 100 * PICOS - sum(share for _, share in rule.percent)
    if not rest:
        return ""
    goes = f"to {_element(rule.remainder)}" if rule.remainder else "stay where they were"
    return f", and the remaining {format_picos(rest)} % {goes}"


def _metrics(rule: Allocation) -> str:
    if len(rule.basis_metrics) == 1:
        return f"the metric {rule.basis_metrics[0][0]}"
    alike = len({weight for _, weight in rule.basis_metrics}) == 1
    names = [name if alike else f"{name} (weight {format_picos(weight)})" for name, weight in rule.basis_metrics]
    return f"its shares in the metrics {_listed(names, 'and')}{' (weighing alike)' if alike else ''}"


def _basis(rule: Allocation) -> str:
    if rule.basis_from == "direct":
        kept = ", with its own source in it" if rule.include_source else ""
        return f" Its basis is the bill before the first allocation{kept}."
    return " Its own source is in its basis too." if rule.include_source else ""


def _cutoff(rule: Allocation) -> str:
    if rule.cutoff is None:
        return ""
    others = "the others get nothing"
    if rule.cutoff.element is not None:
        others = f"the weight of the others goes to {_element(rule.cutoff.element)}"
    return f" The heaviest elements count until they have {format_picos(rule.cutoff.percent)} % together; {others}."


def _effective(rule: Allocation) -> str:
    first, last = rule.effective_from, rule.effective_until
    if first is None and last is None:
        return ""
    if first is None:
        return f" It applies until {last}, that day included."
    return f" It applies from {first} on." if last is None else f" It applies from {first} until {last}, both included."


def _element(element: Sequence[str]) -> str:
    return _value(" / ".join(element))


def _sources(sources: Sequence[Source]) -> str:
    return _listed([f"{_name(each.field)}{_transformed(each.transform)}" for each in sources], "and")


def _transformed(transforms: Sequence[Transform]) -> str:
    if not transforms:
        return ""
    written = []
    for each in transforms:
        match each.name:
            case "split":
                written.append(f"part {each.arguments[1]}, from 0, between {_value(each.arguments[0])}")
            case "replace":
                written.append(f"{_value(each.arguments[0])} replaced by {_value(each.arguments[1])}")
            case "lookup":
                written.append(f"looked up in {each.arguments[0]}")
            case _:
                written.append(each.name)
    return f" ({', '.join(written)})"
