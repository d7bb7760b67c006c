"""Sums of a ledger as text, CSV and JSON.

Invariant: no value of a bill is a formula where a CSV is opened as a spreadsheet, unless the exact values were asked
for; what marks it can be taken away again.
"""

from __future__ import annotations

import re

from costops.model.sums import LedgerSums
from costops.money import format_picos
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import amount
from costops.render.safe import json_text, safe_lines, safe_text
from costops.render.table import table_lines

CURRENCY = "BillingCurrency"
NO_RULE = "(no rule)"

# Where a spreadsheet may begin a cell: at the start of a field, behind a line end inside it, and behind a semicolon or
# a tab, which separate where a comma does not. Blanks and the apostrophes of former marks may stand before a formula.
_FORMULA = re.compile(r"(\A|[\n;\t])(?='*(?:[^\S\n\r\t]*[=+\-@＝＋－＠\t\r]))")


def ledger_text(sums: LedgerSums) -> str:
    """A table for people, amounts in the places of their currency."""
    head = [*map(safe_text, sums.by), CURRENCY, *map(safe_text, sums.cost_columns)]
    rows = [
        [
            *(_shown(name, value) for name, value in zip(sums.by, values, strict=True)),
            safe_text(currency),
            *(amount(picos, currency) for picos in amounts),
        ]
        for values, currency, amounts in sums.rows
    ]
    right = [False] * (len(sums.by) + 1) + [True] * len(sums.cost_columns)
    return "\n".join(table_lines([head, *rows], right=right)) + "\n"


def _shown(name: str, value: str | None) -> str:
    if value is not None:
        return safe_text(value)
    return NO_RULE if name in ("allocated_by", "allocation_path") else UNALLOCATED


def ledger_csv(sums: LedgerSums, *, raw: bool = False) -> str:
    """Exact amounts; a missing value is an empty field. Values are unmarked and unescaped only if `raw`."""
    shown = str if raw else csv_text
    lines = [[*map(shown, sums.by), CURRENCY, *map(shown, sums.cost_columns)]]
    for values, currency, amounts in sums.rows:
        texts = ("" if value is None else shown(value) for value in values)
        lines.append([*texts, shown(currency), *map(format_picos, amounts)])
    return "".join(",".join(map(_csv_field, line)) + "\n" for line in lines)


def csv_text(text: str) -> str:
    """A text with `'` before what would begin a formula, and unsafe characters other than tabs and line ends escaped.

    What has apostrophes there already gets one more, so that taking one away gives what was there.
    """
    return safe_lines(_FORMULA.sub(r"\1'", text))


def _csv_field(text: str) -> str:
    """A field after RFC 4180; the csv module leaves a carriage return bare where lines end in a line feed."""
    if not any(each in text for each in ',"\r\n'):
        return text
    return '"' + text.replace('"', '""') + '"'


def ledger_json(sums: LedgerSums) -> str:
    """Exact amounts as decimal text; a missing value is null."""
    rows = [
        {
            **dict(zip(sums.by, values, strict=True)),
            CURRENCY: currency,
            **dict(zip(sums.cost_columns, map(format_picos, amounts), strict=True)),
        }
        for values, currency, amounts in sums.rows
    ]
    document = {"format_version": "1.0", "version": sums.version, "rows": rows}
    return json_text(document)
