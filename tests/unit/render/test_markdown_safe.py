"""Text of strangers in Markdown: shown, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.render.markdown import LIVE, codes, plain, tables, tokens

from costops.render.markdown_safe import code, code_cell, shortened, unit, unit_cell
from costops.render.safe import safe_text

ATTACKS = [
    "@octocat",
    "#123",
    "octo/repo#1",
    "GH-1",
    "fixes #1",
    "https://evil.example",
    "www.evil.example",
    "a@evil.example",
    "[x](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "<img src=x onerror=alert(1)>",
    "</details><script>alert(1)</script>",
    "<!-- costops -->",
    "`",
    "``",
    "` @octocat `",
    "```\nfence\n```",
    "a | b",
    "a \\| b",
    "|\\",
    "\\",
    "ends with \\",
    "ends with `",
    " ",
    "  two  ",
    "",
    "\n\n# head",
    "\r\n\r\n---\r\n",
    "::error::x",
    "**bold**",
    "~~x~~",
    "&lt;b&gt; &#64;octocat",
    "\x1b[31mred",
    "\u202eevil",
    ":tada:",
    "deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
]
MARKS = st.text(alphabet=st.sampled_from("`|\\<>[]()!@#*_~&:/.-+= \n\t\u202e\u200babAB01"), max_size=30)
STRANGERS = st.one_of(st.sampled_from(ATTACKS), MARKS, st.text(max_size=30))


def live(text: str) -> list[str]:
    return [token.type for token in tokens(text) if token.type in LIVE or token.type == "html_block"]


@settings(deadline=None)
@given(STRANGERS)
@example("`")
@example("a``b```c")
def test_in_a_paragraph_it_is_one_piece_of_code_and_reads_back(text: str) -> None:
    written = f"**from {code(text)} to {code(text)}**, then more."
    assert live(written) == []
    expected = shortened(safe_text(text), 80)
    assert codes(written) == ([expected] * 2 if expected else [])
    assert plain(written).replace("(empty)", "").split() == ["from", "to", ",", "then", "more."]
    assert "\n" not in written


@settings(deadline=None)
@given(STRANGERS, STRANGERS)
@example("a|b", "\\|")
@example("\\", "|")
@example("`|`", "``")
def test_in_a_table_it_is_one_cell(first: str, second: str) -> None:
    written = f"| a | b | c |\n| :-- | --: | --: |\n| {code_cell(first)} | {code_cell(second)} | 1.00 |\n"
    assert live(written) == []
    (rows,) = tables(written)
    assert [len(row) for row in rows] == [3, 3]
    assert rows[1][2] == "1.00"
    shown = [shortened(safe_text(text), 80).replace("\\|", "\\\\x7c") for text in (first, second)]
    assert codes(written) == [text for text in shown if text]


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_is_outside_of_code(text: str) -> None:
    assert plain(f"x {code(text)} y").split() in (["x", "y"], ["x", "(empty)", "y"])


def test_the_fence_is_longer_than_the_longest_run_of_backticks() -> None:
    assert code("a") == "`a`"
    assert code("a`b") == "``a`b``"
    assert code("a``b`c") == "```a``b`c```"
    assert code("`a") == "`` `a ``"
    assert code(" a") == "`  a `"
    assert code("") == "(empty)"


def test_a_pipe_is_escaped_in_tables_alone() -> None:
    assert code("a|b") == "`a|b`"
    assert code_cell("a|b") == r"`a\|b`"
    assert code_cell("a\\|b") == r"`a\\x7cb`"


@given(st.text(max_size=300), st.integers(min_value=10, max_value=200))
def test_what_is_cut_is_counted(text: str, longest: int) -> None:
    shown = shortened(text, longest)
    if len(text) <= longest:
        assert shown == text
    else:
        (count,) = re.findall(r"…([0-9]+) characters…", shown)[:1] or [None]
        assert len(shown) <= longest + 20
        assert count is None or shown.startswith(text[:6])


def test_a_currency_is_plain_only_where_it_looks_like_one() -> None:
    assert (unit("USD"), unit("usd"), unit("US|D"), unit_cell("US|D")) == ("USD", "`usd`", "`US|D`", r"`US\|D`")
