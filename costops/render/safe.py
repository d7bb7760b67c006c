"""Text of strangers made safe for a terminal and for the log of a continuous integration.

Invariant: what comes out has no character that moves the cursor, hides text or turns its direction, and nothing that
the runner of a workflow takes as a command.

GitHub's runner takes a line as a command whose first text after blanks is `::`, and one that has `##[` anywhere;
Azure's takes `##vso[` anywhere and `##[`. A text does not know where in a line it will stand, so `::` is escaped at its
start, where it could come first, and left readable inside, as in `AWS::EC2`.
"""

from __future__ import annotations

import json
import re

# C0, DEL and C1 controls, zero-width and bidi characters, line separators, and halves of surrogate pairs.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
# A colon that comes first, before another one or before one that a renderer may set behind the text.
_FIRST_COLON = re.compile(r"(\s*):(?=:|\s*\Z)")
_SECOND_HASH = re.compile(r"(?<=#)#(?=(?:vso)?\[)", re.IGNORECASE)
_LINE_END = re.compile("(\r?\n)")
_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def safe_text(text: str) -> str:
    r"""Text with every unsafe character as an escape: `\x1b`, `\u202e`, `\n`, and `\x3a:` where `::` is first."""
    return without_commands(_escaped(text))


def without_commands(text: str) -> str:
    r"""A line in which a runner finds no command: `\x3a:` where `::` comes first, `#\x23[` for `##[`."""
    if ":" in text:
        text = _FIRST_COLON.sub(r"\g<1>\\x3a", text, count=1) if _FIRST_COLON.match(text) else text
    return _SECOND_HASH.sub(r"\\x23", text) if "##" in text else text


def safe_character(text: str, place: int) -> str:
    """One character as it is shown inside a line, where something else stands before the text."""
    if _SECOND_HASH.match(text, place):
        return r"\x23"
    return _escaped(text[place])


def safe_lines(text: str) -> str:
    """The same as `safe_text`, but line ends and tabs stay; every line is one of its own."""
    pieces = _LINE_END.split(text)
    pieces[::2] = ["\t".join(map(_escaped, line.split("\t"))) for line in pieces[::2]]
    return "".join(map(without_commands, pieces))


def _escaped(text: str) -> str:
    return _UNSAFE.sub(lambda match: _escape(match.group()), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_text(document: object) -> str:
    r"""A JSON document; unsafe characters are `\u` escapes, so that it reads back to the same values.

    Its lines begin with a bracket or a quote, never with `::`.
    """
    written = _SECOND_HASH.sub(r"\\u0023", json.dumps(document, ensure_ascii=False, indent=2))
    return _UNSAFE.sub(lambda match: _json_escape(match.group()), written) + "\n"


def _json_escape(character: str) -> str:
    if character in "\t\n\r":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
