"""Every screen as plain text at the two sizes that it is made for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tui.driving import NARROW, WIDE, screen_after, steady

pytestmark = pytest.mark.xdist_group("tui")

KEYS = {
    "digest": ("c",),
    "digest-month": ("c", "left", "j"),
    "rules": ("2", "j", "j", "j"),
    "rules-file": ("2",),
    "order": ("c", "3", "j", "j"),
    "order-start": ("3",),
    "help": ("3", "question_mark"),
    "filter": ("c", "slash", "s", "t", "a", "g"),
}


@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("name", KEYS)
def test_a_screen_looks_as_it_did(
    name: str, size: tuple[int, int], applied: Path, snapshot: Callable[[str, str], None]
) -> None:
    snapshot(f"{name}-{size[0]}x{size[1]}", steady(screen_after(applied, *KEYS[name], size=size)))
