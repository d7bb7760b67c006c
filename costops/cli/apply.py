"""`costops apply`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from costops.cli import options, output
from costops.errors import CostopsError, DeclinedError, ExitCode, UsageError

if TYPE_CHECKING:
    from costops.model.plan import Plan
    from costops.workspace import Workspace


@click.command("apply")
@click.argument("planfile", metavar="[PLANFILE]", required=False, type=click.Path(path_type=Path))
@click.option("--digest", metavar="HEX", help="Apply only the plan with this digest; nothing is asked.")
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--all", "everything", is_flag=True, help="Show every element of every change.")
@options.full
@options.verbose
@click.pass_obj
def command(
    session: output.Session,
    planfile: Path | None,
    digest: str | None,
    auto_approve: bool,
    everything: bool,
    full: bool,
    verbose: bool,
) -> int:
    """Write the next version of the allocations: all of it or nothing.

    Plans, shows the plan and asks. With PLANFILE or --digest it asks nothing, and writes that plan or nothing.
    """
    from costops.render.plan_text import plan_text

    if planfile is not None and digest is not None:
        raise UsageError("a plan file and --digest exclude each other", hint="give one of the two")
    reviewed = planfile is not None or digest is not None
    if not reviewed and not auto_approve and not output.is_interactive():
        raise UsageError(
            "apply asks for approval, and there is no terminal to ask on",
            hint="give a plan file, --digest, or --auto-approve to apply without being asked",
        )
    workspace = session.workspace(output.record(verbose=verbose))
    if planfile is not None:
        plan = _reviewed(session, workspace, planfile, full)
        if plan is None:
            return ExitCode.DONE
    else:
        plan = (
            workspace.plan_with_digest(digest, full=full)
            if digest is not None
            else workspace.plan(keep_cells=True, full=full)
        )
    output.diagnostics(plan.diagnostics, workspace.texts)
    try:
        output.result(plan_text(plan, width=output.width(), everything=everything))
        output.flush()
    except output.ReaderGoneError as error:
        if plan.writes:
            # Exit code 0, as elsewhere, would say that the version is there.
            raise CostopsError(
                "stdout was closed before the whole plan was shown; nothing was written",
                hint="let its reader take all of it, or send it to a file",
            ) from error
    workspace.refuse_failed(plan)
    if not plan.writes:
        return ExitCode.DONE
    if not reviewed and not auto_approve:
        _ask()
    version = workspace.apply(plan)
    output.result(f"\nApplied as version {version.number}.\n")
    return ExitCode.DONE


def _reviewed(session: output.Session, workspace: Workspace, planfile: Path, full: bool) -> Plan | None:
    """The plan of a file, made again; None where it has nothing to write."""
    from costops.render.stale_text import bill_moved_text
    from costops.workspace import load_plan

    saved = load_plan(session.start / planfile)
    if not saved.writes:
        output.result(f"{output.shown(planfile)} has nothing to write; no version was made.\n")
        return None
    reviewed = workspace.review(saved, full=full)
    if reviewed.bill_moved is not None:
        output.narrate(bill_moved_text(reviewed.bill_moved))
    return reviewed.plan


def _ask() -> None:
    output.narrate("\nOnly 'yes' will be accepted to approve.")
    if output.ask("Write this version? ").strip() != "yes":
        raise DeclinedError("not approved; nothing was written")
