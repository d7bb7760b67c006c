"""A plan as a person reads it: whole texts beside this file, and what must hold for any plan."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from unit.render.golden.plans import CHANGE, EXAMPLES, FIRST, LONG, MONEY, NOTHING, plan, usd

from costops.model.plan import Change, FieldChange, MoneyLine, Moved, Plan
from costops.planning.money import moved_money
from costops.render.plan_text import plan_text

GOLDEN = Path(__file__).parent / "golden"


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_a_plan_reads_as_written_down(name: str, width: int) -> None:
    assert plan_text(EXAMPLES[name], width=width) == (GOLDEN / f"{name}-{width}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_no_line_has_blanks_at_its_end_and_the_text_ends_with_one_line_break(name: str) -> None:
    text = plan_text(EXAMPLES[name])
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.splitlines() if line != line.rstrip()] == []


def test_the_summary_of_a_long_plan_stands_first_and_last() -> None:
    lines = plan_text(LONG).splitlines()
    counts = [place for place, line in enumerate(lines) if line.startswith("Plan: ")]
    assert len(lines) > 60
    assert counts[0] == 2
    assert counts[1] >= len(lines) - 4
    assert len(counts) == 2
    short = plan_text(CHANGE)
    assert short.count("Plan: ") == 1
    assert short.splitlines()[-6].startswith("Plan: ")
    assert short.splitlines()[-1] == f"Plan digest {'d' * 64}"
    assert "Plan digest" not in plan_text(NOTHING)


def numbers(text: str) -> list[Decimal]:
    return [Decimal(each.replace(",", "")) for each in re.findall(r"[+-]?[0-9][0-9,]*\.[0-9]{2}(?![0-9])", text)]


def element_lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("      ") and len(numbers(line)) == 3]


def test_before_and_change_are_after_in_every_line() -> None:
    for example in (FIRST, CHANGE, LONG):
        lines = element_lines(plan_text(example, everything=True))
        assert lines
        for line in lines:
            before, after, change = numbers(line)
            assert before + change == after, line


def thirds() -> list[MoneyLine]:
    """One dollar from nobody to three teams."""
    third = 10**12 // 3
    lines = [usd("team", name, 0, third) for name in ("a", "b", "c")]
    return [usd("team", None, 10**12, 10**12 - 3 * third), *lines]


def test_shown_changes_add_up_to_what_moves() -> None:
    text = plan_text(with_money(thirds()))
    assert "moves USD 1.00" in text
    shown = [numbers(line)[2] for line in element_lines(text)]
    assert sorted(shown) == [Decimal("-1.00"), Decimal("0.33"), Decimal("0.33"), Decimal("0.34")]


def with_money(lines: list[MoneyLine], **fields: object) -> Plan:
    dimensions = tuple(dict.fromkeys(line.dimension for line in lines))
    moved = moved_money(lines, dimensions)
    common: dict[str, object] = {"action": "change", "kind": "allocation", "id": "x", "file": "rules/a.yaml", "line": 1}
    change = Change(**{**common, "money": tuple(lines), "moved": moved, **fields})  # type: ignore[arg-type]
    return plan(changes=(change,), dimensions=dimensions, moved=moved)


@pytest.mark.parametrize("count", [1, 5, 6, 12])
def test_what_is_not_shown_is_counted(count: int) -> None:
    lines = [usd("team", f"t{place:02d}", 0, (place + 1) * MONEY) for place in range(count)]
    text = plan_text(with_money([usd("team", None, 10**15, 10**15 - sum(line.delta for line in lines)), *lines]))
    shown = len(element_lines(text))
    hidden = re.search(r"\.\.\. ([0-9,]+) more \(--all\)", text)
    assert shown == min(5, count + 1)
    assert (int(hidden[1]) if hidden else 0) == count + 1 - shown


def test_everything_shows_every_element() -> None:
    lines = [usd("team", f"t{place:02d}", 0, (place + 1) * MONEY) for place in range(12)]
    text = plan_text(with_money(lines), everything=True)
    assert len(element_lines(text)) == 12
    assert "more" not in text


def test_elements_of_less_than_a_cent_are_counted_even_where_everything_is_shown() -> None:
    lines = [usd("team", "a", 0, MONEY), usd("team", "b", 0, 10**9), usd("team", "c", 10**9, 0)]
    text = plan_text(with_money(lines), everything=True)
    assert "... 2 more of less than 0.01" in text


def test_the_largest_changes_stand_first_and_equal_ones_by_name() -> None:
    lines = [usd("team", name, 0, amount * MONEY) for name, amount in (("a", 1), ("c", 3), ("b", 3), ("d", 2))]
    text = plan_text(with_money([usd("team", None, 9 * MONEY, 0), *lines]))
    assert [line.split()[-5] for line in element_lines(text)][1:] == ["b", "c", "d", "a"]
    assert element_lines(text)[0].split()[:2] == ["team", "(unallocated)"]


def test_each_currency_has_its_own_places_and_its_own_block() -> None:
    lines = [
        MoneyLine("team", None, "JPY", 1500 * 10**12, 0),
        MoneyLine("team", "a", "JPY", 0, 1500 * 10**12),
        MoneyLine("team", None, "KWD", 10**9, 0),
        MoneyLine("team", "a", "KWD", 0, 10**9),
    ]
    text = plan_text(with_money(lines))
    assert "moves JPY 1,500, KWD 0.001" in text
    assert "team JPY" in text
    assert "team KWD" in text
    assert "+1,500" in text
    assert "+0.001" in text


def test_a_number_is_never_cut_however_narrow_the_terminal() -> None:
    huge = 123_456_789_012_345 * 10**12
    lines = [usd("team", None, huge, 0), usd("team", "x" * 120, 0, huge)]
    text = plan_text(with_money(lines), width=40)
    for number in ("123,456,789,012,345.00", "-123,456,789,012,345.00", "+123,456,789,012,345.00", "x" * 120):
        assert number in text


def test_a_long_id_keeps_its_place_apart() -> None:
    text = plan_text(with_money([usd("team", "a", 0, MONEY)], id="an-id-" * 20), width=80)
    assert f"{'an-id-' * 20} rules/a.yaml:1" in text


UNSAFE = "\x1b[31mred\x07 \u202etxt\u200b \x9b\n\t"


def test_nothing_of_a_persons_text_reaches_the_terminal_raw() -> None:
    lines = [usd("team", UNSAFE, 0, MONEY), usd("team", None, MONEY, 0)]
    fields = (FieldChange("to.dimension", UNSAFE, [UNSAFE]),)
    text = plan_text(with_money(lines, id=f"id{UNSAFE}", fields=fields))
    for character in "\x1b\x07\u202e\u200b\x9b\t":
        assert character not in text
    assert "\\x1b[31mred\\x07 \\u202etxt\\u200b \\x9b\\n\\t" in text


def test_an_element_in_the_path_of_a_field_is_made_safe() -> None:
    fields = (FieldChange("to.percent.\x1b[2J", "40", "60"),)
    assert "\x1b" not in plan_text(with_money([usd("team", "a", 0, MONEY)], fields=fields))


def test_a_currency_is_made_safe() -> None:
    lines = [MoneyLine("team", None, "US\x1b[2J", MONEY, 0), MoneyLine("team", "a", "US\x1b[2J", 0, MONEY)]
    assert "\x1b" not in plan_text(with_money(lines))


def test_the_name_of_a_file_is_made_safe() -> None:
    assert "\x1b" not in plan_text(with_money([usd("team", "a", 0, MONEY)], file="rules/\x1b[2J.yaml"))


def test_a_field_that_appears_or_goes_says_so() -> None:
    fields = (
        FieldChange("basis.cost", None, "ListCost"),
        FieldChange("enabled", False, None),
        FieldChange("partition_by", [], ["env"]),
        FieldChange("to.percent.a", "60", "50.5"),
    )
    lines = plan_text(with_money([usd("team", "a", 0, MONEY)], fields=fields)).splitlines()
    assert [line.split() for line in lines[3:7]] == [
        ["basis.cost", "(none)", "->", "ListCost"],
        ["enabled", "false", "->", "(none)"],
        ["partition_by", "[]", "->", '["env"]'],
        ["to.percent.a", "60", "->", "50.5"],
    ]


def test_what_is_unallocated_is_always_in_the_summary() -> None:
    for example in (FIRST, CHANGE, LONG, NOTHING):
        assert "Unallocated by team " in plan_text(example)


def test_cost_without_a_value_has_a_name_no_element_can_be_mistaken_for() -> None:
    text = plan_text(with_money([usd("team", None, MONEY, 0), usd("team", "None", 0, MONEY)]))
    assert "(unallocated)" in text
    assert " None " in text


def test_every_dimension_of_the_report_is_told_even_where_nothing_changes() -> None:
    changed = replace(CHANGE, dimensions=("team", "env", "ServiceName"))
    assert "env, ServiceName  (no change)" in plan_text(changed)


def test_the_share_of_a_change_is_that_of_what_was_there() -> None:
    lines = [
        usd("team", "a", 200 * MONEY, 150 * MONEY),
        usd("team", "b", 0, 50 * MONEY),
        usd("team", "c", -10 * MONEY, 0),
    ]
    text = plan_text(with_money(lines))
    shares = {line.split()[-6 if "team" in line else -5]: line.split()[-2:] for line in element_lines(text)}
    found = {line.split("  ")[-1].strip() for line in element_lines(text)}
    assert found == {"-25.0 %", "new", "+100.0 %"}, shares


def test_a_plan_of_no_changes_says_of_which_version() -> None:
    text = plan_text(NOTHING)
    assert "No changes. The allocations of version 12 match the rules and the bill." in text
    assert "Plan: " not in text


def test_moved_money_of_several_dimensions_is_the_largest_of_each_currency() -> None:
    moved = (Moved("team", "USD", 5 * MONEY), Moved("env", "USD", 9 * MONEY), Moved("env", "EUR", 2 * MONEY))
    changed = replace(CHANGE, moved=moved)
    assert "Moves EUR 2.00 (0.2 %), USD 9.00 (0.1 %)." in plan_text(changed)
