"""The static table of commands, so that help needs none of their modules."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("costops.cli.init", "Make a workspace; --demo makes one that works at once."),
    "validate": ("costops.cli.validate", "Show every problem in costops.yaml and the rule files."),
    "bill": ("costops.cli.bill", "Show what was read of the bill: files, months, totals, rounding and tags."),
    "plan": ("costops.cli.plan", "Show what the rules would change and the money each change moves."),
    "apply": ("costops.cli.apply", "Write the next version of the allocations, all or nothing."),
    "close": ("costops.cli.close", "Close billing months: no apply changes them any more."),
    "reopen": ("costops.cli.reopen", "Open closed billing months again, for a reason."),
    "rollback": ("costops.cli.rollback", "Write a version with an older version's rules, on today's bill."),
    "history": ("costops.cli.history", "List the versions that were applied, and when months were closed."),
    "show": ("costops.cli.show", "Show one version: who, when, its totals and its rules."),
    "diff": ("costops.cli.diff", "Show how two versions differ: rules, and the cost of each element."),
    "blame": ("costops.cli.blame", "Show which versions and rules moved the cost of an element."),
    "ledger": ("costops.cli.ledger", "Print allocated cost of a version by dimensions, days or months."),
    "state": ("costops.cli.state", "Check, back up and restore the file that keeps every version."),
    "cache": ("costops.cli.cache", "Show what is kept to save time, and remove it."),
    "digest": ("costops.cli.digest", "Show what each element cost per billing month, and what changed."),
    "tui": ("costops.cli.tui", "Browse the digest, the rules and their order in the terminal."),
}
"""Name to (module with a click command called `command`, one line of help), in the order of help."""
