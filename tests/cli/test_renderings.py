"""`plan --format markdown`, `plan --render FORMAT=FILE` and the same of a saved plan."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from cli.commands import costops

from costops.cli.options import max_chars
from costops.render.plan_markdown import LEAST_CHARACTERS, MOST_CHARACTERS


def test_one_run_writes_every_format_beside_the_one_on_stdout(folder: Path) -> None:
    done = costops(
        folder, "plan", "--format", "markdown", "--render", "text=a.txt", "--render", "json=b.json",
        "--render", "markdown=c.md",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.out.startswith("**USD ")
    assert (folder / "c.md").read_text() == done.out
    shown = costops(folder, "plan", environment={"COLUMNS": "100"})
    assert (folder / "a.txt").read_text() == shown.out
    assert (folder / "b.json").read_text() == (folder / "plan.json").read_text()
    assert stat.S_IMODE((folder / "c.md").stat().st_mode) == 0o600
    assert costops(folder, "show", "plan.json", "--format", "markdown").out == done.out


def test_a_render_is_made_anew_and_a_link_stays_one(folder: Path) -> None:
    (folder / "real.md").write_text("older")
    (folder / "link.md").symlink_to("real.md")
    assert costops(folder, "plan", "--render", "markdown=link.md").code == 0
    assert (folder / "link.md").is_symlink()
    assert (folder / "real.md").read_text().startswith("**USD ")


@pytest.mark.parametrize(
    ("render", "said"),
    [
        ("markdown=-", "writes files alone"),
        ("markdown", "names no format and file"),
        ("markdown=", "names no format and file"),
        ("markdwon=x.md", "cannot write the format 'markdwon'"),
        ("markdown=none/x.md", "there is no folder"),
        ("markdown=rules", "is a folder"),
        ("markdown=pipe", "is no regular file"),
        ("markdown=costops.yaml", "belongs to the workspace"),
        ("markdown=state/costops.db", "belongs to the workspace"),
        ("markdown=rules/new.yaml", "belongs to the workspace"),
        ("text=out.json", "is to be written twice"),
    ],
)
def test_what_cannot_be_written_is_64_before_anything_is_computed(folder: Path, render: str, said: str) -> None:
    os.mkfifo(folder / "pipe")
    for path in (folder / "bill").iterdir():
        path.write_text("no bill: reading it would fail with 1")
    done = costops(folder, "plan", "--out", "out.json", "--render", render)
    assert (done.code, said in done.err) == (64, True), done.err
    assert not (folder / "out.json").exists()


def test_the_same_file_is_not_written_twice(folder: Path) -> None:
    done = costops(folder, "plan", "--render", "markdown=x", "--render", "text=./x")
    assert done.code == 64
    assert not (folder / "x").exists()


def test_a_comment_has_a_least_length_and_a_version_is_no_plan(folder: Path) -> None:
    assert costops(folder, "plan", "--format", "markdown", "--max-chars", "3999").code == 64
    assert len(costops(folder, "plan", "--format", "markdown", "--max-chars", "4000").out) <= 4000
    done = costops(folder, "show", "1", "--format", "markdown")
    assert (done.code, "only a plan" in done.err) == (64, True)


def test_the_bounds_of_the_option_are_those_of_the_renderer() -> None:
    def command() -> None:
        """Takes the option."""

    (option,) = max_chars(command).__click_params__  # type: ignore[attr-defined]
    assert (option.type.min, option.default) == (LEAST_CHARACTERS, MOST_CHARACTERS)
