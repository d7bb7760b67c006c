"""Options that several commands have, and what they make."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import click

from costops.errors import UsageError
from costops.periods import Period, parse_period

if TYPE_CHECKING:
    from costops.workspace import Restating

verbose = click.option("-v", "--verbose", is_flag=True, help="Print every statement of the engine, with its seconds.")
full = click.option(
    "--full", is_flag=True, help="Read the whole bill and evaluate every rule, whatever is in the cache."
)
auto_approve = click.option("--auto-approve", is_flag=True, help="Do not ask.")
everything = click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
restate = click.option(
    "--restate", "restated", metavar="P", help="Write closed months anew: 2025-09, or 2025-07..2025-09."
)
reason = click.option("--reason", metavar="TEXT", help="Why closed months are restated.")


def period(name: str, text: str) -> Period:
    """Billing months as they were typed; UsageError that calls them `name`."""
    try:
        return parse_period(text)
    except ValueError as error:
        raise UsageError(f"{name}: {error}", hint="write 2025-09 or 2025-07..2025-09") from error


def one_line(reason: str) -> str:
    """A reason as it was typed; UsageError unless it is one line of text."""
    if not reason.strip():
        raise UsageError("the reason is empty", hint="say why in --reason, or leave it out where that is possible")
    # Controls and line breaks, and the halves of surrogate pairs that stand for bytes that are no text.
    if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in reason):
        raise UsageError("the reason is not one line of text", hint="write it in one line")
    return reason


def restating(months: str | None, why: str | None) -> Restating | None:
    """What --restate and --reason say together; raises UsageError where one of them is missing."""
    from costops.workspace import Restating

    if months is None:
        if why is not None:
            raise UsageError("--reason says why closed months are restated", hint="name them with --restate")
        return None
    if why is None:
        raise UsageError("--restate needs --reason", hint="say why closed months change; the history tells it")
    return Restating(period("--restate", months), one_line(why))
