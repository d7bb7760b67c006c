"""The rows of the table: what is measured, beside what, and which bar it must meet.

Invariant: a figure is only given where the plan behind it was found to be right; a ratio is one of medians of runs
that took turns.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import processes
from checks import check, check_added, check_edited, check_month_added, check_nothing, check_same
from processes import Run, median, several
from rule_sets import RuleSet, rule_set
from workspaces import Workspace, allocation_ids, bill, make_workspace
from yardsticks.prepare import HERE as YARDSTICKS
from yardsticks.prepare import python_of
from yardsticks.same import compare

GIBIBYTE = 2**30
CHECKED_ROWS = 1_000_000
"""Size of the bill on which every kind of plan is compared with `--full`, and from which every rule must move money."""
TOLERANCE = 1e-6
"""How far an amount of a yardstick, which counts with floats, may be from the exact one, in units of its currency."""
BARE = """
import duckdb, sys, time
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
started = time.perf_counter()
connection.execute(f'''
SELECT count(*), sum(billed), sum(effective), sum(list), sum(contracted) FROM (
    SELECT CAST(ChargePeriodStart AS DATE), BillingCurrency, ServiceName, ServiceCategory, SubAccountId, Tags,
        sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, sum(ListCost) AS list,
        sum(ContractedCost) AS contracted
    FROM read_parquet('{sys.argv[1]}/bill/**/*.parquet') GROUP BY ALL)''').fetchall()
print(time.perf_counter() - started)
"""


@dataclass(frozen=True, slots=True)
class Setup:
    """What every measurement needs to know."""

    data: Path
    """Bills and environments, which may be kept from one run to the next."""
    work: Path
    """Workspaces, which are not."""
    rows: int
    times: int
    quick: bool

    def workspace(self, name: str, rules: RuleSet | None, rows: int | None = None, settings: str = "") -> Workspace:
        """A new workspace on the bill of so many rows."""
        folder = self.work / name
        shutil.rmtree(folder, ignore_errors=True)
        return make_workspace(folder, bill(self.data, rows or self.rows), rules, settings)

    def all_must_move(self, rows: int | None = None) -> bool:
        """Whether the bill is large enough that every rule finds something."""
        return (rows or self.rows) >= CHECKED_ROWS


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table."""

    what: str
    figure: str
    yardstick: str
    ratio: str
    bar: str
    met: bool | None
    """None: a row that only says something."""


def seconds(value: float) -> str:
    """Seconds as the table shows them."""
    return f"{value:.2f} s"


def start(setup: Setup) -> Iterator[Figure]:
    """`costops --help` beside the import of click."""
    click, ours = several(
        max(setup.times, 3) * 3,
        lambda: processes.run([sys.executable, "-c", "import click"], setup.work),
        lambda: processes.costops(setup.work, "--help"),
    )
    ratio = median(ours) / median(click)
    yield Figure(
        "`costops --help`", seconds(median(ours)), f"import click {seconds(median(click))}", f"{ratio:.2f}",
        "3 x", ratio <= 3,
    )  # fmt: skip


def _bare(setup: Setup, rows: int) -> float:
    """Seconds of the bare query alone, without its process."""
    made = processes.run([sys.executable, "-c", BARE, bill(setup.data, rows)], setup.work)
    return float(made.out)


def cold(setup: Setup) -> Iterator[Figure]:
    """A first plan of twenty rules; its peak memory; and the same with a limit."""
    workspace = setup.workspace("cold", None)
    bare: list[float] = []
    runs: list[Run] = []
    for _ in range(setup.times):
        bare.append(_bare(setup, setup.rows))
        runs.append(workspace.cold_plan())
        check_added(runs[-1].plan(), _entries(workspace), all_move=setup.all_must_move())
    query, ours = statistics.median(bare), median(runs)
    bar = 1.5 * query + 1
    yield Figure(
        f"cold plan, {setup.rows:,} rows, 20 rules", seconds(ours), f"bare query {seconds(query)}",
        f"{ours / query:.2f}", f"1.5 x + 1 s = {seconds(bar)}", ours <= bar,
    )  # fmt: skip
    peak = max(each.peak_bytes for each in runs) / GIBIBYTE
    yield Figure("its peak memory", f"{peak:.2f} GiB", "", "", "2 GiB", peak <= 2)
    limited = setup.workspace("limited", None, settings="memory_limit: 1GiB\n")
    run = limited.plan()
    check_same(run.plan(), runs[0].plan())
    yield Figure(
        "the same with `memory_limit: 1GiB`", f"{seconds(run.seconds)}, {run.peak_bytes / GIBIBYTE:.2f} GiB", "", "",
        "ends, same result", True,
    )  # fmt: skip


def _entries(workspace: Workspace) -> list[str]:
    return allocation_ids(workspace.folder)


def nothing(setup: Setup) -> Iterator[Figure]:
    """A plan after an apply, with nothing changed."""
    workspace = setup.workspace("nothing", None)
    workspace.apply()
    runs = [workspace.plan() for _ in range(max(setup.times, 3))]
    check_nothing(runs[-1].plan())
    ours = median(runs)
    yield Figure(f"plan without changes, {setup.rows:,} rows", seconds(ours), "", "", "0.5 s", ours <= 0.5)


