"""The facade: opens a workspace, checks it and wires the rooms; the command line and the terminal application read it.

Invariant: nothing here computes or prints; every use case is a function of its own room and a few lines here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from costops.config import load_settings
from costops.errors import InvalidRulesError, StateError, UsageError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.language.check import check
from costops.language.files import LoadedRules, load_rules
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Base, RuleRevision, Version, VersionDraft
from costops.revision import Revision, revision_of

if TYPE_CHECKING:
    from costops.engine.embedded import Evaluation, Request
    from costops.model.bill import BillDescription, MetricDescription
    from costops.model.ledger import Ledger
    from costops.model.plan import Plan
    from costops.model.sums import LedgerSums
    from costops.periods import Period
    from costops.planning.money import Money
    from costops.state.reader import StateReader

FIRST_RUN = Base(version=None, serial=0, lineage=None)


@dataclass(frozen=True, slots=True)
class Validation:
    """Every problem of a workspace's files, and the files' texts for excerpts."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]

    @property
    def has_errors(self) -> bool:
        return any(each.is_error for each in self.diagnostics)


def open_workspace(
    start: Path, *, flags: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Workspace:
    """The workspace at `start` or the nearest one above it.

    Raises UsageError where there is none and InvalidRulesError where costops.yaml has errors.
    """
    surroundings = dict(os.environ) if environment is None else environment
    loaded = load_settings(start, flags=flags or {}, environment=surroundings)
    return Workspace(loaded.settings, loaded.diagnostics, loaded.texts, surroundings)


class Workspace:
    """One workspace; reads its files when they are first needed."""

    def __init__(
        self,
        settings: Settings,
        diagnostics: Sequence[Diagnostic],
        texts: Mapping[str, str],
        environment: Mapping[str, str],
    ) -> None:
        self.settings = settings
        self._settings_diagnostics = tuple(diagnostics)
        self._settings_texts = texts
        self._environment = environment

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is held open; nothing is between calls."""

    # Rules.

    @cached_property
    def _loaded(self) -> LoadedRules:
        return load_rules(self.settings.rules, self.settings.root)

    @property
    def rules(self) -> RuleSet:
        """The rule files' entries, as far as they could be bound."""
        return self._loaded.rules

    @property
    def texts(self) -> Mapping[str, str]:
        """Texts of costops.yaml and the rule files by name."""
        return {**self._settings_texts, **self._loaded.texts}

    def validate(self, *, with_data: bool = True) -> Validation:
        """Every problem in every file; `with_data` also holds names against the bill's columns."""
        loaded = self._loaded
        checked = check(
            loaded.rules,
            report=self.settings.report,
            known_columns=self.bill.columns if with_data and self.settings.billing else None,
            report_places=self.settings.spans,
            metric_sources=frozenset(each.name for each in self.settings.metric_sources),
            broken=loaded.broken,
            complete=loaded.complete,
        )
        return Validation(in_order([*self._settings_diagnostics, *loaded.diagnostics, *checked]), self.texts)

    # Bill and metrics.

    @cached_property
    def bill(self) -> BillDescription:
        """The bill as described by its files; raises BillError."""
        from costops.bill.describe import describe_bill
        from costops.engine.probe import probe

        return describe_bill(self.settings, probe)

    @cached_property
    def metrics(self) -> MetricDescription:
        """The metric sources as described by their files; raises BillError."""
        from costops.engine.probe import probe
        from costops.metrics.files import describe_metrics

        return describe_metrics(self.settings, probe)

    # Plan and apply.

    def plan(self) -> Plan:
        """What apply would do; raises InvalidRulesError, BillError, EngineError and StateError, and writes nothing."""
        from costops.engine.embedded import engine_name
        from costops.planning.plan import Inputs, make_plan

        validation = self.validate()
        if validation.has_errors:
            raise InvalidRulesError(validation.diagnostics, validation.texts)
        reader = self._reader()
        try:
            stored = _StoredVersion(reader) if reader is not None and reader.base().version is not None else None
            inputs = Inputs(
                settings=self.settings,
                rules=self.rules,
                rules_digest=rules_digest(self.rules),
                bill_digest=self.bill.digest,
                metrics_digest=self.metrics.digest,
                engine=engine_name(),
                base=reader.base() if reader is not None else FIRST_RUN,
                base_label=version_label(stored.version) if stored else "nothing applied yet",
                target_label=self._target_label(),
                stored=stored,
                cost_columns=self.bill.cost_columns,
                evaluate=self._evaluate,
                binds=self._binds,
                diagnostics=validation.diagnostics,
            )
            return make_plan(inputs)
        finally:
            if reader is not None:
                reader.close()

    def apply(self, plan: Plan) -> Version:
        """Write the plan's ledger as the next version, all or nothing; raises StaleError and BusyError."""
        from costops.planning.apply import draft_of
        from costops.state.writer import apply_version

        if plan.ledger is None:
            raise StateError("the plan has nothing to write")
        revision = self._revision()
        draft: VersionDraft = draft_of(
            plan,
            applied_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            actor=self._actor(),
            commit=revision.commit,
            dirty=revision.dirty,
        )
        return apply_version(self.settings.state, base=plan.base, draft=draft, ledger=plan.ledger)

    def _evaluate(self, requests: Sequence[Request]) -> Evaluation:
        from costops.engine.embedded import evaluate

        threads = self._environment.get("COSTOPS_THREADS")
        if threads and not (threads.isdecimal() and int(threads)):
            raise UsageError(
                f"COSTOPS_THREADS is {threads!r}, which is no number of threads",
                hint="set it to 1 or more, or unset it",
            )
        return evaluate(
            self.bill,
            self.metrics,
            requests,
            report=self.settings.report,
            cost=self.settings.cost,
            threads=int(threads) if threads else None,
        )

    def _binds(self, rules: RuleSet) -> bool:
        # Report names that only the new rules define are no reason to skip a stop: they are missing there.
        found = check(rules, report=(), known_columns=self.bill.columns)
        return not any(each.is_error for each in found)

    def _revision(self) -> Revision:
        return revision_of(self.settings.root, (self.settings.rules, self.settings.root / "costops.yaml"))

    def _target_label(self) -> str:
        revision = self._revision()
        if revision.commit is None:
            return f"rules in {self.settings.rules.name}/"
        changed = " with local changes" if revision.dirty else ""
        return f"rules at {revision.commit[:7]}{changed}"

    def _actor(self) -> str:
        import getpass

        try:
            return self._environment.get("COSTOPS_ACTOR") or getpass.getuser()
        except (KeyError, OSError):
            return "unknown"

    # State.

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
            return reader.sums(chosen.number, names, period)


def version_label(version: Version) -> str:
    """`version 12 (a41c9e2, 2026-11-18 09:14 UTC)`."""
    draft = version.draft
    commit = f"{draft.commit[:7]}{' with local changes' if draft.dirty else ''}, " if draft.commit else ""
    return f"version {version.number} ({commit}{draft.applied_at[:10]} {draft.applied_at[11:16]} UTC)"


class _StoredVersion:
    """The newest version as planning wants it."""

    def __init__(self, reader: StateReader) -> None:
        self._reader = reader
        self.version = reader.version(None)

    @cached_property
    def rules(self) -> RuleSet:
        revisions: tuple[RuleRevision, ...] = self.version.draft.rules
        return rules_from_revisions(revisions)

    @cached_property
    def _months(self) -> tuple[str, ...]:
        rows = self._reader.sums(self.version.number, ("billing_month",)).rows
        return tuple(sorted({values[0] for values, _, _ in rows if values[0] is not None}))

    def months(self) -> tuple[str, ...]:
        return self._months

    def money(self, dimensions: Sequence[str], cost: str, months: Sequence[str]) -> Money:
        if cost not in self.version.draft.cost_columns:
            return {}
        place = self.version.draft.cost_columns.index(cost)
        money: dict[tuple[str, str | None, str], int] = {}
        for dimension in dimensions:
            if dimension not in self.version.draft.dimensions:
                continue
            sums = self._reader.sums(self.version.number, (dimension, "billing_month"))
            for (value, month), currency, amounts in sums.rows:
                if month in months and amounts[place]:
                    key = (dimension, value, currency)
                    money[key] = money.get(key, 0) + amounts[place]
        return money

    def totals(self, months: Sequence[str]) -> Mapping[tuple[str, str], int]:
        sums = self._reader.sums(self.version.number, ("billing_month",))
        totals: dict[tuple[str, str], int] = {}
        for (month,), currency, amounts in sums.rows:
            for cost, amount in zip(sums.cost_columns, amounts, strict=True):
                if month in months:
                    totals[currency, cost] = totals.get((currency, cost), 0) + amount
        return totals

    def ledger(self) -> Ledger:
        return self._reader.ledger(self.version.number)
