"""Two hundred hostile texts, and a look at an output for what became live of them.

Each text does something where it is shown carelessly: it moves a cursor, hides, links, mentions, closes an issue, runs
as a formula or as a command of a workflow, or breaks out of a document. `nothing_live` finds what got through, from the
output alone: it does not trust the renderer that made it.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

TERMINAL = (
    "\x1b[2J",
    "\x1b[31mred\x1b[0m",
    "\x1b[1A\x1b[2Kgone",
    "\x1b[8mhidden\x1b[28m",
    "\x1b[999;999H",
    "\x1b[6n",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]1337;File=name=eA==:AAAA\x07",
    "\x1bP1$r0m\x1b\\",
    "\x1b_payload\x1b\\",
    "\x1b^private\x1b\\",
    "\x1bc",
    "\x1b(0lqqk\x1b(B",
    "\x9b2J",
    "\x9b31mred",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x85next line",
    "\x84",
    "\x8d",
    "a\rb",
    "Total 1.00\rTotal 9.99",
    "abc\b\b\bxyz",
    "\x7f\x7f\x7f",
    "\x07bell",
    "\x0eshift\x0f",
    "\x0bdown",
    "\x0cpage",
    "\x00",
    "nul\x00inside",
    "\x1a",
    "\x04",
    "\x1b",
    "ends with escape\x1b[",
)
HIDDEN = (
    "\u202eevil",
    "user\u202e \u2066// admin\u2069 \u2066",
    "\u2067right\u2069",
    "\u200fmark",
    "\u061cmark",
    "zero\u200bwidth",
    "zero\u200cwidth",
    "join\u200der",
    "word\u2060joiner",
    "\ufeffbom",
    "soft\xadhyphen",
    "\u115fhangul\u3164",
    "\uffa0",
    "tag\U000e0041\U000e0042",
    "line\u2028separator",
    "paragraph\u2029separator",
    "\ufff9note\ufffb",
    "\u180evowel",
    "Z\u0336a\u0334l\u0338g\u0337o\u0335",
    "p\u0430ypal",
    "\u2062times",
    "\u17b4khmer",
)
HALVES = ("\\ud800", "\\udfff\\ud800", "%ED%A0%80", "\\u0000", "\\x1b[2J", "\ufffd", "\U0010ffff", "\U0001f4a9")
LINKS = (
    "[click](https://evil.example)",
    "[click][ref]\n\n[ref]: https://evil.example",
    "![image](https://evil.example/x.png)",
    "[![nested](https://evil.example/x.png)](https://evil.example)",
    "<https://evil.example>",
    "<admin@evil.example>",
    "https://evil.example/path?a=b",
    "http://evil.example",
    "www.evil.example",
    "ftp://evil.example/x",
    "admin@evil.example",
    "[x](javascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](<https://evil.example>)",
    "[x]: https://evil.example",
    "[^1]\n\n[^1]: footnote",
    "](https://evil.example)",
    "text](https://evil.example) [more",
    "mailto:admin@evil.example",
    "![](//evil.example/x.png)",
    "[a\n](https://evil.example)",
    "[[wiki]]",
    "https\\://evil.example https://evil.example",
)
TAGS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<b>bold</b>",
    "<a href=https://evil.example>x</a>",
    "<!-- comment -->",
    "<!-- costops:plan 0123456789abcdef -->",
    "--> <!-- x",
    "<details><summary>more</summary>",
    "</details>",
    "</td></tr></table>",
    "<table><tr><td>x",
    "<!DOCTYPE html>",
    "<?php echo 1 ?>",
    "<![CDATA[x]]>",
    "<div\nonclick=x>",
    "<pre>",
    "<style>*{display:none}</style>",
    "&lt;b&gt;",
    "&#64;octocat",
    "&#x3c;b&#x3e;",
    "&amp;&copy;&nbsp;",
    "<iframe src=//evil.example>",
    "<svg/onload=alert(1)>",
    "</summary>",
)
BLOCKS = (
    "```",
    "```\nfence\n```",
    "~~~",
    "`code`",
    "``",
    "` `` ``` ```` `````",
    "`" * 40,
    "`tail",
    "\n```\nout of it\n```\n",
    "a | b | c",
    "|---|---|\n| x | y |",
    "\\| escaped \\|",
    "| x\n|---\n| y",
    "# heading",
    "\n\n# heading after blanks",
    "- item",
    "* item",
    "1. item",
    "+ item",
    "- [ ] task",
    "> quote",
    "> > quote",
    "[!NOTE]",
    "> [!WARNING]\n> alert",
    "title\n=====",
    "title\n-----",
    "---",
    "***",
    "    indented code",
    "**bold**",
    "__bold__",
    "*emphasis*",
    "_emphasis_",
    "~~struck~~",
    "line\\\nbreak",
    "two  \nlines",
    "$x^2$",
    "$$\nmath\n$$",
    "trailing backslash\\",
)
REFERENCES = (
    "@octocat",
    "@org/team",
    "hello @octocat!",
    "(@octocat)",
    "#1",
    "fixes #1",
    "Closes: #22",
    "resolves owner/repo#3",
    "owner/repo#1",
    "GH-1",
    "gh-42",
    "0123456789abcdef0123456789abcdef01234567",
    "deadbee1",
    "owner/repo@0123456789abcdef0123456789abcdef01234567",
    ":tada:",
    ":+1:",
    "!1",
    "%1 ~label $snippet",
    "@here @all",
    "/approve",
    "/merge",
    "JIRA-123",
    "AB#1",
    "Co-authored-by: x <a@evil.example>",
)
COMMANDS = (
    "::error::owned",
    "::add-mask::secret",
    "::stop-commands::token",
    "::set-output name=a::b",
    "::group::x",
    "::endgroup::",
    "  ::error::blanks",
    "\t::error::tab",
    "\xa0\u3000::error::wide blanks",
    "text\n::error::line",
    "text\r::error::return",
    "text\r\n  ::warning file=a,line=1::x",
    "a ::error::middle",
    "##[error]x",
    "x ##[group]y",
    "##vso[task.setvariable variable=a]b",
    "x ##VSO[task.complete result=Failed]",
    "::",
    ":",
    " : ",
    "%0A::error::encoded",
    "::debug::%0D%0A",
    "AWS::EC2::Instance",
    "\u200b::error::",
    "\u2028::error::",
    "###[section]x",
    "a\n\n::error file=x::y",
)
FORMULAS = (
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(1,1)",
    '=cmd|" /C calc"!A0',
    '=HYPERLINK("https://evil.example","x")',
    "\t=1+1",
    "\r=1+1",
    " =1+1",
    "\xa0=1+1",
    "\u3000=1+1",
    "x\n=1+1",
    "x\r\n=1+1",
    'x","=1+1',
    "x,=1+1",
    "x;=1+1",
    "x\t=1+1",
    '"=1+1',
    "'=1+1",
    "''=1+1",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(1)",
    "\n=1+1",
    "-2+3+cmd|' /C calc'!A0",
    "%0A=1+1",
    "=\x001+1",
    "; =1+1",
    "' =1+1",
)
OTHERS = (
    '"',
    "\\",
    '{"a": 1}',
    '", "injected": "',
    "]}",
    "\\u0022, ",
    "'",
    "''",
    "</script>",
    "${HOME}",
    "$(id)",
    "`id`",
    "; rm -rf /",
    "{{7*7}}",
    "%s%n",
    "[red]rich[/red]",
    "[/]",
    "[@click=app.bell]x[/]",
    "[link=https://evil.example]x[/link]",
    "None",
    "null",
    "(unallocated)",
    "x" * 5000,
    "東京" * 700,
    "\u202e" * 300,
    "[" * 300,
    "> " * 200,
    "-" * 400,
    "\n" * 50,
    " " * 30 + "x",
)

CORPUS: tuple[str, ...] = (
    *TERMINAL, *HIDDEN, *HALVES, *LINKS, *TAGS, *BLOCKS, *REFERENCES, *COMMANDS, *FORMULAS, *OTHERS,
)  # fmt: skip

_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_COMMAND_ANYWHERE = re.compile(r"##(?:vso)?\[", re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_FORMULA = re.compile(r"(?:\A|[\n\r;\t])\s*[=+\-@＝＋－＠]")
_TAG = re.compile(r"<[^>]*>?")
_REFERENCES = {
    "mention": re.compile(r"(?<![\w@])@[A-Za-z0-9][\w-]*"),
    "issue": re.compile(r"(?<![\w&])(?:[\w.-]+/[\w.-]+)?#[0-9]+\b|\bGH-[0-9]+\b", re.IGNORECASE),
    "commit": re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{7,40}\b"),
    "address": re.compile(r"\bwww\.\w|\b(?:https?|ftp)://\w", re.IGNORECASE),
    "mail": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "emoji": re.compile(r":[a-z0-9_+-]+:"),
    "footnote or alert": re.compile(r"\[\^\w+\]|\[!(?:NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]"),
    "formula": re.compile(r"\$[^\s$][^$]*\$"),
}


@dataclass(frozen=True)
class Allowed:
    """What a Markdown renderer itself writes."""

    html: frozenset[str] = frozenset()
    """Whole tags and comments, such as `<details>`."""
    links: frozenset[str] = frozenset()
    """Where links may lead."""
    structure: tuple[str, ...] | None = None
    """What `structure` gives for the same document with a harmless text; None: any, but no code block."""


NOTHING = Allowed()


def nothing_live(output: str, form: str, allowed: Allowed = NOTHING) -> list[str]:
    """What is live in an output of the form text, json, csv or markdown; empty where all is well."""
    checks: dict[str, Callable[[], Iterator[str]]] = {
        "text": lambda: _lines(output, keep=""),
        "json": lambda: _json(output),
        "csv": lambda: _csv(output),
        "markdown": lambda: _markdown(output, allowed),
    }
    return list(checks[form]())


def _lines(output: str, keep: str) -> Iterator[str]:
    """Characters that act, and lines that a runner obeys; `keep` are blanks that the form needs."""
    for found in _UNSAFE.finditer(output):
        if found.group() not in keep:
            yield f"character {found.group()!r} in {_around(output, found.start())}"
    if "\t" in output and "\t" not in keep:
        yield "a tab"
    for line in re.split(r"\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]", output):
        if line.strip().startswith("::"):
            yield f"command {line[:80]!r}"
        if _COMMAND_ANYWHERE.search(line):
            yield f"command in {line[:80]!r}"


def _around(text: str, place: int) -> str:
    return repr(text[max(0, place - 20) : place + 20])


def _json(output: str) -> Iterator[str]:
    yield from _lines(output, keep="")
    try:
        json.loads(output)
    except ValueError as error:
        yield f"no JSON: {error}"


def _csv(output: str) -> Iterator[str]:
    yield from _lines(output.replace("\r\n", "\n"), keep="\t")
    table = list(csv.reader(io.StringIO(output, newline=""), strict=True))
    if len({len(row) for row in table}) > 1:
        yield "rows of several lengths"
    for cell in (cell for row in table for cell in row):
        if not _NUMBER.fullmatch(cell) and (_FORMULA.search(cell) or cell[:1] in ("\t", "\r")):
            yield f"formula {cell[:80]!r}"


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"linkify": True, "html": True}).enable(["table", "strikethrough", "linkify"])
    assert parser.linkify is not None
    # GitHub links addresses with a scheme or www., and of mail; not every name with a dot.
    parser.linkify.set({"fuzzy_link": False, "fuzzy_email": True})
    return parser


def structure(markdown: str) -> tuple[str, ...]:
    """The blocks of a document and what stands inside lines, without any text."""
    tokens = _parser().parse(markdown)
    inside = {"text", "softbreak", "hardbreak"}
    return tuple(
        kind
        for token in tokens
        for kind in (token.type, *(each.type for each in token.children or () if each.type not in inside))
    )


def _markdown(output: str, allowed: Allowed) -> Iterator[str]:
    yield from _lines(output, keep="")
    if allowed.structure is not None and structure(output) != allowed.structure:
        yield f"structure {_difference(structure(output), allowed.structure)}"
    for token in _parser().parse(output):
        if token.type in ("fence", "code_block") and allowed.structure is None:
            yield f"code block {token.content[:40]!r}"
        if token.type == "html_block":
            yield from _html(token.content, allowed)
        yield from _inline(token.children or [], allowed)


def _difference(found: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    place = next((at for at, pair in enumerate(zip(found, wanted, strict=False)) if pair[0] != pair[1]), len(wanted))
    return f"{found[place : place + 3]} instead of {wanted[place : place + 3]} at {place}"


def _html(content: str, allowed: Allowed) -> Iterator[str]:
    for tag in re.findall(r"<!--.*?-->|<[^>]*>?", content, re.DOTALL):
        if tag not in allowed.html:
            yield f"html {tag[:60]!r}"


def _inline(tokens: list[Token], allowed: Allowed) -> Iterator[str]:
    text = ""
    for token in tokens:
        if token.type in ("link_open", "image"):
            where = str(token.attrGet("href") or token.attrGet("src") or "")
            if where not in allowed.links:
                yield f"{'image' if token.type == 'image' else 'link'} {where[:60]!r}"
        elif token.type == "html_inline":
            yield from _html(token.content, allowed)
        # What stands in code is no reference; so a code span ends a word.
        text += token.content if token.type == "text" else "\n" if token.type.endswith("break") else "\x00"
    for kind, pattern in _REFERENCES.items():
        for found in pattern.finditer(text):
            yield f"{kind} {found.group()[:60]!r}"
