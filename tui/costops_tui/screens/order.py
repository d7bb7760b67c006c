"""The allocations in the order of evaluation: what each took, and what no rule had taken after it.

Invariant: it starts at all cost and ends at the cost whose path in the ledger is empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from textual.app import ComposeResult

from costops.model.rule_money import RuleMoney, RuleStep
from costops.render.numbers import amount, counted, percent
from costops.render.safe import safe_text
from costops_tui.keymap import ORDER
from costops_tui.layout import columns, wrapped
from costops_tui.reading import Snapshot
from costops_tui.screens.base import ReportScreen
from costops_tui.screens.money import NOTHING, money_lines, step_words
from costops_tui.widgets.lines import Line, LineView

START_KEY, END_KEY, RULE = "start", "end", "rule "


@dataclass(frozen=True, slots=True)
class _Content:
    money: RuleMoney
    label: str


class OrderScreen(ReportScreen[_Content]):
    """Left, or on top, the waterfall; right, or below, the rule that the cursor is on."""

    NAME = ORDER
    COMMAND = "costops ledger --by allocation_path"

    def compose_body(self) -> ComposeResult:
        yield LineView(id="steps", title="Order of evaluation", cursor=True)
        yield LineView(id="step", title="The rule")

    def read(self, snapshot: Snapshot) -> _Content | None:
        return None if snapshot.version is None else _Content(snapshot.money, snapshot.label)

    @property
    def currencies(self) -> tuple[str, ...]:
        return () if self.content is None else self.content.money.currencies

    def as_of(self, content: _Content) -> str:
        money = content.money
        months = f"{money.months[0]}..{money.months[-1]}" if money.months else "no months"
        return f"{self.currency_words()}  {money.cost}  {months}  {content.label}"

    def draw(self, content: _Content) -> None:
        view = self.query_one("#steps", LineView)
        if not content.money.totals:
            view.show([Line(f"Version {content.money.version} has no cost.")])
            self.query_one("#step", LineView).show([])
            return
        place = content.money.currencies.index(self.currency)
        total = content.money.totals[place][1]
        visible = [each for each in content.money.steps if self.filter_text or not each.hidden]
        steps = [each for each in visible if self.matches(each.id)]
        last = content.money.steps[-1].money[place].left_picos if content.money.steps else total
        rows = [["#", "rule", "took", "first", "left after it"]]
        rows.append(["", "all cost", "", "", amount(total, self.currency)])
        rows += [_row(each, place) for each in steps]
        rows.append(["", "no rule took", "", "", amount(last, self.currency)])
        texts = columns(rows, right=[True, False, True, True, True], width=view.text_width, name=1)
        keys = [START_KEY, *(RULE + each.id for each in steps), END_KEY]
        lines = [Line(text, key=key) for text, key in zip(texts[1:], keys, strict=True)]
        if len(steps) < len(visible):
            left_out = len(visible) - len(steps)
            lines.append(Line(f"{counted(left_out, 'rule')} of {len(content.money.steps):,} filtered out."))
        if len(visible) < len(content.money.steps):
            lines.append(Line(f"{counted(len(content.money.steps) - len(visible), 'rule')} hidden."))
        view.show(lines, head=[Line(texts[0], "head")])
        self._draw_step(content, place)

    def _draw_step(self, content: _Content, place: int) -> None:
        view, key = self.query_one("#step", LineView), self.query_one("#steps", LineView).key
        total = content.money.totals[place][1]
        step = next((each for each in content.money.steps if RULE + each.id == key), None)
        if step is None:
            left = content.money.steps[-1].money[place].left_picos if content.money.steps else total
            words = EXPLANATION if key == START_KEY else f"{percent(left, total)} of all cost {UNTAKEN}"
            view.show([Line(each) for each in wrapped(words, view.text_width)])
            return
        where = f"{safe_text(step.file)}:{step.line}" if step.present else ""
        head = f"#{step.position} {safe_text(step.id)}  {where}"
        lines = [Line(text, "strong") for text in wrapped(head, view.text_width)]
        view.show([*lines, *money_lines(content.money, step, (self.currency,), view.text_width)])

    def on_line_view_moved(self, event: LineView.Moved) -> None:
        """Show the rule that the cursor is on."""
        if event.view.id == "steps" and self.content is not None and self.currencies:
            self._draw_step(self.content, self.currencies.index(self.currency))

    def on_line_view_chosen(self, event: LineView.Chosen) -> None:
        """Show the rule in its file."""
        if event.key.startswith(RULE):
            self.costops.open_rule(event.key.removeprefix(RULE))


EXPLANATION = (
    "took: all cost that went through the rule. first: of that, what no rule had taken before. left after it: what "
    "neither it nor a rule before it has taken. Cost can go through several rules, along different dimensions."
)
UNTAKEN = (
    "was taken by no rule: its path in the ledger is empty. "
    "It may still have values by its tags, labels and dimensions."
)


def _row(step: RuleStep, place: int) -> list[str]:
    money = step.money[place]
    words = step_words(step)
    left = amount(money.left_picos, money.currency)
    name = safe_text(step.id) + (f" ({words})" if words else "")
    if not money.touched:
        return [str(step.position), name, NOTHING, "", left]
    taken = amount(money.taken_picos, money.currency)
    return [str(step.position), name, taken, amount(money.first_picos, money.currency), left]
