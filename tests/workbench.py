"""A workspace from Python literals, opened through the facade, and its comparison with the oracle.

Invariant: what is written to the folder and what the oracle reads are the same literals, so a difference between the
two ledgers is a difference of evaluation.
"""

from __future__ import annotations

import csv
import json
import math
import os
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import reference

if TYPE_CHECKING:
    from costops.model.diagnostic import Diagnostic
    from costops.model.ledger import Ledger
    from costops.model.rules import RuleSet

Charge = Mapping[str, object]
"""FOCUS column name to text or None; `Tags` to a dict."""
Usage = Mapping[str, object]
"""`date`, `metric`, `labels` (a dict) and `value`."""

TOLERANCE = Fraction(1, 10**9)
"""How far a ledger amount may be from the exact fraction."""

PICOS = 10**12


@dataclass(frozen=True)
class Case:
    """Everything that decides a ledger."""

    rules: str | Mapping[str, object]
    """One rule file: YAML text, or its content as dicts and lists."""
    bill: Sequence[Charge]
    usage: Sequence[Usage] = ()
    report: tuple[str, ...] = ("env", "team")
    cost: str = "EffectiveCost"
    bill_path: str = ""
    """A glob of bill files that exist already, instead of `bill`."""
    tables: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Lookup tables: (key, value) by the file's path from the rules folder."""
    costs: Mapping[str, str] = field(default_factory=dict)
    """More cost columns, each with the bill's column that it is."""

    def with_rules(self, rules: str | Mapping[str, object]) -> Case:
        """The same bill under other rules."""
        return replace(self, rules=rules)


def charge(service: str, cost: str | None, *, day: str = "2025-04-10", **columns: object) -> dict[str, object]:
    """One charge of one day whose tags are the keyword arguments in lower case, every other one a column.

    `EffectiveCost` is `cost`, and so is `BilledCost`; `until` is the exclusive last day of a longer charge.
    """
    tags = {name: value for name, value in columns.items() if name[0].islower() and name != "until"}
    following = str(columns.get("until") or next_day(day))
    fields: dict[str, object] = {
        "BillingPeriodStart": f"{day[:7]}-01T00:00:00Z",
        "ChargePeriodStart": f"{day}T00:00:00Z",
        "ChargePeriodEnd": f"{following}T00:00:00Z",
        "BillingCurrency": "USD",
        "ServiceName": service,
        "BilledCost": cost,
        "EffectiveCost": cost,
        "Tags": tags,
    }
    return {**fields, **{name: value for name, value in columns.items() if name[0].isupper()}}


def usage(metric: str, value: str, *, day: str = "2025-04-10", **labels: str | None) -> dict[str, object]:
    """One metric record."""
    return {"date": day, "metric": metric, "labels": labels, "value": value}


