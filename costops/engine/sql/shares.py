"""Elements, their weights in each bucket, and the shares that follow from them.

Invariant: a bucket's shares run from 0 to 2^60, elements in the order of their names; a bucket without shares is empty.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from costops.engine.sql.shape import Shape, bucket_keys, element_names, part_keys, positions, printed
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
    join,
    negated,
    null,
    number,
    over,
    paren,
    select,
    subquery,
    summed,
    table,
    text,
    union_all,
)
from costops.money import WHOLE_PICOS

HALF_BITS = 30
"""Half the bits of a share: products are made in two steps, so that none passes 128 bits."""

STAYS = 0
"""The number of what is no element: the part of a source row that stays where it is."""

_METRIC_BITS = 32
"""Half the bits of one metric's share where several weigh together."""

_ORDER_BITS = 24
"""Half the bits of a share by which elements of several metrics are ordered."""


@printed
def buckets(shape: Shape) -> Node:
    """Each distinct time, partition and, where weights are costs, currency of each step's source."""
    inner = subquery(select(columns(("step", *bucket_keys(shape))), table("taken"), distinct=True), "t")
    return create_table("buckets", select([alias(over(function("row_number")), "bucket"), exp.Star()], inner))


Given = tuple[tuple[int, tuple[tuple[tuple[str, ...], int], ...], int], ...]
"""For each step its number, its elements with their weights, and the weight of what stays where it is."""


@printed
def given_elements(shape: Shape, given: Given) -> Node:
    """The elements that rules name, with their weights, numbered by name; what stays is none and has no name.

    One that only takes what a cutoff folds has the weight 0.
    """
    rows: list[tuple[int, tuple[str | None, ...], int]] = []
    for step, elements, _ in given:
        weighed = dict(elements)
        for element in _folded_into(shape):
            weighed.setdefault(element, 0)
        rows += [(step, element, weight) for element, weight in sorted(weighed.items())]
    numbered = [(*row, place) for place, row in enumerate(rows, start=STAYS + 1)]
    numbered += [(step, (None,) * shape.elements, stays, STAYS) for step, _, stays in given if stays]
    values: list[Node] = [alias(_listed(number(step) for step, _, _, _ in numbered), "step")]
    for place, name in enumerate(element_names(shape)):
        parts = (element[place] for _, element, _, _ in numbered)
        values.append(alias(_listed(null() if part is None else text(part) for part in parts), name))
    values.append(alias(_listed(cast(number(weight), "HUGEINT") for _, _, weight, _ in numbered), "weight"))
    values.append(alias(_listed(number(element) for _, _, _, element in numbered), "element"))
    return create_table("elements", select(values))


def _listed(values: Iterable[Node]) -> Node:
    return function("unnest", exp.Array(expressions=list(values)))


def _folded_into(shape: Shape) -> list[tuple[str, ...]]:
    return [shape.cutoff.element] if shape.cutoff is not None and shape.cutoff.element is not None else []


@printed
def found_elements(shape: Shape, bases: tuple[str, ...], steps: tuple[int, ...]) -> Node:
    """The elements that occur in any basis of a step, numbered by step and name."""
    names = ["step", *element_names(shape)]
    found = [select(columns(names), table(basis), distinct=True) for basis in bases]
    for element in _folded_into(shape):
        parts = [alias(text(part), name) for part, name in zip(element, element_names(shape), strict=True)]
        found.append(select([alias(_listed(number(step) for step in steps), "step"), *parts]))
    inner = subquery(select(columns(names), subquery(union_all(found), "found"), distinct=True), "t")
    numbered = alias(over(function("row_number"), order=columns(names)), "element")
    return create_table("elements", select([numbered, *columns(names)], inner))


