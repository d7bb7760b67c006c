"""Why a saved plan cannot be applied: each reason with its amounts, and the money it would change.

Invariant: nothing is left out without a count.
"""

from __future__ import annotations

from collections.abc import Sequence

from costops.model.drift import Drift, FileDrift
from costops.model.plan import Change, FieldChange, MoneyLine, Plan
from costops.model.record import MonthEvent
from costops.model.version import Base, Version
from costops.money import format_picos
from costops.render.money_table import money_block
from costops.render.numbers import amount, counted
from costops.render.plan_text import SYMBOLS, field_lines
from costops.render.safe import safe_text
from costops.render.table import table_lines

SHOWN = 10
"""How many versions, entries, fields or files of one reason are shown."""

_DONE = {"add": "added", "change": "changed", "remove": "removed", "move": "moved"}
_GONE = {**_DONE, "remove": "gone"}


def drift_lines(drift: Drift) -> list[str]:
    """Every reason, the money last; lines without an indent of their own."""
    lines = [
        *_state(drift),
        *_frozen(drift),
        *_entries("rules", drift.rules),
        *_entries("lookup tables", drift.lookups),
    ]
    lines += _files("usage numbers", drift.metric_files)
    lines += _bill(drift)
    lines += _settings(drift.settings)
    if drift.engines is not None:
        lines.append(f"engine: {safe_text(drift.engines[1])} here, the plan was made by {safe_text(drift.engines[0])}")
    if not drift.has_cause:
        lines.append("result: the same state, rules, settings, usage numbers and bill give another result here")
    return [*lines, *_money(drift)]


def rule_lines(changes: Sequence[Change], settings: Sequence[FieldChange]) -> list[str]:
    """How rules, lookup tables and settings differ, without money."""
    lines = _entries("rules", [each for each in changes if each.kind != "lookup"])
    lines += _entries("lookup tables", [each for each in changes if each.kind == "lookup"])
    return [*lines, *_settings(settings)]


def _settings(fields: Sequence[FieldChange]) -> list[str]:
    if not fields:
        return []
    return ["settings: costops.yaml, a variable or a flag says something else", *field_lines(fields)]


def bill_moved_text(files: Sequence[FileDrift], *, accepted: bool = False) -> str:
    """What is told where a plan is applied though the bill has moved: on its own cells, or on the newer bill."""
    head, *rest = _files("bill", files) or ["bill: it cannot be read now"]
    told = "The bill has moved since the plan. The plan is applied as reviewed, on the cells that were kept with it;"
    then = "the next plan will show what the new bill moves."
    if accepted:
        told = "The bill has moved since the plan, and on_bill_change accepts that: on the newer bill the rules move of"
        then = "every element what was reviewed, within its tolerance."
    return "\n".join([told, then, *(f"  {each}" for each in (head, *rest))])


def digest_lines(plan: Plan, digest: str, applied_as: int | None) -> list[str]:
    """What is known here, where a plan with another digest was asked for."""
    base = plan.base
    state = f"version {base.version}, serial {base.serial}, lineage {base.lineage}"
    rows = [
        ["asked for", digest],
        ["here", plan.plan_digest],
        ["state", "nothing applied yet" if base.version is None else safe_text(state)],
        ["rules", plan.rules_digest],
        ["settings", safe_text(f"{plan.cost} by {', '.join(plan.dimensions)}")],
        ["usage numbers", plan.metrics_digest],
        ["bill", f"{plan.bill.digest}, {counted(plan.bill.rows, 'row')}"],
        ["result", plan.result_digest],
    ]
    lines = table_lines(rows, right=[False, False])
    if applied_as is not None:
        lines.append(f"version {applied_as} was applied from the plan that was asked for")
    return lines


def _state(drift: Drift) -> list[str]:
    if drift.bases is None:
        return []
    saved, now = drift.bases
    if now.version is None:
        lines = [f"state: nothing is applied here, and the plan was made from {_place(saved)}"]
    elif saved.lineage is not None and saved.lineage != now.lineage:
        lineages = f"its lineage is {now.lineage}, the plan's is {saved.lineage}"
        lines = [f"state: it is another one: {safe_text(lineages)}"]
    else:
        made = _place(saved) if saved.version is not None else "nothing, before the first apply"
        lines = [f"state: it is at {_place(now)}, and the plan was made from {made}"]
    lines += _cut([f"    {_version(each)}" for each in drift.versions])
    lines += _cut([f"    {_event(each)}" for each in drift.events])
    if drift.applied_as is not None:
        lines.append(f"    version {drift.applied_as} was applied from this very plan")
    return lines


