"""Sources, transforms and renames of labels and dimensions.

Invariant: each is order-preserving, because the first source with a value and the first rename that fits win.
"""

from __future__ import annotations

import re
from typing import cast

from costops.language.bound import Bound
from costops.language.fields import SOURCE, TRANSFORMS, Field, ValueType
from costops.language.nearness import did_you_mean
from costops.language.nodes import Kind, ListNode, MappingNode, Node, ScalarNode, describe
from costops.language.problems import Problems
from costops.language.scalars import quoted, read_integer, read_name, read_text
from costops.language.unknown import report_unknown_keys
from costops.language.where import PATTERN_FIELD, ValueReader
from costops.model.conditions import Condition
from costops.model.diagnostic import Span
from costops.model.rules import Rename, Source, Transform


def items_of(node: Node) -> tuple[Node, ...]:
    """The items of a list, or the one node that stands for a list of one."""
    return node.items if isinstance(node, ListNode) else (node,)


def item_path(node: Node, path: str, index: int) -> str:
    """The path of an item, which is the field itself where no list was written."""
    return f"{path}[{index}]" if isinstance(node, ListNode) else path


def read_sources(node: Node, bound: Bound, path: str) -> tuple[Source, ...]:
    """`x`, `[x, y]` or `{field, transform}`; after a problem was reported, those that are right."""
    if isinstance(node, ListNode) and not node.items:
        bound.problems.error("CO209", node.span, "the list is empty, so that nothing is read")
        return ()
    sources = []
    for index, item in enumerate(items_of(node)):
        place = item_path(node, path, index)
        bound.places[place] = item.span
        sources.append(_source(item, bound, place))
    return tuple(each for each in sources if each is not None)


def _source(node: Node, bound: Bound, path: str) -> Source | None:
    if not isinstance(node, MappingNode):
        name = read_name(node, bound.problems)
        return None if name is None else Source(name)
    report_unknown_keys(node, SOURCE, bound.problems)
    field, transform = node.get("field"), node.get("transform")
    name = None
    if field is None:
        bound.problems.error("CO202", node.span, "`field` is missing", hint="write {field: .., transform: [..]}")
    else:
        bound.places[path] = field.span
        name = read_name(field, bound.problems)
    transforms = () if transform is None else read_transforms(transform, bound)
    return None if name is None else Source(name, transforms or ())


_PLACES = re.compile(r"\{\{|\}\}|\{([0-9]{1,3})\}|[{}]")


def read_format(bound: Bound, path: str, count: int) -> tuple[str | int, ...]:
    """What `count` values are put into: texts, and places from 0; () where there is no value, or after a problem."""
    if not count:
        return ()
    if not bound.has(path):
        return tuple(part for place in range(count) for part in (" - ", place))[1:]
    node = cast("Node", bound.values[path])
    text = read_text(node, bound.problems)
    if text is None:
        return ()
    parts: list[str | int] = []
    end, problem = 0, None
    for found in _PLACES.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        place = found.group(1)
        if place is not None and int(place) < count:
            parts.append(int(place))
        elif place is not None:
            problem = f"there is no value {{{place}}}, `concat` has {count}, counted from 0"
        elif len(found.group()) == 2:
            parts.append(found.group()[0])
        else:
            problem = f"a `{found.group()}` stands alone"
    parts.append(text[end:])
    unused = [place for place in range(count) if place not in parts]
    if problem is None and unused:
        problem = f"it does not use {{{unused[0]}}}"
    if problem is not None:
        hint = "write {0}, {1}, .. for the values, and {{ or }} for a brace"
        bound.problems.error("CO220", node.span, f"the format {quoted(text)} is wrong: {problem}", hint=hint)
        return ()
    return _joined(parts)


def _joined(parts: list[str | int]) -> tuple[str | int, ...]:
    """Neighbouring texts as one, none of them empty."""
    joined: list[str | int] = []
    for part in parts:
        last = joined[-1] if joined else 0
        if isinstance(part, str) and isinstance(last, str):
            joined[-1] = last + part
        elif part != "":
            joined.append(part)
    return tuple(joined)


def read_transforms(node: Node, bound: Bound) -> tuple[Transform, ...] | None:
    """One transform or a list of them; None after a problem was reported."""
    transforms = [_transform(item, bound) for item in items_of(node)]
    good = tuple(each for each in transforms if each is not None)
    return good if len(good) == len(transforms) else None


