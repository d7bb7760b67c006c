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
from costops.cli import output
from costops.cli.commands import COMMANDS
from costops.errors import CostopsError, ExitCode, InvalidRulesError
from costops.interruption import InterruptionError, settle


class LazyGroup(click.Group):
    """A group that imports a command only to run it."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(COMMANDS[name][0]).command
        return command

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
@click.option("-C", "folder", metavar="DIR", type=click.Path(path_type=Path), help="Run as if started in DIR.")
@click.option("--state", metavar="FILE", help="The state file, instead of costops.yaml's.")
@click.option("--memory-limit", metavar="SIZE", help="How much memory the engine may use, such as 1GiB.")
@click.version_option(__version__, prog_name="costops")
@click.pass_context
def group(context: click.Context, folder: Path | None, state: str | None, memory_limit: str | None) -> None:
    """Terraform's loop for cloud cost allocation: rules in git, plans with money, versioned allocations."""
    given = {"state": state or None, "memory_limit": memory_limit}
    flags = {name: value for name, value in given.items() if value is not None}
    context.obj = output.Session(start=folder or Path.cwd(), flags=flags)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code of PRODUCT's table."""
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        result = group.main(
            args=list(arguments) if arguments is not None else None, prog_name="costops", standalone_mode=False
        )
        output.flush()
        return int(result) if isinstance(result, int) else ExitCode.DONE
    except InterruptionError:
        # Everything is taken back; the thread that waited for that ends the process.
        while True:
            threading.Event().wait()
    except (click.ClickException, click.Abort, click.exceptions.Exit, CostopsError, KeyboardInterrupt) as error:
        # What failed is told, and nothing else: an interruption comes too late from here on.
        settle()
        with suppress(output.ReaderGoneError, CostopsError):
            output.flush()
        return _told(error)
    except output.ReaderGoneError:
        return ExitCode.DONE


def _told(error: BaseException) -> int:
    """Say what went wrong; the exit code that says it too."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            output.narrate(error.format_message())
            return ExitCode.USAGE
        case click.UsageError():
            if error.ctx is not None:
                output.narrate(error.ctx.get_usage())
            output.narrate(f"costops: {error.format_message()}")
            return ExitCode.USAGE
        case click.exceptions.Exit():
            return error.exit_code
        case click.ClickException():
            output.narrate(f"costops: {error.format_message()}")
            return ExitCode.FAILED
        case InvalidRulesError():
            output.invalid_rules(error)
            return error.exit_code
        case CostopsError():
            output.failure(error)
            return error.exit_code
        case _:
            output.narrate("costops: interrupted; nothing was changed")
            return ExitCode.INTERRUPTED
