"""How fast costops is beside its yardsticks; prints a table and keeps it in README.md if asked.

Usage: python benchmarks/bars.py [--rows N] [--times N] [--quick] [--only NAME,...] [--data DIR] [--write]
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from measures import MEASURES, TOLERANCE, Figure, Setup
from yardsticks.prepare import versions

README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
HEADINGS = ("what", "costops", "beside", "ratio", "bar", "met")
QUICK_ROWS, ROWS = 1_000_000, 10_000_000


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, help=f"charge rows of the bill, by default {ROWS:,}, or {QUICK_ROWS:,} with --quick"
    )
    parser.add_argument(
        "--times", type=int, help="runs of each process, of which the median counts: 3, or 1 with --quick"
    )
    parser.add_argument("--quick", action="store_true", help="a small bill once, without 5 x the rows and 1,000 rules")
    parser.add_argument("--only", default=",".join(MEASURES), metavar="NAME,...", help=f"of {', '.join(MEASURES)}")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep bills and environments here for the next time")
    parser.add_argument("--write", action="store_true", help="put the table into benchmarks/README.md")
    given = parser.parse_args()
    given.names = given.only.split(",")
    if unknown := [name for name in given.names if name not in MEASURES]:
        parser.error(f"no measurement is called {', '.join(unknown)}; there are {', '.join(MEASURES)}")
    given.rows = given.rows or (QUICK_ROWS if given.quick else ROWS)
    given.times = given.times or (1 if given.quick else 3)
    return given


def measured(setup: Setup, names: list[str]) -> tuple[list[Figure], list[str]]:
    """Every figure, and what went wrong; each figure is printed when it is there."""
    figures, failures = [], []
    for name in names:
        try:
            for figure in MEASURES[name](setup):
                figures.append(figure)
                print(line(cells(figure)), flush=True)
        except Exception as error:
            traceback.print_exc()
            failures.append(f"{name}: {error}")
    return figures, failures


def cells(figure: Figure) -> tuple[str, ...]:
    """A figure as the cells of its row."""
    met = {True: "yes", False: "no", None: ""}[figure.met]
    return figure.what, figure.figure, figure.yardstick, figure.ratio, figure.bar, met


def line(parts: tuple[str, ...]) -> str:
    """A row of the table."""
    return f"| {' | '.join(parts)} |"


def heading(setup: Setup) -> str:
    """Machine, versions, date and what the ratios are of."""
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{when}: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, costops {version('costops')}, duckdb {version('duckdb')}; beside "
        f"{versions()}.\nWhole processes on {setup.rows:,} rows, medians of {setup.times}; what is compared took "
        f"turns. Yardsticks count with floats: equal is within {TOLERANCE:g} of a unit of currency in every amount.\n"
    )


def write(text: str) -> None:
    """Put the table between the marks in README.md."""
    before, rest = README.read_text().split(BEGIN)
    after = rest.split(END)[1]
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def main() -> int:
    """Measure, print, keep; 1 where something went wrong, 0 also where a bar is not met."""
    given = arguments()
    # Ended from outside, it ends its process and removes its folder as well.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with tempfile.TemporaryDirectory(prefix="costops-bars-") as name:
        data = (given.data or Path(name)).resolve()
        data.mkdir(parents=True, exist_ok=True)
        setup = Setup(data, Path(name).resolve(), given.rows, given.times, given.quick)
        table = [line(HEADINGS), line(tuple("---" for _ in HEADINGS))]
        text = heading(setup)
        print(text + "\n" + "\n".join(table), flush=True)
        figures, failures = measured(setup, given.names)
    table += [line(cells(figure)) for figure in figures]
    judged = [figure for figure in figures if figure.met is not None]
    table.append(f"\n{sum(bool(each.met) for each in judged)} of {len(judged)} bars met.")
    table += [f"\nWent wrong: {failure}" for failure in failures]
    print("\n".join(table[2 + len(figures) :]))
    if given.write:
        write(f"{text}\n" + "\n".join(table))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
