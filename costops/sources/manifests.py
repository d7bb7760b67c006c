"""Which of the files that a path names are the current delivery, as the manifests beside them say.

Invariant: a month of which several versions lie beside each other is read once: a manifest says which version is the
current one, or the command fails.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from costops.errors import BillError
from costops.model.bill import PassedOver
from costops.sources.found import FoundFile, Owner, name_of

_MONTH = re.compile(r"\d{8}-\d{8}")
"""AWS and Azure call the folder of a month 20250501-20250601."""
_PERIOD = re.compile(r"billing_period=.*", re.IGNORECASE)
_RUN = re.compile(
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32,}|\d{8}T\d{6}Z.*|\d{4}-\d{2}-\d{2}T[0-9.:_-]+Z.*",
    re.IGNORECASE,
)
"""What exports call the folder of one run: a UUID, a moment, or both."""
_MAXIMUM_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class _Manifest:
    path: Path
    scope: Path
    """The folder whose files it speaks of."""
    files: tuple[Path, ...]
    """What it names, where that lies or should lie on this machine."""
    submitted: str | None
    """When the run was started, where it says so."""


def is_manifest(file_name: str) -> bool:
    """Whether exports of AWS or Azure call a manifest so."""
    return file_name.endswith("-Manifest.json") or file_name == "manifest.json"


def current_files(
    root: Path, owner: Owner, pattern: str, found: Sequence[FoundFile], is_named: Callable[[Path], bool]
) -> tuple[tuple[FoundFile, ...], tuple[PassedOver, ...]]:
    """The files of the current delivery, and the others with the reason.

    `is_named` tells whether `pattern` names a path. Raises BillError for an incomplete delivery, for several versions
    of a month of which none is known to be the current one, and for a manifest that cannot be read.
    """
    names = _Names(root, owner, pattern)
    kept = list(found)
    passed_over: list[PassedOver] = []
    settled: list[Path] = []
    for manifest in _in_force(_manifests_near(names, found)):
        missing = [path for path in manifest.files if is_named(path) and not path.exists()]
        if missing:
            raise names.incomplete(manifest, missing)
        below = [file for file in kept if file.path.is_relative_to(manifest.scope)]
        older = [file for file in below if file.path not in manifest.files]
        if older and len(older) == len(below):
            raise names.only_older(manifest, older[0])
        reason = f"{names.of(manifest.path)} does not name it: an older version"
        passed_over += [PassedOver(owner.name, file.name, reason) for file in older]
        kept = [file for file in kept if file not in older]
        settled.append(manifest.scope)
    _refuse_versions(names, kept, settled)
    return tuple(kept), tuple(passed_over)


def _in_force(manifests: Sequence[_Manifest]) -> tuple[_Manifest, ...]:
    """Manifests, those of wider folders first, without those of versions that a wider one does not name."""
    chosen: list[_Manifest] = []
    for each in sorted(_newest_runs(manifests), key=lambda manifest: (len(manifest.scope.parts), str(manifest.path))):
        wider = [other for other in chosen if each.scope != other.scope and each.scope.is_relative_to(other.scope)]
        if all(set(each.files) & set(other.files) for other in wider):
            chosen.append(each)
    return tuple(chosen)


def _newest_runs(manifests: Sequence[_Manifest]) -> Iterator[_Manifest]:
    """Where every run of a month has a manifest that says when it was started, the newest speaks for the month."""
    siblings: dict[Path, list[_Manifest]] = {}
    for each in manifests:
        siblings.setdefault(each.scope.parent, []).append(each)
    for parent, group in siblings.items():
        if _MONTH.fullmatch(parent.name) and all(each.submitted for each in group):
            newest = max(group, key=lambda each: (each.submitted or "", str(each.path)))
            yield replace(newest, scope=parent)
        else:
            yield from group


def _manifests_near(names: _Names, found: Sequence[FoundFile]) -> tuple[_Manifest, ...]:
    folders = dict.fromkeys(file.path.parent for file in found)
    near = dict.fromkeys(each for folder in folders for each in _places(folder))
    manifests = {}
    for folder in near:
        for path in _children(folder):
            if is_manifest(path.name) and path.is_file():
                manifest = _read(names, path, must_be_one=folder in folders or path.name != "manifest.json")
                if manifest is not None:
                    manifests[path] = manifest
    return tuple(manifests.values())


def _places(folder: Path) -> Iterator[Path]:
    """Where the manifests of a folder's files may lie."""
    for each in (folder, folder.parent):
        yield each
        counterpart = _swapped(each, "data", "metadata")
        if _MONTH.fullmatch(each.name):
            yield from (path for path in _children(each.parent) if _MONTH.fullmatch(path.name))
        if counterpart is not None:
            yield counterpart
            if _PERIOD.fullmatch(each.name):
                yield from (path for path in _children(counterpart.parent) if _PERIOD.fullmatch(path.name))
    if folder.name.startswith("month=") and len(folder.parts) > 3:
        yield from (path for path in _children(folder.parents[2]) if _MONTH.fullmatch(path.name))


