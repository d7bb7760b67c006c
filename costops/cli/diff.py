"""`costops diff`"""

from __future__ import annotations

import click

from costops.cli import output
from costops.cli.show import LARGEST_VERSION

VERSION = click.IntRange(min=1, max=LARGEST_VERSION)


@click.command("diff")
@click.argument("before", metavar="V1", type=VERSION)
@click.argument("after", metavar="V2", type=VERSION)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every element that differs.")
@click.pass_obj
def command(session: output.Session, before: int, after: int, form: str, everything: bool) -> None:
    """Show how two versions differ: their rules, and the cost of each element in both."""
    diff = session.workspace().diff(before, after)
    if form == "json":
        from costops.render.diff_json import diff_json

        output.result(diff_json(diff))
    else:
        from costops.render.diff import diff_text

        output.result(diff_text(diff, width=output.width(), everything=everything))
