"""Whether a refresh may be applied: its only cause must be the bill or the usage numbers.

Invariant: what passes has the rules and settings of the newest version, to the last digit of their digests.
"""

from __future__ import annotations

import json

from costops.errors import StaleError
from costops.language.canonical import revisions, rules_digest
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Version
from costops.planning.fields import field_changes
from costops.planning.stale import entry_changes
from costops.render.stale_text import rule_lines


def check_refresh(version: Version, rules: RuleSet, settings: Settings) -> None:
    """Raises StaleError, with every difference, where the files say something else than the newest version."""
    draft = version.draft
    fields = field_changes(json.loads(draft.settings), json.loads(settings.canonical()))
    if draft.rules_digest == rules_digest(rules) and not fields:
        return
    changes = entry_changes(draft.rules, revisions(rules))
    raise StaleError(
        f"the rules differ from those of {version.label}, and a refresh must not change them; nothing was written",
        hint="Run `costops plan` and `costops apply` to apply the rules as well, or check out that version's commit.",
        reasons=rule_lines(changes, fields),
    )
