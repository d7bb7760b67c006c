"""What to say of the columns of files that lack the one that is wanted.

Invariant: the answer depends on the names alone, and on the order in which the files have them.
"""

from __future__ import annotations

from collections.abc import Sequence

MOST_NAMED = 8


def some_of(names: Sequence[str]) -> str:
    """The first names of a list that may be long."""
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def near_column(wanted: str, names: Sequence[str]) -> str | None:
    """The name that was probably meant: equal but for case and punctuation, else a few letters away."""
    folded = {_folded(name): name for name in reversed(names)}
    found = folded.get(_folded(wanted)) if _folded(wanted) else None
    if found is not None:
        return found
    # 10 ms, for a mistake only.
    from difflib import get_close_matches

    close = get_close_matches(_folded(wanted), sorted(folded), n=1, cutoff=0.8)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
