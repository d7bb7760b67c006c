"""What the cache folder holds, as text and JSON."""

from __future__ import annotations

from costops.model.cache import CacheContents, CacheKind
from costops.model.sizes import size_text
from costops.render.numbers import counted
from costops.render.safe import json_text, safe_text
from costops.render.table import table_lines

SHOWN_NAMES = 5
_MEANINGS = {
    CacheKind.RULES: "what costops.yaml and the rule files say",
    CacheKind.CELLS: "the charges of bills, added up",
    CacheKind.EVALUATIONS: "what rules made of them",
    CacheKind.HASHES: "sha256 and columns of files that did not change",
    CacheKind.UNFINISHED: "left behind, or being written",
}


def cache_text(contents: CacheContents, *, cleared: bool = False) -> str:
    """Entries and bytes of each kind; or, `cleared`, what was removed."""
    rows = [["kind", "entries", "size", ""]]
    rows += [
        [each.kind.value, f"{each.entries:,}", size_text(each.bytes), _MEANINGS[each.kind]] for each in contents.sizes
    ]
    lines = [f"cache {safe_text(str(contents.folder))}", ""]
    lines += table_lines(rows, right=[False, True, True, False])
    verb = "Removed" if cleared else "In all"
    lines += ["", f"{verb} {counted(contents.entries, 'entry', 'entries')}, {size_text(contents.bytes)}."]
    others = contents.left_alone
    if others:
        named = [safe_text(each) for each in others[:SHOWN_NAMES]]
        more = f" and {len(others) - SHOWN_NAMES:,} more" if len(others) > SHOWN_NAMES else ""
        lines.append(f"Left alone, as costops did not make it or is using it: {', '.join(named)}{more}.")
    return "\n".join(lines) + "\n"


def cache_json(contents: CacheContents, *, cleared: bool = False) -> str:
    """The same for machines."""
    return json_text(
        {
            "format_version": "1.0",
            "folder": str(contents.folder),
            "cleared": cleared,
            "kinds": [
                {"kind": each.kind.value, "entries": each.entries, "bytes": each.bytes} for each in contents.sizes
            ],
            "entries": contents.entries,
            "bytes": contents.bytes,
            "left_alone": list(contents.left_alone),
        }
    )
