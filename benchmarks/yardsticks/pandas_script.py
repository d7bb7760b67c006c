"""The twenty rules as a pandas script, amounts as floats. Usage: pandas_script.py WORKSPACE LEDGER.parquet"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
from twenty import COSTS, KEYS, LEDGER, RULES, Rule, Where, of_account, of_tags, usage

COLUMNS = {
    "BillingCurrency": "currency",
    "ProviderName": "provider",
    "ServiceName": "service",
    "ServiceCategory": "category",
    "ServiceSubcategory": "subcategory",
    "ChargeCategory": "charge_category",
}


def cells(folder: Path) -> pd.DataFrame:
    """The bill, summed over what rules look at."""
    floats = {cost: ds.field(cost).cast(pa.float64()) for cost in COSTS}
    names = ["BillingPeriodStart", "ChargePeriodStart", "Tags", "SubAccountId", "SubAccountName", *COLUMNS]
    files = [str(file) for file in sorted((folder / "bill").glob("**/*.parquet"))]
    table = ds.dataset(files).to_table(columns={name: ds.field(name) for name in names} | floats)
    bill = table.to_pandas(strings_to_categorical=True, self_destruct=True).rename(columns=COLUMNS)
    del table
    meant = pd.DataFrame(
        [of_tags(text) for text in bill["Tags"].cat.categories] + [("", "")], columns=["tag_env", "tag_team"]
    )
    accounts = bill[["SubAccountId", "SubAccountName"]].drop_duplicates().astype(object)
    accounts = accounts.where(accounts.notna(), None)
    found = pd.DataFrame(
        [of_account(*each) for each in accounts.itertuples(index=False)],
        index=accounts["SubAccountId"].fillna(""),
        columns=["env", "team", "in_six", "in_others"],
    )
    identities = list(bill["SubAccountId"].cat.categories)
    # The last row of a table is what code -1, a missing text, stands for.
    of_accounts = found.reindex([*identities, ""]).fillna({"env": "", "team": ""})
    account_codes, tag_codes = bill["SubAccountId"].cat.codes.to_numpy(), bill["Tags"].cat.codes.to_numpy()
    for name in ("env", "team"):
        from_tag = meant[f"tag_{name}"].astype("category")
        every = sorted({*from_tag, *of_accounts[name]})
        tag_number = pd.Categorical(meant[f"tag_{name}"], every).codes[tag_codes]
        account_number = pd.Categorical(of_accounts[name], every).codes[account_codes]
        missing = every.index("")
        chosen = tag_number.copy()
        chosen[tag_number == missing] = account_number[tag_number == missing]
        bill[name] = pd.Categorical.from_codes(chosen, every)
    for name in ("in_six", "in_others"):
        bill[name] = of_accounts[name].fillna(False).to_numpy(dtype=bool)[account_codes]
    bill["billing_month"] = bill["BillingPeriodStart"].astype("category")
    bill["day"] = bill["ChargePeriodStart"].dt.floor("D")
    summed = bill.groupby(list(KEYS), observed=True, sort=False, dropna=False)[list(COSTS)].sum().reset_index()
    summed["billing_month"] = pd.to_datetime(summed["billing_month"].astype("datetime64[us]")).dt.strftime("%Y-%m")
    summed["calendar_month"] = summed["day"].dt.strftime("%Y-%m")
    summed["day"] = summed["day"].dt.strftime("%Y-%m-%d")
    for name in (*COLUMNS.values(), "env", "team"):
        summed[name] = summed[name].astype(object)
    return summed.assign(path=0, by_env=False, by_team=False)


def matches(cells: pd.DataFrame, where: Where) -> pd.Series:
    """Which rows a condition holds for."""
    chosen = pd.Series(True, index=cells.index)
    for name, values in where.items():
        part = cells[name.removeprefix("!")].isin(values)
        chosen &= ~part if name.startswith("!") else part
    return chosen


def bucket_time(rule: Rule, cells: pd.DataFrame, *, of_source: bool) -> pd.Series:
    """The time key of every row."""
    if rule.time == "day":
        return cells["day"]
    return cells["billing_month"] if rule.time == "billing" and of_source else cells["calendar_month"]


def shares(rule: Rule, live: pd.DataFrame, metrics: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """(bucket keys, element, share), and the bucket keys."""
    keys = ["time", *rule.partition]
    if rule.metric:
        weighing, weight = metrics[metrics["metric"] == rule.metric], "value"
    else:
        assert rule.basis is not None
        weighing, weight = live[matches(live, rule.basis)], rule.cost
        keys += [] if rule.is_even else ["currency"]
    for name in rule.to:
        weighing = weighing[weighing[name] != ""]
    weighing = weighing.assign(time=bucket_time(rule, weighing, of_source=False))
    weights = weighing.groupby([*keys, *rule.to], sort=False)[weight].sum().rename("weight").reset_index()
    weights["weight"] = 1.0 if rule.is_even else weights["weight"].clip(lower=0)
    weights["total"] = weights.groupby(keys)["weight"].transform("sum")
    if rule.even_if_empty:
        weights["weight"] = weights["weight"].where(weights["total"] != 0, 1.0)
        weights["total"] = weights.groupby(keys)["weight"].transform("sum")
    weights = weights[(weights["weight"] > 0) & (weights["total"] > 0)]
    weights = weights.assign(share=weights["weight"] / weights["total"]).drop(columns=["weight", "total"])
    return weights.rename(columns={name: f"element_{name}" for name in rule.to}), keys


def split(number: int, rule: Rule, live: pd.DataFrame, metrics: pd.DataFrame) -> pd.DataFrame:
    """The running ledger after a rule."""
    chosen = matches(live, rule.source)
    if rule.passed_on_from is None:
        for name in rule.to:
            chosen &= ~live[f"by_{name}"]
    else:
        chosen &= live["path"] % 32 == rule.passed_on_from
    source, rest = live[chosen], live[~chosen]
    if rule.values:
        elements = pd.DataFrame(rule.values, columns=[f"element_{rule.to[0]}", "share"])
        parts, left = source.merge(elements, how="cross"), source.head(0)
    else:
        found, keys = shares(rule, rest, metrics)
        joined = source.assign(time=bucket_time(rule, source, of_source=True)).merge(found, on=keys, how="left")
        parts, left = joined[joined["share"].notna()].copy(), joined[joined["share"].isna()]
    given = parts[f"element_{rule.to[0]}"] != ""
    for name in rule.to:
        parts[name] = parts[f"element_{name}"]
        parts[f"by_{name}"] |= given
    parts["path"] = parts["path"].where(~given, parts["path"] * 32 + number)
    for cost in COSTS:
        parts[cost] *= parts["share"]
    return pd.concat([rest, left[live.columns], parts[live.columns]], ignore_index=True)


def main() -> None:
    """Group, apply the rules, write the ledger."""
    folder, target = (Path(each).resolve() for each in sys.argv[1:])
    live = cells(folder)
    metrics = pd.DataFrame(usage(folder), columns=["metric", "day", "env", "team", "value"])
    metrics["calendar_month"] = metrics["day"].str[:7]
    for number, rule in enumerate(RULES, start=1):
        live = split(number, rule, live, metrics)
    ledger = live.groupby(list(LEDGER), sort=False)[list(COSTS)].sum().reset_index()
    ledger.assign(day=pd.to_datetime(ledger["day"]).dt.date).to_parquet(target)


if __name__ == "__main__":
    main()
