"""Every flag of every command has its environment variable: found by walking over all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from cli.bad_input import workspace
from cli.commands import costops

from costops.cli.commands import COMMANDS
from costops.cli.options import PeriodType, ReasonType
from costops.cli.run import group

TRUE, FALSE = ("1", "true", "YES", "on"), ("0", "false", "No", "off")


def commands() -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        assert command is not None
        yield from below((name,), command)


def below(names: tuple[str, ...], command: click.Command) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield names, command
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from below((*names, name), each)


OPTIONS = [
    (names, command, option)
    for names, command in commands()
    for option in command.params
    if isinstance(option, click.Option)
]


def called(names: tuple[str, ...], option: click.Option) -> str:
    long = next(each for each in option.opts if each.startswith("--"))
    return f"COSTOPS_{'_'.join(names)}_{long[2:]}".replace("-", "_").upper()


def read(names: tuple[str, ...], command: click.Command, *arguments: str) -> dict[str, object]:
    return command.make_context(names[-1], [*arguments, *needed(command, *arguments)]).params


def needed(command: click.Command, *arguments: str) -> list[str]:
    """What a command cannot do without, besides these arguments."""
    found = []
    for each in command.params:
        text = "2025-07" if isinstance(each.type, PeriodType) else "1"
        if isinstance(each, click.Argument) and each.required:
            found.append(text)
        elif each.required and not set(each.opts) & set(arguments):
            found += [each.opts[-1], text]
    return found


def values(option: click.Option) -> tuple[str, str]:
    """Two texts that the option takes, neither its default."""
    if isinstance(option.type, click.Choice):
        others = [each for each in option.type.choices if each != option.default]
        return others[0], others[-1]
    if isinstance(option.type, click.IntRange):
        least = option.type.min or 0
        return str(least + 7), str(least + 8)
    return "2025-07", "2025-08"


@pytest.mark.parametrize(("names", "command", "option"), OPTIONS, ids=lambda each: " ".join(getattr(each, "opts", "")))
def test_an_option_has_its_variable(
    names: tuple[str, ...], command: click.Command, option: click.Option, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = called(names, option)
    monkeypatch.delenv(variable, raising=False)
    assert option.envvar == variable
    assert variable in "".join(command.get_help(click.Context(command, info_name=names[-1])).split())
    assert option.name is not None
    if option.required:
        monkeypatch.setenv(variable, "2025-07")
        assert read(names, command)[option.name] is not None
        return
    default = read(names, command)[option.name]
    monkeypatch.setenv(variable, "")
    assert read(names, command)[option.name] == default
    if option.is_flag:
        for text in (*TRUE, *FALSE):
            monkeypatch.setenv(variable, text)
            assert read(names, command)[option.name] is (text in TRUE)
        monkeypatch.setenv(variable, "0")
        assert read(names, command, option.opts[-1])[option.name] is True
        return
    first, second = values(option)
    by_flag = {text: read(names, command, option.opts[-1], text)[option.name] for text in (first, second)}
    monkeypatch.setenv(variable, first)
    assert read(names, command)[option.name] == by_flag[first] != default
    assert read(names, command, option.opts[-1], second)[option.name] == by_flag[second]


WRONG = [
    (names, command, option)
    for names, command, option in OPTIONS
    if not isinstance(option.type, click.Path | click.types.StringParamType) and not option.required
]


@pytest.mark.parametrize(("names", "command", "option"), WRONG, ids=lambda each: " ".join(getattr(each, "opts", "")))
def test_a_bad_value_is_wrong_use_and_names_the_variable(
    names: tuple[str, ...], command: click.Command, option: click.Option, tmp_path: Path
) -> None:
    variable = called(names, option)
    bad = " " if isinstance(option.type, ReasonType) else "2x"
    done = costops(tmp_path, *names, *needed(command), environment={variable: bad})
    assert (done.code, done.out) == (64, "")
    assert done.err.splitlines()[-1].startswith(f"costops: {variable}")


def test_no_two_options_share_a_variable_and_the_help_has_those_of_costops() -> None:
    names = [option.envvar for _, _, option in OPTIONS] + [each.envvar for each in group.params if each.envvar]
    assert len(set(names)) == len(names) > 30
    text = "".join(group.get_help(click.Context(group)).split())
    for variable in ("COSTOPS_WORKSPACE", "COSTOPS_STATE", "COSTOPS_MEMORY_LIMIT"):
        assert f"[envvar:{variable}]" in text


def test_the_workspace_and_the_state_by_variable(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    folder = workspace(tmp_path / "work", applied=True)
    (folder / "state").rename(folder / "other")
    environment = {"COSTOPS_WORKSPACE": "../work", "COSTOPS_STATE": "other/costops.db"}
    done = costops(tmp_path / "elsewhere", "history", "--format", "json", environment=environment)
    assert done.code == 0, done.err
    assert '"version": 1' in done.out
    # As a flag it is relative to where costops was started, or to the folder of -C.
    assert costops(tmp_path, "--state", "work/other/costops.db", "-C", "work", "history").code == 7
    assert costops(tmp_path / "work", "--state", "other/costops.db", "history").code == 0
    assert costops(tmp_path, "-C", "work", "history", environment={**environment, "COSTOPS_WORKSPACE": "no"}).code == 0


def test_a_text_that_only_its_use_finds_wrong_names_its_variable(tmp_path: Path) -> None:
    folder = workspace(tmp_path, applied=True)
    done = costops(folder, "ledger", environment={"COSTOPS_LEDGER_BY": "nothing"})
    assert done.code == 64
    assert "look at COSTOPS_LEDGER_BY in the environment" in done.err
    done = costops(folder, "apply", "plan.json", environment={"COSTOPS_APPLY_DIGEST": "00"})
    assert done.code == 64
    assert "COSTOPS_APPLY_DIGEST" in done.err


def test_a_bad_memory_limit_names_its_variable(tmp_path: Path) -> None:
    done = costops(workspace(tmp_path), "plan", environment={"COSTOPS_MEMORY_LIMIT": "much"})
    assert done.code == 64
    assert done.err.startswith("costops: COSTOPS_MEMORY_LIMIT: ")
