"""Numbers that look random and are none: 32-bit integer mixing, the same in Python and in SQL.

Invariant: a draw depends on a number, a salt and a seed only; never on a clock, a machine, a thread or a
library's own generator.
"""

from __future__ import annotations

_MASK = 0xFFFFFFFF
_STEP = 2654435761
_FIRST = 0x7FEB352D
_SECOND = 0x846CA68B

SQL_MACROS: tuple[str, ...] = (
    "CREATE MACRO fold_15(x) AS xor(x, x >> 15)",
    "CREATE MACRO fold_16(x) AS xor(x, x >> 16)",
    f"CREATE MACRO times(x, factor) AS (x * factor::UBIGINT) & {_MASK}::UBIGINT",
    f"CREATE MACRO scramble(x) AS fold_16(times(fold_15(times(fold_16(x), {_FIRST})), {_SECOND}))",
    f"""CREATE MACRO draw(number, key) AS
    scramble(((number::UBIGINT & {_MASK}::UBIGINT) * {_STEP}::UBIGINT + key::UBIGINT) & {_MASK}::UBIGINT)::BIGINT""",
    "CREATE MACRO pick(choices, number) AS choices[1 + number % len(choices)]",
)
"""`draw(number, key)` gives 0 to 2**32 - 1 as BIGINT; `pick(choices, number)` one of a list."""


def _scramble(value: int) -> int:
    value ^= value >> 16
    value = value * _FIRST & _MASK
    value ^= value >> 15
    value = value * _SECOND & _MASK
    return value ^ value >> 16


def key(salt: str, seed: int) -> int:
    """The stream of draws of one salt: what `draw` takes as its key in SQL."""
    mixed = seed & _MASK
    for byte in salt.encode():
        mixed = _scramble(mixed ^ byte * _STEP & _MASK)
    return mixed


def draw(number: int, stream: int) -> int:
    """The draw of a number in a stream, 0 to 2**32 - 1; equal to the SQL macro of that name."""
    return _scramble((number & _MASK) * _STEP + stream & _MASK)
