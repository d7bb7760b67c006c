"""Comments that silence warnings: where they are found, what they reach, and what is said of those that do nothing."""

from __future__ import annotations

import pytest

from costops.language.bind import Collected, bind_file
from costops.language.ignores import comments_of, with_ignored
from costops.language.read import read_text
from costops.model.codes import CODES, WARNINGS
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.rules import RuleSet

REASON = "the team starts in May"


def rules_of(text: str) -> RuleSet:
    read = read_text("r.yaml", text)
    assert read.node is not None
    collected = Collected()
    bind_file(read.node, text, collected)
    assert [each.message for each in collected.problems.found()] == []
    return collected.rules()


def warning(line: int, column: int = 9, code: str = "CO805", file: str = "r.yaml") -> Diagnostic:
    span = Span(file, line, column, line, column + 1)
    return Diagnostic(code=code, severity=Severity.WARNING, message="it is so", span=span)


def heard(text: str, *found: Diagnostic, evaluated: bool = True) -> list[tuple[str, int, str | None]]:
    """(code, line, reason) of everything that is said."""
    said = with_ignored(found, rules_of(text), {"r.yaml": text}, evaluated=evaluated)
    return [(each.code, each.span.line if each.span else 0, each.ignored) for each in said]


def entry(identity: str, *, above: str = "", inside: str = "", behind: str = "") -> str:
    """An entry of 5 lines, one more for `above` and `inside` each."""
    lines = [
        *([f"  {above}"] if above else []),
        f"  - id: {identity}",
        *([f"    {inside}"] if inside else []),
        f"    source: {{where: {{ServiceName: S}}}}{behind}",
        "    method: even",
        "    to: {dimension: team, values: [a, b]}",
        "    into: team",
    ]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (entry("a", above=f"# costops: ignore=CO805 {REASON}"), 4),
        (entry("a", inside=f"# costops: ignore=CO805 {REASON}"), 4),
        (entry("a", behind=f"   # costops: ignore=CO805 {REASON}"), 3),
        (entry("a", behind=f" #costops:ignore=CO802 , CO805   {REASON} "), 3),
        (entry("a", above=f"# costops: ignore=CO805 {REASON}\n# and more words"), 5),
    ],
    ids=["above", "inside", "behind", "several codes", "other comments between"],
)
def test_a_comment_at_an_entry_silences_its_warning(text: str, line: int) -> None:
    said = heard(f"allocations:\n{text}", warning(line))
    assert ("CO805", line, REASON) in said
    assert [code for code, _, _ in said if code != "CO805"] == (["CO823"] if "CO802" in text else [])


def test_a_comment_reaches_its_own_entry_alone() -> None:
    text = "allocations:\n" + entry("a", inside=f"# costops: ignore=CO805 {REASON}") + entry("b") + entry("c")
    said = heard(text, warning(4), warning(10), warning(15), warning(4, file="other.yaml"))
    assert said == [
        ("CO805", 4, None),
        ("CO805", 4, REASON),
        ("CO805", 10, None),
        ("CO805", 15, None),
    ]


def test_entries_on_one_line_are_silenced_together_and_told_apart_by_column() -> None:
    fields = "source: {where: {ServiceName: S}}, method: even, to: {dimension: team, values: [a, b]}"
    line = f"allocations: [{{id: a, {fields}}}, {{id: b, {fields}}}]"
    text = f"{line} # costops: ignore=CO805 {REASON}\n"
    first, second = line.index("id: a") + 1, line.index("id: b") + 1
    assert heard(text, warning(1, first), warning(1, second)) == [("CO805", 1, REASON), ("CO805", 1, REASON)]
    assert heard(text, warning(1, 5)) == [("CO805", 1, None), ("CO823", 1, None)]


def test_entries_in_braces_over_several_lines_have_their_own_lines() -> None:
    one = (
        "{{\n    id: {0},\n    source: {{where: {{ServiceName: S}}}},{1}\n"
        "    method: even, to: {{dimension: team, values: [a, b]}}\n  }}"
    )
    text = f"allocations: [{one.format('a', f' # costops: ignore=CO805 {REASON}')}, {one.format('b', '')}]\n"
    assert heard(text, warning(3), warning(8)) == [("CO805", 3, REASON), ("CO805", 8, None)]