def _event(event: MonthEvent) -> str:
    done = "was closed" if event.status == "closed" else "was opened again"
    reason = f": {safe_text(event.reason)}" if event.reason is not None else ""
    return f"{event.month} {done} at {event.at[:10]} {event.at[11:16]} UTC by {safe_text(event.actor)}{reason}"


def _frozen(drift: Drift) -> list[str]:
    if drift.frozen is None:
        return []
    planned, now = (", ".join(each) or "none" for each in drift.frozen)
    return [f"frozen months: {now} now, {planned} in the plan"]


def _place(base: Base) -> str:
    return f"version {base.version} (serial {base.serial})"


def _version(version: Version) -> str:
    draft = version.draft
    moved = ", ".join(f"{safe_text(currency)} {amount(picos, currency)}" for currency, picos in draft.moved)
    when = f"{draft.applied_at[:10]} {draft.applied_at[11:16]} UTC"
    head = f"version {version.number}, {when} by {safe_text(draft.actor)}, moved {moved or 'nothing'}"
    return f"{head} ({safe_text(draft.summary)})"


def _entries(name: str, changes: Sequence[Change]) -> list[str]:
    if not changes:
        return []
    lines = []
    for change in changes[:SHOWN]:
        place = safe_text(f"{change.file}:{change.line}")
        lines.append(f"    {SYMBOLS[change.action]} {change.kind} {safe_text(change.id)}   {place}")
        lines += [f"    {line}" for line in _cut(field_lines(change.fields), indent=6)]
    if len(changes) > SHOWN:
        lines.append(f"    ... {len(changes) - SHOWN:,} more")
    return [f"{name}: {_counts([each.action for each in changes], _DONE)} since the plan", *lines]


def _files(name: str, files: Sequence[FileDrift]) -> list[str]:
    if not files:
        return []
    shown = [f"    {SYMBOLS[each.action]} {safe_text(each.name)}   source {safe_text(each.source)}" for each in files]
    return [f"{name}: {_counts([each.action for each in files], _GONE, 'file')}", *_cut(shown)]


def _bill(drift: Drift) -> list[str]:
    lines = _files("bill", drift.bill_files)
    if not lines:
        return []
    if drift.bill_rows[0] != drift.bill_rows[1]:
        lines.append(f"    {drift.bill_rows[0]:,} rows -> {counted(drift.bill_rows[1], 'row')}")
    for total in drift.bill_totals:
        before, after = amount(total.before, total.currency), amount(total.after, total.currency)
        change = amount(total.after - total.before, total.currency, signed=True)
        if before == after:
            change = format_picos(total.after - total.before)
        lines.append(f"    {safe_text(f'{total.currency} {total.cost}')} {before} -> {after} ({change})")
    if not drift.bill_totals:
        lines.append("    the totals of every cost column are the same")
    return lines


def _money(drift: Drift) -> list[str]:
    planned, cost = drift.costs
    if planned != cost:
        return [f"The plan shows {safe_text(planned)}, and now it would be {safe_text(cost)}; they are not compared."]
    if not drift.money:
        return [f"Applied now, {safe_text(cost)} of every element would be what the plan says."]
    heads = [_moves(drift.money, each) for each in drift.dimensions]
    told = "; ".join(head for head in heads if head)
    block = money_block(drift.money, drift.dimensions, False, heads=("planned", "now"), more="")
    return [f"Applied now, {safe_text(cost)} would differ from the plan: {told}", *block]


def _moves(lines: Sequence[MoneyLine], dimension: str) -> str:
    gained: dict[str, int] = {}
    lost: dict[str, int] = {}
    for line in lines:
        if line.dimension == dimension:
            sums = gained if line.delta > 0 else lost
            sums[line.currency] = sums.get(line.currency, 0) + line.delta
    parts: list[str] = []
    for currency in sorted({**gained, **lost}):
        more, less = gained.get(currency, 0), lost.get(currency, 0)
        signed = " and ".join(amount(each, currency, signed=True) for each in (more, less) if each)
        parts.append(f"{safe_text(currency)} {amount(more, currency) + ' elsewhere' if more == -less else signed}")
    return f"by {safe_text(dimension)} {', '.join(parts)}" if parts else ""


def _counts(actions: Sequence[str], words: dict[str, str], noun: str = "") -> str:
    """`1 file changed, 2 added`."""
    parts: list[str] = []
    for action, word in words.items():
        count = actions.count(action)
        if count:
            named = f"{counted(count, noun)} {word}" if noun and not parts else f"{count:,} {word}"
            parts.append(named)
    return ", ".join(parts)


def _cut(lines: Sequence[str], indent: int = 4) -> list[str]:
    rest = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"{' ' * indent}... {rest:,} more"] if rest > 0 else [])]
