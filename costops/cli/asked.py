"""What a command was asked for, as far as click came with reading its arguments; looked at where it fails.

Invariant: looking reads, and never fails, whatever the arguments are.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import click

FORMAT = "--format"


@dataclass(slots=True)
class _Asked:
    arguments: tuple[str, ...] = ()
    context: click.Context | None = None


_asked = _Asked()


class NotedContext(click.Context):
    """A context that is remembered, from before its arguments are read until the next one."""

    def __init__(self, command: click.Command, *given: Any, **options: Any) -> None:
        super().__init__(command, *given, **options)
        _asked.context = self


def begin(arguments: Sequence[str]) -> None:
    """Forget the command before this one."""
    _asked.arguments, _asked.context = tuple(arguments), None


def context() -> click.Context | None:
    """Of the innermost command that was found."""
    return _asked.context


def wants_json() -> bool:
    """Whether the result was to be JSON, also where reading the arguments failed."""
    found = _asked.context
    option = next((each for each in found.command.params if FORMAT in each.opts), None) if found is not None else None
    if found is None or option is None:
        return False
    if option.name in found.params:
        return bool(found.params[option.name] == "json")
    written = _written()
    return (os.environ.get(str(option.envvar)) if written is None else written) == "json"


def _written() -> str | None:
    """What stands behind the last --format of the arguments."""
    found = None
    for place, argument in enumerate(_asked.arguments):
        if argument == FORMAT and place + 1 < len(_asked.arguments):
            found = _asked.arguments[place + 1]
        elif argument.startswith(FORMAT + "="):
            found = argument.removeprefix(FORMAT + "=")
    return found
