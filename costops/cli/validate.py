"""`costops validate`"""

from __future__ import annotations

import click

from costops.cli import options, output
from costops.errors import ExitCode, InvalidRulesError


@click.command("validate")
@click.option("--no-data", is_flag=True, help="Look at the files alone; rules are not held against the bill.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@options.verbose
@click.pass_obj
def command(session: output.Session, no_data: bool, form: str, verbose: bool) -> int:
    """Show every problem in costops.yaml and the rule files at once; warnings never change the exit code."""
    from costops.render.diagnostics import diagnostics_json, diagnostics_text
    from costops.render.safe import safe_text
    from costops.workspace import Validation

    try:
        validation = session.workspace(output.record(verbose=verbose)).validate(with_data=not no_data, keep_cells=True)
    except InvalidRulesError as error:
        # Without settings there is no rules folder to look into.
        validation = Validation(error.diagnostics, error.texts)
    if validation.not_evaluated is not None:
        output.narrate(f"the rules were not evaluated on the bill: {safe_text(validation.not_evaluated)}")
    if form == "json":
        output.result(diagnostics_json(validation.diagnostics))
    else:
        output.result(diagnostics_text(validation.diagnostics, validation.texts))
    has_errors = any(each.is_error for each in validation.diagnostics)
    return ExitCode.INVALID if has_errors else ExitCode.DONE
