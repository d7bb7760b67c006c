"""Checks of costops.yaml, out of what the binder read.

Invariant: a check has exactly one kind, every field that the kind needs, and none that it does not use, so that nothing
which was written to guard a plan is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.language.bound import Bound
from costops.language.nearness import did_you_mean
from costops.model.settings import Check, Override

_USED: dict[str, tuple[str, ...]] = {
    "max_moved_percent": ("of",),
    "max_moved": ("of", "currency"),
    "max_unallocated_percent": ("of",),
    "max_unallocated": ("of", "currency"),
    "protect": ("of", "by_percent"),
    "require_owner": (),
}
"""The fields of each kind, besides those that every check may have."""

_LIMITS = {**{kind: kind for kind in _USED if kind.startswith("max_")}, "protect": "by_percent"}
"""The field that has a kind's limit."""

_OF_A_KIND = ("of", "currency", "by_percent")
_OPTIONAL = ("by_percent",)


def read_checks(bound: Bound, report: Sequence[str]) -> tuple[Check, ...]:
    """Every check that is right, in the order written; the others were reported."""
    if "report" in bound.keys and not bound.has("report"):
        # What it should have been is not known, so that no dimension is held against it.
        report = [bound.text(f"checks[{index}].of") or "" for index in range(bound.count("checks"))]
    checks = (_check(bound, f"checks[{index}]", report) for index in range(bound.count("checks")))
    return tuple(each for each in checks if each is not None)


def _check(bound: Bound, path: str, report: Sequence[str]) -> Check | None:
    if not bound.has(path):
        return None
    before = bound.problems.errors
    kind = _kind(bound, path)
    if kind is None:
        return None
    _report_fields(bound, path, kind)
    of = bound.text(f"{path}.of")
    if of is not None and of not in report:
        hint = did_you_mean(of, report, f"use one of {', '.join(report)}, or add it to `report`")
        message = f"`{of}` is not in `report`, and only what is reported can be checked"
        bound.problems.error("CO607", bound.place(f"{path}.of"), message, hint=hint)
    if bound.problems.errors > before or not bound.has(f"{path}.{kind}"):
        return None
    return Check(
        kind=kind,
        limit=bound.amount(f"{path}.{_LIMITS[kind]}") if kind in _LIMITS else 0,
        of=of or "",
        currency=bound.text(f"{path}.currency"),
        elements=bound.words(f"{path}.{kind}") if kind == "protect" else (),
        kinds=bound.words(f"{path}.{kind}") if kind == "require_owner" else (),
        severity=bound.text(f"{path}.severity") or "error",
        override=_override(bound, f"{path}.override"),
        line=bound.place(path).line,
    )


def _kind(bound: Bound, path: str) -> str | None:
    written = [kind for kind in _USED if f"{path}.{kind}" in bound.keys]
    if len(written) == 1:
        return written[0]
    if written:
        message = f"a check has one kind, and this one has {' and '.join(f'`{each}`' for each in written)}"
        bound.problems.error("CO605", bound.keys[f"{path}.{written[1]}"], message, hint="make two checks of it")
    else:
        hint = f"add one of {', '.join(_USED)}"
        bound.problems.error("CO605", bound.place(path), "this check says nothing to look at", hint=hint)
    return None


def _report_fields(bound: Bound, path: str, kind: str) -> None:
    for field in _OF_A_KIND:
        key = bound.keys.get(f"{path}.{field}")
        if key is not None and field not in _USED[kind]:
            bound.problems.error("CO606", key, f"`{field}` is not used by `{kind}`", hint="remove it")
        if key is None and field in _USED[kind] and field not in _OPTIONAL:
            bound.problems.error("CO202", bound.place(path), f"`{field}` is missing", hint=f"`{kind}` needs it")


def _override(bound: Bound, path: str) -> Override | None:
    reason, until = bound.text(f"{path}.reason"), bound.text(f"{path}.until")
    return Override(reason=reason, until=until) if reason is not None and until is not None else None
