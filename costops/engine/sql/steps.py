"""One allocation as queries: what it takes, its buckets, its basis, its shares, and the rows it makes.

Invariant: of a source row with running sum C in its group (same bucket, day and ledger row), element j with shares S(j-1), S(j) of
2^60 gets F(C,Sj) - F(C,Sj-1) - F(C',Sj) + F(C',Sj-1), where C' is the running sum before the row and F(C,S) = sign(C) * round(|C| * S / 2^60).
Rows and elements add up exactly, the sign is symmetric, a group's parts do not depend on how finely its rows are cut, and a part
that is a whole number of 1e-12 comes out exactly in groups below half a million of currency.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from costops.engine.ir import PATH, PATH_MARK, MetricUse, Step
from costops.engine.sql.cells import KEYS, names_of, reader
from costops.engine.sql.scalar import layered, scalar
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
    insert,
    is_null,
    is_present,
    join,
    null,
    number,
    over,
    paren,
    same,
    select,
    subquery,
    summed,
    table,
    text,
    truth,
    union_all,
)
from costops.model.bill import MetricFile
from costops.model.expression import Expression, Literal, call

SHARE_BITS = 60


def _positions(count: int) -> list[Node]:
    return [number(place + 1) for place in range(count)]


def _parts(step: Step) -> list[str]:
    return [f"p{place}" for place in range(len(step.partition))]


def _elements(step: Step) -> list[str]:
    return [f"e{place}" for place in range(len(step.into))]


def _alive_and(condition: Expression) -> Node:
    return conjunction(is_null(column("taken")), scalar(condition))


def source(step: Step, slots: Sequence[str]) -> Node:
    """Profiles the step takes, each with its partition, its group of ledger rows, and its place in the order of cells."""
    values: list[Node] = [
        column("profile"),
        alias(_rank(columns(step.partition)), "part"),
        alias(_rank([*columns(step.group), column(PATH)]), "cluster"),
        alias(over(function("row_number"), order=[*columns(slots), column("profile")]), "place"),
        *(alias(column(slot), name) for slot, name in zip(step.partition, _parts(step), strict=True)),
    ]
    return create_table("source", select(values, table("profiles"), where=_alive_and(step.source)))


def _rank(order: list[Node]) -> Node:
    return over(function("dense_rank"), order=order) if order else number(1)


def mark_taken(step: Step) -> Node:
    """The source profiles' lives end here."""
    taken = select([column("profile")], table("source"))
    return exp.Update(
        this=table("profiles"),
        expressions=[exp.EQ(this=column("taken"), expression=number(step.number))],
        where=exp.Where(this=exp.In(this=column("profile"), query=exp.Subquery(this=taken))),
    )


def taken(step: Step, costs: int) -> Node:
    """The source rows with the days of their bucket."""
    first: Node = column("day")
    last: Node = column("day")
    if step.granularity == "charge_period":
        last = column("until")
    elif step.granularity == "monthly":
        first, last = _month_of(column("day"))
    elif step.granularity == "billing_period":
        first, last = _month_of(column("month"))
    values: list[Node] = [
        column("profile"),
        *columns(KEYS),
        *columns(f"c{place}" for place in range(costs)),
        column("part"),
        column("cluster"),
        column("place"),
        alias(first, "first"),
        alias(last, "last"),
    ]
    return create_table("taken", select(values, table("items"), joins=[join(table("source"), using=["profile"])]))


def _month_of(day: Node) -> tuple[Node, Node]:
    start = cast(function("date_trunc", text("month"), day), "DATE")
    return start, function("last_day", day.copy())


def _bucket_keys(step: Step) -> list[str]:
    return ["first", "last", "part", *(["currency"] if step.by_currency else [])]


def buckets(step: Step) -> Node:
    """Each distinct time, partition and, where weights are costs, currency of the source."""
    inner = subquery(select(columns(_bucket_keys(step)), table("taken"), distinct=True), "t")
    return create_table("buckets", select([alias(over(function("row_number")), "bucket"), exp.Star()], inner))


