"""Which fields of an entry differ, by the names a person wrote."""

from __future__ import annotations

import pytest

from costops.model.plan import FieldChange, Json
from costops.planning.fields import field_changes

Document = dict[str, Json]

BEFORE: Document = {
    "id": "datadog",
    "method": "percent",
    "source": {"where": {"ServiceName": "Datadog", "Tags.a.b": "x"}},
    "to": {"dimension": "team", "percent": {"checkout": "60", "search": "40"}},
    "partition_by": ["env"],
}


def changes(after: Document, before: Document | None = None) -> list[tuple[str, Json, Json]]:
    found = field_changes(BEFORE if before is None else before, after)
    return [(each.path, each.before, each.after) for each in found]


def test_equal_documents_have_no_change() -> None:
    assert field_changes(BEFORE, dict(reversed(BEFORE.items()))) == ()


def test_a_field_is_named_by_its_path() -> None:
    after: Document = {**BEFORE, "to": {"dimension": "team", "percent": {"checkout": "50", "search": "40"}}}
    assert field_changes(BEFORE, after) == (FieldChange("to.percent.checkout", "60", "50"),)


def test_every_change_is_told_sorted_by_path() -> None:
    after: Document = {
        **BEFORE,
        "method": "even",
        "source": {"where": {"ServiceName": "RDS", "Tags.a.b": "y"}},
        "to": {"dimension": "team", "percent": {"checkout": "50", "platform": "50"}},
    }
    assert changes(after) == [
        ("method", "percent", "even"),
        ("source.where.ServiceName", "Datadog", "RDS"),
        ("source.where.Tags.a.b", "x", "y"),
        ("to.percent.checkout", "60", "50"),
        ("to.percent.platform", None, "50"),
        ("to.percent.search", "40", None),
    ]


def test_a_mapping_that_appears_or_goes_is_the_fields_inside_it() -> None:
    basis: Json = {"where": {"ServiceName": "EC2", "team": None, "env": ["a", "b"]}, "cost": "ListCost"}
    inside = [
        ("basis.cost", "ListCost"),
        ("basis.where.ServiceName", "EC2"),
        ("basis.where.env", ["a", "b"]),
        ("basis.where.team", [None]),
    ]
    assert changes({**BEFORE, "basis": basis}) == [(path, None, value) for path, value in inside]
    assert changes(BEFORE, {**BEFORE, "basis": basis}) == [(path, value, None) for path, value in inside]


def test_an_empty_mapping_is_one_field() -> None:
    assert changes({**BEFORE, "basis": {}}) == [("basis", None, {})]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["env"], ["env", "team"]),
        (["env", "team"], ["team", "env"]),
        (["env"], []),
        ([], ["env"]),
        ([{"value": "a", "where": {"x": "y"}}], [{"value": "a", "where": {"x": "z"}}]),
    ],
)
def test_a_list_is_one_field_because_its_places_mean_nothing(before: Json, after: Json) -> None:
    assert changes({"rules": after}, {"rules": before}) == [("rules", before, after)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("env", ["env"]),
        ('["env"]', ["env"]),
        (["a"], {"a": "b"}),
        ({"a": "b"}, "a"),
        (True, "true"),
        (False, True),
        (1, True),
        ("1", "1.0"),
        ("é", "e\u0301"),
        ("one\ntwo", "one\nthree"),
    ],
)
def test_values_of_another_kind_or_spelling_differ(before: Json, after: Json) -> None:
    assert changes({"field": after}, {"field": before}) == [("field", before, after)]


@pytest.mark.parametrize("name", ["it's", 'say "hi"', "a[0]", "a.b", "", " ", "é", "root['x']", "1"])
def test_an_element_of_any_name_is_told(name: str) -> None:
    assert changes({"percent": {name: "2"}}, {"percent": {name: "1"}}) == [(f"percent.{name}", "1", "2")]
    assert changes({"percent": {"z": "1", name: "2"}}, {"percent": {"z": "1"}}) == [(f"percent.{name}", None, "2")]


def test_an_element_that_looks_private_is_told() -> None:
    assert changes({"percent": {"__other": "2"}}, {"percent": {"__other": "1"}}) == [("percent.__other", "1", "2")]


def test_a_condition_on_missing_that_goes_is_not_told_as_nothing() -> None:
    found = changes({"where": {}}, {"where": {"team": None}})
    assert [(before, after) for _, before, after in found if before == after] == []
