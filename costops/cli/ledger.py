"""`costops ledger`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costops.cli import options, output

if TYPE_CHECKING:
    from costops.periods import Period


@click.command("ledger")
@click.option(
    "--by",
    metavar="DIM,...",
    help="Report dimensions, day, charge_month, billing_month, allocated_by, allocation_path.",
)
@click.option("--version", "number", metavar="V", type=click.IntRange(min=1), help="By default the newest.")
@click.option("--period", metavar="P", type=options.PERIOD, help="Billing months: 2025-09 or 2025-07..2025-09.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
@click.option("--raw", is_flag=True, help="CSV with every value as it is, also what a spreadsheet takes as a formula.")
@click.pass_obj
def command(
    session: output.Session, by: str | None, number: int | None, period: Period | None, form: str, raw: bool
) -> None:
    """Print the allocated cost of a version; by default by its report dimensions."""
    from costops.render.ledger import ledger_csv, ledger_json, ledger_text

    names = [name.strip() for name in by.split(",") if name.strip()] if by is not None else None
    sums = session.workspace().sums(number, names, period)
    if form == "csv":
        output.result(ledger_csv(sums, raw=raw))
    else:
        output.result(ledger_json(sums) if form == "json" else ledger_text(sums))
