"""The basis of one allocation: what weighs, by day, partition and element.

Invariant: a basis is not narrowed to the days of the buckets, so that an empty bucket can look at the days before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from costops.engine.sql.profiles import known
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Shape, alive_before, element_names, part_keys, part_names, positions, printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
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
    listed,
    negated,
    null,
    number,
    paren,
    same,
    select,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.expression import Expression


@dataclass(frozen=True, slots=True)
class CostBasis:
    """Which profiles of the ledger weigh, for steps that find the same."""

    condition: Expression
    excluded: tuple[tuple[str, ...], ...]
    state: str
    """running, direct, or source: with what the step itself has taken."""
    direct_source: Expression
    """What is left out of a direct basis."""
    steps: tuple[int, ...]
    """Numbers of the steps, of which the first one's time counts."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """What steps that run together have in common: how a basis is added up."""

    destinations: tuple[str, ...]
    partition: tuple[str, ...]
    amount_place: int
    unit: str | None
    """The slot of the unit, where the amount is a quantity."""


@printed
def basis_of_costs(shape: Shape, how: Weighing, bases: tuple[CostBasis, ...]) -> Node:
    """Weights by step, day, partition, element and, where weights are costs, currency; where quantities, unit."""
    units = [alias(column(how.unit), "unit")] if how.unit is not None else []
    named = zip(how.destinations, element_names(shape), strict=True)
    parts = list(zip(how.partition, part_names(shape), strict=True))
    weighing = select(
        [
            column("profile"),
            alias(function("unnest", _in_bases(how, bases)), "basis"),
            *units,
            *(alias(column(slot), name) for slot, name in named),
            *(alias(column(slot), name) for slot, name in parts),
        ],
        known(*(each for basis in bases for each in (basis.condition, basis.direct_source))),
    )
    keys_of_parts = ["basis", *part_names(shape)]
    wanted = select(columns(keys_of_parts), subquery(_wanted_parts(shape, bases), "wanted"), distinct=True)
    chosen = select(
        [exp.Column(this=exp.Star(), table=exp.Identifier(this="weighing", quoted=True))],
        subquery(weighing, "weighing"),
        joins=[join(subquery(wanted, "wanted"), on=_alike("weighing", keys_of_parts))],
    )
    currency = ["currency"] if shape.by_currency else []
    own = ["day", *currency, *(["unit"] if units else []), *element_names(shape)]
    keys = [*keys_of_parts, *own]
    added = select(
        [*columns(keys), alias(summed(column(f"c{how.amount_place}")), "weight")],
        table("items"),
        joins=[join(subquery(chosen, "chosen"), using=["profile"])],
        group=positions(len(keys)),
    )
    return create_table(
        "basis",
        select(
            [*columns(("step", "part"), "wanted"), *columns((*own, "weight"), "added")],
            subquery(added, "added"),
            joins=[join(subquery(_wanted_parts(shape, bases), "wanted"), on=_alike("added", keys_of_parts))],
        ),
    )


def _in_bases(how: Weighing, bases: Sequence[CostBasis]) -> Node:
    """The places of the bases that a profile belongs to."""
    present = [is_present(column(slot)) for slot in how.destinations]
    places = []
    for place, basis in enumerate(bases):
        conditions = [_in_state(basis), scalar(basis.condition), *present, *_not_excluded(how.destinations, basis)]
        places.append(case(conjunction(*conditions), number(place), null("INTEGER")))
    return listed(places)


def _in_state(basis: CostBasis) -> Node:
    step = basis.steps[0]
    if basis.state == "direct":
        return conjunction(equal(column("made"), number(0)), negated(scalar(basis.direct_source)))
    if basis.state == "source":
        # What of the source lies outside its days is there a second time, made by this step.
        return alive_before(step, with_own=True)
    outside = conjunction(equal(column("made"), number(step)), is_null(column("taken")))
    return paren(disjunction(alive_before(step), outside))


def _not_excluded(names: Sequence[str], basis: CostBasis | MetricPart) -> list[Node]:
    return [
        negated(conjunction(*(equal(column(name), text(value)) for name, value in zip(names, element, strict=True))))
        for element in basis.excluded
    ]


def _wanted_parts(shape: Shape, bases: Sequence[CostBasis]) -> Node:
    """The parts of the sources, each with the place of its step's basis."""
    places = [each for place, basis in enumerate(bases) for each in (_is_of(basis.steps), number(place))]
    chosen = [*columns(("step", "part")), alias(case(*places, null("INTEGER")), "basis"), *columns(part_names(shape))]
    return select(chosen, table("source"), distinct=True)


def _is_of(steps: Sequence[int]) -> Node:
    return exp.In(this=column("step"), expressions=[number(each) for each in steps])


def _alike(name: str, keys: Sequence[str]) -> Node:
    basis, *parts = keys
    same_parts = [same(column(each, name), column(each, "wanted")) for each in parts]
    return conjunction(equal(column(basis, name), column(basis, "wanted")), *same_parts)


@dataclass(frozen=True, slots=True)
class MetricPart:
    """Which records of a metric weigh for a step."""

    step: int
    condition: Expression
    destinations: tuple[str, ...]
    partition: tuple[str, ...]
    excluded: tuple[tuple[str, ...], ...]
    records: str
    """The table of the records."""


@printed
def basis_of_metric(shape: Shape, parts: tuple[MetricPart, ...], into: str) -> Node:
    """Weights by step, day, partition and element from the records of metrics."""
    return create_table(into, union_all([_records(shape, each) for each in parts]))


def _records(shape: Shape, part: MetricPart) -> Node:
    present = [is_present(column(name)) for name in part.destinations]
    weighty = conjunction(scalar(part.condition), *present, *_not_excluded(part.destinations, part))
    candidate = select([exp.Star()], table(part.records), where=weighty)
    named = zip(part.destinations, element_names(shape), strict=True)
    values = [alias(column(name, "candidate"), element) for name, element in named]
    own = select(columns(("step", "part", *part_names(shape))), table("source"), distinct=True)
    wanted = own.where(equal(column("step"), number(part.step)))
    pairs = zip(part.partition, part_names(shape), strict=True)
    alike = conjunction(*(same(column(name, "candidate"), column(each, "wanted")) for name, each in pairs))
    chosen = [*columns(("step", "part"), "wanted"), column("day", "candidate"), *values]
    return select(
        [*chosen, alias(summed(column("value")), "weight")],
        subquery(candidate, "candidate"),
        joins=[join(subquery(wanted, "wanted"), on=alike)],
        group=positions(3 + shape.elements),
    )


@printed
def mixed_units(shape: Shape, source: str) -> Node:
    """(step, first day, last day, units) of buckets whose basis has quantities of several units, in order."""
    return _mixed(shape, source, ["first", "last"]).order_by(*[number(place) for place in (1, 2, 3)], copy=False)


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
    step = [column("step", source)] if days else []
    values = [column("bucket")]
    if days:
        values = [*step, *columns(days), function("list_sort", function("array_agg", units))]
    return select(
        values,
        table(source),
        joins=[join(table("basis"), on=in_bucket)],
        where=binary(exp.NEQ, column("weight", "basis"), number(0)),
        group=[column("bucket", source), *(each.copy() for each in step), *columns(days)],
        having=binary(exp.GT, exp.Count(this=units.copy()), number(1)),
    )
