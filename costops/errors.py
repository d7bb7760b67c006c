"""Every failure that ends a command, and the exit code it ends with.

CostopsError
  UsageError          64  wrong use of a command
  InvalidRulesError         3  rules or costops.yaml invalid; carries every diagnostic
  BillError            1  a bill or metric file cannot be read or is not a bill
  EngineError          1  the engine failed, or a rule asked to fail
  ConservationError    1  money in and money out differ; names the rule
  CheckError           4  a check of costops.yaml forbids to apply the plan
  StaleError           5  state, rules or bill moved since the plan
  BusyError            6  another writer holds the state
  StateError           7  the state cannot be used, or has no version
  DeclinedError        8  the person said no
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from costops.model.diagnostic import Diagnostic


class ExitCode(IntEnum):
    """The documented exit codes of every command."""

    DONE = 0
    FAILED = 1
    CHANGES = 2
    INVALID = 3
    CHECK_FAILED = 4
    STALE = 5
    BUSY = 6
    STATE = 7
    DECLINED = 8
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


class CostopsError(Exception):
    """A failure that a person can act on: one sentence what, one sentence what to do."""

    exit_code: ExitCode = ExitCode.FAILED
    kind: str = "failed"
    """The name of the failure for machines."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(CostopsError):
    """A command was called with arguments that make no sense."""

    exit_code = ExitCode.USAGE
    kind = "usage"


class InvalidRulesError(CostopsError):
    """Rules or costops.yaml have errors; `diagnostics` holds all of them, warnings included."""

    exit_code = ExitCode.INVALID
    kind = "invalid_rules"

    def __init__(self, diagnostics: Sequence[Diagnostic], texts: Mapping[str, str] | None = None) -> None:
        count = sum(1 for each in diagnostics if each.is_error)
        super().__init__(f"{count} error{'s' if count != 1 else ''} in the rules")
        self.diagnostics = tuple(diagnostics)
        self.texts = dict(texts or {})
        """Texts of the files by name, for excerpts."""


class BillError(CostopsError):
    """A bill or metric file cannot be read, or lacks what a bill must have."""

    kind = "bill"


class EngineError(CostopsError):
    """The engine failed, or a rule with `error` as its policy met the case."""

    kind = "engine"


class ConservationError(EngineError):
    """Money in and money out of a rule differ, which must never happen; nothing is written."""

    kind = "conservation"


class CheckError(CostopsError):
    """A check of costops.yaml forbids to apply the plan."""

    exit_code = ExitCode.CHECK_FAILED
    kind = "check_failed"


class StaleError(CostopsError):
    """The state, the rules or the bill moved between plan and apply; `reasons` says which, in lines for people."""

    exit_code = ExitCode.STALE
    kind = "stale"

    def __init__(self, message: str, *, hint: str | None = None, reasons: Sequence[str] = ()) -> None:
        super().__init__(message, hint=hint)
        self.reasons = tuple(reasons)


class BusyError(CostopsError):
    """Another process is writing the state."""

    exit_code = ExitCode.BUSY
    kind = "busy"


class StateError(CostopsError):
    """The state file is empty, too short, corrupt, foreign or newer, or has no such version."""

    exit_code = ExitCode.STATE
    kind = "state"


class DeclinedError(CostopsError):
    """The person declined at the prompt."""

    exit_code = ExitCode.DECLINED
    kind = "declined"
