"""Cost columns that a billing source adds: read, split, kept, reported and stored like those of FOCUS."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest
from workbench import Charge, assert_close, by, charge, shared_data, write_bill

from costops.errors import BillError, EngineError, InvalidRulesError, UsageError
from costops.model.diagnostic import Diagnostic
from costops.money import PICOS, format_picos
from costops.workspace import Workspace, load_plan, open_workspace, save_plan

RULES = """\
labels:
  - {id: team, from: Tags.team}
allocations:
  - id: split
    source: {where: {ServiceName: Support}}
    method: proportional
    to: {dimension: team}
    basis: {%s}
"""
BILL = [
    charge("EC2", "1", team="a", x_Net="3"),
    charge("EC2", "1", team="b", x_Net="1"),
    charge("Support", "10", x_Net="8.000000000001"),
]


def rows(*charges: Charge, named: str = "x_Net") -> list[dict[str, object]]:
    """Charges whose tag `x_Net` of the workbench becomes a column."""
    found = []
    for each in charges:
        tags = dict(each["Tags"])  # type: ignore[call-overload]
        value = tags.pop("x_Net", None)
        found.append({**each, "Tags": tags, named: value})
    return found


def workspace(
    folder: Path,
    files: Mapping[str, Sequence[Charge]],
    *,
    costs: dict[str, dict[str, str]] | None = None,
    cost: str = "EffectiveCost",
    basis: str = "",
    report: Sequence[str] = ("team",),
) -> Path:
    """A source for each file name without its ending, each with its entry of `costs`."""
    for name in ("rules", "bill"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    costs = {"cloud": {"net": "x_Net"}} if costs is None else costs
    for name, charges in files.items():
        write_bill(folder / "bill" / name, charges, charges)
    names = dict.fromkeys(name.partition("-")[0] for name in files)
    billing = [{"name": each, "path": f"bill/{each}-*", "costs": costs.get(each, {})} for each in names]
    settings = {"version": 1, "cost": cost, "report": list(report), "billing": billing}
    (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "rules" / "10.yaml").write_text(RULES % basis, encoding="utf-8")
    return folder


@contextmanager
def opened(folder: Path) -> Iterator[Workspace]:
    with open_workspace(folder, environment={"COSTOPS_THREADS": "1"}) as workspace:
        yield workspace


def sums(folder: Path, *columns: str) -> dict[str, dict[str | None, Fraction]]:
    with opened(folder) as workspace:
        ledger = workspace.plan().ledger
    assert ledger is not None
    return {column: by(ledger, "team", column=column) for column in columns}


def problems(folder: Path) -> list[tuple[str, str, str | None]]:
    with opened(folder) as workspace:
        found: Sequence[Diagnostic] = workspace.validate().diagnostics
    return [(each.code, each.message, each.hint) for each in found if each.is_error]


def bill_error(folder: Path) -> BillError:
    with opened(folder) as workspace, pytest.raises(BillError) as caught:
        workspace.plan()
    return caught.value


# Read and split


def test_an_added_cost_column_is_split_by_the_same_shares(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)})
    found = sums(folder, "EffectiveCost", "net")
    assert_close(found["EffectiveCost"], {"a": 6, "b": 6})
    assert_close(found["net"], {"a": Fraction("7.0000000000005"), "b": Fraction("5.0000000000005")})
    assert sum(found["net"].values()) == Fraction("12.000000000001")


def test_a_rule_weighs_by_it_and_plans_show_it(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, cost="net", basis="cost: net")
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan()
    found = sums(folder, "EffectiveCost", "net")
    assert_close(found["EffectiveCost"], {"a": Fraction("8.5"), "b": Fraction("3.5")})
    assert_close(found["net"], {"a": Fraction("9.00000000000075"), "b": Fraction("3.00000000000025")})
    assert plan.cost == "net"
    assert [(each.cost, format_picos(each.before), format_picos(each.after)) for each in plan.totals] == [
        ("BilledCost", "12", "12"),
        ("EffectiveCost", "12", "12"),
        ("net", "12.000000000001", "12.000000000001"),
    ]
    assert [(each.currency, each.amount) for each in plan.moved] == [("USD", 12 * PICOS + 1)]


def test_the_default_weight_is_the_workspaces_cost_also_where_that_is_added(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, cost="net")
    assert_close(sums(folder, "EffectiveCost")["EffectiveCost"], {"a": Fraction("8.5"), "b": Fraction("3.5")})


def test_a_file_or_source_without_it_counts_as_zero_there_without_a_warning(tmp_path: Path) -> None:
    files = {
        "cloud-a.csv": rows(*BILL),
        "cloud-b.csv": [charge("EC2", "5", team="a")],
        "other-a.csv": rows(charge("EC2", "7", team="b", x_Net="100"), named="x_Net"),
    }
    folder = workspace(tmp_path, files)
    support = Fraction("8.000000000001")  # by EffectiveCost, of which a has 6 and b 8
    found = sums(folder, "net")["net"]
    assert_close(found, {"a": 3 + support * Fraction(6, 14), "b": 1 + support * Fraction(8, 14)})


def test_charges_without_a_value_are_counted_like_those_of_other_costs(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL, charge("EC2", "1", team="a"))})
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan()
    assert [each.message for each in plan.diagnostics if each.code == "CO701"] == [
        "1 charge has no net; it counts as 0 there"
    ]


def test_sources_may_call_other_columns_by_the_same_name(tmp_path: Path) -> None:
    files = {
        "cloud-a.csv": rows(charge("EC2", "1", team="a", x_Net="3")),
        "other-a.csv": rows(charge("EC2", "1", team="b", x_Net="4"), named="Our cost"),
    }
    costs = {"cloud": {"net": "x_Net"}, "other": {"theirs": "Our cost", "net": "Our cost"}}
    found = sums(workspace(tmp_path, files, costs=costs), "net", "theirs")
    assert found == {"net": {"a": 3, "b": 4}, "theirs": {"b": 4}}
    with opened(tmp_path) as opened_workspace:
        assert opened_workspace.bill.cost_columns == ("BilledCost", "EffectiveCost", "net", "theirs")


@pytest.mark.parametrize(
    ("value", "picos"),
    [
        ("0.1::DOUBLE", PICOS // 10),
        ("0.3::FLOAT", 3 * PICOS // 10),
        ("7", 7 * PICOS),
        ("'1e-12'", 1),
        ("1.5::DECIMAL(38,20)", 3 * PICOS // 2),
    ],
)
def test_values_are_read_as_other_costs_are(tmp_path: Path, value: str, picos: int) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)})
    with duckdb.connect() as connection:
        connection.execute(
            "COPY (SELECT TIMESTAMP '2025-04-10' AS ChargePeriodStart, 'USD' AS BillingCurrency, 'EC2' AS ServiceName, "
            f"1 AS BilledCost, {value} AS x_Net) TO '{folder / 'bill' / 'cloud-b.parquet'}' (FORMAT parquet)"
        )
    with opened(folder) as opened_workspace:
        ledger = opened_workspace.plan().ledger
    assert ledger is not None
    assert sum(ledger.amounts[ledger.cost_columns.index("net")]) == 12 * PICOS + 1 + picos


@pytest.mark.parametrize("value", ["NaN", "1,5", "x"])
def test_a_value_that_is_no_number_is_refused_with_its_row(tmp_path: Path, value: str) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL, charge("EC2", "1", x_Net=value))})
    error = bill_error(folder)
    assert error.message == f"bill/cloud-a.csv: row 4 has {value!r} in x_Net, which is not a decimal number"


def test_the_parts_of_a_split_charge_count_in_it_too(tmp_path: Path) -> None:
    whole = {**charge("EKS", "6", x_Net="9"), "x_SplitOriginId": "s", "AllocatedMethodId": None}
    parts = [
        {**charge("EKS", each, team=team, x_Net=net), "x_SplitOriginId": "s", "AllocatedMethodId": "m"}
        for each, team, net in (("4", "a", "5"), ("2", "b", "4"))
    ]
    folder = workspace(tmp_path, {"cloud-a.csv": rows(whole, *parts)})
    assert sums(folder, "EffectiveCost", "net") == {"EffectiveCost": {"a": 4, "b": 2}, "net": {"a": 5, "b": 4}}
    with opened(folder) as opened_workspace:
        (left_out,) = opened_workspace.survey().splits
    assert left_out.amounts == {"BilledCost": 6 * PICOS, "EffectiveCost": 6 * PICOS, "net": 9 * PICOS}


def test_the_survey_of_a_bill_has_it(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL, charge("EC2", "1", x_Net="0.0000000000014"))})
    with opened(folder) as opened_workspace:
        report = opened_workspace.survey()
    (reading,) = report.readings
    assert report.cost_columns == ("BilledCost", "EffectiveCost", "net")
    assert (reading.costs["net"].amount_picos, reading.costs["net"].rounded) == (12 * PICOS + 2, 1)


# Names


def test_a_column_that_no_file_of_the_source_has_is_refused(tmp_path: Path) -> None:
    files = {"cloud-a.csv": rows(*BILL), "other-a.csv": [charge("EC2", "1")]}
    error = bill_error(workspace(tmp_path, files, costs={"other": {"net": "x_Net"}}))
    assert error.message == "billing source other: no file has the column x_Net, which `costs` names for net"
    assert error.hint == (
        "The files have BillingPeriodStart, ChargePeriodStart, ChargePeriodEnd, BillingCurrency, ServiceName, "
        "BilledCost, EffectiveCost, Tags."
    )


@pytest.mark.parametrize("written", ["x_net", "xNet", "x_Nett", "X Net"])
def test_a_column_written_a_little_otherwise_is_refused_with_the_right_one(tmp_path: Path, written: str) -> None:
    error = bill_error(workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, costs={"cloud": {"net": written}}))
    assert error.hint == "Did you mean `x_Net`?"


@pytest.mark.parametrize("kind", ["labels", "dimensions"])
def test_the_id_of_a_label_or_dimension_is_no_name_for_a_cost(tmp_path: Path, kind: str) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)})
    entry = "{id: net, from: Tags.net}" if kind == "labels" else "{id: net, rules: []}"
    (folder / "rules" / "20.yaml").write_text(f"{kind}:\n  - {entry}\n", encoding="utf-8")
    assert problems(folder) == [
        (
            "CO611",
            f"a cost column cannot be called `net`, which is the id of a {kind[:-1]}",
            "choose another name, such as x_net",
        )
    ]


@pytest.mark.parametrize(
    "entry",
    [
        "allocations: [{id: x, source: {where: {net: '3'}}, method: even, to: {dimension: team, values: [a]}}]",
        "dimensions: [{id: x, rules: [{from: net}]}]",
        "labels: [{id: x, from: net}]",
        "dimensions: [{id: x, rules: [{value: a, where: {any: [{net: null}]}}]}]",
    ],
)
def test_it_can_be_no_condition_and_no_dimension(tmp_path: Path, entry: str) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)})
    (folder / "rules" / "20.yaml").write_text(entry, encoding="utf-8")
    assert [problem[:2] for problem in problems(folder)] == [("CO317", "`net` is a cost column")]


def test_it_cannot_be_reported(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, costs={"cloud": {"x_Net": "x_Net"}}, report=("x_Net",))
    assert [problem[:2] for problem in problems(folder)] == [("CO317", "`x_Net` is a cost column")]


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("Net", "did you mean `net`?"),
        ("efectivecost", "did you mean `EffectiveCost`?"),
        (
            "x",
            "use one of BilledCost, EffectiveCost, ListCost, ContractedCost, net, "
            "or name it in `costs` of a billing source",
        ),
    ],
)
def test_an_unknown_cost_to_weigh_by_is_refused_with_the_nearest_one(tmp_path: Path, written: str, hint: str) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, basis=f"cost: {written}")
    assert problems(folder) == [("CO205", f"`basis.cost` cannot be `{written}`", hint)]
    with opened(folder) as opened_workspace, pytest.raises(InvalidRulesError):
        opened_workspace.plan()


def test_a_cost_of_focus_that_the_bill_lacks_is_known_but_cannot_weigh(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, basis="cost: ListCost")
    assert problems(folder) == []
    with opened(folder) as opened_workspace, pytest.raises(EngineError) as caught:
        opened_workspace.plan()
    assert caught.value.message == "allocation split weighs by ListCost, which the bill does not have"
    assert caught.value.hint == "set basis.cost to one of BilledCost, EffectiveCost, net"


def test_a_flag_may_show_it(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)})
    with open_workspace(folder, flags={"cost": "net"}, environment={}) as opened_workspace:
        assert opened_workspace.plan().cost == "net"
    with pytest.raises(UsageError, match="`nett` is no cost column"):
        open_workspace(folder, flags={"cost": "nett"}, environment={})


# Applied, saved, changed


def test_it_is_applied_and_comes_back(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, cost="net", basis="cost: net")
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan()
        opened_workspace.apply(plan)
        assert opened_workspace.ledger() == plan.ledger
        assert opened_workspace.sums(by=()).rows == (((), "USD", (12 * PICOS, 12 * PICOS, 12 * PICOS + 1)),)
        assert opened_workspace.digest(by="team").cost == "net"
        assert opened_workspace.check_state().problems == ()
        assert not opened_workspace.plan().writes


def test_another_column_for_it_is_a_change_of_the_settings_with_its_money(tmp_path: Path) -> None:
    doubled = [{**each, "x_Twice": Decimal(str(each["x_Net"])) * 2} for each in rows(*BILL)]
    folder = workspace(tmp_path, {"cloud-a.csv": doubled}, cost="net")
    with opened(folder) as opened_workspace:
        opened_workspace.apply(opened_workspace.plan())
    text = (folder / "costops.yaml").read_text(encoding="utf-8")
    (folder / "costops.yaml").write_text(text.replace('"net": "x_Net"', '"net": "x_Twice"'), encoding="utf-8")
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan()
    (change,) = plan.changes
    assert (change.kind, [field.path for field in change.fields]) == ("settings", ["billing"])
    assert [(each.currency, each.amount) for each in change.moved] == [("USD", 12 * PICOS + 1)]
    assert [(each.cost, each.before, each.after) for each in plan.bill_totals][-1] == (
        "net",
        12 * PICOS + 1,
        24 * PICOS + 2,
    )


def test_kept_cells_of_one_column_are_not_taken_for_those_of_another(tmp_path: Path) -> None:
    doubled = [{**each, "x_Twice": Decimal(str(each["x_Net"])) * 2} for each in rows(*BILL)]
    folder = workspace(tmp_path, {"cloud-a.csv": doubled}, cost="net")
    totals = []
    for column in ("x_Net", "x_Twice", "x_Net"):
        settings = json.loads((folder / "costops.yaml").read_text(encoding="utf-8"))
        settings["billing"][0]["costs"] = {"net": column}
        (folder / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
        with opened(folder) as opened_workspace:
            totals.append(opened_workspace.plan(keep_cells=True).totals[-1].after)
    assert totals == [12 * PICOS + 1, 24 * PICOS + 2, 12 * PICOS + 1]


def test_a_saved_plan_is_applied_on_its_own_cells_when_the_bill_has_moved(tmp_path: Path) -> None:
    folder = workspace(tmp_path, {"cloud-a.csv": rows(*BILL)}, cost="net", basis="cost: net")
    with opened(folder) as opened_workspace:
        plan = opened_workspace.plan(keep_cells=True)
        save_plan(folder / "plan.json", plan)
    write_bill(folder / "bill" / "cloud-a.csv", rows(*BILL[:2]), rows(*BILL))
    with opened(folder) as opened_workspace:
        reviewed = opened_workspace.review(load_plan(folder / "plan.json"))
        opened_workspace.apply(reviewed.plan)
        assert opened_workspace.ledger() == plan.ledger


# Real bills


def test_a_report_of_aws_gives_its_own_costs_by_both_of_their_names(tmp_path: Path) -> None:
    path = shared_data("aws-cur1-csv", "nise-May-2025.csv.gz")
    exact: dict[str, Decimal] = {"lineItem/BlendedCost": Decimal(0), "pricing/publicOnDemandCost": Decimal(0)}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            for name in exact:
                exact[name] += Decimal(row[name] or 0)
    (tmp_path / "rules").mkdir()
    costs = {"blended": "line_item_blended_cost", "on_demand": "pricing/publicOnDemandCost"}
    billing = [{"name": "aws", "path": str(path), "costs": costs}]
    settings = {"version": 1, "cost": "blended", "report": ["ServiceName"], "billing": billing}
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    with opened(tmp_path) as opened_workspace:
        plan = opened_workspace.plan()
    found = {each.cost: each.after for each in plan.totals}
    assert list(found) == ["BilledCost", "EffectiveCost", "ListCost", "blended", "on_demand"]
    for name, column in (("blended", "lineItem/BlendedCost"), ("on_demand", "pricing/publicOnDemandCost")):
        # 186 amounts have more than 12 places, each rounded by half a unit at most.
        assert abs(Fraction(found[name], PICOS) - Fraction(exact[column])) < Fraction(200, PICOS)
    assert found["on_demand"] == found["ListCost"]


def test_a_focus_bill_gives_a_further_column(tmp_path: Path) -> None:
    path = shared_data("focus-1.2", "cost_and_usage_aws.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        exact = sum(Decimal(row["PricingCurrencyEffectiveCost"] or 0) for row in csv.DictReader(file))
    (tmp_path / "rules").mkdir()
    billing = [{"name": "aws", "path": str(path), "costs": {"in_pricing_currency": "PricingCurrencyEffectiveCost"}}]
    settings = {"version": 1, "report": ["ServiceName"], "billing": billing}
    (tmp_path / "costops.yaml").write_text(json.dumps(settings), encoding="utf-8")
    with opened(tmp_path) as opened_workspace:
        plan = opened_workspace.plan()
    assert plan.totals[-1].cost == "in_pricing_currency"
    assert abs(Fraction(plan.totals[-1].after, PICOS) - Fraction(exact)) < Fraction(100, PICOS)
