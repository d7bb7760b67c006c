"""Text of strangers is neither a command of a terminal nor one of a runner of workflows."""

from __future__ import annotations

import json

import pytest

from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.render.diagnostics import diagnostics_text
from costops.render.safe import json_text, safe_text

SHOWN = {
    "::error::x": r"\x3a:error::x",
    " \xa0\u3000::error::x": " \xa0\u3000\\x3a:error::x",
    ":": r"\x3a",
    " : ": r" \x3a ",
    ":a": ":a",
    "AWS::EC2": "AWS::EC2",
    "a ::error::": "a ::error::",
    "##[group]x": r"#\x23[group]x",
    "a ###[group]x": r"a ##\x23[group]x",
    "a ##VSO[task.setvariable]x": r"a #\x23VSO[task.setvariable]x",
    "## [x": "## [x",
    "\u200b::x": r"\u200b::x",
}


@pytest.mark.parametrize(("text", "shown"), SHOWN.items(), ids=map(ascii, SHOWN))
def test_a_command_of_a_runner_is_escaped_and_ordinary_text_is_not(text: str, shown: str) -> None:
    assert safe_text(text) == shown
    assert safe_text(shown) == shown


@pytest.mark.parametrize("text", [*SHOWN, "\\##[x", '"##[', "\ud800", "\x00", "\u2028"], ids=ascii)
def test_json_has_no_command_and_reads_back_equal(text: str) -> None:
    written = json_text({text: [text]})
    assert "##[" not in written
    assert "##vso[" not in written.lower()
    assert not any(line.strip().startswith("::") for line in written.splitlines())
    assert json.loads(written) == {text: [text]}


@pytest.mark.parametrize("column", range(1, 12))
def test_an_excerpt_of_a_rule_file_has_no_command(column: int) -> None:
    line = "a ##[b\t##vso[c"
    found = Diagnostic(
        code="CO301", severity=Severity.ERROR, message="::error::", span=Span("a.yaml", 1, column, 1, column + 2),
        hint="::x", related=((Span("b.yaml", 1, 1, 1, 2), "##[x"),),
    )  # fmt: skip
    text = diagnostics_text([found], {"a.yaml": line})
    assert "##[" not in text
    assert "##vso[" not in text
    assert text.splitlines()[1].startswith(r"   1 | a #\x23[b")
