"""From one rule set's profiles to the next one's: lifetimes side by side, and which steps their difference touches.

Invariant: old lifetimes are in twice the numbers of the new steps, so that a step that is gone lies between two of
them; a profile that the new rule set does not have (yet) has no `made`, so that it is never alive.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.ir import PATH, Program, mark_of
from costops.engine.sql.cells import KEYS
from costops.engine.sql.profiles import EARLIER, FIXED, reported
from costops.engine.sql.scalar import scalar
from costops.engine.sql.shape import printed
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
    insert,
    is_null,
    is_present,
    join,
    listed,
    null,
    number,
    over,
    parameter,
    paren,
    same,
    select,
    subquery,
    summed,
    table,
)
from costops.model.expression import Expression

MADE, TAKEN = EARLIER
_WAS = "was "
"""Before the name of a slot of the rule set before."""


@printed
def times() -> Node:
    """The time of each step before: steps $1, times $2."""
    unnested = [alias(function("unnest", parameter(1)), "step"), alias(function("unnest", parameter(2)), "time")]
    return create_table("times", select(unnested))


@printed
def carried(
    values: tuple[str, ...], marks: tuple[str, ...], running: tuple[tuple[str, str], ...], old_values: tuple[str, ...]
) -> Node:
    """The profiles before with the new program's values; `running` are (new slot, slot before) of equal names."""
    before = dict(running)
    now = [
        alias(column(before[slot], "profiles") if slot in before else column(slot, "fixed"), slot) for slot in values
    ]
    marked = {mark_of(slot): mark_of(was) for slot, was in running}
    now += [alias(column(marked[each], "profiles") if each in marked else exp.false(), each) for each in marks]
    was = [alias(column(name, "profiles"), _WAS + name) for name in (*old_values, FIXED)]
    same_tuple = equal(column("tuple", "fixed"), column("tuple", "profiles"))
    joins = [join(table("fixed"), on=same_tuple), *_timed()]
    chosen = [*_kept_columns(), column(FIXED, "fixed"), *now, *was]
    return create_table("carried", select(chosen, table("profiles"), joins=joins))


@printed
def carried_alike(values: tuple[str, ...]) -> Node:
    """The profiles before, where the new program has the same slots."""
    chosen = [*_kept_columns(), *columns((FIXED, *values), "profiles")]
    return create_table("carried", select(chosen, table("profiles"), joins=_timed()))


def _kept_columns() -> list[Node]:
    own = columns(("profile", "tuple", PATH), "profiles")
    return [*own, alias(column("time", "made_at"), MADE), alias(column("time", "taken_at"), TAKEN)]


def _timed() -> list[Node]:
    return [
        join(
            table("times", name),
            on=equal(column("step", name), column(end, "profiles")),
            kind="LEFT",
        )
        for name, end in (("made_at", "made"), ("taken_at", "taken"))
    ]


@printed
def disordered(program: Program, old_values: tuple[str, ...]) -> Node:
    """Times of steps whose source the two programs put into different orders within a row of the ledger."""
    in_report = [name for _, name in program.report if name in program.values]
    group = columns((TAKEN, *in_report, PATH))
    ranks = [
        alias(over(function("row_number"), partition=group, order=columns((*names, "profile"))), name)
        for name, names in (
            ("then", [_WAS + each for each in (*old_values, FIXED)]),
            ("now", [*program.values, FIXED]),
        )
    ]
    ranked = select([column(TAKEN), *ranks], table("carried"), where=is_present(column(TAKEN)))
    differ = binary(exp.NEQ, column("then"), column("now"))
    return select([column(TAKEN)], subquery(ranked, "ranked"), where=differ, distinct=True, order=[column(TAKEN)])


@printed
def moved_profiles(values: tuple[str, ...]) -> Node:
    """The profiles as the new rule set begins: what steps did that are still there and not among $1."""
    own: list[Node] = [
        *columns(("profile", "tuple", FIXED, *values, PATH)),
        *(alias(case(_stays(column(end)), _step_at(column(end)), null("INTEGER")), name) for end, name in _ENDS),
        *columns(EARLIER),
    ]
    return create_table("profiles", select(own, table("carried")))


_ENDS = ((MADE, "made"), (TAKEN, "taken"))


def _stays(time: Node) -> Node:
    is_there = equal(binary(exp.Mod, time, number(2)), number(0))
    return conjunction(is_there, exp.Not(this=function("list_contains", parameter(1), _step_at(time.copy()))))


