"""Fixtures of the tests of the state."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest


@pytest.fixture
def open_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose parents anybody may enter."""
    folder = tmp_path_factory.mktemp("shared")
    for each in folder.parents:
        if each.owner() == folder.owner() and stat.S_IMODE(each.stat().st_mode) == 0o700:
            each.chmod(0o711)
    return folder
