"""Money: text to integers of 1e-12 and back, two columns, and rounding from the top."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costops.money import (
    PICOS,
    format_picos,
    from_columns,
    is_exact_in_picos,
    parse_picos,
    quantum_picos,
    quantum_places,
    round_from_top,
    round_half_even,
    to_columns,
)

CENT = 10**10
EXAMPLES = settings(max_examples=150, derandomize=True, database=None, deadline=None)

amounts = st.integers(-(10**24), 10**24)
small_amounts = st.integers(-5 * CENT, 5 * CENT)


# Text


@pytest.mark.parametrize(
    ("text", "picos"),
    [
        ("0", 0),
        ("-0", 0),
        ("0.00", 0),
        ("1", PICOS),
        ("-1.5", -1_500_000_000_000),
        ("+2.25", 2_250_000_000_000),
        (".5", 500_000_000_000),
        ("5.", 5 * PICOS),
        (" 7 ", 7 * PICOS),
        ("0.000000000001", 1),
        ("-0.000000000001", -1),
        ("20.52022672899", 20_520_226_728_990),
        ("1e3", 1000 * PICOS),
        ("1.5E-12", 2),
        ("123456789012345678901234567890", 123456789012345678901234567890 * PICOS),
        ("1e-400", 0),
    ],
)
def test_decimal_text_is_read_exactly(text: str, picos: int) -> None:
    assert parse_picos(text) == picos


@pytest.mark.parametrize(
    ("text", "picos"),
    [
        ("0.0000000000005", 0),
        ("0.0000000000015", 2),
        ("0.0000000000025", 2),
        ("-0.0000000000005", 0),
        ("-0.0000000000015", -2),
        ("0.00000000000049999999999999999999999999", 0),
        ("0.00000000000050000000000000000000000001", 1),
        ("0.00000000000150000000000000000000000000", 2),
    ],
)
def test_the_thirteenth_place_is_rounded_half_even_in_one_step(text: str, picos: int) -> None:
    assert parse_picos(text) == picos


@pytest.mark.parametrize("text", ["", " ", "abc", "1,5", "1 000", "--1", "$5", "0x10", "1e", "nan", "inf", "-Infinity"])
def test_text_that_is_no_finite_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="number"):
        parse_picos(text)


@pytest.mark.parametrize(
    ("text", "is_exact"),
    [("0.000000000001", True), ("0.0000000000010", True), ("0.0000000000005", False), ("1e-13", False), ("7", True)],
)
def test_text_is_exact_when_picos_hold_every_digit(text: str, is_exact: bool) -> None:
    assert is_exact_in_picos(text) is is_exact


@pytest.mark.parametrize(
    ("picos", "text"),
    [
        (0, "0"),
        (PICOS, "1"),
        (10 * PICOS, "10"),
        (-1_500_000_000_000, "-1.5"),
        (1, "0.000000000001"),
        (-1, "-0.000000000001"),
        (20_520_226_728_990, "20.52022672899"),
        (10**30, "1000000000000000000"),
    ],
)
def test_picos_are_written_as_the_shortest_decimal(picos: int, text: str) -> None:
    assert format_picos(picos) == text


@EXAMPLES
@given(amounts)
def test_what_is_written_reads_back(picos: int) -> None:
    assert parse_picos(format_picos(picos)) == picos


@EXAMPLES
@given(st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-(10**9), max_value=10**9))
def test_reading_rounds_as_a_decimal_does(value: Decimal) -> None:
    with localcontext() as context:
        context.prec = 80
        expected = int((value * PICOS).quantize(Decimal(1), ROUND_HALF_EVEN))
    assert parse_picos(str(value)) == expected


@EXAMPLES
@given(st.lists(amounts, max_size=6))
def test_both_columns_sum_exactly_on_their_own(values: list[int]) -> None:
    columns = [to_columns(value) for value in values]
    assert all(0 <= parts < PICOS for _, parts in columns)
    assert from_columns(sum(units for units, _ in columns), sum(parts for _, parts in columns)) == sum(values)


# Rounding


@pytest.mark.parametrize(
    ("amount", "quanta"),
    [(0, 0), (49, 0), (50, 0), (51, 1), (149, 1), (150, 2), (250, 2), (-50, 0), (-51, -1), (-150, -2), (-250, -2)],
)
def test_a_tie_goes_to_the_even_quantum(amount: int, quanta: int) -> None:
    assert round_half_even(amount, 100) == quanta


@EXAMPLES
@given(amounts, st.sampled_from([1, CENT, PICOS, PICOS // 1000]))
def test_rounding_is_what_python_does_to_the_exact_fraction(amount: int, quantum: int) -> None:
    assert round_half_even(amount, quantum) == round(Fraction(amount, quantum))


@pytest.mark.parametrize(
    ("parts", "cents"),
    [
        ({"A": "33.333333333333", "B": "33.333333333333", "C": "33.333333333333"}, [3334, 3333, 3333]),
        ({"A": "178.605", "B": "3.645"}, [17861, 364]),
        ({"A": "-33.333333333333", "B": "-33.333333333333", "C": "-33.333333333333"}, [-3334, -3333, -3333]),
        ({"A": "0.006666666667", "B": "0.006666666667", "C": "0.006666666667"}, [1, 1, 0]),
        ({"B": "0.006666666667", "C": "0.006666666667", "A": "0.006666666667"}, [1, 0, 1]),
    ],
    ids=["100.00 over three", "182.25 at 98/2", "-100.00 over three", "0.02 over three", "names decide, not places"],
)
def test_the_contracts_cents(parts: dict[str, str], cents: list[int]) -> None:
    named = [(name, parse_picos(text)) for name, text in parts.items()]
    total = round(sum(Fraction(amount) for _, amount in named) / CENT)
    assert round_from_top(named, CENT, total) == cents
    assert round_from_top(named, CENT) == cents


def test_a_total_that_was_rounded_above_is_met() -> None:
    parts = [("A", parse_picos("1.004")), ("B", parse_picos("1.004")), ("C", parse_picos("1.003"))]
    assert round_from_top(parts, CENT, 302) == [101, 101, 100]
    assert round_from_top(parts, CENT, 300) == [100, 100, 100]
    assert round_from_top(parts, CENT, 299) == [100, 100, 99]


def test_parts_of_both_signs_are_cut_toward_zero_before_what_is_owed_is_given_out() -> None:
    parts = [("credit", parse_picos("-0.006")), ("usage", parse_picos("0.016"))]
    assert round_from_top(parts, CENT) == [0, 1]
    assert round_from_top([*parts, ("more", parse_picos("0.009"))], CENT) == [0, 1, 1]


def test_no_parts_give_no_quanta() -> None:
    assert round_from_top([], CENT) == []


@st.composite
def named_parts(draw: st.DrawFn) -> list[tuple[str, int]]:
    values = draw(st.lists(small_amounts | amounts, min_size=1, max_size=7))
    return [(f"element {place}", value) for place, value in enumerate(values)]


@EXAMPLES
@given(named_parts())
def test_parts_add_up_to_their_rounded_total_and_none_is_a_quantum_off(parts: list[tuple[str, int]]) -> None:
    quanta = round_from_top(parts, CENT)
    assert sum(quanta) == round_half_even(sum(amount for _, amount in parts), CENT)
    assert all(abs(found * CENT - amount) <= CENT for found, (_, amount) in zip(quanta, parts, strict=True))


@EXAMPLES
@given(named_parts())
def test_the_opposite_amounts_give_the_opposite_quanta(parts: list[tuple[str, int]]) -> None:
    opposite = round_from_top([(name, -amount) for name, amount in parts], CENT)
    assert opposite == [-each for each in round_from_top(parts, CENT)]


@EXAMPLES
@given(named_parts(), st.randoms(use_true_random=False))
def test_the_order_of_the_parts_does_not_matter(parts: list[tuple[str, int]], random: object) -> None:
    shuffled = list(parts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    expected = dict(zip((name for name, _ in parts), round_from_top(parts, CENT), strict=True))
    assert dict(zip((name for name, _ in shuffled), round_from_top(shuffled, CENT), strict=True)) == expected


@EXAMPLES
@given(named_parts(), st.integers(-3, 3))
def test_a_given_total_is_always_met(parts: list[tuple[str, int]], off_by: int) -> None:
    total = round_half_even(sum(amount for _, amount in parts), CENT) + off_by
    assert sum(round_from_top(parts, CENT, total)) == total


# Currencies


@pytest.mark.parametrize(
    ("currency", "places", "picos"),
    [("USD", 2, CENT), ("JPY", 0, PICOS), ("KWD", 3, 10**9), ("???", 2, CENT), ("usd", 2, CENT)],
)
def test_a_currency_has_the_places_of_its_smallest_coin(currency: str, places: int, picos: int) -> None:
    assert (quantum_places(currency), quantum_picos(currency)) == (places, picos)


def test_a_residue_of_one_unit_does_not_decide_who_gets_the_cent() -> None:
    third = 33_333_333_333_333
    parts = [("A", third), ("B", third + 1), ("C", third)]
    assert round_from_top(parts, PICOS // 100) == [3334, 3333, 3333]
    assert round_from_top([(name, -amount) for name, amount in parts], PICOS // 100) == [-3334, -3333, -3333]
