"""Holds what rules expect against the bill while every combination of its field values is still there.

Invariant: nothing here changes an amount or a value; it only keeps charges apart whose cost a warning must state.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from costops.engine.ir import Fields, Program, RawField, Watched
from costops.model.absences import Absences, AbsentValue, OtherCase
from costops.model.rules import Meaning

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """A set of keys that an entry reads, and one in the bill that differs from some of them only in case."""

    keys: tuple[str, ...]
    read: tuple[str, ...]
    other: str


def other_cases(readers: Iterable[tuple[str, ...]], bill_keys: Iterable[str]) -> tuple[CaseKeys, ...]:
    """Keys of the bill that an entry does not read although it reads them in another case; sorted."""
    by_fold: dict[str, list[str]] = {}
    for key in sorted(set(bill_keys)):
        by_fold.setdefault(key.casefold(), []).append(key)
    found = []
    for keys in sorted(set(readers)):
        for fold in sorted({key.casefold() for key in keys}):
            read = tuple(key for key in keys if key.casefold() == fold)
            found += [CaseKeys(keys, read, other) for other in by_fold.get(fold, []) if other not in keys]
    return tuple(found)


class CaseColumns:
    """Columns for keys in another case, beside those of the programs' fields."""

    def __init__(self, fields: Fields, cases: Sequence[CaseKeys]) -> None:
        self._columns = dict(fields.items())
        self.cases = tuple(cases)
        added: dict[RawField, str] = {}
        for each in cases:
            field = RawField("tag", each.other)
            if field not in self._columns:
                added.setdefault(field, f"g{len(added)}")
        self._columns.update(added)
        self.added = tuple(added.items())
        """Fields that no program needs, each with the name of its column."""

    def keys(self) -> list[tuple[tuple[str, ...], str]]:
        """For each case the columns that are read, and the column of the other key."""
        return [(tuple(self._column(key) for key in each.read), self._column(each.other)) for each in self.cases]

    def _column(self, key: str) -> str:
        return self._columns[RawField("tag", key)]


def keys_of_tags(connection: duckdb.DuckDBPyConnection, tags: str) -> list[str]:
    """Every key in a table of distinct texts of tags."""
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    return [key for (key,) in connection.execute(text_of(absences.tag_keys(tags))).fetchall()]


def find_absences(connection: duckdb.DuckDBPyConnection, program: Program) -> Absences:
    """What the bill lacks of what the program watches, from its `classes` with the columns that it watches.

    Keys of tags are not known here.
    """
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    row = connection.execute(text_of(absences.found_values(program.watched))).fetchall()[0]
    fields: list[Meaning] = []
    values: list[AbsentValue] = []
    for place, each in enumerate(program.watched):
        has_value, exact, in_any_case = row[3 * place : 3 * place + 3]
        if not has_value and not each.of_sources:
            fields.append(each.meaning)
        absent = [value for value in each.values_as_they_are if value not in exact]
        pairs = zip(each.values_in_any_case, in_any_case, strict=True)
        folded = [value for value, occurs in pairs if not occurs]
        if absent or folded:
            words = [*((value, False) for value in absent), *((value, True) for value in folded)]
            values += _absent_values(connection, each, words)
    return Absences(tuple(fields), tuple(values))


def _absent_values(
    connection: duckdb.DuckDBPyConnection, each: Watched, absent: Sequence[tuple[str, bool]]
) -> list[AbsentValue]:
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    words = sorted({value for value, _ in absent})
    found = connection.execute(text_of(absences.near_values(each, words))).fetchall()
    near = tuple(value for (value,) in found)
    return [AbsentValue(each.meaning, value, folded, each.of_sources, near) for value, folded in absent]


def keep_cases_apart(connection: duckdb.DuckDBPyConnection, columns: CaseColumns) -> None:
    """Make `classes`, which tells tuples with a tag only under another key from the others."""
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    connection.execute(text_of(absences.tuples_by_case(columns.keys())))


def cost_of_cases(
    connection: duckdb.DuckDBPyConnection, columns: CaseColumns, cost_place: int
) -> tuple[OtherCase, ...]:
    """What each other key costs where it stands alone; keys that never do are left out."""
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    if not columns.cases:
        return ()
    rows = connection.execute(text_of(absences.cost_by_case(columns.keys(), cost_place))).fetchall()
    found = []
    for place, case in enumerate(columns.cases, start=1):
        amounts = tuple((row[0], int(row[place])) for row in rows if row[place])
        if amounts:
            found.append(OtherCase(case.keys, case.read, case.other, amounts))
    return tuple(found)


def described(absences: Absences) -> dict[str, Any]:
    """As values of JSON."""
    return {
        "fields": [[each.kind, each.name] for each in absences.fields],
        "values": [
            [each.meaning.kind, each.meaning.name, each.value, each.ignore_case, each.of_sources, list(each.near)]
            for each in absences.values
        ],
        "other_cases": [
            [list(each.keys), list(each.read), each.other, [[name, str(amount)] for name, amount in each.amounts]]
            for each in absences.other_cases
        ],
        "tag_keys": list(absences.tag_keys),
    }


def absences_of(value: dict[str, Any]) -> Absences:
    """What `described` gave."""
    return Absences(
        tuple(Meaning(kind, name) for kind, name in value["fields"]),
        tuple(
            AbsentValue(Meaning(kind, name), text, folded, of_sources, tuple(near))
            for kind, name, text, folded, of_sources, near in value["values"]
        ),
        tuple(
            OtherCase(tuple(keys), tuple(read), other, tuple((name, int(amount)) for name, amount in amounts))
            for keys, read, other, amounts in value["other_cases"]
        ),
        tuple(value["tag_keys"]),
    )
