"""Holds what rules expect against the values that the bill has.

Invariant: nothing here changes an amount or a value; it only keeps charges apart whose cost a warning must state.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from costops.engine.ir import Fields, Program, RawField, Watched
from costops.model.absences import Absences, AbsentValue, OtherCase
from costops.model.expression import Column, Expression, call
from costops.model.rules import Meaning

if TYPE_CHECKING:
    import duckdb


Places = Mapping[str, tuple[str, str]]
"""Column of a program to the factor that has it, or JOINT, and what it is called there."""


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

    def only_other(self) -> list[Expression]:
        """For each case whether a charge has the tag only under the other key."""
        return [
            call(
                "and",
                *(call("is_missing", Column(name)) for name in read),
                call("not", call("is_missing", Column(other))),
            )
            for read, other in self.keys()
        ]

    def _column(self, key: str) -> str:
        return self._columns[RawField("tag", key)]


def find_absences(connection: duckdb.DuckDBPyConnection, program: Program, places: Places) -> Absences:
    """What the bill lacks of what the program watches; `places` says where its columns are.

    Keys of tags are not known here.
    """
    fields: list[Meaning] = []
    values: list[AbsentValue] = []
    for each, found in zip(program.watched, _found(connection, program.watched, places), strict=True):
        if not found.has_value and not each.of_sources:
            fields.append(each.meaning)
        absent = [(value, False) for value in each.values_as_they_are if value not in found.exact]
        absent += [(value, True) for value in each.values_in_any_case if value not in found.in_any_case]
        if absent:
            values += _absent_values(connection, each, absent, places)
    return Absences(tuple(fields), tuple(values))


def name_of_absences(content: str, program: Program, places: Places, columns: Mapping[str, str]) -> str:
    """A digest of all that decides what `find_absences` finds in tables of this content.

    `columns` says what each column of a factor or of JOINT is.
    """
    watched = [
        replace(each, columns=tuple(columns[places[name][1]] for name in each.columns), slot=None, nearby="")
        for each in program.watched
    ]
    nearby = [columns[places[each.nearby][1]] for each in program.watched]
    return hashlib.sha256(repr([content, watched, nearby]).encode("utf-8", "surrogatepass")).hexdigest()


def noted(absences: Absences) -> dict[str, Any]:
    """Absent fields and values as a note."""
    return {
        "fields": [[each.kind, each.name] for each in absences.fields],
        "values": [
            [each.meaning.kind, each.meaning.name, each.value, each.ignore_case, each.of_sources, list(each.near)]
            for each in absences.values
        ],
    }


def of_note(note: Mapping[str, Any]) -> Absences:
    """What `noted` wrote."""
    values = (
        AbsentValue(Meaning(kind, name), value, ignore_case, of_sources, tuple(near))
        for kind, name, value, ignore_case, of_sources, near in note["values"]
    )
    return Absences(tuple(Meaning(kind, name) for kind, name in note["fields"]), tuple(values))


@dataclass(slots=True)
class _Found:
    """What a watched field has, in all of its columns."""

    has_value: bool
    exact: set[str]
    in_any_case: set[str]


def _found(connection: duckdb.DuckDBPyConnection, watched: Sequence[Watched], places: Places) -> list[_Found]:
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    found = [_Found(False, set(), set()) for _ in watched]
    for source in dict.fromkeys(source for source, _ in places.values()):
        looked_at = []
        for place, each in enumerate(watched):
            mine = tuple(dict.fromkeys(places[name][1] for name in each.columns if places[name][0] == source))
            if mine:
                looked_at.append((place, mine, each.values_as_they_are, each.values_in_any_case))
        if not looked_at:
            continue
        statement = text_of(absences.found_values(source, [each[1:] for each in looked_at]))
        row = connection.execute(statement).fetchall()[0]
        for number, (place, _, _, folded) in enumerate(looked_at):
            has_value, exact, in_any_case = row[3 * number : 3 * number + 3]
            found[place].has_value |= has_value
            found[place].exact.update(exact)
            found[place].in_any_case.update(value for value, occurs in zip(folded, in_any_case, strict=True) if occurs)
    return found


def _absent_values(
    connection: duckdb.DuckDBPyConnection, each: Watched, absent: Sequence[tuple[str, bool]], places: Places
) -> list[AbsentValue]:
    from costops.engine.sql import absences
    from costops.engine.sql.syntax import text_of

    words = sorted({value for value, _ in absent})
    source, column = places[each.nearby]
    found = connection.execute(text_of(absences.near_values(source, column, words))).fetchall()
    near = tuple(value for (value,) in found)
    return [AbsentValue(each.meaning, value, folded, each.of_sources, near) for value, folded in absent]


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
