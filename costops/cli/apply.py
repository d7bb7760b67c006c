"""`costops apply`"""

from __future__ import annotations

import click

from costops.cli import output
from costops.errors import DeclinedError, ExitCode, UsageError


@click.command("apply")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
@click.pass_obj
def command(session: output.Session, auto_approve: bool, everything: bool) -> int:
    """Plan, ask, and write the next version of the allocations: all of it or nothing."""
    from costops.render.plan_text import plan_text

    if not auto_approve and not output.is_interactive():
        raise UsageError(
            "apply asks for approval, and there is no terminal to ask on",
            hint="give --auto-approve to apply without being asked",
        )
    workspace = session.workspace()
    plan = workspace.plan()
    output.diagnostics(plan.diagnostics, workspace.texts)
    output.result(plan_text(plan, width=output.width(), everything=everything))
    output.flush()
    if not plan.writes:
        return ExitCode.DONE
    if not auto_approve:
        _ask()
    version = workspace.apply(plan)
    output.result(f"\nApplied as version {version.number}.\n")
    return ExitCode.DONE


def _ask() -> None:
    output.narrate("\nOnly 'yes' will be accepted to approve.")
    if output.ask("Write this version? ").strip() != "yes":
        raise DeclinedError("not approved; nothing was written")
