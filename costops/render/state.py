"""What is known of a state file, as text and JSON: a check, a backup, a restore."""

from __future__ import annotations

from typing import Any

from costops.model.state_file import Descent, Restoration, Restored, StateCheck
from costops.render.numbers import counted
from costops.render.safe import json_text, safe_text


def check_text(check: StateCheck) -> str:
    """What was looked at, and `sound` or every problem with its place and remedy."""
    found = counted(len(check.problems), "problem") if check.problems else "sound"
    seen = f"{counted(check.versions, 'version')}, {counted(check.entries, 'entry', 'entries')}"
    lines = [f"state {safe_text(str(check.path))}{_identity(check)}"]
    lines.append(f"Checked {seen}, {counted(check.bytes, 'byte')}: {found}.")
    if not check.complete:
        lines.append("The check could not go on after what it found; there may be more.")
    for number, each in enumerate(check.problems):
        lines += ["", f"  {safe_text(each.place)}", f"    {safe_text(each.message)}"]
        following = check.problems[number + 1 : number + 2]
        if not following or following[0].remedy != each.remedy:
            lines.append(f"    help: {safe_text(each.remedy)}")
    return "\n".join(lines) + "\n"


def check_json(check: StateCheck) -> str:
    """The same for machines."""
    document = {
        "format_version": "1.0",
        "state": str(check.path),
        "sound": check.is_sound,
        "complete": check.complete,
        "lineage": check.lineage,
        "serial": check.serial,
        "version": check.newest,
        "hash": check.head,
        "versions": check.versions,
        "entries": check.entries,
        "bytes": check.bytes,
        "problems": [_problem(each.place, each.message, each.remedy) for each in check.problems],
    }
    return json_text(document)


def backup_text(check: StateCheck) -> str:
    """What a backup holds."""
    version = f"version {check.newest} (serial {check.serial})"
    return f"Backed up {version} to {safe_text(str(check.path))}, and checked it.\n"


def restoration_text(restoration: Restoration) -> str:
    """What a restore would do."""
    source, present = restoration.source, restoration.present
    lines = [
        f"backup {safe_text(str(source.path))}{_identity(source)}: sound",
        f"state  {safe_text(str(present.path))}{_identity(present)}: {_condition(restoration)}",
        "",
        *_effect(restoration),
    ]
    return "\n".join(lines) + "\n"


def restored_text(restored: Restored) -> str:
    """What a restore has done."""
    check = restored.check
    kept = f" What it replaced is kept as {safe_text(str(restored.kept))}." if restored.kept is not None else ""
    return f"Restored version {check.newest} (serial {check.serial}).{kept}\n"


def _identity(check: StateCheck) -> str:
    if check.lineage is None:
        return ""
    return f"   lineage {safe_text(check.lineage)}, version {check.newest}, serial {check.serial}"


def _condition(restoration: Restoration) -> str:
    if restoration.descent is Descent.FIRST:
        return "not there"
    problems = restoration.present.problems
    return f"damaged ({counted(len(problems), 'problem')}; {safe_text(problems[0].message)})" if problems else "sound"


def _effect(restoration: Restoration) -> list[str]:
    source, present, common = restoration.source, restoration.present, restoration.common
    newest, now = source.newest or 0, present.newest or 0
    here, there = str(now), str(newest)
    if newest == now:  # what differs is closings and reopenings of months
        here, there = f"{now} (serial {present.serial})", f"{newest} (serial {source.serial})"
    match restoration.descent:
        case Descent.FIRST:
            return [f"The state will be at version {newest}."]
        case Descent.UNREADABLE:
            return [f"The state will be at version {newest}; what it was at cannot be read."]
        case Descent.SAME:
            return [f"The state stays at version {newest}."]
        case Descent.NEWER:
            return [f"The state goes from version {here} to version {there}."]
        case Descent.OLDER:
            return [f"The state goes back from version {here} to version {there}. {_lost(newest, now)}"]
        case Descent.FORKED:
            return [
                f"The two went apart after version {common}. The state goes from its version {here} to version {there} "
                f"of the backup. {_lost(common, now)}"
            ]
        case Descent.FOREIGN:
            return [
                f"The backup is of another lineage. The state goes from its version {now} to version {newest} of the "
                f"backup. {_lost(0, now)}"
            ]


def _lost(kept: int, now: int) -> str:
    if kept == now:
        return "Its newer closings and reopenings of months are only in the copy that is kept of it."
    which = f"version {now} is" if kept + 1 == now else f"versions {kept + 1} to {now} are"
    return f"Its {which} only in the copy that is kept of it."


def _problem(place: str, message: str, remedy: str) -> dict[str, Any]:
    return {"place": place, "message": message, "remedy": remedy}
