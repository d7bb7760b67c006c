"""Where the time went, and every statement: told on stderr to who asks, and to nobody else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli.commands import costops
from workbench import Case, charge, write

RULES = """\
labels:
  - {id: env, from: Tags.env}
allocations:
  - {id: support, source: {where: {ServiceName: Support}}, method: even, to: {dimension: env}}
  - {id: tax, source: {where: {ServiceName: Tax}}, method: proportional, to: {dimension: env}}
"""
ROW = re.compile(r"^ *([0-9]+\.[0-9]{2}) +([0-9]+\.[0-9]) % +(?:([0-9]+\.[0-9]{2}) )? *(\S.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace of which nothing was applied."""
    bill = [
        charge("EC2", "10", env="production"), charge("EC2", "5", env="staging"), charge("Support", "5"),
        charge("Tax", "1"),
    ]  # fmt: skip
    return write(Case(RULES, bill, report=("env",)), tmp_path_factory.mktemp("profile"))


def test_a_profile_names_each_stage_and_rule_and_its_shares_add_up(place: Path) -> None:
    silent = costops(place, "plan")
    told = costops(place, "plan", "--full", "--profile")
    assert (told.code, told.out) == (0, silent.out)
    assert told.err.startswith(silent.err)
    lines = told.err.removeprefix(silent.err)
    whole = re.search(r"^Where the time went: ([0-9.]+) s, of which ([0-9.]+) s in ([0-9]+) statements", lines, re.M)
    assert whole is not None
    rows = {words: (float(seconds), float(share)) for seconds, share, _, words in ROW.findall(lines)}
    in_order = [
        "starting",
        "looking at the bill's files",
        "reading the rule files",
        "reading cloud, 1 file, first pass",
        "evaluating rules, 2 times",
        "making the plan",
        "showing the plan",
    ]
    assert [words for words in rows if words in in_order] == in_order
    assert {"support", "tax"} <= set(rows)
    stages = {words: row for words, row in rows.items() if words not in ("support", "tax")}
    assert sum(seconds for seconds, _ in stages.values()) == pytest.approx(float(whole[1]), abs=0.005 * len(stages))
    assert sum(share for _, share in stages.values()) == pytest.approx(100, abs=0.05 * len(stages))
    assert 0 < float(whole[2]) < float(whole[1])
    assert int(whole[3]) > 20
    assert "Taken from the cache: rule files 1 of 1" in lines


def test_a_profile_of_json_leaves_stdout_a_document(place: Path) -> None:
    assert costops(place, "plan", "--format", "json", "--profile").out == costops(place, "plan", "--format", "json").out


@pytest.mark.parametrize(
    "arguments", [("plan", "-v"), ("plan", "--verbose"), ("validate", "-v"), ("apply", "--auto-approve", "-v")]
)
def test_every_statement_is_told_below_its_stage(place: Path, arguments: tuple[str, ...]) -> None:
    silent = costops(place, *(each for each in arguments if each not in ("-v", "--verbose")))
    state = place / "state" / "costops.db"
    state.unlink(missing_ok=True)
    costops(place, "cache", "--clear")
    told = costops(place, *arguments)
    state.unlink(missing_ok=True)
    assert (told.code, told.out) == (silent.code, silent.out)
    lines = told.err.splitlines()
    first_pass = lines.index("-- reading cloud, 1 file, first pass")
    assert re.fullmatch(r"-- [0-9]+\.[0-9]{3} s(, [0-9,]+ rows?)?(, parameters .*)?", lines[first_pass + 1])
    assert lines[first_pass + 2].startswith(("CREATE ", "SELECT "))
    assert "-- evaluating rule 2 of 2 (tax)" in lines
    timed = [number for number, line in enumerate(lines) if re.match(r"-- [0-9]+\.[0-9]{3} s", line)]
    assert all(lines[number + 1].endswith(";") for number in timed)
    assert len(timed) > 20


def test_without_the_options_nothing_is_told(place: Path) -> None:
    done = costops(place, "plan")
    assert "--" not in done.err
    assert "Where the time went" not in done.err
