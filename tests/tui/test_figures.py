"""The screens show the figures that the commands print."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cli.commands import costops
from costops_tui.screens.digest import DigestScreen
from costops_tui.screens.order import OrderScreen
from tui.driving import Driver, cells, drive, lines, press, screen

from costops.render.digest_json import digest_json
from costops.render.safe import safe_text

pytestmark = pytest.mark.xdist_group("tui")

UNALLOCATED = "(unallocated)"


def printed(folder: Path, *arguments: str) -> Any:
    done = costops(folder, *arguments, "--format", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def shown(amount: str | Decimal) -> str:
    """An amount in cents; the test's bill has no smaller parts."""
    return f"{Decimal(amount):,.2f}"


def test_the_digest_screen_has_every_figure_of_the_command(applied: Path) -> None:
    document = printed(applied, "digest", "--by", "env")
    rows = {(row["BillingCurrency"], row["value"], row["billing_month"]): row for row in document["rows"]}

    async def look(pilot: Driver) -> dict[tuple[str, str], list[str]]:
        found = {}
        for currency in ("EUR", "USD"):
            assert currency in screen(pilot)
            for month in ("2025-05", "2025-04", "2025-03"):
                head, *table = lines(pilot, "elements")
                assert month in head
                found[currency, month] = table
                await press(pilot, "left")
            await press(pilot, "right", "right", "c")
        return found

    seen = drive(applied, look)
    for (currency, value, month), row in rows.items():
        name = UNALLOCATED if value is None else safe_text(value)
        line = next(each for each in seen[currency, month] if each.startswith(f"{name} "))
        found = cells(line.removeprefix(name))
        assert found[0] == ("-" if row["cost"] == "0" else shown(row["cost"]))
        if row["change"] is None:
            assert found[1] == "first month"
        else:
            sign = "=" if row["change"] == "0" else "▼" if row["change"].startswith("-") else "▲"
            plus = "+" if sign == "▲" else ""
            assert found[1:3] == [sign, "-" if sign == "=" else plus + shown(row["change"])]
        if row["trend"] is not None:
            assert found[3] == row["trend"]
        elif row["change_percent"] is not None and row["change"] != "0":
            assert found[3] == f"{Decimal(row['change_percent']).quantize(Decimal('0.1')):+} %"
    for total in document["totals"]:
        line = next(
            each for each in seen[total["BillingCurrency"], total["billing_month"]] if each.startswith("total ")
        )
        assert cells(line)[1] == shown(total["cost"])
        words = f"{total['BillingCurrency']} has no cost in {total['billing_month']}."
        if total["unallocated_percent"] is not None:
            share = Decimal(total["unallocated_percent"]).quantize(Decimal("0.1"))
            words = f"{share} % of {total['BillingCurrency']} is unallocated in {total['billing_month']}."
        assert words in seen[total["BillingCurrency"], total["billing_month"]]
    assert {currency for currency, _ in seen} == {row[0] for row in rows}


def test_the_digest_behind_the_screen_is_the_command_s_to_the_last_digit(applied: Path) -> None:
    async def look(pilot: Driver) -> str:
        assert isinstance(pilot.app.screen, DigestScreen)
        assert pilot.app.screen.content is not None
        return digest_json(pilot.app.screen.content)

    assert drive(applied, look) == costops(applied, "digest", "--by", "env", "--format", "json").out


def test_the_months_of_an_element_are_those_of_the_command(applied: Path) -> None:
    document = printed(applied, "digest", "--by", "env")

    async def look(pilot: Driver) -> list[str]:
        assert lines(pilot, "months")[0] == "production"
        return lines(pilot, "months")[2:]

    table = drive(applied, look, "c")
    expected = [row for row in document["rows"] if (row["value"], row["BillingCurrency"]) == ("production", "USD")]
    assert [cells(line.lstrip("> "))[:2] for line in table] == [
        [row["billing_month"], shown(row["cost"])] for row in expected
    ]


def test_the_order_screen_starts_at_all_cost_and_ends_at_what_no_rule_took(applied: Path) -> None:
    rows = printed(applied, "ledger", "--by", "allocation_path")["rows"]

    async def look(pilot: Driver) -> dict[str, list[str]]:
        found = {}
        for currency in ("EUR", "USD"):
            found[currency] = lines(pilot, "steps")[1:]
            await press(pilot, "c")
        return found

    for currency, table in drive(applied, look, "3").items():
        paths = {
            row["allocation_path"]: Decimal(row["EffectiveCost"]) for row in rows if row["BillingCurrency"] == currency
        }
        left = sum(paths.values())
        assert cells(table[0]) == ["all cost", shown(left)]
        assert cells(table[-1]) == ["no rule took", shown(paths[None])]
        for line in table[1:-1]:
            _, name, *figures = cells(line)
            name = name.removesuffix(" (disabled)")
            through = [amount for path, amount in paths.items() if path and name in path.split(" > ")]
            first = sum(amount for path, amount in paths.items() if path and path.split(" > ")[0] == name)
            left -= first
            if through:
                assert figures == [shown(sum(through)), shown(first), shown(left)]
            else:
                assert figures == ["took nothing", shown(left)]
        assert left == paths[None]


def test_the_order_is_that_of_the_version(applied: Path) -> None:
    rules = [each for each in printed(applied, "show")["rules"] if each["kind"] == "allocation"]

    async def look(pilot: Driver) -> list[tuple[int, str]]:
        assert isinstance(pilot.app.screen, OrderScreen)
        assert pilot.app.screen.content is not None
        return [(step.position, step.id) for step in pilot.app.screen.content.money.steps]

    assert drive(applied, look, "3") == [(place, rule["id"]) for place, rule in enumerate(rules, start=1)]


def test_the_rules_screen_says_what_a_rule_took_and_to_whom_it_gave_it(applied: Path) -> None:
    async def look(pilot: Driver) -> dict[str, list[str]]:
        found = {}
        for _ in range(20):
            facts = lines(pilot, "facts")
            found[facts[0].split("  ")[0]] = facts
            await press(pilot, "j")
        return found

    facts = drive(applied, look, "2")
    support = facts["allocation support-by-team"]
    money = support[support.index("Money in version 1, 2025-03..2025-05, EffectiveCost") + 1 :]
    assert [cells(line) for line in money] == [
        ["EUR took 2.00, 20.0 % of all cost"],
        ["all of it had gone through an earlier rule"],
        ["gave it along team to"],
        ["checkout", "1.50", "75.0 %"],
        ["(taken on by passed-on)", "0.50", "25.0 %"],
        ["USD took 20.00, 7.0 % of all cost"],
        ["all of it had gone through an earlier rule"],
        ["gave it along team to"],
        ["checkout", "15.00", "75.0 %"],
        ["(taken on by passed-on)", "5.00", "25.0 %"],
    ]
    assert facts["allocation nobody-buys-this"][-2:] == ["EUR took nothing", "USD took nothing"]
    assert any(line.startswith("Disabled, it does nothing.") for line in facts["allocation switched-off"])
    assert [cells(line) for line in facts["allocation tax"][-2:]] == [
        ["production / checkout", "3.00", "60.0 %"],
        ["staging / checkout", "2.00", "40.0 %"],
    ]
    assert "EUR took nothing" in facts["allocation tax"]
    assert not any(line.startswith("Money") for line in facts["label env"])
