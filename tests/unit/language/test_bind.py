"""Nodes of rule files to the model: fields, values, shorthands."""

# ruff: noqa: E501  one line for each row of a table

from __future__ import annotations

import pytest

from costops.language.fields import KINDS, Field, ValueType
from costops.model.conditions import AnyOf
from costops.model.conditions import Test as Condition_
from costops.model.rules import DimensionRule, Method, Rename, Source, Transform

LABEL = "labels:\n  - {id: a, from: Tags.a, %s}\n"
ALLOCATION = """
allocations:
  - id: a
    source: {}
    method: proportional
    to: {dimension: team}
    %s
"""


def shown(diagnostics):
    return [(each.code, f"{each.span.line}:{each.span.column}", each.message, each.hint) for each in diagnostics]


def test_the_shorthands_of_from_are_one_name_a_list_and_a_mapping(bind) -> None:
    rules, found = bind(
        """
        labels:
          - {id: a, from: Tags.x}
          - {id: b, from: [Tags.x, {field: Tags.y, transform: trim}]}
          - {id: c, from: {field: Tags.y, transform: [lower, {split: {delimiter: "-", index: -1}}]}}
        """
    )
    assert found == ()
    assert [each.sources for each in rules.labels] == [
        (Source("Tags.x"),),
        (Source("Tags.x"), Source("Tags.y", (Transform("trim"),))),
        (Source("Tags.y", (Transform("lower"), Transform("split", ("-", "-1")))),),
    ]


def test_drop_and_rename_take_texts_and_operators(bind) -> None:
    rules, found = bind(
        """
        labels:
          - id: env
            from: Tags.env
            drop: n/a
            rename:
              production: [prod, {starts_with: prod-, ignore_case: true}]
              staging: stg
        """
    )
    assert found == ()
    assert rules.labels[0].drop == Condition_("value", "is", ("n/a",))
    assert rules.labels[0].rename == (
        Rename(
            "production",
            AnyOf(
                (Condition_("value", "is", ("prod",)), Condition_("value", "starts_with", ("prod-",), ignore_case=True))
            ),
        ),
        Rename("staging", Condition_("value", "is", ("stg",))),
    )


def test_renames_can_be_a_list_so_that_a_target_stands_twice(bind) -> None:
    rules, found = bind("labels: [{id: a, from: Tags.a, rename: [{x: a}, {y: b}, {x: c}]}]")
    assert found == ()
    assert [each.value for each in rules.labels[0].rename] == ["x", "y", "x"]


def test_a_dimension_has_rules_with_a_value_or_sources(bind) -> None:
    rules, found = bind(
        """
        dimensions:
          - id: env
            stage: result
            default: none
            rules:
              - {value: production, where: {ServiceName: Datadog Pro}}
              - {from: [a, b], transform: [upper]}
          - {id: empty, rules: []}
        """
    )
    assert found == ()
    assert rules.dimensions[0].rules == (
        DimensionRule(value="production", where=Condition_("ServiceName", "is", ("Datadog Pro",))),
        DimensionRule(sources=(Source("a"), Source("b")), transform=(Transform("upper"),)),
    )
    assert (rules.dimensions[0].default, rules.dimensions[0].result_stage) == ("none", True)
    assert rules.dimensions[1].rules == ()


def test_a_metric_maps_its_labels_sorted(bind) -> None:
    rules, found = bind("metrics: [{id: m, source: s, query: q, labels: {z: env, a: team}, aggregate: max}]")
    assert found == ()
    assert (rules.metrics[0].labels, rules.metrics[0].aggregate) == ((("a", "team"), ("z", "env")), "max")


def test_percentages_of_several_dimensions_are_a_list_of_mappings(bind) -> None:
    rules, found = bind(
        """
        allocations:
          - id: a
            source: {where: {ServiceName: x}}
            method: percent
            to:
              dimension: [team, env]
              percent:
                - {team: b, env: prod, percent: 66.666666666667}
                - {team: a, env: prod, percent: 33.333333333333}
        """
    )
    assert found == ()
    assert rules.allocations[0].percent == ((("a", "prod"), 33_333_333_333_333), (("b", "prod"), 66_666_666_666_667))