def _step_at(time: Node) -> Node:
    return binary(exp.IntDiv, time, number(2))


@printed
def candidates(conditions: tuple[tuple[int, Expression], ...]) -> Node:
    """`candidates`: for each tuple the numbers of the conditions, over truth values, that hold for it."""
    found = [case(scalar(condition), number(part), null("INTEGER")) for part, condition in conditions]
    return create_table("candidates", select([column("tuple"), alias(listed(found), "parts")], table("fixed")))


@printed
def reach() -> Node:
    """Each distinct list of `candidates`."""
    return select([column("parts")], table("candidates"), distinct=True, order=[column("parts")])


@printed
def differing_profiles(values: tuple[str, ...], only_some: bool) -> Node:
    """(profile, made and taken before and now, its `candidates`, values) of what differs, all or by the steps $1."""
    lives = columns(("profile", MADE, TAKEN, "made", "taken", "parts"))
    where = _differ()
    if only_some:
        steps = [column("made"), column("taken"), *(_step_at(column(name)) for name in EARLIER)]
        by_step = (function("list_contains", parameter(1), each) for each in steps)
        where = conjunction(where, paren(disjunction(*(function("coalesce", each, exp.false()) for each in by_step))))
    return select(
        [*lives, *columns(values)], table("profiles"), joins=[join(table("candidates"), using=["tuple"])], where=where
    )


@printed
def parts_that_differ() -> Node:
    """Each part that may hold for a profile that differs."""
    differing_tuples = subquery(select([column("tuple")], table("profiles"), where=_differ()), "differing_tuples")
    near = select(
        [alias(function("unnest", column("parts")), "part")],
        table("candidates"),
        joins=[join(differing_tuples, using=["tuple"], kind="SEMI")],
    )
    return select([column("part")], subquery(near, "near"), distinct=True)


def _differ() -> Node:
    """Whether a profile's lives in the two rule sets differ."""
    then_and_now = (
        exp.NullSafeNEQ(this=column(old), expression=paren(binary(exp.Mul, column(new), number(2))))
        for old, new in _ENDS
    )
    return paren(disjunction(*then_and_now))


@printed
def differing() -> Node:
    """`differing`: profiles that live in the end of one of the two rule sets alone, with 1 for the new one, else -1."""
    was = conjunction(is_present(column(MADE)), is_null(column(TAKEN)))
    lives = conjunction(is_present(column("made")), is_null(column("taken")))
    sign = case(lives, number(1), number(-1))
    values = [column("profile"), alias(sign, "sign")]
    return create_table("differing", select(values, table("profiles"), where=binary(exp.NEQ, was, lives.copy())))


@printed
def difference(costs: int) -> Node:
    """(month, day, currency) where the differing profiles do not add up to 0 in every cost column."""
    differs: Node = exp.false()
    for place in range(costs):
        amount = summed(binary(exp.Mul, column("sign"), column(f"c{place}")))
        differs = exp.Or(this=differs, expression=binary(exp.NEQ, amount, number(0)))
    keys = columns((*KEYS[:2], "currency"))
    return select(
        keys,
        table("items"),
        joins=[join(table("differing"), using=["profile"])],
        group=[number(1), number(2), number(3)],
        having=differs,
        order=[number(1), number(2), number(3)],
    ).limit(1)


@printed
def drop_gone() -> Node:
    """Takes away the profiles that the new rule set does not have."""
    return exp.Delete(this=table("profiles"), where=exp.Where(this=is_null(column("made"))))


@printed
def no_changed_places(width: int) -> Node:
    """`changed_places`, still empty: places of the ledger, as profiles have them."""
    values = [*(alias(null(), f"d{place}") for place in range(width)), alias(null(), PATH)]
    return create_table("changed_places", select(values, where=exp.false()))


@printed
def more_changed_places(program: Program) -> Node:
    """The places of the differing profiles."""
    names = [*(f"d{place}" for place in range(len(program.report))), PATH]
    places = select(
        columns(names),
        subquery(reported(program), "reported"),
        joins=[join(table("differing"), using=["profile"], kind="SEMI")],
        distinct=True,
    )
    there = conjunction(*(same(column(name, "before"), column(name, "found")) for name in names))
    before = join(table("changed_places", "before"), on=there, kind="ANTI")
    return insert("changed_places", select(columns(names, "found"), subquery(places, "found"), joins=[before]))
