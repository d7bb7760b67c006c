"""Reads a mapping by the table of fields: unknown, missing, refused and wrong fields become diagnostics.

Invariant: this module knows no field by name; what is accepted is decided by the table alone.
"""

from __future__ import annotations

from collections.abc import Callable

from costops.language.bound import INVALID, Bound
from costops.language.costs import read_costs
from costops.language.fields import KINDS, METRIC_WEIGHT, Field, ValueType
from costops.language.nearness import did_you_mean
from costops.language.nodes import Kind, ListNode, MappingNode, Node, ScalarNode, describe
from costops.language.problems import Problems
from costops.language.scalars import (
    read_amount,
    read_boolean,
    read_day,
    read_id,
    read_integer,
    read_name,
    read_percentage,
    read_text,
    read_weight,
)
from costops.language.sources import item_path, items_of, read_patterns, read_renames, read_sources, read_transforms
from costops.language.unknown import report_unknown, report_unknown_keys
from costops.language.where import read_condition
from costops.model.diagnostic import Span
from costops.money import PICOS


def bind_fields(node: Node, fields: tuple[Field, ...], bound: Bound, path: str = "") -> None:
    """Reads every field of a mapping into `bound`, under `path`."""
    if not isinstance(node, MappingNode):
        known = ", ".join(field.name for field in fields if field.not_built is None)
        bound.problems.error(
            "CO203",
            node.span,
            f"a mapping of fields is wanted here, this is {describe(node)}",
            hint=f"the fields are {known}",
        )
        return
    for key, value in node.pairs:
        field = next((each for each in fields if each.name == key.text), None)
        if field is None:
            report_unknown(key, fields, bound.problems)
            continue
        full = f"{path}.{field.name}" if path else field.name
        bound.note(full, key, value)
        if field.not_built is not None:
            bound.problems.error(field.not_built, key.span, f"`{full}` is not built yet", hint=field.hint)
            continue
        result = _read(field, key, value, bound, full)
        if result is not INVALID:
            bound.values[full] = result
    for field in fields:
        if field.required and node.get(field.name) is None:
            bound.problems.error("CO202", start_of(node), f"`{field.name}` is missing", hint=field.doc)


def start_of(node: Node) -> Span:
    """The place to show for a whole mapping: its first key."""
    return node.pairs[0][0].span if isinstance(node, MappingNode) and node.pairs else node.span


def _read(field: Field, key: ScalarNode, node: Node, bound: Bound, path: str) -> object:
    if isinstance(node, ScalarNode) and node.kind is Kind.NULL and field.type is not ValueType.TEXT_OR_NULL:
        bound.problems.error("CO211", node.span, f"`{path}` has no value", hint="give it one, or remove the field")
        return INVALID
    if field.type in (ValueType.MAPPING, ValueType.ENTRIES):
        return _read_inside(field, node, bound, path)
    reader = _READERS.get(field.type)
    if reader is None:
        return node
    result = reader(node, field, bound, path)
    return INVALID if result is None else result


def _read_inside(field: Field, node: Node, bound: Bound, path: str) -> object:
    if field.type is ValueType.MAPPING:
        bind_fields(node, field.fields, bound, path)
        return True
    items = items_of(node)
    for index, item in enumerate(items):
        place = item_path(node, path, index) if isinstance(node, ListNode) else f"{path}[0]"
        bound.places[place] = start_of(item)
        if isinstance(item, MappingNode):
            bound.values[place] = True
        bind_fields(item, field.fields, bound, place)
    return len(items)


def _read_choice(node: Node, field: Field, bound: Bound, path: str) -> str | None:
    text = read_text(node, bound.problems)
    if text is None:
        return None
    choice = next((each for each in field.choices if each.value == text), None)
    if choice is None:
        known = [each.value for each in field.choices]
        listed = ", ".join(each.value for each in field.choices if each.not_built is None)
        hint = did_you_mean(text, known, f"use {'one of ' if len(known) > 1 else ''}{listed}")
        bound.problems.error("CO205", node.span, f"`{path}` cannot be `{text}`", hint=hint)
        return None
    if choice.not_built is not None:
        bound.problems.error(choice.not_built, node.span, f"`{path}: {text}` is not built yet")
        return None
    return text


def _read_names(node: Node, field: Field, bound: Bound, path: str) -> tuple[str, ...] | None:
    if isinstance(node, ListNode) and not node.items and field.default != "[]":
        bound.problems.error("CO209", node.span, f"`{path}` is empty", hint=field.doc)
        return None
    names: dict[str, Span] = {}
    valid = True
    for index, item in enumerate(items_of(node)):
        name = read_name(item, bound.problems)
        if name is None:
            valid = False
            continue
        bound.places[item_path(node, path, index)] = item.span
        valid = valid and name not in names
        _remember(name, item.span, names, bound, path)
    return tuple(names) if valid else None


def _read_ids(node: Node, field: Field, bound: Bound, path: str) -> tuple[str, ...] | None:
    if isinstance(node, ListNode) and not node.items:
        bound.problems.error("CO209", node.span, f"`{path}` is empty", hint=field.doc)
        return None
    ids: dict[str, Span] = {}
    before = bound.problems.errors
    for index, item in enumerate(items_of(node)):
        identity = read_id(item, bound.problems)
        if identity is not None:
            bound.places[item_path(node, path, index)] = item.span
            _remember(identity, item.span, ids, bound, path)
    return tuple(ids) if bound.problems.errors == before else None


def _remember(name: str, span: Span, known: dict[str, Span], bound: Bound, path: str) -> None:
    if name in known:
        related = ((known[name], "the first one is here"),)
        bound.problems.error("CO217", span, f"`{name}` stands in `{path}` twice", related=related)
    known.setdefault(name, span)


