"""Usage numbers that go with the demo bill, as CSV text.

Invariant: every day of the bill and of the month before it (refunds lie there) has records of every metric.
"""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from costops.demo.catalog import TEAMS
from costops.demo.noise import draw, key

ONLY_IN_METRIC = "legacy-crm"
"""A team that queries the shared databases and has no cost of its own."""

_ENVIRONMENTS: tuple[tuple[str, int], ...] = (("prod", 100), ("stg", 14), ("dev", 8), ("qa", 5))
_HOSTS: tuple[tuple[str, int], ...] = (("production", 46), ("stg", 12), ("dev", 6), ("qa", 3))


def usage_lines(months: Sequence[str], seed: int) -> Iterator[str]:
    """The lines of usage.csv for billing months `YYYY-MM`, header first, each ending in a newline."""
    yield "date,metric,tags,value\n"
    first = date.fromisoformat(f"{min(months)}-01")
    last = date.fromisoformat(f"{max(months)}-01")
    # Every database stands still for a day: the thirteenth of the middle month.
    still = date.fromisoformat(f"{sorted(months)[len(months) // 2]}-13")
    day = (first - timedelta(days=1)).replace(day=1)
    end = last + timedelta(days=calendar.monthrange(last.year, last.month)[1])
    while day < end:
        yield from _database_lines(day, seed, is_still=day == still)
        yield from _host_lines(day, seed)
        day += timedelta(days=1)


def _database_lines(day: date, seed: int, *, is_still: bool) -> Iterator[str]:
    stream = key("db_query_seconds", seed)
    teams = [*TEAMS, (ONLY_IN_METRIC, 2)]
    for team_number, (team, weight) in enumerate(teams):
        for environment_number, (environment, share) in enumerate(_ENVIRONMENTS):
            mixed = draw(day.toordinal() * 1000 + team_number * 10 + environment_number, stream)
            tenths = 0 if is_still else weight * share * (700 + mixed % 601) // 10
            spelled = team.title() if mixed % 7 == 0 and team != ONLY_IN_METRIC else team
            yield _line(day, "db_query_seconds", {"team": spelled, "environment": environment}, tenths)


def _host_lines(day: date, seed: int) -> Iterator[str]:
    stream = key("datadog_hosts", seed)
    for number, (environment, hosts) in enumerate(_HOSTS):
        grown = hosts * 10 + draw(day.toordinal() * 10 + number, stream) % 4 * 10
        yield _line(day, "datadog_hosts", {"environment": environment}, grown)


def _line(day: date, metric: str, tags: dict[str, str], tenths: int) -> str:
    quoted = json.dumps(tags, ensure_ascii=False).replace('"', '""')
    return f'{day.isoformat()},{metric},"{quoted}",{tenths // 10}.{tenths % 10}\n'
