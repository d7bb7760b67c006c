"""The group of commands, and the one place where failures become exit codes."""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

from costops import __version__
from costops.cli import asked, output
from costops.cli.commands import COMMANDS
from costops.cli.variables import ConfiguredOption, is_from_variable, prepared, said_of_variable, texts_from_variables
from costops.errors import CostopsError, ExitCode, InvalidRulesError, UsageError
from costops.interruption import InterruptionError, settle


class _StoppedError(CostopsError):
    """A person ended the command where no signal did, as click does at its own prompts."""

    exit_code = ExitCode.INTERRUPTED
    kind = "interrupted"


class LazyGroup(click.Group):
    """A group that imports a command only to run it."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return prepared(command, name)

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        # click looks for near misses by asking for every command, which would import them all.
        if arguments and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(arguments[0], COMMANDS, n=1)
            guess = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {arguments[0]!r}.{guess}", context)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, short_help) for name, (_, short_help) in COMMANDS.items()])


@click.group(cls=LazyGroup, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "-C",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    envvar="COSTOPS_WORKSPACE",
    help="Run as if started in DIR.",
)
@click.option(
    "--state",
    cls=ConfiguredOption,
    envvar="COSTOPS_STATE",
    metavar="FILE",
    help="The state file, instead of costops.yaml's.",
)
@click.option(
    "--memory-limit",
    cls=ConfiguredOption,
    envvar="COSTOPS_MEMORY_LIMIT",
    metavar="SIZE",
    help="How much memory the engine may use, such as 1GiB.",
)
@click.version_option(__version__, prog_name="costops")
@click.pass_context
def group(context: click.Context, folder: Path | None, state: str | None, memory_limit: str | None) -> None:
    """Terraform's loop for cloud cost allocation: rules in git, plans with money, versioned allocations."""
    given = {"state": state or None, "memory_limit": memory_limit}
    flags = {name: value for name, value in given.items() if value is not None}
    context.obj = output.Session(start=folder or Path.cwd(), flags=flags)


prepared(group)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code of PRODUCT's table."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    asked.begin(given)
    output.begin()
    try:
        result = group.main(args=given, prog_name="costops", standalone_mode=False)
        output.flush()
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except InterruptionError:
        # Everything is taken back; the thread that waited for that ends the process.
        while True:
            threading.Event().wait()
    except (click.ClickException, click.Abort, click.exceptions.Exit, CostopsError, KeyboardInterrupt) as error:
        # What failed is told, and nothing else: an interruption comes too late from here on.
        settle()
        output.rest()
        with suppress(output.ReaderGoneError, CostopsError):
            output.flush()
        if isinstance(error, click.exceptions.Exit):
            return error.exit_code
        failure = _failure(error)
        with suppress(output.ReaderGoneError, CostopsError):
            _tell(error, failure)
        with suppress(output.ReaderGoneError, CostopsError):
            output.failure_document(failure)
        return failure.exit_code
    except output.ReaderGoneError:
        return ExitCode.DONE


def _failure(error: BaseException) -> CostopsError:
    """What went wrong, with its exit code."""
    used = texts_from_variables(asked.context())
    match error:
        case UsageError() if used:
            looked = f"look at {' and '.join(used)} in the environment"
            return UsageError(error.message, hint=f"{error.hint}; {looked}" if error.hint else looked)
        case CostopsError():
            return error
        case click.BadParameter(ctx=click.Context() as context, param=click.Parameter() as parameter) if (
            is_from_variable(context, parameter)
        ):
            return UsageError(said_of_variable(error, parameter))
        case click.UsageError():
            return UsageError(error.format_message())
        case click.ClickException():
            return CostopsError(error.format_message())
        case _:
            return _StoppedError("interrupted; nothing was changed")


def _tell(error: BaseException, failure: CostopsError) -> None:
    """Say on stderr what went wrong."""
    if isinstance(error, click.exceptions.NoArgsIsHelpError):
        output.narrate(error.format_message())
    elif isinstance(failure, InvalidRulesError):
        output.invalid_rules(failure)
    else:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            output.narrate(error.ctx.get_usage())
        output.failure(failure)
