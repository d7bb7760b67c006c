"""Plans out of their documents: nothing is lost, and nothing that a plan would not say is taken."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from unit.render.golden.plans import CHANGE, EXAMPLES, FIRST, plan

from costops.model.bill import SourceFile
from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.plan import (
    BillDrift,
    Cause,
    Change,
    CheckResult,
    Coverage,
    Delta,
    ElementCost,
    FieldChange,
    FrozenMonth,
    MoneyLine,
    Moved,
    Plan,
    RestatedMonth,
    Total,
)
from costops.model.version import Base, BillSummary, RuleRevision
from costops.planning.document import NotAPlanError, first_difference, plan_of_document
from costops.render.plan_json import document_digest, plan_document, plan_json
from costops.render.plan_text import plan_text


def read_back(document: Any) -> Any:
    """A document as a file would give it."""
    return json.loads(json.dumps(document))


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_plan_comes_back_from_its_document(name: str) -> None:
    found = plan_of_document(json.loads(plan_json(EXAMPLES[name])))
    assert plan_json(found) == plan_json(EXAMPLES[name])
    assert plan_text(found) == plan_text(EXAMPLES[name])
    assert found == replace(EXAMPLES[name], ledger=None)


texts = st.text(st.characters(exclude_categories=()), max_size=8)
amounts = st.integers(-(10**30), 10**30)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
dimensions = st.sampled_from(["env", "team", "odd\x1b[2J dimension"])
currencies = st.sampled_from(["USD", "JPY", ""])
values = st.none() | texts
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
money_lines = st.builds(MoneyLine, dimensions, values, currencies, amounts, amounts)
moved = st.builds(Moved, dimensions, currencies, amounts)
totals = st.builds(Total, currencies, texts, amounts, amounts)
numbers = st.integers(0, 10**6)
spans = st.builds(Span, texts, numbers, numbers, numbers, numbers)
files = st.builds(SourceFile, texts, texts, digests)
months = st.sampled_from(["2026-07", "2026-08"])


def few(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(strategy, max_size=2).map(tuple)


changes = st.builds(
    Change,
    action=st.sampled_from(["add", "change", "remove", "move", "rename"]),
    kind=st.sampled_from(["lookup", "label", "dimension", "metric", "allocation", "settings"]),
    id=texts,
    previous_id=values,
    file=texts,
    line=numbers,
    fields=few(st.builds(FieldChange, texts, json_values, json_values)),
    money=few(money_lines),
    moved=few(moved),
    joined_with=values,
    causes=few(
        st.builds(
            Cause,
            st.sampled_from(["rule", "order", "upstream"]),
            values,
            few(st.builds(Delta, dimensions, values, currencies, amounts)),
        )
    ),
)
checks = st.builds(
    CheckResult,
    check=texts,
    severity=st.sampled_from(["error", "warn"]),
    status=st.sampled_from(["passed", "failed", "overridden"]),
    message=texts,
    line=numbers,
    reason=values,
    until=values,
)
diagnostics = st.builds(
    Diagnostic,
    code=texts,
    severity=st.sampled_from(Severity),
    message=texts,
    span=st.none() | spans,
    hint=values,
    related=few(st.tuples(spans, texts)),
)
rules = st.builds(
    RuleRevision,
    kind=texts,
    id=texts,
    canonical=st.dictionaries(texts, json_values, max_size=3).map(
        lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    ),
    text=st.just(""),
    file=texts,
    line=numbers,
)
plans = st.builds(
    Plan,
    base=st.builds(Base, version=st.none() | numbers, serial=numbers, lineage=values),
    base_label=texts,
    target_label=texts,
    rules=few(rules),
    rules_digest=digests,
    settings=st.dictionaries(texts, json_values, max_size=3).map(
        lambda value: json.dumps(value, ensure_ascii=False, sort_keys=True)
    ),
    metrics_digest=digests,
    metric_files=few(files),
    bill=st.builds(
        BillSummary,
        digest=digests,
        rows=numbers,
        first_month=months | st.just(""),
        last_month=months | st.just(""),
    ),
    bill_files=few(files),
    engine=texts,
    cost=texts,
    dimensions=few(dimensions),
    changes=few(changes),
    bill_changes=st.booleans(),
    metric_changes=st.booleans(),
    bill_money=few(money_lines),
    bill_totals=few(totals),
    totals=few(totals),
    moved=few(moved),
    unallocated=few(st.builds(Coverage, dimensions, currencies, amounts, amounts, amounts, amounts)),
    result=few(st.builds(ElementCost, dimensions, values, currencies, amounts)),
    bill_drift=few(st.builds(BillDrift, values, months, texts, currencies, amounts, amounts)),
    restated_money=few(money_lines),
    metric_money=few(money_lines),
    frozen=few(st.builds(FrozenMonth, months, st.sampled_from(["missing", "closed", "older"]), few(money_lines))),
    restated=few(st.builds(RestatedMonth, months, few(totals), few(money_lines))),
    reason=values,
    compared_with=values,
    checks=few(checks),
    diagnostics=few(diagnostics),
    ledger=st.none(),
    result_digest=digests,
    plan_digest=digests,
    writes=st.booleans(),
)


@settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans)
def test_any_plan_comes_back_from_its_document(drawn: Plan) -> None:
    document = json.loads(plan_json(drawn))
    found = plan_of_document(document)
    assert found == drawn
    assert plan_document(found) == document


# What is refused


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, each in value.items():
            yield from places(each, (*path, key))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from places(each, (*path, number))


def changed(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    other = copy.deepcopy(document)
    inner = other
    for part in path[:-1]:
        inner = inner[part]
    inner[path[-1]] = value
    return with_digest(other)


def with_digest(document: Any) -> Any:
    return {**document, "document_digest": document_digest(document)}


FREE = {"before", "after", "rule", "settings"}
"""Values of rules and settings may be any JSON; their digests say whether they are what they were."""


def is_free(path: tuple[str | int, ...]) -> bool:
    return any(part == "fields" for part in path) or bool(FREE & {path[0]}) or "rule" in path


@pytest.mark.parametrize("name", ["first", "change", "bill"])
@pytest.mark.parametrize("value", [3.5, -1, {}, ["x"], True], ids=str)
def test_a_value_of_another_kind_is_refused_wherever_it_stands(name: str, value: Any) -> None:
    document = read_back(plan_document(EXAMPLES[name]))
    taken = []
    for path in places(document):
        if is_free(path) or path == ("document_digest",):
            continue
        other = changed(document, path, value)
        try:
            plan_of_document(other)
        except NotAPlanError:
            continue
        if document_at(document, path) != value:
            taken.append(path)
    # Flags are the only place where true is at home, and empty lists of texts where any list of texts is.
    at_home = {(True,): {("bill_changes",), ("metric_changes",), ("writes",)}, (("x",),): {("report",)}}
    key = (True,) if value is True else (tuple(value),) if isinstance(value, list) else ()
    assert set(taken) <= at_home.get(key, set())


def document_at(document: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        document = document[part]
    return document


@pytest.mark.parametrize("name", ["first", "change", "bill"])
def test_a_document_without_one_of_its_keys_is_refused(name: str) -> None:
    document = read_back(plan_document(EXAMPLES[name]))
    for path in places(document):
        if is_free(path) or not isinstance(path[-1], str):
            continue
        other = copy.deepcopy(document)
        inner = document_at(other, path[:-1])
        del inner[path[-1]]
        with pytest.raises(NotAPlanError, match=str(path[-1])):
            plan_of_document(with_digest(other) if path != ("document_digest",) else other)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("changes", 0, "money", 0, "delta"), "1", "changes[0].money[0].delta is not what its other values give"),
        (("changes", 0, "money", 0, "after"), "01", "changes[0].money[0].after is not what its other values give"),
        (("changes", 0, "money", 0, "after"), "1e3", "changes[0].money[0].after is no decimal amount"),
        (("changes", 0, "money", 0, "after"), "1.0000000000001", "changes[0].money[0].after is no decimal amount"),
        (("changes", 0, "money", 0, "after"), "NaN", "changes[0].money[0].after is no decimal amount"),
        (("changes", 0, "money", 0, "after"), "9" * 50, "changes[0].money[0].after is no decimal amount"),
        (("changes", 0, "action"), "replace", "changes[0].action is no add, change, remove, move or rename"),
        (("changes", 0, "kind"), "rule\x1b[2J", "changes[0].kind is no lookup, label, dimension, metric, "),
        (("changes", 0, "line"), -1, "changes[0].line is no whole number"),
        (("bill", "digest"), "b" * 63, "bill.digest is no digest"),
        (("bill", "from"), "2026", "bill.from is no billing month"),
        (("frozen",), ["soon"], "frozen[0] is no JSON object"),
        (("totals", 0, "difference"), "0.01", "totals[0].difference is not what its other values give"),
        (("rule_changes",), False, "rule_changes is not what its other values give"),
        (("extra",), 1, "extra is not what its other values give"),
        (("changes", 0, "extra"), 1, "changes[0].extra is not what its other values give"),
        (("rules", 0, "rule"), [], "rules[0].rule is no JSON object"),
        (("format_version",), "1.1", "format_version is not what its other values give"),
        (("checks",), [{}], "checks[0].check is missing"),
    ],
)
def test_what_is_refused_is_named_by_its_place(path: tuple[str | int, ...], value: Any, told: str) -> None:
    with pytest.raises(NotAPlanError) as caught:
        plan_of_document(changed(read_back(plan_document(CHANGE)), path, value))
    assert told in str(caught.value)


def test_a_rule_that_is_nested_too_deeply_is_refused() -> None:
    value: Any = "x"
    for _ in range(200):
        value = [value]
    document = changed(read_back(plan_document(CHANGE)), ("rules", 0, "rule"), {"id": value})
    with pytest.raises(NotAPlanError, match=r"rules\[0\].rule is no value of at most 100 levels"):
        plan_of_document(document)


@pytest.mark.parametrize("document", [None, [], "plan", 3])
def test_what_is_no_object_is_refused(document: Any) -> None:
    with pytest.raises(NotAPlanError, match="the document is no JSON object"):
        plan_of_document(document)


def test_the_document_digest_covers_every_other_key_and_no_layout() -> None:
    document = read_back(plan_document(FIRST))
    assert document_digest(json.loads(json.dumps(document, indent=7, sort_keys=True))) == document["document_digest"]
    for key in document:
        if key != "document_digest":
            assert document_digest({**document, key: "other"}) != document["document_digest"], key


def test_the_first_difference_is_found_at_its_place() -> None:
    one = {"a": [1, {"b": "x"}], "c": 1}
    assert first_difference(one, copy.deepcopy(one)) is None
    assert first_difference(one, {"a": [1, {"b": "y"}], "c": 1}) == "a[1].b"
    assert first_difference(one, {"a": [1], "c": 1}) == "a"
    assert first_difference(one, {**one, "d": 1}) == "d"
    assert first_difference({"c": 1}, {"c": True}) == "c"
    assert first_difference({"c": None}, {}) == "c"


def test_a_plan_of_nothing_comes_back_too() -> None:
    bare = plan(totals=(), bill=BillSummary(digest="b" * 64, rows=0, first_month="", last_month=""))
    assert plan_of_document(read_back(plan_document(bare))) == bare
