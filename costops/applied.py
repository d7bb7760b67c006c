"""The half of the facade that reads what was applied: the state, its versions, ledgers and digests.

Invariant: nothing here reads a bill or evaluates a rule; nothing here computes or prints.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from costops.errors import StateError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.model.settings import Settings
from costops.model.version import Base, Version
from costops.surroundings import Surroundings

if TYPE_CHECKING:
    from costops.model.blame import Blame
    from costops.model.digest import Digest
    from costops.model.ledger import Ledger
    from costops.model.record import MonthEvent, Record
    from costops.model.rule_money import RuleMoney
    from costops.model.rules import RuleSet
    from costops.model.state_file import Restoration, Restored, StateCheck
    from costops.model.sums import LedgerSums
    from costops.model.version_diff import VersionDiff
    from costops.periods import Period
    from costops.state.reader import StateReader

FIRST_RUN = Base(version=None, serial=0, lineage=None)


class AppliedVersions(ABC):
    """What a workspace's state says; a Workspace adds what the bill and the rules say."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self.settings = settings
        self._surroundings = surroundings

    @property
    @abstractmethod
    def rules(self) -> RuleSet:
        """The rule files' entries, as far as they could be bound."""

    def _base(self) -> Base:
        reader = self._reader()
        if reader is None:
            return FIRST_RUN
        with reader:
            return reader.base()

    def _all_versions(self) -> tuple[Version, ...]:
        reader = self._reader()
        if reader is None:
            return ()
        with reader:
            return reader.versions()

    def _all_events(self) -> tuple[MonthEvent, ...]:
        reader = self._reader()
        if reader is None:
            return ()
        with reader:
            return reader.events()

    def check_state(self) -> StateCheck:
        """Every stored value of the state looked at; raises StateError where there is none."""
        from costops.state.verify import check_state

        return check_state(self.settings.state)

    def back_up_state(self, target: Path, *, force: bool = False) -> StateCheck:
        """Copy the state to `target`, replacing it only with `force`; raises UsageError and StateError."""
        from costops.state.backup import back_up

        return back_up(self.settings.state, target, force=force)

    def restoration(self, source: Path, *, force: bool = False) -> Restoration:
        """What restoring a backup would do; `force` allows another lineage. Raises UsageError and StateError."""
        from costops.state.restore import look

        return look(self.settings.state, source, force=force)

    def restore_state(self, restoration: Restoration) -> Restored:
        """Put the backup in the place of the state, all or nothing; raises StaleError and BusyError."""
        from costops.state.restore import restore

        return restore(restoration, timeout_seconds=self._surroundings.wait_seconds())

    def _reader(self) -> StateReader | None:
        from costops.state.reader import open_reader

        return open_reader(self.settings.state)

    def _required_reader(self) -> StateReader:
        reader = self._reader()
        if reader is None:
            raise StateError(
                f"there is no state at {self.settings.state}: nothing has been applied yet",
                hint="run `costops apply` first",
            )
        return reader

    def versions(self) -> tuple[Version, ...]:
        """Every version, the newest first."""
        with self._required_reader() as reader:
            return reader.versions()

    def version(self, number: int | None = None) -> Version:
        """One version; None is the newest."""
        with self._required_reader() as reader:
            return reader.version(number)

    def events(self) -> tuple[MonthEvent, ...]:
        """Every closing and reopening of a billing month, the newest first."""
        with self._required_reader() as reader:
            return reader.events()

    def history(self) -> tuple[tuple[Version, ...], tuple[MonthEvent, ...]]:
        """`versions` and `events` of one moment."""
        with self._required_reader() as reader:
            return reader.versions(), reader.events()

    def closed_months(self) -> frozenset[str]:
        """Billing months that are closed; none where nothing has been applied yet."""
        reader = self._reader()
        if reader is None:
            return frozenset()
        with reader:
            return reader.closed_months()

    def record(self, number: int | None = None) -> Record | None:
        """What a version keeps of its plan, None where it was written before states kept that; None is the newest."""
        with self._required_reader() as reader:
            return reader.record(number)

    def close_months(self, period: Period, reason: str | None = None) -> tuple[MonthEvent, ...]:
        """Close billing months; gives the events of those that were open.

        Raises UsageError for a month that the newest version does not have, StateError and BusyError.
        """
        return self._set_status(period, "closed", reason)

    def reopen_months(self, period: Period, reason: str) -> tuple[MonthEvent, ...]:
        """Open billing months again; gives the events of those that were closed. Raises as `close_months` does."""
        return self._set_status(period, "open", reason)

    def _set_status(self, period: Period, status: str, reason: str | None) -> tuple[MonthEvent, ...]:
        from costops.state.closing import set_month_status

        return set_month_status(
            self.settings.state,
            period.months(),
            status,
            reason,
            self._surroundings.actor(),
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            timeout_seconds=self._surroundings.wait_seconds(),
        )

    def blame(self, dimension: str, value: str | None) -> Blame:
        """Which versions and rules moved the cost of an element, unallocated for None, newest first.

        Raises UsageError for a dimension that no version reports and an element that never had cost.
        """
        from costops.planning.blame import make_blame

        with self._required_reader() as reader:
            return make_blame(reader, dimension, value, self.rules)

    def ledger(self, number: int | None = None) -> Ledger:
        """The whole ledger of a version; None is the newest."""
        with self._required_reader() as reader:
            return reader.ledger(number)

    def sums(
        self, version: int | None = None, by: Sequence[str] | None = None, period: Period | None = None
    ) -> LedgerSums:
        """Allocated cost of a version by dimensions, days, months or rules; by default its report dimensions."""
        with self._required_reader() as reader:
            chosen = reader.version(version)
            names = tuple(by) if by is not None else chosen.draft.dimensions
            sums = reader.sums(chosen.number, self._stored_names(reader, chosen, names), period)
            return replace(sums, by=names)

    def _stored_names(self, reader: StateReader, version: Version, names: Sequence[str]) -> tuple[str, ...]:
        """Names as a version's report has them, those that its dimensions got later or had before included."""
        from costops.planning.lineage import names_of_version

        return names_of_version(names, version, reader.versions, self.rules)

    def diff(self, before: int, after: int) -> VersionDiff:
        """How two versions differ; raises StateError where there is no such version."""
        from costops.planning.diff import make_diff

        with self._required_reader() as reader:
            return make_diff(reader, before, after)

    def rule_money(self, version: int | None = None, period: Period | None = None) -> RuleMoney:
        """What each rule of a version took, gave and left, in the order of evaluation; None is the newest."""
        from costops.digest.rules import rule_money

        with self._required_reader() as reader:
            chosen = reader.version(version)
            rules = rules_from_revisions(chosen.draft.rules)
            return rule_money(chosen, rules, lambda by: reader.sums(chosen.number, tuple(by), period))

    def newest_version(self) -> Version | None:
        """The newest version, or None where nothing has been applied yet."""
        reader = self._reader()
        if reader is None:
            return None
        with reader:
            return None if reader.base().version is None else reader.version(None)

    def rules_changed(self, version: Version) -> bool:
        """Whether the rule files, as far as they could be bound, say something else than a version's rules."""
        return rules_digest(self.rules) != version.draft.rules_digest

    def digest(self, by: str | None = None, period: Period | None = None, version: int | None = None) -> Digest:
        """Cost of a version per element of a report dimension and billing month; raises UsageError and StateError."""
        from costops.digest.build import make_digest

        with self._required_reader() as reader:
            chosen = reader.version(version)
            if by is not None:
                (by,) = self._stored_names(reader, chosen, (by,))
            return make_digest(reader, chosen, chosen.label, by=by, period=period)
