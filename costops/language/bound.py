"""What the binder knows about one entry while it reads it: values and places by path.

Invariant: a path has a value only if it was valid, and a place whenever it was written.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from costops.language.nodes import Node, ScalarNode
from costops.language.problems import Problems
from costops.model.conditions import EVERYTHING, Condition
from costops.model.diagnostic import Span
from costops.model.rules import Rename, Source, Transform

INVALID: Final = object()
"""What a reader returns after it has reported why."""

TableOf = Callable[[str, Span], str | None]
"""The id of a lookup table from its path as written and the place of that; None after a problem was reported."""


def as_written(path: str, span: Span) -> str | None:
    """The path itself as the id, where no file can be looked at: stored entries, and text without a folder."""
    return path


class Bound:
    """Values and places by path: `to.dimension`, `partition_by[0]`, `rules[1].where`."""

    def __init__(self, problems: Problems, table: TableOf = as_written) -> None:
        self.problems = problems
        self.table = table
        self.values: dict[str, object] = {}
        self.places: dict[str, Span] = {}
        self.keys: dict[str, Span] = {}

    def note(self, path: str, key: ScalarNode, value: Node) -> None:
        """Remembers where a field is: its value, or its key where the value has several lines."""
        one_line = value.span.line == value.span.end_line
        self.keys[path] = key.span
        self.places[path] = value.span if one_line else key.span

    def forget(self, path: str) -> None:
        """Drops a field and everything inside it, as if it had not been written; its places stay."""
        inside = (f"{path}.", f"{path}[")
        self.keys = {each: span for each, span in self.keys.items() if each != path and not each.startswith(inside)}
        self.values = {
            each: value for each, value in self.values.items() if each != path and not each.startswith(inside)
        }

    def has(self, path: str) -> bool:
        """Whether the field was written and is valid."""
        return path in self.values

    def text(self, path: str) -> str | None:
        """A text, or None."""
        return cast("str | None", self.values.get(path))

    def words(self, path: str) -> tuple[str, ...]:
        """A list of names, or none."""
        return cast("tuple[str, ...]", self.values.get(path, ()))

    def flag(self, path: str, default: bool) -> bool:
        """A truth value."""
        return cast("bool", self.values.get(path, default))

    def count(self, path: str) -> int:
        """How many items a list of mappings has."""
        return cast("int", self.values.get(path, 0))

    def amount(self, path: str) -> int:
        """A percentage or an amount in units of 1e-12; 0 where none was written."""
        return cast("int", self.values.get(path, 0))

    def condition(self, path: str) -> Condition:
        """A condition; everything where none was written."""
        return cast("Condition", self.values.get(path, EVERYTHING))

    def sources(self, path: str) -> tuple[Source, ...]:
        """Sources, or none."""
        return cast("tuple[Source, ...]", self.values.get(path, ()))

    def transforms(self, path: str) -> tuple[Transform, ...]:
        """Transforms, or none."""
        return cast("tuple[Transform, ...]", self.values.get(path, ()))

    def renames(self, path: str) -> tuple[Rename, ...]:
        """Renames, or none."""
        return cast("tuple[Rename, ...]", self.values.get(path, ()))

    def weights(self, path: str) -> tuple[tuple[str, int], ...]:
        """(metric, weight), or none."""
        return cast("tuple[tuple[str, int], ...]", self.values.get(path, ()))

    def pairs(self, path: str) -> tuple[tuple[str, str], ...]:
        """Pairs of a mapping from text to text, or none."""
        return cast("tuple[tuple[str, str], ...]", self.values.get(path, ()))

    def place(self, path: str) -> Span:
        """Where a field, or an item of a list, is."""
        return self.places[path]
