"""`costops show`"""

from __future__ import annotations

import click

from costops.cli import output


@click.command("show")
@click.argument("number", metavar="[VERSION]", required=False, type=click.IntRange(min=1))
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, number: int | None, form: str) -> None:
    """Show one version, by default the newest: who, when, its totals, what is unallocated, and its rules."""
    from costops.render.history import version_json, version_text

    workspace = session.workspace()
    version = workspace.version(number)
    totals = workspace.sums(version.number, by=())
    if form == "json":
        output.result(version_json(version, totals))
        return
    coverage = [workspace.sums(version.number, by=(each,)) for each in version.draft.dimensions]
    output.result(version_text(version, totals, coverage))
