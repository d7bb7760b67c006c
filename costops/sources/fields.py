"""The columns of one kind of file as expressions: what is missing in a file is null in the engine.

Invariant: in CSV, where everything is text, empty text and the literal text NULL are missing in every column; in
Parquet, which has nulls of its own, empty text is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from costops.model.bill import PhysicalFile
from costops.model.expression import Column, Expression, Literal, call

MISSING = Literal(None)


@dataclass(frozen=True, slots=True)
class Fields:
    """The columns of files that all have the same ones."""

    kind: str
    """csv or parquet."""
    types: tuple[tuple[str, str], ...]
    """(exact name, type of the engine)."""

    @classmethod
    def of(cls, file: PhysicalFile) -> Fields:
        return cls(file.kind, file.columns)

    def __contains__(self, name: str) -> bool:
        return any(name == each for each, _ in self.types)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.types)

    def type_of(self, name: str) -> str:
        """The engine's type of a column; raises KeyError where there is none."""
        return dict(self.types)[name]

    def text(self, name: str) -> Expression:
        """A column as text; a map or a struct is a JSON object in text."""
        column = Column(name)
        if self.kind == "csv":
            return call("case", call("in", column, Literal(""), Literal("NULL")), MISSING, column)
        return call("present", column if self.type_of(name) == "VARCHAR" else call("text", column))

    def decimal(self, name: str) -> Expression:
        """A column as an exact number."""
        return call("decimal", self.text(name) if self._is_text(name) else Column(name))

    def timestamp(self, name: str) -> Expression:
        """A column as a moment in UTC."""
        return call("timestamp", self.text(name) if self._is_text(name) else Column(name))

    def moment_as_text(self, name: str) -> Expression:
        """A moment as ISO text, written alike whatever the file wrote, so that a rule can compare it."""
        return call("text", self.timestamp(name))

    def first_text(self, names: Iterable[str]) -> Expression | None:
        """The first of these columns that has a value; None where the files have none of them."""
        texts = [self.text(name) for name in names if name in self]
        if len(texts) < 2:
            return texts[0] if texts else None
        return call("first_present", *texts)

    def _is_text(self, name: str) -> bool:
        return self.kind == "csv" or self.type_of(name) == "VARCHAR"
