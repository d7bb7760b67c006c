"""Which git revision a workspace is at; only for people and the history, never part of a digest."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Revision:
    """A workspace's commit, if it is in git and has one."""

    commit: str | None
    dirty: bool | None
    """Whether rules or costops.yaml differ from the commit."""


def revision_of(root: Path, paths: tuple[Path, ...]) -> Revision:
    """The commit of `root`, and whether any of `paths` differs from it; None where git knows none of them."""
    commit = _git(root, "rev-parse", "HEAD")
    if commit is None:
        return Revision(None, None)
    named = [str(path) for path in paths]
    status = _git(root, "status", "--porcelain", "--untracked-files=all", "--", *named)
    if not status and not _git(root, "ls-files", "--", *named):
        # git ignores the whole workspace, so the commit says nothing about its rules.
        return Revision(None, None)
    return Revision(commit, bool(status))


def _git(root: Path, *arguments: str) -> str | None:
    # A repository's own settings can make git start programs; none of them is needed to read a revision.
    safe = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    try:
        done = subprocess.run(
            ["git", *safe, "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