def test_every_field_of_an_allocation_is_bound(bind) -> None:
    rules, found = bind(
        """
        allocations:
          - id: a
            name: The name
            description: Why
            owner: finops
            enabled: false
            hidden: true
            source: {where: {ServiceName: x}, allocated: only}
            method: proportional
            to: {dimension: [team, env], values: [[b, prod], [a, prod]]}
            into: [t, e]
            basis: {where: {RegionId: eu}, cost: ListCost, granularity: billing_period, negative: clip}
            partition_by: SubAccountId
            on_empty: even
        """
    )
    (allocation,) = rules.allocations
    assert found == ()
    assert (allocation.name, allocation.description, allocation.owner) == ("The name", "Why", "finops")
    assert (allocation.enabled, allocation.hidden, allocation.allocated) == (False, True, "only")
    assert (allocation.method, allocation.to, allocation.into) == (Method.PROPORTIONAL, ("team", "env"), ("t", "e"))
    assert allocation.values == (("a", "prod"), ("b", "prod"))
    assert allocation.basis == Condition_("RegionId", "is", ("eu",))
    assert (allocation.basis_cost, allocation.granularity, allocation.negative) == (
        "ListCost",
        "billing_period",
        "clip",
    )
    assert (allocation.partition_by, allocation.on_empty) == (("SubAccountId",), "even")


def test_into_is_the_destination_where_none_is_written(bind) -> None:
    rules, _ = bind(ALLOCATION % "partition_by: [env]")
    assert rules.allocations[0].into == ("team",)


def test_an_entry_knows_where_its_fields_are(bind) -> None:
    rules, _ = bind(
        """\
        allocations:
          - id: a
            source: {where: {ServiceName: x, any: [{Tags.env: y}]}}
            method: percent
            to:
              dimension: team
              percent:
                checkout: 60
                search: 40
        """
    )
    (allocation,) = rules.allocations
    assert (allocation.span.line, allocation.span.column) == (2, 9)
    assert {path: (span.line, span.column) for path, span in allocation.places.items()} == {
        "id": (2, 9),
        "source": (3, 13),
        "source.where": (3, 21),
        "source.where.ServiceName": (3, 22),
        "source.where.any[0].Tags.env": (3, 45),
        "method": (4, 13),
        "to": (5, 5),
        "to.dimension": (6, 18),
        "to.percent": (7, 7),
        "to.percent.checkout": (8, 9),
        "to.percent.search": (9, 9),
    }
    assert allocation.text.startswith("  - id: a\n    source:")
    assert allocation.text.endswith("        search: 40")


