"""Where the time of a command went, and what the engine was asked, for the person who wants to know."""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.profile import Profile, Spent
from costops.render.numbers import counted
from costops.render.safe import safe_text
from costops.render.table import table_lines

MOST_PARTS = 10
"""How many parts of a stage are named, the slowest ones; the rest is counted."""
LONGEST_PARAMETERS = 200


def profile_text(profile: Profile) -> str:
    """Seconds, share and seconds in the engine of each stage, and of the slowest rules."""
    rows = [["seconds", "share", "engine", "what"]]
    for stage in profile.stages:
        rows.append(_row(stage.seconds, stage.engine_seconds, profile, _called(stage)))
        rows += [
            _row(each.seconds, each.engine_seconds, profile, f"  {_called(each)}") for each in stage.parts[:MOST_PARTS]
        ]
        rest = stage.parts[MOST_PARTS:]
        if rest:
            seconds = (sum(each.seconds for each in rest), sum(each.engine_seconds for each in rest))
            rows.append(_row(*seconds, profile, f"  {len(rest):,} more"))
    engine = f"{profile.engine_seconds:.2f} s in {counted(profile.statements, 'statement')} of the engine"
    lines = [
        f"Where the time went: {profile.seconds:.2f} s, of which {engine}",
        "",
        *table_lines(rows, right=[True, True, True, False]),
        "",
        _kept_line(profile),
    ]
    return "\n".join(lines)


def stage_line(words: str) -> str:
    """A stage that begins, as a comment of SQL."""
    return f"\n-- {safe_text(words)}"


def statement_text(text: str, parameters: Sequence[object], seconds: float, rows: int | None) -> str:
    """A statement as it was run, behind a comment with its seconds, the rows that were fetched and its parameters."""
    facts = f"{seconds:.3f} s" + ("" if rows is None else f", {counted(rows, 'row')}")
    if parameters:
        written = ", ".join(repr(each) for each in parameters)
        cut = written if len(written) <= LONGEST_PARAMETERS else f"{written[:LONGEST_PARAMETERS]}..."
        facts += f", parameters {safe_text(cut)}"
    return f"-- {facts}\n{safe_text(text)};"


def _row(seconds: float, engine_seconds: float, profile: Profile, words: str) -> list[str]:
    share = 100 * seconds / profile.seconds if profile.seconds else 0
    return [f"{seconds:.2f}", f"{share:.1f} %", f"{engine_seconds:.2f}" if engine_seconds else "", words]


def _called(spent: Spent) -> str:
    often = f", {spent.times:,} times" if spent.times > 1 else ""
    return f"{safe_text(spent.words)}{often}"


def _kept_line(profile: Profile) -> str:
    used = [f"{safe_text(each.what)} {each.used:,} of {each.wanted:,}" for each in profile.kept]
    return f"Taken from the cache: {', '.join(used)}." if used else "Nothing was asked of the cache."
