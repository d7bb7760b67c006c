"""Rule files and sums for the tests of traps and seeds.

Invariant: every ledger that `exact` gives has been compared with the oracle's.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from workbench import PICOS, Case, assert_same, evaluated, expected, load, totals, write

from costops.model.ledger import Ledger
from costops.money import round_from_top
from costops.workspace import open_workspace

CENT = 10**10

LABELS = """
labels:
  - {id: team, from: [Tags.team]}
  - {id: env, from: [Tags.env]}
"""


def exact(case: Case, folder: Path) -> Ledger:
    """The ledger of a case; of its rules as they stand in the folder, without a plan."""
    write(case, folder)
    ledger = evaluated(folder)
    assert_same(ledger, expected(case, load(folder)))
    return ledger


def of(ledger: Ledger, service: str, *names: str, column: str = "EffectiveCost") -> dict[Any, Fraction]:
    """What became of one service's cost, by one name or by several together; ServiceName must be reported."""
    found: dict[Any, Fraction] = {}
    for (its_service, *key), value in totals(ledger, "ServiceName", *names, column=column).items():
        if its_service == service:
            found[key[0] if len(names) == 1 else tuple(key)] = value
    return found


def allocated(ledger: Ledger, *names: str, column: str = "EffectiveCost") -> dict[Any, Fraction]:
    """What any rule has given, by one name or by several together."""
    found: dict[Any, Fraction] = defaultdict(Fraction)
    for (path, *key), value in totals(ledger, "path", *names, column=column).items():
        if path:
            found[key[0] if len(names) == 1 else tuple(key)] += value
    return dict(found)


def cents(parts: dict[Any, Fraction], quantum_picos: int = CENT) -> dict[Any, int]:
    """Exact parts as whole cents that add up to their rounded total."""
    named = [(str(name), int(value * PICOS)) for name, value in parts.items()]
    return dict(zip(parts, round_from_top(named, quantum_picos), strict=True))


def refused(case: Case, folder: Path) -> list[tuple[str, str]]:
    """(code, message) of every error in a case's files."""
    write(case, folder)
    with open_workspace(folder, environment={}) as workspace:
        return [(each.code, each.message) for each in workspace.validate().diagnostics if each.is_error]
