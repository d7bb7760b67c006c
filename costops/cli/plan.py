"""`costops plan`"""

from __future__ import annotations

from pathlib import Path

import click

from costops.cli import options, output
from costops.errors import ExitCode


@click.command("plan")
@click.option("--out", "target", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan for apply FILE.")
@click.option("--format", "form", type=click.Choice(options.PLAN_FORMATS), default="text", show_default=True)
@click.option(
    "--render",
    "wanted",
    metavar="FORMAT=FILE",
    multiple=True,
    help="Also write the plan to FILE; text, markdown or json.",
)
@options.max_chars
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
    wanted: tuple[str, ...],
    max_chars: int,
    everything: bool,
    full: bool,
    detailed_exitcode: bool,
    profile: bool,
    verbose: bool,
) -> int:
    """Show what the rules would change and the money each change moves. Changes nothing but FILE."""
    from costops.cli.renderings import check_renderings, plan_in, renderings
    from costops.workspace import check_plan_target, save_plan
    from costops.writing import write_whole

    path = session.start / target if target is not None else None
    files = renderings(wanted, session.start)
    record = output.record(verbose=verbose, profile=profile)
    workspace = session.workspace(record)
    if path is not None:
        check_plan_target(path)
    check_renderings(files, workspace.settings, path)
    plan = workspace.plan(keep_cells=True, full=full, with_ledger=False)
    if path is not None:
        save_plan(path, plan)
    if record is not None:
        record.stage("showing the plan")
    for each in files:
        write_whole(
            each.path, plan_in(each.form, plan, max_chars, output.DEFAULT_WIDTH, everything).encode(), "the plan"
        )
    if form == "text":
        output.diagnostics(plan.diagnostics, workspace.texts)
    output.result(plan_in(form, plan, max_chars, output.width(), everything))
    if target is not None:
        output.narrate(f"\nSaved the plan. To apply exactly this: costops apply {output.shown(target)}")
    if record is not None and profile:
        from costops.render.profile import profile_text

        output.flush()
        output.narrate("\n" + profile_text(record.profile()))
    if plan.failed_checks:
        return ExitCode.CHECK_FAILED
    return ExitCode.CHANGES if detailed_exitcode and plan.writes else ExitCode.DONE
