"""The embedded engine: one DuckDB connection that loads, is sealed, and then evaluates rule sets.

Invariant: no statement that comes from a rule runs before the engine is sealed; after that it can open no file, no
connection and no extension, and its settings are locked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from costops.engine.evaluate import Money, Notice, Outcome, run
from costops.engine.ir import Fields, MetricUse, Program
from costops.engine.kept import KeptBill, NotKeptError, keep, load_kept
from costops.engine.load import BillFacts, load_bill, load_metrics
from costops.engine.lower import lower
from costops.errors import BillError, EngineError
from costops.model.bill import BillDescription, MetricDescription
from costops.model.rules import RuleSet

if TYPE_CHECKING:
    import duckdb

__all__ = ["Evaluation", "Money", "Notice", "Outcome", "Request", "engine_name", "evaluate"]


@dataclass(frozen=True, slots=True)
class Request:
    """A rule set to evaluate on the bill."""

    rules: RuleSet
    want_ledger: bool = False
    lenient: bool = False
    """Leave cost where it was where a rule cannot run on this bill or says to fail, instead of failing."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The bill's facts and one outcome for each request."""

    facts: BillFacts
    outcomes: tuple[Outcome, ...]


def engine_name() -> str:
    """Name and version of everything that decides a digit."""
    from importlib.metadata import version

    from costops import __version__

    return f"costops {__version__}, duckdb {version('duckdb')}"


def evaluate(
    bill: BillDescription | KeptBill,
    metrics: MetricDescription,
    requests: Sequence[Request],
    *,
    report: Sequence[str],
    cost: str,
    threads: int | None = None,
    cells: Path | None = None,
) -> Evaluation:
    """Read the bill once and evaluate every rule set on it.

    With a folder for `cells` the bill's cells are kept there, and read from there where they already are. A KeptBill
    is read from its own folder alone; NotKeptError says that it cannot be. Raises BillError for files that cannot be
    read or a bill without the cost column `cost`, EngineError for a rule whose policy is to fail, ConservationError
    if money were lost.
    """
    if cost not in bill.cost_columns:
        raise BillError(
            f"the bill has no column {cost}, which costops.yaml names as its cost",
            hint=f"set cost: to one of {', '.join(bill.cost_columns)}",
        )
    fields = Fields()
    programs = [lower(each.rules, report=report, cost=cost, fields=fields) for each in requests]
    for program, request in zip(programs, requests, strict=True):
        for step in program.steps:
            if step.basis_cost not in bill.cost_columns and not request.lenient:
                raise EngineError(
                    f"allocation {step.rule} weighs by {step.basis_cost}, which the bill does not have",
                    hint=f"set basis.cost to one of {', '.join(bill.cost_columns)}",
                )
    with _connection(threads) as connection:
        facts = _loaded(connection, bill, fields, cells)
        strict = [program for program, request in zip(programs, requests, strict=True) if not request.lenient]
        metric_tables = load_metrics(connection, metrics, _metric_uses(programs), needed=_metric_uses(strict))
        _seal(connection)
        field_columns = [name for _, name in fields.items()]
        outcomes = [
            run(
                connection,
                program,
                costs=bill.cost_columns,
                field_columns=field_columns,
                metric_tables=metric_tables,
                want_ledger=request.want_ledger,
                lenient=request.lenient,
            )
            for program, request in zip(programs, requests, strict=True)
        ]
    return Evaluation(facts, tuple(outcomes))


def _loaded(
    connection: duckdb.DuckDBPyConnection, bill: BillDescription | KeptBill, fields: Fields, cells: Path | None
) -> BillFacts:
    costs = bill.cost_columns
    if isinstance(bill, KeptBill):
        facts = load_kept(connection, bill.folder, bill.digest, fields, costs)
        if facts is None:
            raise NotKeptError("the cells of this bill are not kept for these rules", hint="plan again on today's bill")
        return facts
    facts = load_kept(connection, cells, bill.digest, fields, costs) if cells is not None else None
    if facts is None:
        facts = load_bill(connection, bill, fields)
        if cells is not None:
            keep(connection, cells, bill.digest, bill.columns, fields, costs, facts)
    return facts


def _metric_uses(programs: Sequence[Program]) -> tuple[MetricUse, ...]:
    uses = [step.metric for program in programs for step in program.steps if step.metric is not None]
    return tuple(dict.fromkeys(uses))


@contextmanager
def _connection(threads: int | None) -> Iterator[duckdb.DuckDBPyConnection]:
    # duckdb costs 110 ms to import.
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "false",
    }
    if threads is not None:
        config["threads"] = threads
    connection = duckdb.connect(":memory:", config=config)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("SET enable_progress_bar = false")
        yield connection
    except duckdb.Error as error:
        raise EngineError(
            f"the engine failed: {str(error).strip().splitlines()[0]}",
            hint="this may be a defect of costops: please report it with the rules",
        ) from error
    finally:
        connection.close()


def _seal(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
