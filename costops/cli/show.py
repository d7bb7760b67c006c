"""`costops show`"""

from __future__ import annotations

from pathlib import Path

import click

from costops.cli import options, output
from costops.errors import UsageError

LARGEST_VERSION = 2**31
"""More than any state has, and less than SQLite's largest integer."""


@click.command("show")
@click.argument("what", metavar="[VERSION|PLANFILE]", required=False)
@click.option("--format", "form", type=click.Choice(options.PLAN_FORMATS), default="text", show_default=True)
@options.max_chars
@click.option("--all", "everything", is_flag=True, help="Show hidden rules; of a plan, every element of every change.")
@click.pass_obj
def command(session: output.Session, what: str | None, form: str, max_chars: int, everything: bool) -> None:
    """Show one version, by default the newest, or a saved plan.

    A decimal number is a version; a file that is called so is ./3.
    """
    if what is None or (what.isascii() and what.isdecimal()):
        if form == "markdown":
            raise UsageError("only a plan can be shown as markdown", hint="name a plan file, or use text or json")
        _show_version(session, _number(what) if what is not None else None, form, everything)
    else:
        _show_plan(session.start / what, form, max_chars, everything)


def _number(text: str) -> int:
    if not 1 <= int(text) <= LARGEST_VERSION:
        raise UsageError(f"there can be no version {text[:40]}", hint="run `costops history` to see all of them")
    return int(text)


def _show_version(session: output.Session, number: int | None, form: str, everything: bool) -> None:
    from costops.render.history import version_json, version_text

    workspace = session.workspace()
    version = workspace.version(number)
    totals = workspace.sums(version.number, by=())
    if form == "json":
        output.result(version_json(version, totals))
        return
    coverage = [workspace.sums(version.number, by=(each,)) for each in version.draft.dimensions]
    output.result(version_text(version, totals, coverage, everything=everything))


def _show_plan(path: Path, form: str, max_chars: int, everything: bool) -> None:
    from costops.cli.renderings import plan_in
    from costops.workspace import load_plan

    plan = load_plan(path)
    if form == "text":
        output.diagnostics(plan.diagnostics, {})
    output.result(plan_in(form, plan, max_chars, output.width(), everything))
