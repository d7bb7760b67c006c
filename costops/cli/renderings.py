"""A plan in each of its formats, and the files that `--render FORMAT=FILE` asks for.

Invariant: whether the files can be written is known before anything is computed.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from costops.cli.options import PLAN_FORMATS
from costops.errors import UsageError
from costops.language.nearness import did_you_mean
from costops.writing import check_place

if TYPE_CHECKING:
    from costops.model.plan import Plan
    from costops.model.settings import Settings

EXAMPLE = "write FORMAT=FILE, such as markdown=plan.md"


@dataclass(frozen=True, slots=True)
class Rendering:
    """A format and the file that it goes to."""

    form: str
    path: Path


def plan_in(form: str, plan: Plan, max_chars: int, width: int, everything: bool) -> str:
    """The plan as text, markdown or json."""
    if form == "json":
        from costops.render.plan_json import plan_json

        return plan_json(plan)
    if form == "markdown":
        from costops.render.plan_markdown import plan_markdown

        return plan_markdown(plan, max_chars=max_chars)
    from costops.render.plan_text import plan_text

    return plan_text(plan, width=width, everything=everything)


def renderings(wanted: Sequence[str], start: Path) -> list[Rendering]:
    """What each `FORMAT=FILE` asks for; raises UsageError for what is none."""
    found = []
    for text in wanted:
        form, equals, file = text.partition("=")
        if not equals or not file:
            raise UsageError(f"--render {text[:80]!r} names no format and file", hint=EXAMPLE)
        if form not in PLAN_FORMATS:
            hint = did_you_mean(form, PLAN_FORMATS, f"use one of {', '.join(PLAN_FORMATS)}")
            raise UsageError(f"--render cannot write the format {form[:40]!r}", hint=hint)
        if file == "-":
            raise UsageError("--render writes files alone, not stdout", hint=f"use --format {form} for stdout")
        found.append(Rendering(form, start / file))
    return found


def check_renderings(files: Sequence[Rendering], settings: Settings, plan_file: Path | None) -> None:
    """Raises UsageError where a file cannot be written, is asked for twice, or is what the plan is made of.

    Any other regular file is replaced: a rendering is made anew with each plan.
    """
    taken = {_real(plan_file)} if plan_file is not None else set()
    for each in files:
        check_place(each.path)
        real = _real(each.path)
        if real in taken:
            raise UsageError(f"{each.path} is to be written twice", hint="Name a file of its own for each format.")
        taken.add(real)
        own = {_real(settings.root / "costops.yaml"), _real(settings.state)}
        if real in own or real.is_relative_to(_real(settings.rules)):
            raise UsageError(f"{each.path} belongs to the workspace; it was left as it is", hint="Name another file.")


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
