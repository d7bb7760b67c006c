"""What the queries of a step depend on besides its own conditions: few values, so that most queries are printed once.

Invariant: two steps of equal shape get the same text from every `printed` query that takes the shape alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, wraps
from typing import ParamSpec
from typing import cast as cast_type

from sqlglot import exp

from costops.engine.ir import Step
from costops.engine.sql.syntax import (
    Node,
    binary,
    column,
    conjunction,
    disjunction,
    equal,
    is_null,
    join,
    number,
    paren,
    select,
    table,
    text_of,
)
from costops.model.expression import Expression
from costops.model.rules import Cutoff, Method


@dataclass(frozen=True, slots=True)
class Shape:
    """The parts of a step that decide how its queries look."""

    granularity: str
    by_currency: bool
    partitions: int
    elements: int
    is_even: bool
    has_given: bool
    needs_basis: bool
    even_if_empty: bool
    negative: str
    cutoff: Cutoff | None
    several_metrics: bool
    """Whether weights are sums of rounded shares, so that equal ones may differ in their last bits."""
    effective: tuple[str | None, str | None]
    looks_back: bool
    """Whether an empty bucket takes the shares of an earlier one."""


def shape_of(step: Step) -> Shape:
    """The shape of a step."""
    return Shape(
        granularity=step.granularity,
        by_currency=step.by_currency,
        partitions=len(step.partition),
        elements=len(step.into),
        is_even=step.method is Method.EVEN,
        has_given=bool(step.given),
        needs_basis=step.needs_basis,
        even_if_empty=step.on_empty == "even",
        negative=step.negative,
        cutoff=step.cutoff,
        several_metrics=len(step.metrics) > 1,
        effective=step.effective,
        looks_back=step.on_empty == "previous",
    )


Arguments = ParamSpec("Arguments")


def printed(build: Callable[Arguments, Node]) -> Callable[Arguments, str]:
    """`build`, giving text, and the same text again without building for arguments seen before."""

    @lru_cache(maxsize=2_000)
    @wraps(build)
    def text(*arguments: Arguments.args, **keywords: Arguments.kwargs) -> str:
        return text_of(build(*arguments, **keywords))

    return cast_type("Callable[Arguments, str]", text)


def positions(count: int) -> list[Node]:
    return [number(place + 1) for place in range(count)]


def part_names(shape: Shape) -> list[str]:
    return [f"p{place}" for place in range(shape.partitions)]


def element_names(shape: Shape) -> list[str]:
    return [f"e{place}" for place in range(shape.elements)]


def bucket_keys(shape: Shape) -> list[str]:
    # What came before depends on the whole period, of which `effective` may leave a part.
    whole = ["whole_first", "whole_last"] if shape.looks_back else []
    return ["first", "last", *whole, *part_keys(shape)]


Conditions = tuple[tuple[int, Expression], ...]
"""(number of a step, its condition) of steps that run together."""


def part_keys(shape: Shape) -> list[str]:
    """What a bucket shares with the days of its basis, beside the days themselves; a part is of one step alone."""
    return ["part", *(["currency"] if shape.by_currency else [])]


def alive_before(step: int, *, with_own: bool = False) -> Node:
    """Whether a profile is there when a step begins; with `with_own` what the step itself has taken by now too.

    Steps run in another order than they have where they cannot feed one another, so that later ones may be done.
    """
    behind = exp.GTE if with_own else exp.GT
    untaken = paren(disjunction(is_null(column("taken")), binary(behind, column("taken"), number(step))))
    return conjunction(binary(exp.LT, column("made"), number(step)), untaken)


def bucketed(shape: Shape) -> Node:
    keys = bucket_keys(shape)
    on = conjunction(*(equal(column(key, "taken"), column(key, "buckets")) for key in keys))
    return select(
        [exp.Column(this=exp.Star(), table=exp.Identifier(this="taken", quoted=True)), column("bucket")],
        table("taken"),
        joins=[join(table("buckets"), on=on)],
    )
