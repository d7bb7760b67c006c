"""The twenty rules as a polars script, amounts as floats. Usage: polars_script.py WORKSPACE LEDGER.parquet"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from twenty import COSTS, KEYS, LEDGER, RULES, Rule, Where, of_account, of_tags, usage


def cells(folder: Path) -> pl.DataFrame:
    """The bill, summed over what rules look at."""
    bill = pl.scan_parquet(folder / "bill" / "**" / "*.parquet", hive_partitioning=False)
    tags = bill.select(pl.col("Tags").unique()).collect(engine="streaming")
    meant = [(text, *of_tags(text)) for text in tags["Tags"]]
    of_tag = pl.LazyFrame(meant, ["Tags", "tag_env", "tag_team"], orient="row")
    accounts = bill.select("SubAccountId", "SubAccountName").unique().collect(engine="streaming")
    meant_accounts = [(identity, name, *of_account(identity, name)) for identity, name in accounts.iter_rows()]
    names = ["SubAccountId", "SubAccountName", "account_env", "account_team", "in_six", "in_others"]
    of_accounts = pl.LazyFrame(meant_accounts, names, orient="row")
    return (
        bill.select(
            pl.col("BillingPeriodStart").dt.strftime("%Y-%m").alias("billing_month"),
            pl.col("ChargePeriodStart").dt.date().alias("day"),
            pl.col("BillingCurrency").alias("currency"),
            pl.col("ProviderName").alias("provider"),
            pl.col("ServiceName").alias("service"),
            pl.col("ServiceCategory").alias("category"),
            pl.col("ServiceSubcategory").alias("subcategory"),
            pl.col("ChargeCategory").alias("charge_category"),
            "Tags", "SubAccountId", "SubAccountName",
            *(pl.col(cost).cast(pl.Float64) for cost in COSTS),
        )
        .join(of_tag, on="Tags", how="left", nulls_equal=True)
        .join(of_accounts, on=["SubAccountId", "SubAccountName"], how="left", nulls_equal=True)
        .with_columns(
            pl.when(pl.col("tag_env") != "").then("tag_env").otherwise("account_env").alias("env"),
            pl.when(pl.col("tag_team") != "").then("tag_team").otherwise("account_team").alias("team"),
        )
        .group_by(KEYS)
        .agg(pl.col(COSTS).sum())
        .collect(engine="streaming")
        .with_columns(path=pl.lit(0, pl.Int64), by_env=pl.lit(False), by_team=pl.lit(False))
    )  # fmt: skip


def matches(where: Where) -> pl.Expr:
    """The condition as an expression."""
    parts = []
    for name, values in where.items():
        part = pl.col(name.removeprefix("!")).is_in(list(values))
        parts.append(~part if name.startswith("!") else part)
    return pl.all_horizontal(parts)


def bucket_time(rule: Rule, *, of_source: bool) -> pl.Expr:
    """The time key of a row."""
    if rule.time == "day":
        return pl.col("day").cast(pl.String).alias("time")
    if rule.time == "billing" and of_source:
        return pl.col("billing_month").alias("time")
    return pl.col("day").dt.strftime("%Y-%m").alias("time")


def shares(rule: Rule, live: pl.DataFrame, metrics: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """(bucket keys, element, share), and the bucket keys."""
    keys = ["time", *rule.partition]
    if rule.metric:
        weighing = metrics.filter(pl.col("metric") == rule.metric).with_columns(weight="value")
    else:
        assert rule.basis is not None
        weighing = live.filter(matches(rule.basis)).with_columns(weight=rule.cost)
        keys += [] if rule.is_even else ["currency"]
    weighing = weighing.filter(pl.all_horizontal(pl.col(name) != "" for name in rule.to))
    weights = (
        weighing.with_columns(bucket_time(rule, of_source=False))
        .group_by([*keys, *rule.to])
        .agg(pl.col("weight").sum())
    )
    weight = pl.lit(1.0) if rule.is_even else pl.col("weight").clip(0)
    weights = weights.with_columns(weight.alias("weight")).with_columns(
        pl.col("weight").sum().over(keys).alias("total")
    )
    if rule.even_if_empty:
        weights = weights.with_columns(pl.when(pl.col("total") == 0).then(1.0).otherwise("weight").alias("weight"))
        weights = weights.with_columns(pl.col("weight").sum().over(keys).alias("total"))
    weights = weights.filter((pl.col("weight") > 0) & (pl.col("total") > 0))
    renamed = {name: f"element_{name}" for name in rule.to}
    return weights.select(
        *keys, pl.col(rule.to).name.map(renamed.__getitem__), share=pl.col("weight") / pl.col("total")
    ), keys


def split(number: int, rule: Rule, live: pl.DataFrame, metrics: pl.DataFrame) -> pl.DataFrame:
    """The running ledger after a rule."""
    chosen = matches(rule.source)
    if rule.passed_on_from is None:
        chosen &= ~pl.any_horizontal(pl.col(f"by_{name}") for name in rule.to)
    else:
        chosen &= pl.col("path") % 32 == rule.passed_on_from
    source, rest = live.filter(chosen), live.filter(~chosen)
    if rule.values:
        elements = pl.DataFrame(rule.values, [f"element_{rule.to[0]}", "share"], orient="row")
        parts, left = source.join(elements, how="cross"), source.head(0)
    else:
        found, keys = shares(rule, rest, metrics)
        timed = source.with_columns(bucket_time(rule, of_source=True))
        parts = timed.join(found, on=keys)
        left = timed.join(found, on=keys, how="anti").drop("time")
    stays = pl.col(f"element_{rule.to[0]}") == ""
    parts = parts.with_columns(
        *(pl.col(f"element_{name}").alias(name) for name in rule.to),
        *(pl.when(stays).then(f"by_{name}").otherwise(True).alias(f"by_{name}") for name in rule.to),
        pl.when(stays).then("path").otherwise(pl.col("path") * 32 + number).alias("path"),
        *(pl.col(cost) * pl.col("share") for cost in COSTS),
    )
    return pl.concat([rest, left, parts.select(live.columns)])


def main() -> None:
    """Group, apply the rules, write the ledger."""
    folder, target = (Path(each).resolve() for each in sys.argv[1:])
    live = cells(folder)
    metrics = pl.DataFrame(usage(folder), ["metric", "day", "env", "team", "value"], orient="row")
    metrics = metrics.with_columns(pl.col("day").str.to_date())
    for number, rule in enumerate(RULES, start=1):
        live = split(number, rule, live, metrics)
    live.group_by(LEDGER).agg(pl.col(COSTS).sum()).write_parquet(target)


if __name__ == "__main__":
    main()
