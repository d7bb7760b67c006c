"""Sums of a ledger as text, CSV and JSON."""

from __future__ import annotations

from costops.model.sums import LedgerSums
from costops.money import format_picos
from costops.render.money_table import UNALLOCATED
from costops.render.numbers import amount
from costops.render.safe import json_text, safe_text
from costops.render.table import table_lines

CURRENCY = "BillingCurrency"
NO_RULE = "(no rule)"


def ledger_text(sums: LedgerSums) -> str:
    """A table for people, amounts in the places of their currency."""
    head = [*map(safe_text, sums.by), CURRENCY, *sums.cost_columns]
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


def ledger_csv(sums: LedgerSums) -> str:
    """Exact amounts; a missing value is an empty field."""
    lines = [[*sums.by, CURRENCY, *sums.cost_columns]]
    for values, currency, amounts in sums.rows:
        lines.append([*("" if value is None else value for value in values), currency, *map(format_picos, amounts)])
    return "".join(",".join(map(_csv_field, line)) + "\n" for line in lines)


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
