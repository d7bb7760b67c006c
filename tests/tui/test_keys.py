"""Every key does what the table of keys says, and the help and the manual name all of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from costops_tui.keymap import CLOSE_HELP, KEYS, SCREENS, keys_of
from costops_tui.screens.base import ReportScreen
from tui.driving import WIDE, Driver, drive, lines, press, screen, screen_after, view

pytestmark = pytest.mark.xdist_group("tui")

MANUAL = Path(__file__).resolve().parents[2] / "docs" / "tui.md"
NUMBER = {"digest": "1", "rules": "2", "order": "3"}


def test_the_keys_of_a_screen_do_not_clash_and_say_what_they_do() -> None:
    for name in SCREENS:
        pressed = [key for entry in keys_of(name) for key in entry.keys.split(",")]
        assert len(pressed) == len(set(pressed)), name
    assert len({key.id for key in KEYS}) == len(KEYS)
    for key in (*KEYS, CLOSE_HELP):
        assert key.label, key.id
        assert key.tooltip.endswith("."), key.id
        assert key.shown, key.id


@pytest.mark.parametrize("name", SCREENS)
def test_every_key_of_a_screen_is_bound_there_to_its_action(name: str, applied: Path) -> None:
    async def look(pilot: Driver) -> dict[str, str]:
        bound = pilot.app.screen.active_bindings
        return {key: binding.binding.action for key, binding in bound.items()}

    bound = drive(applied, look, NUMBER[name])
    for entry in keys_of(name):
        for key in entry.keys.split(","):
            action = bound[key]
            assert action == entry.action or (entry.id == "month" and action.startswith("sideways")), key


@pytest.mark.parametrize("name", SCREENS)
def test_the_help_names_every_key_of_its_screen_and_the_command(name: str, applied: Path) -> None:
    async def look(pilot: Driver) -> list[str]:
        return lines(pilot, "help")

    text = drive(applied, look, NUMBER[name], "question_mark", size=WIDE)
    assert text[0] == f"The keys of the {name} screen"
    for entry in keys_of(name):
        assert any(line.startswith(entry.shown + " ") for line in text), entry.id
    for entry in KEYS:
        if name not in entry.screens:
            assert not any(line.endswith(entry.tooltip) for line in text), entry.id
    commands = {
        "digest": "costops digest --by env",
        "rules": "costops show; costops validate --no-data",
        "order": "costops ledger --by allocation_path",
    }
    assert f"    {commands[name]}" in text


@pytest.mark.parametrize("key", ["question_mark", "escape", "q", "f1"])
def test_the_help_is_closed_by_its_keys_and_nothing_quits(key: str, applied: Path) -> None:
    assert "Elements" in screen_after(applied, "question_mark", key)
    assert "The keys of" not in screen_after(applied, "question_mark", key)


def test_the_manual_names_every_key() -> None:
    rows = [line for line in MANUAL.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    for key in KEYS:
        assert any(all(f"`{part}`" in row for part in key.shown.split()) and key.tooltip in row for row in rows), key.id


def test_the_numbers_show_the_screens(applied: Path) -> None:
    for name, number in NUMBER.items():
        assert f"[{number} {name}]" in screen_after(applied, number).splitlines()[0]


def test_down_up_first_last_and_pages_move_the_cursor(applied: Path) -> None:
    async def look(pilot: Driver) -> list[str | None]:
        found = [view(pilot, "steps").key]
        for keys in ("j", "down", "k", "up", "G", "g", "end", "home", "pagedown", "pageup", "ctrl+d", "ctrl+u"):
            await press(pilot, keys)
            found.append(view(pilot, "steps").key)
        return found

    team, env = "rule support-by-team", "rule support-by-env"
    ends = ["end", "start", "end", "start", "end", "start", "end", "start"]
    assert drive(applied, look, "3") == ["start", env, team, env, "start", *ends]


def test_the_cursor_stops_at_both_ends(applied: Path) -> None:
    async def look(pilot: Driver) -> list[str | None]:
        await press(pilot, "k")
        first = view(pilot, "steps").key
        await press(pilot, "G", "j")
        return [first, view(pilot, "steps").key]

    assert drive(applied, look, "3") == ["start", "end"]


def test_left_and_right_show_other_months_and_stop_at_the_first_and_last(applied: Path) -> None:
    async def look(pilot: Driver) -> list[str]:
        found = []
        for key in ("right", "h", "left", "left", "l", "right"):
            await press(pilot, key)
            found.append(lines(pilot, "elements")[0].split()[1])
        return found

    assert drive(applied, look) == ["2025-05", "2025-04", "2025-03", "2025-03", "2025-04", "2025-05"]


def test_enter_and_left_and_right_fold_a_file(applied: Path) -> None:
    async def look(pilot: Driver) -> list[int]:
        counts = [len(lines(pilot, "tree"))]
        for key in ("enter", "enter", "left", "right", "j", "left"):
            await press(pilot, key)
            counts.append(len(lines(pilot, "tree")))
        assert view(pilot, "tree").key == "file rules/10-rules.yaml"
        return counts

    assert drive(applied, look, "2") == [10, 6, 10, 6, 10, 10, 6]


def test_enter_on_an_entry_goes_into_its_text_and_tab_to_the_next_part(applied: Path) -> None:
    async def look(pilot: Driver) -> list[str | None]:
        found = []
        for key in ("enter", "tab", "tab", "shift+tab"):
            await press(pilot, key)
            assert pilot.app.focused is not None
            found.append(pilot.app.focused.id)
        return found

    assert drive(applied, look, "2", "j") == ["text", "tree", "facts", "tree"]


def test_enter_on_a_rule_of_the_order_shows_it_in_its_file(applied: Path) -> None:
    async def look(pilot: Driver) -> str:
        assert view(pilot, "tree").key == "allocation passed-on"
        return screen(pilot)

    shown = drive(applied, look, "3", "G", "k", "k", "enter")
    assert "[2 rules]" in shown
    assert "┃   - id: passed-on" in shown


def test_a_view_without_a_cursor_scrolls(applied: Path) -> None:
    async def look(pilot: Driver) -> list[int]:
        text = view(pilot, "text")
        found = []
        for key in ("G", "g", "j", "k", "pagedown", "pageup"):
            await press(pilot, key)
            found.append(text.scroll_offset.y)
        await press(pilot, "l")
        found.append(text.scroll_offset.x)
        return found

    last, first, down, up, page, back, right = drive(applied, look, "2", "tab", "tab", size=(60, 18))
    assert last > 10
    assert (first, down, up, back) == (0, 1, 0, 0)
    assert page > 1
    assert right == 8


def test_a_filter_narrows_each_screen_enter_keeps_it_and_esc_takes_it_away(applied: Path) -> None:
    async def look(pilot: Driver) -> None:
        for number, name, word, every, narrow in (
            ("1", "elements", "STAG", 11, 8),
            ("2", "tree", "passed", 10, 2),
            ("3", "steps", "support", 9, 6),
        ):
            await press(pilot, number)
            assert len(lines(pilot, name)) == every
            await press(pilot, "slash", *word)
            assert len(lines(pilot, name)) == narrow
            await press(pilot, "enter")
            assert len(lines(pilot, name)) == narrow
            assert f'filter "{word}"' in screen(pilot)
            assert pilot.app.focused is view(pilot, name)
            await press(pilot, "escape")
            assert len(lines(pilot, name)) == every
            assert "filter" not in screen(pilot).replace("/ filter", "")

    drive(applied, look, "c")


def test_a_filter_that_nothing_contains_says_so(applied: Path) -> None:
    assert "6 elements of 6 filtered out." in screen_after(applied, "c", "slash", *"xyz", size=WIDE)
    assert "Nothing contains the filter." in screen_after(applied, "2", "slash", *"xyz")
    assert "6 rules of 6 filtered out." in screen_after(applied, "3", "slash", *"xyz")


def test_letters_in_the_filter_are_no_keys(applied: Path) -> None:
    assert "filter: qc1r" in screen_after(applied, "slash", *"qc1r")


def test_esc_goes_back_through_the_screens_and_never_quits(applied: Path) -> None:
    async def look(pilot: Driver) -> list[str]:
        found = []
        for _ in range(4):
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, ReportScreen)
            found.append(pilot.app.screen.NAME)
        return found

    assert drive(applied, look, "2", "3") == ["rules", "digest", "digest", "digest"]


def test_c_shows_the_next_currency_on_every_screen_that_has_one(applied: Path) -> None:
    assert "EUR (1 of 2)" in screen_after(applied)
    assert "USD (2 of 2)" in screen_after(applied, "c")
    assert "EUR (1 of 2)" in screen_after(applied, "c", "c")
    assert "USD (2 of 2)" in screen_after(applied, "c", "3")
    assert "EUR took" in screen_after(applied, "c", "2", "c", "G", size=WIDE)


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
def test_q_quits_with_exit_code_0(key: str, applied: Path) -> None:
    async def look(pilot: Driver) -> int | None:
        await pilot.press(key)
        await pilot.pause()
        return pilot.app.return_value

    assert (drive(applied, look) or 0) == 0
