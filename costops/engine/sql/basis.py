"""The basis of one allocation: what weighs, by day, partition and element.

Invariant: a basis is not narrowed to the days of the buckets, so that an empty bucket can look at the days before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from costops.engine.sql.profiles import known
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Shape, element_names, part_keys, part_names, positions, printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    column,
    columns,
    conjunction,
    create_table,
    disjunction,
    equal,
    function,
    is_null,
    is_present,
    join,
    negated,
    number,
    paren,
    same,
    select,
    subquery,
    summed,
    table,
    text,
)
from costops.model.expression import Expression


@dataclass(frozen=True, slots=True)
class CostBasis:
    """Which profiles of the ledger weigh, and by which column."""

    condition: Expression
    destinations: tuple[str, ...]
    partition: tuple[str, ...]
    excluded: tuple[tuple[str, ...], ...]
    amount_place: int
    unit: str | None
    """The slot of the unit, where the amount is a quantity."""
    state: str
    """running, direct, or the number of the step whose own source counts too."""
    direct_source: Expression
    """What is left out of a direct basis."""


@printed
def basis_of_costs(shape: Shape, basis: CostBasis) -> Node:
    """Weights by day, partition, element and, where weights are costs, currency; where quantities, unit."""
    named = zip(basis.destinations, element_names(shape), strict=True)
    units = [alias(column(basis.unit, "candidate"), "unit")] if basis.unit is not None else []
    basis_profiles = select(
        [
            column("profile", "candidate"),
            column("part", "wanted"),
            *units,
            *(alias(column(slot, "candidate"), name) for slot, name in named),
        ],
        subquery(_candidates(basis), "candidate"),
        joins=[join(subquery(_wanted_parts(shape), "wanted"), on=_same_parts(shape, basis.partition))],
    )
    keys = ["day", *part_keys(shape), *(["unit"] if units else []), *element_names(shape)]
    return create_table(
        "basis",
        select(
            [*columns(keys), alias(summed(column(f"c{basis.amount_place}")), "weight")],
            table("items"),
            joins=[join(subquery(basis_profiles, "chosen"), using=["profile"])],
            group=positions(len(keys)),
        ),
    )


def _candidates(basis: CostBasis) -> Node:
    present = [is_present(column(slot)) for slot in basis.destinations]
    needed = dict.fromkeys((*basis.destinations, *basis.partition, *([basis.unit] if basis.unit else [])))
    values = [column("profile"), *columns(needed)]
    conditions = [_in_state(basis), scalar(basis.condition), *present, *_not_excluded(basis.destinations, basis)]
    return select(values, known(basis.condition, basis.direct_source), where=conjunction(*conditions))


def _in_state(basis: CostBasis) -> Node:
    alive = is_null(column("taken"))
    if basis.state == "running":
        return alive
    if basis.state == "direct":
        return conjunction(equal(column("made"), number(0)), negated(scalar(basis.direct_source)))
    # The step's source is still whole; what of it lies outside its days is there a second time, made by this step.
    step = number(int(basis.state))
    before = conjunction(alive, binary(exp.NEQ, column("made"), step))
    return paren(disjunction(before, equal(column("taken"), step.copy())))


def _not_excluded(names: Sequence[str], basis: CostBasis | MetricPart) -> list[Node]:
    return [
        negated(conjunction(*(equal(column(name), text(value)) for name, value in zip(names, element, strict=True))))
        for element in basis.excluded
    ]


def _wanted_parts(shape: Shape) -> Node:
    return select([column("part"), *columns(part_names(shape))], table("source"), distinct=True)


def _same_parts(shape: Shape, names: Sequence[str]) -> Node:
    pairs = zip(names, part_names(shape), strict=True)
    return conjunction(*(same(column(name, "candidate"), column(part, "wanted")) for name, part in pairs))


@dataclass(frozen=True, slots=True)
class MetricPart:
    """Which records of a metric weigh."""

    condition: Expression
    destinations: tuple[str, ...]
    partition: tuple[str, ...]
    excluded: tuple[tuple[str, ...], ...]
    records: str
    """The table of the records."""


@printed
def basis_of_metric(shape: Shape, basis: MetricPart, into: str) -> Node:
    """Weights by day, partition and element from a metric's records."""
    present = [is_present(column(name)) for name in basis.destinations]
    wanted = conjunction(scalar(basis.condition), *present, *_not_excluded(basis.destinations, basis))
    candidate = select([exp.Star()], table(basis.records), where=wanted)
    named = zip(basis.destinations, element_names(shape), strict=True)
    values = [alias(column(name, "candidate"), element) for name, element in named]
    return create_table(
        into,
        select(
            [column("day", "candidate"), column("part", "wanted"), *values, alias(summed(column("value")), "weight")],
            subquery(candidate, "candidate"),
            joins=[join(subquery(_wanted_parts(shape), "wanted"), on=_same_parts(shape, basis.partition))],
            group=positions(2 + shape.elements),
        ),
    )


@printed
def mixed_units(shape: Shape, source: str) -> Node:
    """(first day, last day, units) of buckets whose basis has quantities of more than one unit, in order."""
    return _mixed(shape, source, ["first", "last"]).order_by(*columns(("first", "last")), copy=False)


@printed
def without_mixed_units(shape: Shape, source: str, weights_name: str) -> Node:
    """Takes those buckets out of the weights, so that they are empty."""
    wrong = select([column("bucket")], subquery(_mixed(shape, source, []), "mixed"))
    where = exp.Where(this=exp.In(this=column("bucket"), query=exp.Subquery(this=wrong)))
    return exp.Delete(this=table(weights_name), where=where)


def _mixed(shape: Shape, source: str, days: list[str]) -> exp.Select:
    units = exp.Distinct(expressions=[function("coalesce", column("unit"), text(""))])
    in_bucket = conjunction(
        *(equal(column(key, source), column(key, "basis")) for key in part_keys(shape)),
        binary(exp.GTE, column("day", "basis"), column("first", source)),
        binary(exp.LTE, column("day", "basis"), column("last", source)),
    )
    values = [*columns(days), function("list_sort", function("array_agg", units))] if days else [column("bucket")]
    return select(
        values,
        table(source),
        joins=[join(table("basis"), on=in_bucket)],
        where=binary(exp.NEQ, column("weight", "basis"), number(0)),
        group=[column("bucket", source), *columns(days)],
        having=binary(exp.GT, exp.Count(this=units.copy()), number(1)),
    )