def test_a_dimension_knows_where_its_rules_are(bind) -> None:
    rules, _ = bind("dimensions:\n  - id: a\n    rules:\n      - {from: [b, c], where: {d: e}}\n      - {value: f}\n")
    places = {path: (span.line, span.column) for path, span in rules.dimensions[0].places.items()}
    assert places["rules[0].from[1]"] == (4, 20)
    assert places["rules[0].where"] == (4, 31)
    assert places["rules[0].where.d"] == (4, 32)
    assert places["rules[1].value"] == (5, 17)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # fields
        (LABEL % "trasform: trim", ("CO201", "2:27", "unknown field `trasform`", "did you mean `transform`?")),
        (ALLOCATION % "basiss: {}", ("CO201", "7:5", "unknown field `basiss`", "did you mean `basis`?")),
        (
            ALLOCATION % "granularity: daily",
            ("CO201", "7:5", "unknown field `granularity`", "did you mean `basis.granularity`?"),
        ),
        ("allocation: []", ("CO201", "1:1", "unknown field `allocation`", "did you mean `allocations`?")),
        ("- a", ("CO203", "1:1", "a rule file is a mapping, this is a list", "start with `allocations:`")),
        ("labels: [x]", ("CO203", "1:10", "a mapping of fields is wanted here, this is text", None)),
        ("labels: [{id: a}]", ("CO202", "1:11", "`from` is missing", None)),
        ("labels: [{from: Tags.a}]", ("CO202", "1:11", "`id` is missing", None)),
        ("labels: [{id: a, from: }]", ("CO211", "1:18", "`from` has no value", "give it one, or remove the field")),
        # text
        (
            LABEL % "name: 2024",
            ("CO204", "2:33", "text is wanted here, and 2024 without quotes is a number", 'write "2024"'),
        ),
        (
            LABEL % "name: true",
            ("CO204", "2:33", "text is wanted here, and true without quotes is a boolean", 'write "true"'),
        ),
        (LABEL % "name: [x]", ("CO203", "2:33", "text is wanted here, this is a list", None)),
        (LABEL % 'name: ""', ("CO209", "2:33", "the text is empty", None)),
        # booleans
        (LABEL % "enabled: yes", ("CO206", "2:36", "true or false is wanted here, and yes is text", "write true")),
        (LABEL % "enabled: off", ("CO206", "2:36", "true or false is wanted here, and off is text", "write false")),
        (
            LABEL % 'enabled: "true"',
            ("CO206", "2:36", 'true or false is wanted here, and "true" is text', "write true without quotes"),
        ),
        (LABEL % "enabled: 1", ("CO206", "2:36", "true or false is wanted here, and 1 is a number", None)),
        (LABEL % "enabled: [x]", ("CO206", "2:36", "true or false is wanted here, this is a list", None)),
        # ids
        ("labels: [{id: a b, from: Tags.a}]", ("CO207", "1:15", '"a b" cannot be an id', None)),
        ("labels: [{id: -a, from: Tags.a}]", ("CO207", "1:15", '"-a" cannot be an id', None)),
        (f"labels: [{{id: {'a' * 81}, from: Tags.a}}]", ("CO207", "1:15", f'"{"a" * 81}" cannot be an id', None)),
        (
            "labels: [{id: 7, from: Tags.a}]",
            ("CO204", "1:15", "text is wanted here, and 7 without quotes is a number", 'write "7"'),
        ),
        ("dimensions: [{id: day, rules: []}]", ("CO216", "1:19", None, "choose another id")),
        ("labels: [{id: Tags.a, from: Tags.a}]", ("CO216", "1:15", None, "choose another id")),
        # choices
        (ALLOCATION % "on_empty: evne", ("CO205", "7:15", "`on_empty` cannot be `evne`", "did you mean `even`?")),
        (
            ALLOCATION % "on_empty: skip",
            ("CO205", "7:15", "`on_empty` cannot be `skip`", "use one of unallocated, even, previous, error"),
        ),
        # sources, transforms, patterns
        ("labels: [{id: a, from: []}]", ("CO209", "1:24", "the list is empty, so that nothing is read", None)),
        ("labels: [{id: a, from: [{transform: trim}]}]", ("CO202", "1:25", "`field` is missing", None)),
        ("labels: [{id: a, from: [{field: Tags.a, trans: trim}]}]", ("CO201", "1:41", "unknown field `trans`", None)),
        (LABEL % "transform: trimm", ("CO215", "2:38", "unknown transform `trimm`", "did you mean `trim`?")),
        (
            LABEL % "transform: split",
            (
                "CO215",
                "2:38",
                "`split` needs the arguments delimiter, index",
                "write {split: {delimiter: .., index: ..}}",
            ),
        ),
        (LABEL % "transform: {trim: 1}", ("CO215", "2:45", "`trim` takes no arguments", "write trim")),
        (
            LABEL % "transform: lookup",
            ("CO215", "2:38", "`lookup` needs the path of a CSV file", "write {lookup: teams.csv}"),
        ),
        (LABEL % "transform: {lookup: }", ("CO211", "2:39", "text is wanted here, this is null", None)),
        (LABEL % 'transform: {lookup: ""}', ("CO209", "2:47", "the text is empty", None)),
        (LABEL % "transform: {lookup: [a.csv]}", ("CO203", "2:47", "text is wanted here, this is a list", None)),
        (LABEL % "transform: {split: {delimiter: x}}", ("CO202", "2:46", "`index` is missing", None)),
        (
            LABEL % 'transform: {split: {delimiter: x, index: "0"}}',
            ("CO212", "2:68", "a whole number is wanted here", None),
        ),
        (LABEL % "transform: {replace: {from: x, to: y, all: true}}", ("CO201", "2:65", "unknown field `all`", None)),
        (LABEL % "drop: null", ("CO211", "2:33", "`drop` has no value", None)),
        (LABEL % "drop: [null]", ("CO211", "2:34", "a pattern cannot be null", None)),
        (LABEL % "drop: [{present: true}]", ("CO210", "2:35", None, None)),
        (LABEL % "rename: [x]", ("CO203", "2:36", "a mapping is wanted here, this is text", None)),
        (LABEL % "rename: {x: }", ("CO211", "2:36", "the patterns are missing", "write x: [old text, ..]")),
        (LABEL % "rename: {x: []}", ("CO209", "2:39", "the list is empty, so that nothing can match", None)),
        (LABEL % "rename: {2024: x}", ("CO204", "2:36", None, 'write "2024"')),
        # dimensions
        ("dimensions: [{id: a, rules: [{}]}]", ("CO202", "1:30", "`value`, `from` or `concat` is missing", None)),
        (
            "dimensions: [{id: a, rules: [x]}]",
            ("CO203", "1:30", "a mapping of fields is wanted here, this is text", None),
        ),
        (
            "dimensions: [{id: a, rules: [{value: x, from: y}]}]",
            ("CO219", "1:41", "a rule has `value` or `from`, not both", "write two rules"),
        ),
        ("dimensions: [{id: a, rules: [{value: null}]}]", ("CO211", "1:38", "`rules[0].value` has no value", None)),
        ("dimensions: [{id: a}]", ("CO202", "1:15", "`rules` is missing", None)),
        # metrics
        (
            "metrics: [{id: m, source: s, query: q, labels: {a: env, b: env}}]",
            ("CO217", "1:60", "`env` stands in `labels` twice", None),
        ),
        ("metrics: [{id: m, source: s, query: q, labels: [env]}]", ("CO203", "1:48", None, None)),
        # allocations
        (ALLOCATION % "partition_by: [env, env]", ("CO217", "7:25", "`env` stands in `partition_by` twice", None)),
        (ALLOCATION % "into: []", ("CO209", "7:11", "`into` is empty", None)),
        (
            ALLOCATION % "into: [a, b]",
            ("CO505", "7:11", "`into` names 2 and `to.dimension` 1; each needs its own", None),
        ),
    ],
)
def test_a_mistake_has_its_code_place_message_and_hint(bind, text, expected) -> None:
    _, found = bind(text)
    code, place, message, hint = expected
    assert [(each[0], each[1]) for each in shown(found)] == [(code, place)]
    assert message is None or found[0].message == message
    assert hint is None or found[0].hint == hint


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("{dimension: t, percent: {a: 60, b: 39.9}}", ("CO501", "the percentages add up to 99.9, they must add up to exactly 100")),
        ("{dimension: t, percent: {a: 60, b: 40.1}}", ("CO501", "the percentages add up to 100.1, they must add up to exactly 100")),
        ("{dimension: t, percent: {a: 33.333333333333, b: 33.333333333333, c: 33.333333333333}}", ("CO501", "the percentages add up to 99.999999999999, they must add up to exactly 100")),
        ("{dimension: t, percent: {}}", ("CO501", "the percentages add up to 0, they must add up to exactly 100")),
        ("{dimension: t, percent: {a: 110, b: -10}}", ("CO502", "the percentage -10 is negative")),
        ("{dimension: t, percent: {a: 0.0000000000001, b: 100}}", ("CO503", "the percentage 0.0000000000001 has more than 12 decimal places")),
        ("{dimension: t, percent: {a: 60%, b: 40}}", ("CO212", 'a percentage is wanted here, this is "60%"')),
        ("{dimension: t, percent: {a: 1e2}}", ("CO212", 'a percentage is wanted here, this is "1e2"')),
        ("{dimension: t, percent: {a: [1]}}", ("CO212", "a percentage is wanted here, this is a list")),
        ("{dimension: t, percent: {a: }}", ("CO212", "a percentage is wanted here, this is null")),
        ("{dimension: t, percent: {2024: 100}}", ("CO204", "text is wanted here, and 2024 without quotes is a number")),
        ("{dimension: t, percent: 100}", ("CO203", "`to.percent` cannot be a number here")),
        ("{dimension: [t, e], percent: {a: 100}}", ("CO203", "`to.percent` cannot be a mapping here")),
        ("{dimension: [t, e], percent: [{t: a, percent: 100}, {t: a, e: b, c: d, percent: 0}]}", ("CO508", "an item needs exactly the keys t, e, percent")),
        ("{dimension: [t, e], percent: [{t: a, e: b, percent: 50}, {e: b, t: a, percent: 50}]}", ("CO507", "the element `a, b` stands here twice")),
        ("{dimension: t}", ("CO504", "the method `percent` needs `to.percent`")),
    ],
)  # fmt: skip
def test_a_mistake_in_percentages_names_what_stands_there(bind, to, expected) -> None:
    _, found = bind(f"allocations: [{{id: a, source: {{}}, method: percent, to: {to}}}]")
    assert (found[0].code, found[0].message) == expected
    assert {each.code for each in found} == {expected[0]}


