"""The facade: opens a workspace, checks it and wires the rooms; the command line and the terminal application read it.

Invariant: nothing here computes or prints; every use case is a function of its own room and a few lines here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from costops.config import FILE_NAME, find_workspace, load_settings
from costops.errors import BillError, EngineError, UsageError
from costops.language.check import check
from costops.language.files import LoadedRules, load_rules
from costops.language.ignores import with_ignored
from costops.language.renames import check_renames
from costops.model.diagnostic import Diagnostic, in_order
from costops.model.progress import QUIET, Progress, Recorder
from costops.model.rules import RuleSet
from costops.model.settings import Settings
from costops.planned import Plans
from costops.surroundings import Surroundings

if TYPE_CHECKING:
    from costops.model.bill import BillDescription, MetricDescription, PhysicalFile
    from costops.model.bill_report import BillReport
    from costops.model.cache import CacheContents
    from costops.model.plan import Plan
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
    try:
        loaded = load_settings(start, flags=flags or {}, environment=surroundings, content=content, cache=cache)
    except BaseException:
        shutil.rmtree(cache, ignore_errors=True)
        raise
    return Workspace(
        loaded.settings, loaded.diagnostics, loaded.texts, surroundings, progress, recorder, is_trusted=False
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


class Workspace(Plans):
    """One workspace; reads its files when they are first needed."""

    def __init__(
        self,
        settings: Settings,
        diagnostics: Sequence[Diagnostic],
        texts: Mapping[str, str],
        environment: Mapping[str, str],
        progress: Progress = QUIET,
        recorder: Recorder | None = None,
        *,
        is_trusted: bool = True,
    ) -> None:
        super().__init__(settings, Surroundings(environment), progress, recorder)
        self._is_trusted = is_trusted
        self._settings_diagnostics = tuple(diagnostics)
        self._settings_texts = texts

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
