"""Help is quick because it imports nothing heavy, and stays right because it needs none of the commands."""

from __future__ import annotations

import json
import subprocess
import sys

from costops.cli.commands import COMMANDS
from costops.cli.run import group

HEAVY = ("duckdb", "sqlglot", "deepdiff", "sqlite3", "sqlite_utils", "ruamel", "textual", "rich", "pandas", "numpy")

PROBE = """
import io, json, sys
sys.stdout = io.TextIOWrapper(io.BytesIO())
from costops.cli.run import run
code = run(ARGUMENTS)
sys.stdout = sys.__stdout__
print(json.dumps([code, sorted(sys.modules)]))
"""


def modules_after(*arguments: str) -> tuple[int, list[str]]:
    probe = PROBE.replace("ARGUMENTS", repr(list(arguments)))
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=60)
    code, modules = json.loads(done.stdout)
    return code, modules


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code, modules = modules_after("--help")
    assert code == 0
    loaded = set(modules)
    assert loaded.isdisjoint(HEAVY)
    assert loaded.isdisjoint(module for module, _ in COMMANDS.values())
    assert not [name for name in modules if name.startswith(("costops.engine", "costops.language", "costops.state"))]


def test_the_help_of_a_command_imports_nothing_heavy() -> None:
    for name in COMMANDS:
        code, modules = modules_after(name, "--help")
        assert code == 0
        assert set(modules).isdisjoint(HEAVY), name


def test_the_version_imports_nothing_heavy() -> None:
    code, modules = modules_after("--version")
    assert code == 0
    assert set(modules).isdisjoint(HEAVY)


def test_the_table_of_commands_says_what_each_command_says_of_itself() -> None:
    for name in COMMANDS:
        command = group.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name
        assert command.help