def basis_of_costs(step: Step, cost_place: int) -> Node:
    """Weights by day, partition, element and, where weights are costs, currency, from the running ledger."""
    basis_profiles = select(
        [
            column("profile", "candidate"),
            column("part", "wanted"),
            *(
                alias(column(slot, "candidate"), name)
                for slot, name in zip(step.destinations, _elements(step), strict=True)
            ),
        ],
        subquery(_basis_candidates(step), "candidate"),
        joins=[join(subquery(_wanted_parts(step), "wanted"), on=_same_parts(step, step.partition))],
    )
    keys = [*_basis_keys(step)]
    return create_table(
        "basis",
        select(
            [*columns(keys), alias(summed(column(f"c{cost_place}")), "weight")],
            table("items"),
            joins=[join(subquery(basis_profiles, "chosen"), using=["profile"])],
            group=_positions(len(keys)),
        ),
    )


def _basis_candidates(step: Step) -> Node:
    present = [is_present(column(slot)) for slot in step.destinations]
    needed = dict.fromkeys((*step.destinations, *step.partition))
    return select(
        [column("profile"), *columns(needed)],
        table("profiles"),
        where=conjunction(_alive_and(step.basis), *present),
    )


def _wanted_parts(step: Step) -> Node:
    return select([column("part"), *columns(_parts(step))], table("source"), distinct=True)


def _same_parts(step: Step, names: Sequence[str]) -> Node:
    pairs = zip(names, _parts(step), strict=True)
    return conjunction(*(same(column(name, "candidate"), column(part, "wanted")) for name, part in pairs))


def _basis_keys(step: Step) -> list[str]:
    return ["day", "part", *_elements(step), *(["currency"] if step.by_currency else [])]


def metric_records(use: MetricUse, files: Sequence[MetricFile], into: str) -> Node:
    """A metric's records by day and cleaned labels."""
    queries = []
    for each in files:
        names = names_of(each.file)
        values: list[Node] = [
            alias(cast(scalar(each.date, names), "DATE"), "day"),
            alias(scalar(each.date, names), "moment"),
            alias(scalar(each.value, names), "value"),
        ]
        for label, name in use.labels:
            value: Expression = each.label_columns.get(label, Literal(None))
            if label not in each.label_columns and each.labels is not None:
                value = call("json_key", each.labels, Literal(label))
            values.append(alias(scalar(call("present", value), names), name))
        series = [scalar(value, names) for _, value in sorted(each.label_columns.items())]
        if each.labels is not None:
            series.append(scalar(each.labels, names))
        values.append(alias(function("concat_ws", text("\x1f"), *series, text("")), "series"))
        is_wanted = exp.EQ(this=scalar(each.metric, names), expression=text(use.query))
        queries.append(select(values, reader([each.file]), where=is_wanted))
    raw = [name for _, name in use.labels]
    daily_keys = ["day", *raw, "series"]
    daily = select(
        [*columns(daily_keys), alias(_aggregated(use.aggregate), "value")],
        subquery(union_all(queries), "records"),
        group=_positions(len(daily_keys)),
    )
    cleaned = layered(subquery(daily, "daily"), use.layers)
    kept = list(dict.fromkeys(name for _, name in use.columns))
    return create_table(
        into,
        select(
            [column("day"), *columns(kept), alias(summed(column("value")), "value")],
            cleaned,
            group=_positions(1 + len(kept)),
        ),
    )


def _aggregated(aggregate: str) -> Node:
    """Records of one series on one day as one number in picos."""
    value = cast(function("replace", cast(column("value"), "VARCHAR"), text("."), text("")), "HUGEINT")
    if aggregate == "avg":
        return binary(exp.IntDiv, summed(value), function("count", column("value")))
    if aggregate == "last":
        return function("arg_max", value, column("moment"))
    return function("max", value) if aggregate == "max" else summed(value)


