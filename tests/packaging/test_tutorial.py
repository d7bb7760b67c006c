"""The tutorial's steps, run as its reader runs them: every plan and every warning is what the page says.

With UPDATE_SNAPSHOTS=1 the page is written instead; look at it before it is kept.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from cli.commands import Done, costops

pytestmark = pytest.mark.xdist_group("tutorial")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "tutorial.md"
MOMENT = "2026-11-22 09:00 UTC"
"""What stands on the page for the moment of every version."""

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
WIDTH = {"COLUMNS": "100"}
"""What is assumed where there is no terminal, whoever runs the tests."""


@dataclass(frozen=True)
class Step:
    """One section of the page."""

    title: str
    text: str

    @property
    def rules(self) -> str:
        """The whole rule file."""
        (block,) = (text for language, text in _BLOCK.findall(self.text) if language == "yaml")
        return str(block)

    @property
    def shown(self) -> list[str]:
        """The plan, and the warnings if there are any."""
        return [text for language, text in _BLOCK.findall(self.text) if not language]

    def prose(self) -> str:
        """What stands between the blocks."""
        return _BLOCK.sub("", self.text)


def steps() -> list[Step]:
    """The sections that have a rule file, in order."""
    sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    return [Step(each.splitlines()[0], each) for each in sections if each.startswith("Step ")]


STEPS = steps()


def outputs(done: Done) -> list[str]:
    """The plan that a command printed and the warnings beside it, with the moment of the page.

    The plan's digest is left out, which is another one in every state, and what `apply` says after its plan.
    """
    plan = re.sub(r"Plan digest [0-9a-f]{64}\n(\nApplied as version \d+\.\n)?", "", done.out)
    return [each for each in (re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", MOMENT, plan), done.err) if each]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Done]:
    """The demo as the page makes it, then every step applied; by title what that printed."""
    folder = tmp_path_factory.mktemp("tutorial") / "tutorial"
    assert costops(folder.parent, "init", "--demo", "tutorial").code == 0
    (commands,) = (text for language, text in _BLOCK.findall(PAGE.read_text(encoding="utf-8")) if language == "sh")
    for path in " ".join(re.findall(r"^rm (?:-r )?(.+)$", commands, re.MULTILINE)).split():
        (shutil.rmtree if (folder / path).is_dir() else os.unlink)(folder / path)
    assert costops(folder, "apply", "--auto-approve").code == 0
    done = {}
    for step in STEPS:
        (folder / "rules" / "30-databases.yaml").write_text(step.rules, encoding="utf-8")
        if step is STEPS[-1]:
            done["plan"] = costops(folder, "plan", environment=WIDTH)
        done[step.title] = costops(folder, "apply", "--auto-approve", environment=WIDTH)
    done["history"] = costops(folder, "history")
    return done


@pytest.mark.parametrize("step", STEPS, ids=[step.title.split(":")[0] for step in STEPS])
def test_a_step_prints_what_the_page_shows(step: Step, told: dict[str, Done]) -> None:
    done = told[step.title]
    assert done.code == 0, done.err
    found = outputs(done)
    if os.environ.get("UPDATE_SNAPSHOTS"):
        update(step, found)
    else:
        assert found == step.shown


def update(step: Step, found: list[str]) -> None:
    """Writes what a step printed into its empty or old blocks."""
    fresh = iter(found)
    text = re.sub(r"^```\n(?!\n)(?:.*?\n)??```$", lambda _: f"```\n{next(fresh, '')}```", step.text, flags=re.M | re.S)
    PAGE.write_text(PAGE.read_text(encoding="utf-8").replace(step.text, text), encoding="utf-8")


def test_plan_prints_what_apply_shows_before_it_writes(told: dict[str, Done]) -> None:
    assert outputs(told["plan"]) == outputs(told[STEPS[-1].title])


@pytest.mark.parametrize("step", STEPS, ids=[step.title.split(":")[0] for step in STEPS])
def test_amounts_in_the_words_of_a_step_are_those_of_its_plan(step: Step) -> None:
    shown = "".join(step.shown)
    amounts = re.findall(r"\d[\d,]*\.\d\d", step.prose())
    assert [each for each in amounts if not re.search(rf"(?<![\d,.]){re.escape(each)}(?!\d)", shown)] == []


def test_every_step_is_one_version_more(told: dict[str, Done]) -> None:
    versions = re.findall(r"^ *(\d+)  ", told["history"].out, re.MULTILINE)
    assert versions == [str(number) for number in range(len(STEPS) + 1, 0, -1)]
    words = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    assert f"lists the {words[len(STEPS)]} versions" in PAGE.read_text(encoding="utf-8")
