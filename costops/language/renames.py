"""Whether the ids that entries had before are told clearly: each old id belongs to one entry.

Invariant: only the files are looked at, never what was applied, so that a declaration may stay for ever. Disabled
entries count too: they keep their identity.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.language.problems import Problems
from costops.model.diagnostic import Diagnostic, Span
from costops.model.rules import Entry, RuleSet


def check_renames(rules: RuleSet) -> list[Diagnostic]:
    """Every problem of `renamed_from` in the entries of a rules folder, by place."""
    problems = Problems()
    for kind, entries in (
        ("label", rules.labels),
        ("dimension", rules.dimensions),
        ("metric", rules.metrics),
        ("allocation", rules.allocations),
    ):
        _check_kind(kind, entries, problems)
    return list(problems.found())


def _check_kind(kind: str, entries: Sequence[Entry], problems: Problems) -> None:
    known = {each.id: each for each in entries}
    claims: dict[str, tuple[Entry, Span]] = {}
    for entry in entries:
        for index, old in enumerate(entry.renamed_from):
            span = entry.place(f"renamed_from[{index}]")
            if old == entry.id:
                message = f"the {kind} `{entry.id}` cannot be renamed from itself"
                problems.error("CO322", span, message, hint="name the id it had before, or remove it")
            elif old in claims:
                first, place = claims[old]
                message = f"the {kind} `{first.id}` is renamed from `{old}` too, which was one entry"
                hint = "keep it for the entry that it became"
                problems.error("CO323", span, message, hint=hint, related=((place, "the first one is here"),))
            else:
                claims[old] = (entry, span)
                # An entry that was called otherwise itself has taken the id over, as where two entries change ids.
                if old in known and not known[old].renamed_from:
                    message = f"the {kind} `{old}` still exists, so that `{entry.id}` cannot have been it"
                    hint = f"remove or rename the other one, or remove `{old}` here once the rename is applied"
                    related = ((known[old].span, f"`{old}` is here"),)
                    problems.error("CO321", span, message, hint=hint, related=related)
