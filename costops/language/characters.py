"""Which characters a file cannot have, and which hide what it says.

Invariant: nothing in a rule file is invisible to the person who reviews it, or stands elsewhere than it seems to.
"""

from __future__ import annotations

import re

NOT_PRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")

MISLEADING = re.compile("[\x85\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Changes how the text around it is shown: marks and overrides of the direction of writing, and line breaks that are
none in YAML 1.2.
"""

INVISIBLE = re.compile(
    "[\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u206a-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Shows nothing, so that two texts that differ look alike."""

JOINERS = "\u200c\u200d"
"""Invisible ones that some scripts, and emoji, cannot be written without."""


def name_of(character: str) -> str:
    """`U+200B`."""
    return f"U+{ord(character):04X}"
