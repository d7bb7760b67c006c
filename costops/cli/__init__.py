"""The command line: reads arguments, calls the workspace, writes what the renderers made.

Invariant: stdout carries the result and nothing else; every failure is one sentence on stderr and its documented
exit code.
"""

from __future__ import annotations

import os
import sys


def main(arguments: list[str] | None = None) -> None:
    """Run one command and exit with its code."""
    # Before the first import that takes its time, so that Ctrl-C never shows where the program was.
    try:
        from costops.cli.signals import finish, watch

        watch()
    except KeyboardInterrupt:
        os.write(2, b"costops: interrupted; nothing was changed\n")
        os._exit(130)
    from costops.cli.run import run

    code = run(arguments)
    finish()
    sys.exit(code)
