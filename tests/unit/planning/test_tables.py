"""How an edited lookup table is told: which rows, how many, and where."""

from __future__ import annotations

from costops.model.diagnostic import Span
from costops.model.rules import Lookup
from costops.planning.tables import place_of_change, row_changes


def table(rows: dict[str, str]) -> Lookup:
    """A table whose rows stand in the order given, from line 2."""
    places = {f"rows.{key}": Span("rules/t.csv", line, 1, line, 2) for line, key in enumerate(rows, start=2)}
    top = Span("rules/t.csv", 1, 1, 1, 2)
    return Lookup(id="t.csv", rows=tuple(sorted(rows.items())), span=top, places=places)


def test_rows_that_differ_are_listed_by_key_and_the_place_is_the_first_of_them() -> None:
    before = table({"z": "1", "same": "2", "gone": "3", "edited": "4"})
    after = table({"same": "2", "edited": "5", "a.b": "6", "z": "1"})
    assert [(each.path, each.before, each.after) for each in row_changes(before, after)] == [
        ("rows.a.b", None, "6"),
        ("rows.edited", "4", "5"),
        ("rows.gone", "3", None),
    ]
    assert place_of_change(before, after).line == 3


def test_a_table_that_only_lost_rows_has_its_top_as_place() -> None:
    assert place_of_change(table({"a": "1", "b": "2"}), table({"a": "1"})).line == 1


def test_many_rows_are_counted() -> None:
    before = {f"k{number:03}": "old" for number in range(100)}
    after = {key: "new" for key in before if key < "k090"} | {"more": "x"}
    found = row_changes(table(before), table(after))
    assert [each.path for each in found[:3]] == ["rows.k000", "rows.k001", "rows.k002"]
    assert [each.path for each in found[19:]] == ["rows.k019", "rows of 81 more keys"]
    assert (found[-1].before, found[-1].after) == ("80 rows", "71 rows")


def test_one_row_more_than_are_listed_is_listed_too() -> None:
    rows = {f"k{number:02}": "x" for number in range(21)}
    assert [each.path for each in row_changes(table({}), table(rows))] == [f"rows.{key}" for key in rows]
