"""Options that several commands have, and what they make."""

from __future__ import annotations

import unicodedata

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


def reason(text: str) -> str:
    """A reason as it was typed; UsageError unless it is one line of text."""
    if not text.strip():
        raise UsageError("the reason is empty", hint="say why in --reason, or leave it out where that is possible")
    # Controls and line breaks, and the halves of surrogate pairs that stand for bytes that are no text.
    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in text):
        raise UsageError("the reason is not one line of text", hint="write it in one line")
    return text