def test_an_empty_line_parts_a_comment_from_the_entry() -> None:
    text = "allocations:\n" + f"  # costops: ignore=CO805 {REASON}\n\n" + entry("a")
    assert heard(text, warning(4)) == [("CO821", 2, None), ("CO805", 4, None)]


@pytest.mark.parametrize(
    "text",
    [
        'description: "a # costops: ignore=CO805 x"',
        "description: 'a # costops: ignore=CO805 x'",
        "description: a#costops: ignore=CO805 x",
        "description: |\n  # costops: ignore=CO805 x\n  b",
        "description: >-\n  a\n\n  # costops: ignore=CO805 x",
        'description: "a\n  # costops: ignore=CO805 x\n  b"',
        "# see # costops: ignore=CO805 x",
    ],
)
def test_what_is_no_comment_is_none(text: str) -> None:
    assert comments_of("r.yaml", text) == ()


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: b # costops: ignore=CO805 x", 1, 6),
        ('a: "b" # costops: ignore=CO805 x', 1, 8),
        ("a: |  # costops: ignore=CO805 x\n  text", 1, 7),
        ("a: |\n  text\n# costops: ignore=CO805 x\nb: c", 3, 1),
        ("a: ü😀 # costops: ignore=CO805 x", 1, 7),
        ("a:\r\n  b # costops: ignore=CO805 x\r\n", 2, 5),
        ("a: [b, # costops: ignore=CO805 x\n c]", 1, 8),
    ],
)
def test_a_comment_is_found_with_its_place(text: str, line: int, column: int) -> None:
    (found,) = comments_of("r.yaml", text)
    assert (found.span.line, found.span.column, found.text) == (line, column, "# costops: ignore=CO805 x")


def test_nothing_is_a_comment_in_a_file_that_cannot_be_read() -> None:
    assert comments_of("r.yaml", 'a: "b # costops: ignore=CO805 x') == ()


@pytest.mark.parametrize(
    ("comment", "code"),
    [
        ("# costops: ignore=CO805", "CO821"),
        ("# costops: ignore CO805 why", "CO821"),
        ("# costops: ignore= why", "CO821"),
        ("# costops: silence=CO805 why", "CO821"),
        ("# COSTOPS: ignore=CO805 why", "CO821"),
        ("# costops: ignore=CO999 why", "CO822"),
        ("# costops: ignore=CO301 why", "CO822"),
        ("# costops: ignore=CO701 why", "CO822"),
        ("# costops: ignore=CO823 why", "CO822"),
        ("# costops: ignore=CO806 why", "CO823"),
    ],
)
def test_a_comment_that_does_nothing_is_told_and_silences_nothing(comment: str, code: str) -> None:
    assert heard("allocations:\n" + entry("a", inside=comment), warning(4)) == [(code, 3, None), ("CO805", 4, None)]


def test_an_error_is_never_ignored() -> None:
    found = Diagnostic(code="CO805", severity=Severity.ERROR, message="m", span=Span("r.yaml", 4, 9, 4, 10))
    text = "allocations:\n" + entry("a", inside=f"# costops: ignore=CO805 {REASON}")
    assert heard(text, found) == [("CO823", 3, None), ("CO805", 4, None)]


def test_warnings_of_an_evaluation_are_not_missed_where_there_was_none() -> None:
    text = "allocations:\n" + entry("a", inside=f"# costops: ignore=CO805,CO218 {REASON}")
    assert heard(text, evaluated=False) == [("CO823", 3, None)]
    assert heard(text, evaluated=True) == [("CO823", 3, None), ("CO823", 3, None)]


def test_a_disabled_entry_may_keep_its_comments() -> None:
    text = "allocations:\n" + entry("a", inside=f"# costops: ignore=CO805 {REASON}") + "    enabled: false\n"
    assert heard(text) == []


def test_every_code_that_is_a_warning_is_in_the_catalogue() -> None:
    assert [code for code in WARNINGS if code not in CODES] == []
