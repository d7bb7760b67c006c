"""What the bill lacks of what the rules expect, as reading it showed.

Invariant: only what no charge of the whole bill has is absent; amounts are picos of the workspace's cost column.
"""

from __future__ import annotations

from dataclasses import dataclass

from costops.model.rules import Meaning


@dataclass(frozen=True, slots=True)
class AbsentValue:
    """A value that no charge has in a field before the first allocation."""

    meaning: Meaning
    value: str
    ignore_case: bool
    of_sources: bool
    """It was looked for in what the field is made from, before the field's own words."""
    near: tuple[str, ...]
    """Values of the field that are spelled alike."""


@dataclass(frozen=True, slots=True)
class OtherCase:
    """Charges that have a tag only under a key that differs in case from the ones that an entry reads."""

    keys: tuple[str, ...]
    """All keys that the entry reads, sorted."""
    read: tuple[str, ...]
    """Those of them that differ from `other` in nothing but case."""
    other: str
    amounts: tuple[tuple[str, int], ...]
    """(currency, picos)."""


@dataclass(frozen=True, slots=True)
class Absences:
    """Everything that was expected in vain."""

    fields: tuple[Meaning, ...] = ()
    """Fields without a value in any charge."""
    values: tuple[AbsentValue, ...] = ()
    other_cases: tuple[OtherCase, ...] = ()
    tag_keys: tuple[str, ...] = ()
    """Keys of the bill's tags, where a tag is among `fields`."""

    @property
    def tags_missing(self) -> bool:
        """Whether a tag is among `fields`."""
        return any(each.kind == "tag" for each in self.fields)


NOTHING_ABSENT = Absences()
