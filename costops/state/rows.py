"""The model's versions and ledgers as rows of the store, and back.

Invariant: both directions are here side by side, and what comes back equals what went in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from costops import money
from costops.model.ledger import Ledger, empty_ledger
from costops.model.version import BillSummary, RuleRevision, Version, VersionDraft
from costops.state.chain import StoredValue
from costops.state.schema import AMOUNT_COLUMNS

VERSION_COLUMNS = (
    "number",
    "serial",
    "applied_at",
    "actor",
    "git_commit",
    "git_dirty",
    "cause",
    "rules_digest",
    "settings",
    "metrics_digest",
    "bill_digest",
    "bill_rows",
    "bill_first_month",
    "bill_last_month",
    "engine",
    "cost",
    "dimensions",
    "cost_columns",
    "plan_digest",
    "result_digest",
    "moved",
    "summary",
)
"""Columns of `version` that its hash covers; `previous_hash` and `hash` follow them."""

ENTRY_COLUMNS = (
    "block",
    "position",
    "currency",
    "dimension_values",
    "path",
    *(column for pair in AMOUNT_COLUMNS.values() for column in pair),
)

_COMPACT = (",", ":")


@dataclass(frozen=True, slots=True)
class Detail:
    """What a version's own row does not say of its draft."""

    reason: str | None = None
    restated: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()


EntryRow = tuple[str | int | None, ...]


def version_row(number: int, serial: int, draft: VersionDraft) -> dict[str, StoredValue]:
    """One row of `version` without its hashes."""
    moved = [[currency, money.format_picos(amount)] for currency, amount in draft.moved]
    return {
        "number": number,
        "serial": serial,
        "applied_at": draft.applied_at,
        "actor": draft.actor,
        "git_commit": draft.commit,
        "git_dirty": None if draft.dirty is None else int(draft.dirty),
        "cause": draft.cause,
        "rules_digest": draft.rules_digest,
        "settings": draft.settings,
        "metrics_digest": draft.metrics_digest,
        "bill_digest": draft.bill.digest,
        "bill_rows": draft.bill.rows,
        "bill_first_month": draft.bill.first_month,
        "bill_last_month": draft.bill.last_month,
        "engine": draft.engine,
        "cost": draft.cost,
        "dimensions": names_text(draft.dimensions),
        "cost_columns": names_text(draft.cost_columns),
        "plan_digest": draft.plan_digest,
        "result_digest": draft.result_digest,
        "moved": json.dumps(moved, ensure_ascii=False, separators=_COMPACT),
        "summary": draft.summary,
    }


def version_of(row: Mapping[str, StoredValue], rules: tuple[RuleRevision, ...], detail: Detail) -> Version:
    """The version of a full row of `version`, with its rules in order and its detail."""
    draft = VersionDraft(
        applied_at=str(row["applied_at"]),
        actor=str(row["actor"]),
        commit=None if row["git_commit"] is None else str(row["git_commit"]),
        dirty=None if row["git_dirty"] is None else bool(row["git_dirty"]),
        cause=str(row["cause"]),
        reason=detail.reason,
        restated=detail.restated,
        carried=detail.carried,
        rules=rules,
        rules_digest=str(row["rules_digest"]),
        settings=str(row["settings"]),
        metrics_digest=str(row["metrics_digest"]),
        bill=BillSummary(
            digest=str(row["bill_digest"]),
            rows=_integer(row["bill_rows"]),
            first_month=str(row["bill_first_month"]),
            last_month=str(row["bill_last_month"]),
        ),
        engine=str(row["engine"]),
        cost=str(row["cost"]),
        dimensions=names_of(row["dimensions"]),
        cost_columns=names_of(row["cost_columns"]),
        plan_digest=str(row["plan_digest"]),
        result_digest=str(row["result_digest"]),
        moved=tuple((str(currency), money.parse_picos(amount)) for currency, amount in json.loads(str(row["moved"]))),
        summary=str(row["summary"]),
    )
    return Version(
        number=_integer(row["number"]),
        serial=_integer(row["serial"]),
        previous_hash=str(row["previous_hash"]),
        hash=str(row["hash"]),
        draft=draft,
    )


def names_text(names: Sequence[str]) -> str:
    """Names of dimensions or cost columns as a JSON array."""
    return json.dumps(list(names), ensure_ascii=False, separators=_COMPACT)


