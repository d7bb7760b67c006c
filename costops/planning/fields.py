"""Which fields differ between two canonical forms: the only place that uses deepdiff.

Invariant: paths are the field names a person wrote, `source.where.ServiceName` or `to.percent.checkout`; a list
that changed is one field, because its places mean nothing by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from costops.model.plan import FieldChange, Json


def field_changes(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[FieldChange, ...]:
    """Every field that differs, by path; of a mapping that only one side has, the fields inside it."""
    # deepdiff costs 90 ms to import, four times as much where pandas is installed.
    from deepdiff import DeepDiff

    difference = DeepDiff(
        _lists_as_values(before),
        _lists_as_values(after),
        view="tree",
        threshold_to_diff_deeper=0,
        verbose_level=2,
        zip_ordered_iterables=True,
        ignore_private_variables=False,
    )
    changes = {}
    for items in difference.values():
        for item in items:
            path = ".".join(str(part) for part in item.path(output_format="list"))
            for inside, old, new in _fields_inside(path, _at(before, item), _at(after, item)):
                changes[inside] = FieldChange(inside, old, new)
    return tuple(changes[path] for path in sorted(changes))


def _fields_inside(path: str, before: Json, after: Json) -> Iterator[tuple[str, Json, Json]]:
    """The field itself, or, of a mapping that only one side has, each field inside it."""
    only = after if before is None else before if after is None else None
    if not isinstance(only, dict) or not only:
        yield path, before, after
        return
    for name, value in only.items():
        # As in `_at`: null alone would read like an absent field.
        inside: Json = [None] if value is None else value
        old: Json = None if before is None else inside
        new: Json = inside if before is None else None
        yield from _fields_inside(f"{path}.{name}", old, new)


class _Value(str):
    """A list as one value: its canonical text."""

    __slots__ = ()


def _lists_as_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _lists_as_values(each) for key, each in value.items()}
    return _Value(json.dumps(value, ensure_ascii=False, sort_keys=True)) if isinstance(value, list) else value


def _at(document: Mapping[str, Json], item: Any) -> Json:
    found: Any = document
    for part in item.path(output_format="list"):
        if not isinstance(found, Mapping) or part not in found:
            return None
        found = found[part]
    # A condition on missing is null in canonical form; alone it would read like an absent field.
    return [None] if found is None else found
