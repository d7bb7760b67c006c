"""Options that several commands have, and what they make."""

from __future__ import annotations

from typing import Any

import click


class PeriodType(click.ParamType[Any]):
    """Billing months, such as 2025-09 or 2025-07..2025-09."""

    name = "period"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from costops.periods import parse_period

        try:
            return parse_period(value) if isinstance(value, str) else value
        except ValueError as error:
            self.fail(f"{error}; write 2025-09 or 2025-07..2025-09", param, ctx)


PERIOD = PeriodType()

verbose = click.option("-v", "--verbose", is_flag=True, help="Print every statement of the engine, with its seconds.")
full = click.option(
    "--full", is_flag=True, help="Read the whole bill and evaluate every rule, whatever is in the cache."
)
