"""Bad input of every kind: one clear message with the place and the remedy, the right exit code, nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.bad_bills import BILLS
from cli.bad_input import Kind, check
from cli.bad_states import STATES

KINDS = (*BILLS, *STATES)


def test_there_are_at_least_forty_kinds() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 40


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_bad_input(kind: Kind, tmp_path: Path) -> None:
    check(kind, tmp_path)
