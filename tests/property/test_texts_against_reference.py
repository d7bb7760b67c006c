"""Transforms and case folding on every character of the scripts that tags are written in, engine against oracle."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from workbench import Case, assert_same, charge, evaluated, expected, load, write

TRANSFORMS = ("trim", "lower", "upper", "title", "normalize")
BLOCKS = [(0x09, 0x0590), (0x1E00, 0x2070), (0x3000, 0x3100), (0xFE00, 0xFF80)]
"""Latin, Greek, Cyrillic, Armenian, their extensions, punctuation and every kind of space, kana, full-width forms."""


def characters() -> list[str]:
    """Every assigned character of the blocks that text may hold."""
    found = [chr(number) for first, last in BLOCKS for number in range(first, last)]
    # U+0345 is the one mark with a case: neither a letter nor without an upper case.
    return [each for each in found if unicodedata.category(each) not in ("Cn", "Cs", "Co") and each != "\u0345"]


def test_transforms_of_every_character(tmp_path: Path) -> None:
    rules = {"labels": [{"id": name, "from": ["Tags.text"], "transform": [name]} for name in TRANSFORMS]}
    bill = [charge("EC2", "1", text=f"{each}aB{each}c {each}") for each in characters()]
    case = Case(rules, bill, report=TRANSFORMS)
    folder = write(case, tmp_path)
    assert_same(evaluated(folder), expected(case, load(folder)))


def test_ignore_case_on_every_letter(tmp_path: Path) -> None:
    letters = [each for each in characters() if each.isalpha()]
    cased = [each for each in letters if each.lower() != each.upper()]
    values = [f"a{each}b" for each in cased]
    bill = [charge("EC2", str(number), text=f"A{each}B") for number, each in enumerate(letters, 1)]
    rules = {
        "dimensions": [
            {"id": "same", "rules": [{"value": "yes", "where": {"Tags.text": {"in": values, "ignore_case": True}}}]},
            {"id": "inside", "rules": [{"value": "yes", "where": {"Tags.text": {"contains": cased[::7]}}}]},
        ]
    }
    case = Case(rules, bill, report=("same", "inside"))
    folder = write(case, tmp_path)
    assert_same(evaluated(folder), expected(case, load(folder)))
