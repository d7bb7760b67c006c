"""Options that several commands have, and what they make."""

from __future__ import annotations

import click

verbose = click.option("-v", "--verbose", is_flag=True, help="Print every statement of the engine, with its seconds.")
full = click.option(
    "--full", is_flag=True, help="Read the whole bill and evaluate every rule, whatever is in the cache."
)

PLAN_FORMATS = ("text", "markdown", "json")

max_chars = click.option(
    "--max-chars",
    type=click.IntRange(min=4_000),
    metavar="N",
    default=65_536,
    show_default=True,
    help="How many characters the markdown may have.",
)