def next_day(day: str) -> str:
    """The day after."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


# Writing


def write(case: Case, folder: Path, *, bill_parts: Sequence[Sequence[Charge]] | None = None) -> Path:
    """Writes the workspace of a case; `bill_parts` gives the bill's rows as several files."""
    for name in ("rules", "bill", "usage", "state"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    billing: dict[str, object] = {"name": "cloud", "path": case.bill_path or "bill/*.csv"}
    if case.costs:
        billing["costs"] = dict(case.costs)
    settings: dict[str, object] = {
        "version": 1,
        "cost": case.cost,
        "report": list(case.report),
        "billing": [billing],
    }
    if case.usage:
        settings["metric_sources"] = [{"name": "warehouse", "kind": "file", "path": "usage/*.csv"}]
        write_usage(folder / "usage" / "usage.csv", case.usage)
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    write_rules(folder, case.rules)
    for name, rows in case.tables.items():
        write_table(folder / "rules" / name, rows)
    if case.bill_path:
        return folder
    for index, rows in enumerate([case.bill] if bill_parts is None else bill_parts):
        write_bill(folder / "bill" / f"part-{index}.csv", rows, case.bill)
    return folder


def write_rules(folder: Path, rules: str | Mapping[str, object]) -> None:
    """Writes the one rule file; JSON is YAML."""
    text = rules if isinstance(rules, str) else json.dumps(rules, ensure_ascii=False, indent=1)
    (folder / "rules" / "10-rules.yaml").write_text(text, encoding="utf-8")


def write_table(path: Path, rows: Sequence[tuple[str, str]]) -> None:
    """Writes a lookup table."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("key", "value"), *rows])


def write_bill(path: Path, rows: Sequence[Charge], all_rows: Sequence[Charge]) -> None:
    """Writes rows as CSV with every column of the whole bill; tags as a JSON object, missing as an empty field."""
    columns = list(dict.fromkeys(name for row in all_rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow([cell(row.get(name)) for name in columns])


def write_usage(path: Path, records: Sequence[Usage]) -> None:
    """Writes metric records with a column per label."""
    labels = list(dict.fromkeys(name for record in records for name in labels_of(record)))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["date", "metric", *labels, "value"])
        for record in records:
            values = [cell(labels_of(record).get(name)) for name in labels]
            writer.writerow([record["date"], record["metric"], *values, record["value"]])


def labels_of(record: Usage) -> Mapping[str, object]:
    labels = record["labels"]
    assert isinstance(labels, Mapping)
    return labels


def cell(value: object) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else str(value)


# Running


def load(folder: Path) -> RuleSet:
    """The bound rules of a workspace folder, without errors."""
    from costops.language.files import load_rules

    loaded = load_rules(folder / "rules", folder)
    errors = [each for each in loaded.diagnostics if each.is_error]
    assert not errors, "\n".join(f"{each.span}: {each.code} {each.message} {each.hint or ''}" for each in errors)
    return loaded.rules


def planned(folder: Path, *, threads: int = 1) -> tuple[Ledger, tuple[Diagnostic, ...]]:
    """The new rules' ledger and the diagnostics of a plan."""
    from costops.workspace import open_workspace

    with open_workspace(folder, environment={"COSTOPS_THREADS": str(threads)}) as workspace:
        plan = workspace.plan()
    assert plan.ledger is not None, "the plan has nothing to write"
    return plan.ledger, plan.diagnostics


def evaluated(folder: Path, *, threads: int = 1) -> Ledger:
    """The rules' ledger alone, without the walk of a plan: the same ledger in a third of the time."""
    from costops.engine.embedded import Request, evaluate
    from costops.workspace import open_workspace

    with open_workspace(folder, environment={}) as workspace:
        validation = workspace.validate(evaluate=False)
        assert not validation.has_errors, [each.message for each in validation.diagnostics if each.is_error]
        evaluation = evaluate(
            workspace.bill,
            workspace.metrics,
            [Request(workspace.rules, want_ledger=True)],
            report=workspace.settings.report,
            cost=workspace.settings.cost,
            threads=threads,
        )
    ledger = evaluation.outcomes[0].ledger
    assert ledger is not None
    return ledger


def run(case: Case, folder: Path, *, threads: int = 1) -> Ledger:
    """Writes a case, plans it and compares the ledger with the oracle; gives the ledger."""
    write(case, folder)
    ledger, _ = planned(folder, threads=threads)
    assert_same(ledger, expected(case, load(folder)))
    return ledger


def expected(
    case: Case,
    rules: RuleSet,
    *,
    rounding: reference.Rounding | None = None,
    notes: Counter[str] | None = None,
) -> reference.Result:
    """The oracle's ledger of a case."""
    return reference.evaluate(
        rules,
        case.bill,
        case.usage,
        report=case.report,
        cost=case.cost,
        costs=case.costs,
        rounding=rounding,
        notes=notes,
    )


class Jitter:
    """Rounds up or down, by chance but the same in every run."""

    def __init__(self, seed: int) -> None:
        self._numbers = random.Random(seed)

    def __call__(self, exact: Fraction) -> int:
        return math.floor(exact) if self._numbers.getrandbits(1) else math.ceil(exact)


def is_steady(case: Case, rules: RuleSet) -> bool:
    """Whether rounding every part to 1e-12, up, down or either, moves no amount of the oracle's ledger noticeably.

    It does where a later rule weighs by dust that an earlier one left: a few units of 1e-12, or a credit that
    cancels a cost but for them; and where elements of a cutoff are equal but for dust. The exact shares of such dust
    are nothing that a ledger in units of 1e-12 can hold. A rule that fails must fail in the same way.
    """
    exact = outcome(case, rules)
    for rounding in (math.floor, math.ceil, Jitter(1), Jitter(2)):
        near = outcome(case, rules, rounding=rounding)
        if isinstance(exact, reference.RuleFailedError) or isinstance(near, reference.RuleFailedError):
            if type(near) is not type(exact) or str(near) != str(exact):
                return False
        elif differences(near, exact, TOLERANCE / 4):
            return False
    return True


def outcome(
    case: Case, rules: RuleSet, *, rounding: reference.Rounding | None = None
) -> reference.Result | reference.RuleFailedError:
    """The oracle's ledger of a case, or the failure that a rule asks for."""
    try:
        return expected(case, rules, rounding=rounding)
    except reference.RuleFailedError as error:
        return error


# Comparing


def amounts(ledger: Ledger) -> reference.Result:
    """A ledger in the oracle's shape."""
    from costops.model.ledger import PATH_SEPARATOR

    result: reference.Result = {}
    for row in range(len(ledger)):
        values = tuple(column[row] for column in ledger.values)
        path = tuple(ledger.paths[row].split(PATH_SEPARATOR)) if ledger.paths[row] else ()
        key = (ledger.months[row], ledger.days[row], ledger.currencies[row], values, path)
        assert key not in result, f"two rows of one key: {key}"
        result[key] = {
            name: Fraction(column[row], PICOS) for name, column in zip(ledger.cost_columns, ledger.amounts, strict=True)
        }
    return result


def day_sums(result: reference.Result) -> dict[tuple[str, str, str, str], Fraction]:
    """Sums per (billing month, day, currency, cost column), those of 0 left out."""
    sums: dict[tuple[str, str, str, str], Fraction] = defaultdict(Fraction)
    for (month, day, currency, _, _), costs in result.items():
        for column, amount in costs.items():
            sums[month, day, currency, column] += amount
    return {key: value for key, value in sums.items() if value}


def differences(found: reference.Result, exact: reference.Result, tolerance: Fraction) -> list[str]:
    """Every amount that is further than `tolerance` from the other side's, rows that one side lacks being 0."""
    lines = []
    for key in sorted({*found, *exact}, key=repr):
        ours, theirs = found.get(key, {}), exact.get(key, {})
        for column in sorted({*ours, *theirs}):
            difference = ours.get(column, Fraction(0)) - theirs.get(column, Fraction(0))
            if abs(difference) > tolerance:
                lines.append(f"{key} {column}: ledger {shown(ours, column)}, exact {shown(theirs, column)}")
    return lines


def assert_same(ledger: Ledger, exact: reference.Result) -> None:
    """Every amount within 1e-9 of the oracle's, no row too many or missing, sums per day equal to the last digit."""
    found = amounts(ledger)
    lines = differences(found, exact, TOLERANCE)
    assert not lines, "\n".join(["ledger and oracle differ:", *lines[:20], f"({len(lines)} in all)"])
    ours_by_day, exact_by_day = day_sums(found), day_sums(exact)
    wrong = {key for key in {*ours_by_day, *exact_by_day} if ours_by_day.get(key) != exact_by_day.get(key)}
    assert not wrong, f"sums differ for {sorted(wrong)}"


def shown(costs: Mapping[str, Fraction], column: str) -> str:
    return f"{float(costs[column]):.12f}" if column in costs else "no row"


def totals(ledger: Ledger, *names: str, column: str = "EffectiveCost") -> dict[tuple[str | None, ...], Fraction]:
    """Sums of one cost column by report dimensions, `day`, `month`, `currency` or `path`, those of 0 left out."""
    fixed = {"day": ledger.days, "month": ledger.months, "currency": ledger.currencies, "path": ledger.paths}
    keys: list[Sequence[str | None]] = [
        fixed[name] if name in fixed else ledger.values[ledger.dimensions.index(name)] for name in names
    ]
    picos: dict[tuple[str | None, ...], int] = defaultdict(int)
    for row, amount in enumerate(ledger.amounts[ledger.cost_columns.index(column)]):
        picos[tuple(key[row] for key in keys)] += amount
    return {key: Fraction(value, PICOS) for key, value in picos.items() if value}


def by(ledger: Ledger, name: str, *, column: str = "EffectiveCost") -> dict[str | None, Fraction]:
    """Sums of one cost column by one dimension."""
    return {key[0]: value for key, value in totals(ledger, name, column=column).items()}


def assert_close(found: Mapping[Any, Fraction], figures: Mapping[Any, str | int | Fraction]) -> None:
    """The same elements, each within 1e-9 of its figure, which is decimal text, a number or a fraction."""
    assert set(found) == set(figures), f"{dict(found)}"
    for name, figure in figures.items():
        assert abs(found[name] - Fraction(figure)) <= TOLERANCE, f"{name}: {float(found[name])}, not {figure}"


def codes(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """The codes of diagnostics, in their order."""
    return [each.code for each in diagnostics]


# Shared data


def shared_data(*parts: str) -> Path:
    """A file or folder of the shared billing data; skips the test where it is absent."""
    root = Path(os.environ.get("COSTOPS_SHARED_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    path = root.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"no shared billing data at {path}; set COSTOPS_SHARED_DATA")
    return path