@dataclass(frozen=True, slots=True)
class Edit:
    """One kind of edit of the 300 rules."""

    name: str
    what: str
    choose: Callable[[RuleSet], frozenset[str]]
    percent_of_cold: int
    seconds: float | None


EDITS = (
    Edit("one", "one edited, reaching at most 10 % of the cells", RuleSet.one, 10, 2.0),
    Edit("upstream", "one edited upstream of most bases", RuleSet.upstream, 60, None),
    Edit("twenty", "twenty edited", lambda rules: rules.spread(20), 60, None),
)


def warm(setup: Setup) -> Iterator[Figure]:
    """Plans of edits among 300 rules, each beside the same plan with nothing in the cache."""
    rules = rule_set(300)
    workspace = _applied_rules(setup, rules, setup.rows)
    for edit in EDITS:
        edited = edit.choose(rules)
        workspace.write_rules(rules, edited)

        def warm_plan() -> Run:
            workspace.restore_cache()
            return workspace.plan()

        ours, without = several(setup.times, warm_plan, workspace.cold_plan)
        for each in (ours[-1].plan(), without[-1].plan()):
            check_edited(each, edited)
        check_same(ours[-1].plan(), without[-1].plan())
        percent = 100 * median(ours) / median(without)
        met = percent <= edit.percent_of_cold and (edit.seconds is None or median(ours) <= edit.seconds)
        bar = f"{edit.percent_of_cold} %" + (f" and {edit.seconds:g} s" if edit.seconds else "")
        yield Figure(
            f"warm plan, 300 rules, {edit.what}", seconds(median(ours)), f"cold {seconds(median(without))}",
            f"{percent:.0f} %", bar, met,
        )  # fmt: skip
    yield from _reach(setup, rules)


def _applied_rules(setup: Setup, rules: RuleSet, rows: int) -> Workspace:
    """A workspace with an applied rule set, its cache put aside."""
    workspace = setup.workspace(f"applied-{len(rules.rules)}-{rows}", rules, rows)
    check_added(workspace.plan().plan(), [each.id for each in rules.rules], all_move=setup.all_must_move(rows))
    workspace.apply()
    workspace.keep_cache()
    return workspace


def _reach(setup: Setup, rules: RuleSet) -> Iterator[Figure]:
    """How far the edits of the warm plans reach."""
    (one,) = (each for each in rules.rules if each.id in rules.one())
    query = f"""
import duckdb
duckdb.execute("SET enable_progress_bar = false")
print(duckdb.execute('''SELECT 100 * count(*) FILTER (ServiceName = '{one.service}') / count(*) FROM (
    SELECT DISTINCT CAST(ChargePeriodStart AS DATE), BillingCurrency, ServiceName, RegionId, SubAccountId, Tags
    FROM read_parquet('{bill(setup.data, setup.rows)}/bill/**/*.parquet'))''').fetchone()[0])"""
    percent = float(processes.run([sys.executable, "-c", query], setup.work).out)
    check(percent <= 10, f"{one.id} reaches {percent:.1f} % of the cells")
    yield Figure(f"cells of {one.service}, all that `{one.id}` can reach", f"{percent:.1f} %", "", "", "10 %", None)
    resting = f"{rules.resting_on_compute()} of {rules.with_basis()} rules with a basis in cost"
    (upstream,) = rules.upstream()
    yield Figure(f"rules weighed by what `{upstream}` puts out", resting, "", "", "most", None)


def month(setup: Setup) -> Iterator[Figure]:
    """A plan when the bill has one month more, beside the same plan with nothing in the cache."""
    workspace, third = _two_months(setup, setup.rows)

    def warm_plan() -> Run:
        workspace.restore_cache()
        return workspace.plan()

    third()
    ours, without = several(setup.times, warm_plan, workspace.cold_plan)
    check_month_added(ours[-1].plan(), without[-1].plan())
    percent = 100 * median(ours) / median(without)
    yield Figure(
        "plan, one added month of three, 20 rules", seconds(median(ours)), f"cold {seconds(median(without))}",
        f"{percent:.0f} %", "45 %", percent <= 45,
    )  # fmt: skip


def _two_months(setup: Setup, rows: int) -> tuple[Workspace, Callable[[], None]]:
    """A workspace with an applied version of two months, and what adds the third."""
    whole = bill(setup.data, rows)
    own = setup.work / f"months-bill-{rows}"
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(whole, own)
    (last,) = sorted((own / "bill").iterdir())[2:]
    aside = own / last.name
    last.rename(aside)
    folder = setup.work / f"months-{rows}"
    shutil.rmtree(folder, ignore_errors=True)
    workspace = make_workspace(folder, own, None)
    workspace.apply()
    workspace.keep_cache()

    def add() -> None:
        aside.rename(last)

    return workspace, add


