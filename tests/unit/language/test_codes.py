"""Every diagnostic code is catalogued and documented."""

from __future__ import annotations

import re
from pathlib import Path

import costops
from costops.model.codes import CODES

PACKAGE = Path(costops.__file__).parent
CODE = re.compile(r"\bCO[0-9]{3}\b")


def used_codes() -> set[str]:
    files = [path for path in PACKAGE.rglob("*.py") if path.name != "codes.py"]
    return {code for path in files for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_of_the_program_is_in_the_catalogue_and_the_other_way_round() -> None:
    assert sorted(used_codes() ^ set(CODES)) == []


def test_every_code_is_documented() -> None:
    text = (PACKAGE.parent / "docs" / "codes.md").read_text(encoding="utf-8")
    missing = [code for code, title in CODES.items() if f"| {code} | {title}" not in text]
    assert missing == []


def test_titles_are_sentences() -> None:
    assert [code for code, title in CODES.items() if not title.endswith(".")] == []
