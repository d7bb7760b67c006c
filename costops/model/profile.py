"""Where the time of a command went.

Invariant: the seconds of the stages add up to those of the command; nothing of it decides an amount.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """The time that a stage, or the evaluation of a rule, took."""

    words: str
    """What was done, or the rule's id."""
    seconds: float
    engine_seconds: float
    """How much of it was in statements of the engine."""
    times: int
    """How often it was done."""
    parts: tuple[Spent, ...] = ()
    """What it was made of, such as rules, the slowest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How much of what was wanted an earlier run had kept."""

    what: str
    used: int
    wanted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The time of a command from the start of its process."""

    seconds: float
    engine_seconds: float
    statements: int
    """How many statements the engine ran."""
    stages: tuple[Spent, ...]
    """In the order in which they first began; the evaluation of all rules is one of them."""
    kept: tuple[Kept, ...]
