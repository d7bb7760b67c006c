"""From one rule set's profiles to the next one's: lifetimes side by side, and which steps their difference touches.

Invariant: old lifetimes are in twice the numbers of the new steps, so that a step that is gone lies between two of
them; a profile that the new rule set does not have (yet) has no `made` and is taken by step 0, so that it is not alive.
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
    null,
    number,
    over,
    parameter,
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
    """The profiles as the new rule set begins: those of the bill alone."""
    is_first = equal(column(MADE), number(0))
    own: list[Node] = [
        *columns(("profile", "tuple", FIXED, *values, PATH)),
        alias(case(is_first, number(0), null("INTEGER")), "made"),
        alias(case(is_first.copy(), null("INTEGER"), number(0)), "taken"),
        *columns(EARLIER),
    ]
    return create_table("profiles", select(own, table("carried")))


@printed
def candidates(conditions: tuple[tuple[int, Expression], ...]) -> Node:
    """`candidates`: for each tuple the numbers of the conditions, over truth values, that hold for it."""
    found = [case(scalar(condition), number(part), null("INTEGER")) for part, condition in conditions]
    it = exp.Identifier(this="part", quoted=False)
    there = exp.Lambda(this=is_present(exp.Column(this=it.copy())), expressions=[it], colon=True)
    parts = alias(function("list_filter", exp.Array(expressions=found), there), "parts")
    return create_table("candidates", select([column("tuple"), parts], table("fixed")))


@printed
def differing_since(values: tuple[str, ...]) -> Node:
    """(profile, made and taken before and now, its `candidates`, values, path) of what differs since step $1."""
    lives = columns(("profile", MADE, TAKEN, "made", "taken", "parts"))
    return select(
        [*lives, *columns((*values, PATH))],
        table("profiles"),
        joins=[join(table("candidates"), using=["tuple"])],
        where=_differs_since(),
    )


def _differs_since() -> Node:
    time = binary(exp.Mul, number(2), parameter(1))
    made = disjunction(equal(column(MADE), time), equal(column("made"), parameter(1)))
    was_taken = function("coalesce", equal(column(TAKEN), time.copy()), exp.false())
    is_taken = function("coalesce", equal(column("taken"), parameter(1)), exp.false())
    since_step = disjunction(made, binary(exp.NEQ, was_taken, is_taken))
    gone = disjunction(*(equal(binary(exp.Mod, column(name), number(2)), number(1)) for name in EARLIER))
    # Step 0 is none: what differs from the beginning is what a step that is gone has made or taken.
    return case(equal(parameter(1), number(0)), gone, since_step)


@printed
def advance() -> Node:
    """Steps $1 to $2 did what they did before."""
    made, taken = (_in_steps(column(name)) for name in EARLIER)
    half_made, half_taken = (binary(exp.IntDiv, column(name), number(2)) for name in EARLIER)
    return exp.Update(
        this=table("profiles"),
        expressions=[
            exp.EQ(this=column("made"), expression=case(made.copy(), half_made, column("made"))),
            exp.EQ(
                this=column("taken"),
                expression=case(taken, half_taken, made.copy(), null("INTEGER"), column("taken")),
            ),
        ],
        where=exp.Where(this=disjunction(made, taken.copy())),
    )


def _in_steps(time: Node) -> Node:
    first, last = (binary(exp.Mul, number(2), parameter(place)) for place in (1, 2))
    even = equal(binary(exp.Mod, time.copy(), number(2)), number(0))
    within = conjunction(binary(exp.GTE, time.copy(), first), binary(exp.LTE, time, last), even)
    return function("coalesce", within, exp.false())


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
