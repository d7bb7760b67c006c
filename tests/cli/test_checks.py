"""Checks of costops.yaml on the command line: what is told, what is refused, and with which exit code."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commands import costops
from cli.saved import document, state

FAILING = "{max_moved_percent: 1, of: env}"


def with_checks(folder: Path, *checks: str) -> None:
    settings = folder / "costops.yaml"
    # It is written as JSON, which YAML is too.
    written = settings.read_text().rstrip().removesuffix("}")
    settings.write_text(f'{written}, "checks": [{", ".join(checks)}]}}\n')


def test_a_failed_check_is_4_and_beats_2(folder: Path) -> None:
    with_checks(folder, FAILING)
    done = costops(folder, "plan", "--detailed-exitcode")
    assert done.code == 4
    assert "max_moved_percent: 1 of env" in done.out
    assert costops(folder, "plan", "--format", "json").code == 4


def test_apply_shows_the_plan_and_writes_nothing(folder: Path) -> None:
    with_checks(folder, FAILING)
    before = state(folder)
    digest = document(folder)["plan_digest"]
    for arguments in (("--auto-approve",), ("plan.json",), ("--digest", digest)):
        done = costops(folder, "apply", *arguments)
        assert done.code == 4, arguments
        assert f"Plan digest {digest}" in done.out
        assert "1 check failed: max_moved_percent: 1 of env; nothing was written" in done.err
        assert "override" in done.err
        assert state(folder) == before


@pytest.mark.parametrize(
    "check",
    [
        "{max_moved_percent: 100, of: env}",
        "{max_moved_percent: 1, of: env, severity: warn}",
        "{max_moved_percent: 1, of: env, override: {reason: agreed, until: 2999-12-31}}",
    ],
)
def test_what_passes_is_told_or_overridden_changes_no_exit_code(folder: Path, check: str) -> None:
    with_checks(folder, check)
    assert costops(folder, "plan", "--detailed-exitcode").code == 2
    done = costops(folder, "apply", "plan.json")
    assert (done.code, done.out.splitlines()[-1]) == (0, "Applied as version 2."), done.err


def test_a_plan_saved_without_checks_is_held_against_those_of_now_and_the_other_way_round(folder: Path) -> None:
    assert document(folder)["checks"] == []
    settings = (folder / "costops.yaml").read_text()
    with_checks(folder, FAILING)
    assert costops(folder, "plan", "--out", "guarded.json").code == 4
    assert costops(folder, "apply", "guarded.json").code == 4
    (folder / "costops.yaml").write_text(settings)
    assert costops(folder, "apply", "guarded.json").code == 0


def test_a_plan_of_no_changes_is_checked_too(folder: Path) -> None:
    assert costops(folder, "apply", "plan.json").code == 0
    with_checks(folder, "{max_unallocated: 0, currency: USD, of: unit}", "{max_moved_percent: 1, of: env}")
    done = costops(folder, "plan")
    assert done.code == 4
    assert costops(folder, "apply", "--auto-approve").code == 4


def test_a_mistake_in_a_check_is_3(folder: Path) -> None:
    with_checks(folder, "{max_moved_percent: 1, of: tema}")
    done = costops(folder, "plan")
    assert done.code == 3
    assert "CO607" in done.err
