"""The command line: reads arguments, calls the workspace, writes what the renderers made.

Invariant: stdout carries the result and nothing else; every failure is one sentence on stderr and its documented
exit code.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    from costops.cli.run import run

    sys.exit(run(arguments))
