"""`costops ledger`"""

from __future__ import annotations

import click

from costops.cli import options, output


@click.command("ledger")
@click.option(
    "--by",
    metavar="DIM,...",
    help="Report dimensions, day, charge_month, billing_month, allocated_by, allocation_path.",
)
@click.option("--version", "number", metavar="V", type=click.IntRange(min=1), help="By default the newest.")
@click.option("--period", metavar="P", help="Billing months: 2025-09 or 2025-07..2025-09.")
@click.option("--format", "form", type=click.Choice(["text", "csv", "json"]), default="text", show_default=True)
@click.pass_obj
def command(session: output.Session, by: str | None, number: int | None, period: str | None, form: str) -> None:
    """Print the allocated cost of a version; by default by its report dimensions."""
    from costops.render.ledger import ledger_csv, ledger_json, ledger_text

    chosen = options.period("--period", period) if period is not None else None
    names = [name.strip() for name in by.split(",") if name.strip()] if by is not None else None
    sums = session.workspace().sums(number, names, chosen)
    renderers = {"text": ledger_text, "csv": ledger_csv, "json": ledger_json}
    output.result(renderers[form](sums))