@printed
def weights(shape: Shape, basis: str, source: str, into: str) -> Node:
    """(bucket, element, weight) of the buckets in `source`, 0 included, negative ones as they are."""
    weighty = select([exp.Star()], table("elements"), where=binary(exp.GT, column("weight"), number(0)))
    elements_node: Node = subquery(weighty, "elements") if shape.has_given else table("elements")
    crossed = select(
        [column("bucket"), column("element")], table(source), joins=[join(elements_node.copy(), using=["step"])]
    )  # fmt: skip
    if not shape.needs_basis:
        crossed.select(column("weight", "elements"), copy=False)
        return create_table(into, crossed)
    on_keys = part_keys(shape)
    value: Node = summed(column("weight", basis))
    if shape.is_even:
        value = cast(number(1), "HUGEINT")
    in_a_day = conjunction(
        *(equal(column(key, source), column(key, basis)) for key in on_keys),
        equal(column("first", source), column("last", source)),
        equal(column("day", basis), column("first", source)),
    )
    in_days = conjunction(
        *(equal(column(key, source), column(key, basis)) for key in on_keys),
        binary(exp.LT, column("first", source), column("last", source)),
        binary(exp.GTE, column("day", basis), column("first", source)),
        binary(exp.LTE, column("day", basis), column("last", source)),
    )
    names = element_names(shape)
    is_element = conjunction(
        equal(column("step", source), column("step", "elements")),
        *(equal(column(name, basis), column(name, "elements")) for name in names),
    )
    elements = join(elements_node, on=is_element)
    queries: list[Node] = [
        select(
            [column("bucket"), column("element"), alias(value.copy(), "weight")],
            table(source),
            joins=[join(table(basis), on=on), elements.copy()],
            group=positions(2),
        )
        for on in (in_a_day, in_days)
    ]
    if not shape.has_given:
        return create_table(into, union_all(queries))
    crossed.select(alias(cast(number(0), "HUGEINT"), "weight"), copy=False)
    all_queries = subquery(union_all([*queries, crossed]), "w")
    return create_table(
        into,
        select(
            [column("bucket"), column("element"), alias(summed(column("weight")), "weight")],
            all_queries,
            group=positions(2),
        ),
    )


@printed
def together(shape: Shape, parts: tuple[tuple[str, int], ...], into: str) -> Node:
    """The weights of several metrics as one: each divided by its total in the bucket, times the metric's own weight."""
    queries: list[Node] = []
    for name, factor in parts:
        total = over(summed(column("weight")), partition=[column("bucket")])
        settled = subquery(_settled(shape, name), "settled")
        valued = subquery(
            select([*columns(("bucket", "element", "weight")), alias(cast(total, "HUGEINT"), "total")], settled),
            "valued",
        )
        share = _fraction(column("weight"), column("total"), _METRIC_BITS)
        share = case(binary(exp.GT, column("total"), number(0)), share, cast(number(0), "HUGEINT"))
        weighed = binary(exp.Mul, paren(share), number(factor))
        queries.append(select([column("bucket"), column("element"), alias(weighed, "weight")], valued))
    return create_table(
        into,
        select(
            [column("bucket"), column("element"), alias(summed(column("weight")), "weight")],
            subquery(union_all(queries), "parts"),
            group=positions(2),
        ),
    )


def _settled(shape: Shape, weights_name: str) -> Node:
    """Weights none of which is negative: by `negative` they are 0, or their elements are none."""
    if shape.negative == "exclude":
        return select(
            columns(("bucket", "element", "weight")),
            table(weights_name),
            where=binary(exp.GTE, column("weight"), number(0)),
        )
    clipped = function("greatest", column("weight"), cast(number(0), "HUGEINT"))
    return select([column("bucket"), column("element"), alias(clipped, "weight")], table(weights_name))


@printed
def shares(shape: Shape, source: str, into: str) -> Node:
    """(bucket, element, share before it, share with it) in units of 2^-60, for elements that get something."""
    positive = over(summed(column("weight")), partition=[column("bucket")])
    valued = subquery(
        select(
            [*columns(("bucket", "element", "weight")), alias(cast(positive, "HUGEINT"), "total")],
            subquery(_settled(shape, source), "settled"),
        ),
        "valued",
    )
    instead = number(1) if shape.even_if_empty else number(0)
    has_total = binary(exp.GT, column("total"), number(0))
    settled = case(has_total, column("weight"), cast(instead, "HUGEINT"))
    chosen = select([column("bucket"), column("element"), alias(settled, "weight"), column("total")], valued)
    if shape.cutoff is not None:
        chosen = _cut_off(shape, chosen)
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
            subquery(chosen, "chosen"),
            where=binary(exp.GT, column("weight"), number(0)),
        ),
        "summed_up",
    )
    before = binary(exp.Sub, column("upto"), column("weight"))
    return create_table(
        into,
        select(
            [column("bucket"), column("element"), alias(_share(before), "low"), alias(_share(column("upto")), "high")],
            summed_up,
        ),
    )


