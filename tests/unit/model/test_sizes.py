"""Amounts of memory as people write and read them."""

from __future__ import annotations

import pytest

from costops.model.sizes import bytes_of, size_text


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("1GiB", 1_073_741_824),
        ("1GB", 1_000_000_000),
        ("500MB", 500_000_000),
        ("512 MiB", 536_870_912),
        (" 0.5gib ", 536_870_912),
        ("2tb", 2_000_000_000_000),
        ("1TiB", 1_099_511_627_776),
        ("7kB", 7_000),
        ("7KiB", 7_168),
        ("123B", 123),
        ("0.3B", 0),
        ("1.000000001GB", 1_000_000_001),
    ],
)
def test_a_size_is_read_exactly(text: str, size_bytes: int) -> None:
    assert bytes_of(text) == size_bytes


@pytest.mark.parametrize(
    "text",
    ["", "1", "GiB", "1G", "1 000MB", "1,5GB", "-1GB", "1e9B", "1GiBs", "1  GB", "8%", "１GB", "1PB", ".5GB", "9" * 16],
)  # fmt: skip
def test_anything_else_is_no_size(text: str) -> None:
    assert bytes_of(text) is None


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (1_048_575, "1,023.9 KiB"),
        (1_048_576, "1.0 MiB"),
        (818_872_320, "780.9 MiB"),
        (4 << 30, "4.0 GiB"),
        (3 << 50, "3,072.0 TiB"),
    ],
)
def test_a_size_is_never_shown_larger_than_it_is(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text
