"""A plan out of its document.

Invariant: what is accepted gives the very same document again, so nothing in a file is guessed, dropped or repaired.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeVar

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
    Json,
    MoneyLine,
    Moved,
    Plan,
    RestatedMonth,
    Total,
)
from costops.model.version import Base, BillSummary, RuleRevision
from costops.money import parse_picos
from costops.render.plan_json import DOCUMENT_DIGEST, document_digest, plan_document

ACTIONS = ("add", "change", "remove", "move", "rename")
CAUSES = ("rule", "order", "upstream")
FROZEN = ("missing", "closed", "older")
STATUSES = ("passed", "failed", "overridden")
SEVERITIES = ("error", "warn")
KINDS = ("lookup", "label", "dimension", "metric", "allocation", "settings")
DEEPEST = 100
"""How many levels a rule's own JSON may have."""

Read = TypeVar("Read")

_AMOUNT = re.compile(r"-?\d{1,40}(\.\d{1,12})?", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)
_MONTH = re.compile(r"\d{4}-\d{2}", re.ASCII)


class NotAPlanError(ValueError):
    """A value of the document is missing or is not what a plan has there; the text names its place."""


def plan_of_document(document: Any) -> Plan:
    """The plan that a document of `plan_document` was made from, without its ledger and the texts of its rules.

    Raises NotAPlanError for anything else.
    """
    plan = _plan(_Object(document, ""))
    made = plan_document(plan)
    # The digests tell the same sooner, and know true from 1.
    if not made[DOCUMENT_DIGEST] == document.get(DOCUMENT_DIGEST) == document_digest(document):
        raise NotAPlanError(f"{first_difference(made, document)} is not what its other values give")
    return plan


