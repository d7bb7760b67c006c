r"""Text of strangers in Markdown: always inline code, in which nothing is live.

Invariant: what comes out is one line, and neither opens nor ends anything around it: no markup, HTML, mention, issue
reference, link, fence or table cell. Invisible characters and line breaks are escapes (`safe_text`) first of all.
"""

from __future__ import annotations

import re

from costops.render.safe import safe_text

LONGEST_NAME = 80
LONGEST_TEXT = 400
"""Characters of a sentence or a field's value; what is longer is cut in its middle, with the count of what is cut."""

_BACKTICKS = re.compile("`+")
_CURRENCY = re.compile("[A-Z]{3}", re.ASCII)
_SPECIAL_PIPE = r"\x7c"


def code(text: str, longest: int = LONGEST_NAME) -> str:
    """Text as inline code in a paragraph or a list, never in a table."""
    return _fenced(shortened(safe_text(text), longest))


def code_cell(text: str, longest: int = LONGEST_NAME) -> str:
    """Text as inline code in a table's cell, where a pipe would end the cell, in code too.

    A pipe behind a backslash is written as an escape: whether that backslash escapes is read in two ways.
    """
    shown = shortened(safe_text(text), longest).replace("\\|", "\\" + _SPECIAL_PIPE)
    return _fenced(shown.replace("|", r"\|"))


def unit(currency: str) -> str:
    """A currency: three capital letters as they are, whatever else a bill may have there as inline code."""
    return currency if _CURRENCY.fullmatch(currency) else code(currency, 20)


def unit_cell(currency: str) -> str:
    """The same for a table's cell."""
    return currency if _CURRENCY.fullmatch(currency) else code_cell(currency, 20)


def shortened(text: str, longest: int) -> str:
    """Text of at most about so many characters, cut in its middle with the count of what is not there."""
    if len(text) <= longest:
        return text
    head, tail = longest * 2 // 3, longest // 3
    return f"{text[:head]}…{len(text) - head - tail} characters…{text[-tail:]}"


def _fenced(text: str) -> str:
    if not text:
        return "(empty)"
    fence = "`" * (max((len(run) for run in _BACKTICKS.findall(text)), default=0) + 1)
    # One blank on each side is taken away again, unless there is nothing else; without it a backtick would join the
    # fence, and a blank be lost.
    filler = " " if text.strip(" ") and (text[0] in "` " or text[-1] in "` ") else ""
    return f"{fence}{filler}{text}{filler}{fence}"
