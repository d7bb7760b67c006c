"""Allocations of one shape as queries: what they take, the rows they make, and what stays where it was.

Invariant: of a source row with running sum C in its group (same bucket, day and ledger row), the element with
shares from S to T of 2^60 gets F(C,T) - F(C,S) - F(B,T) + F(B,S), where B is the running sum before the row and
F(C,S) = sign(C) * round(|C| * S / 2^60). Rows and elements add up exactly, the sign is symmetric, a group's parts
do not depend on how finely its rows are cut, and a part that is a whole number of 1e-12 comes out exactly in groups
below half a million of currency.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.ir import PATH, mark_of
from costops.engine.sql.cells import KEYS
from costops.engine.sql.profiles import EARLIER, FIXED, OWN_ITEMS, known
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import Conditions, Shape, alive_before, bucketed, element_names, positions, printed
from costops.engine.sql.shares import HALF_BITS, STAYS
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
    disjunction,
    equal,
    function,
    insert,
    is_present,
    join,
    negated,
    null,
    number,
    over,
    parameter,
    paren,
    select,
    subquery,
    summed,
    table,
    text,
)


@printed
def numbered_steps() -> Node:
    """`steps`: numbers $1 of a program's steps with what each adds to a path, $2."""
    unnested = [alias(function("unnest", parameter(1)), "step"), alias(function("unnest", parameter(2)), "suffix")]
    return create_table("steps", select(unnested))


@printed
def revoke() -> Node:
    """What the steps $1 made and took is as if they had not run."""
    made, taken = (function("list_contains", parameter(1), column(end)) for end in ("made", "taken"))
    return exp.Update(
        this=table("profiles"),
        expressions=[
            exp.EQ(this=column("made"), expression=case(made, null("INTEGER"), column("made"))),
            exp.EQ(this=column("taken"), expression=case(taken, null("INTEGER"), column("taken"))),
        ],
        where=exp.Where(this=disjunction(made.copy(), taken.copy())),
    )


@printed
def source(takes: Conditions, partition: tuple[str, ...], group: tuple[str, ...], values: tuple[str, ...]) -> Node:
    """Profiles that steps take: the step, its partition, its group of ledger rows, and the place in the order of cells.

    No profile is in the source of two steps that run together.
    """
    steps: list[Node] = []
    for step, condition in takes:
        steps += [conjunction(alive_before(step), scalar(condition)), number(step)]
    taken_by = alias(cast(case(*steps, exp.Null()), "INTEGER"), "step")
    found = subquery(select([exp.Star(), taken_by], known(*(condition for _, condition in takes))), "found")
    chosen: list[Node] = [
        *columns(("profile", "step")),
        alias(_rank(columns(("step", *partition))), "part"),
        alias(_rank(columns(("step", *group, PATH))), "cluster"),
        # A step that runs before another one may number its profiles after it: the tuple comes first.
        alias(over(function("row_number"), order=columns([*values, FIXED, "tuple", "profile"])), "place"),
        *(alias(column(slot), f"p{number_of_part}") for number_of_part, slot in enumerate(partition)),
    ]
    return create_table("source", select(chosen, found, where=is_present(column("step"))))


def _rank(order: list[Node]) -> Node:
    return over(function("dense_rank"), order=order)


@printed
def mark_taken() -> Node:
    """The source profiles' lives end with their step."""
    return exp.Update(
        this=table("profiles"),
        expressions=[exp.EQ(this=column("taken"), expression=column("step", "source"))],
        from_=exp.From(this=table("source")),
        where=exp.Where(this=equal(column("profile", "profiles"), column("profile", "source"))),
    )


@printed
def taken(shape: Shape, costs: int) -> Node:
    """The source rows with the days of their bucket; `whole` are those of its period, `effective` or not."""
    first: Node = column("day")
    last: Node = column("day")
    if shape.granularity == "charge_period":
        last = column("until")
    elif shape.granularity == "monthly":
        first, last = _month_of(column("day"))
    elif shape.granularity == "billing_period":
        first, last = _month_of(column("month"))
    values: list[Node] = [
        column("profile"),
        *columns(KEYS),
        *columns(f"c{place}" for place in range(costs)),
        *columns(("step", "part", "cluster", "place")),
        alias(_not_before(first, shape.effective[0]), "first"),
        alias(_not_after(last, shape.effective[1]), "last"),
    ]
    if shape.looks_back:
        values += [alias(first.copy(), "whole_first"), alias(last.copy(), "whole_last")]
    items = select(values, table("items"), joins=[join(table("source"), using=["profile"])])
    return create_table("taken", items if shape.effective == (None, None) else items.where(in_effect(shape.effective)))


def _not_before(day: Node, first: str | None) -> Node:
    return day if first is None else function("greatest", day, cast(text(first), "DATE"))


