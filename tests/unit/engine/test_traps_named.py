"""Every trap has a test of its name, and the table of docs/traps.md names tests and fields that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TRAPS = tuple(f"T{number:02}" for number in range(1, 35))
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")


def tests_by_trap() -> dict[str, dict[str, str]]:
    """Trap to its tests, and the file of each."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_traps_*.py")):
        for trap, rest in re.findall(r"^def test_(t\d\d)_(\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(trap.upper(), {})[f"test_{trap}_{rest}"] = path.name
    return found


TESTS = tests_by_trap()


def test_exactly_the_34_traps_have_tests() -> None:
    assert sorted(TESTS) == list(TRAPS)


def rows() -> dict[str, str]:
    """The row of each trap in the page's table."""
    return {row.split("|")[1].strip(): row for row in PAGE.splitlines() if re.match(r"\| T\d", row)}


def test_the_page_has_a_row_for_each_trap_in_order() -> None:
    assert list(rows()) == list(TRAPS)


@pytest.mark.parametrize("trap", TRAPS)
def test_a_row_names_the_traps_own_tests_with_their_file(trap: str) -> None:
    row = rows()[trap]
    named = re.findall(r"`(test_t\d\d_\w+)`", row)
    assert set(named) == set(TESTS[trap])
    for name in named:
        link = f"(../tests/unit/engine/{TESTS[trap][name]})"
        assert link in row, link
