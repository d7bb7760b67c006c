"""Diagnostics as a person and as a program reads them."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.render.diagnostics import counts, diagnostics_json, diagnostics_text
from costops.render.safe import json_text, safe_text


def problem(
    span: Span | None = None, message: str = "it is wrong", *, code: str = "CO301", severity: Severity = Severity.ERROR,
    hint: str | None = None, related: tuple[tuple[Span, str], ...] = (),
) -> Diagnostic:  # fmt: skip
    return Diagnostic(code=code, severity=severity, message=message, span=span, hint=hint, related=related)


def excerpt(line: str, column: int, end_column: int) -> list[str]:
    span = Span("a.yaml", 1, column, 1, end_column)
    return diagnostics_text([problem(span)], {"a.yaml": line}).splitlines()[1:3]


def test_a_problem_has_place_code_message_excerpt_caret_hint_and_related_places() -> None:
    text = "labels:\n  - id: a\nallocations:\n  - {to: tema}\n"
    found = problem(
        Span("rules/a.yaml", 4, 10, 4, 14),
        "unknown dimension or column `tema`",
        hint="did you mean `team`?",
        related=((Span("rules/b.yaml", 2, 3, 2, 4), "the first one is here"),),
    )
    assert diagnostics_text([found], {"rules/a.yaml": text}) == (
        "rules/a.yaml:4:10 CO301 unknown dimension or column `tema`\n"
        "   4 |   - {to: tema}\n"
        "     |          ^^^^\n"
        "     help: did you mean `team`?\n"
        "     see: rules/b.yaml:2:3 the first one is here\n"
        "\n"
        "1 error, 0 warnings.\n"
    )


def test_warnings_say_so_and_are_counted_apart() -> None:
    found = [problem(), problem(severity=Severity.WARNING), problem(severity=Severity.WARNING)]
    assert diagnostics_text(found, {}) == (
        "CO301 it is wrong\n\nCO301 warning: it is wrong\n\nCO301 warning: it is wrong\n\n1 error, 2 warnings.\n"
    )


def test_ignored_warnings_are_counted_and_not_shown() -> None:
    found = [problem(severity=Severity.WARNING), replace(problem(severity=Severity.WARNING), ignored="it is known")]
    assert diagnostics_text(found, {}) == "CO301 warning: it is wrong\n\n0 errors, 1 warning. 1 warning ignored.\n"
    assert diagnostics_text(found[1:], {}, limit=1) == "0 errors, 0 warnings. 1 warning ignored.\n"
    document = json.loads(diagnostics_json(found))
    assert (document["errors"], document["warnings"], document["ignored"]) == (0, 1, 1)
    assert [(each["ignored"], each["reason"]) for each in document["diagnostics"]] == [
        (False, None),
        (True, "it is known"),
    ]


def test_no_problems_are_no_text() -> None:
    assert diagnostics_text([], {}) == ""


def test_what_is_beyond_the_limit_is_counted() -> None:
    text = diagnostics_text([problem(message=str(number)) for number in range(5)], {}, limit=2)
    assert text == "CO301 0\n\nCO301 1\n\n... 3 more not shown\n\n5 errors, 0 warnings.\n"


@pytest.mark.parametrize(
    ("line", "column", "end_column", "expected"),
    [
        ("a: b", 4, 5, ["   1 | a: b", "     |    ^"]),
        ("東京: b", 5, 6, ["   1 | 東京: b", "     |       ^"]),
        ("a: 東京", 4, 6, ["   1 | a: 東京", "     |    ^^^^"]),
        ("e\u0301: b", 5, 6, ["   1 | e\u0301: b", "     |    ^"]),
        ("\ta: b", 2, 3, ["   1 |     a: b", "     |     ^"]),
        ("a:\tb", 4, 5, ["   1 | a:  b", "     |     ^"]),
        ("a: \x1b[31m b", 10, 11, ["   1 | a: \\x1b[31m b", "     |             ^"]),
        ("a: \u202eb", 5, 6, ["   1 | a: \\u202eb", "     |          ^"]),
        ("a: b", 5, 6, ["   1 | a: b", "     |     ^"]),
        ("", 1, 2, ["   1 |", "     | ^"]),
    ],
)
def test_the_caret_stands_under_the_right_characters(
    line: str, column: int, end_column: int, expected: list[str]
) -> None:
    assert excerpt(line, column, end_column) == expected


def test_a_long_line_is_cut_around_the_caret() -> None:
    shown, carets = excerpt("x" * 500 + "HERE" + "y" * 500, 501, 505)
    assert shown == "   1 | …" + "x" * 60 + "HERE" + "y" * 56 + "…"
    assert carets == "     | " + " " * 61 + "^^^^"


def test_a_span_of_several_lines_is_marked_on_its_first() -> None:
    text = diagnostics_text([problem(Span("a", 2, 3, 4, 1))], {"a": "1\r\nab: cd\r\n3\r\n4"})
    assert text.splitlines()[1:3] == ["   2 | ab: cd", "     |   ^^^^"]


def test_the_gutter_fits_large_line_numbers() -> None:
    text = diagnostics_text([problem(Span("a", 12345, 1, 12345, 2), hint="h")], {"a": "x\n" * 20000})
    assert text.splitlines()[1:4] == ["12345 | x", "      | ^", "      help: h"]


def test_without_the_text_there_is_no_excerpt() -> None:
    span = Span("gone.yaml", 3, 1, 3, 2)
    assert diagnostics_text([problem(span)], {}).splitlines()[0:2] == ["gone.yaml:3:1 CO301 it is wrong", ""]
    assert diagnostics_text([problem(span)], {"gone.yaml": "one line"}).splitlines()[1] == ""


def test_nothing_of_a_file_reaches_the_terminal_raw() -> None:
    found = problem(
        Span("\x1b.yaml", 1, 1, 1, 2), "\x1b[2J\u202e", hint="\x07", related=((Span("b", 1, 1, 1, 2), "\x9b"),)
    )
    text = diagnostics_text([found], {"\x1b.yaml": "\x1b]0;title\x07"})
    assert "\x1b" not in text
    assert not {"\x07", "\x9b", "\u202e"} & set(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 東京 😀", "plain ü 東京 😀"),
        ("a\x1bb", r"a\x1bb"),
        ("a\tb\nc\r", r"a\tb\nc\r"),
        ("\x00\x7f\x80\x9f", r"\x00\x7f\x80\x9f"),
        ("\u200b\u200f\u2028\u2029\u202a\u2066\ufeff", r"\u200b\u200f\u2028\u2029\u202a\u2066\ufeff"),
        ("\ud800", r"\ud800"),
        ("\U000e0041", r"\U000e0041"),
        ("\xad", r"\xad"),
    ],
)
def test_unsafe_characters_become_visible(text: str, shown: str) -> None:
    assert safe_text(text) == shown


def test_json_reads_back_to_the_same_values_and_is_safe() -> None:
    value = {"a": "\x1b\u202e\x9b\U000e0041 ü\n"}
    document = json_text(value)
    assert json.loads(document) == value
    assert not {"\x1b", "\u202e", "\x9b", "\U000e0041"} & set(document)


def test_the_json_document_has_counts_and_every_field() -> None:
    found = problem(Span("a.yaml", 1, 2, 3, 4), hint="h", related=((Span("b.yaml", 5, 6, 7, 8), "there"),))
    document = json.loads(diagnostics_json([found, problem(severity=Severity.WARNING, code="CO214")]))
    assert document == {
        "format_version": "1.0",
        "errors": 1,
        "warnings": 1,
        "ignored": 0,
        "diagnostics": [
            {
                "code": "CO301",
                "severity": "error",
                "message": "it is wrong",
                "file": "a.yaml",
                "line": 1,
                "column": 2,
                "end_line": 3,
                "end_column": 4,
                "hint": "h",
                "related": [
                    {"file": "b.yaml", "line": 5, "column": 6, "end_line": 7, "end_column": 8, "message": "there"}
                ],
                "ignored": False,
                "reason": None,
            },
            {
                "code": "CO214",
                "severity": "warning",
                "message": "it is wrong",
                "file": None,
                "line": None,
                "column": None,
                "end_line": None,
                "end_column": None,
                "hint": None,
                "related": [],
                "ignored": False,
                "reason": None,
            },
        ],
    }


def test_one_of_each_is_counted_in_the_singular() -> None:
    assert counts([problem(), problem(severity=Severity.WARNING)]) == "1 error, 1 warning."
