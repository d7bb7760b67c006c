"""Nodes of rule files to the model, with every problem of every entry.

Invariant: an entry with an error is kept with what is right of it, so that one mistake hides no other and does not make
all names that lead to it unknown; a rule set with errors is never evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from costops.language.allocations import build_allocation
from costops.language.binding import bind_fields, start_of
from costops.language.bound import Bound, TableOf, as_written
from costops.language.fields import KIND_OF_SECTION, KINDS, RESERVED_IDS, RESERVED_PREFIXES, RULE_FILE
from costops.language.nodes import Kind, MappingNode, Node, ScalarNode, describe, source_text
from costops.language.problems import Problems
from costops.language.sources import items_of, read_format
from costops.language.unknown import report_unknown
from costops.model.rules import (
    Allocation,
    Dimension,
    DimensionRule,
    Entry,
    Label,
    Lookup,
    Metric,
    RuleSet,
)


@dataclass(slots=True)
class Collected:
    """Entries of all files read so far, and what is wrong with them."""

    problems: Problems = field(default_factory=Problems)
    table: TableOf = as_written
    """What finds and reads the tables that transforms name."""
    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    """(kind, id) to entry, in order."""
    broken: set[tuple[str, str]] = field(default_factory=set)
    """Entries that lack something because of their errors."""
    complete: bool = True
    """False where an entry could not even be named, so that a name may be unknown for that reason alone."""

    def add(self, kind: str, entry: Entry, *, is_broken: bool) -> None:
        """Takes one more entry; one whose id is taken is a problem and left out."""
        first = self.entries.get((kind, entry.id))
        if first is not None:
            related = ((first.span, "the first one is here"),)
            message, hint = f"the {kind} `{entry.id}` is defined twice", "an id is unique per kind, in all files"
            self.problems.error("CO208", entry.span, message, related=related, hint=hint)
            return
        self.entries[kind, entry.id] = entry
        if is_broken:
            self.broken.add((kind, entry.id))

    def rules(self) -> RuleSet:
        """The entries as a rule set."""
        return rule_set(list(self.entries.items()))


def rule_set(entries: list[tuple[tuple[str, str], Entry]]) -> RuleSet:
    """Entries by kind, each kind in the order given."""
    return RuleSet(
        lookups=tuple(entry for _, entry in entries if isinstance(entry, Lookup)),
        labels=tuple(entry for _, entry in entries if isinstance(entry, Label)),
        dimensions=tuple(entry for _, entry in entries if isinstance(entry, Dimension)),
        metrics=tuple(entry for _, entry in entries if isinstance(entry, Metric)),
        allocations=tuple(entry for _, entry in entries if isinstance(entry, Allocation)),
    )


def bind_file(node: Node, text: str, collected: Collected) -> None:
    """Adds the entries of one file, and every problem in it, to `collected`."""
    problems = collected.problems
    if not isinstance(node, MappingNode):
        problems.error(
            "CO203",
            start_of(node),
            f"a rule file is a mapping, this is {describe(node)}",
            hint="start with `allocations:`",
        )
        collected.complete = False
        return
    for key, value in node.pairs:
        kind = KIND_OF_SECTION.get(key.text)
        if kind is None:
            report_unknown(key, RULE_FILE, problems)
            collected.complete = False
        elif isinstance(value, ScalarNode) and value.kind is Kind.NULL:
            continue
        else:
            for item in items_of(value):
                _add(kind, item, text, collected)


def _add(kind: str, node: Node, text: str, collected: Collected) -> None:
    before = collected.problems.errors
    entry = bind_entry(kind, node, collected.problems, source_text(text, node.span), collected.table)
    if entry is None:
        collected.complete = False
        return
    collected.add(kind, entry, is_broken=collected.problems.errors > before)


def bind_entry(kind: str, node: Node, problems: Problems, text: str, table: TableOf = as_written) -> Entry | None:
    """One entry; after a problem was reported, what is right of it, and None where it has no valid id."""
    bound = Bound(problems, table)
    bind_fields(node, KINDS[kind], bound)
    identity = bound.text("id")
    if identity is not None and kind in ("label", "dimension"):
        _report_reserved(kind, identity, bound)
    common: dict[str, Any] = {
        "id": identity or "",
        "name": bound.text("name"),
        "description": bound.text("description"),
        "owner": bound.text("owner"),
        "enabled": bound.flag("enabled", True),
        "hidden": bound.flag("hidden", False),
        "renamed_from": bound.words("renamed_from"),
        "span": bound.places.get("id", node.span),
        "places": MappingProxyType(bound.places),
        "text": text,
    }
    entry = _BUILDERS[kind](bound, common)
    return None if identity is None else entry


def _report_reserved(kind: str, identity: str, bound: Bound) -> None:
    prefix = next((each for each in RESERVED_PREFIXES if identity.startswith(each)), None)
    if identity in RESERVED_IDS or prefix is not None:
        word = f"names that start with `{prefix}` mean" if prefix else f"`{identity}` means"
        message = f"{word} something else where names stand, so that a {kind} cannot have this id"
        bound.problems.error("CO216", bound.places["id"], message, hint="choose another id")


def _build_label(bound: Bound, common: Mapping[str, Any]) -> Label:
    return Label(
        **common,
        sources=bound.sources("from"),
        transform=bound.transforms("transform"),
        drop=bound.condition("drop") if bound.has("drop") else None,
        rename=bound.renames("rename"),
    )


def _build_dimension(bound: Bound, common: Mapping[str, Any]) -> Dimension:
    return Dimension(
        **common,
        rules=tuple(_build_rule(bound, f"rules[{index}]") for index in range(bound.count("rules"))),
        default=bound.text("default"),
        result_stage=bound.text("stage") == "result",
    )


def _build_rule(bound: Bound, path: str) -> DimensionRule:
    ways = [name for name in ("value", "from", "concat") if f"{path}.{name}" in bound.keys]
    if len(ways) > 1:
        first, second = ways[:2]
        message = f"a rule has `{first}` or `{second}`, not both"
        related = ((bound.keys[f"{path}.{first}"], f"`{first}` is here"),)
        place = bound.keys[f"{path}.{second}"]
        bound.problems.error("CO219", place, message, related=related, hint="write two rules")
    elif bound.has(path) and not ways:
        bound.problems.error("CO202", bound.place(path), "`value`, `from` or `concat` is missing")
    for name, needs in (("transform", ("from", "concat")), ("format", ("concat",))):
        field = f"{path}.{name}"
        if field in bound.keys and not any(each in ways for each in needs):
            needed = " or ".join(f"`{each}`" for each in needs)
            message = f"`{name}` has no effect without {needed}"
            bound.problems.warn("CO218", bound.keys[field], message, hint="remove it")
            bound.forget(field)
    concat = bound.sources(f"{path}.concat")
    return DimensionRule(
        value=bound.text(f"{path}.value"),
        sources=bound.sources(f"{path}.from"),
        transform=bound.transforms(f"{path}.transform"),
        where=bound.condition(f"{path}.where"),
        concat=concat,
        format=read_format(bound, f"{path}.format", len(concat)),
    )


def _build_metric(bound: Bound, common: Mapping[str, Any]) -> Metric:
    return Metric(
        **common,
        source=bound.text("source") or "",
        query=bound.text("query") or "",
        labels=bound.pairs("labels"),
        aggregate=bound.text("aggregate") or "sum",
    )


_BUILDERS: dict[str, Callable[[Bound, Mapping[str, Any]], Entry]] = {
    "label": _build_label,
    "dimension": _build_dimension,
    "metric": _build_metric,
    "allocation": build_allocation,
}
