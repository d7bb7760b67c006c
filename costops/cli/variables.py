"""Every flag as an environment variable: `COSTOPS_<COMMAND>_<FLAG>`, such as COSTOPS_PLAN_FORMAT.

Invariant: a flag beats its variable, an empty variable counts as unset, and whatever a variable made go wrong is told
with its name. It is done where a command is looked up, so that a new command or option has its variable at once.
"""

from __future__ import annotations

import click

from costops.cli.asked import NotedContext

PREFIX = "COSTOPS"


class ConfiguredOption(click.Option):
    """An option whose variable the settings read themselves, because there it means something of its own."""

    def resolve_envvar_value(self, context: click.Context) -> str | None:
        return None


def prepared(command: click.Command, *names: str) -> click.Command:
    """The command, named by its words such as `state`, `check`, with a variable for each option that has none."""
    command.context_class = NotedContext
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.expose_value:
            if parameter.envvar is None:
                parameter.envvar = variable(parameter, *names)
            parameter.show_envvar = True
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            prepared(each, *names, name)
    return command


def variable(option: click.Option, *names: str) -> str:
    """What the variable of an option is called: after its first long flag."""
    flag = next((each for each in option.opts if each.startswith("--")), option.opts[0])
    return "_".join((PREFIX, *names, flag.lstrip("-"))).replace("-", "_").upper()


def texts_from_variables(context: click.Context | None) -> list[str]:
    """Variables that gave the command, and the groups above it, a text, which only its use can find wrong."""
    found: list[str] = []
    while context is not None:
        own = (
            each for each in context.command.params if isinstance(each.type, click.Path | click.types.StringParamType)
        )
        found[:0] = [str(each.envvar) for each in own if is_from_variable(context, each)]
        context = context.parent
    return found


def said_of_variable(error: click.BadParameter, parameter: click.Parameter) -> str:
    """What is wrong with the value of a variable, in one sentence that names it."""
    if isinstance(parameter.type, click.types.BoolParamType):
        return f"{parameter.envvar} is none of 1, true, yes, on, 0, false, no, off"
    return f"{parameter.envvar}: {error.message}"


def is_from_variable(context: click.Context, parameter: click.Parameter) -> bool:
    """Whether the value of a parameter, also of a wrong one, came from its variable."""
    source = context.get_parameter_source(parameter.name) if parameter.name is not None else None
    return source is click.ParameterSource.ENVIRONMENT
