"""SQL that the DuckDB script and the SQLMesh models have in common: cells, shares and parts of one rule.

Invariant: text for DuckDB 1.5 and 2.0 alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twenty import COSTS, KEYS, Rule, Where, of_account, of_tags, usage

CREATE_MEANINGS = (
    "CREATE OR REPLACE TABLE tag_meaning (Tags VARCHAR, tag_env VARCHAR, tag_team VARCHAR)",
    """CREATE OR REPLACE TABLE account_meaning (SubAccountId VARCHAR, SubAccountName VARCHAR, account_env VARCHAR,
        account_team VARCHAR, in_six BOOLEAN, in_others BOOLEAN)""",
    "CREATE OR REPLACE TABLE metrics (metric VARCHAR, day DATE, env VARCHAR, team VARCHAR, value DOUBLE)",
)

CREATE_CELLS = f"""
SELECT strftime(BillingPeriodStart, '%Y-%m') AS billing_month, CAST(ChargePeriodStart AS DATE) AS day,
    BillingCurrency AS currency, ProviderName AS provider, ServiceName AS service, ServiceCategory AS category,
    ServiceSubcategory AS subcategory, ChargeCategory AS charge_category, in_six, in_others,
    coalesce(nullif(tag_env, ''), account_env) AS env, coalesce(nullif(tag_team, ''), account_team) AS team,
    CAST(0 AS BIGINT) AS path, false AS by_env, false AS by_team,
    {", ".join(f"CAST(sum({cost}) AS DOUBLE) AS {cost}" for cost in COSTS)}
FROM {{bill}} AS bill
JOIN tag_meaning ON tag_meaning.Tags = coalesce(bill.Tags, '')
JOIN account_meaning ON account_meaning.SubAccountId = coalesce(bill.SubAccountId, '')
    AND account_meaning.SubAccountName = coalesce(bill.SubAccountName, '')
GROUP BY ALL"""

LEDGER = f"""SELECT billing_month, day, currency, env, team, service, path,
    {", ".join(f"sum({cost}) AS {cost}" for cost in COSTS)} FROM {{cells}} GROUP BY ALL"""

CELL_COLUMNS = (*KEYS, "path", "by_env", "by_team", *COSTS)


def read_meanings(connection: Any, bill: str, folder: Path) -> None:
    """Fill the three tables: every distinct text of tags and every account is looked at once, in Python."""
    import pyarrow as pa

    texts = connection.execute(f"SELECT DISTINCT coalesce(Tags, '') FROM {bill}").fetchall()
    accounts = connection.execute(
        f"SELECT DISTINCT coalesce(SubAccountId, ''), coalesce(SubAccountName, '') FROM {bill}"
    ).fetchall()
    rows = {
        "tag_meaning": [(text, *of_tags(text)) for (text,) in texts],
        "account_meaning": [(identity, name, *of_account(identity, name)) for identity, name in accounts],
        "metrics": usage(folder),
    }
    for name, content in rows.items():
        columns = [pa.array(column) for column in zip(*content, strict=True)]
        connection.register("content", pa.table(columns, [f"c{number}" for number in range(len(columns))]))
        connection.execute(f"INSERT INTO {name} SELECT * FROM content")
        connection.unregister("content")


def where(conditions: Where) -> str:
    """Conditions as SQL."""
    parts = []
    for name, values in conditions.items():
        listed = ", ".join(str(value).lower() if isinstance(value, bool) else f"'{value}'" for value in values)
        parts.append(f"{name.removeprefix('!')} {'NOT ' if name.startswith('!') else ''}IN ({listed})")
    return " AND ".join(parts)


def condition(rule: Rule) -> str:
    """Which live cells a rule takes if there are shares for them."""
    if rule.passed_on_from is None:
        return " AND ".join([where(rule.source), *(f"NOT by_{name}" for name in rule.to)])
    return f"{where(rule.source)} AND path % 32 = {rule.passed_on_from}"


def bucket_time(rule: Rule, *, of_source: bool) -> str:
    """The time key of a row."""
    if rule.time == "day":
        return "day"
    return "billing_month" if rule.time == "billing" and of_source else "strftime(day, '%Y-%m')"


def shares(rule: Rule, live: str, metrics: str = "metrics") -> tuple[str, list[str]]:
    """A query for (bucket keys, element, share) from the cells `live`, and the bucket keys."""
    keys = ["time", *rule.partition]
    weight = "value" if rule.metric else rule.cost
    if rule.metric:
        basis = f"{metrics} WHERE metric = '{rule.metric}'"
    else:
        assert rule.basis is not None
        basis = f"{live} WHERE {where(rule.basis)}"
        keys += [] if rule.is_even else ["currency"]
    basis += "".join(f" AND {name} <> ''" for name in rule.to)
    positive = "1.0" if rule.is_even else f"greatest(sum({weight}), 0)"
    grouped = ", ".join([f"{bucket_time(rule, of_source=False)} AS time", *keys[1:], *rule.to])
    bucket = f"OVER (PARTITION BY {', '.join(keys)})"
    settled = f"CASE sum(weight) {bucket} WHEN 0 THEN 1.0 ELSE weight END" if rule.even_if_empty else "weight"
    elements = ", ".join(f"{name} AS element_{name}" for name in rule.to)
    query = f"""
SELECT {", ".join(keys)}, {elements}, weight / total AS share FROM (
    SELECT *, sum(weight) {bucket} AS total FROM (
        SELECT * REPLACE ({settled} AS weight) FROM (
            SELECT {grouped}, CAST({positive} AS DOUBLE) AS weight FROM {basis} GROUP BY ALL))
) WHERE weight > 0 AND total > 0"""
    return query, keys


def parts(number: int, rule: Rule, source: str, found: str, columns: Sequence[str]) -> str:
    """A query for the parts that a rule makes of the cells `source`, by the shares in `found` or by its own values."""
    if rule.values:
        rows = ", ".join(f"('{name}', CAST({share!r} AS DOUBLE))" for name, share in rule.values)
        join = f"CROSS JOIN (VALUES {rows}) AS shares(element_{rule.to[0]}, share)"
    else:
        keys = ["time", *rule.partition, *([] if rule.metric or rule.is_even else ["currency"])]
        on = [f"{found}.{key} = {bucket_time(rule, of_source=True) if key == 'time' else f's.{key}'}" for key in keys]
        join = f"JOIN {found} ON {' AND '.join(on)}"
    stays = f"element_{rule.to[0]} = ''"
    replaced = {name: f"element_{name}" for name in rule.to}
    replaced |= {f"by_{name}": f"s.by_{name} OR NOT {stays}" for name in rule.to}
    replaced["path"] = f"CASE WHEN {stays} THEN s.path ELSE s.path * 32 + {number} END"
    replaced |= {cost: f"s.{cost} * share" for cost in COSTS}
    listed = ", ".join(f"{replaced.get(name, f's.{name}')} AS {name}" for name in columns)
    return f"SELECT {listed} FROM {source} AS s {join}"
