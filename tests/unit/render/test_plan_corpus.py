"""Every hostile text of the corpus in every place of a plan, in every rendering: nothing of it is live."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cli.injection_corpus import CORPUS, Allowed, nothing_live, structure
from unit.render.golden.plans import APART, CAUSES, plan

from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.plan import (
    BillDrift,
    Change,
    CheckResult,
    Coverage,
    Delta,
    ElementCost,
    FieldChange,
    MoneyLine,
    Moved,
    Plan,
)
from costops.model.version import Base
from costops.render.plan_json import plan_json
from costops.render.plan_markdown import plan_markdown
from costops.render.plan_text import plan_text

HARMLESS = "harmless"
OURS = frozenset({"<details>", "</details>", "<summary>", "</summary>"})
PLACES = {"causes": CAUSES, "apart": APART}


def everywhere(made: Plan, text: str) -> Plan:
    """The plan with a stranger's text wherever one can stand."""
    changes = tuple(_change(each, text) for each in made.changes)
    return replace(
        made,
        base=Base(version=12, serial=14, lineage=text),
        base_label=text,
        target_label=text,
        compared_with=None,
        changes=changes,
        bill_money=_lines(made.bill_money, text),
        metric_money=_lines(made.metric_money, text),
        bill_drift=tuple(
            BillDrift(text if each.provider else None, each.month, text, each.currency, each.before, each.after)
            for each in made.bill_drift
        ),
        moved=tuple(Moved(each.dimension, each.currency, each.amount) for each in made.moved),
        unallocated=tuple(
            Coverage(each.dimension, each.currency, each.before, each.before_total, each.after, each.after_total)
            for each in made.unallocated
        ),
        result=tuple(_cost(each, text) for each in made.result),
        reason=text if made.reason is not None else None,
        checks=tuple(
            CheckResult(
                check=text,
                severity=each.severity,
                status=each.status,
                message=text,
                line=each.line,
                reason=text if each.reason is not None else None,
                until=each.until,
            )
            for each in made.checks
        ),
        diagnostics=(_warning(text),),
        engine=text,
    )


def _warning(text: str) -> Diagnostic:
    span = Span(text, 3, 1, 3, 2)
    return Diagnostic(
        code="CO801", severity=Severity.WARNING, message=text, span=span, hint=text, related=((span, text),)
    )


def _change(change: Change, text: str) -> Change:
    return replace(
        change,
        id=text,
        file=text,
        fields=(FieldChange(text, text, [text, {text: text}]),),
        money=_lines(change.money, text),
        causes=tuple(
            replace(
                each,
                rule=text if each.rule is not None else None,
                money=tuple(_delta(delta, text) for delta in each.money),
            )
            for each in change.causes
        ),
    )


def _value(value: str | None, text: str) -> str | None:
    return None if value is None else f"{text} {value}"


def _lines(lines: tuple[MoneyLine, ...], text: str) -> tuple[MoneyLine, ...]:
    return tuple(replace(each, value=_value(each.value, text)) for each in lines)


def _delta(delta: Delta, text: str) -> Delta:
    return replace(delta, value=_value(delta.value, text))


def _cost(cost: ElementCost, text: str) -> ElementCost:
    return replace(cost, value=_value(cost.value, text))


@pytest.mark.parametrize("name", sorted(PLACES))
def test_nothing_of_the_corpus_is_live_in_a_comment(name: str) -> None:
    assert len(set(CORPUS)) >= 200
    expected = structure(plan_markdown(everywhere(PLACES[name], HARMLESS)))
    found = {}
    for text in CORPUS:
        written = plan_markdown(everywhere(PLACES[name], text))
        live = nothing_live(written, "markdown", Allowed(html=OURS, structure=expected))
        if live:
            found[text] = live[:3]
    assert found == {}


@pytest.mark.parametrize("name", sorted(PLACES))
def test_nothing_of_the_corpus_is_live_in_text_and_json(name: str) -> None:
    found = {}
    for text in CORPUS:
        made = everywhere(PLACES[name], text)
        document = plan_json(made)
        live = nothing_live(plan_text(made), "text") + nothing_live(document, "json")
        if live or json.loads(document)["changes"][0]["id"] != text:
            found[text] = live[:3]
    assert found == {}


def test_a_plan_without_strangers_has_the_structure_that_others_are_held_against() -> None:
    assert "table_open" in structure(plan_markdown(plan(changes=CAUSES.changes)))