def _children(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        # The folders of the bill's own files were read already; others need not be there, nor be readable.
        return []


def _swapped(folder: Path, old: str, new: str) -> Path | None:
    """The same path in the folder `new` beside `old`; None where no part is called `old`."""
    parts = folder.parts
    if old not in parts:
        return None
    place = len(parts) - 1 - parts[::-1].index(old)
    return Path(*parts[:place], new, *parts[place + 1 :])


def _read(names: _Names, path: Path, *, must_be_one: bool) -> _Manifest | None:
    """A manifest; None for a file that is called like one and is none."""
    try:
        if path.stat().st_size > _MAXIMUM_BYTES:
            raise names.broken(path, "it is larger than 64 MiB")
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise names.broken(path, error.strerror or str(error)) from error
    except (ValueError, RecursionError) as error:
        if must_be_one:
            raise names.broken(path, "it is no JSON document") from error
        return None
    keys = _keys(document)
    if not keys:
        return None
    folder = _swapped(path.parent, "metadata", "data") or path.parent
    files = tuple(dict.fromkeys(_local(folder, key) for key in keys))
    if all(file.is_relative_to(folder) for file in files):
        scope = folder
    else:
        scope = files[0].parent
        if any(file.parent != scope for file in files):
            return None
    run = document.get("runInfo")
    submitted = run.get("submittedTime") if isinstance(run, dict) else None
    return _Manifest(path, scope, files, submitted if isinstance(submitted, str) else None)


def _keys(document: object) -> list[str]:
    """The names of data files in a manifest of AWS (two kinds) or Azure."""
    if not isinstance(document, dict):
        return []
    blobs = document.get("blobs")
    named = [each.get("blobName") for each in blobs if isinstance(each, dict)] if isinstance(blobs, list) else []
    for field in ("reportKeys", "dataFiles"):
        listed = document.get(field)
        named += listed if isinstance(listed, list) else []
    return [key for key in named if isinstance(key, str) and key.strip("/")]


def _local(folder: Path, key: str) -> Path:
    """Where the object of a bucket lies in a copy: below the nearest folder that its key names too."""
    parts = [part for part in key.split("://")[-1].split("/") if part not in ("", ".", "..")]
    near = None
    for ancestor in (folder, *folder.parents):
        for place in range(len(parts) - 2, -1, -1):
            if parts[place] == ancestor.name:
                path = ancestor.joinpath(*parts[place + 1 :])
                near = near or path
                if path.exists():
                    return path
    return near or folder / parts[-1]


def _refuse_versions(names: _Names, files: Sequence[FoundFile], settled: Sequence[Path]) -> None:
    """Raises BillError where two versions of one month lie beside each other and no manifest chose."""
    first_of: dict[Path, dict[str, FoundFile]] = {}
    for file in files:
        below = ""
        for folder in file.path.parents:
            is_month = _MONTH.fullmatch(folder.name) is not None
            is_run = _PERIOD.fullmatch(folder.name) is not None and _RUN.fullmatch(below) is not None
            if (is_month or is_run) and folder not in settled:
                versions = first_of.setdefault(folder, {})
                versions.setdefault(below, file)
                if len(versions) > 1:
                    raise names.versions(folder, [each.name for each in versions.values()])
            below = folder.name


@dataclass(frozen=True, slots=True)
class _Names:
    """How messages call things of one source."""

    root: Path
    owner: Owner
    pattern: str

    def of(self, path: Path) -> str:
        return name_of(self.root, path, self.pattern)

    def incomplete(self, manifest: _Manifest, missing: Sequence[Path]) -> BillError:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        return BillError(
            f"{self.owner}: {self.of(manifest.path)} names {self.of(missing[0])}{more}, "
            f"which {'are' if more else 'is'} not there: the delivery is incomplete",
            hint="Copy the whole delivery again, or wait until the export is done.",
        )

    def only_older(self, manifest: _Manifest, file: FoundFile) -> BillError:
        return BillError(
            f"{self.owner}: {file.name} is of an older version of the month; {self.of(manifest.path)} says that "
            f"{self.of(manifest.files[0])} is the current one, and `path` does not name it",
            hint="Let `path` name the current version too, for example with `**`.",
        )

    def versions(self, folder: Path, names: Sequence[str]) -> BillError:
        return BillError(
            f"{self.owner}: {self.of(folder)} has several versions of one month, which would count twice: "
            f"{names[0]} and {names[1]}",
            hint="Put the manifest of the month beside them, which names the current files, or narrow `path` to one "
            "of the versions.",
        )

    def broken(self, path: Path, reason: str) -> BillError:
        return BillError(
            f"{self.owner}: the manifest {self.of(path)} cannot be read: {reason}",
            hint="It says which files are current. Copy it again, or take it away if there is one version only.",
        )
