"""The basis of one allocation and the shares that follow from it.

Invariant: a bucket's shares run from 0 to 2^60, elements in the order of their names; a bucket without shares is empty.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Shape, alive_and, bucket_keys, element_names, part_names, positions, printed
from costops.engine.sql.syntax import (
    Node,
    alias,
    binary,
    case,
    cast,
    column,
    columns,
    conjunction,
    create_table,
    equal,
    function,
    is_present,
    join,
    number,
    over,
    same,
    select,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.model.expression import Expression

HALF_BITS = 30
"""Half the bits of a share: products are made in two steps, so that none passes 128 bits."""


@printed
def buckets(shape: Shape) -> Node:
    """Each distinct time, partition and, where weights are costs, currency of the source."""
    inner = subquery(select(columns(bucket_keys(shape)), table("taken"), distinct=True), "t")
    return create_table("buckets", select([alias(over(function("row_number")), "bucket"), exp.Star()], inner))


@printed
def basis_of_costs(
    shape: Shape, condition: Expression, destinations: tuple[str, ...], partition: tuple[str, ...], cost_place: int
) -> Node:
    """Weights by day, partition, element and, where weights are costs, currency, from the running ledger."""
    named = zip(destinations, element_names(shape), strict=True)
    basis_profiles = select(
        [
            column("profile", "candidate"),
            column("part", "wanted"),
            *(alias(column(slot, "candidate"), name) for slot, name in named),
        ],
        subquery(_candidates(condition, destinations, partition), "candidate"),
        joins=[join(subquery(_wanted_parts(shape), "wanted"), on=_same_parts(shape, partition))],
    )
    keys = ["day", "part", *element_names(shape), *(["currency"] if shape.by_currency else [])]
    return create_table(
        "basis",
        select(
            [*columns(keys), alias(summed(column(f"c{cost_place}")), "weight")],
            table("items"),
            joins=[join(subquery(basis_profiles, "chosen"), using=["profile"])],
            group=positions(len(keys)),
        ),
    )


def _candidates(condition: Expression, destinations: Sequence[str], partition: Sequence[str]) -> Node:
    present = [is_present(column(slot)) for slot in destinations]
    needed = dict.fromkeys((*destinations, *partition))
    values = [column("profile"), *columns(needed)]
    return select(values, table("profiles"), where=conjunction(alive_and(condition), *present))


def _wanted_parts(shape: Shape) -> Node:
    return select([column("part"), *columns(part_names(shape))], table("source"), distinct=True)


def _same_parts(shape: Shape, names: Sequence[str]) -> Node:
    pairs = zip(names, part_names(shape), strict=True)
    return conjunction(*(same(column(name, "candidate"), column(part, "wanted")) for name, part in pairs))


@printed
def basis_of_metric(
    shape: Shape, condition: Expression, destinations: tuple[str, ...], partition: tuple[str, ...], records: str
) -> Node:
    """Weights by day, partition and element from a metric's records."""
    present = [is_present(column(name)) for name in destinations]
    candidate = select([exp.Star()], table(records), where=conjunction(scalar(condition), *present))
    named = zip(destinations, element_names(shape), strict=True)
    values = [alias(column(name, "candidate"), element) for name, element in named]
    return create_table(
        "basis",
        select(
            [column("day", "candidate"), column("part", "wanted"), *values, alias(summed(column("value")), "weight")],
            subquery(candidate, "candidate"),
            joins=[join(subquery(_wanted_parts(shape), "wanted"), on=_same_parts(shape, partition))],
            group=positions(2 + shape.elements),
        ),
    )


@printed
def given_elements(shape: Shape, given: tuple[tuple[tuple[str, ...], int], ...]) -> Node:
    """The elements that a rule names, with their weights, numbered by name."""
    rows = []
    for place, (element, weight) in enumerate(sorted(given), start=1):
        parts = [alias(text(part), name) for part, name in zip(element, element_names(shape), strict=True)]
        rows.append(select([*parts, alias(cast(number(weight), "HUGEINT"), "weight"), alias(number(place), "element")]))
    return create_table("elements", union_all(rows))


@printed
def found_elements(shape: Shape) -> Node:
    """The elements that occur in the basis, numbered by name."""
    names = element_names(shape)
    inner = subquery(select(columns(names), table("basis"), distinct=True), "t")
    numbered = alias(over(function("row_number"), order=columns(names)), "element")
    return create_table("elements", select([numbered, *columns(names)], inner))


