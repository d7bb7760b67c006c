"""A running ledger to and from a file of the engine's own.

Invariant: what is read back is what was written, to the last digit: the engine's own format keeps its 128-bit integers.
"""

from __future__ import annotations

from pathlib import Path

from sqlglot import exp

from costops.engine.ir import PATH
from costops.engine.sql.cells import KEYS
from costops.engine.sql.profiles import EARLIER, FIXED, OWN_ITEMS
from costops.engine.sql.syntax import (
    Node,
    alias,
    column,
    columns,
    create_table,
    identifier,
    join,
    null,
    parameter,
    select,
    star,
    subquery,
    table,
    text,
)

KEPT = "kept"
"""The name under which a file that is read is attached."""
KEEPING = "keeping"
"""The name under which a file that is written is attached."""


def attach(path: Path, name: str, *, writing: bool = False) -> Node:
    options = [] if writing else [exp.AttachOption(this=exp.Var(this="READ_ONLY"))]
    return exp.Attach(this=exp.alias_(text(str(path)), name, quoted=True), expressions=options)


def detach(name: str) -> Node:
    return exp.Detach(this=identifier(name))


def _in_file(file: str, name: str) -> exp.Table:
    return exp.table_(name, db=file, quoted=True)


def _written(name: str, query: Node) -> Node:
    return exp.Create(this=_in_file(KEEPING, name), kind="TABLE", expression=query)


def write_note() -> Node:
    return _written("note", select([alias(parameter(1), "note")]))


def read_note() -> Node:
    return select([column("note")], _in_file(KEPT, "note"))


def write_profiles(values: tuple[str, ...]) -> Node:
    return _written("profiles", select(columns(_own(values)), table("profiles")))


def _own(values: tuple[str, ...]) -> list[str]:
    return ["profile", "tuple", FIXED, *values, PATH, "made", "taken"]


def write_of_profiles(name: str) -> Node:
    """A table with rows for profiles, without those of profiles that are gone."""
    there = subquery(select([column("profile")], table("profiles")), "there")
    return _written(name, select([star()], table(name), joins=[join(there, using=["profile"], kind="SEMI")]))


def write_digests() -> Node:
    return _written("place_digests", select([star()], table("place_digests")))


def read_profiles(values: tuple[str, ...]) -> Node:
    chosen = [*columns(_own(values)), *(alias(null("INTEGER"), name) for name in EARLIER)]
    return create_table("profiles", select(chosen, _in_file(KEPT, "profiles")))


def read_table(name: str) -> Node:
    return create_table(name, select([star()], _in_file(KEPT, name)))


def no_items(costs: int) -> Node:
    """An empty table for the items that are made from now on."""
    values = columns(("profile", *KEYS, *(f"c{place}" for place in range(costs))))
    return create_table(OWN_ITEMS, select(values, _in_file(KEPT, "items"), where=exp.false()))
