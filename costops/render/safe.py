"""Text of strangers made safe for a terminal.

Invariant: what comes out has no character that moves the cursor, hides text or turns its direction.
"""

from __future__ import annotations

import json
import re

# C0, DEL and C1 controls, zero-width and bidi characters, line separators, and halves of surrogate pairs.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ud800-\udfff\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_NAMED = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def safe_text(text: str) -> str:
    r"""Text with every unsafe character as a visible escape: `\x1b`, `\u202e`, `\n`."""
    return _UNSAFE.sub(lambda match: _escape(match.group()), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _NAMED:
        return _NAMED[character]
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def json_text(document: object) -> str:
    r"""A JSON document; unsafe characters are `\u` escapes, so that it reads back to the same values."""
    written = json.dumps(document, ensure_ascii=False, indent=2)
    return _UNSAFE.sub(lambda match: _json_escape(match.group()), written) + "\n"


def _json_escape(character: str) -> str:
    if character in "\t\n\r":
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[index]:02x}{units[index + 1]:02x}" for index in range(0, len(units), 2))