def _not_after(day: Node, last: str | None) -> Node:
    return day if last is None else function("least", day, cast(text(last), "DATE"))


def in_effect(effective: tuple[str | None, str | None]) -> Node:
    """Whether a row's day is within the first and the last day."""
    first, last = effective
    limits = [binary(exp.GTE, column("day"), cast(text(first), "DATE"))] if first is not None else []
    limits += [binary(exp.LTE, column("day"), cast(text(last), "DATE"))] if last is not None else []
    return conjunction(*limits)


@printed
def outside(shape: Shape, costs: int) -> Node:
    """Rows of source profiles on days on which the rule does not apply."""
    values = columns(("profile", *KEYS, *(f"c{place}" for place in range(costs))))
    items = select(values, table("items"), joins=[join(table("source"), using=["profile"])])
    return create_table("outside", items.where(negated(in_effect(shape.effective))))


@printed
def remained(costs: int) -> Node:
    """The parts of source rows that stay where they are."""
    values = columns(("profile", *KEYS, *(f"c{place}" for place in range(costs))))
    return create_table("remained", select(values, table("split"), where=equal(column("element"), number(STAYS))))


def _month_of(day: Node) -> tuple[Node, Node]:
    start = cast(function("date_trunc", text("month"), day), "DATE")
    return start, function("last_day", day.copy())


@printed
def split(shape: Shape, costs: int, narrow: bool) -> Node:
    """The source rows of non-empty buckets, one row for each element; `narrow` as `are_narrow` says."""
    group = [column("bucket"), *columns(("month", "day", "currency", "cluster"))]
    order = [column("place"), column("until")]
    keys = columns(("profile", "bucket", *KEYS))
    running: list[Node] = []
    for place in range(costs):
        upto = over(summed(column(f"c{place}")), partition=group, order=order, running=True)
        running.append(alias(cast(upto, "HUGEINT"), f"with{place}"))
    own = columns(f"c{place}" for place in range(costs))
    summed_up = subquery(select([*keys, *own, *running], subquery(bucketed(shape), "t")), "summed_up")
    halves: list[Node] = []
    for place in range(costs):
        upto = column(f"with{place}")
        before = paren(binary(exp.Sub, upto, column(f"c{place}")))
        for amount, name in ((upto.copy(), f"with{place}"), (before, f"before{place}")):
            halves += _size(amount, name) if narrow else _halves(amount, name)
    rows = subquery(select([*columns(("profile", "bucket", *KEYS)), *halves], summed_up), "source_rows")
    parts = [
        alias(
            binary(exp.Sub, paren(_slice(f"with{place}", narrow)), paren(_slice(f"before{place}", narrow))), f"c{place}"
        )
        for place in range(costs)
    ]
    return create_table(
        "split",
        select(
            [*columns(("profile", "element", *KEYS)), *parts], rows, joins=[join(table("shares"), using=["bucket"])]
        ),
    )


def _halves(amount: Node, name: str) -> list[Node]:
    """An amount as its sign and the upper and lower bits of its size, so that no product passes 128 bits."""
    half = number(HALF_BITS)
    size = function("abs", amount)
    return [
        alias(cast(function("sign", amount.copy()), "HUGEINT"), f"{name} sign"),
        alias(binary(exp.BitwiseRightShift, size, half), f"{name} upper"),
        alias(binary(exp.BitwiseAnd, size.copy(), number((1 << (HALF_BITS)) - 1)), f"{name} lower"),
    ]


def _size(amount: Node, name: str) -> list[Node]:
    """An amount as its sign and its size."""
    sign = alias(cast(function("sign", amount), "HUGEINT"), f"{name} sign")
    return [sign, alias(function("abs", amount.copy()), f"{name} size")]


def _slice(name: str, narrow: bool) -> Node:
    """F(amount, high) - F(amount, low)."""
    cut = _cut_at_once if narrow else _cut
    difference = binary(exp.Sub, cut(name, "high"), cut(name, "low"))
    return binary(exp.Mul, column(f"{name} sign"), difference)


def _cut_at_once(name: str, share: str) -> Node:
    """|amount| * share / 2^60 to the nearest, for products of less than 127 bits: what `_cut` gives in fewer steps."""
    product = binary(exp.Add, binary(exp.Mul, column(f"{name} size"), column(share)), number(1 << (2 * HALF_BITS - 1)))
    return paren(binary(exp.BitwiseRightShift, product, number(2 * HALF_BITS)))


@printed
def are_narrow(costs: int) -> Node:
    """Whether no running sum within a day can reach 66 bits, so that its product with a share fits 127."""
    sizes = [alias(summed(function("abs", column(f"c{place}"))), f"c{place}") for place in range(costs)]
    days = select(sizes, table(OWN_ITEMS), group=columns((*KEYS[:2], "currency")))
    fits = [binary(exp.LT, function("max", column(f"c{place}")), number(1 << 66)) for place in range(costs)]
    return select([function("coalesce", conjunction(*fits), exp.true())], subquery(days, "days"))


