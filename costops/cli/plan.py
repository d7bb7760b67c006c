"""`costops plan`"""

from __future__ import annotations

import click

from costops.cli import output
from costops.errors import ExitCode


@click.command("plan")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if apply would write something.")
@click.pass_obj
def command(session: output.Session, form: str, everything: bool, detailed_exitcode: bool) -> int:
    """Show what the rules would change and the money each change moves. Writes nothing."""
    workspace = session.workspace()
    plan = workspace.plan()
    if form == "json":
        from costops.render.plan_json import plan_json

        output.result(plan_json(plan))
    else:
        from costops.render.plan_text import plan_text

        output.diagnostics(plan.diagnostics, workspace.texts)
        output.result(plan_text(plan, width=output.width(), everything=everything))
    return ExitCode.CHANGES if detailed_exitcode and plan.writes else ExitCode.DONE
