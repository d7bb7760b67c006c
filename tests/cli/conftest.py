"""Workspaces that several tests of the command line start from."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli.saved import planned_workspace


@pytest.fixture(scope="session")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace at version 1 with a saved plan of other rules; a test takes a copy by `folder`."""
    return planned_workspace(tmp_path_factory.mktemp("planned"))


@pytest.fixture
def folder(planned: Path, tmp_path: Path) -> Path:
    """A copy of the workspace with a saved plan."""
    return Path(shutil.copytree(planned, tmp_path / "copy"))
