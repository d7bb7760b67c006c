"""Whether the plan that this workspace gives is the one that was reviewed; only that one may be applied.

Invariant: what passes has the reviewed plan's digest, and for a file every amount that was reviewed; otherwise nothing
is written, and every reason is named.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from costops.errors import StaleError, UsageError
from costops.model.bill import SourceFile
from costops.model.drift import FileDrift
from costops.model.net_money import net_deltas
from costops.model.plan import Plan
from costops.model.record import MonthEvent
from costops.model.version import Base, Version
from costops.money import SAME_PICOS, WHOLE_PICOS
from costops.planning.document import first_difference
from costops.planning.saved import PLAN_AGAIN
from costops.planning.stale import drift_between, file_drifts
from costops.render.plan_json import DOCUMENT_DIGEST, plan_document
from costops.render.stale_text import digest_lines, drift_lines

_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_NOT_BOUND = ("base_label", "target_label", "engine", "rules", "checks", DOCUMENT_DIGEST)
"""What a document says of time, commit and program, which a plan does not bind; the rules, which have a digest; and the
checks, which are made anew where they guard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """What a plan would be made of here and now, and how to make it."""

    base: Base
    rules_digest: str
    settings: str
    metrics_digest: str
    bill_digest: str | None
    """None where the bill cannot be read."""
    bill_files: tuple[SourceFile, ...]
    plan: Callable[[], Plan]
    plan_on_kept_cells: Callable[[], Plan | None]
    """On the cells of the saved plan's own bill; None where they are not kept."""
    versions: Callable[[], Sequence[Version]]
    """All of the state, the newest first."""
    events: Callable[[], Sequence[MonthEvent]] = tuple
    """Every closing and reopening of a month, the newest first."""
    tolerance_percent: int | None = None
    """As in Settings.bill_tolerance_percent."""


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The reviewed plan with its ledger, made again here."""

    plan: Plan
    bill_moved: tuple[FileDrift, ...] | None = None
    """Files of the bill that moved, where the plan was made on its own kept cells, or on the newer bill where that was
    `accepted`; None where the bill did not."""
    accepted: bool = False
    """Whether the plan is that of a newer bill."""


def review(saved: Plan, here: Here) -> Reviewed:
    """The saved plan made again; raises StaleError with every reason where it comes out otherwise."""
    if _only_the_bill_moved(saved, here):
        plan = here.plan_on_kept_cells()
        if plan is not None and plan.plan_digest == saved.plan_digest:
            _check_shown(saved, plan)
            return Reviewed(plan, file_drifts(saved.bill_files, here.bill_files))
    plan = here.plan()
    if plan.plan_digest != saved.plan_digest:
        if _only_the_bill_moved(saved, here) and is_acceptable(saved, plan, here.tolerance_percent):
            return Reviewed(plan, file_drifts(saved.bill_files, here.bill_files), accepted=True)
        drift = drift_between(saved, plan, here.versions(), here.events())
        raise StaleError("the saved plan is stale; nothing was written", hint=PLAN_AGAIN, reasons=drift_lines(drift))
    _check_shown(saved, plan)
    return Reviewed(plan)


def is_acceptable(saved: Plan, plan: Plan, tolerance_percent: int | None) -> bool:
    """Whether the rules move of every element what was reviewed, within so many percent of it, in picos of one."""
    if tolerance_percent is None or saved.engine != plan.engine:
        return False
    changes = [[(each.action, each.kind, each.id, each.fields) for each in made.changes] for made in (saved, plan)]
    if changes[0] != changes[1] or [each.month for each in saved.restated] != [each.month for each in plan.restated]:
        return False
    reviewed, found = net_deltas(saved), net_deltas(plan)
    return all(
        abs(found.get(key, 0) - reviewed.get(key, 0)) * WHOLE_PICOS
        <= max(abs(reviewed.get(key, 0)) * tolerance_percent, (SAME_PICOS - 1) * WHOLE_PICOS)
        for key in {**reviewed, **found}
    )


def check_digest(digest: str) -> str:
    """A whole plan digest in lower case; raises UsageError for anything else."""
    folded = digest.strip().lower()
    if not _DIGEST.fullmatch(folded):
        raise UsageError(
            f"--digest takes a whole plan digest, 64 hexadecimal digits, not {digest[:80]!r}",
            hint="It is the last line of `costops plan`, and `plan_digest` in the plan document.",
        )
    return folded


def check_saved_digest(saved: Plan, digest: str) -> None:
    """Raises StaleError where a saved plan has another digest than the one that was asked for."""
    if saved.plan_digest != digest:
        raise StaleError(
            f"the plan file has the digest {saved.plan_digest}, and {digest} was asked for; nothing was written",
            hint="Take the file that was reviewed, or review this one.",
        )


def review_digest(digest: str, plan: Plan, versions: Callable[[], Sequence[Version]]) -> Plan:
    """`plan`, if its digest is that one; raises StaleError with what is known here."""
    if plan.plan_digest == digest:
        return plan
    applied_as = next((each.number for each in versions() if each.draft.plan_digest == digest), None)
    raise StaleError(
        "the plan here is not the one that was asked for; nothing was written",
        hint="Compare these digests with those of the reviewed plan document, or plan and review again.",
        reasons=digest_lines(plan, digest, applied_as),
    )


def _only_the_bill_moved(saved: Plan, here: Here) -> bool:
    ours = (here.base, here.rules_digest, here.settings, here.metrics_digest)
    theirs = (saved.base, saved.rules_digest, saved.settings, saved.metrics_digest)
    return ours == theirs and here.bill_digest != saved.bill.digest


def _check_shown(saved: Plan, plan: Plan) -> None:
    """What the file showed for review must be what this plan says, not only its digests."""
    same_order = [(each.kind, each.id) for each in saved.rules] == [(each.kind, each.id) for each in plan.rules]
    differing = first_difference(_shown(plan, changes=same_order), _shown(saved, changes=same_order))
    if differing is not None:
        made = "" if saved.engine == plan.engine else f", or {saved.engine} said it otherwise"
        raise StaleError(
            f"the plan file does not show what its plan says: {differing} differs; it was changed by hand{made}; "
            "nothing was written",
            hint=PLAN_AGAIN,
        )


def _shown(plan: Plan, *, changes: bool) -> dict[str, Any]:
    """A document without what is not bound: time, commit, program, and the places of rules in their files.

    Labels in another order mean the same and give the same result, but another walk: then without `changes`.
    """
    document = {key: value for key, value in plan_document(plan).items() if key not in _NOT_BOUND}
    shown = document["changes"] if changes else []
    document["changes"] = [{**each, "file": None, "line": None} for each in shown]
    document["diagnostics"] = sorted([each["code"], each["severity"]] for each in document["diagnostics"])
    return document
