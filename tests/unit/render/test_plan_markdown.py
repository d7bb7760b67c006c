"""A plan as a comment: whole texts beside this file, what is live, how long it is, and what is left out."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from unit.render.golden.plans import (
    APART,
    CAUSES,
    COMPARED,
    DIMENSIONS,
    EXAMPLES,
    NOTHING,
    cause,
    cents,
    change,
    plan,
    total,
)
from unit.render.markdown import LIVE, plain, tables, tokens
from unit.render.test_markdown_safe import ATTACKS, STRANGERS

from costops.model.diagnostic import Diagnostic, Severity, Span
from costops.model.plan import (
    BillDrift,
    CheckResult,
    Coverage,
    ElementCost,
    FieldChange,
    FrozenMonth,
    MoneyLine,
    Moved,
    Plan,
    RestatedMonth,
)
from costops.model.version import Base
from costops.planning.money import element_costs, moved_money
from costops.render.plan_json import plan_json
from costops.render.plan_markdown import LEAST_CHARACTERS, plan_markdown
from costops.render.plan_text import plan_text

GOLDEN = Path(__file__).parent / "golden"
WRITTEN = ("causes", "apart", "compared", "nothing", "unsafe", "joined", "first")


def consistent(made: Plan) -> Plan:
    """The plan with the result that its changes give to elements of no other cost."""
    after: dict[tuple[str, str | None, str], int] = {}
    for each in made.changes:
        for found in each.money:
            after[found.dimension, found.value, found.currency] = found.after
    return replace(made, result=element_costs(after, made.dimensions))


def example(name: str) -> Plan:
    made = EXAMPLES[name]
    return made if made.result else consistent(made)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_comment_reads_as_written_down(name: str) -> None:
    assert plan_markdown(example(name)) == (GOLDEN / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_nothing_in_it_is_live_and_its_html_is_static(name: str) -> None:
    check_inert(plan_markdown(example(name)))


def check_inert(text: str) -> None:
    for token in tokens(text):
        assert token.type not in LIVE, token
        if token.type == "html_block":
            assert re.fullmatch(
                r"<details>\n<summary>(Fields|Money|Causes)(, (money|causes))*</summary>\n|</details>\n", token.content
            ), token.content
    for row in text.splitlines():
        assert not row.startswith("::")
    assert not re.search(r"[@#\[\]<>]", plain(text).replace("<details>", ""))


def attacked(texts: Sequence[str]) -> Plan:
    """A plan in which every text that another may write is one of these."""
    one, two, three = texts
    lines = (
        MoneyLine("team", one, three, 0, 10**12),
        MoneyLine("team", None, three, 10**12, 0),
        MoneyLine("env", two, three, 0, 10**12),
        MoneyLine("env", one + "x", three, 10**12, 0),
    )
    changed = replace(
        change("rename", two, lines, at=3, previous_id=one),
        file=three,
        fields=(FieldChange(one, two, [three]), FieldChange(two, None, one)),
        causes=(replace(cause("upstream", one, a="1.00"), rule=two), replace(cause("order", two), rule=three)),
    )
    return plan(
        base_label=one,
        target_label=two,
        changes=(changed, replace(changed, joined_with=two)),
        moved=(Moved("team", three, 10**12), Moved("env", three, 10**12)),
        totals=(total(three, "1.00", cost="EffectiveCost"),),
        result=(ElementCost("team", one, three, 10**12), ElementCost("env", two, three, 10**12)),
        unallocated=(Coverage("team", three, 0, 1, 0, 1),),
        bill_money=lines,
        bill_totals=(total(three, "1.00", "2.00"),),
        bill_drift=(BillDrift(one, "2026-08", two, three, 0, 10**12),),
        metric_money=lines,
        frozen=(FrozenMonth("2026-07", "closed", lines),),
        restated=(RestatedMonth("2026-08", (total(three, "1.00", "2.00", cost=one),), lines),),
        reason=two,
        compared_with=three,
        checks=(
            CheckResult(check=one, severity="error", status="failed", message=two, line=1),
            CheckResult(
                check=one, severity="error", status="overridden", message=two, line=1, reason=three, until="2026-12-31"
            ),
        ),
        diagnostics=(
            Diagnostic(code="CO801", severity=Severity.WARNING, message=one, span=Span(two, 1, 1, 1, 2), hint=three),
        ),
    )


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_is_shown_and_nothing_else(text: str) -> None:
    check_inert(plan_markdown(attacked((text, text, text))))


@settings(deadline=None, max_examples=150)
@given(st.tuples(STRANGERS, STRANGERS, STRANGERS))
def test_whatever_others_write_nothing_is_live_and_tables_keep_their_columns(texts: tuple[str, str, str]) -> None:
    made = attacked(texts)
    text = plan_markdown(made)
    check_inert(text)
    for rows in tables(text):
        assert {len(row) for row in rows} == {len(rows[0])}
    shortest = plan_markdown(made, max_chars=LEAST_CHARACTERS)
    assert len(shortest) <= LEAST_CHARACTERS
    check_inert(shortest)


@pytest.mark.parametrize(
    "text", ["`" * 5000, "|" * 5000, "\u202e" * 5000, "`a" * 3000, " `" * 3000, "\\|" * 3000, "x" * 9000]
)
def test_the_shortest_comment_holds_however_long_and_many_the_texts_are(text: str) -> None:
    made = attacked((text, text, text))
    currencies = [f"{text[:place]}{text}" for place in range(30)]
    moved = tuple(Moved("team", currency, 10**25) for currency in currencies)
    money = tuple(
        MoneyLine("team", name, currency, before, 10**25 - before)
        for currency in currencies
        for name, before in ((text, 0), (None, 10**25))
    )
    worst = replace(
        made,
        compared_with=None,
        moved=moved,
        totals=tuple(total(currency, "1,000,000,000,000.00") for currency in currencies),
        changes=(*made.changes * 20, *(replace(each, moved=moved, money=money) for each in made.changes)),
        checks=made.checks * 20,
        frozen=made.frozen * 40,
        restated=made.restated * 40,
        diagnostics=made.diagnostics * 40,
        bill_drift=made.bill_drift * 40,
        bill_totals=made.bill_totals * 40,
    )
    for max_chars in (LEAST_CHARACTERS, 20_000):
        shown = plan_markdown(worst, max_chars=max_chars)
        assert len(shown) <= max_chars
        check_inert(shown)


def many(count: int, elements: int = 40) -> Plan:
    """A plan of so many changes of different size, its result added up from them."""
    deltas: dict[tuple[str, str | None, str], int] = {}
    changes = []
    for place in range(count):
        cost = cents(f"{place % 97 + 1}.{place % 100:02d}")
        giver, taker = f"team-{place % elements}", f"team-{(place * 7 + 1) % elements}"
        money = [
            MoneyLine("team", giver, "USD", 2 * cost, cost),
            MoneyLine("team", taker if taker != giver else None, "USD", 0, cost),
        ]
        for each in money:
            key = (each.dimension, each.value, each.currency)
            deltas[key] = deltas.get(key, 0) + each.delta
        changes.append(
            change(
                "change",
                f"rule-{place:05d}",
                money,
                at=place + 1,
                fields=(FieldChange("to.percent.a", "40", "50"),),
                causes=(cause("rule", f"rule-{place:05d}", a="1.00", b="-1.00"), cause("upstream", "x", a="1.00")),
            )
        )
    before = cents("100,000.00")
    after = {key: before + delta for key, delta in deltas.items()}
    net = [MoneyLine(*key, before, amount) for key, amount in after.items()]
    whole = total("USD", f"{before * len(after) // 10**12}.00")
    return plan(
        changes=tuple(changes),
        moved=moved_money(net, DIMENSIONS),
        result=element_costs(after, DIMENSIONS),
        totals=(whole,),
        unallocated=(Coverage("team", "USD", before, whole.before, before, whole.after),),
        diagnostics=tuple(
            Diagnostic(code="CO801", severity=Severity.WARNING, message=f"warning {place}") for place in range(12)
        ),
    )


def money(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


@pytest.mark.parametrize("max_chars", [4_000, 6_000, 20_000, 65_536, 200_000])
@pytest.mark.parametrize("count", [1, 30, 400, 5_000])
def test_it_is_as_long_as_it_may_be_and_what_is_left_out_is_counted_exactly(count: int, max_chars: int) -> None:
    made = many(count)
    text = plan_markdown(made, max_chars=max_chars)
    assert len(text) <= max_chars
    check_inert(text)
    assert text.count("<details>") == text.count("</details>")
    shown = re.findall(r"^\*\*change\*\* allocation `(rule-[0-9]+)`", text, re.MULTILINE)
    left_out = [each for each in made.changes if each.id not in shown]
    head = text.splitlines()[0]
    if not left_out:
        assert "more change" not in text
    else:
        moved = sum(each.moved[0].amount for each in left_out)
        words = f"{len(left_out):,} more change{'' if len(left_out) == 1 else 's'}, which by themselves move"
        assert f"{words} USD {Decimal(moved) / 10**12:,.2f}._" in text
        assert f"Left out for space: {len(left_out):,} change" in head
        assert f"move USD {Decimal(moved) / 10**12:,.2f}." in head
        # The largest ones are there.
        smallest = min((each.moved[0].amount for each in made.changes if each.id in shown), default=None)
        assert smallest is None or smallest >= max(each.moved[0].amount for each in left_out)
    with_table = text.count("| `team` | `team-")
    assert with_table or count > 30


@pytest.mark.parametrize("max_chars", [4_000, 65_536])
@pytest.mark.parametrize("made", [many(1), many(50), many(5_000), CAUSES, APART, COMPARED], ids=str)
def test_the_rows_and_the_remainder_of_the_first_table_add_up_to_its_total(made: Plan, max_chars: int) -> None:
    rows = tables(plan_markdown(made, max_chars=max_chars))[0][1:]
    *parts, whole = rows
    assert whole[0] == "**total**"
    assert len(parts) <= 12
    for column in (1, 2, 3):
        assert sum(money(row[column]) for row in parts) == money(whole[column])
    for row in rows:
        assert money(row[1]) + money(row[3]) == money(row[2])
    assert (
        money(whole[1])
        == money(whole[2])
        == Decimal(sum(each.amount for each in made.result if each.dimension == "team")) / 10**12
    )


def test_thirds_are_rounded_from_the_top() -> None:
    third = 10**14 // 3
    names = ("a", "b", "c")
    lines = [
        MoneyLine("team", None, "USD", 10**14, 10**14 - 3 * third),
        *(MoneyLine("team", name, "USD", 0, third) for name in names),
    ]
    made = plan(
        changes=(change("add", "x", lines, at=1),),
        moved=(Moved("team", "USD", 3 * third),),
        result=element_costs({("team", name, "USD"): third for name in names}, DIMENSIONS),
    )
    rows = tables(plan_markdown(made))[0]
    assert sorted(row[3] for row in rows[1:]) == ["+33.33", "+33.33", "+33.34", "-100.00", "0.00"]


def test_causes_are_left_out_before_tables_and_tables_before_changes() -> None:
    made = many(60)
    whole = plan_markdown(made, max_chars=10**6)
    assert "Left out" not in whole.splitlines()[0]
    seen = []
    for max_chars in range(len(whole), LEAST_CHARACTERS, -500):
        head = plan_markdown(made, max_chars=max_chars).splitlines()[0]
        found = re.findall(r"([0-9,]+) (change|table|list of causes|lists of causes|warning|row)", head)
        kinds = {
            kind.replace("lists", "list").rstrip("s") if "cause" not in kind else "causes": int(count)
            for count, kind in found
        }
        seen.append(kinds)
        if "change" in kinds:
            assert kinds["causes"] == 60
            assert kinds["table"] >= 50
        if "table" in kinds:
            assert kinds["causes"] == 60
        if "warning" in kinds:
            assert kinds["change"] == 60
    assert any("causes" in each and "table" not in each for each in seen)
    assert any("table" in each and "change" not in each for each in seen)


def test_line_one_says_how_much_moves_between_whom() -> None:
    def first(made: Plan) -> str:
        return plan_markdown(made).splitlines()[0]

    assert first(CAUSES) == (
        "**USD 79,240.09 (7.9 %) moves by `team`: from `platform`, unallocated to `payments`, `search` and 1 more**"
    )
    assert first(NOTHING) == "**No changes.**"
    assert first(replace(NOTHING, writes=True)) == "**No rule changes.**"
    assert first(plan(changes=(change("change", "a", at=1),))) == "**Nothing moves.**"
    assert first(COMPARED).endswith("** · Compared with the rules at `main`, not with the state.")
    started = replace(CAUSES, base=Base(version=None, serial=0, lineage=None))
    assert first(started).endswith("** · Nothing is applied yet.")
    assert first(APART).endswith("** · **1 check failed.**")
    several = replace(CAUSES, moved=(*CAUSES.moved, Moved("team", "EUR", 10**12)))
    assert first(several).startswith("**EUR 1.00 (-) moves by `team`; USD 79,240.09 (7.9 %) moves by `team`: from ")


def test_a_comment_names_the_command_that_applies_exactly_this_where_that_is_possible() -> None:
    digest = "d" * 64
    assert plan_markdown(CAUSES).endswith(f"To apply exactly this: `costops apply --digest {digest}`\n")
    assert plan_markdown(COMPARED).endswith("a comparison of revisions cannot be applied.\n")
    assert plan_markdown(APART).endswith("It cannot be applied while a check fails.\n")
    assert plan_markdown(NOTHING).endswith("There is nothing to apply.\n")


def test_five_thousand_changes_take_no_time_to_speak_of() -> None:
    made = many(5_000)
    for render in (plan_markdown, plan_text, plan_json):
        started = time.process_time()
        render(made)
        assert time.process_time() - started < 5
