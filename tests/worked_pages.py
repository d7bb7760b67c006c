"""The examples of a manual page: a bill and rules as they stand there, and the figures that the page states.

Invariant: rules, bill, usage numbers and figures are read from the page alone, so that page and engine cannot disagree.

A page has, in this order: rules that stand beside every example; then bills, each in force until the next one, with
usage numbers that go with it; then examples, each a block of rules with the tables of its figures below it.

- A table with the columns `day` and `ServiceName` is a bill, one with `day` and `metric` usage numbers.
- A table whose first column is called `by team`, or `Support, by team and day` for one service alone, has figures. Its
  other columns are currencies, of the workspace's cost, or cost columns.
- A table whose first column is called `refused` has the codes with which the rules are refused.
- A block of CSV is the lookup table that the next rules name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import Case, Charge, Usage, charge, evaluated, totals, usage, write

if TYPE_CHECKING:
    from costops.model.ledger import Ledger

COST = "EffectiveCost"
_PIECE = re.compile(r"^```(yaml|csv)\n(.*?)^```$|((?:^\|[^\n]*\|\n)+)", re.MULTILINE | re.DOTALL)
_FIGURES = re.compile(r"(?:(?P<service>.+), )?by (?P<dimensions>.+)")


@dataclass(frozen=True)
class Figures:
    """One table of figures: of all cost, or of one service."""

    service: str | None
    dimensions: tuple[str, ...]
    columns: tuple[str, ...]
    """Currencies, or cost columns."""
    rows: tuple[tuple[tuple[str | None, ...], tuple[str, ...]], ...]
    """(element, figures as written)."""


@dataclass(frozen=True)
class Example:
    """One block of rules with what it must give."""

    line: int
    beside: str
    """Rules of a file of their own, before those of the case."""
    case: Case
    figures: tuple[Figures, ...]
    refused: tuple[str, ...]


@dataclass
class _Reading:
    beside: str = ""
    bill: tuple[Charge, ...] = ()
    usage: tuple[Usage, ...] = ()
    table: tuple[tuple[str, str], ...] = ()


def examples(page: Path) -> list[Example]:
    """Every example of a page, in order."""
    text = page.read_text(encoding="utf-8")
    state = _Reading()
    found: list[Example] = []
    for match in _PIECE.finditer(text):
        language, block, table = match.groups()
        if table is not None:
            _read_table(_cells(table), state, found)
        elif language == "csv":
            state.table = tuple(_pair(line) for line in block.splitlines()[1:] if line)
        elif not state.bill:
            state.beside += block
        else:
            line = text.count("\n", 0, match.start()) + 2
            found.append(Example(line, _beside(state.beside, block), _case(block, state), (), ()))
            state.table = ()
    return found


def _pair(line: str) -> tuple[str, str]:
    key, value = line.split(",")
    return key, value


def _cells(table: str) -> list[list[str]]:
    """The header and the rows, without the line between them."""
    rows = [[cell.strip() for cell in line[1:-1].split("|")] for line in table.splitlines()]
    return [rows[0], *rows[2:]]


def _read_table(rows: list[list[str]], state: _Reading, found: list[Example]) -> None:
    header, *body = rows
    if header[0] == "day" and "metric" in header:
        state.usage = tuple(_usage(dict(zip(header, row, strict=True))) for row in body)
    elif header[0] == "day":
        state.bill, state.usage = tuple(_charge(dict(zip(header, row, strict=True))) for row in body), ()
    elif header[0] == "refused":
        found[-1] = replace(found[-1], refused=tuple(row[0] for row in body))
    elif figures := _FIGURES.fullmatch(header[0]):
        dimensions = tuple(figures["dimensions"].split(" and "))
        lines = tuple((_element(row[0]), tuple(row[1:])) for row in body)
        table = Figures(figures["service"], dimensions, tuple(header[1:]), lines)
        found[-1] = _with_figures(found[-1], table)


def _with_figures(example: Example, table: Figures) -> Example:
    report = tuple(dict.fromkeys(each for each in (*example.case.report, *table.dimensions) if each != "day"))
    return replace(example, case=replace(example.case, report=report), figures=(*example.figures, table))


def _element(cell: str) -> tuple[str | None, ...]:
    return tuple(None if part == "(unallocated)" else part for part in cell.split(" / "))


def _charge(cells: dict[str, str]) -> Charge:
    values = {name: cell or None for name, cell in cells.items()}
    tags = {name.removeprefix("Tags."): value for name, value in values.items() if name.startswith("Tags.") and value}
    own = {name: value for name, value in values.items() if name[0].isupper() and not name.startswith("Tags.")}
    until = {"until": values["until"]} if values.get("until") else {}
    return {**charge(cells["ServiceName"], cells[COST], day=cells["day"], **until), **own, "Tags": tags}


def _usage(cells: dict[str, str]) -> Usage:
    labels = {name: cell or None for name, cell in cells.items() if name not in ("day", "metric", "value")}
    return usage(cells["metric"], cells["value"], day=cells["day"], **labels)


def _case(rules: str, state: _Reading) -> Case:
    tables = dict.fromkeys(re.findall(r"lookup: ([\w./-]+\.csv)", rules), state.table) if state.table else {}
    return Case(rules, state.bill, state.usage, ("ServiceName",), COST, tables=tables)


def _beside(beside: str, rules: str) -> str:
    """The labels, a line each, that the example does not define itself."""
    header, *entries = beside.splitlines()
    own = re.search(r"^labels:\n((?:[ #].*\n)*)", rules, re.MULTILINE)
    taken = re.findall(r"- \{?id: ([\w.-]+)", own.group(1)) if own else []
    kept = [entry for entry in entries if re.findall(r"- \{id: ([\w.-]+)", entry)[0] not in taken]
    return "\n".join([header, *kept, ""]) if kept else ""


# Comparing


def check(example: Example, folder: Path) -> None:
    """Runs an example in an empty folder; fails where the page states another figure than the ledger has."""
    write(example.case, folder)
    if example.beside:
        (folder / "rules" / "00-beside.yaml").write_text(example.beside, encoding="utf-8")
    if example.refused:
        found = _refused(folder)
        assert found == example.refused, f"the rules have {found}, the page states {example.refused}"
        return
    assert example.figures, "the example has no figures"
    ledger = evaluated(folder)
    for table in example.figures:
        for place, column in enumerate(table.columns):
            stated = {element: figures[place] for element, figures in table.rows if figures[place]}
            sums = _sums(ledger, table, column)
            given = {key: _as_written(amount, stated.get(key)) for key, amount in sums.items()}
            assert given == stated, f"the rules give {given}, the page states {stated}"


def _sums(ledger: Ledger, table: Figures, column: str) -> dict[tuple[str | None, ...], Fraction]:
    """By element, those of 0 left out; `column` is a currency or a cost column."""
    is_cost = column in ledger.cost_columns
    sums: dict[tuple[str | None, ...], Fraction] = defaultdict(Fraction)
    every = totals(ledger, "ServiceName", "currency", *table.dimensions, column=column if is_cost else COST)
    for (service, currency, *element), amount in every.items():
        if table.service in (None, service) and (is_cost or currency == column):
            sums[tuple(element)] += amount
    return {element: amount for element, amount in sums.items() if amount}


def _refused(folder: Path) -> tuple[str, ...]:
    from costops.workspace import open_workspace

    with open_workspace(folder, environment={}) as workspace:
        found = workspace.validate().diagnostics
    return tuple(each.code for each in found if each.is_error)


def _as_written(amount: Fraction, stated: str | None) -> str:
    """An amount, within 1e-9, with the places of what the page states."""
    places = len((stated or "0.00").partition(".")[2])
    quantum = Decimal(1).scaleb(-places)
    return str((Decimal(round(amount * 10**12)) / 10**12).quantize(quantum))