def basis_of_metric(step: Step, records: str) -> Node:
    """Weights by day, partition and element from a metric's records."""
    assert step.metric is not None
    present = [is_present(column(name)) for name in step.destinations]
    candidate = select([exp.Star()], table(records), where=conjunction(scalar(step.basis), *present))
    values = [
        alias(column(name, "candidate"), element)
        for name, element in zip(step.destinations, _elements(step), strict=True)
    ]
    keys = ["day", "part", *_elements(step)]
    return create_table(
        "basis",
        select(
            [column("day", "candidate"), column("part", "wanted"), *values, alias(summed(column("value")), "weight")],
            subquery(candidate, "candidate"),
            joins=[join(subquery(_wanted_parts(step), "wanted"), on=_same_parts(step, step.metric_partition))],
            group=_positions(len(keys)),
        ),
    )


def given_elements(step: Step) -> Node:
    """The elements that the rule names, with their weights, numbered by name."""
    names = _elements(step)
    ordered = sorted(step.given)
    rows = []
    for place, (element, weight) in enumerate(ordered, start=1):
        parts = [alias(text(part), name) for part, name in zip(element, names, strict=True)]
        rows.append(select([*parts, alias(cast(number(weight), "HUGEINT"), "weight"), alias(number(place), "element")]))
    return create_table("elements", union_all(rows))


def found_elements(step: Step) -> Node:
    """The elements that occur in the basis, numbered by name."""
    names = _elements(step)
    inner = subquery(select(columns(names), table("basis"), distinct=True), "t")
    numbered = alias(over(function("row_number"), order=columns(names)), "element")
    return create_table("elements", select([numbered, *columns(names)], inner))


def weights(step: Step) -> Node:
    """(bucket, element, weight), 0 included, negative ones as they are."""
    crossed = select(
        [column("bucket"), column("element")], table("buckets"), joins=[join(table("elements"), kind="CROSS")]
    )  # fmt: skip
    if not step.needs_basis:
        crossed.select(column("weight"), copy=False)
        return create_table("weights", crossed)
    on_keys = ["part", *(["currency"] if step.by_currency else [])]
    value: Node = summed(column("weight", "basis"))
    if step.method == "even":
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
    elements = join(table("elements"), using=_elements(step))
    queries: list[Node] = [
        select(
            [column("bucket"), column("element"), alias(value.copy(), "weight")],
            table("buckets"),
            joins=[join(table("basis"), on=on), elements.copy()],
            group=_positions(2),
        )
        for on in (in_a_day, in_days)
    ]
    if not step.given:
        return create_table("weights", union_all(queries))
    crossed.select(alias(cast(number(0), "HUGEINT"), "weight"), copy=False)
    all_queries = subquery(union_all([*queries, crossed]), "w")
    return create_table(
        "weights",
        select(
            [column("bucket"), column("element"), alias(summed(column("weight")), "weight")],
            all_queries,
            group=_positions(2),
        ),
    )