def _transform(node: Node, bound: Bound) -> Transform | None:
    problems = bound.problems
    if isinstance(node, MappingNode) and len(node.pairs) == 1:
        (key, arguments) = node.pairs[0]
        name: str | None = key.text
        place = key.span
    else:
        arguments = None
        name = read_text(node, problems) if isinstance(node, ScalarNode) else None
        place = node.span
        if not isinstance(node, ScalarNode):
            problems.error("CO215", place, "a transform is a word, or a mapping of one word to its arguments")
    if name is None:
        return None
    field = next((each for each in TRANSFORMS if each.name == name), None)
    if field is None:
        known = ", ".join(each.name for each in TRANSFORMS)
        hint = did_you_mean(name, [each.name for each in TRANSFORMS], f"use one of {known}")
        problems.error("CO215", place, f"unknown transform `{name}`", hint=hint)
        return None
    if field.type is ValueType.TABLE:
        return _with_table(field, arguments, place, bound)
    return _with_arguments(field, arguments, node, problems)


def _with_arguments(field: Field, arguments: Node | None, node: Node, problems: Problems) -> Transform | None:
    if not field.fields:
        if arguments is not None:
            problems.error("CO215", arguments.span, f"`{field.name}` takes no arguments", hint=f"write {field.name}")
            return None
        return Transform(field.name)
    wanted = ", ".join(each.name for each in field.fields)
    if not isinstance(arguments, MappingNode):
        hint = f"write {{{field.name}: {{{', '.join(f'{each.name}: ..' for each in field.fields)}}}}}"
        problems.error("CO215", (arguments or node).span, f"`{field.name}` needs the arguments {wanted}", hint=hint)
        return None
    before = problems.errors
    report_unknown_keys(arguments, field.fields, problems)
    values = [_argument(each, arguments, problems) for each in field.fields]
    if problems.errors > before:
        return None
    return Transform(field.name, tuple(value for value in values if value is not None))


def _with_table(field: Field, argument: Node | None, place: Span, bound: Bound) -> Transform | None:
    if argument is None:
        hint = f"write {{{field.name}: teams.csv}}"
        bound.problems.error("CO215", place, f"`{field.name}` needs the path of a CSV file", hint=hint)
        return None
    path = read_text(argument, bound.problems)
    table = None if path is None else bound.table(path, argument.span)
    return None if table is None else Transform(field.name, (table,))


def _argument(field: Field, arguments: MappingNode, problems: Problems) -> str | None:
    node = arguments.get(field.name)
    if node is None:
        problems.error("CO202", arguments.span, f"`{field.name}` is missing")
        return None
    if field.name == "index":
        number = read_integer(node, problems)
        return None if number is None else str(number)
    return read_text(node, problems, may_be_empty=field.name == "to")


def read_patterns(node: Node, problems: Problems) -> Condition | None:
    """Texts and operators of which any may hold; None after a problem was reported."""
    return ValueReader(PATTERN_FIELD, problems, pattern=True).read(node)


def read_renames(node: Node, bound: Bound, path: str) -> tuple[Rename, ...] | None:
    """A mapping from new text to patterns, or a list of such mappings; None after a problem was reported."""
    renames: list[Rename | None] = []
    for index, item in enumerate(items_of(node)):
        if not isinstance(item, MappingNode):
            hint = "write new text: [old text, ..]"
            bound.problems.error("CO203", item.span, f"a mapping is wanted here, this is {describe(item)}", hint=hint)
            return None
        for key, value in item.pairs:
            bound.places.setdefault(f"{item_path(node, path, index)}.{key.text}", key.span)
            renames.append(_rename(key, value, bound.problems))
    good = tuple(each for each in renames if each is not None)
    return good if len(good) == len(renames) else None


def _rename(key: ScalarNode, value: Node, problems: Problems) -> Rename | None:
    target = read_text(key, problems)
    if isinstance(value, ScalarNode) and value.kind is Kind.NULL:
        problems.error("CO211", value.span, "the patterns are missing", hint=f"write {key.text}: [old text, ..]")
        return None
    patterns = read_patterns(value, problems)
    return None if target is None or patterns is None else Rename(target, patterns)
