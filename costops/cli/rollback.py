"""`costops rollback`"""

from __future__ import annotations

import click

from costops.cli import options, output
from costops.errors import ExitCode


@click.command("rollback")
@click.argument("number", metavar="VERSION", type=click.IntRange(min=1))
@click.option("--reason", metavar="TEXT", type=options.REASON, help="Why; the history tells it.")
@options.auto_approve
@options.everything
@options.full
@options.verbose
@click.pass_obj
def command(
    session: output.Session,
    number: int,
    reason: str | None,
    auto_approve: bool,
    everything: bool,
    full: bool,
    verbose: bool,
) -> int:
    """Write a version with an older one's rules, on today's bill, in the months that are open.

    Plans, shows the plan and asks. The rule files stay as they are: it says which `git revert` makes them match.
    """
    from costops.cli.approving import ask, check_approval, show

    check_approval("rollback", auto_approve)
    workspace = session.workspace(output.record(verbose=verbose))
    target = workspace.version(number)
    plan = workspace.rollback(number, keep_cells=True, full=full)
    # The places of warnings are those of the version's files, which may read otherwise by now.
    show(plan, {}, everything=everything)
    workspace.refuse_failed(plan)
    if plan.writes:
        if not auto_approve:
            ask()
        told = f"to version {number}: {reason}" if reason is not None else f"to version {number}"
        version = workspace.apply(plan, cause="rollback", reason=told)
        output.result(f"\nApplied as version {version.number}, with the rules of version {number}.\n")
    if plan.writes or workspace.rules_changed(target):
        output.narrate(_revert_text(number, workspace.commits_since(target), workspace.rules_changed(target)))
    return ExitCode.DONE


def _revert_text(number: int, commits: tuple[str, ...] | None, differ: bool) -> str:
    """What makes the rule files say the same; else the next plan would bring the newer rules back."""
    if not differ:
        return f"\nThe rule files say what version {number} says."
    told = f"\nThe rule files still say otherwise, as the next plan will show. To make them match version {number}:\n"
    if commits:
        return f"{told}  git revert --no-edit {' '.join(each[:12] for each in commits)}"
    if commits is None:
        return f"{told}  write its rules by hand: `costops show {number} --format json` has them, git does not"
    return f"{told}  git restore the files that differ; no commit since then has changed them"
