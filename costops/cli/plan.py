"""`costops plan`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from costops.cli import options, output
from costops.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from costops.periods import Period
    from costops.planned import Restating


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
@click.option("--base", metavar="GITREF", help="Compare with the rules of a git revision, without any state.")
@click.option(
    "--untrusted", is_flag=True, help="Take costops.yaml from --base, believe nothing kept, open no connection."
)
@click.option("--refresh-only", is_flag=True, help="Show only what the bill and the usage numbers change.")
@options.restate
@options.reason
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
    base: str | None,
    untrusted: bool,
    refresh_only: bool,
    restate: Period | None,
    reason: str | None,
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
    restating = _restating(base, untrusted, refresh_only, target, restate, reason)
    workspace = session.workspace(record, untrusted=base if untrusted else None)
    with workspace:
        if path is not None:
            check_plan_target(path)
        check_renderings(files, workspace.settings, path)
        if base is not None:
            plan = workspace.compare(base, keep_cells=True, full=full)
        elif refresh_only:
            plan = workspace.refresh(keep_cells=True, full=full, with_ledger=False)
        else:
            plan = workspace.plan(keep_cells=True, full=full, with_ledger=False, restate=restating)
    if path is not None:
        save_plan(path, plan)
    if record is not None:
        record.stage("showing the plan")
    for each in files:
        write_whole(
            each.path, plan_in(each.form, plan, max_chars, output.DEFAULT_WIDTH, everything).encode(), "the plan"
        )
    if form == "text":
        # With --refresh-only the places of warnings are those of the version's files, which may read otherwise by now.
        output.diagnostics(plan.diagnostics, {} if refresh_only else workspace.texts)
    output.result(plan_in(form, plan, max_chars, output.width(), everything))
    if target is not None:
        output.narrate(f"\nSaved the plan. To apply exactly this: costops apply {output.shown(target)}")
    if record is not None and profile:
        from costops.render.profile import profile_text

        output.flush()
        output.narrate("\n" + profile_text(record.profile()))
    if plan.failed_checks:
        return ExitCode.CHECK_FAILED
    differs = bool(plan.changes) if base is not None else plan.writes
    return ExitCode.CHANGES if detailed_exitcode and differs else ExitCode.DONE


def _restating(
    base: str | None, untrusted: bool, refresh_only: bool, target: Path | None, months: Period | None, why: str | None
) -> Restating | None:
    """What is restated; raises UsageError for flags that exclude each other."""
    restating = options.restating(months, why)
    chosen = {"--base": base is not None, "--refresh-only": refresh_only, "--restate": restating is not None}
    named = [flag for flag, is_given in chosen.items() if is_given]
    if len(named) > 1:
        raise UsageError(f"{named[0]} and {named[1]} exclude each other", hint="give one of the two")
    if untrusted and base is None:
        raise UsageError("--untrusted needs --base", hint="name the revision whose costops.yaml is trusted")
    if base is not None and target is not None:
        raise UsageError(
            "--base and --out exclude each other: what two revisions differ in cannot be applied",
            hint="write it with --render or --format, or save a plan without --base",
        )
    return restating
