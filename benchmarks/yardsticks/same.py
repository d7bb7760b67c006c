"""Whether a yardstick's ledger is that of costops.

Invariant: every row of both ledgers is looked at, in every cost column; a row that one of them lacks counts as 0 there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
RULE_BITS = 5


@dataclass(frozen=True, slots=True)
class Comparison:
    """How far two ledgers are apart."""

    rows: int
    """Rows of both together, by month, day, currency, env, team, service and path."""
    largest_difference: float
    """Of any amount, in units of its currency."""


def compare(costops_csv: Path, yardstick_parquet: Path, rule_ids: list[str]) -> Comparison:
    """Compare what `costops ledger --by billing_month,day,env,team,ServiceName,allocation_path` wrote with a yardstick.

    `rule_ids` are the allocations in order: the yardstick's paths have their numbers, from 1.
    """
    import duckdb

    numbered = ", ".join(f"'{rule_id}': {number}" for number, rule_id in enumerate(rule_ids, start=1))
    amounts = ", ".join(f"CAST({cost} AS DECIMAL(38,12)) AS {cost}" for cost in COSTS)
    differences = ", ".join(f"abs(sum({cost} * side)) AS {cost}" for cost in COSTS)
    doubles = ", ".join(f"CAST({cost} AS DOUBLE) AS {cost}" for cost in COSTS)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE MACRO number_of(rule_id) AS (MAP {{{numbered}}})[rule_id]")
        query = f"""
WITH ours AS (
    SELECT billing_month, CAST(day AS DATE) AS day, BillingCurrency AS currency, coalesce(env, '') AS env,
        coalesce(team, '') AS team, ServiceName AS service, coalesce(list_reduce(
            list_transform(string_split(allocation_path, ' > '), lambda each: CAST(number_of(each) AS BIGINT)),
            lambda path, number: (path << {RULE_BITS}) + number), 0) AS path, {amounts}
    FROM read_csv({_text(costops_csv)}, all_varchar = true, header = true)
), theirs AS (
    SELECT billing_month, day, currency, env, team, service, path, {amounts}
    FROM read_parquet({_text(yardstick_parquet)})
), apart AS (
    SELECT {differences} FROM (SELECT *, 1 AS side FROM ours UNION ALL BY NAME SELECT *, -1 AS side FROM theirs)
    GROUP BY billing_month, day, currency, env, team, service, path
)
SELECT count(*), max(greatest({", ".join(COSTS)})) FROM (SELECT {doubles} FROM apart)"""
        found = connection.execute(query).fetchone()
    assert found is not None
    return Comparison(found[0], found[1])


def _text(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
