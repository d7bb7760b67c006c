"""The embedded engine: one DuckDB connection that loads, is sealed, and then evaluates rule sets.

Invariant: no statement runs before the engine is sealed: it can open the bill's and the metrics' own files and the
folder of kept cells, but no other file, no connection and no extension, and its settings are locked.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from costops.engine.evaluate import Evaluator, Outcome
from costops.engine.evaluations import EvaluationKeys, KeptEvaluations, described
from costops.engine.ir import Fields, MetricUse, Program
from costops.engine.kept import KeptBill
from costops.engine.ledgers import LedgerFacts
from costops.engine.load import BillFacts, load_bill
from costops.engine.lookups import load_lookups
from costops.engine.lower import lower
from costops.engine.metrics import hash_of, load_metrics, metric_series
from costops.engine.money_steps import Money
from costops.engine.name import engine_name
from costops.engine.noticing import Notice
from costops.engine.probe import as_pattern
from costops.engine.recording import recorded
from costops.engine.stages import Stages
from costops.errors import BillError, EngineError
from costops.interruption import remove_folder, undone_by
from costops.model.bill import BillDescription, MetricDescription
from costops.model.bill_report import BillReport
from costops.model.metric_report import MetricReading
from costops.model.metric_series import MetricSeries
from costops.model.progress import QUIET, Progress, Recorder
from costops.model.rules import RuleSet
from costops.model.settings import BillingSource

if TYPE_CHECKING:
    import duckdb

__all__ = ["Evaluation", "Money", "Months", "Notice", "Outcome", "Request", "engine_name", "evaluate"]


@dataclass(frozen=True, slots=True)
class Request:
    """A rule set to evaluate on the bill."""

    rules: RuleSet
    want_ledger: bool | Callable[[LedgerFacts, BillFacts], bool] = False
    """Digest and totals of its ledger; the rows too, unless what is given here looks at those and declines."""
    want_notices: bool = False
    """What is worth a warning."""
    lenient: bool = False
    """Leave cost where it was where a rule cannot run on this bill or says to fail, instead of failing."""
    by_step: bool = False
    """Whether its money is wanted after each of its enabled allocations, not only after all of them."""
    months_after: tuple[int, ...] = ()
    """After how many of its enabled allocations the money of the months that are wanted apart is wanted by month."""


@dataclass(frozen=True, slots=True)
class Months:
    """Billing months that a plan treats otherwise than the others."""

    frozen: tuple[str, ...] = ()
    """Their cost is evaluated like any other, for others may weigh by it, but is in no money by element."""
    apart: tuple[str, ...] = ()
    """Their money is wanted by month."""


def _all_alike(_bill: BillFacts) -> Months:
    return Months()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The bill's facts and one outcome for each request."""

    facts: BillFacts
    outcomes: tuple[Outcome, ...]
    metrics: tuple[MetricReading, ...] = ()
    """What was read for the requests that are not lenient."""
    series: tuple[MetricSeries, ...] = ()
    """The metrics that they use, by day, where they were wanted."""


