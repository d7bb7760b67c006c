"""How a property is tried on many examples: a few a turn, each turn from a seed of its own.

Invariant: which examples a turn draws depends on its number and the property's strategies alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, seed
from hypothesis import strategies as st

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
EXAMPLES_OF_CI = 100
EXAMPLES = int(os.environ.get("COSTOPS_EXAMPLES") or (5000 if THOROUGH else EXAMPLES_OF_CI))
"""Of each property."""
EXAMPLES_OF_A_TURN = 10
"""Hypothesis varies its first ten examples and mostly repeats parts of them later."""
FIRST_SEED = int(os.environ.get("COSTOPS_THOROUGH_SEED") or 0)

Property = Callable[..., None]


def turn_of(turn: int, *strategies: st.SearchStrategy[Any]) -> Callable[[Property], None]:
    """Tries a property on the examples of one turn."""

    def run(holds: Property) -> None:
        seed(turn)(given(*strategies)(holds))()

    return run


def in_turns(
    *strategies: st.SearchStrategy[Any], one_in: int = 1, at_most: int = 5_000
) -> Callable[[Property], Callable[[int], None]]:
    """A test of a property: a case for each turn, so that they run side by side and a seed can be run again.

    A property whose examples evaluate many rule sets is tried on `one_in` so many of the examples of others, and none
    on more than `at_most`.
    """

    def decorate(holds: Property) -> Callable[[int], None]:
        examples = min(EXAMPLES // one_in, at_most)
        turns = range(FIRST_SEED, FIRST_SEED + max(1, examples // EXAMPLES_OF_A_TURN))

        @pytest.mark.parametrize("turn", turns, ids="seed {}".format)
        def test(turn: int) -> None:
            turn_of(turn, *strategies)(holds)

        test.__name__, test.__doc__ = holds.__name__, holds.__doc__
        return test

    return decorate