def _cut_off(shape: Shape, chosen: exp.Select) -> exp.Select:
    """The heaviest elements until their share reaches the cutoff; the others as the element that takes them."""
    assert shape.cutoff is not None
    has_total = binary(exp.GT, column("total"), number(0))
    weight: Node = column("weight")
    if shape.several_metrics:
        # What differs in the last bits of rounded shares alone is equal, and names decide.
        weight = case(has_total.copy(), _fraction(weight, column("total"), _ORDER_BITS), cast(number(0), "HUGEINT"))
    heaviest = [exp.Ordered(this=weight, desc=True, nulls_first=False), column("element")]
    running = over(summed(column("weight")), partition=[column("bucket")], order=heaviest, running=True)
    ranked = subquery(
        select([exp.Star(), alias(cast(running, "HUGEINT"), "upto")], subquery(chosen, "chosen")), "ranked"
    )
    before = paren(binary(exp.Sub, column("upto"), column("weight")))
    threshold = number((shape.cutoff.percent * (1 << (2 * HALF_BITS)) + WHOLE_PICOS // 2) // WHOLE_PICOS)
    # Both sides are rounded alike, so that a share that is exactly the cutoff is never below it.
    share = _fraction(before, column("total"), HALF_BITS)
    counts = binary(exp.LT, paren(share), threshold)
    if shape.cutoff.element is None:
        kept = case(has_total, counts, exp.true())
        return select(columns(("bucket", "element", "weight")), ranked, where=kept)
    names = zip(element_names(shape), shape.cutoff.element, strict=True)
    folding = select(
        [column("element")], table("elements"), where=conjunction(*(equal(column(n), text(v)) for n, v in names))
    )
    element = case(negated(has_total), column("element"), counts, column("element"), paren(folding))
    folded = subquery(select([column("bucket"), alias(element, "element"), column("weight")], ranked), "folded")
    return select(
        [column("bucket"), column("element"), alias(summed(column("weight")), "weight")], folded, group=positions(2)
    )


def _share(weight: Node) -> Node:
    """weight * 2^60 / whole to the nearest, by two divisions of 30 bits, so that nothing passes 128 bits below 2^96."""
    return _fraction(weight, column("whole"), HALF_BITS)


def _fraction(weight: Node, whole: Node, half_bits: int) -> Node:
    """weight / whole in units of 2^(-2 * half_bits), to the nearest."""
    half = number(1 << half_bits)
    first = binary(exp.Mul, weight, half)
    quotient = binary(exp.IntDiv, first, whole)
    rest = binary(exp.Mod, first.copy(), whole.copy())
    carried = binary(exp.Add, binary(exp.Mul, rest, half.copy()), binary(exp.IntDiv, whole.copy(), number(2)))
    second = binary(exp.IntDiv, carried, whole.copy())
    return binary(exp.Add, binary(exp.Mul, quotient, half.copy()), second)


@printed
def without_buckets(weights_name: str, negative: str) -> Node:
    """Takes the buckets of `negative` that have a negative weight out of the weights, so that they are empty."""
    wrong = select([column("bucket")], table(negative), where=binary(exp.LT, column("weight"), number(0)))
    where = exp.Where(this=exp.In(this=column("bucket"), query=exp.Subquery(this=wrong)))
    return exp.Delete(this=table(weights_name), where=where)


@printed
def negative_weights(shape: Shape, weights_name: str, source: str) -> Node:
    """(step, first day, last day, element) of negative weights, in order."""
    keys = [column("step", source), *columns(("first", "last", *element_names(shape)))]
    return select(
        keys,
        table(weights_name),
        joins=[join(table(source), using=["bucket"]), join(table("elements"), using=["element"])],
        where=binary(exp.LT, column("weight", weights_name), number(0)),
        order=[each.copy() for each in keys],
        distinct=True,
    )
