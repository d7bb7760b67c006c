"""Digests of what the store keeps: revisions by their content, versions by everything before them.

Invariant: a version's hash covers its own row, its rules in order, its days and its months, and through `previous_hash`
every version before it; the chain starts at the lineage. So a change of any stored content breaks a hash or a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

StoredValue = str | int | None
"""What SQLite keeps in one column of a version."""


def revision_digest(kind: str, rule_id: str, canonical: str, text: str) -> str:
    """sha256 of one rule as it was applied; its place in the files is kept apart, so that it may move."""
    return _sha256(_json([kind, rule_id, canonical, text]))


def chain_start(lineage: str, created_at: str) -> str:
    """`previous_hash` of the first version."""
    return _sha256(_json({"created_at": created_at, "lineage": lineage}))


def version_hash(
    previous_hash: str,
    row: Mapping[str, StoredValue],
    rules: Iterable[Sequence[StoredValue]],
    blocks: Iterable[Sequence[StoredValue]],
    months: Iterable[Sequence[StoredValue]],
) -> str:
    """sha256 of a version and all before it.

    `row` is the stored row without its two hashes, `rules` (position, kind, id, revision, file, line) in order,
    `blocks` (billing month, day, block digest) in order, `months` (billing month, digest, digest of the sums) in order;
    versions of older schemas have no months.
    """
    lines = [previous_hash, _json(dict(row))]
    lines += [_json(["rule", *rule]) for rule in rules]
    lines += [_json(["block", *block]) for block in blocks]
    lines += [_json(["month", *month]) for month in months]
    return _sha256("\n".join(lines))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
