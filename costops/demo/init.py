"""Makes a new workspace: what `costops init` does.

Invariant: nothing that a person wrote is ever overwritten, and either the whole workspace is there or nothing of it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from costops.demo.generate import generate
from costops.errors import CostopsError, UsageError
from costops.interruption import held, remove_folder, settle, temporary_folder, undone_by

_GIT_IGNORE = PurePosixPath(".gitignore")


def init_workspace(folder: Path, *, demo: bool) -> tuple[Path, ...]:
    """Make a workspace in `folder`, with `demo` one with rules, a bill and usage; return what was written.

    The paths are relative to `folder` and sorted. A file that is there with the same content is left alone, and
    so is any .gitignore. Raises UsageError where a file is there with other content, before anything is
    written, and CostopsError where the folder cannot be written to.
    """
    texts = dict(_package_texts("workspace" if demo else "empty"))
    first_made = None
    try:
        if (folder / _GIT_IGNORE).exists():
            del texts[_GIT_IGNORE]
        for path, content in sorted(texts.items()):
            _is_there(folder, path, content)
        first_made = _first_missing(folder)
        with ExitStack() as stack:
            if first_made is not None:
                stack.enter_context(undone_by(partial(remove_folder, first_made)))
            folder.mkdir(parents=True, exist_ok=True)
            made = stack.enter_context(temporary_folder(folder, ".costops-init-"))
            return _make(folder, made, texts, demo=demo)
    except BaseException as error:
        if first_made is not None:
            shutil.rmtree(first_made, ignore_errors=True)
        if not isinstance(error, OSError):
            raise
        raise CostopsError(
            f"cannot make a workspace in {folder}: {error.strerror or error}",
            hint="Choose a folder that you may write to, on a disk with some space.",
        ) from error


def _package_texts(name: str) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file of a workspace in the package, by its path in the workspace.

    The package calls it `gitignore`, or git and the build would follow it there.
    """

    def walk(folder: Traversable, path: PurePosixPath) -> Iterator[tuple[PurePosixPath, bytes]]:
        for each in folder.iterdir():
            if each.is_dir():
                yield from walk(each, path / each.name)
            else:
                yield _GIT_IGNORE if each.name == "gitignore" else path / each.name, each.read_bytes()

    return walk(files("costops.demo").joinpath(name), PurePosixPath())


def _is_there(folder: Path, path: PurePosixPath, content: bytes) -> bool:
    """Whether the file is there with this content; raises UsageError where something else is in its place."""
    target = folder.absolute() / path
    for ancestor in reversed(target.parents):
        if ancestor.exists() and not ancestor.is_dir():
            raise UsageError(f"{ancestor} is a file, not a folder", hint="Choose another folder.")
    if not target.exists() and not target.is_symlink():
        return False
    if target.is_file() and target.read_bytes() == content:
        return True
    raise UsageError(
        f"{folder / path} exists already with other content",
        hint="Nothing was written. Choose an empty folder, or move the file away.",
    )


def _make(folder: Path, made: Path, texts: dict[PurePosixPath, bytes], *, demo: bool) -> tuple[Path, ...]:
    """Make everything in the folder `made`, compare, then move what is missing to its place."""
    if demo:
        generate(made)
    for path, content in texts.items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_bytes(content)
    paths = sorted(PurePosixPath(each.relative_to(made).as_posix()) for each in made.rglob("*") if each.is_file())
    missing = [path for path in paths if not _is_there(folder, path, (made / path).read_bytes())]
    written: list[Path] = []
    with held():
        try:
            for path in missing:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (made / path).rename(folder / path)
                written.append(folder / path)
        except OSError:
            for target in written:
                target.unlink(missing_ok=True)
            raise
        settle()
    return tuple(Path(path) for path in missing)


def _first_missing(folder: Path) -> Path | None:
    """The outermost folder that must be made for `folder` to exist."""
    missing = None
    for each in (folder.absolute(), *folder.absolute().parents):
        if each.exists():
            break
        missing = each
    return missing
