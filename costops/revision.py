"""Which git revision a workspace is at, for people and the history, and the files of another revision.

Invariant: git only reads; none of the programs that a repository's settings name is started. No commit is part of a
digest.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from costops.errors import CostopsError, UsageError


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


def named_revision(root: Path, reference: str) -> str:
    """The full commit of a name such as `origin/main`; raises UsageError where git knows none."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
    if commit:
        return commit
    if _git(root, "rev-parse", "--git-dir") is None:
        raise UsageError(
            f"{root} is in no git repository, so there is no revision {reference!r}",
            hint="plan without --base, or run this in a clone",
        )
    raise UsageError(
        f"git knows no revision {reference!r} here",
        hint="fetch it first, such as with `git fetch origin main`; a clone of one commit has no others",
    )


def label_of(reference: str, commit: str) -> str:
    """`origin/main (a41c9e2)`; a name that is the commit itself stands alone."""
    return commit[:7] if commit.startswith(reference) else f"{reference} ({commit[:7]})"


def write_files_of(root: Path, commit: str, folder: Path, suffixes: Sequence[str]) -> None:
    """Write a commit's files below `root`, those that end so, into a folder; links and submodules are left out.

    Raises CostopsError where git fails.
    """
    inside = _output(root, "rev-parse", "--show-prefix").decode().strip()
    listed = _output(root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([inside] if inside else []))
    wanted: dict[str, str] = {}
    for entry in filter(None, listed.split(b"\0")):
        facts, _, path = entry.partition(b"\t")
        mode, kind, blob = facts.decode().split()
        name = os.fsdecode(path)
        if kind == "blob" and mode != LINK and name.startswith(inside) and name.endswith(tuple(suffixes)):
            wanted[name.removeprefix(inside)] = blob
    contents = _output(root, "cat-file", "--batch", given="".join(f"{blob}\n" for blob in wanted.values()).encode())
    place = 0
    for name in wanted:
        end = contents.index(b"\n", place)
        size = int(contents[place:end].split()[2])
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(contents[end + 1 : end + 1 + size])
        place = end + 1 + size + 1


def file_of(root: Path, commit: str, name: str) -> bytes | None:
    """The content of a commit's file beside `root`; None where it has no such file."""
    inside = _output(root, "rev-parse", "--show-prefix").decode().strip()
    entry = _output(root, "ls-tree", "-z", "--full-tree", commit, "--", f"{inside}{name}").split(b"\0")[0]
    mode, _, rest = entry.partition(b" ")
    if not entry or mode.decode() == LINK:
        return None
    return _output(root, "cat-file", "blob", rest.split()[1].decode())


def commits_since(root: Path, commit: str, paths: Sequence[Path]) -> tuple[str, ...] | None:
    """Commits that changed any of `paths` since `commit`, the newest first; None where HEAD does not come from it."""
    if _git(root, "merge-base", "--is-ancestor", commit, "HEAD") is None:
        return None
    named = [str(path) for path in paths]
    found = _git(root, "rev-list", "--no-merges", f"{commit}..HEAD", "--", *named)
    return tuple(found.split()) if found is not None else None


LINK = "120000"
"""The mode of a symbolic link in a tree."""
_SECONDS = 60


def _command(root: Path, *arguments: str) -> list[str]:
    # A repository's own settings can make git start programs; none of them is needed to read a revision.
    safe = ("--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    return ["git", *safe, "-C", str(root), *arguments]


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(_command(root, *arguments), capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _output(root: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git prints, to the byte; raises CostopsError where it fails."""
    command = _command(root, *arguments)
    try:
        done = subprocess.run(command, capture_output=True, input=given, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CostopsError(f"git {arguments[0]} failed: {error}") from error
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise CostopsError(f"git {arguments[0]} failed: {told[0] if told else done.returncode}")
    return done.stdout
