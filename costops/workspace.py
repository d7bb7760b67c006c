"""The facade: opens a workspace, checks it and wires the rooms; the command line and the terminal application read it.

Invariant: nothing here computes or prints; every use case is a function of its own room and a few lines here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from costops.applied import FIRST_RUN, AppliedVersions
from costops.config import FILE_NAME, cache_folder, find_workspace, load_settings
from costops.errors import BillError, EngineError, InvalidRulesError, StateError, UsageError
from costops.language.canonical import rules_digest, rules_from_revisions
from costops.language.check import check
from costops.language.files import LoadedRules, load_rules
from costops.language.fitting import Fitting
from costops.language.ignores import with_ignored
from costops.language.renames import check_renames
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.progress import QUIET, Progress, Recorder
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.model.version import Version, VersionDraft
from costops.revision import Revision, revision_of
from costops.surroundings import Surroundings

if TYPE_CHECKING:
    from costops.engine.embedded import Evaluation, Months, Request
    from costops.engine.kept import KeptBill
    from costops.engine.load import BillFacts
    from costops.model.bill import BillDescription, MetricDescription, PhysicalFile, SourceFile
    from costops.model.bill_report import BillReport
    from costops.model.cache import CacheContents
    from costops.model.metric_series import MetricSeries
    from costops.model.plan import Plan
    from costops.periods import Period
    from costops.planning.inputs import Compared
    from costops.planning.review import Reviewed
    from costops.sources.shapes import Probe


@dataclass(frozen=True, slots=True)
class Validation:
    """Every problem of a workspace's files, and the files' texts for excerpts."""

    diagnostics: tuple[Diagnostic, ...]
    texts: Mapping[str, str]
    not_evaluated: str | None = None
    """Why the rules could not be evaluated on the bill, where they should have been."""

    @property
    def has_errors(self) -> bool:
        return any(each.is_error for each in self.diagnostics)


def open_workspace(
    start: Path,
    *,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = QUIET,
    recorder: Recorder | None = None,
) -> Workspace:
    """The workspace at `start` or the nearest one above it; `progress` hears what long work is doing.

    A `recorder` hears every statement of the engine. Raises UsageError where there is no workspace, and
    InvalidRulesError where costops.yaml has errors.
    """
    surroundings = dict(os.environ) if environment is None else environment
    loaded = load_settings(start, flags=flags or {}, environment=surroundings)
    return Workspace(loaded.settings, loaded.diagnostics, loaded.texts, surroundings, progress, recorder)


def open_untrusted(
    start: Path,
    reference: str,
    *,
    flags: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = QUIET,
    recorder: Recorder | None = None,
) -> Workspace:
    """The workspace at `start` as a stranger changed it: its costops.yaml is that of a git revision.

    Nothing that the working tree keeps to save time is believed, and relative paths of bills and usage numbers may not
    lead out of the workspace. Raises UsageError where the revision has no costops.yaml, else as `open_workspace`.
    """
    from costops.revision import file_of, named_revision

    surroundings = dict(os.environ) if environment is None else environment
    root = find_workspace(start)
    content = file_of(root, named_revision(root, reference), FILE_NAME)
    if content is None:
        raise UsageError(
            f"{reference} has no {FILE_NAME} here, and --untrusted believes no other",
            hint="name a revision with --base that has one",
        )
    cache = Path(tempfile.mkdtemp(prefix="costops-untrusted-"))
    loaded = load_settings(start, flags=flags or {}, environment=surroundings, content=content, cache=cache)
    return Workspace(
        loaded.settings, loaded.diagnostics, loaded.texts, surroundings, progress, recorder, cache, is_trusted=False
    )


def save_plan(path: Path, plan: Plan) -> None:
    """Write a plan's document to a file, in one step; raises UsageError before it replaces what is no plan."""
    from costops.planning.saved import write_plan

    write_plan(path, plan)


def check_plan_target(path: Path) -> None:
    """Raises UsageError where `save_plan` would."""
    from costops.planning.saved import check_target

    check_target(path)


def load_plan(path: Path) -> Plan:
    """The plan in a file, without its ledger; needs no workspace. Raises UsageError and StaleError."""
    from costops.planning.saved import read_plan

    return read_plan(path)


def check_saved_digest(saved: Plan, digest: str) -> None:
    """Raises StaleError where a saved plan is not the one with that digest, UsageError for what is no digest."""
    from costops.planning.review import check_digest, check_saved_digest

    check_saved_digest(saved, check_digest(digest))


def cache_contents(start: Path) -> CacheContents:
    """What the workspace around `start` keeps to save time; raises UsageError where there is none."""
    from costops.cache import look

    return look(find_workspace(start))


def clear_cache(start: Path) -> CacheContents:
    """Remove that, and say what was removed; raises UsageError and CostopsError."""
    from costops.cache import clear

    return clear(find_workspace(start))


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