def shares(step: Step) -> Node:
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
    instead = number(1) if step.on_empty == "even" else number(0)
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
    half = number(1 << (SHARE_BITS // 2))
    first = binary(exp.Mul, weight, half)
    quotient = binary(exp.IntDiv, first, column("whole"))
    rest = binary(exp.Mod, first.copy(), column("whole"))
    carried = binary(exp.Add, binary(exp.Mul, rest, half.copy()), binary(exp.IntDiv, column("whole"), number(2)))
    second = binary(exp.IntDiv, carried, column("whole"))
    return binary(exp.Add, binary(exp.Mul, quotient, half.copy()), second)


def split(step: Step, costs: int) -> Node:
    """The source rows of non-empty buckets, one row for each element."""
    group = [column("bucket"), *columns(("month", "day", "currency", "cluster"))]
    order = [column("place"), column("until")]
    keys = columns(("profile", "bucket", *KEYS))
    running: list[Node] = []
    for place in range(costs):
        upto = over(summed(column(f"c{place}")), partition=group, order=order, running=True)
        running.append(alias(cast(upto, "HUGEINT"), f"with{place}"))
    own = columns(f"c{place}" for place in range(costs))
    summed_up = subquery(select([*keys, *own, *running], subquery(_bucketed(step), "t")), "summed_up")
    halves: list[Node] = []
    for place in range(costs):
        upto = column(f"with{place}")
        before = paren(binary(exp.Sub, upto, column(f"c{place}")))
        halves += [*_halves(upto.copy(), f"with{place}"), *_halves(before, f"before{place}")]
    rows = subquery(select([*columns(("profile", "bucket", *KEYS)), *halves], summed_up), "source_rows")
    parts = [
        alias(binary(exp.Sub, paren(_slice(f"with{place}")), paren(_slice(f"before{place}"))), f"c{place}")
        for place in range(costs)
    ]
    return create_table(
        "split",
        select(
            [*columns(("profile", "element", *KEYS)), *parts], rows, joins=[join(table("shares"), using=["bucket"])]
        ),
    )


def _bucketed(step: Step) -> Node:
    keys = _bucket_keys(step)
    on = conjunction(*(equal(column(key, "taken"), column(key, "buckets")) for key in keys))
    return select(
        [exp.Column(this=exp.Star(), table=exp.Identifier(this="taken", quoted=True)), column("bucket")],
        table("taken"),
        joins=[join(table("buckets"), on=on)],
    )


def _halves(amount: Node, name: str) -> list[Node]:
    """An amount as its sign and the upper and lower bits of its size, so that no product passes 128 bits."""
    half = number(SHARE_BITS // 2)
    size = function("abs", amount)
    return [
        alias(cast(function("sign", amount.copy()), "HUGEINT"), f"{name} sign"),
        alias(binary(exp.BitwiseRightShift, size, half), f"{name} upper"),
        alias(binary(exp.BitwiseAnd, size.copy(), number((1 << (SHARE_BITS // 2)) - 1)), f"{name} lower"),
    ]


def _slice(name: str) -> Node:
    """F(amount, high) - F(amount, low)."""
    difference = binary(exp.Sub, _cut(name, "high"), _cut(name, "low"))
    return binary(exp.Mul, column(f"{name} sign"), difference)


def _cut(name: str, share: str) -> Node:
    """|amount| * share / 2^60 to the nearest, in two steps of 30 bits."""
    half = number(SHARE_BITS // 2)
    nearest = number(1 << (SHARE_BITS - 1))
    lower = binary(exp.Add, binary(exp.Mul, column(f"{name} lower"), column(share)), nearest)
    lower = binary(exp.BitwiseRightShift, lower, half)
    product = binary(exp.Add, binary(exp.Mul, column(f"{name} upper"), column(share)), lower)
    return paren(binary(exp.BitwiseRightShift, product, half.copy()))


def made_profiles(step: Step, slots: Sequence[str], first_free: int) -> Node:
    """For each source profile and element the profile its parts go to; equal ones are one."""
    pairs = subquery(select([column("profile"), column("element")], table("split"), distinct=True), "pairs")
    overwritten = dict(zip(step.into, _elements(step), strict=True))
    values = [
        alias(column(overwritten[slot], "elements"), slot) if slot in overwritten else column(slot, "profiles")
        for slot in slots
    ]
    path = alias(function("concat", column(PATH, "profiles"), text(f"{step.rule}{PATH_MARK}")), PATH)
    joined = select(
        [column("profile", "pairs"), column("element", "pairs"), *values, path],
        pairs,
        joins=[join(table("profiles"), on=equal(column("profile", "profiles"), column("profile", "pairs"))), join(table("elements"), on=equal(column("element", "elements"), column("element", "pairs")))],
    )  # fmt: skip
    rank = over(function("dense_rank"), order=[*columns(slots), column(PATH)])
    new = alias(binary(exp.Add, rank, number(first_free - 1)), "new_profile")
    return create_table("made", select([new, exp.Star()], subquery(joined, "joined")))


def insert_made_profiles(step: Step, slots: Sequence[str]) -> Node:
    values: list[Node] = [column("new_profile"), *columns(slots), column(PATH), number(step.number), null("INTEGER")]
    return insert("profiles", select(values, table("made"), distinct=True))


def insert_made_items(costs: int) -> Node:
    keys = ["new_profile", *KEYS]
    sums = [cast(summed(column(f"c{place}")), "HUGEINT") for place in range(costs)]
    return insert(
        "items",
        select(
            [*columns(keys), *sums],
            table("split"),
            joins=[join(table("made"), using=["profile", "element"])],
            group=_positions(len(keys)),
        ),
    )


def left_over(step: Step) -> Node:
    """Source rows whose bucket is empty."""
    served = subquery(select([column("bucket")], table("shares"), distinct=True), "served")
    return create_table(
        "left_over",
        select([exp.Star()], subquery(_bucketed(step), "t"), joins=[join(served, using=["bucket"], kind="ANTI")]),
    )


def insert_left_profiles(step: Step, slots: Sequence[str], first_free: int) -> list[Node]:
    """Profiles as they were, living on from this step."""
    stayed = select([column("profile")], table("left_over"), distinct=True)
    rank = over(function("row_number"), order=[column("profile")])
    renumbered = create_table(
        "stayed",
        select(
            [column("profile"), alias(binary(exp.Add, rank, number(first_free - 1)), "new_profile")],
            subquery(stayed, "t"),
        ),
    )
    values: list[Node] = [column("new_profile"), *columns(slots), column(PATH), number(step.number), null("INTEGER")]
    return [
        renumbered,
        insert("profiles", select(values, table("profiles"), joins=[join(table("stayed"), using=["profile"])])),
    ]


def insert_left_items(costs: int) -> Node:
    values = [column("new_profile"), *columns(KEYS), *columns(f"c{place}" for place in range(costs))]
    return insert("items", select(values, table("left_over"), joins=[join(table("stayed"), using=["profile"])]))


def taken_money(step: Step, cost_place: int) -> Node:
    """Per currency: cost taken, its part in a missing partition, its part in charges longer than their bucket's day."""
    amount = column(f"c{cost_place}")
    zero = cast(number(0), "HUGEINT")
    missing = [is_null(column(part)) for part in _parts(step)]
    is_partless: Node = truth(False)
    for each in missing:
        is_partless = exp.Or(this=is_partless, expression=each)
    parts = subquery(select([column("part"), alias(is_partless, "partless")], table("source"), distinct=True), "parts")
    is_long = binary(exp.LT, column("day"), column("until"))
    return select(
        [
            column("currency"),
            summed(amount),
            summed(case(column("partless"), amount.copy(), zero)),
            summed(case(is_long, amount.copy(), zero.copy())),
        ],
        table("taken"),
        joins=[join(parts, using=["part"])],
        group=_positions(1),
        order=_positions(1),
    )


def unbilled_elements(step: Step) -> Node:
    """Elements that get cost and that no charge of the bill has, by name."""
    names = _elements(step)
    served = subquery(select([column("element")], table("shares"), distinct=True), "served")
    billed = select(
        [alias(column(slot), name) for slot, name in zip(step.billed, names, strict=True)],
        table("profiles"),
        where=equal(column("made"), number(0)),
        distinct=True,
    )
    return select(
        columns(names),
        table("elements"),
        joins=[
            join(served, using=["element"], kind="SEMI"),
            join(subquery(billed, "billed"), using=names, kind="ANTI"),
        ],
        order=columns(names),
    )


def left_money(cost_place: int) -> Node:
    """(currency, cost that stayed because its bucket is empty, buckets)."""
    return select(
        [
            column("currency"),
            summed(column(f"c{cost_place}")),
            exp.Count(this=exp.Distinct(expressions=[column("bucket")])),
        ],
        table("left_over"),
        group=_positions(1),
        order=_positions(1),
    )


def count(name: str) -> Node:
    return select([function("count", exp.Star())], table(name))
