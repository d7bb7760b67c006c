"""Options that several commands have, and what they make."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

import click

from costops.errors import UsageError

if TYPE_CHECKING:
    from costops.periods import Period
    from costops.planned import Restating


class PeriodType(click.ParamType[Any]):
    """Billing months, such as 2025-09 or 2025-07..2025-09."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from costops.periods import parse_period

        try:
            return parse_period(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"{error}; write 2025-09 or 2025-07..2025-09", param, ctx)


class ReasonType(click.ParamType[Any]):
    """A reason for the history: one line of text."""

    name = "reason"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not value.strip():
            self.fail("the reason is empty; say why", param, ctx)
        # Controls and line breaks, and the halves of surrogate pairs that stand for bytes that are no text.
        if any(unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") for each in value):
            self.fail("the reason is not one line of text; write it in one line", param, ctx)
        return value


PERIOD = PeriodType()
REASON = ReasonType()

verbose = click.option("-v", "--verbose", is_flag=True, help="Print every statement of the engine, with its seconds.")
full = click.option(
    "--full", is_flag=True, help="Read the whole bill and evaluate every rule, whatever is in the cache."
)
auto_approve = click.option("--auto-approve", is_flag=True, help="Do not ask.")
everything = click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
restate = click.option(
    "--restate", metavar="P", type=PERIOD, help="Write closed months anew: 2025-09, or 2025-07..2025-09."
)
reason = click.option("--reason", metavar="TEXT", type=REASON, help="Why closed months are restated.")

PLAN_FORMATS = ("text", "markdown", "json")

max_chars = click.option(
    "--max-chars",
    type=click.IntRange(min=4_000),
    metavar="N",
    default=65_536,
    show_default=True,
    help="How many characters the markdown may have.",
)


def restating(months: Period | None, why: str | None) -> Restating | None:
    """What --restate and --reason say together; raises UsageError where one of them is missing."""
    from costops.planned import Restating

    if months is None:
        if why is not None:
            raise UsageError("--reason says why closed months are restated", hint="name them with --restate")
        return None
    if why is None:
        raise UsageError("--restate needs --reason", hint="say why closed months change; the history tells it")
    return Restating(months, why)
