"""What commands that write a version share: they show the plan, and ask for approval.

Invariant: nothing is written that was not shown whole, and nobody is asked who cannot answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from costops.cli import output
from costops.errors import CostopsError, DeclinedError, UsageError

if TYPE_CHECKING:
    from costops.model.plan import Plan


def check_approval(command: str, auto_approve: bool) -> None:
    """Raises UsageError where a command would have to ask and nobody can be asked."""
    if not auto_approve and not output.is_interactive():
        raise UsageError(
            f"{command} asks for approval, and there is no terminal to ask on",
            hint="give --auto-approve to write without being asked"
            if command != "apply"
            else "give a plan file, --digest, or --auto-approve to apply without being asked",
        )


def show(plan: Plan, texts: Mapping[str, str], *, everything: bool) -> None:
    """Write the plan; raises CostopsError where its reader left before all of it was there and it would be written."""
    from costops.render.plan_text import plan_text

    output.diagnostics(plan.diagnostics, texts)
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


def ask() -> None:
    """Raises DeclinedError unless the person says yes."""
    output.narrate("\nOnly 'yes' will be accepted to approve.")
    if output.ask("Write this version? ").strip() != "yes":
        raise DeclinedError("not approved; nothing was written")
