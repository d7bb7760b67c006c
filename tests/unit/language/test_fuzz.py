"""Whatever stands in a file, reading and checking it ends soon, in little memory, and with problems, never a traceback.

COSTOPS_THOROUGH=1 takes 50,000 inputs instead of 500, from a seed of its own that the test's failure names;
COSTOPS_THOROUGH_SEED repeats one.
"""

from __future__ import annotations

import os
import random
import resource
import sys
import time
from pathlib import Path

import pytest
from fuzzing import any_input, structured_settings

from costops.config import load_settings
from costops.errors import CostopsError, InvalidRulesError
from costops.language.canonical import rules_digest
from costops.language.check import check
from costops.language.files import LoadedRules, load_rules
from costops.model.diagnostic import Diagnostic, Severity
from costops.render.diagnostics import diagnostics_text

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
FIRST_SEED = int(os.environ.get("COSTOPS_THOROUGH_SEED") or (random.randrange(2**32) if THOROUGH else 0))
INPUTS = 50_000 if THOROUGH else 500
LONGEST_SECONDS = 2.0
MOST_BYTES = 300 << 20


def looked_at(folder: Path, data: bytes) -> tuple[LoadedRules, tuple[Diagnostic, ...]]:
    (folder / "rules" / "a.yaml").write_bytes(data)
    loaded = load_rules(folder / "rules", folder)
    checked = check(
        loaded.rules,
        report=("ServiceName",),
        known_columns=None,
        metric_sources=frozenset({"warehouse"}),
        broken=loaded.broken,
        complete=loaded.complete,
    )
    return loaded, (*loaded.diagnostics, *checked)


def settings_problems(folder: Path, data: bytes) -> tuple[Diagnostic, ...]:
    (folder / "costops.yaml").write_bytes(data)
    try:
        return load_settings(folder).diagnostics
    except InvalidRulesError as error:
        return error.diagnostics
    except CostopsError:
        return ()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "teams.csv").write_text("team,unit\ncheckout,retail\n")
    (tmp_path / ".git").mkdir()
    return tmp_path


def test_no_input_ends_in_a_traceback_or_takes_long(folder: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    valid = refused = 0
    longest = (0.0, 0)
    for seed in range(FIRST_SEED, FIRST_SEED + INPUTS):
        chance = random.Random(seed)
        data = any_input(chance)
        started = time.process_time()
        try:
            loaded, found = looked_at(folder, data)
            shown = diagnostics_text(found, loaded.texts)
            errors = [each for each in found if each.severity is Severity.ERROR]
            if not errors:
                rules_digest(loaded.rules)
            if chance.random() < 0.2:
                found += settings_problems(folder, data)
                found += settings_problems(folder, structured_settings(chance).encode())
        except Exception as error:
            raise AssertionError(f"seed {seed}: {type(error).__name__} of {data[:2000]!r}") from error
        longest = max(longest, (time.process_time() - started, seed))
        assert all(each.span is not None and each.span.line > 0 for each in errors), f"seed {seed}: a place is missing"
        assert shown.isprintable() or "\x1b" not in shown, f"seed {seed}: control characters reach the screen"
        valid += not errors
        refused += bool(errors)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    told = f"{valid} valid, {refused} refused, longest {longest[0]:.2f} s (seed {longest[1]}), {grown >> 20} MiB more"
    sys.stderr.write(f"{told}\n")
    assert longest[0] < LONGEST_SECONDS, f"seed {longest[1]} took {longest[0]:.1f} s"
    assert grown < MOST_BYTES
    assert valid > INPUTS // 50
    assert refused > INPUTS // 2
