"""Markdown as GitHub and GitLab read it, for tests: what in it is live."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from markdown_it import MarkdownIt
from markdown_it.token import Token

STATIC_HTML = ("<details>\n", "</details>\n", "<summary>")
LIVE = ("link_open", "image", "html_inline", "fence", "code_block", "blockquote_open", "ordered_list_open", "s_open")


def tokens(text: str) -> Iterator[Token]:
    """Every token of the text, those inside paragraphs and cells too."""
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": True})
    for token in reader.parse(text):
        yield token
        yield from token.children or ()


def codes(text: str) -> list[str]:
    """The contents of all inline code."""
    return [token.content for token in tokens(text) if token.type == "code_inline"]


def plain(text: str) -> str:
    """Everything that is neither code nor markup, in which a host looks for mentions and references."""
    return "\n".join(token.content for token in tokens(text) if token.type == "text")


def tables(text: str) -> list[list[list[str]]]:
    """Cells by table and row, as written in the cell."""
    found: list[list[list[str]]] = []
    for token, following in pairwise(MarkdownIt("gfm-like", {"html": True}).parse(text)):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append(following.content)
    return found
