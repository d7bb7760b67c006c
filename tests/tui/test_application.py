"""What the application does when things change, are missing, broken, strange or small."""

from __future__ import annotations

from pathlib import Path

import pytest
from costops_tui.widgets.lines import CURSOR
from tui.conftest import apply
from tui.driving import WIDE, Driver, drive, lines, press, screen, screen_after, settle, view

pytestmark = pytest.mark.xdist_group("tui")

FIRST_FILE = "rules/10-rules.yaml"


def test_before_the_first_apply_the_screens_say_which_command_to_run(fresh: Path) -> None:
    for number in "13":
        shown = screen_after(fresh, number)
        assert "Nothing has been applied yet." in shown
        assert "costops apply" in shown
    shown = screen_after(fresh, "2", "j", "j", "j", size=WIDE)
    assert "allocation support-by-env" in shown
    assert "Nothing has been applied yet: run costops apply." in shown


def test_reload_after_the_first_apply_shows_the_figures(fresh: Path) -> None:
    async def look(pilot: Driver) -> str:
        apply(fresh)
        await press(pilot, "r")
        return screen(pilot)

    shown = drive(fresh, look)
    assert "Nothing has been applied yet." not in shown
    assert "production" in shown


def test_a_changed_rule_file_is_announced_on_every_screen_once_it_is_read(own: Path) -> None:
    path = own / FIRST_FILE
    notice = "rules changed since version 1: run costops plan"

    async def look(pilot: Driver) -> None:
        assert notice not in screen(pilot)
        path.write_text(path.read_text().replace("checkout: 75", "checkout: 60").replace('": 25', '": 40'))
        await press(pilot, "r")
        assert notice in screen(pilot)
        await press(pilot, "2")
        assert notice in screen(pilot)
        assert any("checkout: 60" in line for line in lines(pilot, "text"))
        apply(own)
        await press(pilot, "r")
        assert notice not in screen(pilot)
        assert "money of version 2" in screen(pilot)

    drive(own, look)


def test_reload_keeps_the_cursor_on_its_rule(own: Path) -> None:
    path = own / FIRST_FILE

    async def look(pilot: Driver) -> str | None:
        path.write_text("# one more line\n" + path.read_text())
        await press(pilot, "r")
        return view(pilot, "tree").key

    assert drive(own, look, "2", "j", "j", "j", "j") == "allocation support-by-team"


def test_broken_files_show_their_problems_and_everything_else_stays_browsable(own: Path) -> None:
    (own / "rules" / "30-broken.yaml").write_text("allocations: [", encoding="utf-8")
    (own / "rules" / "20-more.yaml").write_text(
        "allocations:\n  - id: wrong\n    source: {where: {ServiceName: Tax}}\n    method: evenn\n"
        "  - {id: '[red]id[/]', method: even}\n",
        encoding="utf-8",
    )

    async def look(pilot: Driver) -> None:
        assert "errors in the rules: run costops validate, or press 2" in screen(pilot)
        assert "production" in screen(pilot)
        await press(pilot, "2", "G")
        assert view(pilot, "tree").key == "file rules/30-broken.yaml"
        assert any("CO105" in line for line in lines(pilot, "facts"))
        assert any(line.startswith(("1 !", "2 !")) for line in lines(pilot, "text"))
        await press(pilot, "k")
        assert any("`evenn`" in line or "evenn" in line for line in lines(pilot, "facts"))
        await press(pilot, "g", "j", "j", "j")
        assert lines(pilot, "facts")[0].startswith("allocation support-by-env")
        assert any("took 20.00" in line for line in lines(pilot, "facts"))

    drive(own, look)


def test_a_state_that_cannot_be_read_is_a_screen_with_its_remedy_and_the_rules_stay(own: Path) -> None:
    state = own / "state" / "costops.db"
    whole = state.read_bytes()

    async def look(pilot: Driver) -> None:
        for number in "13":
            await press(pilot, number)
            shown = screen(pilot)
            assert "This cannot be shown." in shown
            assert "help: " in shown
            assert "exit code 7" in shown
        await press(pilot, "2", "j", "j", "j")
        assert any("The money cannot be shown" in line for line in lines(pilot, "facts"))
        state.write_bytes(whole)
        await press(pilot, "r", "1")
        assert "production" in screen(pilot)

    state.write_bytes(b"")
    drive(own, look, size=WIDE)