def _cut(name: str, share: str) -> Node:
    """|amount| * share / 2^60 to the nearest, in two steps of 30 bits."""
    half = number(HALF_BITS)
    nearest = number(1 << (2 * HALF_BITS - 1))
    lower = binary(exp.Add, binary(exp.Mul, column(f"{name} lower"), column(share)), nearest)
    lower = binary(exp.BitwiseRightShift, lower, half)
    product = binary(exp.Add, binary(exp.Mul, column(f"{name} upper"), column(share)), lower)
    return paren(binary(exp.BitwiseRightShift, product, half.copy()))


@printed
def made_profiles(shape: Shape, into: tuple[str, ...], values: tuple[str, ...], marks: tuple[str, ...]) -> Node:
    """For each source profile and element the profile its parts go to, numbered behind $1."""
    served = binary(exp.GT, column("element"), number(STAYS))
    pairs = subquery(
        select([column("profile"), column("element")], table("split"), distinct=True, where=served), "pairs"
    )
    overwritten = dict(zip(into, element_names(shape), strict=True))
    after = [
        alias(column(overwritten[slot], "elements"), slot) if slot in overwritten else column(slot, "profiles")
        for slot in values
    ]
    marked = {mark_of(slot) for slot in into}
    after += [alias(exp.true(), mark) if mark in marked else column(mark, "profiles") for mark in marks]
    path = alias(function("concat", column(PATH, "profiles"), column("suffix", "steps")), PATH)
    own = [*columns(("profile", "element"), "pairs"), column("step", "steps"), *columns(("tuple", FIXED), "profiles")]
    joined = select(
        [*own, *after, path],
        pairs,
        joins=[
            join(table("profiles"), on=equal(column("profile", "profiles"), column("profile", "pairs"))),
            join(table("elements"), on=equal(column("element", "elements"), column("element", "pairs"))),
            join(table("steps"), on=equal(column("step", "steps"), column("step", "elements"))),
        ],
    )
    rank = over(function("dense_rank"), order=columns(["step", *values, FIXED, PATH, "tuple"]))
    new = alias(binary(exp.Add, rank, parameter(1)), "new_profile")
    return create_table("made", select([new, exp.Star()], subquery(joined, "joined")))


@printed
def insert_made_profiles(values: tuple[str, ...]) -> Node:
    """The profiles that the steps make."""
    return insert("profiles", select(_born(values), table("made"), distinct=True))


def _born(values: tuple[str, ...]) -> list[Node]:
    """The columns of a new profile that a step makes."""
    own = columns(("new_profile", "tuple", FIXED, *values, PATH, "step"))
    return [*own, null("INTEGER"), *(null("INTEGER") for _ in EARLIER)]


@printed
def insert_made_items(costs: int) -> Node:
    keys = ["new_profile", *KEYS]
    sums = [cast(summed(column(f"c{place}")), "HUGEINT") for place in range(costs)]
    return insert(
        OWN_ITEMS,
        select(
            [*columns(keys), *sums],
            table("split"),
            joins=[join(table("made"), using=["profile", "element"])],
            group=positions(len(keys)),
        ),
    )


@printed
def left_over(shape: Shape) -> Node:
    """Source rows whose bucket is empty."""
    served = subquery(select([column("bucket")], table("shares"), distinct=True), "served")
    return create_table(
        "left_over",
        select([exp.Star()], subquery(bucketed(shape), "t"), joins=[join(served, using=["bucket"], kind="ANTI")]),
    )


@printed
def stayed_profiles(rows: str) -> Node:
    """Source profiles with rows that stay where they are, each with its step and a new number behind $1."""
    there = join(subquery(select([column("profile")], table(rows)), "t"), using=["profile"], kind="SEMI")
    rank = over(function("row_number"), order=[column("profile")])
    new = alias(binary(exp.Add, rank, parameter(1)), "new_profile")
    return create_table("stayed", select([*columns(("profile", "step")), new], table("source"), joins=[there]))


@printed
def insert_stayed_profiles(values: tuple[str, ...]) -> Node:
    """Profiles as they were, living on from their step."""
    source_profiles = select(_born(values), table("profiles"), joins=[join(table("stayed"), using=["profile"])])
    return insert("profiles", source_profiles)


@printed
def insert_stayed_items(costs: int, rows: str) -> Node:
    values = [column("new_profile"), *columns(KEYS), *columns(f"c{place}" for place in range(costs))]
    return insert(OWN_ITEMS, select(values, table(rows), joins=[join(table("stayed"), using=["profile"])]))
