"""What tests of the rule language share: text in, rules and diagnostics out."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from costops.language.bind import Collected, bind_file
from costops.language.check import check
from costops.language.read import read_text
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.rules import RuleSet

Bind = Callable[[str], tuple[RuleSet, tuple[Diagnostic, ...]]]
Problems = Callable[..., list[tuple[str, str]]]


def _bind(text: str) -> tuple[RuleSet, tuple[Diagnostic, ...]]:
    read = read_text("rules/a.yaml", dedent(text))
    collected = Collected()
    collected.problems.add(read.diagnostics)
    if read.node is not None:
        bind_file(read.node, read.text, collected)
    return collected.rules(), collected.problems.found()


def _problems(
    text: str,
    *,
    report: tuple[str, ...] = (),
    known: frozenset[str] | None = None,
    sources: frozenset[str] | None = None,
) -> list[tuple[str, str]]:
    read = read_text("rules/a.yaml", dedent(text))
    collected = Collected()
    assert read.node is not None
    bind_file(read.node, read.text, collected)
    found = check(
        collected.rules(),
        report=report,
        known_columns=known,
        metric_sources=sources,
        broken=frozenset(collected.broken),
        complete=collected.complete,
    )
    every = in_order([*collected.problems.found(), *found])
    return [
        (f"{each.span.line}:{each.span.column}" if each.span else "", f"{each.code} {each.message}") for each in every
    ]


@pytest.fixture
def bind() -> Bind:
    """Binds one file; gives its rules and the binder's diagnostics."""
    return _bind


@pytest.fixture
def problems() -> Problems:
    """Binds and checks one file; gives (line:column, code and message) of every problem."""
    return _problems
