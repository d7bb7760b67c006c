"""Every trap has a test of its name, and the table of docs/traps.md names tests and fields that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from costops.language.fields import KINDS, Field
from costops.language.setting_fields import SETTINGS
from costops.model.codes import CODES

TRAPS = tuple(f"T{number:02}" for number in range(1, 35))
ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "traps.md").read_text(encoding="utf-8")


def named_tests() -> dict[str, dict[str, str]]:
    """Trap to its tests, and the file of each."""
    found: dict[str, dict[str, str]] = {}
    for path in sorted(Path(__file__).parent.glob("test_traps_*.py")):
        for trap, rest in re.findall(r"^def test_(t\d\d)_(\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            found.setdefault(trap.upper(), {})[f"test_{trap}_{rest}"] = path.name
    return found


TESTS = named_tests()


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


def paths(fields: tuple[Field, ...], start: str = "") -> Iterator[str]:
    """Every field by the path that a person would call it by."""
    for field in fields:
        yield f"{start}{field.name}"
        yield from paths(field.fields, f"{start}{field.name}.")


FIELDS = {path for fields in (*KINDS.values(), SETTINGS) for path in paths(fields)}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_row_names_fields_that_exist(trap: str) -> None:
    cell = rows()[trap].split("|")[4]
    named = re.findall(r"`([^`]+)`", cell)
    assert named or cell.strip() == "-"
    assert [name for name in named if name not in FIELDS] == []


def test_the_codes_of_the_page_exist() -> None:
    codes = set(re.findall(r"CO\d\d\d", PAGE))
    assert codes
    assert codes <= set(CODES)
