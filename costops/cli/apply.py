"""`costops apply`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from costops.cli import approving, options, output
from costops.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from costops.model.plan import Plan
    from costops.periods import Period
    from costops.planned import Restating
    from costops.workspace import Workspace


@click.command("apply")
@click.argument("planfile", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@click.option("--digest", metavar="HEX", help="Apply only the plan with this digest; nothing is asked.")
@click.option("--refresh-only", is_flag=True, help="Write only what the bill and the usage numbers change.")
@options.restate
@options.reason
@options.auto_approve
@options.everything
@options.full
@options.verbose
@click.pass_obj
def command(
    session: output.Session,
    planfile: Path | None,
    digest: str | None,
    refresh_only: bool,
    restate: Period | None,
    reason: str | None,
    auto_approve: bool,
    everything: bool,
    full: bool,
    verbose: bool,
) -> int:
    """Write the next version of the allocations: all of it or nothing.

    Plans, shows the plan and asks. With PLANFILE or --digest it asks nothing, and writes that plan or nothing; with
    both the file must have that digest. A saved plan has its own --restate and --reason.
    """
    restating = options.restating(restate, reason)
    if planfile is not None and (restating is not None or refresh_only):
        flag = "--refresh-only" if refresh_only else "--restate"
        raise UsageError(f"a plan file and {flag} exclude each other", hint=f"plan again with {flag}, or leave it out")
    if refresh_only and restating is not None:
        raise UsageError("--refresh-only and --restate exclude each other", hint="give one of the two")
    if planfile is None and digest is None:
        approving.check_approval("apply", auto_approve)
    workspace = session.workspace(output.record(verbose=verbose))
    if refresh_only:
        workspace.check_refresh()
    plan = (
        _reviewed(session, workspace, planfile, digest, full)
        if planfile is not None
        else _planned(workspace, digest, full, restating)
    )
    if plan is None:
        return ExitCode.DONE
    approving.show(plan, workspace.texts, everything=everything)
    workspace.refuse_failed(plan)
    if not plan.writes:
        return ExitCode.DONE
    if planfile is None and digest is None and not auto_approve:
        approving.ask()
    version = workspace.apply(plan)
    output.result(f"\nApplied as version {version.number}.\n")
    return ExitCode.DONE


def _planned(workspace: Workspace, digest: str | None, full: bool, restating: Restating | None) -> Plan:
    if digest is not None:
        return workspace.plan_with_digest(digest, full=full, restate=restating)
    return workspace.plan(keep_cells=True, full=full, restate=restating)


def _reviewed(
    session: output.Session, workspace: Workspace, planfile: Path, digest: str | None, full: bool
) -> Plan | None:
    """The plan of a file, made again; None where it has nothing to write."""
    from costops.render.stale_text import bill_moved_text
    from costops.workspace import check_saved_digest, load_plan

    saved = load_plan(session.start / planfile)
    if digest is not None:
        check_saved_digest(saved, digest)
    if not saved.writes:
        output.result(f"{output.shown(planfile)} has nothing to write; no version was made.\n")
        return None
    reviewed = workspace.review(saved, full=full)
    if reviewed.bill_moved is not None:
        output.narrate(bill_moved_text(reviewed.bill_moved, accepted=reviewed.accepted))
    return reviewed.plan
