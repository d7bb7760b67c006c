"""Which of the program's columns have the values that rules expect of the bill.

Invariant: watching adds no column to a program and no field to what is read of the bill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from costops.engine.ir import Watched
from costops.model.expectations import Expectation, Role
from costops.model.rules import Meaning


@dataclass(frozen=True, slots=True)
class Columns:
    """How a program's columns are found."""

    of_field: Callable[[Meaning], str | None]
    """The column with a field's value before the first allocation; None where the program does not need it."""
    of_sources: Callable[[Meaning], tuple[str, ...]]
    """Columns with what a label or dimension reads, before its own words."""
    slot: Callable[[Meaning], str | None]
    """The slot that holds the running value, where an allocation writes it."""


def watched(found: Iterable[Expectation], columns: Columns) -> tuple[Watched, ...]:
    """What to look for in the bill; each field once for its values and once for what is beside its own words."""
    values: dict[tuple[Meaning, bool], set[tuple[str, bool]]] = {}
    for each in found:
        own_words = each.role is Role.NAMES and each.kind != "allocation"
        expected = values.setdefault((each.meaning, own_words), set())
        if each.value is not None:
            expected.add((each.value, each.ignore_case))
    result = []
    for (meaning, own_words), expected in values.items():
        column = columns.of_field(meaning)
        sources = columns.of_sources(meaning) if own_words else (column,)
        if column is not None and sources:
            result.append(
                Watched(
                    meaning=meaning,
                    of_sources=own_words,
                    columns=tuple(each for each in sources if each is not None),
                    nearby=column,
                    slot=None if own_words else columns.slot(meaning),
                    values_as_they_are=tuple(sorted(value for value, in_any_case in expected if not in_any_case)),
                    values_in_any_case=tuple(sorted(value for value, in_any_case in expected if in_any_case)),
                )
            )
    return tuple(result)
