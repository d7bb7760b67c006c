"""Conditions as a person writes them to the tree of costops.model.conditions.

Invariant: every tree made here is normal, so that the same condition written differently is equal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from costops.language.bound import Bound
from costops.language.nearness import did_you_mean
from costops.language.nodes import Kind, ListNode, MappingNode, Node, ScalarNode, describe
from costops.language.problems import Problems
from costops.language.scalars import read_boolean, read_name, read_text
from costops.model.conditions import EVERYTHING, OPERATORS, Condition, Test, all_of, any_of, make_test, negation

PATTERN_FIELD = "value"
"""The field of conditions in `drop` and `rename`."""

NULLABLE = ("is", "not", "in", "not_in")
"""Operators that take null."""

WITH_CASE = ("is", "not", "in", "not_in", "contains", "starts_with", "ends_with", "like", "matches")
"""Operators on which `ignore_case` has an effect."""

_NOT_RE2 = re.compile(r"\(\?(=|!|<=|<!|>)|(?<!\\)(\\\\)*\\[1-9]")


def read_condition(node: Node, bound: Bound, path: str) -> Condition:
    """A `where`; after a problem was reported, what is left of it, so that its other names are checked too.

    Places of fields go to `path.<field>`.
    """
    if not isinstance(node, MappingNode):
        hint = "write {field: value}" if isinstance(node, ScalarNode) else "write one mapping; `any: [..]` takes a list"
        bound.problems.error("CO203", node.span, f"a condition is a mapping, this is {describe(node)}", hint=hint)
        return EVERYTHING
    parts = [_part(key, value, bound, path) for key, value in node.pairs]
    return all_of(part for part in parts if part is not None)


def _part(key: ScalarNode, value: Node, bound: Bound, path: str) -> Condition | None:
    if key.text in ("any", "all"):
        return _combination(key, value, bound, f"{path}.{key.text}")
    if key.text == "not":
        return negation(read_condition(value, bound, f"{path}.not"))
    name = read_name(key, bound.problems)
    if name is not None:
        bound.places.setdefault(f"{path}.{name}", key.span)
    condition = ValueReader(name or key.text, bound.problems).read(value)
    if name is None:
        return None
    return make_test(name, "is", ()) if condition is None else condition


def _combination(key: ScalarNode, value: Node, bound: Bound, path: str) -> Condition | None:
    if not isinstance(value, ListNode):
        message = f"`{key.text}` takes a list of conditions, this is {describe(value)}"
        bound.problems.error("CO203", value.span, message, hint=f"write {key.text}: [{{..}}, {{..}}]")
        return None
    if not value.items:
        bound.problems.error("CO209", value.span, f"`{key.text}` is empty")
        return None
    parts = [read_condition(item, bound, f"{path}[{index}]") for index, item in enumerate(value.items)]
    return all_of(parts) if key.text == "all" else any_of(parts)


@dataclass(frozen=True, slots=True)
class ValueReader:
    """Reads what one field must be; every method gives None after a problem was reported."""

    field: str
    problems: Problems
    pattern: bool = False
    """In `drop` and `rename` values are never missing, so that null and `present` make no sense."""

    def read(self, node: Node) -> Condition | None:
        """A scalar, null, operators, or a list of these of which any may hold."""
        if isinstance(node, MappingNode):
            return self._operators(node)
        if isinstance(node, ScalarNode):
            values = self._values((node,), "is")
            return None if values is None else make_test(self.field, "is", values)
        return self._list(node)

    def _list(self, node: ListNode) -> Condition | None:
        if not node.items:
            self.problems.error("CO209", node.span, "the list is empty, so that nothing can match")
            return None
        values = self._values([item for item in node.items if not isinstance(item, MappingNode)], "is")
        others = [self._operators(item) for item in node.items if isinstance(item, MappingNode)]
        if values is None or any(other is None for other in others):
            return None
        parts: list[Condition] = []
        for other in others:
            if isinstance(other, Test) and other.operator == "is" and not other.ignore_case:
                values = [*values, *other.values]
            elif other is not None:
                parts.append(other)
        return any_of([*([make_test(self.field, "is", values)] if values else []), *parts])

    def _operators(self, node: MappingNode) -> Condition | None:
        case_node = node.get("ignore_case")
        flag = False if case_node is None else read_boolean(case_node, self.problems)
        pairs = [(key, value) for key, value in node.pairs if key.text != "ignore_case"]
        if not pairs:
            hint = "write for example {starts_with: prod-}"
            self.problems.error("CO209", node.span, "an operator is missing", hint=hint)
            return None
        if flag and case_node is not None and not any(key.text in WITH_CASE for key, _ in pairs):
            self.problems.warn("CO214", case_node.span, "`ignore_case` has no effect on these operators")
        tests = [self._operator(key, value, bool(flag)) for key, value in pairs]
        good = [test for test in tests if test is not None]
        return all_of(good) if len(good) == len(tests) and flag is not None else None

    def _operator(self, key: ScalarNode, value: Node, ignore_case: bool) -> Condition | None:
        operator = key.text
        if operator not in OPERATORS:
            hint = did_you_mean(operator, (*OPERATORS, "ignore_case"), f"use one of {', '.join(OPERATORS)}")
            self.problems.error("CO210", key.span, f"unknown operator `{operator}`", hint=hint)
            return None
        if operator == "present":
            return self._present(key, value)
        nodes = value.items if isinstance(value, ListNode) else (value,)
        if not nodes:
            self.problems.error("CO209", value.span, "the list is empty, so that nothing can match")
            return None
        values = self._values(nodes, operator)
        if values is None:
            return None
        cased = operator in WITH_CASE and any(each is not None for each in values)
        return make_test(self.field, operator, values, ignore_case=ignore_case and cased)

    def _present(self, key: ScalarNode, value: Node) -> Condition | None:
        flag = read_boolean(value, self.problems)
        if self.pattern:
            self.problems.error("CO210", key.span, "`present` makes no sense here: patterns see present values only")
            return None
        return None if flag is None else make_test(self.field, "present", ["true" if flag else "false"])

    def _values(self, nodes: Sequence[Node], operator: str) -> list[str | None] | None:
        values: list[str | None] = []
        valid = True
        for node in nodes:
            if isinstance(node, ScalarNode) and node.kind is Kind.NULL and operator in NULLABLE and not self.pattern:
                values.append(None)
                continue
            text = self._text(node, operator)
            valid = valid and text is not None
            values.append(text)
        return values if valid else None

    def _text(self, node: Node, operator: str) -> str | None:
        if isinstance(node, ScalarNode) and node.kind is Kind.NULL:
            message = "a pattern cannot be null" if self.pattern else f"`{operator}` cannot be null"
            hint = None if self.pattern else "write `field: null` or `present: false` for missing"
            self.problems.error("CO211", node.span, message, hint=hint)
            return None
        if isinstance(node, ScalarNode) and node.kind is Kind.TEXT and not node.text:
            hint = None if self.pattern else "write null for missing"
            self.problems.error("CO209", node.span, "the text is empty", hint=hint)
            return None
        if isinstance(node, MappingNode) and operator in ("not", "not_in"):
            hint = f"write not: {{{self.field}: {{..}}}} as a condition of its own"
            self.problems.error("CO203", node.span, f"`{operator}` takes values, not operators", hint=hint)
            return None
        text = read_text(node, self.problems)
        if text is not None and operator == "matches" and _NOT_RE2.search(text):
            message = "RE2 has no look-around and no back-references"
            self.problems.error("CO213", node.span, message, hint="use several operators, or `not:`")
            return None
        return text