def _read_metrics(node: Node, field: Field, bound: Bound, path: str) -> tuple[tuple[str, int], ...] | None:
    """(metric, weight in units of 1e-12), sorted; the weight of a metric alone decides nothing and is 1."""
    if isinstance(node, ListNode) and not node.items:
        bound.problems.error("CO209", node.span, f"`{path}` is empty", hint=field.doc)
        return None
    places: dict[str, Span] = {}
    weights: dict[str, int] = {}
    before = bound.problems.errors
    for item in items_of(node):
        name, weight = _metric_and_weight(item, bound.problems)
        identity = read_text(name, bound.problems)
        if identity is not None and weight is not None:
            bound.places[f"{path}.{identity}"] = name.span
            _remember(identity, name.span, places, bound, path)
            weights[identity] = weight
    if bound.problems.errors > before:
        return None
    return tuple(sorted(weights.items())) if len(weights) > 1 else ((next(iter(weights)), PICOS),)


def _metric_and_weight(node: Node, problems: Problems) -> tuple[Node, int | None]:
    if not isinstance(node, MappingNode):
        return node, PICOS
    report_unknown_keys(node, METRIC_WEIGHT, problems)
    name, weight = node.get("metric"), node.get("weight")
    return name or node, PICOS if weight is None else read_weight(weight, problems)


def _read_text_map(node: Node, field: Field, bound: Bound, path: str) -> tuple[tuple[str, str], ...] | None:
    if not isinstance(node, MappingNode):
        hint = "write {label of the metric: our dimension}"
        bound.problems.error("CO203", node.span, f"a mapping is wanted here, this is {describe(node)}", hint=hint)
        return None
    pairs: list[tuple[str, str]] = []
    seen: dict[str, Span] = {}
    valid = True
    for key, value in node.pairs:
        bound.places[f"{path}.{key.text}"] = value.span
        word, name = read_text(key, bound.problems), read_name(value, bound.problems)
        if word is None or name is None:
            valid = False
            continue
        valid = valid and name not in seen
        _remember(name, value.span, seen, bound, path)
        pairs.append((word, name))
    return tuple(sorted(pairs)) if valid else None


def _read_optional_text(node: Node, field: Field, bound: Bound, path: str) -> object:
    if isinstance(node, ScalarNode) and node.kind is Kind.NULL:
        return INVALID
    return read_text(node, bound.problems)


def _read_drop(node: Node, field: Field, bound: Bound, path: str) -> object:
    if isinstance(node, ListNode) and not node.items:
        return INVALID
    return read_patterns(node, bound.problems)


def _read_kinds(node: Node, field: Field, bound: Bound, path: str) -> tuple[str, ...] | None:
    """Kinds of entries; `true` is all of them."""
    if isinstance(node, ScalarNode) and node.kind is Kind.BOOLEAN:
        if node.text.lower() == "true":
            return tuple(KINDS)
        bound.problems.error("CO205", node.span, f"`{path}` cannot be {node.text}", hint="write true, or remove it")
        return None
    names = _read_names(node, field, bound, path)
    unknown = [name for name in names or () if name not in KINDS]
    for name in unknown:
        hint = did_you_mean(name, KINDS, f"use true, or some of {', '.join(KINDS)}")
        item = next(each for each in items_of(node) if isinstance(each, ScalarNode) and each.text == name)
        bound.problems.error("CO205", item.span, f"`{path}` cannot be `{name}`", hint=hint)
    return None if unknown else names


_Reader = Callable[[Node, Field, Bound, str], object]

_READERS: dict[ValueType, _Reader] = {
    ValueType.ID: lambda node, field, bound, path: read_id(node, bound.problems),
    ValueType.NAME: lambda node, field, bound, path: read_name(node, bound.problems),
    ValueType.NAMES: _read_names,
    ValueType.TEXT: lambda node, field, bound, path: read_text(node, bound.problems),
    ValueType.TEXT_OR_NULL: _read_optional_text,
    ValueType.TEXT_OR_EMPTY: lambda node, field, bound, path: read_text(node, bound.problems, may_be_empty=True),
    ValueType.TEXTS: _read_names,
    ValueType.TEXT_MAP: _read_text_map,
    ValueType.BOOLEAN: lambda node, field, bound, path: read_boolean(node, bound.problems),
    ValueType.CHOICE: _read_choice,
    ValueType.COSTS: lambda node, field, bound, path: read_costs(node, bound, path),
    ValueType.COST: lambda node, field, bound, path: read_text(node, bound.problems),
    ValueType.INTEGER: lambda node, field, bound, path: read_integer(node, bound.problems),
    ValueType.IDS: _read_ids,
    ValueType.METRICS: _read_metrics,
    ValueType.DAY: lambda node, field, bound, path: read_day(node, bound.problems),
    ValueType.PERCENTAGE: lambda node, field, bound, path: read_percentage(node, bound.problems),
    ValueType.AMOUNT: lambda node, field, bound, path: read_amount(node, bound.problems),
    ValueType.KINDS: _read_kinds,
    ValueType.CONDITION: lambda node, field, bound, path: read_condition(node, bound, path),
    ValueType.SOURCES: lambda node, field, bound, path: read_sources(node, bound, path),
    ValueType.TRANSFORMS: lambda node, field, bound, path: read_transforms(node, bound),
    ValueType.PATTERNS: _read_drop,
    ValueType.RENAMES: lambda node, field, bound, path: read_renames(node, bound, path),
}
"""How each type of value is read; types that are not here are kept as nodes for the entry's own binder."""