class Workspace(AppliedVersions):
    """One workspace; reads its files when they are first needed."""

    def __init__(
        self,
        settings: Settings,
        diagnostics: Sequence[Diagnostic],
        texts: Mapping[str, str],
        environment: Mapping[str, str],
        progress: Progress = QUIET,
        recorder: Recorder | None = None,
        cache: Path | None = None,
        *,
        is_trusted: bool = True,
    ) -> None:
        super().__init__(settings, Surroundings(environment))
        self._is_trusted = is_trusted
        self._cache = cache if cache is not None else cache_folder(settings.root)
        self._settings_diagnostics = tuple(diagnostics)
        self._settings_texts = texts
        self._progress = progress
        self._recorder = recorder

    def __enter__(self) -> Workspace:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give back what is held open; nothing is between calls but what an untrusted workspace keeps for itself."""
        if not self._is_trusted:
            shutil.rmtree(self._cache, ignore_errors=True)

    # Rules.

    @cached_property
    def _loaded(self) -> LoadedRules:
        self._progress.stage("reading the rule files")
        loaded = load_rules(self.settings.rules, self.settings.root, self._cache / "rules")
        if self._recorder is not None:
            self._recorder.kept("rule files", loaded.kept_files, loaded.files)
        return loaded

    @property
    def rules(self) -> RuleSet:
        """The rule files' entries, as far as they could be bound."""
        return self._loaded.rules

    @property
    def texts(self) -> Mapping[str, str]:
        """Texts of costops.yaml and the rule files by name."""
        return {**self._settings_texts, **self._loaded.texts}

    def validate(self, *, with_data: bool = True, evaluate: bool = True, keep_cells: bool = False) -> Validation:
        """Every problem in every file; `with_data` also holds names against the bill's columns.

        Rules without errors are then evaluated on the bill too, for the warnings that know the money, unless not
        `evaluate`; where that cannot be done the validation says why. `keep_cells` as in `plan`. Raises BillError for
        a bill that is not there.
        """
        has_data = with_data and bool(self.settings.billing)
        found = self._problems(self.bill.columns if has_data else None)
        if not has_data or not evaluate or any(each.is_error for each in found):
            return Validation(self._heard(found, False), self.texts)
        try:
            noticed = self._noticed(self._cells if keep_cells else None)
        except (BillError, EngineError) as error:
            return Validation(self._heard(found, False), self.texts, not_evaluated=error.message)
        return Validation(self._heard((*found, *noticed), True), self.texts)

    def _noticed(self, cells: Path | None) -> list[Diagnostic]:
        """Warnings about what the rules do on the bill."""
        from costops.engine.embedded import Request
        from costops.planning.notices import evaluation_notices

        request = Request(self.rules, want_notices=True)
        evaluation = self._evaluate(self.bill, cells, [request], next_stage="looking at what was found")
        return evaluation_notices(self.rules, evaluation, report=self.settings.report, cost=self.settings.cost)

    def _heard(self, found: tuple[Diagnostic, ...], evaluated: bool) -> tuple[Diagnostic, ...]:
        """Diagnostics in order, with what comments in rule files say about them."""
        return with_ignored(found, self.rules, self._loaded.texts, evaluated=evaluated)

    def _problems(self, known_columns: frozenset[str] | None) -> tuple[Diagnostic, ...]:
        loaded = self._loaded
        checked = check(
            loaded.rules,
            report=self.settings.report,
            known_columns=known_columns,
            report_places=self.settings.spans,
            metric_sources=frozenset(each.name for each in self.settings.metric_sources),
            broken=loaded.broken,
            complete=loaded.complete,
            cost_columns=self.settings.cost_columns,
        )
        found = [*self._settings_diagnostics, *loaded.diagnostics, *checked, *check_renames(loaded.rules)]
        return in_order(found)

    # Bill and metrics.

    @cached_property
    def bill(self) -> BillDescription:
        """The bill as described by its files; raises BillError."""
        from costops.bill.describe import describe_bill

        self._progress.stage("looking at the bill's files")
        bill = describe_bill(self.settings, self._probe)
        self._check_inside(file for part in bill.parts for file in part.files)
        return bill

    @cached_property
    def metrics(self) -> MetricDescription:
        """The metric sources as described by their files; raises BillError."""
        from costops.metrics.files import describe_metrics

        self._progress.stage("looking at the metrics' files")
        metrics = describe_metrics(self.settings, self._probe)
        self._check_inside(each.file for files in metrics.sources.values() for each in files)
        return metrics

    def _check_inside(self, files: Iterable[PhysicalFile]) -> None:
        """Raises BillError where a stranger's link leads a relative path out of the workspace."""
        root = os.path.realpath(self.settings.root)
        for file in files if not self._is_trusted else ():
            if not Path(file.name).is_absolute() and not Path(os.path.realpath(file.path)).is_relative_to(root):
                raise BillError(
                    f"{file.name} is a link out of the workspace, which --untrusted does not follow",
                    hint="name the file by its absolute path in costops.yaml of the base revision",
                )

    @property
    def _probe(self) -> Probe:
        from costops.engine.name import engine_name
        from costops.engine.probe import probe
        from costops.sources.shapes import remembered

        return remembered(probe, self._cache, engine_name())

    def survey(self) -> BillReport:
        """What was read of the bill, without any rules; raises BillError."""
        from costops.engine.embedded import survey_bill

        return survey_bill(
            self.bill,
            self.settings.billing,
            cost=self.settings.cost,
            threads=self._surroundings.threads(),
            memory_limit_bytes=self.settings.memory_limit_bytes,
            scratch=self._cache,
            progress=self._progress,
        )

    # Plan and apply.

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
