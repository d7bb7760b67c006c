"""Conditions (`where`) as a tree in one normal form, so that equal meanings written differently compare equal.

Invariant: every tree made by `everything`, `all_of`, `any_of`, `negation` and `Test` with sorted values is normal; the
engine's order of cells follows the tree, so a rule read from a file and the same rule read from the state
give the same digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

OPERATORS: tuple[str, ...] = (
    "is", "not", "in", "not_in", "contains", "starts_with", "ends_with", "like", "matches",
    "present", "before", "after", "from", "until",
)  # fmt: skip
"""Every operator a person may write; `in` and `not_in` become `is` and `not`."""


@dataclass(frozen=True, slots=True)
class Test:
    """One operator on one field; several values mean any of them.

    `values` holds None for missing (only with `is` and `not`), and `"true"` or `"false"` with `present`.
    `not` holds where `is` does not. A missing value satisfies only `is` with None, `present` false, and `not`
    without None.
    """

    field: str
    operator: str
    values: tuple[str | None, ...]
    ignore_case: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Holds where every part holds; without parts it always holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Holds where at least one part holds; without parts it never holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds where its part does not."""

    part: Condition


Condition = Test | All | AnyOf | Not

EVERYTHING = All(())


def make_test(field: str, operator: str, values: Iterable[str | None], *, ignore_case: bool = False) -> Test:
    """A normal test: aliases resolved, values unique and sorted with missing first."""
    plain = {"in": "is", "not_in": "not"}.get(operator, operator)
    ordered = tuple(sorted(set(values), key=lambda value: (value is not None, value or "")))
    return Test(field, plain, ordered, ignore_case)


def _key(condition: Condition) -> tuple[object, ...]:
    match condition:
        case Test():
            values = tuple("" if value is None else f"={value}" for value in condition.values)
            return (0, condition.field, condition.operator, str(condition.ignore_case), values)
        case All():
            return (1, tuple(_key(part) for part in condition.parts))
        case AnyOf():
            return (2, tuple(_key(part) for part in condition.parts))
        case Not():
            return (3, (_key(condition.part),))


def _text_key(condition: Condition) -> str:
    return repr(_key(condition))


def all_of(parts: Iterable[Condition]) -> Condition:
    """Normal AND: nested ones flattened, parts unique and ordered, a single part alone."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, All) else (part,))
    unique = tuple(sorted(dict.fromkeys(flat), key=_text_key))
    return unique[0] if len(unique) == 1 else All(unique)


def any_of(parts: Iterable[Condition]) -> Condition:
    """Normal OR: nested ones flattened, parts unique and ordered, a single part alone."""
    flat: list[Condition] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, AnyOf) else (part,))
    unique = tuple(sorted(dict.fromkeys(flat), key=_text_key))
    return unique[0] if len(unique) == 1 else AnyOf(unique)


def negation(part: Condition) -> Condition:
    """Normal NOT: two in a row vanish."""
    return part.part if isinstance(part, Not) else Not(part)


def tests_in(condition: Condition) -> Iterator[Test]:
    """Every test of a tree, in its order."""
    match condition:
        case Test():
            yield condition
        case All() | AnyOf():
            for part in condition.parts:
                yield from tests_in(part)
        case Not():
            yield from tests_in(condition.part)