def evaluate(
    bill: BillDescription | KeptBill,
    metrics: MetricDescription,
    requests: Sequence[Request],
    *,
    report: Sequence[str],
    cost: str,
    threads: int | None = None,
    memory_limit_bytes: int | None = None,
    cells: Path | None = None,
    evaluations: Path | None = None,
    months: Callable[[BillFacts], Months] = _all_alike,
    then: Mapping[str, MetricSeries] = MappingProxyType({}),
    want_series: bool = False,
    scratch: Path | None = None,
    progress: Progress = QUIET,
    recorder: Recorder | None = None,
    full: bool = False,
) -> Evaluation:
    """Read the bill once and evaluate every rule set on it.

    With `full` nothing that an earlier run kept is used: the bill is read and every rule evaluated, and what is kept
    is written anew. It gives the same result, to the last digit.

    `months` says, once the bill is read, which billing months are frozen or wanted apart; `then` has metrics by id for
    rule sets whose metrics have the source THEN. With a folder for `cells` the
    bill's cells are kept there, and read from there where they already are. A KeptBill is read from its own folder
    alone; NotKeptError says that it cannot be. Raises BillError for files that cannot be read or a bill without the
    cost column `cost`, EngineError for a rule whose policy is to fail, ConservationError if money were lost. `progress`
    hears what is being done, and a `recorder` every statement; what does not fit into `memory_limit_bytes` goes into
    the folder `scratch` while it is needed.
    """
    if cost not in bill.cost_columns:
        raise BillError(
            f"the bill has no column {cost}, which costops.yaml names as its cost",
            hint=f"set cost: to one of {', '.join(bill.cost_columns)}",
        )
    fields = Fields()
    programs: list[Program] = []
    for each in requests:
        programs.append(lower(each.rules, report=report, cost=cost, fields=fields, watch=each.want_notices))
        if len(programs) == 1:
            first = described(programs[0], fields)
    for program, request in zip(programs, requests, strict=True):
        if not request.lenient:
            _refuse_absent_amounts(program, bill)
    quantities = tuple(sorted({each for program in programs for each in program.quantities}))
    with (
        _connection(threads, scratch, memory_limit_bytes, recorder) as connection,
        closing(Stages(progress, connection, recorder)) as stages,
    ):
        _seal(connection, _files(bill, metrics), (bill.folder if isinstance(bill, KeptBill) else cells, evaluations))
        load_lookups(connection, fields)
        facts = load_bill(
            connection,
            bill,
            fields,
            programs,
            quantities=quantities,
            cells=cells,
            fresh=full,
            tell=stages.statement,
            kept=stages.kept,
        )
        chosen = months(facts)
        strict = [program for program, request in zip(programs, requests, strict=True) if not request.lenient]
        needed = _metric_uses(strict)
        metric_tables, readings = load_metrics(
            connection, metrics, _metric_uses(programs), needed=needed, then=then, tell=stages.statement
        )
        series = metric_series(connection, metric_tables, needed) if want_series else ()
        field_columns = [name for _, name in fields.items()]
        tells = stages.runs([len(program.steps) for program in programs])
        evaluator = Evaluator(
            connection,
            costs=bill.cost_columns,
            quantities=quantities,
            field_columns=field_columns,
            metric_tables=metric_tables,
            frozen=chosen.frozen,
            full=full,
        )
        keeper = None
        if evaluations is not None and facts.cells:
            keys = EvaluationKeys(
                report=report,
                cost=cost,
                cells=facts.cells,
                metrics=f"{metrics.digest} {hash_of(then)}" if then else metrics.digest,
                amounts=(*bill.cost_columns, *quantities),
                engine=engine_name(),
            )
            keys.name(requests[0].rules, first)
            keeper = KeptEvaluations(connection, evaluations, keys)
        turns = _Turns(evaluator, keeper, stages, facts, chosen.apart, full=full)
        listens = any(each.want_notices for each in requests)
        outcomes = [
            turns.take(request, program, tell, keep_notices=listens, is_base=place == 0 and len(requests) > 1)
            for place, (program, request, tell) in enumerate(zip(programs, requests, tells, strict=True))
        ]
    return Evaluation(facts, tuple(outcomes), readings, series)


class _Turns:
    """Evaluates one rule set after the other, with what an earlier run kept and for the next one."""

    def __init__(
        self,
        evaluator: Evaluator,
        keeper: KeptEvaluations | None,
        stages: Stages,
        facts: BillFacts,
        months: tuple[str, ...],
        *,
        full: bool,
    ) -> None:
        self._evaluator = evaluator
        self._keeper = keeper
        self._stages = stages
        self._facts = facts
        self._months = months
        self._full = full

    def take(
        self, request: Request, program: Program, tell: Callable[[str, int], None], *, keep_notices: bool, is_base: bool
    ) -> Outcome:
        """Evaluate one; `is_base` says that the next plan may begin with it as this one does."""
        evaluator = self._evaluator
        keeper = self._keeper if program.steps else None
        was_kept = False
        if keeper is not None and not self._full and not evaluator.can_follow(request.rules, program):
            was_kept = evaluator.take_kept(keeper, request.rules, program)
            self._stages.kept("evaluations", int(was_kept), 1)
            if was_kept:
                tell("taking an evaluation that was kept", 0)
        outcome = evaluator.evaluate(
            request.rules,
            program,
            want_ledger=_decided(request, self._facts),
            want_notices=request.want_notices,
            keep_notices=keep_notices,
            after=range(len(program.steps)) if request.by_step else (),
            months=self._months,
            months_after=request.months_after,
            lenient=request.lenient,
            tell=tell,
        )
        # The next plan begins with what is applied now, or with what this one begins with.
        if keeper is not None and not was_kept and (outcome.ledger is not None or is_base):
            tell("keeping the evaluation", len(program.steps))
            evaluator.keep(keeper, anew=self._full)
        return outcome


