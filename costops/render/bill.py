"""What was read of a bill, as text and JSON.

Invariant: amounts have every digit that they were read with, and no list is cut without the number of what is left
out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from costops.model.bill_report import ROUNDING_PLACES, BillReport, FileReading, SourceReading
from costops.money import format_picos
from costops.render.numbers import counted, percent
from costops.render.safe import json_text, safe_text
from costops.render.table import shown_width, table_lines

FORMAT_VERSION = "1.0"
MOST_FILES = 5
MOST_MONTHS = 6
MOST_TAGS = 15
_KINDS = {"csv": "CSV", "parquet": "Parquet"}
_FORMATS = {"focus": "FOCUS", "aws-cur": "AWS Cost and Usage Report"}
_INDENT = "  "
_Item = TypeVar("_Item")


def bill_text(report: BillReport, *, width: int, everything: bool = False) -> str:
    """The report for people: sections of lines that fit `width` as far as names and amounts allow."""
    currencies = ", ".join(map(safe_text, report.currencies())) or "no currency"
    months = _span(report.months) or "no month"
    files = sum(len(each.files) for source in report.sources for each in source.formats)
    head = f"costops bill   {counted(report.rows, 'row')}, {counted(files, 'file')}, {months}, {currencies}"
    sections = [
        [head, f"digest {report.digest}"],
        *(_source(report, each) for each in report.sources),
        _totals(report, width),
        _missing(report, everything),
        _rounding(report, everything),
        _splits(report),
        _passed_over(report, everything),
        _tags(report, width, everything),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _span(months: Sequence[str]) -> str:
    if not months:
        return ""
    return months[0] if len(months) == 1 else f"{months[0]}..{months[-1]}"


def _source(report: BillReport, source: SourceReading) -> list[str]:
    lines = [f"Source {safe_text(source.name)}   {safe_text(source.path)}"]
    for each in source.formats:
        version = f" {each.version}" if each.version else ", version not known"
        readings = [row for row in report.readings if row.source == source.name and row.file in set(each.files)]
        rows = counted(sum(row.rows for row in readings), "row")
        months = _span(sorted({row.month for row in readings})) or "no month"
        currencies = ", ".join(safe_text(name) for name in sorted({row.currency for row in readings}))
        lines.append(
            f"{_INDENT}{_FORMATS.get(each.format, each.format)}{version}, {_KINDS[each.kind]}, "
            f"{counted(len(each.files), 'file')}, {rows}, {months}{', ' + currencies if currencies else ''}"
        )
    gaps = report.missing_months(source.name)
    if gaps:
        shown = ", ".join(gaps[:MOST_MONTHS]) + (f" and {len(gaps) - MOST_MONTHS} more" if gaps[MOST_MONTHS:] else "")
        lines.append(f"{_INDENT}no charges in {shown}, between its first and its last month")
    return lines


def _totals(report: BillReport, width: int) -> list[str]:
    """Sums per month and currency, then per currency: a table where it fits, else a line per cost column."""
    groups = [*_by_month(report), *_by_currency(report)]
    if not groups:
        return []
    costs = report.cost_columns
    head = ["", "", "rows", *costs]
    columns = [_aligned([amounts[cost] for _, _, _, amounts in groups]) for cost in costs]
    rows = [
        [month, safe_text(currency), f"{count:,}", *(column[place] for column in columns)]
        for place, (month, currency, count, _) in enumerate(groups)
    ]
    lines = table_lines([head, *rows], right=[False, False, True, *(True for _ in costs)])
    if max(map(shown_width, lines)) + len(_INDENT) > width:
        every = iter(_aligned([amounts[cost] for _, _, _, amounts in groups for cost in costs]))
        rows = []
        for month, currency, count, _ in groups:
            for place, cost in enumerate(costs):
                first = [month, safe_text(currency), counted(count, "row")] if place == 0 else ["", "", ""]
                rows.append([*first, cost, next(every)])
        lines = table_lines(rows, right=[False, False, True, False, True])
    return ["Totals per billing month and currency", *_indented(lines)]


_Group = tuple[str, str, int, Mapping[str, int]]


def _by_month(report: BillReport) -> list[_Group]:
    return _summed(report, ((each.month, each.currency, each) for each in report.readings))


def _by_currency(report: BillReport) -> list[_Group]:
    return _summed(report, (("all", each.currency, each) for each in report.readings))


def _summed(report: BillReport, readings: Iterable[tuple[str, str, FileReading]]) -> list[_Group]:
    """(month, currency, rows, picos by cost column), sorted."""
    rows: dict[tuple[str, str], int] = {}
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for month, currency, reading in readings:
        key = (month, currency)
        rows[key] = rows.get(key, 0) + reading.rows
        amounts = sums.setdefault(key, dict.fromkeys(report.cost_columns, 0))
        for cost, found in reading.costs.items():
            amounts[cost] += found.amount_picos
    return [(month, currency, rows[month, currency], sums[month, currency]) for month, currency in sorted(rows)]


def _exact(amount_picos: int) -> str:
    """Every digit of an amount, at least two places, thousands separated."""
    whole, places = divmod(abs(amount_picos), 10**12)
    digits = f"{places:012d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount_picos < 0 else ''}{whole:,}.{digits}"


def _aligned(amounts: Sequence[int | None]) -> list[str]:
    """Amounts with every digit and the same number of places, so that their points stand below each other."""
    longest = max((len(_exact(each).partition(".")[2]) for each in amounts if each is not None), default=2)
    texts = ("-" if each is None else _exact(each) for each in amounts)
    return [text + "0" * (longest - len(text.partition(".")[2])) if "." in text else text for text in texts]


def _missing(report: BillReport, everything: bool) -> list[str]:
    by_file = _per_file(report, "missing")
    if not by_file:
        return []
    lines = ["Charges without an amount, which counts as 0"]
    for file, costs in _bounded(list(by_file.items()), MOST_FILES, everything):
        found = ", ".join(f"{safe_text(cost)} {count:,}" for cost, count in costs.items())
        lines.append(f"{_INDENT}{safe_text(file)}: {found}")
    return [*lines, *_rest(len(by_file), MOST_FILES, everything, "file")]


def _rounding(report: BillReport, everything: bool) -> list[str]:
    rounded, difference = _per_file(report, "rounded"), _per_file(report, "rounding", keep=_per_file(report, "rounded"))
    files = len({each.file for each in report.readings})
    if not rounded:
        return [f"Rounding: none; no amount of {counted(files, 'file')} has more than 12 places"] if files else []
    lines = ["Rounding of amounts with more than 12 places, half-even; the sum in the file minus the sum as read"]
    for file, costs in _bounded(list(rounded.items()), MOST_FILES, everything):
        lines.append(f"{_INDENT}{safe_text(file)}")
        rows = [
            [cost, counted(count, "amount"), rounding_text(difference[file][cost], signed=True)]
            for cost, count in costs.items()
        ]
        lines += _indented(_indented(table_lines(rows, right=[False, True, False])))
    lines += _rest(len(rounded), MOST_FILES, everything, "file")
    if files > len(rounded):
        lines.append(f"{_INDENT}none in {counted(files - len(rounded), 'other file')}")
    return lines


def rounding_text(units: int, *, signed: bool = False) -> str:
    """Units of 1e-40 as decimal text without zeros at the end."""
    whole, places = divmod(abs(units), 10**ROUNDING_PLACES)
    digits = f"{places:0{ROUNDING_PLACES}d}".rstrip("0")
    sign = "-" if units < 0 else "+" if signed and units > 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def _per_file(
    report: BillReport, field: str, *, keep: Mapping[str, Mapping[str, int]] | None = None
) -> dict[str, dict[str, int]]:
    """A number of every file and cost column, those of 0 left out; with `keep` exactly those that it has."""
    sums: dict[str, dict[str, int]] = {}
    for each in report.readings:
        for cost, found in each.costs.items():
            costs = sums.setdefault(each.file, {})
            costs[cost] = costs.get(cost, 0) + int(getattr(found, field))
    if keep is not None:
        return {file: {cost: sums[file][cost] for cost in costs} for file, costs in keep.items()}
    present = {file: {cost: number for cost, number in costs.items() if number} for file, costs in sums.items()}
    return {file: costs for file, costs in present.items() if costs}


def _splits(report: BillReport) -> list[str]:
    lines = []
    for each in report.splits:
        amounts = ", ".join(f"{safe_text(cost)} {_exact(amount)}" for cost, amount in each.amounts.items())
        lines.append(
            f"{_INDENT}{safe_text(each.source)}: {counted(each.rows, 'charge')}, {safe_text(each.currency)} {amounts}"
        )
    return ["Charges left out, because the parts they were split into are there too", *lines] if lines else []


def _passed_over(report: BillReport, everything: bool) -> list[str]:
    found = report.passed_over
    if not found:
        return []
    shown = _bounded(found, MOST_FILES, everything)
    lines = [f"{_INDENT}{safe_text(each.name)}: {safe_text(each.reason)}" for each in shown]
    rest = _rest(len(found), MOST_FILES, everything, "file")
    return [f"Passed over: {counted(len(found), 'file')}", *lines, *rest]


def _tags(report: BillReport, width: int, everything: bool) -> list[str]:
    if not report.tags:
        return ["No charge has a tag"]
    currencies = report.currencies()
    shown = _bounded(report.tags, MOST_TAGS, everything)
    head = ["tag", "rows", "", "values", *(safe_text(each) for each in currencies)]
    columns = [_aligned([each.amounts.get(name) for each in shown]) for name in currencies]
    rows = [
        [
            safe_text(each.key),
            f"{each.rows:,}",
            percent(each.rows, report.rows),
            f"{each.values:,}",
            *(column[place] for column in columns),
        ]
        for place, each in enumerate(shown)
    ]
    lines = table_lines([head, *rows], right=[False, *(True for _ in head[1:])])
    if max(map(shown_width, lines)) + len(_INDENT) > width:
        lines = _tag_blocks(rows, currencies)
    title = f"Tags, with the {safe_text(report.cost)} of the charges that have them"
    return [title, *_indented(lines), *_rest(len(report.tags), MOST_TAGS, everything, "tag")]


def _tag_blocks(rows: Sequence[Sequence[str]], currencies: Sequence[str]) -> list[str]:
    """The same with one line for each amount, and without the share of rows."""
    cells: list[list[str]] = []
    for key, count, _, values, *amounts in rows:
        first = [key, _with_unit(count, "row"), _with_unit(values, "value")]
        for name, amount in zip(currencies, amounts, strict=True):
            if amount != "-":
                cells.append([*first, safe_text(name), amount])
                first = ["", "", ""]
    return table_lines(cells, right=[False, True, True, False, True])


def _with_unit(number: str, word: str) -> str:
    return f"{number} {word}{'' if number == '1' else 's'}"


def _bounded(items: Sequence[_Item], most: int, everything: bool) -> Sequence[_Item]:
    return items if everything else items[:most]


def _rest(count: int, most: int, everything: bool, word: str) -> list[str]:
    return [] if everything or count <= most else [f"{_INDENT}... {counted(count - most, f'more {word}')} (--all)"]


def _indented(lines: Sequence[str]) -> list[str]:
    return [_INDENT + line for line in lines]


def bill_json(report: BillReport) -> str:
    """The same facts for machines, nothing left out."""
    document = {
        "format_version": FORMAT_VERSION,
        "digest": report.digest,
        "rows": report.rows,
        "cost": report.cost,
        "cost_columns": list(report.cost_columns),
        "currencies": list(report.currencies()),
        "months": list(report.months),
        "sources": [_source_document(report, each) for each in report.sources],
        "totals": [_group_document(each) for each in _by_month(report)],
        "files": list(_file_documents(report)),
        "left_out": [
            {
                "source": each.source,
                "BillingCurrency": each.currency,
                "rows": each.rows,
                **{cost: format_picos(amount) for cost, amount in each.amounts.items()},
            }
            for each in report.splits
        ],
        "passed_over": [
            {"source": each.source, "file": each.name, "reason": each.reason} for each in report.passed_over
        ],
        "tags": [
            {
                "key": each.key,
                "rows": each.rows,
                "values": each.values,
                "money": [
                    {"BillingCurrency": currency, "amount": format_picos(amount)}
                    for currency, amount in sorted(each.amounts.items())
                ],
            }
            for each in report.tags
        ],
    }
    return json_text(document)


def _source_document(report: BillReport, source: SourceReading) -> dict[str, Any]:
    readings = [each for each in report.readings if each.source == source.name]
    return {
        "name": source.name,
        "path": source.path,
        "formats": [
            {"format": each.format, "version": each.version, "kind": each.kind, "files": list(each.files)}
            for each in source.formats
        ],
        "rows": sum(each.rows for each in readings),
        "months": sorted({each.month for each in readings}),
        "missing_months": list(report.missing_months(source.name)),
        "currencies": sorted({each.currency for each in readings}),
        "totals": [
            _group_document(each) for each in _summed(report, ((row.month, row.currency, row) for row in readings))
        ],
    }


def _group_document(group: _Group) -> dict[str, Any]:
    month, currency, rows, amounts = group
    written = {cost: format_picos(amount) for cost, amount in amounts.items()}
    return {"month": month, "BillingCurrency": currency, "rows": rows, **written}


def _file_documents(report: BillReport) -> Iterator[dict[str, Any]]:
    for source in report.sources:
        for file in sorted(file for each in source.formats for file in each.files):
            readings = [each for each in report.readings if each.source == source.name and each.file == file]
            costs = [cost for cost in report.cost_columns if any(cost in each.costs for each in readings)]
            yield {
                "source": source.name,
                "file": file,
                "rows": sum(each.rows for each in readings),
                "months": sorted({each.month for each in readings}),
                "currencies": sorted({each.currency for each in readings}),
                "costs": [
                    {
                        "cost": cost,
                        "missing": sum(each.costs[cost].missing for each in readings),
                        "rounded": sum(each.costs[cost].rounded for each in readings),
                        "rounding": rounding_text(sum(each.costs[cost].rounding for each in readings)),
                    }
                    for cost in costs
                ],
            }
