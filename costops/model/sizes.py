"""How an amount of memory is written: a number and its unit.

Invariant: a size is read exactly; kB, MB, GB and TB are powers of 1,000, and KiB, MiB, GiB and TiB powers of 1,024.
"""

from __future__ import annotations

import re
from fractions import Fraction

_UNITS = {
    "b": 1,
    **{f"{letter}b": 1000**power for power, letter in enumerate("kmgt", 1)},
    **{f"{letter}ib": 1024**power for power, letter in enumerate("kmgt", 1)},
}
_SIZE = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,12})?) ?([A-Za-z]{1,3})", re.ASCII)


def bytes_of(text: str) -> int | None:
    """The bytes of a size such as `1GiB`, `1.5 GB` or `500MB`, rounded down; None for anything else."""
    found = _SIZE.fullmatch(text.strip())
    if found is None or found[2].lower() not in _UNITS:
        return None
    return int(Fraction(found[1]) * _UNITS[found[2].lower()])


def size_text(size_bytes: int) -> str:
    """`512 B`, `14.2 KiB`, `1.0 GiB`: cut to one place, so that nothing is shown larger than it is."""
    if size_bytes < 1024:
        return f"{size_bytes:,} B"
    power = min(4, (size_bytes.bit_length() - 1) // 10)
    tenths = size_bytes * 10 // 1024**power
    return f"{tenths // 10:,}.{tenths % 10} {'KMGT'[power - 1]}iB"
