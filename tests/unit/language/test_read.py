"""YAML text to nodes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.language.nodes import (
    Kind,
    ListNode,
    MappingNode,
    ScalarNode,
    node_from_json,
    plain_kind,
    source_text,
)
from costops.language.read import read_bytes, read_text
from costops.model.diagnostic import Span


def problem(text: str) -> tuple[str, int, int]:
    read = read_text("a.yaml", text)
    first = read.diagnostics[0]
    assert first.span is not None
    return first.code, first.span.line, first.span.column


@pytest.mark.parametrize("text", ["", "# only a comment\n", "---\n", "---\n...\n", "~\n", "{}\n"])
def test_an_empty_document_is_an_empty_mapping(text: str) -> None:
    read = read_text("a.yaml", text)
    assert isinstance(read.node, MappingNode)
    assert read.node.pairs == ()
    assert read.diagnostics == ()


def test_scalars_keep_their_text_and_their_place() -> None:
    read = read_text("a.yaml", "a: [012345678901, 'x', 1.50]\n")
    assert isinstance(read.node, MappingNode)
    (key, value) = read.node.pairs[0]
    assert key == ScalarNode("a", Kind.TEXT, False, Span("a.yaml", 1, 1, 1, 2))
    assert value == ListNode(
        (
            ScalarNode("012345678901", Kind.INTEGER, False, Span("a.yaml", 1, 5, 1, 17)),
            ScalarNode("x", Kind.TEXT, True, Span("a.yaml", 1, 19, 1, 22)),
            ScalarNode("1.50", Kind.DECIMAL, False, Span("a.yaml", 1, 24, 1, 28)),
        ),
        Span("a.yaml", 1, 4, 1, 29),
    )


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("yes", Kind.TEXT),
        ("on", Kind.TEXT),
        ("True", Kind.BOOLEAN),
        ("~", Kind.NULL),
        ("", Kind.NULL),
        ("012", Kind.INTEGER),
        ("0x1F", Kind.INTEGER),
        ("1_000", Kind.INTEGER),
        ("-7", Kind.INTEGER),
        ("1e3", Kind.DECIMAL),
        (".5", Kind.DECIMAL),
        (".inf", Kind.DECIMAL),
        ("1.2.3", Kind.TEXT),
        ("33%", Kind.TEXT),
        ("1:30", Kind.TEXT),
        ("2025-09-01", Kind.DATE),
        ("2025-09-01T10:00:00Z", Kind.DATE),
        ("2025-09", Kind.TEXT),
    ],
)
def test_a_plain_scalar_is_what_yaml_1_2_says(text: str, kind: Kind) -> None:
    assert plain_kind(text) is kind


def test_a_value_that_was_left_out_lies_at_its_key() -> None:
    read = read_text("a.yaml", "a:\n\n\nb: 1\n")
    assert isinstance(read.node, MappingNode)
    assert read.node.pairs[0][1].span == Span("a.yaml", 1, 1, 1, 2)


def test_a_block_mapping_ends_with_its_last_value_not_with_the_comment_after_it() -> None:
    read = read_text("a.yaml", "a:\n  b: c\n\n# comment\nd: |\n  x\n  y\n\n\ne: f\n")
    assert isinstance(read.node, MappingNode)
    assert [value.span for _, value in read.node.pairs] == [
        Span("a.yaml", 2, 3, 2, 7),
        Span("a.yaml", 5, 4, 7, 4),
        Span("a.yaml", 10, 4, 10, 5),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a:\n\t- b\n", ("CO105", 2, 1)),
        ("a: b: c\n", ("CO105", 1, 5)),
        ("a: 'never closed\nb: c\n", ("CO105", 1, 4)),
        ("{a: 1", ("CO105", 1, 6)),
        ("- a\nb: c\n", ("CO105", 2, 1)),
        ("a: @b\n", ("CO105", 1, 4)),
        ("a: 1\n---\nb: 2\n", ("CO106", 2, 1)),
        ("a: 1\nb: 2\na: 3\n", ("CO107", 3, 1)),
        ('a: 1\n"a": 3\n', ("CO107", 2, 1)),
        ("a: !money 3\n", ("CO108", 1, 4)),
        ("a: !!int 3\n", ("CO108", 1, 4)),
        ("a: &x 3\n", ("CO109", 1, 4)),
        ("a: *x\n", ("CO109", 1, 4)),
        ("<<: {a: b}\n", ("CO109", 1, 1)),
        ("[" * 40, ("CO110", 1, 33)),
        ("- " * 40 + "a", ("CO110", 1, 65)),
        ("[" * 20_000, ("CO110", 1, 33)),
        ("? [a]\n: b\n", ("CO111", 1, 3)),
        ("%YAML 1.1\n---\na: b\n", ("CO112", 2, 1)),
        ("a: b\nc: d\x00e\n", ("CO104", 2, 5)),
        ("a: b\x1b[31m\n", ("CO104", 1, 5)),
        ('a: "\\0"\n', ("CO104", 1, 4)),
        ('a: "\\ud800"\n', ("CO104", 1, 4)),
        ("a: b\x7f\n", ("CO104", 1, 5)),
        ("# a \u202e comment\na: b\n", ("CO120", 1, 5)),
        ("a: b\nc: d\u2066e\u2069\n", ("CO120", 2, 5)),
        ("a: \u200fb\n", ("CO120", 1, 4)),
        ("# a\u2028b: c\nd: e\n", ("CO120", 1, 4)),
        ("a: b\x85c: d\n", ("CO120", 1, 5)),
        ("a: 'b\u200bc'\n", ("CO121", 1, 6)),
        ("a\u00adb: c\n", ("CO121", 1, 2)),
        ("labels:\n  - {id: te\u2060am}\n", ("CO121", 2, 12)),
        ("a: |\n  b\n  c\ufeffd\n", ("CO121", 3, 4)),
        ("a: \U000e0041b\n", ("CO121", 1, 4)),
        ("a: \u0645\u200c\u0646\n", ("CO125", 1, 5)),
        ("a: " + "b" * 10_001, ("CO123", 1, 4)),
        ("a: '" + "b" * 9_999 + "'", ("CO123", 1, 4)),
        ("? " + "b" * 10_001 + "\n: c\n", ("CO123", 1, 3)),
        ("- &x a\n" * 101, ("CO109", 1, 3)),
        ("a: &x [b, b]\nc: &y [*x, *x]\nd: [*y, *y]\n", ("CO109", 1, 4)),
    ],
)
def test_what_is_not_plain_yaml_is_a_problem_with_its_place(text: str, expected: tuple[str, int, int]) -> None:
    assert problem(text) == expected


def test_a_character_that_misleads_or_hides_may_stand_as_an_escape_and_an_invisible_one_in_a_comment() -> None:
    read = read_text("a.yaml", '# \u200b \u200d\na: ["\\u202e", "\\u200b", "\\N", "\\L"]\n')
    assert read.diagnostics == ()
    assert isinstance(read.node, MappingNode)
    (_, value) = read.node.pairs[0]
    assert isinstance(value, ListNode)
    texts = [each.text for each in value.items if isinstance(each, ScalarNode)]
    assert texts == ["\u202e", "\u200b", "\x85", "\u2028"]


def test_every_misleading_and_invisible_character_is_told_beside_the_other_problems() -> None:
    read = read_text("a.yaml", "a: \u202ab\nc: \u200bd\nc: \u200be\u200b\n")
    assert [(each.code, each.span and (each.span.line, each.span.column)) for each in read.diagnostics] == [
        ("CO120", (1, 4)),
        ("CO121", (2, 4)),
        ("CO107", (3, 1)),
        ("CO121", (3, 4)),
        ("CO121", (3, 6)),
    ]


def test_joiners_are_one_warning_a_file() -> None:
    emoji = "\U0001f469\u200d\U0001f4bb"
    read = read_text("a.yaml", f"a: {emoji}\nb: [{emoji}, {emoji}]\n")
    assert [(each.code, each.severity, each.message) for each in read.diagnostics] == [
        ("CO125", "warning", "the text holds U+200D, which nobody sees, and 2 such characters more in this file")
    ]
    assert read.node is not None


def test_a_text_of_10_000_characters_is_read() -> None:
    assert read_text("a.yaml", f"a: {'b' * 10_000}\n").diagnostics == ()


def test_after_a_hundred_problems_a_file_is_not_read_any_further() -> None:
    read = read_text("a.yaml", "a: [" + "*x, " * 1_000 + "]\n")
    last = read.diagnostics[-1]
    assert len(read.diagnostics) == 101
    assert (last.code, last.span and last.span.column) == ("CO124", 401)
    assert read.node is None


def test_aliases_that_would_explode_are_refused_where_they_stand() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)]
    read = read_text("a.yaml", "\n".join(lines) + "\n")
    assert read.node is None
    assert [(each.code, each.span and (each.span.line, each.span.column)) for each in read.diagnostics[:3]] == [
        ("CO109", (1, 4)),
        ("CO109", (2, 4)),
        ("CO109", (2, 8)),
    ]


def test_a_duplicate_key_names_both_places_and_keeps_the_first() -> None:
    read = read_text("a.yaml", "a: 1\na: 2\n")
    assert [(each.span and each.span.line, each.related[0][0].line) for each in read.diagnostics] == [(2, 1)]
    assert isinstance(read.node, MappingNode)
    assert [value.text for _, value in read.node.pairs if isinstance(value, ScalarNode)] == ["1"]


def test_several_problems_of_one_file_come_at_once() -> None:
    read = read_text("a.yaml", "a: &x 1\na: *x\n<<: {}\nb: !t c\n")
    assert [each.code for each in read.diagnostics] == ["CO109", "CO107", "CO109", "CO109", "CO108"]
    assert read.node is None


def test_the_str_tag_makes_text() -> None:
    read = read_text("a.yaml", "a: !!str 012\n")
    assert isinstance(read.node, MappingNode)
    assert read.node.pairs[0][1] == ScalarNode("012", Kind.TEXT, True, Span("a.yaml", 1, 4, 1, 13))


def test_a_tab_as_indentation_says_to_use_spaces() -> None:
    assert read_text("a.yaml", "a:\n\tb: c\n").diagnostics[0].hint == "indent with spaces, never with tabs"


def test_columns_count_code_points_and_lines_end_in_every_way() -> None:
    read = read_text("a.yaml", "a: b\r\n# 東京 😀\rb: [東京, !x c]\n")
    assert [(each.code, each.span) for each in read.diagnostics] == [("CO108", Span("a.yaml", 3, 9, 3, 13))]


def test_bytes_that_are_not_utf_8_are_shown_where_they_are() -> None:
    read = read_bytes("a.yaml", "a: ü\nb: ä".encode() + b"\xff\n")
    assert [(each.code, each.span) for each in read.diagnostics] == [("CO102", Span("a.yaml", 2, 5, 2, 6))]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    read = read_bytes("a.yaml", b"\xef\xbb\xbfa: !x b\n")
    assert [(each.code, each.span) for each in read.diagnostics] == [("CO108", Span("a.yaml", 1, 4, 1, 8))]


def test_a_file_of_more_than_1_mib_is_refused_unread() -> None:
    assert [each.code for each in read_bytes("a.yaml", b"#" * (1 << 20)).diagnostics] == []
    assert [each.code for each in read_bytes("a.yaml", b"#" * ((1 << 20) + 1)).diagnostics] == ["CO103"]


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet=st.sampled_from("ab:-,[]{}&*!|>%@`'\"#?\n\t \r~<=.01\\xu\u2028é"), max_size=40))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    read = read_text("a.yaml", text)
    assert read.node is not None or read.diagnostics


def test_json_becomes_nodes_that_all_lie_at_one_place() -> None:
    span = Span("a.yaml", 3, 1, 3, 1)
    assert node_from_json({"a": ["x", 1, True, None]}, span) == MappingNode(
        (
            (
                ScalarNode("a", Kind.TEXT, True, span),
                ListNode(
                    (
                        ScalarNode("x", Kind.TEXT, True, span),
                        ScalarNode("1", Kind.INTEGER, False, span),
                        ScalarNode("true", Kind.BOOLEAN, False, span),
                        ScalarNode("null", Kind.NULL, False, span),
                    ),
                    span,
                ),
            ),
        ),
        span,
    )


def test_a_json_number_with_decimals_is_no_value_of_a_rule() -> None:
    with pytest.raises(ValueError, match="no value of a rule"):
        node_from_json({"a": 0.1}, Span("a.yaml", 1, 1, 1, 1))


def test_the_text_of_an_entry_is_its_lines_and_only_its_part_of_a_shared_line() -> None:
    text = "labels:\n  - id: a   # why\n    from: b\n\n  - {id: c, from: d}  # end\ndimensions: [{id: e}, {id: f}]\n"
    read = read_text("a.yaml", text)
    assert isinstance(read.node, MappingNode)
    labels, dimensions = (value for _, value in read.node.pairs)
    assert isinstance(labels, ListNode)
    assert isinstance(dimensions, ListNode)
    assert [source_text(text, item.span) for item in (*labels.items, *dimensions.items)] == [
        "  - id: a   # why\n    from: b",
        "  - {id: c, from: d}  # end",
        "{id: e}",
        "{id: f}",
    ]
