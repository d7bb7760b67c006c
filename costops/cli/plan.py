"""`costops plan`"""

from __future__ import annotations

from pathlib import Path

import click

from costops.cli import options, output
from costops.errors import ExitCode


@click.command("plan")
@click.option("--out", "target", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan for apply FILE.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
@options.full
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 if apply would write something.")
@click.option("--profile", is_flag=True, help="Tell on stderr where the time went.")
@options.verbose
@click.pass_obj
def command(
    session: output.Session,
    target: Path | None,
    form: str,
    everything: bool,
    full: bool,
    detailed_exitcode: bool,
    profile: bool,
    verbose: bool,
) -> int:
    """Show what the rules would change and the money each change moves. Changes nothing but FILE."""
    from costops.workspace import check_plan_target, save_plan

    path = session.start / target if target is not None else None
    record = output.record(verbose=verbose, profile=profile)
    workspace = session.workspace(record)
    if path is not None:
        check_plan_target(path)
    plan = workspace.plan(keep_cells=True, full=full, with_ledger=False)
    if path is not None:
        save_plan(path, plan)
    if record is not None:
        record.stage("showing the plan")
    if form == "json":
        from costops.render.plan_json import plan_json

        output.result(plan_json(plan))
    else:
        from costops.render.plan_text import plan_text

        output.diagnostics(plan.diagnostics, workspace.texts)
        output.result(plan_text(plan, width=output.width(), everything=everything))
    if target is not None:
        output.narrate(f"\nSaved the plan. To apply exactly this: costops apply {output.shown(target)}")
    if record is not None and profile:
        from costops.render.profile import profile_text

        output.flush()
        output.narrate("\n" + profile_text(record.profile()))
    if plan.failed_checks:
        return ExitCode.CHECK_FAILED
    return ExitCode.CHANGES if detailed_exitcode and plan.writes else ExitCode.DONE
