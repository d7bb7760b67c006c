"""Options that several commands have, and what they make."""

from __future__ import annotations

import click

from costops.errors import UsageError
from costops.periods import Period, parse_period

verbose = click.option("-v", "--verbose", is_flag=True, help="Print every statement of the engine, with its seconds.")
full = click.option(
    "--full", is_flag=True, help="Read the whole bill and evaluate every rule, whatever is in the cache."
)


def period(name: str, text: str) -> Period:
    """Billing months as they were typed; UsageError that calls them `name`."""
    try:
        return parse_period(text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}", hint="write 2025-09 or 2025-07..2025-09") from error
