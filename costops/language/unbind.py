"""Conditions, sources and transforms back to the shortest form of the contract, as plain JSON values.

Invariant: reading what is written here gives the same tree again.
"""

from __future__ import annotations

from collections.abc import Iterable

from costops.model.conditions import All, AnyOf, Condition, Not, Test
from costops.model.rules import Rename, Source, Transform

Json = str | int | bool | None | list["Json"] | dict[str, "Json"]


def condition_value(condition: Condition) -> dict[str, Json]:
    """A condition as a `where` mapping; {} is everything."""
    written: dict[str, Json] = {}
    left: list[Json] = []
    for key, value in _pairs(condition):
        if key in written:
            left.append({key: value})
        else:
            written[key] = value
    if left:
        # Two parts of the same name cannot stand in one mapping.
        written["all"] = [*_listed(written.get("all")), *left]
    return written


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _pairs(condition: Condition) -> Iterable[tuple[str, Json]]:
    """The parts of a condition as keys and values of a mapping; fields first, each once where possible."""
    parts = condition.parts if isinstance(condition, All) else (condition,)
    tests: dict[str, list[Test]] = {}
    for part in parts:
        if isinstance(part, Test):
            tests.setdefault(part.field, []).append(part)
    for field, group in tests.items():
        for value in _test_values(group):
            yield field, value
    for part in parts:
        match part:
            case AnyOf():
                common = _one_field(part)
                if common is None:
                    yield "any", [condition_value(each) for each in part.parts]
                else:
                    yield common, [value for each in part.parts for value in _items(each)]
            case Not():
                yield "not", condition_value(part.part)
            case All():
                yield "all", [condition_value(part)]
            case Test():
                pass


def _test_values(tests: list[Test]) -> list[Json]:
    """Tests on one field as few values: one mapping of operators for those that agree on `ignore_case`."""
    if len(tests) == 1:
        return [_single(tests[0])]
    mapping: dict[str, Json] = {}
    alone: list[Json] = []
    with_case = [test for test in tests if _cased(test)]
    ignore_case = bool(with_case) and with_case[0].ignore_case
    for test in tests:
        if test.operator in mapping or (_cased(test) and test.ignore_case != ignore_case):
            alone.append(_single(test))
        else:
            mapping[test.operator] = _operand(test)
    if ignore_case:
        mapping["ignore_case"] = True
    return [mapping, *alone]


def _cased(test: Test) -> bool:
    """Whether `ignore_case` beside the operator would be kept for this test."""
    return test.operator in ("is", "not", "contains", "starts_with", "ends_with", "like", "matches") and any(
        value is not None for value in test.values
    )


def _single(test: Test) -> Json:
    if test.operator == "is" and not test.ignore_case:
        return _short(test.values)
    mapping: dict[str, Json] = {test.operator: _operand(test)}
    if test.ignore_case:
        mapping["ignore_case"] = True
    return mapping


def _operand(test: Test) -> Json:
    if test.operator == "present":
        return test.values == ("true",)
    return _short(test.values)


def _short(values: tuple[str | None, ...]) -> Json:
    return values[0] if len(values) == 1 else list(values)


def _one_field(condition: AnyOf) -> str | None:
    """The field that every part tests with one list item, or None."""
    fields: set[str] = set()
    plain = 0
    for part in condition.parts:
        tests = part.parts if isinstance(part, All) else (part,)
        group = [test for test in tests if isinstance(test, Test)]
        if not group or len(group) < len(tests) or len(_test_values(group)) > 1:
            return None
        fields.update(test.field for test in group)
        plain += len(group) == 1 and group[0].operator == "is" and not group[0].ignore_case
    return fields.pop() if len(fields) == 1 and plain <= 1 else None


def _items(part: Condition) -> list[Json]:
    """One part of an `any` over one field as items of a list."""
    tests = [test for test in (part.parts if isinstance(part, All) else (part,)) if isinstance(test, Test)]
    value = _test_values(tests)[0]
    return value if isinstance(value, list) else [value]


def pattern_values(condition: Condition) -> list[Json]:
    """A condition of `drop` or `rename` as a list of patterns."""
    parts = condition.parts if isinstance(condition, AnyOf) else (condition,)
    return [value for part in parts for value in _items(part)]


def source_value(source: Source) -> Json:
    """A source as its name, or as {field, transform}."""
    if not source.transform:
        return source.field
    return {"field": source.field, "transform": [transform_value(each) for each in source.transform]}


def transform_value(transform: Transform) -> Json:
    """A transform as its word, or as the word with its arguments."""
    match transform.name, transform.arguments:
        case "split", (delimiter, index):
            return {"split": {"delimiter": delimiter, "index": int(index)}}
        case "replace", (old, new):
            return {"replace": {"from": old, "to": new}}
        case "lookup", (table,):
            return {"lookup": table}
        case name, _:
            return name


def rename_values(renames: tuple[Rename, ...]) -> list[Json]:
    """Renames as a list of mappings, because the first that fits wins and a mapping would lose their order."""
    return [{each.value: pattern_values(each.where)} for each in renames]