@printed
def weights(shape: Shape) -> Node:
    """(bucket, element, weight), 0 included, negative ones as they are."""
    crossed = select(
        [column("bucket"), column("element")], table("buckets"), joins=[join(table("elements"), kind="CROSS")]
    )  # fmt: skip
    if not shape.needs_basis:
        crossed.select(column("weight"), copy=False)
        return create_table("weights", crossed)
    on_keys = ["part", *(["currency"] if shape.by_currency else [])]
    value: Node = summed(column("weight", "basis"))
    if shape.is_even:
        value = cast(number(1), "HUGEINT")
    in_a_day = conjunction(
        *(equal(column(key, "buckets"), column(key, "basis")) for key in on_keys),
        equal(column("first", "buckets"), column("last", "buckets")),
        equal(column("day", "basis"), column("first", "buckets")),
    )
    in_days = conjunction(
        *(equal(column(key, "buckets"), column(key, "basis")) for key in on_keys),
        binary(exp.LT, column("first", "buckets"), column("last", "buckets")),
        binary(exp.GTE, column("day", "basis"), column("first", "buckets")),
        binary(exp.LTE, column("day", "basis"), column("last", "buckets")),
    )
    elements = join(table("elements"), using=element_names(shape))
    queries: list[Node] = [
        select(
            [column("bucket"), column("element"), alias(value.copy(), "weight")],
            table("buckets"),
            joins=[join(table("basis"), on=on), elements.copy()],
            group=positions(2),
        )
        for on in (in_a_day, in_days)
    ]
    if not shape.has_given:
        return create_table("weights", union_all(queries))
    crossed.select(alias(cast(number(0), "HUGEINT"), "weight"), copy=False)
    all_queries = subquery(union_all([*queries, crossed]), "w")
    return create_table(
        "weights",
        select(
            [column("bucket"), column("element"), alias(summed(column("weight")), "weight")],
            all_queries,
            group=positions(2),
        ),
    )


@printed
def shares(shape: Shape) -> Node:
    """(bucket, element, share before it, share with it) in units of 2^-60, for elements that get something."""
    clipped = function("greatest", column("weight"), cast(number(0), "HUGEINT"))
    positive = over(summed(clipped), partition=[column("bucket")])
    valued = subquery(
        select(
            [column("bucket"), column("element"), alias(clipped.copy(), "clipped"), alias(positive, "total")],
            table("weights"),
        ),
        "valued",
    )
    instead = number(1) if shape.even_if_empty else number(0)
    settled = case(binary(exp.GT, column("total"), number(0)), column("clipped"), cast(instead, "HUGEINT"))
    chosen = subquery(select([column("bucket"), column("element"), alias(settled, "weight")], valued), "chosen")
    bucket = [column("bucket")]
    running = over(summed(column("weight")), partition=bucket, order=[column("element")], running=True)
    whole = over(summed(column("weight")), partition=bucket)
    summed_up = subquery(
        select(
            [
                *columns(("bucket", "element", "weight")),
                alias(cast(running, "HUGEINT"), "upto"),
                alias(cast(whole, "HUGEINT"), "whole"),
            ],
            chosen,
            where=binary(exp.GT, column("weight"), number(0)),
        ),
        "summed_up",
    )
    before = binary(exp.Sub, column("upto"), column("weight"))
    return create_table(
        "shares",
        select(
            [column("bucket"), column("element"), alias(_share(before), "low"), alias(_share(column("upto")), "high")],
            summed_up,
        ),
    )


def _share(weight: Node) -> Node:
    """weight * 2^60 / whole to the nearest, by two divisions of 30 bits, so that nothing passes 128 bits below 2^96."""
    half = number(1 << (HALF_BITS))
    first = binary(exp.Mul, weight, half)
    quotient = binary(exp.IntDiv, first, column("whole"))
    rest = binary(exp.Mod, first.copy(), column("whole"))
    carried = binary(exp.Add, binary(exp.Mul, rest, half.copy()), binary(exp.IntDiv, column("whole"), number(2)))
    second = binary(exp.IntDiv, carried, column("whole"))
    return binary(exp.Add, binary(exp.Mul, quotient, half.copy()), second)
