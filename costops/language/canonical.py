"""The canonical form of entries, their digest, and the way back.

Invariant: two entries have the same canonical JSON exactly when they are equal, and binding it gives an equal entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from costops.errors import StateError
from costops.language.bind import bind_entry, rule_set
from costops.language.nodes import node_from_json
from costops.language.problems import Problems
from costops.language.unbind import (
    Json,
    condition_value,
    pattern_values,
    rename_values,
    source_value,
    transform_value,
)
from costops.model.conditions import EVERYTHING, Condition
from costops.model.diagnostic import Span
from costops.model.rules import Allocation, Dimension, DimensionRule, Entry, Label, Lookup, Metric, RuleSet
from costops.model.version import RuleRevision
from costops.money import format_picos


def canonical(kind: str, entry: Entry) -> dict[str, Json]:
    """An entry in the contract's own field names, as plain JSON values, defaults left out.

    Percentages are decimal text; `from`, `rules`, `drop`, `rename`, `into` and `partition_by` are always lists. A
    lookup table has its `id`, and its `rows` as a mapping from key to value.
    """
    match entry:
        case Lookup():
            fields: dict[str, Json] = {"rows": dict(entry.rows)}
        case Label():
            fields = _label(entry)
        case Dimension():
            fields = _dimension(entry)
        case Metric():
            fields = _metric(entry)
        case Allocation():
            fields = _allocation(entry)
        case _:
            raise TypeError(f"no {kind}: {entry!r}")
    return {**_common(entry), **fields}


def canonical_json(kind: str, entry: Entry) -> str:
    """The canonical form as compact JSON with sorted keys."""
    return json.dumps(canonical(kind, entry), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def rules_digest(rules: RuleSet) -> str:
    """sha256 over kinds and canonical forms: allocations in order, everything else by id, disabled ones included."""
    lines = []
    for kind, entries in (
        ("lookup", sorted(rules.lookups, key=lambda each: each.id)),
        ("label", sorted(rules.labels, key=lambda each: each.id)),
        ("dimension", sorted(rules.dimensions, key=lambda each: each.id)),
        ("metric", sorted(rules.metrics, key=lambda each: each.id)),
        ("allocation", rules.allocations),
    ):
        lines += [f"{kind} {canonical_json(kind, each)}" for each in entries]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def revisions(rules: RuleSet) -> tuple[RuleRevision, ...]:
    """Every entry as the state keeps it, in the order of evaluation."""
    return tuple(
        RuleRevision(
            kind=kind,
            id=entry.id,
            canonical=canonical_json(kind, entry),
            text=entry.text,
            file=entry.span.file,
            line=entry.span.line,
        )
        for kind, entry in rules.entries()
    )


def rules_from_revisions(stored: Iterable[RuleRevision]) -> RuleSet:
    """Stored entries bound again; raises StateError for one that this program does not understand."""
    entries: list[tuple[tuple[str, str], Entry]] = []
    for revision in stored:
        problems = Problems()
        span = Span(revision.file, revision.line, 1, revision.line, 1)
        try:
            document = json.loads(revision.canonical)
            if revision.kind == "lookup":
                entries.append((("lookup", revision.id), _stored_lookup(document, span, revision.text)))
                continue
            entry = bind_entry(revision.kind, node_from_json(document, span), problems, revision.text)
        except (ValueError, KeyError) as error:
            raise _not_understood(revision, str(error)) from error
        if entry is None or problems.errors:
            raise _not_understood(revision, next((each.message for each in problems.found() if each.is_error), "no id"))
        entries.append(((revision.kind, entry.id), entry))
    return rule_set(entries)


def _stored_lookup(document: object, span: Span, text: str) -> Lookup:
    match document:
        case {"id": str(identity), "rows": dict(rows), **rest} if not rest and all(
            isinstance(each, str) and each for row in rows.items() for each in row
        ):
            return Lookup(id=identity, rows=tuple(sorted(rows.items())), span=span, text=text)
    raise ValueError("it is no table of texts")


def _not_understood(revision: RuleRevision, why: str) -> StateError:
    return StateError(
        f"the state's {revision.kind} `{revision.id}` cannot be read: {why}",
        hint="use the version of costops that wrote the state, or a newer one",
    )


def _common(entry: Entry) -> dict[str, Json]:
    fields: dict[str, Json] = {"id": entry.id}
    for name, value in (("name", entry.name), ("description", entry.description), ("owner", entry.owner)):
        if value is not None:
            fields[name] = value
    if not entry.enabled:
        fields["enabled"] = False
    if entry.hidden:
        fields["hidden"] = True
    if entry.renamed_from:
        fields["renamed_from"] = list(entry.renamed_from)
    return fields


def _label(label: Label) -> dict[str, Json]:
    fields: dict[str, Json] = {"from": [source_value(each) for each in label.sources]}
    if label.transform:
        fields["transform"] = [transform_value(each) for each in label.transform]
    if label.drop is not None:
        fields["drop"] = pattern_values(label.drop)
    if label.rename:
        fields["rename"] = rename_values(label.rename)
    return fields


def _dimension(dimension: Dimension) -> dict[str, Json]:
    fields: dict[str, Json] = {"rules": [_dimension_rule(each) for each in dimension.rules]}
    if dimension.result_stage:
        fields["stage"] = "result"
    if dimension.default is not None:
        fields["default"] = dimension.default
    return fields


def _dimension_rule(rule: DimensionRule) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    if rule.value is not None:
        fields["value"] = rule.value
    if rule.sources:
        fields["from"] = [source_value(each) for each in rule.sources]
    if rule.concat:
        fields["concat"] = [source_value(each) for each in rule.concat]
        fields["format"] = "".join(_format_part(each) for each in rule.format)
    if rule.transform:
        fields["transform"] = [transform_value(each) for each in rule.transform]
    return fields | _where(rule.where)


def _format_part(part: str | int) -> str:
    return part.replace("{", "{{").replace("}", "}}") if isinstance(part, str) else f"{{{part}}}"


def _where(condition: Condition) -> dict[str, Json]:
    return {} if condition == EVERYTHING else {"where": condition_value(condition)}


def _metric(metric: Metric) -> dict[str, Json]:
    fields: dict[str, Json] = {"source": metric.source, "query": metric.query}
    if metric.labels:
        fields["labels"] = dict(metric.labels)
    if metric.aggregate != "sum":
        fields["aggregate"] = metric.aggregate
    return fields


def _allocation(allocation: Allocation) -> dict[str, Json]:
    source = _where(allocation.source)
    if allocation.allocated != "exclude":
        source["allocated"] = allocation.allocated
    fields: dict[str, Json] = {"source": source, "method": str(allocation.method), "to": _to(allocation)}
    if allocation.into != allocation.to:
        fields["into"] = list(allocation.into)
    basis = _basis(allocation)
    if basis:
        fields["basis"] = basis
    if allocation.partition_by:
        fields["partition_by"] = list(allocation.partition_by)
    if allocation.on_empty != "unallocated":
        fields["on_empty"] = allocation.on_empty
    cutoff, one = allocation.cutoff, len(allocation.to) == 1
    if cutoff is not None:
        folded = {} if cutoff.element is None else {"as": _element(cutoff.element, one)}
        fields["cutoff"] = {"percent": format_picos(cutoff.percent), **folded}
    days = {"from": allocation.effective_from, "until": allocation.effective_until}
    if any(days.values()):
        fields["effective"] = {name: day for name, day in days.items() if day is not None}
    return fields


def _element(element: tuple[str, ...], one: bool) -> Json:
    return element[0] if one else list(element)


def _to(allocation: Allocation) -> dict[str, Json]:
    one = len(allocation.to) == 1
    to: dict[str, Json] = {"dimension": allocation.to[0] if one else list(allocation.to)}
    if allocation.values:
        to["values"] = [_element(each, one) for each in allocation.values]
    if allocation.excluded:
        to["exclude"] = [_element(each, one) for each in allocation.excluded]
    if allocation.remainder is not None:
        # In a list the word is the name of an element.
        is_word = allocation.remainder == ("unallocated",)
        to["remainder"] = _element(allocation.remainder, one and not is_word) if allocation.remainder else "unallocated"
    if allocation.element_where != EVERYTHING:
        to["where"] = condition_value(allocation.element_where)
    if allocation.percent and one:
        to["percent"] = {element[0]: format_picos(share) for element, share in allocation.percent}
    elif allocation.percent:
        to["percent"] = [
            {**dict(zip(allocation.to, element, strict=True)), "percent": format_picos(share)}
            for element, share in allocation.percent
        ]
    return to


def _basis(allocation: Allocation) -> dict[str, Json]:
    basis = _where(allocation.basis)
    for name, value, default in (
        ("cost", allocation.basis_cost, None),
        ("quantity", allocation.basis_quantity, None),
        ("metric", _metrics(allocation.basis_metrics), []),
        ("from", allocation.basis_from, "running"),
        ("include_source", allocation.include_source, False),
        ("granularity", allocation.granularity, "charge_period"),
        ("negative", allocation.negative, "clip"),
    ):
        if value != default:
            basis[name] = value
    return basis


def _metrics(metrics: tuple[tuple[str, int], ...]) -> Json:
    if len(metrics) == 1:
        return metrics[0][0]
    return [{"metric": name, "weight": format_picos(weight)} for name, weight in metrics]