def test_a_settings_file_that_breaks_while_it_runs_is_a_screen_with_its_problems(own: Path) -> None:
    settings = own / "costops.yaml"
    whole = settings.read_text()

    async def look(pilot: Driver) -> None:
        settings.write_text(whole.replace('"version": 1', '"version": 9'))
        await press(pilot, "r")
        assert "This cannot be shown." in screen(pilot)
        assert "costops.yaml:1" in screen(pilot)
        assert "exit code 3" in screen(pilot)
        settings.write_text(whole)
        await press(pilot, "r")
        assert "production" in screen(pilot)

    drive(own, look, size=WIDE)


def test_names_that_look_like_markup_and_wide_ones_stand_as_they_are(applied: Path) -> None:
    shown = screen_after(applied, "c")
    for name in ("[bold]staging[/bold]", "環境テスト", r"tab\there \x1b[31mred\u202e"):
        assert name in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert '"[red]team[/]" 25 %' in screen_after(applied, "2", "j", "j", "j", "j", size=WIDE)
    assert "データ基盤" in screen_after(applied, "3", "G", "k", "k", size=WIDE)


def test_a_name_that_is_cut_shows_it_and_stands_in_full_beside_its_months(applied: Path) -> None:
    async def look(pilot: Driver) -> tuple[str, str]:
        return lines(pilot, "elements")[5], lines(pilot, "months")[0]

    short, full = drive(applied, look, "c", "j", "j", "j", "j", size=(112, 30))
    assert short.split("  ")[0].endswith("…")
    assert full == r"tab\there \x1b[31mred\u202e"


def test_wide_names_keep_the_columns_straight(applied: Path) -> None:
    from costops.render.table import shown_width

    async def look(pilot: Driver) -> list[str]:
        return lines(pilot, "elements")[1:8]

    table = drive(applied, look, "c")
    assert len({shown_width(line) for line in table}) == 1


@pytest.mark.parametrize("keys", [("c",), ("2", "j", "j", "j"), ("3", "j")], ids=["digest", "rules", "order"])
def test_a_small_window_and_back_shows_the_same(keys: tuple[str, ...], applied: Path) -> None:
    async def look(pilot: Driver) -> None:
        before = screen(pilot)
        await pilot.resize_terminal(40, 10)
        await settle(pilot)
        small = screen(pilot).splitlines()
        assert len(small) == 10
        assert "costops" in small[0]
        assert any(CURSOR in line for line in small)
        assert "q quit" in small[-1]
        await pilot.resize_terminal(80, 24)
        await settle(pilot)
        assert screen(pilot) == before

    drive(applied, look, *keys)


def test_the_parts_stand_below_each_other_at_80_columns_and_side_by_side_at_120(applied: Path) -> None:
    async def look(pilot: Driver) -> tuple[bool, bool]:
        first, second = view(pilot, "elements").region, view(pilot, "months").region
        return first.bottom <= second.y, first.right <= second.x

    assert drive(applied, look) == (True, False)
    assert drive(applied, look, size=WIDE) == (False, True)


@pytest.mark.parametrize("no_color", [True, False])
def test_the_cursor_is_seen_with_and_without_colours(
    no_color: bool, applied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")

    async def look(pilot: Driver) -> None:
        table = view(pilot, "elements")
        on_cursor, beside = table.render_line(1), table.render_line(2)
        assert on_cursor.text.startswith(CURSOR)
        assert not beside.text.startswith(CURSOR)
        style, other = [next(iter(strip)).style for strip in (on_cursor, beside)]
        assert style is not None
        assert other is not None
        assert bool(style.reverse) == no_color
        assert not other.reverse
        assert style.color != style.bgcolor

    drive(applied, look)


def test_a_click_moves_the_cursor_and_a_second_one_opens(applied: Path) -> None:
    async def look(pilot: Driver) -> None:
        await pilot.click("#steps", offset=(10, 4))
        await settle(pilot)
        assert view(pilot, "steps").key == "rule support-by-team"
        await pilot.click("#steps", offset=(10, 4))
        await settle(pilot)
        assert "[2 rules]" in screen(pilot)
        assert view(pilot, "tree").key == "allocation support-by-team"

    drive(applied, look, "3")


def test_reading_changes_no_file(own: Path) -> None:
    def everything() -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in sorted(own.rglob("*")) if path.is_file()}

    before = everything()
    screen_after(own, "2", "j", "enter", "3", "j", "enter", "r", "1", "left", "r")
    assert everything() == before