def names_of(stored: StoredValue) -> tuple[str, ...]:
    """Names out of their JSON array; raises ValueError for anything else."""
    names = json.loads(str(stored))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError(f"not a list of names: {stored!r}")
    return tuple(names)


def entry_rows(ledger: Ledger, rows: range, block: int) -> Iterator[EntryRow]:
    """One day of a ledger as rows of `entry`, in the order of ENTRY_COLUMNS."""
    part = slice(rows.start, rows.stop)
    amounts = dict(zip(ledger.cost_columns, ledger.amounts, strict=True))
    stored: list[Iterable[int | None]] = []
    for name in AMOUNT_COLUMNS:
        if name in amounts:
            stored += zip(*map(money.to_columns, amounts[name][part]), strict=True)
        else:
            stored += [repeat(None, len(rows)), repeat(None, len(rows))]
    texts = _value_texts([column[part] for column in ledger.values], len(rows))
    columns = [repeat(block, len(rows)), range(len(rows)), ledger.currencies[part], texts, ledger.paths[part], *stored]
    return zip(*columns, strict=True)


def _value_texts(columns: Sequence[Sequence[str | None]], count: int) -> list[str]:
    # Few values, many rows: each value is encoded once.
    encode = {value: json.dumps(value, ensure_ascii=False) for column in columns for value in set(column)}
    if not columns:
        return ["[]"] * count
    return [f"[{','.join(encode[value] for value in values)}]" for values in zip(*columns, strict=True)]


def extra_rows(ledger: Ledger, rows: range, block: int) -> Iterator[EntryRow]:
    """One day of a ledger as rows of `extra_amount`: (block, position, cost, units, parts)."""
    for name, amounts in zip(ledger.cost_columns, ledger.amounts, strict=True):
        if name not in AMOUNT_COLUMNS:
            for position, amount in enumerate(amounts[rows.start : rows.stop]):
                yield block, position, name, *money.to_columns(amount)


def extra_costs(cost_columns: Sequence[str]) -> list[str]:
    """The cost columns whose amounts are in `extra_amount`."""
    return [name for name in cost_columns if name not in AMOUNT_COLUMNS]


def amount_columns(cost_columns: Sequence[str]) -> list[str]:
    """Units and parts of each cost column in `joined_entries`, as SQL; every name is the schema's own."""
    extra = extra_costs(cost_columns)
    columns = []
    for name in cost_columns:
        if name in AMOUNT_COLUMNS:
            columns += [f"entry.{column}" for column in AMOUNT_COLUMNS[name]]
        else:
            columns += [f"extra_{extra.index(name)}.{column}" for column in ("units", "parts")]
    return columns


def joined_entries(cost_columns: Sequence[str]) -> str:
    """Entries of versions with all their amounts, as SQL; its parameters are the names of `extra_costs`."""
    text = "version_block JOIN entry ON entry.block = version_block.block"
    for place in range(len(extra_costs(cost_columns))):
        name = f"extra_{place}"
        text += (
            f" LEFT JOIN extra_amount AS {name} ON {name}.block = entry.block AND {name}.position = entry.position "
            f"AND {name}.cost = ?"
        )
    return text


def entry_select(cost_columns: Sequence[str]) -> str:
    """The columns of `joined_entries` that `ledger_of` reads, as SQL."""
    return ", ".join(("entry.currency", "entry.dimension_values", "entry.path", *amount_columns(cost_columns)))


def ledger_of(
    dimensions: tuple[str, ...], cost_columns: tuple[str, ...], rows: Sequence[tuple[str | int | None, ...]]
) -> Ledger:
    """The ledger of rows (month, day, columns of `entry_select`) in order; ValueError or TypeError if they are none."""
    if not rows:
        return empty_ledger(dimensions, cost_columns)
    months, days, currencies, texts, paths, *amounts = zip(*rows, strict=True)
    lists = json.loads(f"[{','.join(texts)}]")
    if any(len(values) != len(dimensions) for values in lists):
        raise ValueError("an entry has more or fewer values than the version has dimensions")
    columns = tuple(zip(*lists, strict=True)) if dimensions else ()
    picos = tuple(
        tuple(map(money.from_columns, amounts[index], amounts[index + 1])) for index in range(0, len(amounts), 2)
    )
    return Ledger(dimensions, cost_columns, months, days, currencies, columns, paths, picos)


def _integer(value: StoredValue) -> int:
    if not isinstance(value, int):
        raise TypeError(f"not an integer: {value!r}")
    return value