def first_difference(expected: Any, found: Any, place: str = "") -> str | None:
    """The place of the first value that differs, such as `changes[0].line`; None where both are equal."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key in [*(each for each in found if each not in expected), *expected]:
            inner = f"{place}.{key}" if place else key
            if key not in expected or key not in found:
                return inner
            differing = first_difference(expected[key], found[key], inner)
            if differing is not None:
                return differing
        return None
    if isinstance(expected, list) and isinstance(found, list):
        for number, (one, other) in enumerate(zip(expected, found, strict=False)):
            differing = first_difference(one, other, f"{place}[{number}]")
            if differing is not None:
                return differing
        return None if len(expected) == len(found) else place
    return None if type(expected) is type(found) and expected == found else place


class _Object:
    """A JSON object, whose values are read by the key and the kind that a plan has there."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise NotAPlanError(f"{place or 'the document'} is no JSON object")
        self._values = value
        self._place = place

    def _named(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def _value(self, key: str) -> Any:
        if key not in self._values:
            raise NotAPlanError(f"{self._named(key)} is missing")
        return self._values[key]

    def _wrong(self, key: str, expected: str) -> NotAPlanError:
        return NotAPlanError(f"{self._named(key)} is no {expected}")

    def text(self, key: str) -> str:
        value = self._value(key)
        if not isinstance(value, str):
            raise self._wrong(key, "text")
        return value

    def text_or_none(self, key: str) -> str | None:
        return None if self._value(key) is None else self.text(key)

    def one_of(self, key: str, known: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in known:
            raise self._wrong(key, f"{', '.join(known[:-1])} or {known[-1]}")
        return value

    def matching(self, key: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self.text(key)
        if not pattern.fullmatch(value):
            raise self._wrong(key, expected)
        return value

    def digest(self, key: str) -> str:
        return self.matching(key, _DIGEST, "digest")

    def picos(self, key: str) -> int:
        return parse_picos(self.matching(key, _AMOUNT, "decimal amount"))

    def number(self, key: str) -> int:
        value = self._value(key)
        if type(value) is not int or value < 0:
            raise self._wrong(key, "whole number")
        return value

    def number_or_none(self, key: str) -> int | None:
        return None if self._value(key) is None else self.number(key)

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if not isinstance(value, bool):
            raise self._wrong(key, "true or false")
        return value

    def json(self, key: str) -> Json:
        value: Json = self._value(key)
        if not _is_shallow(value, DEEPEST):
            raise self._wrong(key, f"value of at most {DEEPEST} levels")
        return value

    def canonical(self, key: str, separators: tuple[str, str]) -> str:
        """An object as the canonical JSON that its digest is made of."""
        value = self.json(key)
        if not isinstance(value, dict):
            raise self._wrong(key, "JSON object")
        return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=separators)

    def object(self, key: str) -> _Object:
        return _Object(self._value(key), self._named(key))

    def items(self, key: str, read: Callable[[_Object], Read]) -> tuple[Read, ...]:
        values = self._list(key)
        return tuple(read(_Object(each, f"{self._named(key)}[{number}]")) for number, each in enumerate(values))

    def texts(self, key: str, pattern: re.Pattern[str] | None = None) -> tuple[str, ...]:
        values = self._list(key)
        if not all(isinstance(each, str) and (pattern is None or pattern.fullmatch(each)) for each in values):
            raise self._wrong(key, "list of such texts")
        return tuple(values)

    def _list(self, key: str) -> list[Any]:
        value = self._value(key)
        if not isinstance(value, list):
            raise self._wrong(key, "list")
        return value


def _is_shallow(value: Any, levels: int) -> bool:
    if isinstance(value, (dict, list)):
        inner = value.values() if isinstance(value, dict) else value
        return levels > 0 and all(_is_shallow(each, levels - 1) for each in inner)
    return value is None or isinstance(value, (str, int))


def _plan(document: _Object) -> Plan:
    base, bill = document.object("base"), document.object("bill")
    return Plan(
        base=Base(
            version=base.number_or_none("version"), serial=base.number("serial"), lineage=base.text_or_none("lineage")
        ),
        base_label=document.text("base_label"),
        target_label=document.text("target_label"),
        engine=document.text("engine"),
        rules=document.items("rules", _rule),
        rules_digest=document.digest("rules_digest"),
        settings=document.canonical("settings", (", ", ": ")),
        metrics_digest=document.digest("metrics_digest"),
        metric_files=document.items("metric_files", _file),
        bill=BillSummary(
            digest=bill.digest("digest"),
            rows=bill.number("rows"),
            first_month=_month(bill, "from"),
            last_month=_month(bill, "until"),
        ),
        bill_files=bill.items("files", _file),
        cost=document.text("cost"),
        dimensions=document.texts("report"),
        changes=document.items("changes", _change),
        bill_changes=document.flag("bill_changes"),
        metric_changes=document.flag("metric_changes"),
        bill_money=document.items("bill_money", _money_line),
        bill_totals=document.items("bill_totals", _total),
        bill_drift=document.items("bill_drift", _bill_drift),
        restated_money=document.items("restated_money", _money_line),
        metric_money=document.items("metric_money", _money_line),
        totals=document.items("totals", _total),
        moved=document.items("moved", _moved),
        unallocated=document.items("unallocated", _coverage),
        result=document.items("result", _element_cost),
        frozen=document.items("frozen", _frozen),
        restated=document.items("restated", _restated),
        reason=document.text_or_none("reason"),
        compared_with=document.text_or_none("compared_with"),
        checks=document.items("checks", _check),
        diagnostics=document.items("diagnostics", _diagnostic),
        ledger=None,
        result_digest=document.digest("result_digest"),
        plan_digest=document.digest("plan_digest"),
        writes=document.flag("writes"),
    )


def _month(bill: _Object, key: str) -> str:
    return bill.matching(key, _MONTH, "billing month") if bill.text_or_none(key) is not None else ""


def _rule(rule: _Object) -> RuleRevision:
    return RuleRevision(
        kind=rule.text("kind"),
        id=rule.text("id"),
        canonical=rule.canonical("rule", (",", ":")),
        text="",
        file=rule.text("file"),
        line=rule.number("line"),
    )


def _file(file: _Object) -> SourceFile:
    return SourceFile(file.text("source"), file.text("name"), file.digest("sha256"))


def _change(change: _Object) -> Change:
    return Change(
        action=change.one_of("action", ACTIONS),
        kind=change.one_of("kind", KINDS),
        id=change.text("id"),
        previous_id=change.text_or_none("previous_id"),
        file=change.text("file"),
        line=change.number("line"),
        fields=change.items("fields", _field),
        money=change.items("money", _money_line),
        moved=change.items("moved", _moved),
        joined_with=change.text_or_none("joined_with"),
        causes=change.items("causes", _cause),
    )


def _cause(cause: _Object) -> Cause:
    return Cause(cause.one_of("cause", CAUSES), cause.text_or_none("rule"), cause.items("money", _delta))


def _delta(line: _Object) -> Delta:
    return Delta(*_element(line), line.picos("delta"))


def _bill_drift(drift: _Object) -> BillDrift:
    return BillDrift(
        drift.text_or_none("provider"),
        drift.matching("billing_month", _MONTH, "billing month"),
        drift.text("cost"),
        drift.text("BillingCurrency"),
        drift.picos("before"),
        drift.picos("after"),
    )


def _frozen(month: _Object) -> FrozenMonth:
    return FrozenMonth(
        month.matching("billing_month", _MONTH, "billing month"),
        month.one_of("reason", FROZEN),
        month.items("held_back", _money_line),
    )


def _restated(month: _Object) -> RestatedMonth:
    return RestatedMonth(
        month.matching("billing_month", _MONTH, "billing month"),
        month.items("totals", _total),
        month.items("money", _money_line),
    )


def _check(check: _Object) -> CheckResult:
    return CheckResult(
        check=check.text("check"),
        severity=check.one_of("severity", SEVERITIES),
        status=check.one_of("status", STATUSES),
        message=check.text("message"),
        line=check.number("line"),
        reason=check.text_or_none("reason"),
        until=check.text_or_none("until"),
    )


def _field(field: _Object) -> FieldChange:
    return FieldChange(field.text("path"), field.json("before"), field.json("after"))


def _money_line(line: _Object) -> MoneyLine:
    dimension, value, currency = _element(line)
    return MoneyLine(dimension, value, currency, line.picos("before"), line.picos("after"))


def _element_cost(line: _Object) -> ElementCost:
    dimension, value, currency = _element(line)
    return ElementCost(dimension, value, currency, line.picos("amount"))


def _element(line: _Object) -> tuple[str, str | None, str]:
    return line.text("dimension"), line.text_or_none("value"), line.text("BillingCurrency")


def _moved(moved: _Object) -> Moved:
    return Moved(moved.text("dimension"), moved.text("BillingCurrency"), moved.picos("amount"))


def _total(total: _Object) -> Total:
    return Total(total.text("BillingCurrency"), total.text("cost"), total.picos("before"), total.picos("after"))


def _coverage(covered: _Object) -> Coverage:
    return Coverage(
        covered.text("dimension"),
        covered.text("BillingCurrency"),
        covered.picos("before"),
        covered.picos("before_total"),
        covered.picos("after"),
        covered.picos("after_total"),
    )


def _diagnostic(diagnostic: _Object) -> Diagnostic:
    return Diagnostic(
        code=diagnostic.text("code"),
        severity=Severity(diagnostic.one_of("severity", tuple(Severity))),
        message=diagnostic.text("message"),
        span=_span(diagnostic),
        hint=diagnostic.text_or_none("hint"),
        related=diagnostic.items("related", _related),
        ignored=_reason(diagnostic),
    )


def _reason(diagnostic: _Object) -> str | None:
    """Why a warning is ignored; a reason alone is none."""
    return diagnostic.text("reason") if diagnostic.flag("ignored") else None


def _span(place: _Object) -> Span | None:
    if place.text_or_none("file") is None:
        return None
    line, column = place.number("line"), place.number("column")
    return Span(place.text("file"), line, column, place.number("end_line"), place.number("end_column"))


def _related(related: _Object) -> tuple[Span, str]:
    span = _span(related)
    if span is None:
        raise NotAPlanError("a related place has no file")
    return span, related.text("message")
