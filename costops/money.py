"""All arithmetic on money outside the engine: exact integers of 1e-12, called picos.

Invariant: no float is ever made from an amount, and whatever is rounded is rounded from the top, so that parts
add up to their total.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Context, Decimal

PICOS = 10**12
"""Picos in one unit of a currency."""

WHOLE_PICOS = 100 * PICOS
"""100 percent in units of 1e-12 percent."""

SAME_PICOS = 1000
"""Amounts that differ by less than 1e-9 count as the same wherever a residue must not decide."""

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)
_EXACT = Context(prec=400, rounding=ROUND_HALF_EVEN, Emax=10**6, Emin=-(10**6))


def parse_picos(text: str) -> int:
    """Decimal text as picos, rounded half-even at the twelfth place.

    Raises ValueError for text that is no finite decimal number.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"not a decimal number: {text!r}")
    value = Decimal(text.strip(), _EXACT)
    return int(_EXACT.quantize(_EXACT.multiply(value, Decimal(PICOS)), Decimal(1)))


def is_exact_in_picos(text: str) -> bool:
    """Whether decimal text has no digit that picos cannot hold."""
    return _EXACT.multiply(Decimal(text.strip(), _EXACT), Decimal(PICOS)) == Decimal(parse_picos(text))


def format_picos(amount: int) -> str:
    """Picos as the shortest decimal text: `0`, `-1.5`, `20.52022672899`."""
    units, parts = divmod(abs(amount), PICOS)
    text = f"{units}.{parts:012d}".rstrip("0").rstrip(".") if parts else str(units)
    return f"-{text}" if amount < 0 else text


def to_columns(amount: int) -> tuple[int, int]:
    """Picos as (whole units, remaining picos), floored, so that both columns sum exactly on their own."""
    return divmod(amount, PICOS)


def from_columns(units: int, parts: int) -> int:
    """Picos from whole units and remaining picos; sums of either column are allowed."""
    return units * PICOS + parts


def round_half_even(amount: int, quantum: int) -> int:
    """`amount` picos as the nearest number of quanta of `quantum` picos, a tie to the even one."""
    down, rest = divmod(amount, quantum)
    return down + (1 if rest * 2 > quantum or (rest * 2 == quantum and down % 2) else 0)


def round_from_top(parts: Sequence[tuple[str, int]], quantum: int, total: int | None = None) -> list[int]:
    """Named parts in picos as quanta that add up to their rounded total, by largest remainder.

    `total` (in quanta) is given where a level above was rounded already. Sign-symmetric: each part is cut toward
    zero first, and the quanta still owed go where the cut took most; ties go to the larger magnitude, then the name.
    Amounts that differ by less than 1e-9 tie: the thirds of a ledger differ by a residue of 1e-12.
    """
    owed = round_half_even(sum(amount for _, amount in parts), quantum) if total is None else total
    cut = [abs(amount) // quantum * (1 if amount >= 0 else -1) for _, amount in parts]
    missing = owed - sum(cut)
    step = 1 if missing >= 0 else -1

    def preference(index: int) -> tuple[int, int, str]:
        name, amount = parts[index]
        taken = step * (amount - cut[index] * quantum)
        return (-round_half_even(taken, SAME_PICOS), -round_half_even(abs(amount), SAME_PICOS), name)

    order = sorted(range(len(parts)), key=preference)
    for turn in range(abs(missing)):
        cut[order[turn % len(order)]] += step
    return cut


_WHOLE_UNITS = frozenset(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    )
)
_THOUSANDTHS = frozenset(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"))


def quantum_places(currency: str) -> int:
    """Decimal places that amounts of a currency are shown with, after ISO 4217; 2 for a currency not known."""
    if currency in _WHOLE_UNITS:
        return 0
    return 3 if currency in _THOUSANDTHS else 2


def quantum_picos(currency: str) -> int:
    """The smallest amount of a currency that is shown, in picos."""
    return int(PICOS // 10 ** quantum_places(currency))