def test_percentages_of_exactly_100_and_of_zero_are_right(bind) -> None:
    rules, found = bind(
        "allocations: [{id: a, source: {}, method: percent, to: {dimension: t, percent: {b: '0.5', a: 99.50, c: 0}}}]"
    )
    assert found == ()
    assert rules.allocations[0].percent == ((("a",), 99_500_000_000_000), (("b",), 500_000_000_000), (("c",), 0))


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("{dimension: [t, e], values: [[a]]}", "CO506"),
        ("{dimension: [t, e], values: [a]}", "CO506"),
        ("{dimension: t, values: [[a, b]]}", "CO506"),
        ("{dimension: t, values: [a, b, a]}", "CO507"),
        ("{dimension: t, values: []}", "CO209"),
        ("{dimension: t, values: [1]}", "CO204"),
        ("{dimension: [], values: [a]}", "CO209"),
        ("{values: [a]}", "CO202"),
    ],
)
def test_a_mistake_in_elements_is_one_error(bind, to, expected) -> None:
    _, found = bind(f"allocations: [{{id: a, source: {{}}, method: even, to: {to}}}]")
    assert [each.code for each in found] == [expected]


@pytest.mark.parametrize(
    ("method", "field", "unused"),
    [
        ("percent", "basis: {where: {ServiceName: x}}", "basis"),
        ("percent", "partition_by: env", "partition_by"),
        ("percent", "on_empty: even", "on_empty"),
        ("even", "basis: {cost: ListCost}", "basis.cost"),
        ("proportional", "basis: {metric: m}", "basis.metric"),
        ("metric", "basis: {metric: m, cost: ListCost}", "basis.cost"),
    ],
)
def test_a_field_that_the_method_does_not_use_is_a_warning_and_changes_nothing(bind, method, field, unused) -> None:
    to = "{dimension: t, percent: {a: 100}}" if method == "percent" else "{dimension: t}"
    needed = "basis: {metric: m}" if method == "metric" else "hidden: false"
    text = "allocations:\n  - id: a\n    source: {}\n    method: %s\n    to: %s\n    %s\n"
    rules, found = bind(text % (method, to, field))
    plain, _ = bind(text % (method, to, needed))
    assert [(each.code, each.is_error) for each in found] == [("CO218", False)]
    assert f"`{unused}`" in found[0].message
    assert rules == plain