def full(setup: Setup) -> Iterator[Figure]:
    """At a size where that is quick: every kind of plan, with what is remembered and with `--full`."""
    rows = min(setup.rows, CHECKED_ROWS)
    workspace, add_month = _two_months(setup, rows)
    add_month()
    check_same(workspace.plan().plan(), workspace.plan("--full").plan())
    count = 1
    rules = rule_set(300)
    workspace = _applied_rules(setup, rules, rows)
    for edit in EDITS:
        workspace.write_rules(rules, edit.choose(rules))
        workspace.restore_cache()
        check_same(workspace.plan().plan(), workspace.plan("--full").plan())
        count += 1
    yield Figure(f"digests at {rows:,} rows, warm and `--full`", f"{count} pairs equal", "", "", "equal", True)


def sizes(setup: Setup) -> Iterator[Figure]:
    """Cold plans of twenty rules on bills of several sizes."""
    all_rows = [setup.rows // 10, setup.rows] + ([] if setup.quick else [setup.rows * 5])
    per_row: list[float] = []
    for rows in all_rows:
        workspace = setup.workspace(f"size-{rows}", None, rows)
        runs = [workspace.cold_plan() for _ in range(setup.times if rows <= setup.rows else 1)]
        check_added(runs[-1].plan(), _entries(workspace), all_move=setup.all_must_move(rows))
        per_row.append(median(runs) / rows * 1e6)
        peak = max(each.peak_bytes for each in runs) / GIBIBYTE
        rise = 100 * (per_row[-1] / per_row[-2] - 1) if len(per_row) > 1 else 0.0
        yield Figure(
            f"cold plan, {rows:,} rows", f"{seconds(median(runs))}, {peak:.2f} GiB", f"{per_row[-1]:.2f} us per row",
            f"{rise:+.0f} %" if len(per_row) > 1 else "", "+20 % per row", rise <= 20 if len(per_row) > 1 else None,
        )  # fmt: skip


def many(setup: Setup) -> Iterator[Figure]:
    """First plans of 10, 100 and 1,000 rules, cells in the cache: what a row that rules put out costs more."""
    before: tuple[float, int] | None = None
    for count in (10, 100) if setup.quick else (10, 100, 1000):
        rules = rule_set(count)
        workspace = setup.workspace(f"many-{count}", rules)
        check_added(workspace.plan().plan(), [each.id for each in rules.rules], all_move=setup.all_must_move())
        runs = []
        for _ in range(setup.times):
            shutil.rmtree(workspace.folder / ".costops" / "cache" / "evaluations", ignore_errors=True)
            runs.append(workspace.plan())
        workspace.apply()
        rows = workspace.allocated_rows()
        each = (median(runs) - before[0]) / (rows - before[1]) * 1e6 if before else None
        yield Figure(
            f"plan of {count:,} added rules, cells in the cache", seconds(median(runs)), f"{rows:,} rows made",
            "" if each is None else f"{each:.2f} us per row more", "3 us", None if each is None else each <= 3,
        )  # fmt: skip
        before = (median(runs), rows)


def _yardstick(name: str, bar: float) -> Callable[[Setup], Iterator[Figure]]:
    def measure(setup: Setup) -> Iterator[Figure]:
        workspace = setup.workspace(f"beside-{name}", None)
        python = python_of(name, setup.data)
        theirs_ledger = setup.work / f"{name}.parquet"
        command = [python, YARDSTICKS / f"{name}_script.py", bill(setup.data, setup.rows), theirs_ledger]
        ours, theirs = several(setup.times, workspace.cold_plan, lambda: processes.run(command, setup.work))
        check_added(ours[-1].plan(), _entries(workspace), all_move=setup.all_must_move())
        apart = compare(_ledger_of_twenty(setup), theirs_ledger, _entries(workspace))
        check(apart.largest_difference <= TOLERANCE, f"{name} differs by {apart.largest_difference}")
        ratio = median(theirs) / median(ours)
        yield Figure(
            f"20 rules as {name}; {apart.rows:,} rows equal within {apart.largest_difference:.0e}",
            seconds(median(ours)), f"{name} {seconds(median(theirs))}", f"{ratio:.1f} x", f"{bar:g} x", ratio >= bar,
        )  # fmt: skip

    return measure


def _ledger_of_twenty(setup: Setup) -> Path:
    """The ledger of the twenty rules as costops applied it, made once for all yardsticks."""
    file = setup.work / "ledger-of-twenty.csv"
    if not file.exists():
        workspace = setup.workspace("ledger-of-twenty", None)
        workspace.apply()
        workspace.ledger(file)
    return file


MEASURES: dict[str, Callable[[Setup], Iterator[Figure]]] = {
    "help": start,
    "cold": cold,
    "nothing": nothing,
    "month": month,
    "pandas": _yardstick("pandas", 10),
    "polars": _yardstick("polars", 2),
    "sql": _yardstick("sql", 1),
    "sqlmesh": _yardstick("sqlmesh", 2),
    "warm": warm,
    "sizes": sizes,
    "many": many,
    "full": full,
}
"""Every measurement by its name, in the order of the table."""
