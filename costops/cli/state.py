"""`costops state`"""

from __future__ import annotations

from pathlib import Path

import click

from costops.cli import output
from costops.errors import DeclinedError, ExitCode, UsageError


@click.group("state", no_args_is_help=True)
def command() -> None:
    """Check, back up and restore the state, the file that keeps every version."""


@command.command("check", short_help="Look at every stored value.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_obj
def check(session: output.Session, form: str) -> int:
    """Look at every stored value; exit code 7 if anything is not what was applied."""
    from costops.render.state import check_json, check_text

    found = session.workspace().check_state()
    output.result(check_json(found) if form == "json" else check_text(found))
    return ExitCode.DONE if found.is_sound else ExitCode.STATE


@command.command("backup", short_help="Copy the state to a file, also while an apply writes it.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.pass_obj
def backup(session: output.Session, file: Path, force: bool) -> None:
    """Copy the state to FILE, also while an apply writes it; the copy is checked before it appears."""
    from costops.render.state import backup_text

    output.result(backup_text(session.workspace().back_up_state(session.start / file, force=force)))


@command.command("restore", short_help="Put a backup in the place of the state.")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Also restore a backup of another state.")
@click.pass_obj
def restore(session: output.Session, file: Path, auto_approve: bool, force: bool) -> None:
    """Put a backup in the place of the state, which is kept beside it; shows what changes, and asks."""
    from costops.render.state import restoration_text, restored_text

    if not auto_approve and not output.is_interactive():
        raise UsageError(
            "restore asks for approval, and there is no terminal to ask on",
            hint="give --auto-approve to restore without being asked",
        )
    workspace = session.workspace()
    plan = workspace.restoration(session.start / file, force=force)
    output.result(restoration_text(plan))
    output.flush()
    if not auto_approve:
        _ask()
    output.result("\n" + restored_text(workspace.restore_state(plan)))


def _ask() -> None:
    output.narrate("\nOnly 'yes' will be accepted to approve.")
    if output.ask("Restore this backup? ").strip() != "yes":
        raise DeclinedError("not approved; nothing was restored")
