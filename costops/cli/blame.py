"""`costops blame`"""

from __future__ import annotations

import click

from costops.cli import output
from costops.errors import UsageError


@click.command("blame")
@click.argument("element", metavar="DIM=ELEMENT")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every version and every cause.")
@click.pass_obj
def command(session: output.Session, element: str, form: str, everything: bool) -> None:
    """Show which versions and rules moved the cost of an element, the newest first.

    DIM is a report dimension; DIM= and DIM=(unallocated) ask for the cost without a value in it.
    """
    from costops.render.blame import blame_json, blame_text
    from costops.render.money_table import UNALLOCATED

    dimension, separator, value = element.partition("=")
    if not separator or not dimension:
        raise UsageError(f"{element!r} is not DIM=ELEMENT", hint="write a dimension and an element: team=checkout")
    blame = session.workspace().blame(dimension, None if value in ("", UNALLOCATED) else value)
    output.result(blame_json(blame) if form == "json" else blame_text(blame, everything=everything))
