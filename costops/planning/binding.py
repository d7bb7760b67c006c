"""The plan digest: one number for everything that a reviewed plan promises.

Invariant: it depends on the state, the rules' meaning, the settings, the usage numbers, the bill and the result; not on
commit, time, path or machine, so that another machine finds the same one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

from costops.model.version import Base


def plan_digest(
    base: Base,
    *,
    rules_digest: str,
    settings: str,
    metrics_digest: str,
    bill_digest: str,
    result_digest: str,
    restated: Sequence[str] = (),
) -> str:
    """sha256 in hexadecimal; `settings` is their canonical JSON, `restated` closed months that are written anew."""
    bound: dict[str, object] = {
        "base": [base.lineage, base.serial, base.version],
        "bill": bill_digest,
        "metrics": metrics_digest,
        "result": result_digest,
        "rules": rules_digest,
        "settings": settings,
    }
    if restated:
        bound["restated"] = list(restated)
    return hashlib.sha256(json.dumps(bound, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
