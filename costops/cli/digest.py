"""`costops digest`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costops.cli import options, output

if TYPE_CHECKING:
    from costops.periods import Period


@click.command("digest")
@click.option("--by", metavar="DIM", help="A report dimension; by default env, else the first.")
@click.option(
    "--period",
    metavar="P",
    type=options.PERIOD,
    help="Billing months: 2025-09 or 2025-07..2025-09; by default the newest 12.",
)
@click.option("--version", "number", metavar="V", type=click.IntRange(min=1), help="By default the newest.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every element.")
@click.pass_obj
def command(
    session: output.Session, by: str | None, period: Period | None, number: int | None, form: str, everything: bool
) -> None:
    """Show what each element cost per billing month, what changed, and what is unallocated."""
    from costops.render.digest import digest_text
    from costops.render.digest_json import digest_json

    digest = session.workspace().digest(by, period, number)
    if form == "json":
        output.result(digest_json(digest))
    else:
        output.result(digest_text(digest, width=output.width(), everything=everything))