def test_even_over_given_values_needs_no_basis(bind) -> None:
    _, found = bind(
        "allocations: [{id: a, source: {}, method: even, to: {dimension: t, values: [a]}, basis: {where: {x: y}}, partition_by: e}]"
    )
    assert [each.message for each in found] == [
        "the method `even` with `to.values` does not use `basis`",
        "the method `even` with `to.values` does not use `partition_by`",
    ]


def test_percentages_beside_another_method_are_a_warning(bind) -> None:
    rules, found = bind("allocations: [{id: a, source: {}, method: even, to: {dimension: t, percent: {a: 60}}}]")
    assert [each.message for each in found] == ["the method `even` does not use `to.percent`"]
    assert rules.allocations[0].percent == ()


def test_an_id_is_unique_per_kind_and_both_places_are_named(bind) -> None:
    rules, found = bind(
        "labels:\n  - {id: a, from: Tags.a}\n  - {id: a, from: Tags.b}\ndimensions:\n  - {id: a, rules: []}\n"
    )
    assert [(each.code, each.span.line, each.related[0][0].line) for each in found] == [("CO208", 3, 2)]
    assert [each.sources[0].field for each in rules.labels] == ["Tags.a"]
    assert [each.id for each in rules.dimensions] == ["a"]


def test_an_entry_with_a_mistake_keeps_what_is_right_of_it(bind) -> None:
    rules, found = bind(ALLOCATION % "partition_by: [env]\n    source: {where: {a: 1, b: x}}\n    colour: red")
    assert [each.code for each in found] == ["CO107", "CO201"]
    assert rules.allocations[0].partition_by == ("env",)


def test_a_section_may_be_empty(bind) -> None:
    rules, found = bind("labels:\nallocations: []\n")
    assert (found, rules.entries()) == ((), ())


def test_a_date_without_quotes_is_text(bind) -> None:
    rules, found = bind("dimensions: [{id: a, rules: [{value: 2025-01-01}]}]")
    assert found == ()
    assert rules.dimensions[0].rules[0].value == "2025-01-01"


def every_field(fields: tuple[Field, ...]) -> list[Field]:
    return [each for field in fields for each in (field, *every_field(field.fields))]


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_field_of_the_table_has_a_sentence_and_a_type_that_fits(kind) -> None:
    for field in every_field(KINDS[kind]):
        assert field.doc.endswith("."), field.name
        assert bool(field.choices) == (field.type is ValueType.CHOICE), field.name
        assert all(choice.doc.endswith(".") for choice in field.choices), field.name
        assert bool(field.fields) <= (field.type in (ValueType.MAPPING, ValueType.ENTRIES)), field.name
