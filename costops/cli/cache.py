"""`costops cache`"""

from __future__ import annotations

import click

from costops.cli import output


@click.command("cache")
@click.option("--clear", is_flag=True, help="Remove all of it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, clear: bool, form: str) -> None:
    """Show what is kept to save time: rules, cells, evaluations, hashes. Without it everything is made again."""
    from costops.render.cache import cache_json, cache_text
    from costops.workspace import cache_contents, clear_cache

    contents = clear_cache(session.start) if clear else cache_contents(session.start)
    output.result((cache_json if form == "json" else cache_text)(contents, cleared=clear))
