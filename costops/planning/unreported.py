"""Rules of whose work nobody sees anything: what they write is not reported, and no rule that counts looks at it.

Invariant: a rule counts if what it writes is reported or made into something reported, if a later rule that counts
reads it or names the rule, or if it takes cost away from a later rule that counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from costops.model.conditions import Condition, tests_in
from costops.model.cycles import names_read
from costops.model.diagnostic import Diagnostic, Severity
from costops.model.rules import Allocation, Method, RuleSet
from costops.planning.listing import amounts_of, listed


def unreported_notices(
    rules: RuleSet, report: Sequence[str], taken: Mapping[str, Mapping[str, int]], cost: str
) -> list[Diagnostic]:
    """A warning for each such rule that takes cost; `taken` is picos by rule and currency."""
    return [
        Diagnostic(
            code="CO813",
            severity=Severity.WARNING,
            message=(
                f"allocation {rule.id} splits {amounts_of(sorted(taken[rule.id].items()), cost)} into "
                f"{listed(rule.into)}, which is neither reported nor used by a rule that is"
            ),
            span=rule.place("into" if "into" in rule.places else "to.dimension"),
            hint="name it under `report` in costops.yaml, or remove the rule",
        )
        for rule in unseen_rules(rules, report)
        if rule.id in taken
    ]


def unseen_rules(rules: RuleSet, report: Sequence[str]) -> list[Allocation]:
    """Enabled allocations of whose work nobody sees anything, in order."""
    seen_names, seen_rules = _read_by_report(rules, report)
    names, ids = set(seen_names), set(seen_rules)
    written: set[str] = set()
    unseen = []
    for rule in reversed([each for each in rules.allocations if each.enabled]):
        if names.isdisjoint(rule.into) and written.isdisjoint(rule.into) and rule.id not in ids:
            unseen.append(rule)
            continue
        names.update(_read_by_rule(rule))
        ids.update(_rules_named((rule.source, rule.basis, rule.element_where)))
        if rule.allocated != "include":
            written.update(rule.into)
    return unseen[::-1]


def _read_by_report(rules: RuleSet, report: Sequence[str]) -> tuple[set[str], set[str]]:
    """Names and rules that the report depends on, through dimensions of the result stage."""
    results = {each.id: each for each in rules.dimensions if each.enabled and each.result_stage}
    names: set[str] = set()
    ids: set[str] = set()
    pending = list(report)
    while pending:
        name = pending.pop()
        if name in names:
            continue
        names.add(name)
        if name in results:
            pending += [read for read, _, _ in names_read(results[name])]
            ids.update(_rules_named(each.where for each in results[name].rules))
    return names, ids


def _read_by_rule(rule: Allocation) -> set[str]:
    """Names whose running value decides what a rule does."""
    conditions = [rule.source]
    names = set(rule.partition_by)
    if rule.method is not Method.METRIC and not rule.values and not rule.percent:
        conditions += [rule.basis, rule.element_where]
        names.update(rule.to)
    return names | {test.field for condition in conditions for test in tests_in(condition)}


def _rules_named(conditions: Iterable[Condition]) -> set[str]:
    """Rules that conditions on the path name."""
    tests = (test for condition in conditions for test in tests_in(condition))
    return {value for test in tests if test.field == "allocated_by" for value in test.values if value is not None}