def survey_bill(
    bill: BillDescription,
    sources: Sequence[BillingSource],
    *,
    cost: str,
    threads: int | None = None,
    memory_limit_bytes: int | None = None,
    scratch: Path | None = None,
    progress: Progress = QUIET,
) -> BillReport:
    """What the files of a bill have, without any rules; the arguments are those of `evaluate`."""
    from costops.engine.survey import survey

    with (
        _connection(threads, scratch, memory_limit_bytes) as connection,
        closing(Stages(progress, connection)) as stages,
    ):
        _seal(connection, [file.path for part in bill.parts for file in part.files])
        return survey(connection, bill, sources, cost=cost, tell=stages.statement)


def _refuse_absent_amounts(program: Program, bill: BillDescription | KeptBill) -> None:
    """Raises EngineError for a step that weighs by a cost column or a quantity that the bill does not have."""
    for step in program.steps:
        if step.quantity is not None:
            if step.quantity not in bill.columns:
                raise EngineError(
                    f"allocation {step.rule} weighs by {step.quantity}, which the bill does not have",
                    hint="weigh by a cost or a metric, or choose the other quantity",
                )
        elif step.basis_amount not in bill.cost_columns:
            raise EngineError(
                f"allocation {step.rule} weighs by {step.basis_amount}, which the bill does not have",
                hint=f"set basis.cost to one of {', '.join(bill.cost_columns)}",
            )


def _decided(request: Request, bill: BillFacts) -> bool | Callable[[LedgerFacts], bool]:
    wanted = request.want_ledger
    return (lambda ledger: wanted(ledger, bill)) if callable(wanted) else wanted


def _metric_uses(programs: Sequence[Program]) -> tuple[MetricUse, ...]:
    return tuple(dict.fromkeys(use for program in programs for use in program.metric_uses))


@contextmanager
def _connection(
    threads: int | None,
    scratch: Path | None = None,
    memory_limit_bytes: int | None = None,
    recorder: Recorder | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    # duckdb costs 110 ms to import.
    import duckdb

    spilled = _spill_folder(scratch)
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(spilled),
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    if threads is not None:
        config["threads"] = threads
    if memory_limit_bytes is not None:
        config["memory_limit"] = f"{memory_limit_bytes}B"
    connection = duckdb.connect(":memory:", config=config)
    if recorder is not None:
        connection = recorded(connection, recorder)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        with undone_by(lambda: remove_folder(spilled)):
            yield connection
    except duckdb.OutOfMemoryException as error:
        reason = str(error).strip().splitlines()[0]
        raise EngineError(
            f"the engine ran out of memory: {reason.removeprefix('Out of Memory Error: ')}",
            hint="raise or unset memory_limit, use fewer threads (COSTOPS_THREADS), or make room where .costops/ lies",
        ) from error
    except duckdb.Error as error:
        raise EngineError(
            f"the engine failed: {str(error).strip().splitlines()[0]}",
            hint="this may be a defect of costops: please report it with the rules",
        ) from error
    finally:
        connection.close()


def _files(bill: BillDescription | KeptBill, metrics: MetricDescription) -> tuple[str, ...]:
    """Absolute paths of everything that may be read."""
    of_metrics = [each.file.path for files in metrics.sources.values() for each in files]
    of_bill = [] if isinstance(bill, KeptBill) else [file.path for part in bill.parts for file in part.files]
    return tuple(dict.fromkeys([*of_bill, *of_metrics]))


def _spill_folder(scratch: Path | None) -> Path:
    """A folder of this process alone, made by DuckDB when it needs it and removed by it at the end."""
    parent = scratch if scratch is not None and os.access(scratch, os.W_OK) else Path(tempfile.gettempdir())
    return parent / f".spill-{os.getpid()}-{os.urandom(4).hex()}"


def _seal(
    connection: duckdb.DuckDBPyConnection, files: Sequence[str] = (), folders: Sequence[Path | None] = ()
) -> None:
    """Let nothing be opened but `files`, and what is in `folders`, for good."""
    # A reader asks twice: for the pattern it is given, and for the file that the pattern names.
    paths = [path for each in files for path in dict.fromkeys((each, as_pattern(Path(each))))]
    connection.execute("SET allowed_paths = $1", [paths])
    named = [str(each) for each in folders if each is not None]
    if named:
        connection.execute("SET allowed_directories = $1", [named])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
