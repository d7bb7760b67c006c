"""The half of the facade that plans and applies: rules, bill and state brought together.

Invariant: nothing here computes or prints; what a plan is made of is gathered here, and made in costops.planning.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from costops.applied import FIRST_RUN, AppliedVersions
from costops.config import FILE_NAME
from costops.errors import BillError, InvalidRulesError, StateError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.language.check import check
from costops.language.fitting import Fitting
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.progress import Progress, Recorder
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Version, VersionDraft
from costops.revision import Revision, revision_of
from costops.surroundings import Surroundings

if TYPE_CHECKING:
    from costops.engine.embedded import Evaluation, Months, Request
    from costops.engine.kept import KeptBill
    from costops.engine.load import BillFacts
    from costops.model.bill import BillDescription, MetricDescription, SourceFile
    from costops.model.metric_series import MetricSeries
    from costops.model.plan import Plan
    from costops.periods import Period
    from costops.planning.inputs import Compared
    from costops.planning.review import Reviewed


@dataclass(frozen=True, slots=True)
class Restating:
    """Frozen months that are to be written anew, and why."""

    months: Period | frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class _Target:
    """The rules that a plan leads to."""

    rules: RuleSet
    rules_digest: str
    label: str
    """For people."""
    found: tuple[Diagnostic, ...]
    """What was found in them without evaluating them."""
    texts: Mapping[str, str]
    """Texts of its files by name, where they are at hand."""
    heard: Callable[[tuple[Diagnostic, ...], bool], tuple[Diagnostic, ...]]
    """As Inputs.heard."""


@dataclass(frozen=True, slots=True)
class _Ways:
    """What a plan is made on, and how."""

    bill: BillDescription | KeptBill
    files: tuple[SourceFile, ...]
    cells: Path | None
    full: bool
    with_ledger: bool


def _in_order(found: tuple[Diagnostic, ...], _evaluated: bool) -> tuple[Diagnostic, ...]:
    return in_order(list(found))


class Plans(AppliedVersions):
    """What a workspace plans and applies; a Workspace adds where its rules, bill and usage numbers come from."""

    def __init__(
        self, settings: Settings, surroundings: Surroundings, progress: Progress, recorder: Recorder | None
    ) -> None:
        super().__init__(settings, surroundings)
        self._cache = settings.cache
        self._progress = progress
        self._recorder = recorder

    @property
    @abstractmethod
    def bill(self) -> BillDescription:
        """The bill as described by its files; raises BillError."""

    @property
    @abstractmethod
    def metrics(self) -> MetricDescription:
        """The metric sources as described by their files; raises BillError."""

    @property
    @abstractmethod
    def texts(self) -> Mapping[str, str]:
        """Texts of costops.yaml and the rule files by name."""

    @abstractmethod
    def _problems(self, known_columns: frozenset[str] | None) -> tuple[Diagnostic, ...]:
        """What is wrong with the files, held against the bill's columns where they are given."""

    @abstractmethod
    def _heard(self, found: tuple[Diagnostic, ...], evaluated: bool) -> tuple[Diagnostic, ...]:
        """Diagnostics in order, with what comments in rule files say about them."""

    def plan(
        self,
        *,
        keep_cells: bool = False,
        full: bool = False,
        with_ledger: bool = True,
        restate: Restating | None = None,
    ) -> Plan:
        """What apply would do; raises InvalidRulesError, BillError, EngineError and StateError.

        It writes nothing but, with `keep_cells`, into the cache: what was read of the bill, and what the next plan can
        begin with; so that it is fast, and this one can still be applied once the bill has moved. With `full` nothing
        that is in the cache is used, and everything evaluated. A plan that is only shown or saved is made faster
        without its ledger, and cannot be applied. Months of `restate` are written anew although they are frozen.
        """
        return self._plan(self._target(self.bill), self._ways(keep_cells, full, with_ledger), restate=restate)

    def refresh(self, *, keep_cells: bool = False, full: bool = False, with_ledger: bool = True) -> Plan:
        """What the bill and the usage numbers alone change: the newest version's rules on them as they are now.

        Raises StateError where nothing has been applied yet, else what `plan` does.
        """
        target = self._target_of(self.version())
        return self._plan(target, self._ways(keep_cells, full, with_ledger))

    def check_refresh(self) -> None:
        """Raises StaleError where rules or settings are not those of the newest version, with every difference."""
        from costops.planning.refresh import check_refresh

        check_refresh(self.version(), self.rules, self.settings)

    def rollback(self, number: int, *, keep_cells: bool = False, full: bool = False, with_ledger: bool = True) -> Plan:
        """An older version's rules on today's bill, in the months that are open; raises StateError as `version`."""
        return self._plan(self._target_of(self.version(number)), self._ways(keep_cells, full, with_ledger))

    def commits_since(self, version: Version) -> tuple[str, ...] | None:
        """Commits of rules and costops.yaml since a version's own, the newest first; None where git cannot tell."""
        from costops.revision import commits_since

        commit = version.draft.commit
        if commit is None or version.draft.dirty:
            return None
        return commits_since(self.settings.root, commit, (self.settings.rules, self.settings.root / FILE_NAME))

    def compare(self, reference: str, *, keep_cells: bool = False, full: bool = False) -> Plan:
        """The rules here against those of a git revision, on the same bill and without any state; nothing to apply.

        Raises UsageError where git does not know the revision, InvalidRulesError where its rules have errors.
        """
        from costops.compared import compared_with

        compared = compared_with(self.settings, reference, self._surroundings.variables)
        return self._plan(self._target(self.bill), self._ways(keep_cells, full, False), compared=compared)

    def review(self, saved: Plan, *, full: bool = False) -> Reviewed:
        """A saved plan made again, with its ledger; raises StaleError with every reason where it is not the same.

        Where `on_bill_change` accepts a newer bill, the rules may move as much more or less on it as that says.

        With `full` nothing that is in the cache is used, not even the cells of a bill that has moved since.
        """
        from costops.engine.kept import NotKeptError, kept_bill
        from costops.planning.review import Here, review

        try:
            bill = self.bill
        except BillError:
            bill = None  # the plan's own cells may be kept; if not, making the plan tells what is wrong

        def plan_on_kept_cells() -> Plan | None:
            if full:
                return None
            kept = kept_bill(self._cells, saved.bill.digest, self.settings.reading)
            if kept is None:
                return None
            try:
                return self._plan(self._target(kept), _Ways(kept, saved.bill_files, None, False, True), restate=restate)
            except NotKeptError:
                return None

        restate = None
        if saved.restated:
            restate = Restating(frozenset(each.month for each in saved.restated), saved.reason or "")

        here = Here(
            base=self._base(),
            rules_digest=rules_digest(self.rules),
            settings=self.settings.canonical(),
            metrics_digest=self.metrics.digest,
            bill_digest=bill.digest if bill is not None else None,
            bill_files=bill.files if bill is not None else (),
            plan=lambda: self._plan(self._target(self.bill), self._ways(True, full, True), restate=restate),
            plan_on_kept_cells=plan_on_kept_cells,
            versions=self._all_versions,
            events=self._all_events,
            tolerance_percent=self.settings.bill_tolerance_percent,
        )
        return review(saved, here)

    def plan_with_digest(self, digest: str, *, full: bool = False, restate: Restating | None = None) -> Plan:
        """The plan, if it has that digest; raises UsageError for what is no digest, else StaleError."""
        from costops.planning.review import check_digest, review_digest

        wanted = check_digest(digest)
        plan = self.plan(keep_cells=True, full=full, restate=restate)
        return review_digest(wanted, plan, self._all_versions)

    def _ways(self, keep_cells: bool, full: bool, with_ledger: bool) -> _Ways:
        return _Ways(self.bill, self.bill.files, self._cells if keep_cells else None, full, with_ledger)

    def _target(self, bill: BillDescription | KeptBill) -> _Target:
        """The rule files."""
        found = self._problems(bill.columns if self.settings.billing else None)
        return _Target(self.rules, rules_digest(self.rules), self._target_label(), found, self.texts, self._heard)

    def _target_of(self, version: Version) -> _Target:
        """The rules of a version, with warnings about them that no comment of the files can silence."""
        rules = rules_from_revisions(version.draft.rules)
        found = check(
            rules,
            report=self.settings.report,
            known_columns=self.bill.columns if self.settings.billing else None,
            report_places=self.settings.spans,
            metric_sources=frozenset(each.name for each in self.settings.metric_sources),
            cost_columns=self.settings.cost_columns,
        )
        label = f"rules of {version.label}"
        return _Target(rules, version.draft.rules_digest, label, in_order(found), {}, _in_order)

    @property
    def _cells(self) -> Path:
        return self._cache / "cells"

    def _plan(
        self,
        target: _Target,
        ways: _Ways,
        *,
        restate: Restating | None = None,
        compared: Compared | None = None,
    ) -> Plan:
        from costops.engine.name import engine_name
        from costops.planning.checks import check_results
        from costops.planning.inputs import Inputs, make_plan
        from costops.planning.months import OpenMonths
        from costops.planning.stored import StoredVersion

        bill = ways.bill
        if any(each.is_error for each in target.found):
            raise InvalidRulesError(target.heard(target.found, False), target.texts)
        reader = self._reader() if compared is None else None
        try:
            stored = StoredVersion(reader) if reader is not None and reader.base().version is not None else None
            months = OpenMonths(
                closed=reader.closed_months() if reader is not None else frozenset(),
                newest=self.settings.restate_months,
                restate=restate.months if restate is not None else None,
                reason=restate.reason if restate is not None else None,
            )
            base_label = stored.version.label if stored else "nothing applied yet"
            inputs = Inputs(
                settings=self.settings,
                rules=target.rules,
                rules_digest=target.rules_digest,
                bill_digest=bill.digest,
                bill_files=ways.files,
                metrics_digest=self.metrics.digest,
                metric_files=self.metrics.files,
                engine=engine_name(),
                base=reader.base() if reader is not None else FIRST_RUN,
                base_label=base_label if compared is None else f"rules at {compared.revision}",
                target_label=target.label,
                stored=stored,
                cost_columns=bill.cost_columns,
                evaluate=partial(self._evaluate, bill, ways.cells, full=ways.full),
                fit=partial(Fitting, known_columns=bill.columns, cost_columns=self.settings.cost_columns),
                months=months,
                compared=compared,
                with_ledger=ways.with_ledger,
                diagnostics=target.found,
                heard=target.heard,
            )
            self._progress.stage("comparing the rules")
            made = make_plan(inputs)
            return replace(made, checks=check_results(self.settings.checks, made, target.rules))
        finally:
            if reader is not None:
                reader.close()

    def refuse_failed(self, plan: Plan) -> None:
        """Raises CheckError where a check forbids to apply the plan."""
        from costops.planning.checks import refuse_failed

        refuse_failed(plan)

    def apply(self, plan: Plan, *, cause: str | None = None, reason: str | None = None) -> Version:
        """Write the plan's ledger as the next version, all or nothing; raises CheckError, StaleError and BusyError.

        `cause` and `reason` are what the plan itself says, unless they are given.
        """
        from costops.planning.apply import draft_of, record_of
        from costops.state.writer import apply_version

        self.refuse_failed(plan)
        if plan.ledger is None:
            raise StateError("the plan has nothing to write, or was made without its ledger")
        self._progress.stage(f"writing version {(plan.base.version or 0) + 1}")
        revision = self._revision()
        draft: VersionDraft = draft_of(
            plan,
            applied_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            actor=self._surroundings.actor(),
            commit=revision.commit,
            dirty=revision.dirty,
            cause=cause,
            reason=reason,
        )
        return apply_version(
            self.settings.state,
            base=plan.base,
            draft=draft,
            ledger=plan.ledger,
            record=record_of(plan),
            timeout_seconds=self._surroundings.wait_seconds(),
        )

    def _evaluate(
        self,
        bill: BillDescription | KeptBill,
        cells: Path | None,
        requests: Sequence[Request],
        months: Callable[[BillFacts], Months] | None = None,
        then: Mapping[str, MetricSeries] | None = None,
        *,
        want_series: bool = False,
        next_stage: str = "making the plan",
        full: bool = False,
    ) -> Evaluation:
        from costops.engine.embedded import Months, evaluate

        self._progress.stage("starting the engine")
        evaluation = evaluate(
            bill,
            self.metrics,
            requests,
            report=self.settings.report,
            cost=self.settings.cost,
            threads=self._surroundings.threads(),
            memory_limit_bytes=self.settings.memory_limit_bytes,
            cells=cells,
            evaluations=self._cache / "evaluations" if cells is not None else None,
            months=months if months is not None else lambda _: Months(),
            then=then or {},
            want_series=want_series,
            scratch=self._cache,
            progress=self._progress,
            recorder=self._recorder,
            full=full,
        )
        self._progress.stage(next_stage)
        return evaluation

    def _revision(self) -> Revision:
        tables = ((self.settings.root / each.span.file).resolve() for each in self.rules.lookups)
        paths = (self.settings.rules, self.settings.root / "costops.yaml", *tables)
        return revision_of(self.settings.root, paths)

    def _target_label(self) -> str:
        revision = self._revision()
        if revision.commit is None:
            return f"rules in {self.settings.rules.name}/"
        changed = " with local changes" if revision.dirty else ""
        return f"rules at {revision.commit[:7]}{changed}"
