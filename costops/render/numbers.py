"""All formatting of numbers for people: amounts in a currency's places, signs, shares.

Invariant: a number is never cut; what is rounded is rounded half-even or from the top (costops.money).
"""

from __future__ import annotations

from costops.money import quantum_picos, quantum_places, round_half_even


def in_quanta(quanta: int, currency: str, *, signed: bool = False) -> str:
    """A number of a currency's smallest shown amounts, as `61,220.40` or, signed, `+61,220.40`."""
    places = quantum_places(currency)
    whole, rest = divmod(abs(quanta), 10**places)
    text = f"{whole:,}.{rest:0{places}d}" if places else f"{whole:,}"
    sign = "-" if quanta < 0 else "+" if signed and quanta > 0 else ""
    return sign + text


def amount(amount_picos: int, currency: str, *, signed: bool = False) -> str:
    """Picos of a currency, rounded half-even to its places."""
    return in_quanta(round_half_even(amount_picos, quantum_picos(currency)), currency, signed=signed)


def percent(part: int, whole: int, *, signed: bool = False) -> str:
    """A share of a whole in percent with one place; a dash where there is no whole."""
    if whole == 0:
        return "-"
    tenths = round_half_even(part * 1000 * (1 if whole > 0 else -1), abs(whole))
    sign = "-" if tenths < 0 else "+" if signed and tenths > 0 else ""
    return f"{sign}{abs(tenths) // 10:,}.{abs(tenths) % 10} %"


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 row`, `12,418 rows`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
