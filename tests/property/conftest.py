"""How many examples each property is tried on: 100 fixed ones, or 5,000 with COSTOPS_THOROUGH=1.

They are drawn in turns of ten, each turn from its own seed: hypothesis varies its first ten examples and mostly repeats
parts of them later. A thorough run starts from a random seed, printed in the header; COSTOPS_THOROUGH_SEED repeats one,
and COSTOPS_EXAMPLES changes the number of examples.
"""

from __future__ import annotations

import os
import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

THOROUGH = os.environ.get("COSTOPS_THOROUGH") == "1"
EVERY_TIME: dict[str, Any] = {
    "max_examples": 10,
    "database": None,
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large],
}

if THOROUGH:
    # The environment carries the seed to the processes that run the tests side by side.
    os.environ.setdefault("COSTOPS_THOROUGH_SEED", str(random.randrange(2**32)))

else:
    # hypothesis also draws the constants of the modules that happen to be loaded, which depends on the tests before: a
    # fixed seed would not be a fixed example.
    providers._get_local_constants = lambda: providers._local_constants

settings.register_profile("ci", derandomize=True, **EVERY_TIME)
settings.register_profile("thorough", print_blob=True, **EVERY_TIME)
settings.load_profile("thorough" if THOROUGH else "ci")


def pytest_report_header() -> str:
    """Says which examples are drawn."""
    return f"property tests: {'thorough, seed ' + os.environ['COSTOPS_THOROUGH_SEED'] if THOROUGH else 'fixed seeds'}"
