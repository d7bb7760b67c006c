"""Lookup tables in the engine: one table of keys and values each, asked by a query in the place of the value.

Invariant: the engine turns such a query into one join, so that a lookup costs one pass over the distinct texts however
large the table is; its columns have names that no other relation has, so that nothing outside can be taken for them.
"""

from __future__ import annotations

from sqlglot import exp

from costops.engine.sql.syntax import (
    Node,
    alias,
    cast,
    column,
    create_table,
    equal,
    function,
    parameter,
    select,
    table,
)

_KEY, _VALUE = "lookup_key", "lookup_value"


def lookup_table(name: str) -> Node:
    """A table of two lists of texts given when it runs: the keys, each once, and their values."""
    values: list[Node] = [
        alias(function("unnest", cast(parameter(place), "VARCHAR[]")), each) for place, each in ((1, _KEY), (2, _VALUE))
    ]
    return create_table(name, select(values))


def looked_up(value: Node, name: Node) -> Node:
    """The value of a table's row with that key; null where there is none. `name` is the table's, as a text."""
    source = str(name.this)
    is_row = equal(column(_KEY, source), value)
    return exp.Subquery(this=select([column(_VALUE, source)], table(source), where=is_row))
